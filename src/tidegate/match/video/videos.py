"""Videos: every known video of which a part is shown in an upload, or the other way round.

May decide: which videos are near, and which part of one is which part of the other.

A frame within the radius is a hit, and says at which offset the known video would lie under the upload. Hits vote for
offsets, and a video matches when enough *moments* agree on one: frames that look different from each other, so that a
still picture, a title or a test card counts once however long it stands, and black frames (quality below the floor) do
not count at all. Frames that many known videos share (an opening, a station's logo) vote only where much more than such
frames agrees. A slideshow of frames is not the video: where the known video moves, the upload must move, too, and the
other way round.

Uploads are compared as stored and turned in all eight ways, with their border and without it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidegate.content.model import Fingerprints, LookKind
from tidegate.fingerprint.model import Rotation
from tidegate.fingerprint.turned import turned
from tidegate.fingerprint.video.frames import AS_STORED, WITHOUT_BORDER, Frames, unpack_frames, values_of
from tidegate.fingerprint.words.text import ReadText
from tidegate.kernel.ids import SignalId
from tidegate.match.model import PDQ_RADIUS, QUALITY_FLOOR, Match, Span
from tidegate.match.values import hamming
from tidegate.match.video.moments import Rows, Words, distinct, moments
from tidegate.signal.model import FingerprintKind, Signal
from tidegate.signal.rules import proposes

#: Bits by which two frames must differ to be two moments: more than compression makes of one.
_MOMENT: Final = 16
#: Moments that must agree on an offset, on both sides, and the time they must span, in milliseconds.
_MOMENTS: Final = 3
_SPAN: Final = 1_000
#: Milliseconds by which offsets may differ and agree.
_TOLERANCE: Final = 200
#: A known frame stands until the next, but for no longer than this.
_STANDS: Final = 1_000
#: More known videos than this hit by one frame: it says nothing of one of them, unless so much agrees.
_SHARED_BY: Final = 16
_SPAN_IF_SHARED: Final = 10_000
#: Two pictures this near are the same, this far they moved; how long to wait for that, in milliseconds.
_STILL: Final = 8
_MOVED: Final = 31
_WAIT: Final = 2_000
#: Of the places where one side moves, more than this share stand still on the other: one is a slideshow.
_MOST_FROZEN: Final = 0.5
_FEWEST_PLACES: Final = 4
#: Frames put together at most, less than a table may have; and hits of one frame: a still of more than an hour.
_MOST_TOGETHER: Final = hamming.MOST_ENTRIES // 4
_MOST_HITS: Final = 4_096
_LOOKS: Final = {AS_STORED: LookKind.AS_STORED, WITHOUT_BORDER: LookKind.WITHOUT_BORDER}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Frames of some known videos, one after the other, which rows are whose, and where they are found."""

    ids: tuple[SignalId, ...]
    videos: tuple[Frames, ...]
    values: Words
    owner: Rows
    start: Rows
    end: Rows
    #: The values in ascending order, and the rows they stand in.
    entries: hamming.Entries
    order: Rows
    #: Of each video, whether it still proposes anything.
    stands: NDArray[np.bool_]

    def without(self, gone: set[SignalId]) -> "_Known":
        """Give the same without some videos; their frames stay until it is put together anew."""
        if not gone.intersection(self.ids):
            return self
        return replace(self, stands=self.stands & [signal not in gone for signal in self.ids])

    def standing(self) -> dict[SignalId, Frames]:
        """Give the videos that still propose something."""
        every = zip(self.ids, self.videos, self.stands.tolist(), strict=True)
        return {signal: video for signal, video, stands in every if stands}

    def near(self, queries: Words) -> "_Hits":
        """Find all pairs within the radius."""
        found = hamming.near(self.entries, queries, _MOST_HITS)
        rows = self.order[found.row]
        stands = self.stands[self.owner[rows]]
        return _Hits(upload=found.query[stands], known=rows[stands], distance=found.distance[stands])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hits:
    """Pairs of frames within the radius: rows of the upload, rows of what is known, distances."""

    upload: Rows
    known: Rows
    distance: Rows

    def where(self, wanted: NDArray[np.bool_] | Rows) -> "_Hits":
        return _Hits(upload=self.upload[wanted], known=self.known[wanted], distance=self.distance[wanted])


class Videos:
    """The signals that are videos. Safe to search from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._groups: tuple[_Known, ...] = ()

    def bring_forward(self, changed: Sequence[Signal]) -> None:
        """Take in the signals that changed, in the order of their positions."""
        mine = [signal for signal in changed if signal.kind is FingerprintKind.VIDEO]
        if not mine:
            return
        gone = {signal.id for signal in mine}
        # A signal that changed twice stands as it did last.
        newest = {signal.id: signal for signal in mine}
        added = {signal.id: _frames_of(signal) for signal in newest.values() if proposes(signal)}
        with self._lock:
            groups = [group.without(gone) for group in self._groups]
            count = sum(map(len, added.values()))
            # Groups grow at least twofold, so that each frame is put together few times however many videos come.
            while groups and len(groups[-1].values) <= 2 * count and count <= _MOST_TOGETHER:
                added = groups.pop().standing() | added
                count = sum(map(len, added.values()))
            # New ones, never altered ones: a search under way keeps what it started with.
            self._groups = (*groups, _put_together(added)) if added else tuple(groups)

    def search(self, fingerprints: Fingerprints, _text: ReadText | None) -> list[Match]:
        """Find every known video of which a part is in the upload, with the part."""
        upload = said(unpack_frames(fingerprints.frames))
        best: dict[SignalId, Match] = {}
        for rotation, found in _hits(self._groups, upload):
            times_shared = _shared(found, len(upload))
            for known, hits in found:
                for owner in np.unique(known.owner[hits.known]).tolist():
                    mine = hits.where(known.owner[hits.known] == owner)
                    match = _match(known, owner, upload, mine, times_shared[mine.upload] > _SHARED_BY, rotation)
                    if match is not None and (match.signal not in best or _better(match, best[match.signal])):
                        best[match.signal] = match
        return list(best.values())

    def hits(self, frames: bytes) -> list[int]:
        """Give the times of an upload, in milliseconds, at which it looks like anything known: look closer there."""
        upload = said(unpack_frames(frames))
        every = [hits.upload for _, found in _hits(self._groups, upload) for _, hits in found]
        return sorted({at for rows in every for at in upload["at"][rows].tolist()})


def _frames_of(signal: Signal) -> Frames:
    """Give the frames of a known video; one that does not read back matches nothing and stops no other."""
    try:
        return said(unpack_frames(signal.value))
    except ValueError:
        return unpack_frames(b"")


def said(frames: Frames) -> Frames:
    """Leave out frames that say nothing."""
    return frames[frames["quality"] >= QUALITY_FLOOR]


def _put_together(every: dict[SignalId, Frames]) -> _Known:
    videos = tuple(every.values())
    lengths = [len(video) for video in videos]
    frames = np.concatenate(videos)
    values = values_of(frames)
    order = hamming.ascending(values)
    ascending = np.ascontiguousarray(values[order])
    nothing = np.zeros(len(values), dtype=np.uint8)
    return _Known(
        ids=tuple(every),
        videos=videos,
        values=values,
        owner=np.repeat(np.arange(len(videos)), lengths),
        start=frames["at"].astype(np.int64),
        end=np.concatenate([_ends(video) for video in videos]),
        entries=hamming.Entries(ascending, nothing, nothing, hamming.build(ascending, hamming.in_memory)),
        order=order,
        stands=np.ones(len(videos), dtype=np.bool_),
    )


def _ends(video: Frames) -> Rows:
    """Say until when each frame stands: until the next one of the same look."""
    ends = np.empty(len(video), dtype=np.int64)
    for look in (AS_STORED, WITHOUT_BORDER):
        rows = np.flatnonzero(video["look"] == look)
        at = video["at"][rows].astype(np.int64)
        ends[rows] = np.minimum(np.append(at[1:], at[-1:] + _STANDS), at + _STANDS)
    return ends


def _hits(groups: Sequence[_Known], upload: Frames) -> Iterator[tuple[Rotation, list[tuple[_Known, _Hits]]]]:
    """Find what is near to any frame of an upload, turned in each way."""
    if not len(upload):
        return
    values = np.ascontiguousarray(upload["value"])
    for rotation in Rotation:
        queries = turned(values, rotation).view(">u8").astype(np.uint64)
        found = [(known, hits) for known in groups if len((hits := known.near(queries)).upload)]
        if found:
            yield rotation, found


def _shared(found: Sequence[tuple[_Known, _Hits]], frames: int) -> Rows:
    """Count for each frame of an upload how many known videos have it."""
    counts = np.zeros(frames, dtype=np.int64)
    for known, hits in found:
        pairs = np.unique(np.stack([hits.upload, known.owner[hits.known]], axis=1), axis=0)
        counts += np.bincount(pairs[:, 0], minlength=frames)
    return counts


def _match(
    known: _Known, owner: int, upload: Frames, hits: _Hits, shared: NDArray[np.bool_], rotation: Rotation
) -> Match | None:
    at = upload["at"].astype(np.int64)
    numbers = moments(values_of(upload), _MOMENT)
    offset = _vote(known.start[hits.known] - at[hits.upload], known.end[hits.known] - at[hits.upload], numbers, hits)
    lowest, highest = known.start[hits.known] - at[hits.upload], known.end[hits.known] - at[hits.upload]
    agree = (lowest <= offset + _TOLERANCE) & (highest >= offset - _TOLERANCE)
    mine = hits.where(agree)
    if not _enough(known, upload, hits.where(agree & ~shared)) and not (
        _enough(known, upload, mine) and np.ptp(at[mine.upload]) >= _SPAN_IF_SHARED
    ):
        return None
    video = known.videos[owner]
    if _slideshow(upload, video, mine, int(offset)):
        return None
    first, last = int(at[mine.upload].min()), int(at[mine.upload].max())
    nearest = _nearest(mine)
    return Match(
        signal=known.ids[owner],
        fingerprint_kind=FingerprintKind.VIDEO,
        distance=int(np.median(mine.distance[nearest])),
        threshold=PDQ_RADIUS,
        rotation=rotation,
        look=_LOOKS[int(np.median(upload["look"][mine.upload[nearest]]))],
        span=Span(start=first, end=last, known_start=max(first + int(offset), 0), known_end=max(last + int(offset), 0)),
    )


def _vote(lowest: Rows, highest: Rows, numbers: Rows, hits: _Hits) -> int:
    """Find the offset, in milliseconds, that most moments of the upload agree on."""
    first = np.floor_divide(lowest, _TOLERANCE)
    last = np.floor_divide(highest, _TOLERANCE)
    steps = last - first + 1
    rows = np.repeat(np.arange(len(first)), steps)
    bins = first[rows] + np.arange(len(rows)) - np.repeat(np.cumsum(steps) - steps, steps)
    votes = np.unique(np.stack([bins, numbers[hits.upload[rows]]], axis=1), axis=0)
    places, counts = np.unique(votes[:, 0], return_counts=True)
    both = counts + np.where(np.append(np.diff(places), 0) == 1, np.append(counts[1:], 0), 0)
    best = int(places[int(both.argmax())])
    return (best + 1) * _TOLERANCE if both.max() > counts[int(both.argmax())] else best * _TOLERANCE + _TOLERANCE // 2


def _enough(known: _Known, upload: Frames, hits: _Hits) -> bool:
    """Say whether hits at one offset are moments enough, on both sides."""
    if len(hits.upload) < _MOMENTS:
        return False
    at = upload["at"].astype(np.int64)[hits.upload]
    if np.ptp(at) < _SPAN or np.ptp(known.start[hits.known]) < _SPAN:
        return False
    mine, theirs = values_of(upload)[np.unique(hits.upload)], known.values[np.unique(hits.known)]
    return min(int(distinct(mine, _MOMENT)), int(distinct(theirs, _MOMENT))) >= _MOMENTS


def _slideshow(upload: Frames, video: Frames, hits: _Hits, offset: int) -> bool:
    """Say whether one side stands still where the other moves."""
    at = upload["at"].astype(np.int64)[hits.upload]
    first, last = int(at.min()), int(at.max())
    mine = _aligned(upload, first, last, 0)
    theirs = _aligned(video, first + offset, last + offset, offset)
    return _frozen(mine, theirs) or _frozen(theirs, mine)


def _aligned(frames: Frames, first: int, last: int, offset: int) -> tuple[Rows, Words]:
    """Give times on the upload's clock and values of the frames of a span, as stored."""
    at = frames["at"].astype(np.int64)
    rows = np.flatnonzero((frames["look"] == AS_STORED) & (at >= first) & (at <= last))
    return at[rows] - offset, values_of(frames[rows])


def _frozen(still: tuple[Rows, Words], moving: tuple[Rows, Words]) -> bool:
    """Say whether the first stands still at most places where the second moves."""
    places = frozen = 0
    (at, values), (known_at, known_values) = still, moving
    if len(at) < 2 or not len(known_at):  # noqa: PLR2004 -- two frames make a movement
        return False
    under = np.clip(np.searchsorted(known_at, at, side="right") - 1, 0, len(known_at) - 1)
    for row in range(len(at) - 1):
        ends = int(np.searchsorted(at, at[row] + _WAIT, side="right"))
        after = slice(row + 1, ends)
        moved = np.bitwise_count(known_values[under[after]] ^ known_values[under[row]]).sum(axis=1) > _MOVED
        if moved.any():
            places += 1
            then = row + 1 + int(moved.argmax())
            frozen += int(np.bitwise_count(values[then] ^ values[row]).sum()) <= _STILL
    return places >= _FEWEST_PLACES and frozen > _MOST_FROZEN * places


def _nearest(hits: _Hits) -> Rows:
    """Give the nearest hit of each frame of the upload."""
    order = np.lexsort((hits.distance, hits.upload))
    return order[np.unique(hits.upload[order], return_index=True)[1]]


def _better(match: Match, than: Match) -> bool:
    assert match.span is not None and than.span is not None  # noqa: PT018 -- both are of videos
    length, other = match.span.end - match.span.start, than.span.end - than.span.start
    return (length, -match.distance) > (other, -than.distance)


def warm() -> None:
    """Compile or load every kernel, so that no upload waits for it."""
    values = np.zeros((2, 4), dtype=np.uint64)
    moments(values, _MOMENT)
    distinct(values, _MOMENT)
