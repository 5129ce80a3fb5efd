"""An engine that does what a decoder must not; loaded by a forkserver of the tests."""

import ctypes
import os
import sys
import time
from hashlib import sha256

from tidegate.jail import Reason, Refusal, model

_kept: list[bytearray] = []
_planted: list[bool] = []


def plant(_data: bytes, _arguments: bytes) -> bytes:
    """Do to the child what shows only over the next file."""
    _planted.append(True)
    return b"planted"


def digest(data: bytes, arguments: bytes) -> bytes:
    if _planted:
        ctypes.string_at(0)
    return sha256(data).digest() + arguments


def process(_data: bytes, _arguments: bytes) -> bytes:
    return str(os.getpid()).encode()


def loop(_data: bytes, _arguments: bytes) -> bytes:
    while True:
        pass


def nap(_data: bytes, arguments: bytes) -> bytes:
    time.sleep(float(arguments))
    return b"rested"


def crash(_data: bytes, _arguments: bytes) -> bytes:
    return ctypes.string_at(0)


def leave(_data: bytes, arguments: bytes) -> bytes:
    os._exit(int(arguments))


def hog(_data: bytes, _arguments: bytes) -> bytes:
    while True:
        _kept.append(bytearray(1 << 24))


def stumble(_data: bytes, _arguments: bytes) -> bytes:
    raise ZeroDivisionError


def refuse(_data: bytes, _arguments: bytes) -> bytes:
    raise Refusal(Reason.TOO_LARGE)


def babble(_data: bytes, arguments: bytes) -> bytes:
    return bytes(int(arguments))


def _tag() -> bytes:
    """Find the request's tag as one who took the child over would: it lies in the memory."""
    frame = sys._getframe()
    while "tag" not in frame.f_locals:
        assert frame.f_back is not None
        frame = frame.f_back
    tag: bytes = frame.f_locals["tag"]
    return tag


def lie(_data: bytes, arguments: bytes) -> bytes:
    """Answer past the loop, in the words of one who took the child over."""
    os.write(3, _tag() + arguments)
    time.sleep(60)
    return b""


def guess(_data: bytes, arguments: bytes) -> bytes:
    """Answer without knowing what was asked."""
    os.write(3, arguments)
    time.sleep(60)
    return b""


def twice(_data: bytes, arguments: bytes) -> bytes:
    """Prepare the answer to the next request, too: with this one's tag, which is all that can be known of it."""
    answer = model.ANSWER.pack(_tag(), model.ANSWERED, len(arguments)) + arguments
    os.write(3, 2 * answer)
    time.sleep(60)
    return b""


def later(_data: bytes, arguments: bytes) -> bytes:
    """Answer, and only then, unasked, once more."""
    answer = model.ANSWER.pack(_tag(), model.ANSWERED, len(arguments)) + arguments
    os.write(3, answer)
    time.sleep(0.3)
    os.write(3, answer)
    time.sleep(60)
    return b""


def when_asked(_data: bytes, arguments: bytes) -> bytes:
    """Answer, and answer once more in the same words as soon as the next request is there."""
    answer = model.ANSWER.pack(_tag(), model.ANSWERED, len(arguments)) + arguments
    os.write(3, answer)
    os.read(3, 1)
    os.write(3, answer)
    time.sleep(60)
    return b""


def pour(_data: bytes, _arguments: bytes) -> bytes:
    while True:
        os.write(3, bytes(1 << 16))


def usurp(_data: bytes, arguments: bytes) -> bytes:
    """Take the child over: answer this and every later request alike, and never ask to be replaced."""
    tag = _tag()
    while True:
        os.write(3, model.ANSWER.pack(tag, model.ANSWERED, len(arguments)) + arguments)
        header = os.read(3, model.REQUEST.size)
        tag, *lengths, _ = model.REQUEST.unpack(header)
        os.read(3, sum(lengths))


def _private(_data: bytes, _arguments: bytes) -> bytes:
    return b"private"


def burn(_data: bytes, arguments: bytes) -> bytes:
    until = time.process_time() + float(arguments)
    while time.process_time() < until:
        pass
    return b"burnt"
