"""What a vote will do, shown before it is cast.

May decide: nothing. Computed by the very rules that do it later: the statement of reasons, the public row, what the
platform is asked. Nothing is written, and nothing here depends on what anyone else voted, so that the second person
stays blind.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tidegate.console.language import LANGUAGES
from tidegate.content.model import Content
from tidegate.db.transaction import Transaction
from tidegate.decision.model import Ballot, DecisionIssued, Measure, WhyTwo
from tidegate.decision.rules import Matter, makes_signal, people_needed, why_two
from tidegate.enforcement import store as enforcement
from tidegate.enforcement.model import Action, Restriction
from tidegate.enforcement.rules import foreseen
from tidegate.flag import store as flags
from tidegate.kernel.ids import DecisionId
from tidegate.ledger import leaf
from tidegate.ledger.entry import Basis, DecidedBy, LeafContent, LeafKind
from tidegate.ledger.entry import Measure as LeafMeasure
from tidegate.notice.rules import statement_of_decision
from tidegate.verdict import store as verdicts
from tidegate.verdict.model import HoldReleased


@dataclass(frozen=True, slots=True)
class PublicRow:
    """The public half of a leaf, in its closed words."""

    kind: LeafKind
    content_kind: LeafContent
    measure: LeafMeasure
    basis: Basis
    decided_by: DecidedBy


@dataclass(frozen=True, slots=True)
class Told:
    """A notice as its readers will have it: in their language where we speak it, else in English."""

    language: str
    statement: dict[str, Any]
    readers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """All that follows when enough people agree with a vote."""

    ballot: Ballot
    covered: int
    people: int
    why: tuple[WhyTwo, ...]
    undo_for: timedelta
    actions: tuple[tuple[Action, int], ...]
    notices: tuple[Told, ...]
    rows: tuple[tuple[PublicRow, int], ...]
    reporters: int
    becomes_known: bool


async def foresee(tx: Transaction, matter: Matter, ballot: Ballot) -> Foreseen:
    """Say what a vote will do once enough people agree and the undo time has passed."""
    ids = {shown.content for shown in ballot.shown}
    covered = [content for content in matter.contents if content.id in ids]
    present = await enforcement.restrictions(tx, sorted(ids))
    held = set(await verdicts.holds_until(tx, sorted(ids)))
    needed = people_needed(matter, ballot.measure, covered)
    issued = _as_issued(tx, matter, ballot, needed)
    acts = {
        content.id: foreseen(ballot.measure, present.get(content.id, Restriction.NONE), held=content.id in held)
        for content in covered
    }
    drafts = [
        draft for content in covered for draft in _leaves(issued, content, acts[content.id], held=content.id in held)
    ]
    return Foreseen(
        ballot=ballot,
        covered=len(covered),
        people=needed,
        why=why_two(matter, ballot.measure, covered),
        undo_for=matter.policy.undo_for,
        actions=_counted([action for action in acts.values() if action is not None]),
        notices=_notices(issued, covered, tx, matter.policy.undo_for) if ballot.measure.restricts else (),
        rows=_counted([_public(draft) for draft in drafts]),
        reporters=sum(1 for row in await flags.listed(tx, sorted(ids)) if row["state"] == "raised"),
        becomes_known=makes_signal(matter, ballot.measure),
    )


def _as_issued(tx: Transaction, matter: Matter, ballot: Ballot, people: int) -> DecisionIssued:
    """Give the decision as it would be issued; its id stands for one that does not exist yet."""
    assert ballot.exempt is not None
    return DecisionIssued(
        decision=tx.new(DecisionId),
        case=matter.case.id,
        reason=matter.case.reason,
        measure=ballot.measure,
        ground=ballot.ground,
        provision=ballot.provision,
        exempt=ballot.exempt,
        label=ballot.label,
        people=people,
        new_signal=makes_signal(matter, ballot.measure),
        contents=ballot.shown,
    )


def _leaves(issued: DecisionIssued, content: Content, action: Action | None, *, held: bool) -> list[leaf.Draft]:
    if issued.measure is not Measure.KEEP:
        return leaf.of_decision(issued, [content])
    if action is None:
        return []
    if held:
        released = HoldReleased(content=content.id, revision=content.revision, decision=issued.decision, appeal=None)
        return leaf.of_release(released, content, issued.people)
    return leaf.of_second_look(issued, content)


def _public(draft: leaf.Draft) -> PublicRow:
    return PublicRow(draft.kind, draft.content_kind, draft.measure, draft.basis, draft.decided_by)


def _notices(
    issued: DecisionIssued, covered: Sequence[Content], tx: Transaction, undo_for: timedelta
) -> tuple[Told, ...]:
    """Give each different notice once, the one most people will read first."""
    told: list[tuple[str, dict[str, Any]]] = []
    for content in covered:
        statement = dict(statement_of_decision(content, issued, tx.now + undo_for))
        told.append((notice_language(content), statement))
    each = [Told(*entry, told.count(entry)) for number, entry in enumerate(told) if entry not in told[:number]]
    return tuple(sorted(each, key=lambda notice: -notice.readers))


def notice_language(content: Content) -> str:
    """Say in which language a notice is shown first: the content's own where we speak it, else English."""
    spoken = str(content.language or "").partition("-")[0].lower()
    return spoken if spoken in LANGUAGES else "en"


def _counted(items: Sequence[Any]) -> tuple[tuple[Any, int], ...]:
    return tuple(Counter(items).items())
