"""The engine for videos: decodes untrusted bytes, so it runs only in a locked child (see ``jail``).

May decide: what can be decoded at all. Four containers, told by their first bytes and opened as that and nothing else;
six codecs; the one picture stream a player would show. Sound, subtitles, data, attachments and lists of other files are
never looked into, and no address is ever followed: FFmpeg is handed bytes, and has no protocol to open anything with.

It uses no threads (the jail has none), ends where its budget of processor time ends, and says where to go on.
"""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from tidegate.fingerprint import pdq
from tidegate.fingerprint.border import without_border
from tidegate.fingerprint.picture import decoder
from tidegate.fingerprint.picture.reading import LARGEST_PREVIEW, Filter, Size
from tidegate.fingerprint.video import samples as video_samples
from tidegate.fingerprint.video.frames import (
    AS_STORED,
    END,
    FRAME,
    MOST_FRAMES,
    PIXELS,
    WITHOUT_BORDER,
    Density,
    Part,
    PartRead,
    SheetArguments,
    spread,
)
from tidegate.jail.model import Reason, Refusal

#: By FFmpeg's names. What decodes AV1 is a library of its own.
CODECS: Final = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4"})
_DEMUXERS: Final = ("mov", "matroska", "mpegts", "avi")
_BOXES: Final = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"pnot", b"moof", b"sidx"})
_PACKET_OF_TS: Final = 188

_OPTIONS: Final = {
    "format_whitelist": ",".join(_DEMUXERS),
    "codec_whitelist": ",".join(sorted(CODECS)),
    # No protocol has this name: whatever a container names outside itself is not opened.
    "protocol_whitelist": "none",
    "enable_drefs": "0",
    "threads": "1",
    "max_pixels": str(PIXELS),
    "max_streams": "64",
    "probesize": str(4 << 20),
    "analyzeduration": "2000000",
}
#: Bytes FFmpeg asks for at a time.
_CHUNK: Final = 1 << 20

#: Milliseconds. Key frames further apart have frames in between decoded, so often.
_FARTHEST_KEYS: Final = 4_000
_BETWEEN_KEYS: Final = 1_000
#: Of the dense reading, and the least between two frames of what is known (about 30 a second).
_DENSE: Final = 125
_EVERY: Final = 30
_LEAST_BETWEEN: Final = {Density.KEY: _BETWEEN_KEYS, Density.DENSE: _DENSE, Density.EVERY: _EVERY, Density.ALL: 0}
#: Of what is known, a frame is kept when it differs by more bits than this, or after so many milliseconds.
_STILL_BITS: Final = 4
_STILL_FOR: Final = 1_000
#: Milliseconds over which a sheet is spread where a file does not say how long it is.
_UNKNOWN_LENGTH: Final = 60_000
#: Of processor time, for one picture of a sheet.
_SECONDS_A_PICTURE: Final = 1.0
_MOST_WAITING: Final = 2_000
_MOST_WAITING_BYTES: Final = 64 << 20


def frames(data: bytes, arguments: bytes) -> bytes:
    """Hash the frames of a part of a video, packed (see ``PartRead``)."""
    part = Part.unpack(arguments)
    # Only there is what one seeks by the list of the packets themselves; elsewhere all packets are read up to the part.
    near = part.start if container_of(data) == "mov" else 0
    with _opened(data, near) as (container, stream):
        reading = _Reading(stream, part)
        reading.run(container)
        width, height = _size(stream)
        return PartRead(
            frames=reading.packed(),
            next=reading.next,
            duration=_duration(container, stream, part),
            width=width,
            height=height,
            broken=reading.broken,
        ).pack()


@dataclass(slots=True)
class _Waiting:
    """Packets of a group of pictures that wait until it is known whether they are needed."""

    packets: "list[Packet[VideoStream]]" = field(default_factory=list)
    _weight: int = 0

    def add(self, packet: "Packet[VideoStream]") -> None:
        """Take one more."""
        self.packets.append(packet)
        self._weight += packet.size

    @property
    def full(self) -> bool:
        """Say whether no more should wait."""
        return len(self.packets) > _MOST_WAITING or self._weight > _MOST_WAITING_BYTES


@dataclass(slots=True)
class _Reading:
    """Reads packets in order, decodes those that are needed, and hashes frames until the part or its budget ends."""

    stream: VideoStream
    part: Part
    next: int = END
    broken: int = 0
    _ends_at: float = 0.0
    _scaler: VideoReformatter = field(default_factory=VideoReformatter)
    _rows: list[tuple[int, int, int, bytes]] = field(default_factory=list)
    #: When the last frame was hashed, and of what is known the value that was kept last.
    _last: int | None = None
    _kept: bytes = b""
    _kept_at: int = 0
    _seen: int = 0

    def run(self, container: InputContainer) -> None:
        """Hash the frames that are wanted.

        Raises:
            Refusal: no frame can be decoded, or the video is longer than is read.
        """
        if self.part.density is Density.KEY:
            # Frames that nothing else is made from are never wanted between key frames.
            self.stream.codec_context.skip_frame = "NONREF"
        read = self._keys(container) if self.part.density is Density.KEY else self.every(container)
        at: int | None = None
        for frame in read:
            at = self.at(frame.pts)
            if at is not None and at >= self.part.end:
                break
            if at is not None and at >= self.part.start:
                # What was decoded to get here is not counted: otherwise nobody gets past a long group of pictures.
                self._ends_at = self._ends_at or time.process_time() + self.part.budget / 1000
                if self._wanted(at):
                    self._take(frame, at)
            if self._spent():
                break
        if self._spent():
            self.next = self._go_on_at(at)
        if not self._seen and self.part.start == 0:
            raise Refusal(Reason.UNDECODABLE)

    def packed(self) -> NDArray[np.void]:
        rows = np.zeros(len(self._rows), dtype=FRAME)
        for row, (at, quality, look, value) in zip(rows, sorted(self._rows, key=lambda one: one[:3]), strict=True):
            row["at"], row["quality"], row["look"], row["value"] = at, quality, look, np.frombuffer(value, np.uint8)
        return rows

    def every(self, container: InputContainer) -> Iterator[VideoFrame]:
        """Decode all packets of the part."""
        for packet in self._packets(container):
            yield from self._decode(packet)

    def _keys(self, container: InputContainer) -> Iterator[VideoFrame]:
        """Decode key packets, and the packets after one when the next is too far away."""
        waiting = _Waiting()
        key_at, decoding = 0, False
        for packet in self._packets(container):
            at = self.at(packet.pts)
            if packet.size == 0 or packet.is_keyframe:
                waiting, key_at, decoding = _Waiting(), at or key_at, False
                yield from self._decode(packet)
                continue
            waiting.add(packet)
            decoding = decoding or waiting.full or (at is not None and at - key_at > _FARTHEST_KEYS)
            if decoding:
                for one in waiting.packets:
                    yield from self._decode(one)
                waiting = _Waiting()
            elif self._spent():
                return

    def _packets(self, container: InputContainer) -> "Iterator[Packet[VideoStream]]":
        """Read packets from the last key packet before the part on."""
        before, begun = _Waiting(), False
        for packet in container.demux(self.stream):
            if begun:
                yield packet
                continue
            if packet.is_keyframe:
                before = _Waiting()
            before.add(packet)
            at = self.at(packet.pts)
            if packet.size == 0 or before.full or (at is not None and at >= self.part.start):
                begun = True
                yield from before.packets

    def _decode(self, packet: "Packet[VideoStream]") -> Iterator[VideoFrame]:
        try:
            found = packet.decode()
        except EOFError:
            return
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            # A player skips what is broken and goes on, and so do we; how much was is in the answer.
            self.broken += 1
            return
        yield from found

    def _wanted(self, at: int) -> bool:
        self._seen += 1
        least = _LEAST_BETWEEN[self.part.density]
        # Frames come a little early or late.
        return self._last is None or at - self._last >= least - least // 10 or at < self._last

    def _take(self, frame: VideoFrame, at: int) -> None:
        if at > self.part.longest or len(self._rows) + 2 > MOST_FRAMES:
            raise Refusal(Reason.TOO_LARGE)
        self._last = at
        luma = _luma(self._scaler, frame)
        hashed = pdq.pdq(luma)
        if self.part.density is Density.EVERY and self._still(hashed.value, at):
            return
        self._kept, self._kept_at = hashed.value, at
        self._rows.append((at, hashed.quality, AS_STORED, hashed.value))
        if (box := without_border(luma)) is not None:
            hashed = pdq.pdq(box.cut(luma))
            self._rows.append((at, hashed.quality, WITHOUT_BORDER, hashed.value))

    def _still(self, value: bytes, at: int) -> bool:
        if not self._kept or at - self._kept_at >= _STILL_FOR:
            return False
        return (int.from_bytes(value) ^ int.from_bytes(self._kept)).bit_count() <= _STILL_BITS

    def _spent(self) -> bool:
        return time.process_time() > self._ends_at > 0 or len(self._rows) + 2 > MOST_FRAMES

    def _go_on_at(self, at: int | None) -> int:
        """Say where the next part begins; without progress there is no way through this file."""
        reached = max(at or 0, self._last or 0)
        if reached < self.part.start:
            raise Refusal(Reason.TOO_LARGE)
        return min(reached + 1, self.part.end)

    def at(self, pts: int | None) -> int | None:
        """Give milliseconds from the first frame."""
        base = self.stream.time_base
        if pts is None or base is None:
            return None
        first = self.stream.start_time or 0
        return min(max(int((pts - first) * base * 1000), 0), END - 1)


def sheet(data: bytes, arguments: bytes) -> bytes:
    """Put pictures of a video on one sheet, filtered and encoded anew, for people to look at."""
    wanted = SheetArguments.unpack(arguments)
    with _opened(data, 0) as (container, stream):
        length = _duration(container, stream, Part(longest=END)) or _UNKNOWN_LENGTH
    times = spread(min(wanted.start, length), min(wanted.end, length))
    pictures = [picture for at in times if (picture := _picture_at(data, at)) is not None]
    if not pictures:
        raise Refusal(Reason.UNDECODABLE)
    columns = {1: 1, 2: 2, 4: 2}.get(len(pictures), 3)
    side = wanted.size.side // columns
    for picture in pictures:
        picture.thumbnail((side, side), reducing_gap=2.0)
    width = max(picture.width for picture in pictures)
    height = max(picture.height for picture in pictures)
    rows = -(-len(pictures) // columns)
    page = Image.new("RGB", (columns * width, rows * height), "white")
    for number, picture in enumerate(pictures):
        page.paste(decoder.filtered(picture, wanted.filter), (number % columns * width, number // columns * height))
    return decoder.written(page, 80, LARGEST_PREVIEW)


def _picture_at(data: bytes, at: int) -> Image.Image | None:
    """Decode the frame shown at a time; where one cannot go there, the last key frame before it."""
    for near in (at, 0):
        with suppress(Refusal), _opened(data, near) as (container, stream):
            stream.codec_context.skip_frame = "DEFAULT" if near else "NONKEY"
            if (frame := _shown(container, stream, at)) is not None:
                picture = Image.fromarray(frame.to_ndarray(format="rgb24", threads=1).astype(np.uint8, copy=False))
                return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture
    return None


def _shown(container: InputContainer, stream: VideoStream, at: int) -> VideoFrame | None:
    reading = _Reading(stream, Part(density=Density.EVERY, start=at))
    best: VideoFrame | None = None
    ends_at = time.process_time() + _SECONDS_A_PICTURE
    for frame in reading.every(container):
        shown = reading.at(frame.pts)
        if best is None or shown is None or shown <= at:
            best = frame
        if shown is None or shown >= at or time.process_time() > ends_at:
            break
    return best


def warm() -> None:
    """Decode a little of every codec, and have every kernel and lazy import used once."""
    decoder.warm()
    for sample in video_samples.every():
        answer = frames(sample, Part().pack())
        if len(PartRead.unpack(answer, Part()).frames) == 0:
            raise RuntimeError("a decoder for videos does not work")
        for density in Density:
            frames(sample, Part(density=density, start=1).pack())
        for filter_ in Filter:
            sheet(sample, SheetArguments(filter=filter_, size=Size.SMALL).pack())
        for cut in (16, len(sample) // 2, len(sample) - 20):
            with suppress(Exception):
                frames(sample[:cut], Part().pack())


def container_of(data: bytes) -> str:
    """Tell the container by its first bytes, by FFmpeg's name.

    Raises:
        Refusal: it is none of those we open.
    """
    if data[4:8] in _BOXES:
        return "mov"
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    if data[:4] == b"RIFF" and data[8:12] == b"AVI ":
        return "avi"
    if len(data) >= 3 * _PACKET_OF_TS and all(data[step * _PACKET_OF_TS] == ord("G") for step in range(3)):
        return "mpegts"
    raise Refusal(Reason.UNDECODABLE)


@contextmanager
def _opened(data: bytes, start: int) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video at its stream of pictures, near a time, and turn what FFmpeg raises into a refusal."""
    try:
        with av.open(
            io.BytesIO(data),
            "r",
            format=container_of(data),
            options=dict(_OPTIONS),
            metadata_errors="replace",
            buffer_size=_CHUNK,
        ) as container:
            stream = _pictures(container)
            for other in container.streams:
                if other.index != stream.index:
                    other.discard = Discard.all
            if start > 0:
                _near(container, stream, start)
            yield container, stream
    except av.error.MemoryError:
        raise
    except (av.error.FFmpegError, ValueError, OverflowError) as error:
        raise Refusal(Reason.UNDECODABLE) from error


def _pictures(container: InputContainer) -> VideoStream:
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream) or stream.codec_context.name not in CODECS:
        raise Refusal(Reason.UNDECODABLE)
    context = stream.codec_context
    if context.width * context.height > PIXELS:
        raise Refusal(Reason.TOO_LARGE)
    context.thread_count = 1
    context.thread_type = "NONE"
    context.options = {"max_pixels": str(PIXELS), "threads": "1"}
    return stream


def _near(container: InputContainer, stream: VideoStream, start: int) -> None:
    """Go to the last key frame before a time; where that is not possible, all packets are read up to it."""
    if stream.time_base is None:
        return
    with suppress(av.error.FFmpegError):
        wanted = (stream.start_time or 0) + int(start / 1000 / stream.time_base)
        container.seek(wanted, backward=True, stream=stream)


def _size(stream: VideoStream) -> tuple[int, int]:
    context = stream.codec_context
    return context.width, context.height


def _duration(container: InputContainer, stream: VideoStream, part: Part) -> int:
    duration = 0
    if stream.duration and stream.time_base:
        duration = int(stream.duration * stream.time_base * 1000)
    elif container.duration:
        duration = container.duration // 1000
    if duration > part.longest:
        raise Refusal(Reason.TOO_LARGE)
    return max(duration, 0)


def _luma(scaler: VideoReformatter, frame: VideoFrame) -> NDArray[np.uint8]:
    """Give the luma of a frame at full size, rows by columns."""
    if frame.width * frame.height > PIXELS:
        raise Refusal(Reason.TOO_LARGE)
    grey = scaler.reformat(frame, format="gray", threads=1)
    plane: NDArray[np.uint8] = np.frombuffer(memoryview(grey.planes[0]), dtype=np.uint8)
    return plane.reshape(-1, grey.planes[0].line_size)[: frame.height, : frame.width]
