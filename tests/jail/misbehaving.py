"""An engine that does what a decoder must not; loaded by a forkserver of the tests."""

import ctypes
import os
import time
from hashlib import sha256

from tidegate.jail import Reason, Refusal

_kept: list[bytearray] = []


def digest(data: bytes, arguments: bytes) -> bytes:
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


def lie(_data: bytes, arguments: bytes) -> bytes:
    """Answer past the loop, in the words of one who took the child over."""
    os.write(3, arguments)
    time.sleep(60)
    return b""


def _private(_data: bytes, _arguments: bytes) -> bytes:
    return b"private"


def burn(_data: bytes, arguments: bytes) -> bytes:
    until = time.process_time() + float(arguments)
    while time.process_time() < until:
        pass
    return b"burnt"
