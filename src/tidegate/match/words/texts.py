"""Texts: every known text that an upload contains, is part of, or says in almost the same letters.

May decide: which signals are near. Such a match is for people to look at; it never holds anything (floor rule 1).

An upload's shingles find known texts that share some (``table``), and the letters are compared where they do
(``alignment``). Three sizes of span are the same text: two fifths of the known text, wherever they stand; a part of it
that is most of the upload; or a part so long that it stands for itself. Anything less is a greeting, a quotation or a
turn of phrase that many use. Texts under ``SHORTEST_COMPARED`` units match as a whole, letter for letter, or not at
all.

Without the upload's letters there is its sketch only: then the distance is estimated from the share of common hashes,
and there is no span. A person, or the bytes, must say more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidegate.content.model import Fingerprints
from tidegate.fingerprint.model import Rotation
from tidegate.fingerprint.words import spelling
from tidegate.fingerprint.words.letters import Hashes, Places, codes_of, normalise
from tidegate.fingerprint.words.shingles import SHINGLE, length, lengths, winnow
from tidegate.fingerprint.words.text import SHORTEST_COMPARED, ReadText, Sketch, digest_of, read_text
from tidegate.kernel.ids import SignalId
from tidegate.match.model import Match, Span
from tidegate.match.words.alignment import DIFFERING, Alignment, align
from tidegate.match.words.table import MOST_TEXTS, Pairs, Table, build, find, join
from tidegate.signal.model import FingerprintKind, Signal
from tidegate.signal.rules import proposes

#: Units of a part of a known text that, being most of an upload, is that text: about thirty words.
EXCERPT: Final = 160
#: Units of a part that stands for itself, whatever is around it: more than a paragraph.
LONG_PART: Final = 640
#: Known texts compared letter by letter for one upload: the likeliest.
MOST_COMPARED: Final = 16
#: Common hashes below which two sketches say nothing, and the share of the smaller sketch they must be.
FEWEST_COMMON: Final = 4
COMMON_SHARE: Final = 0.3
#: Texts winnowed at a time, so that a long list takes little memory.
_AT_ONCE: Final = 5000
#: A table this many times larger than the one before it is not joined with it.
_GROWTH: Final = 4
_LOWER_BITS: Final = np.uint64(32)


@dataclass(frozen=True, slots=True)
class _State:
    """What a search works with: the tables, and which rows of theirs are still known. Never altered."""

    tables: tuple[Table, ...] = ()
    alive: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))


@dataclass(frozen=True, slots=True)
class _Known:
    """A known text: what it comes down to, how long it is in units, and how many hashes were kept of it."""

    signal: SignalId
    letters: str
    units: int
    kept: int


class Texts:
    """The signals that are texts. Safe to search from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._state = _State()
        #: By row, for good: rows are only added, so a search under way keeps what it started with.
        self._known: list[_Known] = []
        self._rows: dict[SignalId, int] = {}
        self._whole: dict[str, SignalId] = {}
        #: How long those are, and those that were known once.
        self._lengths: set[int] = set()
        self._short: dict[bytes, SignalId] = {}

    def bring_forward(self, changed: Sequence[Signal]) -> None:
        """Take in the signals that changed, in the order of their positions."""
        mine = {signal.id: signal for signal in changed if signal.kind is FingerprintKind.TEXT}
        if not mine:
            return
        with self._lock:
            gone = [self._rows.pop(signal.id) for signal in mine.values() if self._is_gone(signal)]
            alive = self._state.alive.copy()
            alive[gone] = False
            new = [signal for signal in mine.values() if proposes(signal) and signal.id not in self._rows]
            for signal in mine.values():
                self._name_whole(signal)
            self._state = self._with(new, alive)

    def _is_gone(self, signal: Signal) -> bool:
        return signal.id in self._rows and not proposes(signal)

    def _name_whole(self, signal: Signal) -> None:
        text = _letters(signal)
        if proposes(signal):
            self._whole[text] = self._short[digest_of(text)] = signal.id
            self._lengths.add(len(text))
        else:
            self._whole.pop(text, None)
            self._short.pop(digest_of(text), None)

    def _with(self, new: Sequence[Signal], alive: NDArray[np.bool_]) -> _State:
        """Add known texts: rows first, then the table that names them."""
        if not new:
            return _State(self._state.tables, alive)
        first = len(self._known)
        parts = [self._take(new[start : start + _AT_ONCE]) for start in range(0, len(new), _AT_ONCE)]
        table = build(*(np.concatenate(column) for column in zip(*parts, strict=True)))
        self._rows |= {signal.id: first + index for index, signal in enumerate(new)}
        alive = np.append(alive, np.ones(len(new), dtype=bool))
        tables = list(self._state.tables)
        # Few tables, and each entry is sorted anew only when its table has grown several times over.
        while tables and len(tables[-1]) < _GROWTH * len(table):
            table = join(tables.pop(), table, alive)
        return _State((*tables, table), alive)

    def _take(self, new: Sequence[Signal]) -> tuple[Hashes, Places, Places]:
        """Give texts their rows, and give the hashes kept of them, with the row and the place of each."""
        first = len(self._known)
        texts = [_letters(signal) for signal in new]
        starts = np.cumsum([0, *(len(text) for text in texts)])[:-1].astype(np.int32)
        codes = codes_of("".join(texts))
        units = lengths(codes, starts)
        hashes, places, which = winnow(codes, starts)
        kept = np.bincount(which, minlength=len(new)).tolist()
        self._known += [
            _Known(signal.id, text, long, count)
            for signal, text, long, count in zip(new, texts, units.tolist(), kept, strict=True)
        ]
        compared = units[which] >= SHORTEST_COMPARED
        return hashes[compared], which[compared] + np.int32(first), (places - starts[which])[compared]

    def search(self, fingerprints: Fingerprints, text: ReadText | None) -> list[Match]:
        """Find every signal that the text contains, is part of, or says in almost the same letters.

        Without the text its sketch is asked, as far as that goes.
        """
        if text is None:
            return self._by_sketch(Sketch.unpack(fingerprints.sketch)) if fingerprints.sketch else []
        found = {}
        # Texts that are no known one mostly are so by their length alone.
        whole = self._whole.get(text.letters) if len(text.codes) in self._lengths else None
        if whole is not None:
            end = len(text.codes)
            found[whole] = _match(whole, 0, Span(start=0, end=end, known_start=0, known_end=end))
        state = self._state
        if text.units >= SHORTEST_COMPARED and state.tables:
            pairs = find(state.tables, text.hashes, text.places)
            rows = _likeliest(pairs, state.alive)
            letters = text.letters if rows else ""
            for row in rows:
                known = self._known[row]
                mine = np.flatnonzero(pairs.rows == row)
                span = align(letters, known.letters, pairs.asked[mine], pairs.known[mine])
                if known.signal not in found and span is not None and _is_same(span, text, known):
                    found[known.signal] = _match(known.signal, span.differing, _span(span))
        return list(found.values())

    def _by_sketch(self, sketch: Sketch) -> list[Match]:
        if sketch.digest:
            signal = self._short.get(sketch.digest)
            return [] if signal is None else [_match(signal, 0, None)]
        state = self._state
        found = []
        for row, common in _common_halves(state, sketch.hashes):
            known = self._known[row]
            smaller = min(known.kept, len(sketch.hashes))
            if sketch.cut:
                # Of the known text only the hashes below the cut can be among those of the sketch.
                share = (int(sketch.hashes[-1]) + 1) / 2**32
                smaller = min(round(known.kept * share), len(sketch.hashes))
            part = min(common / max(smaller, 1), 1.0)
            if common >= min(FEWEST_COMMON, smaller) and part >= COMMON_SHARE:
                found.append(_match(known.signal, _estimated(part), None))
        return found


def warm() -> None:
    """Compile or load every kernel and what captions are read with, so that no upload waits for it."""
    spelling.warm()
    texts = [normalise("ab" * SHORTEST_COMPARED), "橋梁" * SHORTEST_COMPARED]
    starts = np.array([0, len(texts[0])], dtype=np.int32)
    codes = codes_of("".join(texts))
    lengths(codes, starts)
    hashes, places, rows = winnow(codes, starts)
    alive = np.ones(2, dtype=bool)
    table = join(build(hashes, rows, places), build(hashes, rows, places), alive)
    for text in texts:
        read = read_text(text)
        pairs = find((table,), read.hashes, read.places)
        _likeliest(pairs, alive)
        align(text, text, pairs.asked, pairs.known)
        read.sketch.pack()


def _letters(signal: Signal) -> str:
    # One broken value must not keep all others from being found.
    return signal.value.decode(errors="replace")


def _likeliest(pairs: Pairs, alive: NDArray[np.bool_]) -> list[int]:
    """Give the rows for which most speaks, best first."""
    from tidegate.match.words.kernels import likeliest

    return [int(row) for row in likeliest(pairs.rows, pairs.weights, alive, MOST_COMPARED)]


def _is_same(span: Alignment, text: ReadText, known: _Known) -> bool:
    """Say whether a span makes a text the known one, or a part of it."""
    asked = length(text.codes[span.start : span.end])
    part = length(codes_of(known.letters[span.known_start : span.known_end]))
    shorter = min(asked, part)
    if span.differing > DIFFERING or shorter < SHORTEST_COMPARED:
        return False
    return 5 * part >= 2 * known.units or (shorter >= EXCERPT and 2 * asked >= text.units) or shorter >= LONG_PART


def _common_halves(state: _State, halves: NDArray[np.uint32]) -> Iterable[tuple[int, int]]:
    """Give the rows that share hashes with a sketch, and how many."""
    counts = np.zeros(len(state.alive), dtype=np.int64)
    for table in state.tables:
        low = halves.astype(np.uint64) << _LOWER_BITS
        first = table.begins[np.searchsorted(table.values, low)]
        last = table.begins[np.searchsorted(table.values, low | np.uint64(0xFFFFFFFF), side="right")]
        for start, end in zip(first.tolist(), last.tolist(), strict=True):
            if end - start <= MOST_TEXTS:
                counts[np.unique(table.rows[start:end])] += 1
    return ((int(row), int(counts[row])) for row in np.flatnonzero(counts * state.alive))


def _estimated(part: float) -> int:
    """Estimate how many letters in a thousand differ where so large a part of the shingles is the same.

    One letter in ``1 / d`` spoils ``SHINGLE`` shingles (Ondov et al., Mash, Genome Biology 2016).
    """
    differing: int = round(1000 * (1 - part ** (1 / SHINGLE)))
    return min(differing, DIFFERING)


def _match(signal: SignalId, distance: int, span: Span | None) -> Match:
    return Match(
        signal=signal,
        fingerprint_kind=FingerprintKind.TEXT,
        distance=distance,
        threshold=DIFFERING,
        rotation=Rotation.ORIGINAL,
        span=span,
    )


def _span(found: Alignment) -> Span:
    return Span(start=found.start, end=found.end, known_start=found.known_start, known_end=found.known_end)
