"""Published counts made up for the tests of the report: any rows, or two years with everything in them."""

import random
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache

from running import Running
from tidegate.ledger.checkpoint import Checkpoint
from tidegate.ledger.counts import Tally, written
from tidegate.ledger.entry import Basis, DecidedBy, Ground, Leaf, LeafContent, LeafKind, Measure, Tallied
from tidegate.ledger.export import published
from tidegate.ledger.note import Verifier
from tidegate.ledger.tree import EMPTY_ROOT

FIRST = date(2025, 1, 1)


def leaf(number: int, kind: LeafKind, day: date, **more: object) -> Leaf:
    """Make a leaf that is only there to be counted."""
    return Leaf(leaf=f"{number:032x}", kind=kind, day=day, commitment="0" * 64, **more)  # type: ignore[arg-type]


def document(leaves: Iterable[Leaf], size: int = 0, origin: str = "tide.example/ledger") -> bytes:
    """Write the counts file of these leaves."""
    tally = Tally()
    for added in leaves:
        tally.add(added)
    root = EMPTY_ROOT if size == 0 else b"\x01" * 32
    return written(tally.document(Checkpoint(origin, size, root)))


def two_years(days: int = 730, seed: int = 7) -> list[Leaf]:
    """Make everything that can be counted happen, on every day of two years."""
    chance = random.Random(seed)
    made: list[Leaf] = []
    for offset in range(days):
        day = FIRST + timedelta(days=offset)
        for kind in LeafKind:
            for basis in chance.sample(list(Basis), 3):
                words: dict[str, object] = {
                    "basis": basis,
                    "count": chance.randint(1, 4000),
                    "content_kind": chance.choice([LeafContent.PICTURE, LeafContent.VIDEO]),
                    "measure": chance.choice(list(Measure)),
                    "ground": chance.choice(list(Ground)),
                    "decided_by": chance.choice(list(DecidedBy)),
                }
                if kind is LeafKind.TALLY:
                    words = {"tallied": chance.choice(list(Tallied)[1:]), "count": chance.randint(1, 2_000_000)}
                made.append(leaf(len(made), kind, day, **words))
    return made


@cache
def _years() -> Tally:
    tally = Tally()
    for made in two_years():
        tally.add(made)
    return tally


def crowd(node: Running) -> None:
    """Put counts of two years with everything in them behind the node's present checkpoint."""
    settings = node.node.settings
    node.loop.run(node.node.publisher.publish())
    shown = published(settings.ledger_directory, Verifier.of(settings.ledger_origin, node.node.database.keys.ledger))
    assert shown is not None
    (settings.ledger_directory / "counts.json").write_bytes(written(_years().document(shown)))
