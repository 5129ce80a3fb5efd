"""Looking a signal or a file up, writing nothing down but that it was asked (floor rule 12).

May decide: nothing; ``banks`` says what is shown of what is found. The index proposes, the signal's standing is read
again before anything is answered: what was withdrawn is never given back, by either route.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from tidegate.api.hma.banks import asked_banks, shown_banks
from tidegate.api.hma.door import HmaDoor
from tidegate.api.hma.hashing import read_media, refuse_address
from tidegate.api.hma.signal_types import (
    CONTENTS,
    SignalType,
    not_checked,
    read_signal,
    type_named,
    types_for,
    write_distance,
)
from tidegate.api.match import without_record
from tidegate.content.model import Fingerprints
from tidegate.db.transaction import Transaction
from tidegate.kernel.errors import Malformed
from tidegate.ledger.entry import Tallied
from tidegate.match.model import Match
from tidegate.match.second import with_second
from tidegate.node import Node
from tidegate.signal import store as signals
from tidegate.signal.model import FingerprintKind
from tidegate.verdict.store import add_to_tally
from tidegate.web.door import platform

door = HmaDoor()


@dataclass(frozen=True, slots=True)
class Found:
    """A signal that matches, as it is answered."""

    kind: FingerprintKind
    number: int
    distance: str
    banks: list[str]

    @property
    def named(self) -> dict[str, Any]:
        """Give it as one of a bank's."""
        return {"bank_content_id": self.number, "distance": self.distance}


@door.answer("GET", "/m/raw_lookup")
async def raw_lookup(
    request: Request, signal: str, signal_type: str, banks: str | None = None, *, include_distance: bool = False
) -> dict[str, Any]:
    """Look a signal up; give only the numbers of what it matches, nearest first."""
    node = without_record(request)
    found = await _look_up_signal(request, node, type_named(signal_type), signal, banks)
    return {"matches": [each.named if include_distance else each.number for each in found]}


@door.answer("GET", "/m/lookup")
async def lookup_signal(
    request: Request,
    signal: str | None = None,
    signal_type: str | None = None,
    url: str | None = None,
    banks: str | None = None,
    seed: str | None = None,  # noqa: ARG001 - every bank is always on, so that there is nothing to draw
    *,
    bypass_coinflip: bool = False,  # noqa: ARG001 - likewise
) -> dict[str, Any]:
    """Look a signal up; give what it matches by bank.

    ``seed`` and ``bypass_coinflip`` are taken and change nothing: no bank is ever sampled. An address (``url``) is
    refused: send the bytes instead.
    """
    node = without_record(request)
    if url:
        refuse_address()
    if not signal or not signal_type:
        raise Malformed("Send both signal and signal_type, or POST a file.", reference="signal")
    return _by_bank(await _look_up_signal(request, node, type_named(signal_type), signal, banks))


@door.answer("POST", "/m/lookup", uploads=True)
async def lookup_upload(
    request: Request,
    types: str | None = None,
    banks: str | None = None,
    seed: str | None = None,  # noqa: ARG001 - every bank is always on, so that there is nothing to draw
    *,
    bypass_coinflip: bool = False,  # noqa: ARG001 - likewise
) -> dict[str, dict[str, Any]]:
    """Look one file up, sent as multipart/form-data in a field ``photo`` or ``video``; give what it matches.

    By type of signal, then by bank. A picture with too little detail matches by its exact bytes alone. A file that
    could not be checked is an error, never an empty answer, unless its exact bytes are known: then the types that were
    not computed are left out.
    """
    node = without_record(request)
    content, body = await read_media(request, node)
    wanted = types_for(content, types, seeking=True)
    exact = [known for known in wanted if known.kind is FingerprintKind.SHA256]
    fingerprints, unchecked = Fingerprints(sha256=body.sha256), None
    if exact == wanted:
        matches, _ = await node.search(fingerprints)
    else:
        checked = await node.check(CONTENTS[content], body.sha256, body.data)
        fingerprints, unchecked, matches = checked.fingerprints, checked.unchecked, list(checked.matches)
    found = await _standing(request, node, matches, fingerprints, banks)
    if unchecked is not None and not any(each.kind is known.kind for each in found for known in exact):
        raise not_checked(unchecked)
    computed = wanted if unchecked is None else exact
    return {known.name: _by_bank(each for each in found if each.kind is known.kind) for known in computed}


async def _look_up_signal(request: Request, node: Node, known: SignalType, text: str, banks: str | None) -> list[Found]:
    fingerprints, read = await read_signal(node, known, text)
    matches, _ = await node.search(fingerprints, read)
    kinds = {known.kind, FingerprintKind.DOMAIN} if known.kind is FingerprintKind.URL else {known.kind}
    return [each for each in await _standing(request, node, matches, fingerprints, banks) if each.kind in kinds]


async def _standing(
    request: Request, node: Node, proposed: Sequence[Match], fingerprints: Fingerprints, banks: str | None
) -> list[Found]:
    """Count the answer, and keep of what the index proposes what stands now and was asked for."""
    asked = asked_banks(banks)

    async def act(tx: Transaction) -> list[Found]:
        add_to_tally(tx, Tallied.MATCH_WITHOUT_RECORD)
        matched = await signals.load(tx, [match.signal for match in proposed])
        standing = {signal.id: signal for signal in matched}
        return [
            Found(match.fingerprint_kind, signal.number, write_distance(match, signal, fingerprints), shown)
            for match in with_second(proposed, fingerprints, matched)
            if (signal := standing.get(match.signal)) is not None
            and (shown := shown_banks(signal, asked, doubtful=match.doubtful))
        ]

    return await node.run(platform(request), act)


def _by_bank(found: Iterable[Found]) -> dict[str, Any]:
    banks: dict[str, Any] = {}
    for each in found:
        for bank in each.banks:
            banks.setdefault(bank, []).append(each.named)
    return banks
