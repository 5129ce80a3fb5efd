"""Comparing two signals a client has, without asking what is known. May decide: nothing; the radius is the index's."""

import json
from typing import Any

from fastapi import Request

from tidegate.api.body import chunks
from tidegate.api.hma.door import HmaDoor
from tidegate.api.hma.signal_types import SignalType, type_named
from tidegate.api.match import without_record
from tidegate.kernel.errors import Malformed
from tidegate.match.model import PDQ_RADIUS
from tidegate.signal.formats import read_value
from tidegate.signal.model import FingerprintKind

door = HmaDoor()

_MOST_BYTES = 64 * 1024


@door.answer("POST", "/m/compare")
async def compare_signals(request: Request) -> dict[str, Any]:
    """Compare pairs of signals: ``{type: [one, other]}`` gives ``{type: [whether they match, {"distance": n}]}``.

    Exact types have distance 0 or 1.
    """
    without_record(request)
    body = b"".join([chunk async for chunk in chunks(request, _MOST_BYTES)])
    try:
        pairs = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed("The body is JSON: for each signal type a list of two signals.") from error
    if not isinstance(pairs, dict):
        raise Malformed("The body is JSON: for each signal type a list of two signals.")
    return {name: _compare(type_named(name), pair) for name, pair in pairs.items()}


def _compare(known: SignalType, pair: object) -> list[Any]:
    match pair:
        case [str() as one, str() as other]:
            pass
        case _:
            raise Malformed("Each signal type has a list of exactly two signals.")
    if known.kind not in {FingerprintKind.PDQ, FingerprintKind.SHA256}:
        raise Malformed("Signals of this type are not compared here: look one up.")
    (kind, left), (_, right) = read_value(known.name, one), read_value(known.name, other)
    if kind is FingerprintKind.SHA256:
        return [left == right, {"distance": int(left != right)}]
    distance = (int.from_bytes(left) ^ int.from_bytes(right)).bit_count()
    return [distance <= PDQ_RADIUS, {"distance": distance}]
