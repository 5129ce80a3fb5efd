"""Values that hypothesis makes, for the tests of several stages' rules."""

import types
import typing
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

from hypothesis import strategies as st

from tidegate.case.model import Case
from tidegate.case.model import Reason as CaseReason
from tidegate.case.model import State as CaseState
from tidegate.content.model import AccountClass, Content, ContentKind, Fingerprints, Standing, Surface, WordsRead
from tidegate.decision.model import Decision, Exempt, Ground, Measure, Provision, Shown
from tidegate.decision.model import State as DecisionState
from tidegate.fingerprint.model import Rotation, Unchecked
from tidegate.kernel.event import Code, Country, Language
from tidegate.kernel.ids import CaseId, ContentId, DecisionId, Id, ServiceId, SignalId, StaffId
from tidegate.match.model import PDQ_RADIUS, Match
from tidegate.signal.model import FingerprintKind, Label, Provenance, Signal
from tidegate.signal.model import Standing as SignalStanding
from tidegate.verdict.model import Hold, HoldState
from tidegate.verdict.rules import Facts

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def number(kind: type[Any], which: int) -> Any:
    """Give the id of a kind with a small number."""
    return kind(UUID(int=which))


def ids(kind: type[Any], most: int = 2**128 - 1) -> st.SearchStrategy[Any]:
    """Make ids of a kind."""
    return st.integers(0, most).map(lambda which: number(kind, which))


times = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
values = st.binary(min_size=32, max_size=32)


def of_type(hint: Any) -> st.SearchStrategy[Any]:
    """Make values for one field of an event."""
    origin = get_origin(hint)
    if origin in {typing.Union, types.UnionType}:
        return st.one_of(*(st.none() if part is type(None) else of_type(part) for part in get_args(hint)))
    if origin is tuple:
        return st.lists(of_type(get_args(hint)[0]), max_size=3).map(tuple)
    codes: dict[type[Code], tuple[str, ...]] = {Language: ("en", "deu"), Country: ("DE", "FR")}
    if issubclass(hint, Code):
        return st.sampled_from(codes[hint]).map(hint.parse)
    if issubclass(hint, Id):
        return ids(hint)
    if issubclass(hint, StrEnum):
        return st.sampled_from(hint)
    if is_dataclass(hint):
        return of_class(hint)
    simple: dict[type, st.SearchStrategy[Any]] = {
        bool: st.booleans(),
        int: st.integers(-(2**53) + 1, 2**53 - 1),
        datetime: times,
        date: st.dates(),
    }
    return simple[hint]


def of_class(cls: Any) -> st.SearchStrategy[Any]:
    """Make dataclasses of a kind, every field by its type."""
    hints = get_type_hints(cls)
    return st.builds(cls, **{field.name: of_type(hints[field.name]) for field in fields(cls)})


# --- signals, matches, holds ---

label_sets = st.frozensets(st.sampled_from(Label), min_size=1)


@st.composite
def signals(draw: st.DrawFn, which: int) -> Signal:
    """Make the signal with this number."""
    return Signal(
        id=number(SignalId, which),
        kind=draw(st.sampled_from(FingerprintKind)),
        value=draw(values),
        labels=draw(label_sets),
        provenance=draw(st.sampled_from(Provenance)),
        standing=draw(st.sampled_from(SignalStanding)),
        decision=None,
        own_people=draw(st.booleans()),
        members=draw(st.integers(0, 3)),
        disputed=draw(st.booleans()),
        position=which,
    )


def match_with(signal: Signal, distance: int = 0) -> Match:
    """Match a signal, as the index would."""
    exact = signal.kind is FingerprintKind.SHA256
    return Match(
        signal=signal.id,
        fingerprint_kind=signal.kind,
        distance=0 if exact else distance,
        threshold=0 if exact else PDQ_RADIUS,
        rotation=Rotation.ORIGINAL,
    )


@st.composite
def holds(draw: st.DrawFn, now: datetime = NOW) -> Hold:
    """Make one stretch of held time that began before now."""
    started = now - timedelta(minutes=draw(st.integers(0, 3000)))
    expires = started + timedelta(minutes=draw(st.integers(1, 1440)))
    state = draw(st.sampled_from(HoldState))
    ended = None if state is HoldState.HELD else min(expires, now)
    return Hold(
        content=number(ContentId, 1),
        revision=1,
        started_at=started,
        expires_at=expires,
        ended_at=ended,
        state=state,
    )


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    """Make everything a verdict rests on; some matches are of signals that are gone."""
    known = [draw(signals(which)) for which in range(1, 1 + draw(st.integers(0, 3)))]
    gone = [draw(signals(which)) for which in range(9, 9 + draw(st.integers(0, 1)))]
    return Facts(
        account_class=draw(st.sampled_from(AccountClass)),
        surface=draw(st.sampled_from([surface for surface in Surface if surface is not Surface.PRIVATE])),
        fingerprints=Fingerprints(sha256=bytes(32), quality=draw(st.integers(0, 100))),
        unchecked=draw(st.none() | st.sampled_from(Unchecked)),
        matches=tuple(match_with(signal, draw(st.integers(0, PDQ_RADIUS))) for signal in known + gone),
        signals=tuple(known),
        removed_as=draw(st.frozensets(st.sampled_from(Label), max_size=2)),
        holds=tuple(draw(st.lists(holds(), max_size=3))),
        position=draw(st.integers(0, 100)),
        look_alike_holds=draw(st.booleans()),
        hold_for=timedelta(minutes=draw(st.integers(1, 1440))),
    )


# --- contents and cases ---


def content(
    which: int,
    *,
    revision: int = 1,
    account_class: AccountClass = AccountClass.ORDINARY,
    reach: int = 10,
    caption: bytes = b"words",
    standing: Standing = Standing.SHOWN,
) -> Content:
    """Give a content with this number."""
    return Content(
        id=number(ContentId, which),
        revision=revision,
        service=number(ServiceId, 1),
        kind=ContentKind.PICTURE,
        standing=standing,
        surface=Surface.PUBLIC,
        account_class=account_class,
        reach=reach,
        uploader=b"someone",
        caption=caption,
        language=None,
        fingerprints=Fingerprints(sha256=bytes(32)),
        bytes_kept=True,
        words=WordsRead.WHOLE,
    )


def case(
    *members: int,
    state: CaseState = CaseState.OPEN,
    account_class: AccountClass = AccountClass.ORDINARY,
    caption: bytes | None = b"words",
) -> Case:
    """Give a case with these members."""
    return Case(
        id=number(CaseId, 1),
        state=state,
        reason=CaseReason.EXACT_MATCH,
        signal=number(SignalId, 1),
        content=None,
        account_class=account_class,
        caption=caption,
        opened_at=NOW,
        members=tuple(number(ContentId, which) for which in members),
    )


def person(which: int) -> StaffId:
    """Give someone on the staff."""
    found: StaffId = number(StaffId, which)
    return found


def decision(*, voters: tuple[int, ...], state: DecisionState = DecisionState.MADE) -> Decision:
    """Give a decision to remove two contents, to be issued in a minute."""
    return Decision(
        id=number(DecisionId, 1),
        case=number(CaseId, 1),
        state=state,
        measure=Measure.REMOVE,
        ground=Ground.LAW,
        provision=Provision.TCO_2_7_D,
        exempt=Exempt.NONE,
        label=Label.INSTRUCTS,
        reason=CaseReason.EXACT_MATCH,
        people=len(voters),
        new_signal=True,
        contents=(Shown(number(ContentId, 1), 1), Shown(number(ContentId, 2), 1)),
        voters=tuple(person(which) for which in voters),
        issue_at=NOW + timedelta(seconds=60),
    )
