"""What becomes public: which events become leaves, and what each leaf says.

May decide: the public half of an event, in closed words, and which details its commitment hides. This is the one
place in the ledger that knows other stages. No leaf holds anything a person chose, and none names content, a hash or
a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tidegate.appeal.model import AppealDecided, AppealOpened, Outcome
from tidegate.case.model import Reason as CaseReason
from tidegate.content.model import Content
from tidegate.decision.model import Decision, DecisionIssued, DecisionReversed
from tidegate.kernel.canonical import Json
from tidegate.kernel.event import Event
from tidegate.kernel.ids import ContentId, Id
from tidegate.ledger.entry import Basis, DecidedBy, Ground, LeafContent, LeafKind, Measure
from tidegate.signal.model import SignalConfirmed, SignalWithdrawn
from tidegate.verdict.model import HoldLapsed, HoldReleased, VerdictGiven, VerdictKind

#: What may have restricted a content, newest first: a leaf that ends or contests a restriction cites one of these.
RESTRICTIONS = (LeafKind.REMOVAL, LeafKind.HOLD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A leaf before it has an id, a day and a commitment. ``about`` finds it again; ``cites`` is found by it."""

    kind: LeafKind
    about: Id
    content: ContentId | None = None
    content_kind: LeafContent = LeafContent.NONE
    measure: Measure = Measure.NONE
    basis: Basis = Basis.NONE
    ground: Ground = Ground.NONE
    decided_by: DecidedBy = DecidedBy.NONE
    #: The newest leaf about the same thing of one of these kinds.
    cites: tuple[LeafKind, ...] = ()
    of_account: bool = False
    details: dict[str, Json] = field(default_factory=dict)


_BASIS = {
    CaseReason.EXACT_MATCH: Basis.EXACT_MATCH,
    CaseReason.LOOK_ALIKE: Basis.LOOK_ALIKE,
    CaseReason.DECIDED_BEFORE: Basis.DECIDED_BEFORE,
    CaseReason.FLAG: Basis.FLAG,
    CaseReason.UNCHECKED: Basis.OWN_FINDING,
    CaseReason.SIGNAL_WITHDRAWN: Basis.WITHDRAWN_SIGNAL,
}


def of_verdict(happened: VerdictGiven, content: Content) -> list[Draft]:
    """Publish a hold; other verdicts restrict nothing and are tallied."""
    if happened.verdict is not VerdictKind.HOLD:
        return []
    assert happened.reason is not None
    return [
        _about(
            happened,
            content,
            LeafKind.HOLD,
            measure=Measure.HOLD,
            basis=Basis(happened.reason),
            decided_by=DecidedBy.MACHINE,
            until=happened.held_until.isoformat() if happened.held_until else None,
        )
    ]


def of_lapse(happened: HoldLapsed, content: Content) -> list[Draft]:
    """Publish that nobody decided in time."""
    return [_about(happened, content, LeafKind.LAPSED, basis=Basis.TIME_LIMIT, cites=(LeafKind.HOLD,))]


def of_release(happened: HoldReleased, content: Content, people: int) -> list[Draft]:
    """Publish that people let a held content go."""
    by_appeal = happened.appeal is not None
    return [
        _about(
            happened,
            content,
            LeafKind.RELEASED,
            measure=Measure.RESTORE,
            basis=Basis.APPEAL if by_appeal else Basis.OWN_FINDING,
            decided_by=DecidedBy.OTHER_PEOPLE if by_appeal else decided_by(people),
            cites=(LeafKind.HOLD,),
        )
    ]


def of_decision(happened: DecisionIssued, contents: Sequence[Content]) -> list[Draft]:
    """Publish a removal for each content, and a measure on the account where there is one."""
    drafts = []
    for content in contents if happened.measure.restricts else ():
        removal = _about(
            happened,
            content,
            LeafKind.REMOVAL,
            measure=Measure.REMOVE,
            basis=_BASIS[happened.reason],
            ground=Ground(happened.ground) if happened.ground else Ground.NONE,
            decided_by=decided_by(happened.people),
            decision=str(happened.decision),
            provision=str(happened.provision),
            label=str(happened.label),
            exempt=str(happened.exempt),
        )
        drafts.append(removal)
        if happened.measure.on_account:
            drafts.append(_on_account(removal, Measure(happened.measure)))
    return drafts


def of_second_look(happened: DecisionIssued, content: Content) -> list[Draft]:
    """Publish that people looked again at what was removed and let it stay up."""
    return [
        _about(
            happened,
            content,
            LeafKind.RESTORATION,
            measure=Measure.RESTORE,
            basis=_BASIS[happened.reason],
            decided_by=decided_by(happened.people),
            cites=(LeafKind.REMOVAL,),
            decision=str(happened.decision),
        )
    ]


def of_reversal(happened: DecisionReversed, contents: Sequence[Content], decision: Decision) -> list[Draft]:
    """Publish each restoration, citing what it reverses; nothing is ever subtracted."""
    drafts = []
    for content in contents:
        restoration = _about(
            happened,
            content,
            LeafKind.RESTORATION,
            measure=Measure.RESTORE,
            basis=Basis.APPEAL,
            decided_by=DecidedBy.OTHER_PEOPLE,
            cites=(LeafKind.REMOVAL,),
            appeal=str(happened.appeal),
        )
        drafts.append(restoration)
        if decision.measure.on_account:
            drafts.append(_on_account(restoration, Measure.REINSTATE_ACCOUNT, cites=(LeafKind.ACCOUNT_ACTION,)))
    return drafts


def of_complaint(happened: AppealOpened, content: Content) -> list[Draft]:
    """Publish that someone complained."""
    return [
        _about(
            happened,
            content,
            LeafKind.APPEAL_OPENED,
            basis=Basis.APPEAL,
            cites=RESTRICTIONS,
            about=happened.appeal,
        )
    ]


def of_judgement(happened: AppealDecided, content: Content) -> list[Draft]:
    """Publish what came of a complaint."""
    upheld = happened.outcome is Outcome.UPHELD
    return [
        _about(
            happened,
            content,
            LeafKind.APPEAL_DECIDED,
            measure=Measure.UPHOLD if upheld else Measure.REVERSE,
            basis=Basis.APPEAL,
            decided_by=DecidedBy.OTHER_PEOPLE,
            cites=(LeafKind.APPEAL_OPENED,),
            about=happened.appeal,
            outcome=str(happened.outcome),
        )
    ]


def of_confirmed_signal(happened: SignalConfirmed) -> list[Draft]:
    """Publish that something is now known; what it is stays unsaid, and so does which two people proposed it."""
    return [
        Draft(
            kind=LeafKind.SIGNAL_ADDED,
            about=happened.signal,
            basis=Basis.OWN_FINDING,
            decided_by=DecidedBy.TWO_PEOPLE,
            details=_rests_on(happened),
        )
    ]


def of_withdrawn_signal(happened: SignalWithdrawn) -> list[Draft]:
    """Publish that something is known no more."""
    return [
        Draft(
            kind=LeafKind.SIGNAL_WITHDRAWN,
            about=happened.signal,
            basis=Basis.APPEAL if happened.decision else Basis.OWN_FINDING,
            decided_by=DecidedBy.OTHER_PEOPLE if happened.decision else DecidedBy.ONE_PERSON,
            cites=(LeafKind.SIGNAL_ADDED,),
            details=_rests_on(happened),
        )
    ]


def _rests_on(happened: SignalConfirmed | SignalWithdrawn) -> dict[str, Json]:
    """Name a signal and the decision it rests on; a domain rests on none."""
    found: dict[str, Json] = {"signal": str(happened.signal)}
    return found | {"decision": str(happened.decision)} if happened.decision else found


def decided_by(people: int) -> DecidedBy:
    """Say how many people decided."""
    return DecidedBy.TWO_PEOPLE if people > 1 else DecidedBy.ONE_PERSON


def _on_account(of_content: Draft, measure: Measure, cites: tuple[LeafKind, ...] = ()) -> Draft:
    """Make the leaf of an account beside that of its content."""
    return replace(
        of_content,
        kind=LeafKind.ACCOUNT_ACTION,
        content_kind=LeafContent.ACCOUNT,
        measure=measure,
        cites=cites,
        of_account=True,
    )


def _about(
    happened: Event,
    content: Content,
    kind: LeafKind,
    *,
    measure: Measure = Measure.NONE,
    basis: Basis = Basis.NONE,
    ground: Ground = Ground.NONE,
    decided_by: DecidedBy = DecidedBy.NONE,
    cites: tuple[LeafKind, ...] = (),
    about: Id | None = None,
    **details: Json,
) -> Draft:
    return Draft(
        kind=kind,
        about=about or content.id,
        content=content.id,
        content_kind=LeafContent(content.kind),
        measure=measure,
        basis=basis,
        ground=ground,
        decided_by=decided_by,
        cites=cites,
        details={"event": happened.kind, "content": str(content.id), "revision": content.revision, **details},
    )
