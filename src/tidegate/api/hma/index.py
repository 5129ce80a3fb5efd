"""What the index holds, by type of signal. May decide: nothing."""

from contextlib import suppress
from typing import Any

from fastapi import Request

from tidegate.api.hma.door import HmaDoor
from tidegate.api.hma.signal_types import ABSENT, TYPES
from tidegate.api.match import without_record
from tidegate.kernel.errors import Malformed
from tidegate.kernel.ids import SignalId
from tidegate.match.index import IndexDown
from tidegate.signal import store as signals
from tidegate.signal.model import FingerprintKind
from tidegate.web.door import platform

door = HmaDoor()

#: A type that is not there, or that nothing is known of yet.
_NEVER = -1


@door.answer("GET", "/m/index/status")
async def index_status(request: Request, signal_type: str | None = None) -> dict[str, Any]:
    """Say of each type whether it is there, how many signals there are, and when the newest was added.

    ``built_to`` is in seconds since 1970, -1 where there is none.
    """
    node = without_record(request)
    names = [*TYPES, *ABSENT]
    if signal_type is not None:
        if signal_type not in names:
            raise Malformed("There is no such signal type here.", reference="signal_type")
        names = [signal_type]
    with suppress(IndexDown):  # which is what is said then
        await node.follow_signals()
    sizes = await node.run(platform(request), signals.sizes)
    return {name: _status(name, sizes, ready=node.index.ready) for name in names}


def _status(name: str, sizes: dict[FingerprintKind, tuple[int, SignalId]], *, ready: bool) -> dict[str, Any]:
    size, newest = sizes.get(TYPES[name].kind, (0, None)) if name in TYPES else (0, None)
    return {
        "present": name in TYPES and ready,
        "built_to": _NEVER if newest is None else int(newest.time.timestamp()),
        "size": size,
    }
