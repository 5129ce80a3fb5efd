"""Banks: what HMA clients choose their matches by. Ours are the labels, in their capitals.

May decide: in which bank a signal is shown. Clients act on whatever they are answered, and have no way to hear that a
signal is for people's eyes only: so a label's bank holds what people stand behind and nobody disputes, and all else in
use is in a bank of its own that has to be asked for by name (floor rule 15). Pure.
"""

from tidegate.signal.model import Signal
from tidegate.signal.rules import enforceable, proposes

#: Imported and not yet confirmed, disputed, or a look-alike that the second hash doubts.
UNCONFIRMED = "UNCONFIRMED"


def banks_of(signal: Signal, *, doubtful: bool = False) -> frozenset[str]:
    """Give the banks a signal is in; none once it is withdrawn. What the second hash doubts is for people's eyes."""
    if not proposes(signal):
        return frozenset()
    if not enforceable(signal) or signal.disputed or doubtful:
        return frozenset((UNCONFIRMED,))
    return frozenset(label.upper() for label in signal.labels)


def asked_banks(text: str | None) -> frozenset[str] | None:
    """Read which banks a client asks for; None is every label's."""
    names = frozenset(name.strip() for name in (text or "").split(",") if name.strip())
    return names or None


def shown_banks(signal: Signal, asked: frozenset[str] | None, *, doubtful: bool = False) -> list[str]:
    """Give the banks a client is answered."""
    banks = banks_of(signal, doubtful=doubtful)
    return sorted(banks - {UNCONFIRMED} if asked is None else banks & asked)
