"""Finding past uploads for looking back: SQL that names content's tables, by fingerprint or many rows at a time.

May decide: nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from tidegate.content.store import address_digest, host_digest, leads_to_digest
from tidegate.db.transaction import Row, Transaction
from tidegate.kernel.ids import ContentId


async def with_bytes(tx: Transaction, sha256: bytes) -> list[ContentId]:
    """Find contents whose present revision has exactly these bytes."""
    rows = await tx.rows("SELECT id FROM content WHERE sha256 = %(sha256)s ORDER BY id", sha256=sha256)
    return [ContentId(row["id"]) for row in rows]


async def with_sketch(tx: Transaction, hashes: Sequence[int]) -> list[tuple[ContentId, bytes]]:
    """Find contents of which a sketch, their own or their caption's, has any of these hashes: (id, the sketch)."""
    rows = await tx.rows(
        """
        SELECT id, sketch FROM content WHERE sketch_hashes(sketch) && %(hashes)s::int[]
        UNION ALL
        SELECT id, caption_sketch FROM content WHERE sketch_hashes(caption_sketch) && %(hashes)s::int[] ORDER BY id
        """,
        hashes=[_as_stored(value) for value in hashes],
    )
    return [(ContentId(row["id"]), bytes(row["sketch"])) for row in rows]


async def with_address(tx: Transaction, address: str, digest: bytes) -> list[ContentId]:
    """Find contents that are a link to this address, or lead to it from inside or from the words around them."""
    rows = await tx.rows(
        """
        SELECT id FROM content WHERE address = %(address)s OR leads_to @> ARRAY[%(leads_to)s::bigint] ORDER BY id
        """,
        address=address,
        leads_to=leads_to_digest(tx, digest),
    )
    return [ContentId(row["id"]) for row in rows]


async def with_host(tx: Transaction, host: str, digest: bytes) -> list[ContentId]:
    """Find contents that are a link to this host, or lead to it from inside or from the words around them."""
    rows = await tx.rows(
        "SELECT id FROM content WHERE host = %(host)s OR leads_to @> ARRAY[%(leads_to)s::bigint] ORDER BY id",
        host=host,
        leads_to=leads_to_digest(tx, digest),
    )
    return [ContentId(row["id"]) for row in rows]


def _as_stored(value: int) -> int:
    """Give 32 bits as PostgreSQL's integers hold them, with a sign."""
    return value - (1 << 32) if value >= 1 << 31 else value


async def clear_with_bytes(tx: Transaction, sha256: bytes, position: int) -> list[ContentId]:
    """Find clear uploads with exactly these bytes that were judged before this signal position."""
    rows = await tx.rows(
        "SELECT DISTINCT id FROM clear_upload WHERE sha256 = %(sha256)s AND position < %(position)s ORDER BY id",
        sha256=sha256,
        position=position,
    )
    return [ContentId(row["id"]) for row in rows]


async def clear_with_sketch(tx: Transaction, hashes: Sequence[int], position: int) -> list[tuple[ContentId, bytes]]:
    """Find clear uploads judged before this signal position of which a sketch, their own or their caption's, has any of
    these hashes: (id, the sketch).
    """
    rows = await tx.rows(
        """
        SELECT id, sketch FROM clear_upload
        WHERE sketch_hashes(sketch) && %(hashes)s::int[] AND position < %(position)s
        UNION ALL
        SELECT id, caption_sketch FROM clear_upload
        WHERE sketch_hashes(caption_sketch) && %(hashes)s::int[] AND position < %(position)s ORDER BY id
        """,
        hashes=[_as_stored(value) for value in hashes],
        position=position,
    )
    return [(ContentId(row["id"]), bytes(row["sketch"])) for row in rows]


async def clear_with_address(tx: Transaction, address: str, digest: bytes, position: int) -> list[ContentId]:
    """Find clear uploads judged before this signal position that were a link to this address, or led to it."""
    rows = await tx.rows(
        """
        SELECT DISTINCT id FROM clear_upload
        WHERE (address = %(itself)s OR leads_to @> ARRAY[%(leads_to)s::bigint]) AND position < %(position)s ORDER BY id
        """,
        itself=address_digest(tx, address),
        leads_to=leads_to_digest(tx, digest),
        position=position,
    )
    return [ContentId(row["id"]) for row in rows]


async def clear_with_host(tx: Transaction, host: str, digest: bytes, position: int) -> list[ContentId]:
    """Find clear uploads judged before this signal position that were a link to this host, or led to it."""
    rows = await tx.rows(
        """
        SELECT DISTINCT id FROM clear_upload
        WHERE (host = %(itself)s OR leads_to @> ARRAY[%(leads_to)s::bigint]) AND position < %(position)s ORDER BY id
        """,
        itself=host_digest(tx, host),
        leads_to=leads_to_digest(tx, digest),
        position=position,
    )
    return [ContentId(row["id"]) for row in rows]


async def with_frames(
    tx: Transaction, after: ContentId | None, _position: int, *, most: int = 200
) -> list[tuple[ContentId, bytes]]:
    """Page through recorded videos, by id: (id, packed frames)."""
    rows = await tx.rows(
        "SELECT id, frames FROM content WHERE id > %(after)s AND frames IS NOT NULL ORDER BY id LIMIT %(most)s",
        after=after.value if after else UUID(int=0),
        most=most,
    )
    return [(ContentId(row["id"]), bytes(row["frames"])) for row in rows]


async def clear_with_frames(
    tx: Transaction, after: ContentId | None, position: int, *, most: int = 200
) -> list[tuple[ContentId, bytes]]:
    """Page through clear videos judged before this signal position, by id: (id, packed frames)."""
    rows = await tx.rows(
        """
        SELECT id, frames FROM clear_upload
        WHERE id > %(after)s AND position < %(position)s AND frames IS NOT NULL ORDER BY id LIMIT %(most)s
        """,
        after=after.value if after else UUID(int=0),
        position=position,
        most=most,
    )
    return [(ContentId(row["id"]), bytes(row["frames"])) for row in rows]


@dataclass(frozen=True, slots=True)
class Page:
    """Looks of many contents, as bytes one after the other: no row of millions becomes an object.

    Attributes:
        day: of clear uploads, on which all of them came; None for contents with a recorded life.
        numbers: of clear uploads, ascending; zeros for contents with a recorded life.
        ids: 16 bytes each.
        lengths: how many bytes of ``values`` each has.
        values: the values of all their looks, 32 bytes each.
    """

    day: date | None
    numbers: Sequence[int]
    ids: bytes
    lengths: Sequence[int]
    values: bytes

    @property
    def last(self) -> ContentId:
        """Give the last of them."""
        return ContentId(UUID(bytes=self.ids[-16:]))


async def numbered(tx: Transaction, after: int, up_to: int, *, most: int = 20_000) -> list[Page]:
    """Give the clear uploads with looks whose numbers lie above ``after`` and up to ``up_to``, by day and in order.

    At most so many; read on after the highest number among them.
    """
    rows = await tx.rows(
        """
        SELECT day, array_agg(number ORDER BY number) AS numbers,
            string_agg(uuid_send(id), ''::bytea ORDER BY number) AS ids,
            array_agg(length(pdq) ORDER BY number) AS lengths, string_agg(pdq, ''::bytea ORDER BY number) AS values
        FROM (
            SELECT day, number, id, pdq FROM clear_upload
            WHERE number > %(after)s AND number <= %(up_to)s AND length(pdq) > 0 ORDER BY number LIMIT %(most)s
        ) AS page GROUP BY day ORDER BY min(number)
        """,
        after=after,
        up_to=up_to,
        most=most,
    )
    return [_page(row) for row in rows]


async def recorded(tx: Transaction, after: ContentId | None, *, most: int = 20_000) -> Page | None:
    """Page through the looks of contents with a recorded life, by id."""
    row = await tx.row(
        """
        SELECT NULL::date AS day, array_agg(0) AS numbers, string_agg(uuid_send(id), ''::bytea ORDER BY id) AS ids,
            array_agg(length(pdq) ORDER BY id) AS lengths, string_agg(pdq, ''::bytea ORDER BY id) AS values
        FROM (
            SELECT id, pdq FROM content WHERE id > %(after)s AND length(pdq) > 0 ORDER BY id LIMIT %(most)s
        ) AS page HAVING count(*) > 0
        """,
        after=after.value if after else UUID(int=0),
        most=most,
    )
    return None if row is None else _page(row)


def _page(row: Row) -> Page:
    return Page(row["day"], row["numbers"], bytes(row["ids"]), row["lengths"], bytes(row["values"]))


async def last_number(tx: Transaction) -> int:
    """Give the highest number a clear upload was ever given, 0 before the first."""
    row = await tx.row("SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS last FROM clear_upload_number")
    assert row is not None
    return int(row["last"])


async def forgotten_numbers(tx: Transaction) -> list[int]:
    """Give the numbers of clear uploads that were removed, of all days that are kept."""
    return [row["number"] for row in await tx.rows("SELECT number FROM clear_upload_forgotten")]


async def ids_numbered(tx: Transaction, numbers: Sequence[int]) -> dict[int, ContentId]:
    """Say which clear uploads have these numbers, where there are any."""
    rows = await tx.rows("SELECT number, id FROM clear_upload WHERE number = ANY(%(numbers)s)", numbers=list(numbers))
    return {row["number"]: ContentId(row["id"]) for row in rows}
