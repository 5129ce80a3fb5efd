"""The only SQL that names content's tables. May decide: nothing."""

import json
import struct
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, LiteralString
from uuid import UUID

from tidegate.content.facts import (
    bytes_part,
    facts_of,
    facts_of_fingerprints,
    facts_part,
    fingerprints_of,
    read_words,
    submission_from,
    with_words,
    words_of,
    words_part,
)
from tidegate.content.model import (
    AccountClass,
    BytesWanted,
    ClearUpload,
    Content,
    ContentBytesKept,
    ContentBytesMissing,
    ContentBytesWanted,
    ContentDeletedByUser,
    ContentEdited,
    ContentErased,
    ContentKind,
    ContentReachChanged,
    ContentSubmitted,
    Fingerprints,
    Look,
    LookKind,
    Standing,
    Submission,
    Surface,
    Words,
    WordsRead,
)
from tidegate.db.sealing import read_bytes, read_detail, write_detail
from tidegate.db.transaction import Projection, Question, Row, Transaction
from tidegate.kernel.event import Event, Language
from tidegate.kernel.ids import AskId, ContentId, ServiceId
from tidegate.kernel.keys import KEY_BYTES, seal, unseal

PDQ_BYTES = 32
#: Below this a look says nothing, so its values are not kept for searching (``match.model.QUALITY_FLOOR``).
_SEARCHED_FROM = 50


def lookup_digest(tx: Transaction, submission: Submission) -> bytes:
    """Digest what a content is known by."""
    return tx.keys.lookup("content", submission.service.value.bytes, submission.kind, submission.platform_id)


def uploader_digest(tx: Transaction, service: ServiceId, uploader: str) -> bytes:
    """Digest the platform's opaque id of an uploader."""
    return tx.keys.lookup("uploader", service.value.bytes, uploader)


def lock_identity(tx: Transaction, lookup: bytes) -> None:
    """Let one writer at a time meet a content that may not exist yet."""
    tx.put("SELECT pg_advisory_xact_lock(%(key)s)", key=int.from_bytes(lookup[:8], signed=True))


def known_by(lookup: bytes) -> Question[Content | None]:
    """Ask for the content that is known by this."""
    return Question(
        "SELECT * FROM content WHERE lookup = %(lookup)s",
        {"lookup": lookup},
        lambda rows: _content(rows[0]) if rows else None,
    )


async def load(tx: Transaction, content: ContentId, *, lock: bool = False) -> Content | None:
    """Load a content, locked until the commit if asked."""
    if lock:
        row = await tx.row("SELECT * FROM content WHERE id = %(id)s FOR UPDATE", id=content)
    else:
        row = await tx.row("SELECT * FROM content WHERE id = %(id)s", id=content)
    return None if row is None else _content(row)


async def load_many(tx: Transaction, contents: Sequence[ContentId], *, lock: bool = False) -> list[Content]:
    """Load contents in the order of their ids, which is also the order of locking."""
    wanted = [content.value for content in contents]
    if lock:
        rows = await tx.rows("SELECT * FROM content WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE", ids=wanted)
    else:
        rows = await tx.rows("SELECT * FROM content WHERE id = ANY(%(ids)s) ORDER BY id", ids=wanted)
    return [_content(row) for row in rows]


async def not_erased(tx: Transaction, after: ContentId | None, *, most: int = 500) -> list[Content]:
    """Page through contents that were not erased, by id."""
    rows = await tx.rows(
        "SELECT * FROM content WHERE id > %(after)s AND standing <> 'erased' ORDER BY id LIMIT %(most)s",
        after=after.value if after else UUID(int=0),
        most=most,
    )
    return [_content(row) for row in rows]


async def facts(tx: Transaction, content: Content) -> dict[str, Any] | None:
    """Open the words and ids of a content's present revision; None when erased."""
    return await read_detail(tx, content.id, facts_part(content.revision))


async def bytes_of(tx: Transaction, content: Content) -> bytes | None:
    """Open the sealed bytes of a content's present revision; None when erased or never kept."""
    return await read_bytes(tx, content.id, bytes_part(content.revision))


async def learn(tx: Transaction, content: Content, fingerprints: Fingerprints) -> None:
    """Take in what was computed of a revision's bytes after it was recorded; a rebuild finds it in the sealed facts."""
    part = facts_part(content.revision)
    facts_ = await read_detail(tx, content.id, part)
    if facts_ is None:
        return
    facts_ |= facts_of_fingerprints(fingerprints)
    await write_detail(tx, content.id, part, facts_)
    await tx.execute(
        """
        UPDATE content SET (pdq, looks, quality, width, height, reduced, frames, sketch, address, host)
          = (%(pdq)s, %(looks)s, %(quality)s, %(width)s, %(height)s, %(reduced)s, %(frames)s, %(sketch)s, %(address)s,
            %(host)s)
        WHERE id = %(id)s AND sha256 = %(sha256)s
        """,
        id=content.id,
        **_fingerprint_columns(fingerprints),
    )
    await _show_words(tx, content.id, facts_, facts_)


async def learn_words(tx: Transaction, content: Content, submission: Submission, words: Words) -> None:
    """Take in what was computed of the words around a content, if those still stand there and were not read yet."""
    part = facts_part(content.revision)
    facts_ = await read_detail(tx, content.id, part)
    if facts_ is None or read_words(facts_).read is not WordsRead.NOT_YET or words.read is WordsRead.NOT_YET:
        return
    if (facts_["caption"], facts_["link"]) != (submission.caption, submission.link):
        return
    facts_ = with_words(facts_, words)
    await write_detail(tx, content.id, part, facts_)
    edits = facts_.get("edits", 0)
    assert isinstance(edits, int)
    if edits:
        await write_detail(tx, content.id, words_part(content.revision, edits), words_of(facts_))
    await _show_words(tx, content.id, facts_, facts_)


async def with_words_not_read(tx: Transaction, most: int = 100) -> list[ContentId]:
    """List contents whose words could not be read yet."""
    rows = await tx.rows("SELECT id FROM content WHERE words = 'not_yet' ORDER BY id LIMIT %(most)s", most=most)
    return [ContentId(row["id"]) for row in rows]


# --- bytes that are wanted ---


async def wanted(tx: Transaction, content: ContentId) -> BytesWanted | None:
    """Give what the platform was asked for about a content and did not send."""
    row = await tx.row("SELECT * FROM bytes_wanted WHERE content = %(content)s", content=content)
    return None if row is None else _wanted_in(row)


async def wanted_of(tx: Transaction, service: ServiceId, most: int = 1000) -> list[BytesWanted]:
    """List what a service was asked for and did not send, what was asked first first."""
    rows = await tx.rows(
        "SELECT * FROM bytes_wanted WHERE service = %(service)s ORDER BY asked_at, content LIMIT %(most)s",
        service=service,
        most=most,
    )
    return [_wanted_in(row) for row in rows]


def _wanted_in(row: Row) -> BytesWanted:
    return BytesWanted(
        AskId(row["asked"]), ContentId(row["content"]), row["revision"], ServiceId(row["service"]), row["asked_at"]
    )


# --- clear uploads: one row in today's part, no event, no bytes ---


def record_clear(
    tx: Transaction,
    key: bytes,
    content: ContentId,
    revision: int,
    lookup: bytes,
    submission: Submission,
    fingerprints: Fingerprints,
    words: Words,
    position: int,
) -> None:
    """Keep one row for a clear upload, sealed under its day's key, until the day is dropped whole."""
    plain = json.dumps(facts_of(submission, fingerprints, words), ensure_ascii=False).encode()
    tx.put(
        """
        INSERT INTO clear_upload (day, id, revision, at, lookup, service, kind, surface, account_class, reach,
            language, country, sha256, pdq, quality, frames, sketch, address, host, caption_sketch, leads_to, position,
            sealed)
        VALUES (%(day)s, %(id)s, %(revision)s, %(at)s, %(lookup)s, %(service)s, %(kind)s, %(surface)s,
            %(account_class)s, %(reach)s, %(language)s, %(country)s, %(sha256)s, %(pdq)s, %(quality)s, %(frames)s,
            %(sketch)s, %(address)s, %(host)s, %(caption_sketch)s, %(leads_to)s, %(position)s, %(sealed)s)
        """,
        day=tx.now.date(),
        id=content,
        revision=revision,
        at=tx.now,
        lookup=lookup,
        service=submission.service,
        kind=submission.kind,
        surface=submission.surface,
        account_class=submission.account_class,
        reach=submission.reach,
        language=submission.language,
        country=submission.country,
        sha256=fingerprints.sha256,
        pdq=_searched(fingerprints),
        quality=fingerprints.quality,
        frames=fingerprints.frames or None,
        sketch=fingerprints.sketch or None,
        address=address_digest(tx, fingerprints.address) if fingerprints.address else None,
        host=host_digest(tx, fingerprints.host) if fingerprints.host else None,
        caption_sketch=words.sketch or None,
        leads_to=_led_to(tx, fingerprints, words),
        position=position,
        sealed=seal(key, plain, bound_to=content.value.bytes, randomness=tx.randomness),
    )


_NEWEST_CLEAR: LiteralString = """
    SELECT u.*, d.wrapped FROM clear_upload u LEFT JOIN clear_upload_day d ON d.day = u.day
"""


def clear_known_by(tx: Transaction, lookup: bytes) -> Question[ClearUpload | None]:
    """Ask for the newest clear upload of the content that is known by this."""
    return Question(
        _NEWEST_CLEAR + "WHERE u.lookup = %(lookup)s ORDER BY u.at DESC LIMIT 1",
        {"lookup": lookup},
        lambda rows: _clear(tx, rows[0]) if rows else None,
    )


async def find_clear(tx: Transaction, content: ContentId) -> ClearUpload | None:
    """Find the newest clear upload of a content."""
    row = await tx.row(_NEWEST_CLEAR + "WHERE u.id = %(id)s ORDER BY u.at DESC LIMIT 1", id=content)
    return None if row is None else _clear(tx, row)


def forget_clear(tx: Transaction, content: ContentId) -> None:
    """Remove the rows of a clear upload: its user deleted it, or it became a content with a life."""
    tx.put(
        """
        WITH removed AS (DELETE FROM clear_upload WHERE id = %(id)s RETURNING day, number)
        INSERT INTO clear_upload_forgotten (day, number) SELECT day, number FROM removed
        """,
        id=content,
    )


async def prepare_days(tx: Transaction, keep_days: int) -> None:
    """Make the parts for today and tomorrow and drop those past their time, keys and all."""
    await tx.execute("SELECT clear_upload_days(%(today)s, %(keep)s)", today=tx.now.date(), keep=keep_days)
    await tx.execute("DELETE FROM clear_upload_forgotten WHERE day < %(first)s", first=first_day(tx, keep_days))


def first_day(tx: Transaction, keep_days: int) -> date:
    """Say of which day the oldest clear uploads are that are kept."""
    return tx.now.date() - timedelta(days=keep_days)


def _clear(tx: Transaction, row: Row) -> ClearUpload:
    content = ContentId(row["id"])
    key = tx.keys.unwrap(bytes(row["wrapped"]), _day_owner(row["day"]))
    facts_ = json.loads(unseal(key, bytes(row["sealed"]), bound_to=content.value.bytes))
    submission = submission_from(row, facts_)
    return ClearUpload(
        id=content,
        revision=row["revision"],
        submission=submission,
        fingerprints=fingerprints_of(facts_),
        words=read_words(facts_),
    )


def todays_key(tx: Transaction) -> Question[bytes | None]:
    """Ask for the key of today's clear uploads; there is none before the first of them."""
    day = tx.now.date()
    return Question(
        "SELECT wrapped FROM clear_upload_day WHERE day = %(day)s",
        {"day": day},
        lambda rows: tx.keys.unwrap(bytes(rows[0]["wrapped"]), _day_owner(day)) if rows else None,
    )


async def make_todays_key(tx: Transaction) -> bytes:
    """Make the key of today's clear uploads; it is destroyed with the day."""
    day = tx.now.date()
    tx.put(
        "INSERT INTO clear_upload_day (day, wrapped) VALUES (%(day)s, %(wrapped)s) ON CONFLICT DO NOTHING",
        day=day,
        wrapped=tx.keys.wrap(tx.randomness(KEY_BYTES), _day_owner(day), tx.randomness),
    )
    # Two may meet here: the first one's key stays, and both use that.
    key = await tx.answer(todays_key(tx))
    assert key is not None
    return key


def _day_owner(day: date) -> ContentId:
    return ContentId(UUID(int=day.toordinal()))


# --- the view ---


def address_digest(tx: Transaction, address: str) -> bytes:
    """Digest the canonical form of a link."""
    return tx.keys.lookup("address", address)


def host_digest(tx: Transaction, host: str) -> bytes:
    """Digest the host of a link."""
    return tx.keys.lookup("host", host)


def leads_to_digest(tx: Transaction, digest: bytes) -> int:
    """Digest the digest of an address or a host with the node's key, as a number of 64 bits."""
    return int.from_bytes(tx.keys.lookup("leads-to", digest)[:8], signed=True)


def _led_to(tx: Transaction, fingerprints: Fingerprints, words: Words) -> list[int] | None:
    digests = {*fingerprints.leads_to, *words.leads_to}
    return sorted(leads_to_digest(tx, digest) for digest in digests) or None


def _searched(fingerprints: Fingerprints) -> bytes:
    """Give all values a search compares, one after the other."""
    return b"".join(value for look in _searched_looks(fingerprints) for value in look.pdq)


def _searched_looks(fingerprints: Fingerprints) -> list[Look]:
    return [look for look in fingerprints.looks if look.quality >= _SEARCHED_FROM]


_LOOK = struct.Struct("!BBB")
_ROTATIONS = 8


def _pack_looks(fingerprints: Fingerprints) -> bytes:
    """Write what the looks are besides their values: kind, quality, and the second hash after its length."""
    kinds = list(LookKind)
    return b"".join(
        _LOOK.pack(kinds.index(look.kind), look.quality, len(look.second)) + look.second
        for look in _searched_looks(fingerprints)
    )


def _unpack_looks(packed: bytes, pdq: bytes) -> tuple[Look, ...]:
    looks, kinds = [], list(LookKind)
    while packed:
        kind, quality, length = _LOOK.unpack_from(packed)
        second, packed = packed[_LOOK.size : _LOOK.size + length], packed[_LOOK.size + length :]
        values = tuple(pdq[start : start + PDQ_BYTES] for start in range(0, _ROTATIONS * PDQ_BYTES, PDQ_BYTES))
        pdq = pdq[_ROTATIONS * PDQ_BYTES :]
        looks.append(Look(kind=kinds[kind], pdq=values, quality=quality, second=second))
    return tuple(looks)


def _content(row: Row) -> Content:
    return Content(
        id=ContentId(row["id"]),
        revision=row["revision"],
        service=ServiceId(row["service"]),
        kind=ContentKind(row["kind"]),
        standing=Standing(row["standing"]),
        surface=Surface(row["surface"]),
        account_class=AccountClass(row["account_class"]),
        reach=row["reach"],
        uploader=None if row["uploader"] is None else bytes(row["uploader"]),
        caption=None if row["caption"] is None else bytes(row["caption"]),
        language=row["language"] and Language(row["language"]),
        fingerprints=None
        if row["sha256"] is None
        else Fingerprints(
            sha256=bytes(row["sha256"]),
            looks=_unpack_looks(bytes(row["looks"] or b""), bytes(row["pdq"] or b"")),
            quality=row["quality"],
            width=row["width"],
            height=row["height"],
            reduced=row["reduced"],
            frames=bytes(row["frames"] or b""),
            sketch=bytes(row["sketch"] or b""),
            address=row["address"] or "",
            host=row["host"] or "",
        ),
        bytes_kept=row["bytes_kept"],
        words=WordsRead(row["words"]),
    )


def words_digest(tx: Transaction, caption: str, link: str) -> bytes:
    """Digest the words around a content."""
    return tx.keys.lookup("caption", caption, link)


async def _show_words(
    tx: Transaction, content: ContentId, facts_: dict[str, Any] | None, words: dict[str, Any] | None
) -> None:
    """Have a content found by what was computed of its bytes and of these words around it."""
    known = Words() if words is None else read_words(words)
    fingerprints = Fingerprints(sha256=b"") if facts_ is None else fingerprints_of(facts_)
    await tx.execute(
        """
        UPDATE content SET (caption, words, caption_sketch, leads_to)
          = (%(caption)s, %(words)s, %(sketch)s, %(leads_to)s)
        WHERE id = %(id)s
        """,
        id=content,
        caption=words and words_digest(tx, words["caption"], words["link"]),
        words=known.read,
        sketch=known.sketch or None,
        leads_to=_led_to(tx, fingerprints, known),
    )


async def _submitted(tx: Transaction, happened: ContentSubmitted) -> None:
    await _not_wanted(tx, happened)
    facts_ = await read_detail(tx, happened.content, facts_part(happened.revision))
    known = Fingerprints(sha256=b"") if facts_ is None else fingerprints_of(facts_)
    digests: dict[str, bytes | None] = {"lookup": None, "uploader": None}
    if facts_ is not None:
        service = happened.service.value.bytes
        digests = {
            "lookup": tx.keys.lookup("content", service, happened.content_kind, str(facts_["platform_id"])),
            "uploader": uploader_digest(tx, happened.service, str(facts_["uploader"])),
        }
    await tx.execute(
        """
        INSERT INTO content (id, revision, service, kind, standing, surface, account_class, reach, language, country,
            lookup, uploader, sha256, pdq, looks, quality, width, height, reduced, frames, sketch, address, host,
            bytes_kept, words)
        VALUES (%(id)s, %(revision)s, %(service)s, %(kind)s, 'shown', %(surface)s, %(account_class)s, %(reach)s,
            %(language)s, %(country)s, %(lookup)s, %(uploader)s, %(sha256)s, %(pdq)s, %(looks)s, %(quality)s,
            %(width)s, %(height)s, %(reduced)s, %(frames)s, %(sketch)s, %(address)s, %(host)s, false, 'whole')
        ON CONFLICT (id) DO UPDATE SET (revision, standing, surface, account_class, reach, language, country, lookup,
            uploader, sha256, pdq, looks, quality, width, height, reduced, frames, sketch, address, host, bytes_kept)
          = (EXCLUDED.revision, 'shown', EXCLUDED.surface, EXCLUDED.account_class, EXCLUDED.reach, EXCLUDED.language,
            EXCLUDED.country, EXCLUDED.lookup, EXCLUDED.uploader, EXCLUDED.sha256, EXCLUDED.pdq, EXCLUDED.looks,
            EXCLUDED.quality, EXCLUDED.width, EXCLUDED.height, EXCLUDED.reduced, EXCLUDED.frames,
            EXCLUDED.sketch, EXCLUDED.address, EXCLUDED.host, false)
        """,
        id=happened.content,
        revision=happened.revision,
        service=happened.service,
        kind=happened.content_kind,
        surface=happened.surface,
        account_class=happened.account_class,
        reach=happened.reach,
        language=happened.language,
        country=happened.country,
        **_fingerprint_columns(known),
        **digests,
    )
    first = await read_detail(tx, happened.content, words_part(happened.revision, 0))
    await _show_words(tx, happened.content, facts_, facts_ if first is None or facts_ is None else first)


def _fingerprint_columns(known: Fingerprints) -> dict[str, object]:
    return {
        "sha256": known.sha256 or None,
        "pdq": _searched(known),
        "looks": _pack_looks(known),
        "quality": known.quality,
        "width": known.width,
        "height": known.height,
        "reduced": known.reduced,
        "frames": known.frames or None,
        "sketch": known.sketch or None,
        "address": known.address or None,
        "host": known.host or None,
    }


async def _reach_changed(tx: Transaction, happened: ContentReachChanged) -> None:
    await tx.execute(
        "UPDATE content SET reach = %(reach)s WHERE id = %(id)s", id=happened.content, reach=happened.reach
    )


async def _edited(tx: Transaction, happened: ContentEdited) -> None:
    facts_ = await read_detail(tx, happened.content, facts_part(happened.revision))
    words = await read_detail(tx, happened.content, words_part(happened.revision, happened.edit))
    await _show_words(tx, happened.content, facts_, words)


async def _bytes_wanted(tx: Transaction, happened: ContentBytesWanted) -> None:
    await tx.execute(
        """
        INSERT INTO bytes_wanted (content, revision, service, asked, asked_at)
        VALUES (%(content)s, %(revision)s, %(service)s, %(ask)s, %(at)s)
        """,
        content=happened.content,
        revision=happened.revision,
        service=happened.service,
        ask=happened.ask,
        at=tx.now,
    )


async def _not_wanted(
    tx: Transaction,
    happened: ContentSubmitted | ContentBytesKept | ContentBytesMissing | ContentDeletedByUser | ContentErased,
) -> None:
    await tx.execute("DELETE FROM bytes_wanted WHERE content = %(content)s", content=happened.content)


async def _bytes_kept(tx: Transaction, happened: ContentBytesKept) -> None:
    await _not_wanted(tx, happened)
    await tx.execute(
        "UPDATE content SET bytes_kept = true WHERE id = %(id)s AND revision = %(revision)s",
        id=happened.content,
        revision=happened.revision,
    )


async def _deleted_by_user(tx: Transaction, happened: ContentDeletedByUser) -> None:
    await _not_wanted(tx, happened)
    await tx.execute("UPDATE content SET standing = 'deleted_by_user' WHERE id = %(id)s", id=happened.content)


async def _erased(tx: Transaction, happened: ContentErased) -> None:
    await _not_wanted(tx, happened)
    await tx.execute(
        """
        UPDATE content SET standing = 'erased', lookup = NULL, uploader = NULL, caption = NULL, sha256 = NULL,
            pdq = NULL, looks = NULL, quality = 0, width = 0, height = 0, reduced = false, frames = NULL, sketch = NULL,
            address = NULL, host = NULL, words = 'whole', caption_sketch = NULL, leads_to = NULL, bytes_kept = false
        WHERE id = %(id)s
        """,
        id=happened.content,
    )


VIEWS = ("content", "bytes_wanted")
PROJECTIONS: dict[type[Event], Projection] = {
    ContentSubmitted: _submitted,
    ContentReachChanged: _reach_changed,
    ContentEdited: _edited,
    ContentBytesWanted: _bytes_wanted,
    ContentBytesKept: _bytes_kept,
    ContentBytesMissing: _not_wanted,
    ContentDeletedByUser: _deleted_by_user,
    ContentErased: _erased,
}
