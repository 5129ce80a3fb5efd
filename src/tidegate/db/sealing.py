"""Sealed details: what describes a person or content, each under its own item's key.

May decide: nothing about how long; ``content/rules.py`` says when. Erasing an item destroys its key and what was
sealed under it: events stay, a rebuild still works, and what is gone reads as ``None``, meaning erased.
"""

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TypeVar

from tidegate.db.transaction import Transaction
from tidegate.kernel.canonical import Json
from tidegate.kernel.ids import Id
from tidegate.kernel.keys import KEY_BYTES, seal, unseal

Owner = TypeVar("Owner", bound=Id)
#: Longer bytes are sealed in pieces, so that a video is never in memory twice.
PIECE = 4 << 20


async def write_detail(tx: Transaction, owner: Id, part: str, value: Json) -> None:
    """Seal a detail of an item; a part written again replaces what it said."""
    await write_bytes(tx, owner, part, _plain(value))


async def read_detail(tx: Transaction, owner: Id, part: str) -> dict[str, Json] | None:
    """Open a detail; None when it was erased or never written."""
    plain = await read_bytes(tx, owner, part)
    if plain is None:
        return None
    value = json.loads(plain)
    assert isinstance(value, dict)
    return value


async def write_new_details(tx: Transaction, part: str, values: Mapping[Owner, Json]) -> None:
    """Seal a detail each of many items that are new, and so have no key yet."""
    keys = {owner: tx.randomness(KEY_BYTES) for owner in values}
    await tx.copy(
        "COPY item_key (owner, wrapped) FROM STDIN",
        ((owner.value, tx.keys.wrap(key, owner, tx.randomness)) for owner, key in keys.items()),
    )
    await tx.copy(
        "COPY detail (owner, part, sealed) FROM STDIN",
        (
            (
                owner.value,
                part,
                seal(keys[owner], _plain(value), bound_to=_bound(owner, part), randomness=tx.randomness),
            )
            for owner, value in values.items()
        ),
    )


async def read_details(tx: Transaction, owners: Sequence[Owner], part: str) -> dict[Owner, dict[str, Json]]:
    """Open the same detail of many items; those erased or never written are left out."""
    rows = await tx.rows(
        """
        SELECT owner, sealed, wrapped FROM detail JOIN item_key USING (owner)
        WHERE owner = ANY(%(owners)s) AND part = %(part)s
        """,
        owners=[owner.value for owner in owners],
        part=part,
    )
    sealed = {row["owner"]: row for row in rows}
    opened: dict[Owner, dict[str, Json]] = {}
    for owner in owners:
        if (row := sealed.get(owner.value)) is not None:
            key = tx.keys.unwrap(bytes(row["wrapped"]), owner)
            value = json.loads(unseal(key, bytes(row["sealed"]), bound_to=_bound(owner, part)))
            assert isinstance(value, dict)
            opened[owner] = value
    return opened


async def write_bytes(tx: Transaction, owner: Id, part: str, plain: bytes | memoryview) -> None:
    """Seal bytes of an item, such as the picture itself."""
    if len(plain) <= PIECE:
        return await _write_piece(tx, owner, part, plain)
    await erase_part(tx, owner, part)
    for number, start in enumerate(range(0, len(plain), PIECE)):
        await _write_piece(tx, owner, _piece(part, number), memoryview(plain)[start : start + PIECE])
    return None


def _piece(part: str, number: int) -> str:
    return f"{part}#{number}"


async def _write_piece(tx: Transaction, owner: Id, part: str, plain: bytes | memoryview) -> None:
    key = await _item_key(tx, owner, make=True)
    assert key is not None
    sealed = seal(key, plain, bound_to=_bound(owner, part), randomness=tx.randomness)
    await tx.execute(
        """
        INSERT INTO detail (owner, part, sealed) VALUES (%(owner)s, %(part)s, %(sealed)s)
        ON CONFLICT (owner, part) DO UPDATE SET sealed = EXCLUDED.sealed
        """,
        owner=owner,
        part=part,
        sealed=sealed,
    )


async def read_bytes(tx: Transaction, owner: Id, part: str) -> bytes | None:
    """Open sealed bytes; None when they were erased or never written."""
    whole = await _read_piece(tx, owner, part)
    if whole is not None:
        return whole
    # Pieces that are joined at the end are there twice for a moment; this grows where it stands and is given as it is.
    joined, number = BytesIO(), 0
    while (piece := await _read_piece(tx, owner, _piece(part, number))) is not None:
        joined.write(piece)
        number += 1
    return joined.getvalue() if number else None


async def _read_piece(tx: Transaction, owner: Id, part: str) -> bytes | None:
    row = await tx.row(
        """
        SELECT sealed, wrapped FROM detail JOIN item_key USING (owner)
        WHERE owner = %(owner)s AND part = %(part)s
        """,
        owner=owner,
        part=part,
    )
    if row is None:
        return None
    return unseal(tx.keys.unwrap(bytes(row["wrapped"]), owner), bytes(row["sealed"]), bound_to=_bound(owner, part))


async def has_part(tx: Transaction, owner: Id, part: str) -> bool:
    """Say whether a part is there, without opening it."""
    row = await tx.row(
        "SELECT 1 AS one FROM detail WHERE owner = %(owner)s AND part = %(part)s", owner=owner, part=part
    )
    return row is not None


async def erase_part(tx: Transaction, owner: Id, part: str) -> None:
    """Remove one part; the others stay readable."""
    await tx.execute(
        "DELETE FROM detail WHERE owner = %(owner)s AND (part = %(part)s OR starts_with(part, %(piece)s))",
        owner=owner,
        part=part,
        piece=f"{part}#",
    )


async def erase(tx: Transaction, owner: Id) -> None:
    """Destroy an item's key and everything sealed under it."""
    await tx.execute("DELETE FROM detail WHERE owner = %(owner)s", owner=owner)
    await tx.execute("DELETE FROM item_key WHERE owner = %(owner)s", owner=owner)


async def _item_key(tx: Transaction, owner: Id, *, make: bool) -> bytes | None:
    row = await tx.row("SELECT wrapped FROM item_key WHERE owner = %(owner)s", owner=owner)
    if row is None and make:
        wrapped = tx.keys.wrap(tx.randomness(KEY_BYTES), owner, tx.randomness)
        # Two transactions may meet here: the first key stays, the second writer reads it.
        await tx.execute(
            "INSERT INTO item_key (owner, wrapped) VALUES (%(owner)s, %(wrapped)s) ON CONFLICT DO NOTHING",
            owner=owner,
            wrapped=wrapped,
        )
        row = await tx.row("SELECT wrapped FROM item_key WHERE owner = %(owner)s", owner=owner)
    return None if row is None else tx.keys.unwrap(bytes(row["wrapped"]), owner)


def _bound(owner: Id, part: str) -> bytes:
    return owner.value.bytes + part.encode()


def _plain(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
