"""vPDQ hashes as text: the three forms that other tools write.

May decide: whether a text is one of them. The C++ tools write a file with a line ``frame,quality,pdq,seconds`` for each
frame; the Python command writes ``pdq,quality,seconds``; python-threatexchange keeps a JSON list of such strings. All
are read, whichever it is. Borders are ours alone, so values without a border are not written.
"""

import json
import math
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final

import numpy as np

from tidegate.fingerprint.video.frames import AS_STORED, END, FRAME, Frames
from tidegate.kernel.errors import Malformed

#: Frames of one text: more than a day at thirty a second.
MOST_FRAMES: Final = 3_000_000
_DIGITS: Final = 64
_BEST: Final = 100
_OF_TOOLS, _OF_PYTHON = 4, 3


class Form(StrEnum):
    """Who reads it."""

    #: ``frame,quality,pdq,seconds``, one a line.
    TOOLS = "tools"
    #: ``pdq,quality,seconds``, one a line.
    PYTHON = "python"
    #: A JSON list of ``pdq,quality,seconds``.
    THREATEXCHANGE = "threatexchange"


def read(text: str) -> Frames:
    """Read frames in any form, in order of time.

    Raises:
        Malformed: naming the first line that is none.
    """
    lines = _lines(text)
    if len(lines) > MOST_FRAMES:
        raise Malformed("A vPDQ hash of more than %(most)s frames is not read.", values={"most": MOST_FRAMES})
    frames = np.zeros(len(lines), dtype=FRAME)
    for number, line in enumerate(lines):
        try:
            frames[number] = _frame(line)
        except ValueError as error:
            raise Malformed(
                'Line %(line)s is no vPDQ frame: write "frame,quality,pdq,seconds" or "pdq,quality,seconds".',
                values={"line": number + 1},
            ) from error
    return frames[np.argsort(frames["at"], kind="stable")]


def write(frames: Frames, form: Form = Form.TOOLS) -> str:
    """Write the frames of a video as stored."""
    lines = list(_written(frames[frames["look"] == AS_STORED], form))
    return json.dumps(lines) if form is Form.THREATEXCHANGE else "".join(f"{line}\n" for line in lines)


def _lines(text: str) -> Sequence[str]:
    if not text.lstrip().startswith("["):
        return [line for line in text.splitlines() if line.strip()]
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed("This begins like a JSON list of vPDQ frames and is none.") from error
    if not all(isinstance(line, str) for line in listed):
        raise Malformed("This begins like a JSON list of vPDQ frames and is none.")
    return list(listed)


def _frame(line: str) -> tuple[int, int, int, np.ndarray[tuple[int], np.dtype[np.uint8]]]:
    fields = [field.strip() for field in line.split(",")]
    if len(fields) == _OF_TOOLS:
        _, quality, digits, seconds = fields
    elif len(fields) == _OF_PYTHON:
        digits, quality, seconds = fields
    else:
        raise ValueError(line)
    at = float(seconds) * 1000
    if not (len(digits) == _DIGITS and 0 <= int(quality) <= _BEST and math.isfinite(at) and 0 <= at < END):
        raise ValueError(line)
    return round(at), int(quality), AS_STORED, np.frombuffer(bytes.fromhex(digits), dtype=np.uint8)


def _written(frames: Frames, form: Form) -> Iterator[str]:
    for number, frame in enumerate(frames):
        digits, quality, at = frame["value"].tobytes().hex(), int(frame["quality"]), int(frame["at"])
        if form is Form.TOOLS:
            yield f"{number},{quality},{digits},{at / 1000:.3f}"
        else:
            yield f"{digits},{quality},{at / 1000:.3f}"
