"""Lists of signals as others write them: read line by line, written the way python-threatexchange reads.

May decide: what a line says, and that it says nothing we take. Pure: bytes in, rows and reasons out. One bad line
never ends a list: it is given back with its number and what is wrong, and reading goes on with the next. Three forms:

- ``csv``: what ``threatexchange dataset --csv`` prints, ``signal_type,signal_str,collab,category,tags`` in any order;
- ``local``: the lines of its ``local_file`` exchange, ``signal_type signal``, or the signal alone;
- ``te``: its older ``simple.<TYPE>.te``, ``indicator,descriptor_id,added_on,labels``, with or without that first line.

What others think of a signal is heeded where it speaks against it: NEGATIVE_CLASS and DISPUTED are left out and
counted, as are types we have no use for. Everything else comes in unconfirmed (floor rule 15). Labels are the
importer's word, from our closed list (floor rule 14); a tag becomes one only where the importer says which. Every other
tag and column is dropped unread: things, never people (floor rule 10).
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO

from tidegate.fingerprint.video import vpdq_text
from tidegate.fingerprint.video.frames import unpack_frames
from tidegate.kernel.errors import Malformed, RuleBroken, TidegateError
from tidegate.signal import rules
from tidegate.signal.model import FingerprintKind, Label, ListFormat, Signal

_Found = tuple[FingerprintKind, bytes, tuple[Label, ...]]


class LeftOut(StrEnum):
    """Why a line that reads well is not taken in."""

    NEGATIVE = "negative"
    DISPUTED = "disputed"
    OTHER_TYPE = "other_type"


@dataclass(frozen=True, slots=True)
class Row:
    """A line that is good to add."""

    line: int
    kind: FingerprintKind
    value: bytes
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line its own source speaks against, or of a type we have no use for."""

    line: int
    why: LeftOut


@dataclass(frozen=True, slots=True)
class Wrong:
    """A line that does not read, and why; the value is never in the error."""

    line: int
    error: TidegateError


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How to read a list.

    Attributes:
        format: how it is written.
        labels: given to every line.
        tags: a tag in the list -> the label it stands for, by the importer's word.
        labels_in_tags: the tags are labels of our list and nothing else, as we write them ourselves.
        signal_type: what every line is, where the lines do not say; as python-threatexchange calls it.
    """

    format: ListFormat = ListFormat.CSV
    labels: tuple[Label, ...] = ()
    tags: Mapping[str, Label] = field(default_factory=dict)
    labels_in_tags: bool = False
    signal_type: str | None = None


#: As python-threatexchange and the ThreatExchange API call them, in lower case -> what it is to us.
TYPES: dict[str, FingerprintKind] = {
    "pdq": FingerprintKind.PDQ,
    "hash_pdq": FingerprintKind.PDQ,
    "sha256": FingerprintKind.SHA256,
    "sha-256": FingerprintKind.SHA256,
    "hash_sha256": FingerprintKind.SHA256,
    "video_sha256": FingerprintKind.SHA256,
    "hash_video_sha256": FingerprintKind.SHA256,
    "vpdq": FingerprintKind.VIDEO,
    "text": FingerprintKind.TEXT,
    "raw_text": FingerprintKind.TEXT,
    "text_string": FingerprintKind.TEXT,
    "url": FingerprintKind.URL,
    "uri": FingerprintKind.URL,
    "raw_uri": FingerprintKind.URL,
    "domain": FingerprintKind.DOMAIN,
}

#: Types of theirs that we do not keep.
OTHER_TYPES = frozenset((
    "clip", "hash_md5", "hash_pdq_ocr", "hash_text_tlsh", "hash_tmk", "hash_url_md5", "hash_video_md5", "md5", "pdna",
    "pdq_ocr", "photodna", "sha1", "text_tlsh", "tmk", "tmk_pdqf", "trend_query", "url_md5", "video_md5",
))  # fmt: skip

#: How we call them in what we write.
NAMES: dict[FingerprintKind, str] = {
    FingerprintKind.PDQ: "pdq",
    FingerprintKind.SHA256: "sha256",
    FingerprintKind.VIDEO: "vpdq",
    FingerprintKind.TEXT: "raw_text",
    FingerprintKind.URL: "url",
}

CSV_COLUMNS = ("signal_type", "signal_str", "collab", "category", "tags")
TE_COLUMNS = ("indicator", "descriptor_id", "added_on", "labels")

#: What we call ourselves where a list names who made it.
COLLABORATION = "tidegate"

_AGAINST = {"negative_class": LeftOut.NEGATIVE, "disputed": LeftOut.DISPUTED}

#: The older form says it among the labels.
_TE_OPINIONS = {"false_positive": LeftOut.NEGATIVE, "disputed": LeftOut.DISPUTED}

#: What a tag is about when it is about people; it can stand for no label (floor rule 10).
_ABOUT_PEOPLE = frozenset(
    ("belief", "ethnicity", "gender", "ideology", "nationality", "opinion", "origin", "race", "religion")
)

#: A longer line is no line of a list; a whole video written as text is well below it.
LONGEST_LINE = 8 * 2**20
#: A quoted field may run over this many lines; then its quote was never closed.
_MOST_JOINED = 1000

_SUFFIX = re.compile(r"\.(csv|txt|te)$", re.IGNORECASE)
_SUFFIXES = {"csv": ListFormat.CSV, "txt": ListFormat.LOCAL, "te": ListFormat.TE}
_TE_NAME = re.compile(r"simple\.(\w+)\.te$", re.IGNORECASE)
_FIELD = re.compile(r'(?:"((?:[^"]|"")*)"|([^",]*))(,|\Z)', re.DOTALL)


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """Give the lines of a file; of one that is longer than any line of a list, only the beginning."""
    while line := file.readline(LONGEST_LINE + 1):
        yield line
        while not line.endswith(b"\n") and len(line) > LONGEST_LINE:
            line = file.readline(LONGEST_LINE + 1)


def check_tags(words: Iterable[str]) -> dict[str, Label]:
    """Read which tags stand for which labels, each as ``TAG=LABEL``.

    Raises:
        Malformed: another form.
        RuleBroken: a label that is not on the list (floor rule 14), or a tag about people (floor rule 10).
    """
    tags: dict[str, Label] = {}
    for word in words:
        tag, _, label = word.rpartition("=")
        if not tag or tag.split() != [tag]:
            raise Malformed('A tag is mapped as "TAG=LABEL"; a tag has no blanks.', reference="tag")
        if re.split(r"[=:/]", tag.lower())[0] in _ABOUT_PEOPLE:
            raise RuleBroken(
                "What people are or believe is no label of what content does: leave that tag out.", reference="rule 10"
            )
        (tags[tag],) = rules.check_labels([label])
    return tags


def reading_of(
    name: str,
    list_format: str | None,
    *,
    labels: Sequence[str],
    tags: Iterable[str],
    labels_in_tags: bool,
    signal_type: str | None,
) -> Reading:
    """Put together how to read a file, from what its importer says and, for what they leave open, from its name.

    Raises:
        Malformed: how it is written, or what its signals are, is not said; or nothing gives them a label.
        RuleBroken: a label that is not on the list (floor rule 14), or a tag about people (floor rule 10).
    """
    suffix = _SUFFIX.search(name)
    if list_format is not None:
        chosen = ListFormat(list_format)
    elif suffix is not None:
        chosen = _SUFFIXES[suffix[1].lower()]
    else:
        raise Malformed("Say how the list is written: csv, local or te.", reference="format")
    if chosen is ListFormat.TE and signal_type is None:
        if (found := _TE_NAME.search(name)) is None:
            raise Malformed("Name the file simple.<TYPE>.te, or say of which type its signals are.", reference="type")
        signal_type = found[1]
    if not (labels or tags or labels_in_tags):
        raise Malformed("Say what the list is of: give a label, map tags to labels, or say that tags are labels.")
    return Reading(
        format=chosen,
        labels=rules.check_labels([*labels]) if labels else (),
        tags=check_tags(tags),
        labels_in_tags=labels_in_tags,
        signal_type=signal_type,
    )


def read_list(lines: Iterable[bytes], how: Reading) -> Iterator[Row | Skipped | Wrong]:
    """Read a list, a result for each line that is not empty.

    Raises:
        Malformed: the first line does not name the columns that are needed; nothing can be read then.
    """
    source = _Lines(lines)
    columns = () if how.format is ListFormat.LOCAL else _columns(source, how)
    for number, line in source:
        if how.format is ListFormat.LOCAL:
            yield _result(number, line, _local, how)
            continue
        result = _result(number, source.with_open_quote(line), _record, how, columns)
        if isinstance(result, Wrong):
            # A field over several lines that does not read was none: nothing behind the bad line may be lost.
            source.give_back()
        yield result


class _Lines:
    """Numbers the lines that are not empty; several can be joined into one and given back."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._waiting: deque[bytes] = deque()
        self._joined: list[bytes] = []
        self._number = 0

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        while (line := self._take()) is not None:
            self._joined.clear()
            whole = line.removeprefix(b"\xef\xbb\xbf") if self._number == 1 else line
            if whole.strip():
                yield self._number, whole

    def _take(self) -> bytes | None:
        line = self._waiting.popleft() if self._waiting else next(self._lines, None)
        self._number += line is not None
        return line

    def with_open_quote(self, line: bytes) -> bytes:
        """Give a line together with those its quoted field runs over."""
        if line.count(b'"') % 2 == 0:
            return line
        while len(self._joined) < _MOST_JOINED and (further := self._take()) is not None:
            self._joined.append(further)
            if further.count(b'"') % 2:
                break
        return b"".join((line, *self._joined))

    def give_back(self, *first: bytes) -> None:
        """Put back what was joined, or the line just read, to be read by itself."""
        back = [*first, *self._joined]
        self._waiting.extendleft(reversed(back))
        self._number -= len(back)
        self._joined.clear()


def _result(
    number: int, raw: bytes, read: Callable[..., LeftOut | _Found], *arguments: object
) -> Row | Skipped | Wrong:
    try:
        if len(raw) > LONGEST_LINE:
            raise Malformed("The line is too long to be a signal.")
        found = read(raw.decode().rstrip("\r\n"), *arguments)
    except UnicodeDecodeError:
        return Wrong(number, Malformed("The line is not UTF-8."))
    except TidegateError as error:
        return Wrong(number, error)
    return Skipped(number, found) if isinstance(found, LeftOut) else Row(number, *found)


def _columns(source: _Lines, how: Reading) -> tuple[str, ...]:
    """Read which columns there are.

    Raises:
        Malformed: one that is needed is missing.
    """
    first = next(iter(source), (1, b""))[1]
    named = tuple(name.strip() for name in _fields(first.decode(errors="replace").rstrip("\r\n")) or ())
    if how.format is ListFormat.TE:
        if TE_COLUMNS[0] in named:
            return named
        source.give_back(first)
        return TE_COLUMNS
    needed = ("signal_type", "signal_str") + (("tags",) if how.labels_in_tags or how.tags else ())
    missing = [name for name in needed if name not in named]
    if missing:
        raise Malformed(
            "The first line names the columns %(needed)s: %(words)s is missing.",
            values={"needed": ", ".join(needed), "words": ", ".join(missing)},
            reference="text",
        )
    return named


def _fields(text: str) -> list[str] | None:
    """Split a line of CSV (RFC 4180); None where its quotes make no sense."""
    if '"' not in text:
        return text.split(",")
    fields: list[str] = []
    place = 0
    while (found := _FIELD.match(text, place)) is not None:
        fields.append(found[2] if found[1] is None else found[1].replace('""', '"'))
        if not found[3]:
            return fields
        place = found.end()
    return None


def _record(text: str, how: Reading, columns: tuple[str, ...]) -> LeftOut | _Found:
    fields = _fields(text)
    if fields is None:
        raise Malformed("The line is not CSV: a quote is out of place.")
    said = dict(zip(columns, fields, strict=False))
    if how.format is ListFormat.TE:
        tags = said.get("labels", "")
        left_out = next((_TE_OPINIONS[word] for word in _words(tags) if word in _TE_OPINIONS), None)
        signal_type, signal = how.signal_type or "", said.get("indicator", "")
    else:
        tags, category = said.get("tags", ""), said.get("category", "").strip().lower()
        # A category may be anything its maker liked; only what speaks against a signal counts.
        left_out = _AGAINST.get(category)
        signal_type, signal = said.get("signal_type", "") or how.signal_type or "", said.get("signal_str", "")
    return left_out or _found(signal_type, signal, tags, how)


def _local(text: str, how: Reading) -> LeftOut | _Found:
    signal_type, _, signal = ("", "", text.strip()) if how.signal_type else text.strip().partition(" ")
    return _found(how.signal_type or signal_type, signal, "", how)


def _found(signal_type: str, signal: str, tags: str, how: Reading) -> LeftOut | _Found:
    if signal_type.strip().lower() in OTHER_TYPES:
        return LeftOut.OTHER_TYPE
    return *read_value(signal_type, signal), _labels(tags, how)


def read_value(signal_type: str, signal: str) -> tuple[FingerprintKind, bytes]:
    """Read a signal as python-threatexchange writes it; of a text or an address, as it stands there.

    Raises:
        Malformed: a type we have no use for, or not a value of this type.
        RuleBroken: a domain (floor rule 4).
    """
    kind = TYPES.get(signal_type.strip().lower(), "")
    if kind is FingerprintKind.DOMAIN:
        raise RuleBroken(
            "A domain speaks of all that a host shows, so no list puts one in force: propose it on the page of "
            "signals, and another policy lead approves it.",
            reference="rule 4",
        )
    if kind is FingerprintKind.VIDEO:
        frames = vpdq_text.read(signal)
        if not len(frames):
            raise Malformed("A vPDQ hash has one frame or more.")
        return kind, frames.tobytes()
    if kind is FingerprintKind.TEXT:
        return kind, _letters(signal).encode()
    if kind is FingerprintKind.URL:
        # As it is written; whoever adds it brings it into its canonical form first (``links``).
        return kind, signal.strip().encode()
    return rules.check_value(kind, signal.strip())


def _letters(text: str) -> str:
    # Only who reads texts needs the compiled half.
    from tidegate.fingerprint.words.letters import codes_of, normalise
    from tidegate.fingerprint.words.shingles import length
    from tidegate.fingerprint.words.text import SHORTEST_KNOWN

    letters = normalise(text)
    if length(codes_of(letters)) < SHORTEST_KNOWN:
        raise Malformed(
            "A text has at least %(least)s letters or digits: a shorter one would be found everywhere.",
            values={"least": SHORTEST_KNOWN},
        )
    return letters


def write_value(signal: Signal) -> str:
    """Write a signal as python-threatexchange reads it."""
    if signal.kind is FingerprintKind.VIDEO:
        return vpdq_text.write(unpack_frames(signal.value), vpdq_text.Form.THREATEXCHANGE)
    in_letters = signal.kind in {FingerprintKind.TEXT, FingerprintKind.URL}
    return signal.value.decode() if in_letters else signal.value.hex()


def _words(tags: str) -> list[str]:
    return re.split(r"[\s;,]+", tags.strip()) if tags.strip() else []


def _labels(tags: str, how: Reading) -> tuple[Label, ...]:
    words = _words(tags)
    if how.labels_in_tags:
        return rules.check_labels([word.removeprefix("label=") for word in words])
    return rules.check_labels([*how.labels, *(how.tags[word] for word in words if word in how.tags)])


# --- writing ---


def header(list_format: ListFormat) -> str:
    """Give what a written list begins with.

    Raises:
        Malformed: a form we do not write.
    """
    if list_format is ListFormat.TE:
        raise Malformed("The older form is read and no longer written: choose csv or local.", reference="format")
    return ",".join(CSV_COLUMNS) + "\n" if list_format is ListFormat.CSV else ""


def write_line(signal: Signal, list_format: ListFormat) -> str:
    """Write a signal as a line of a list; its standing is the category, its labels are the tags."""
    name, value = NAMES[signal.kind], write_value(signal)
    if list_format is ListFormat.LOCAL:
        return f"{name} {value}\n"
    tags = " ".join(f"label={label}" for label in sorted(signal.labels))
    return ",".join(_quoted(text) for text in (name, value, COLLABORATION, category_of(signal), tags)) + "\n"


def category_of(signal: Signal) -> str:
    """Give how a signal stands in the words of python-threatexchange."""
    if signal.disputed:
        return "DISPUTED"
    return "POSITIVE_CLASS" if rules.enforceable(signal) else "INVESTIGATION_SEED"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if re.search(r'[",\r\n]', text) else text
