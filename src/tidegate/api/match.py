"""Matching without a record: a scope of its own, off by default, rate-limited and counted in public (floor rule 12).

May decide: nothing. Nobody is told, nothing can be appealed; that is why it is not how a platform should work.
"""

from typing import Any

from fastapi import Request

from tidegate.api.body import read_upload
from tidegate.api.content import matches_for
from tidegate.content.model import ContentKind
from tidegate.db.transaction import Transaction
from tidegate.kernel.errors import RuleBroken
from tidegate.ledger.entry import Tallied
from tidegate.match.second import with_second
from tidegate.node import Node
from tidegate.people.model import Scope
from tidegate.signal import store as signals
from tidegate.signal.rules import proposes
from tidegate.verdict.store import add_to_tally
from tidegate.web.door import Door, Listener, node_of, platform

door = Door(Listener.PLATFORM)


def without_record(request: Request) -> Node:
    """Give the node, if it answers without a record at all.

    Raises:
        RuleBroken: it does not (floor rule 12).
    """
    node = node_of(request)
    if not node.settings.match_without_record:
        raise RuleBroken("Matching without a record is off on this node: use POST /v1/content.", reference="rule 12")
    return node


@door.route("POST", "/v1/match", needs=Scope.MATCH, uploads=True, tags=["match"])
async def match_without_record(request: Request, kind: ContentKind = ContentKind.PICTURE) -> dict[str, Any]:
    """Say whether bytes match something, writing nothing down but that it was asked."""
    node = without_record(request)
    body = await read_upload(
        request,
        most_kept=lambda _metadata: node.settings.largest_decoded_bytes,
        most_read=node.settings.largest_body_bytes,
    )
    checked = await node.check(kind, body.sha256, body.data)

    async def act(tx: Transaction) -> dict[str, Any]:
        add_to_tally(tx, Tallied.MATCH_WITHOUT_RECORD)
        matched = await signals.load(tx, [match.signal for match in checked.matches])
        standing = {signal.id for signal in matched if proposes(signal)}
        matches = with_second(checked.matches, checked.fingerprints, matched)
        now = tuple(match for match in matches if match.signal in standing)
        return {
            "matches": await matches_for(tx, now),
            "position": checked.position,
            "unchecked": checked.unchecked,
        }

    return await node.run(platform(request), act)
