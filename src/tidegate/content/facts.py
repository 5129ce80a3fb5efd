"""What is sealed of a content, as it is written: the words and ids of a revision, and what was computed of both.

May decide: nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tidegate.content.model import (
    AccountClass,
    ContentKind,
    Fingerprints,
    Look,
    LookKind,
    Submission,
    Surface,
    Words,
    WordsRead,
)
from tidegate.kernel.event import Country, Language
from tidegate.kernel.ids import ServiceId

_DIGEST_BYTES = 8


def facts_part(revision: int) -> str:
    """Name the sealed detail with the words and ids of a revision."""
    return f"facts/{revision}"


def words_part(revision: int, edit: int) -> str:
    """Name the sealed detail with the words of a revision after an edit; 0 is before the first."""
    return f"words/{revision}/{edit}"


def words_of(facts_: dict[str, Any]) -> dict[str, Any]:
    """Give the words around a content, and what was computed of them; nothing was in older releases."""
    return {name: facts_[name] for name in ("caption", "link", "words") if name in facts_}


def with_words(facts_: dict[str, Any], words: Words) -> dict[str, Any]:
    """Write down what was computed of the words around a content."""
    written = {"read": words.read, "sketch": words.sketch.hex(), "leads_to": b"".join(words.leads_to).hex()}
    return {**facts_, "words": written}


def read_words(facts_: Mapping[str, Any]) -> Words:
    """Read that back."""
    written = facts_.get("words")
    if written is None:
        return Words()
    return Words(
        read=WordsRead(written["read"]),
        sketch=bytes.fromhex(written["sketch"]),
        leads_to=_digests(written["leads_to"]),
    )


def _digests(written: str) -> tuple[bytes, ...]:
    joined = bytes.fromhex(written)
    return tuple(joined[start : start + _DIGEST_BYTES] for start in range(0, len(joined), _DIGEST_BYTES))


def bytes_part(revision: int) -> str:
    """Name the sealed bytes of a revision."""
    return f"bytes/{revision}"


def facts_of(submission: Submission, fingerprints: Fingerprints, words: Words) -> dict[str, Any]:
    """Give what is sealed of a revision."""
    said = {
        "platform_id": submission.platform_id,
        "uploader": submission.uploader,
        "caption": submission.caption,
        "link": submission.link,
        "posted_at": submission.posted_at.isoformat() if submission.posted_at else None,
    }
    return with_words(said | facts_of_fingerprints(fingerprints), words)


def facts_of_fingerprints(fingerprints: Fingerprints) -> dict[str, Any]:
    """Give what is sealed of what was computed from a revision's bytes."""
    return {
        "sha256": fingerprints.sha256.hex(),
        "looks": [
            {
                "kind": look.kind,
                "pdq": [value.hex() for value in look.pdq],
                "quality": look.quality,
                "second": look.second.hex(),
            }
            for look in fingerprints.looks
        ],
        "quality": fingerprints.quality,
        "width": fingerprints.width,
        "height": fingerprints.height,
        "reduced": fingerprints.reduced,
        "frames": fingerprints.frames.hex(),
        "sketch": fingerprints.sketch.hex(),
        "address": fingerprints.address,
        "host": fingerprints.host,
        "leads_to": b"".join(fingerprints.leads_to).hex(),
    }


def submission_from(row: Mapping[str, Any], facts_: dict[str, Any]) -> Submission:
    """Read back what a platform said: codes and numbers from a row, words and ids from what was sealed."""
    return Submission(
        service=ServiceId(row["service"]),
        kind=ContentKind(row["kind"]),
        platform_id=facts_["platform_id"],
        uploader=facts_["uploader"],
        account_class=AccountClass(row["account_class"]),
        surface=Surface(row["surface"]),
        reach=row["reach"],
        caption=facts_["caption"],
        link=facts_["link"],
        language=row["language"] and Language(row["language"]),
        country=row["country"] and Country(row["country"]),
        posted_at=facts_["posted_at"] and datetime.fromisoformat(facts_["posted_at"]),
    )


def fingerprints_of(facts_: dict[str, Any]) -> Fingerprints:
    """Read fingerprints back from sealed facts."""
    # Older releases knew one look, of pictures only.
    looks = facts_.get("looks", [{"pdq": facts_["pdq"], "quality": facts_["quality"]}] if facts_.get("pdq") else [])
    return Fingerprints(
        sha256=bytes.fromhex(facts_["sha256"]),
        looks=tuple(
            Look(
                kind=LookKind(look.get("kind", LookKind.AS_STORED)),
                pdq=tuple(bytes.fromhex(value) for value in look["pdq"]),
                quality=look["quality"],
                second=bytes.fromhex(look.get("second", "")),
            )
            for look in looks
        ),
        quality=facts_["quality"],
        width=facts_["width"],
        height=facts_["height"],
        reduced=facts_.get("reduced", False),
        frames=bytes.fromhex(facts_.get("frames", "")),
        sketch=bytes.fromhex(facts_.get("sketch", "")),
        address=facts_.get("address", ""),
        host=facts_.get("host", ""),
        leads_to=_digests(facts_.get("leads_to", "")),
    )
