"""What a signal is good for.

May decide: whether a signal may support a machine's hold (floor rules 1, 14 and 15). May not decide that content is
terrorist content: people do, in ``decision``.
"""

from tidegate.kernel.errors import Malformed, RuleBroken, WrongState
from tidegate.signal.model import FingerprintKind, Label, Signal, Standing

#: Independent members whose agreement stands in for our own people's (floor rules 1 and 15); authorities never count.
MEMBERS_NEEDED = 2

VALUE_BYTES = 32


def may_hold(signal: Signal) -> bool:
    """Say whether an exact match with this signal may be held by a machine (floor rule 1)."""
    return enforceable(signal) and not signal.disputed and not glorification_alone(signal)


def enforceable(signal: Signal) -> bool:
    """Say whether people stand behind this signal (floor rule 15): ours, or two independent members.

    Behind a domain only ours: it speaks of everything a host shows, whoever put it there.
    """
    members = signal.members >= MEMBERS_NEEDED and signal.kind is not FingerprintKind.DOMAIN
    return signal.standing is Standing.CONFIRMED and (signal.own_people or members)


def glorification_alone(signal: Signal) -> bool:
    """Say whether nothing but glorification is asserted (floor rule 1; FRA 2026: the word is unclear)."""
    return signal.labels <= {Label.GLORIFIES}


def strength(signal: Signal) -> int:
    """Give how much a match may lead to: 2 a machine's hold, 1 people stand behind it, 0 neither.

    Where there are too many matches to give them all, those of one strength never crowd out those of another.
    """
    return 2 if may_hold(signal) else 1 if enforceable(signal) else 0


def proposes(signal: Signal) -> bool:
    """Say whether a match with this signal is shown to people at all: a domain once two of our people want it."""
    if signal.kind is FingerprintKind.DOMAIN:
        return enforceable(signal)
    return signal.standing is not Standing.WITHDRAWN


def check_confirmed_by_decision(signal: Signal) -> None:
    """Keep a decision about one content from speaking of a whole host.

    Raises:
        RuleBroken: it is a domain.
    """
    if signal.kind is FingerprintKind.DOMAIN:
        raise RuleBroken(
            "A domain is put in force by two people who propose and approve it, never by a decision on one content.",
            reference="rule 4",
        )


def check_proposed_domain(signal: Signal) -> None:
    """Let two people put a domain in force, and nothing else.

    Raises:
        RuleBroken: it is no domain.
        WrongState: it is in force already.
    """
    if signal.kind is not FingerprintKind.DOMAIN:
        raise RuleBroken("Only a domain is put in force by two people alone.", reference="rule 4")
    if proposes(signal):
        raise WrongState("This domain is in force already.")


def check_taken_back(signal: Signal) -> None:
    """Let one person take a domain back, and nothing else.

    Raises:
        RuleBroken: it is no domain.
        WrongState: it is not in force.
    """
    if signal.kind is not FingerprintKind.DOMAIN:
        raise RuleBroken("Only a domain is taken back here: what a decision made known, its reversal takes back.")
    if not proposes(signal):
        raise WrongState("This domain is not in force.")


def check_labels(words: list[str]) -> tuple[Label, ...]:
    """Read labels from outside; everything but the closed list is refused (floor rule 14).

    Raises:
        RuleBroken: no label, or one that is not on the list.
    """
    known = {label.value for label in Label}
    if not words or not set(words) <= known:
        raise RuleBroken(
            "Terrorist content only: label each signal with one or more of %(words)s, nothing else.",
            values={"words": ", ".join(sorted(known))},
            reference="rule 14",
        )
    return tuple(sorted({Label(word) for word in words}))


def check_value(kind: str, text: str) -> tuple[FingerprintKind, bytes]:
    """Read a fingerprint from outside.

    Raises:
        Malformed: an unknown kind, or not 64 hexadecimal digits.
    """
    try:
        known, value = FingerprintKind(kind), bytes.fromhex(text)
    except ValueError as error:
        raise Malformed("A signal is sha256 or pdq, with a value of 64 hexadecimal digits.") from error
    if (
        known not in {FingerprintKind.SHA256, FingerprintKind.PDQ}
        or len(value) != VALUE_BYTES
        or len(text) != 2 * VALUE_BYTES
    ):  # blanks between digits would be read over
        raise Malformed("A signal is sha256 or pdq, with a value of 64 hexadecimal digits.")
    return known, value
