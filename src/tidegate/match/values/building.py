"""Building segments: signals that changed become a small segment, small ones are merged, what is gone is left out.

May decide: which segments are merged. A log-structured merge (O'Neil et al., 1996): each segment has at least four
times the entries of all newer ones together, so there are few of them and an entry is written again only a few times.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from tidegate.match.values import manifest as manifests
from tidegate.match.values.files import Folder
from tidegate.match.values.hamming import MOST_ENTRIES, Integers
from tidegate.match.values.manifest import Manifest, Segment
from tidegate.match.values.segments import Ids, OpenSegment, Signals, joined, write, write_gone
from tidegate.signal.model import FingerprintKind

_GROWTH: Final = 4
#: A segment with more of it gone than this is written again.
_MOST_GONE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Changed:
    """The signals of one kind that changed: those that propose something, and all of them by value and id."""

    living: Signals
    all: Signals


def build(folder: Folder, before: Manifest, changed: Mapping[FingerprintKind, Changed], after: Manifest) -> Manifest:
    """Write the segments for what changed, and then the manifest that names them.

    Args:
        folder: where; whoever builds is alone.
        before: the manifest there is. None of it is altered: who reads it reads on.
        changed: what changed since, by kind.
        after: the position and all else of the next manifest, but its segments.

    Raises:
        Damaged: a segment to be merged, or one just written, does not pass its test.
    """
    began = time.monotonic()
    segments = {
        kind: _next(folder, kind, before.segments.get(kind, ()), changed.get(kind))
        for kind in sorted({*before.segments, *changed})
    }
    seconds = time.monotonic() - began
    after = replace(after, segments=segments, generation=before.generation + 1, seconds=seconds)
    folder.make_durable()
    old = {segment.name for kind in before.segments.values() for segment in kind}
    for kind, mine in segments.items():
        for segment in mine:
            if segment.name not in old:
                OpenSegment(folder, segment, kind).test_itself()
    manifests.write(folder, after)
    folder.keep_only(file.name for file in after.files)
    return after


def _next(
    folder: Folder, kind: FingerprintKind, before: Sequence[Segment], changed: Changed | None
) -> tuple[Segment, ...]:
    """Give the segments of a kind after a change, largest first."""
    if changed is None or not len(changed.all.values):
        return tuple(before)
    opened = [OpenSegment(folder, segment, kind) for segment in before]
    gone = [segment.rows(changed.all.values, changed.all.ids) for segment in opened]
    for segment, rows in zip(opened, gone, strict=True):
        segment.gone[rows] = 1
    merged, kept = _merged(opened, len(changed.living.values))
    new = joined([changed.living, *(segment.living() for segment in merged)])
    segments = [_without(folder, segment) for segment in kept]
    parts = -(-len(new.values) // MOST_ENTRIES) or 1
    for part in range(parts):
        signals = Signals(new.values[part::parts], new.ids[part::parts], new.strengths[part::parts])
        if len(signals.values):
            segments.append(write(folder, kind, signals))
    return tuple(sorted(segments, key=lambda segment: -segment.entries))


def _merged(opened: Sequence[OpenSegment], entries: int) -> tuple[list[OpenSegment], list[OpenSegment]]:
    """Choose which segments are merged with so many new entries, and which stay."""
    merged: list[OpenSegment] = []
    kept: list[OpenSegment] = []
    for segment in sorted(opened, key=lambda segment: segment.segment.entries):
        living = _living(segment)
        small = living < _GROWTH * entries and living + entries <= MOST_ENTRIES
        if small or living < (1 - _MOST_GONE) * segment.segment.entries:
            merged.append(segment)
            entries += living
        else:
            kept.append(segment)
    return merged, kept


def _living(segment: OpenSegment) -> int:
    return segment.segment.entries - int(np.count_nonzero(segment.gone))


def _without(folder: Folder, segment: OpenSegment) -> Segment:
    """Write down what is gone from a segment that stays, where that is more than before."""
    rows: Integers = np.flatnonzero(segment.gone)
    return segment.segment if len(rows) == segment.segment.gone else write_gone(folder, segment.segment, rows)


def signals_from(parts: Sequence[tuple[bytes, bytes, int]]) -> Signals:
    """Put signals together that stand in bytes: values of 32 bytes, ids of 16 bytes, and their strength."""
    from tidegate.match.values.hamming import from_bytes

    made = []
    for values, ids, strength in parts:
        rows: Ids = np.frombuffer(ids, dtype=np.uint8).reshape(-1, 16)
        made.append(Signals(from_bytes(values), rows, np.full(len(rows), strength, dtype=np.uint8)))
    return joined(made)
