"""What a machine may answer by itself.

May decide: ``clear``, ``review``, ``unchecked``, or a ``hold`` that ends by itself. May not decide to remove: no rule
here knows how. These are floor rules 1, 2, 13 and 15, to be read aloud:

- A hold needs the exact bytes of something people stand behind: a signal our own people (or two independent members)
  confirmed, undisputed, not of glorification alone; or bytes our people decided to remove before. A look-alike is held
  only if two people switched that on, and never where a second, unlike hash says that it is another picture.
- Protected accounts and closed groups are never held by a machine; people look instead.
- A hold ends. All held time of a content, and of one uploader with the same bytes, together is at most 24 hours,
  whatever the signals and resubmissions; what lapsed, or was released by people, a machine never holds again.
- What could not be checked is ``unchecked``, never ``clear``; exact bytes are matched all the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tidegate.content.model import AccountClass, Fingerprints, Surface
from tidegate.fingerprint.model import Unchecked
from tidegate.kernel.ids import SignalId
from tidegate.match.model import QUALITY_FLOOR, Match
from tidegate.signal.model import FingerprintKind, Label, Signal
from tidegate.signal.rules import enforceable, may_hold, proposes
from tidegate.verdict.model import RETRIED, Hold, HoldState, Reason, Verdict, VerdictKind

#: Floor rule 1: words that are like known words, and links, are never held for that.
_HELD_WHEN_ALIKE = frozenset({FingerprintKind.PDQ, FingerprintKind.VIDEO})

#: Floor rule 1: no setting may raise this.
LONGEST_HOLD = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All a verdict rests on."""

    account_class: AccountClass
    surface: Surface
    fingerprints: Fingerprints
    #: Why the picture could not be decoded, if so; its exact bytes were matched even then.
    unchecked: Unchecked | None
    matches: tuple[Match, ...]
    #: The signals of the matches, as they stand now.
    signals: Sequence[Signal]
    #: As what our people decided to remove these very bytes, by decisions that stand.
    removed_as: frozenset[Label]
    #: Every hold ever of this content, and of this uploader with these bytes.
    holds: Sequence[Hold]
    #: The newest signal position everything was matched against.
    position: int
    look_alike_holds: bool
    hold_for: timedelta


def judge(facts: Facts, now: datetime) -> Verdict:
    """Give the immediate answer."""
    standing = {signal.id: signal for signal in facts.signals}
    matches = tuple(
        match for match in facts.matches if (signal := standing.get(match.signal)) is not None and proposes(signal)
    )
    cause = _hold_cause(facts, matches, standing)
    if cause is not None:
        return _hold_or_review(facts, matches, cause, now)
    if facts.removed_as or matches:
        return Verdict(
            kind=VerdictKind.REVIEW,
            reason=_review_cause(matches, standing),
            matches=matches,
            position=facts.position,
        )
    if facts.unchecked is not None:
        return Verdict(kind=VerdictKind.UNCHECKED, reason=Reason(facts.unchecked), position=facts.position)
    return Verdict(kind=VerdictKind.CLEAR, position=facts.position)


def _hold_cause(facts: Facts, matches: Sequence[Match], standing: Mapping[SignalId, Signal]) -> Reason | None:
    """Say what, if anything, would let a machine hold this (floor rule 1)."""
    # Of a withdrawn signal, too: that it was disputed is no reason to hold more.
    exact = [standing[match.signal] for match in facts.matches if match.exact and match.signal in standing]
    disputed = any(signal.disputed for signal in exact)
    if facts.removed_as - {Label.GLORIFIES} and not disputed:
        return Reason.DECIDED_BEFORE
    solid = [match for match in matches if may_hold(standing[match.signal])]
    if any(match.exact for match in solid):
        return Reason.EXACT_MATCH
    # A second hash that disagrees says: another picture of the same make. People may say otherwise.
    alike = any(match.fingerprint_kind in _HELD_WHEN_ALIKE and not match.doubtful for match in solid)
    if facts.look_alike_holds and alike and facts.fingerprints.quality >= QUALITY_FLOOR:
        return Reason.LOOK_ALIKE
    return None


def _hold_or_review(facts: Facts, matches: tuple[Match, ...], cause: Reason, now: datetime) -> Verdict:
    """Hold, unless the account, the place or the time used up forbids it."""
    until = held_until(facts.holds, now, facts.hold_for)
    stays_up: Reason | None = None
    if facts.account_class.protected:
        stays_up = Reason.PROTECTED_ACCOUNT
    elif facts.surface is Surface.CLOSED_GROUP:
        stays_up = Reason.CLOSED_GROUP
    elif until is None:
        stays_up = Reason.HOLD_USED_UP
    if stays_up is not None:
        return Verdict(kind=VerdictKind.REVIEW, reason=stays_up, matches=matches, position=facts.position)
    return Verdict(kind=VerdictKind.HOLD, reason=cause, matches=matches, held_until=until, position=facts.position)


def _review_cause(matches: Sequence[Match], standing: Mapping[SignalId, Signal]) -> Reason:
    """Say why people look although nothing is held."""
    for match in matches:
        if match.exact:
            signal = standing[match.signal]
            if not enforceable(signal):
                return Reason.UNCONFIRMED_SIGNAL
            return Reason.DISPUTED_SIGNAL if signal.disputed else Reason.GLORIFICATION_ALONE
    return Reason.LOOK_ALIKE if matches else Reason.GLORIFICATION_ALONE


def held_until(holds: Sequence[Hold], now: datetime, hold_for: timedelta) -> datetime | None:
    """Say when a hold starting now would end, or None when a machine may not hold (floor rule 1).

    A hold that lapsed, or that people released, ends the machine's say for good. Otherwise the time left is the limit
    less all time held so far, time under several holds at once counting once; and while a hold is running, another
    never outlasts it, so that sending the same again stretches nothing.
    """
    if any(hold.state in {HoldState.LAPSED, HoldState.RELEASED} for hold in holds):
        return None
    left = min(hold_for, LONGEST_HOLD) - time_held(holds, now)
    running = [hold.expires_at for hold in holds if hold.state is HoldState.HELD]
    until = min([now + left, *running])
    return until if until > now else None


def time_held(holds: Sequence[Hold], now: datetime) -> timedelta:
    """Add up the time under at least one hold, until now."""
    held = timedelta()
    counted_to = datetime.min.replace(tzinfo=UTC)
    for hold in sorted(holds, key=lambda hold: hold.started_at):
        end = hold.ended_at or min(hold.expires_at, now)
        start = max(hold.started_at, counted_to)
        held += max(end - start, timedelta())
        counted_to = max(counted_to, end)
    return held


def due_to_lapse(hold: Hold, now: datetime) -> bool:
    """Say whether a hold's time is over (floor rule 1)."""
    return hold.state is HoldState.HELD and hold.expires_at <= now


def shown_to_people(verdict: Verdict, sample: float, share: float) -> bool:
    """Say whether someone must look: always at review and hold, at a share of what could not be checked.

    Args:
        verdict: the answer given.
        sample: a random number in [0, 1).
        share: the share of unchecked uploads that people see, in [0, 1].
    """
    if verdict.kind is VerdictKind.UNCHECKED:
        return verdict.reason in {Reason.UNDECODABLE, Reason.TOO_LARGE} and sample < share
    return verdict.kind in {VerdictKind.REVIEW, VerdictKind.HOLD}


def retried(verdict: Verdict) -> bool:
    """Say whether an unchecked upload is tried again by itself (floor rule 2)."""
    return verdict.reason in RETRIED
