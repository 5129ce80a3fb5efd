"""A locked child: takes requests over its pipe and answers, until it is replaced.

May decide: nothing. It runs functions of modules that were loaded before the door closed, and no others.
Between two requests of one child nothing is cleaned but what Python cleans: a child that was taken over by
one file could lie about the next, which is why the parent replaces it after few, and at once after any that
failed, and why a machine's answer alone removes nothing. What is said here of being used up is a courtesy;
the parent counts for itself.
"""

import io
import os
import sys
import time
from collections.abc import Callable, Collection

from tidegate.jail import model
from tidegate.jail.model import Limits, Reason, Refusal

Function = Callable[[bytes, bytes], bytes]

_STATUS = {Reason.UNDECODABLE: model.UNDECODABLE, Reason.TOO_LARGE: model.TOO_LARGE}


def serve(pipe: int, engines: Collection[str], limits: Limits) -> None:
    """Answer requests until the parent has no more, or this child is used up."""
    with io.FileIO(pipe, closefd=False) as raw:
        requests = io.BufferedReader(raw)
        send(pipe, model.NO_TAG, model.READY, b"")
        for count in range(1, limits.requests + 1):
            header = requests.read(model.REQUEST.size)
            if len(header) < model.REQUEST.size:
                return
            tag, name_length, arguments_length, data_length, answer_limit = model.REQUEST.unpack(header)
            name = requests.read(name_length).decode("ascii")
            arguments = requests.read(arguments_length)
            data = requests.read(data_length)
            if len(data) < data_length:
                return
            status, answer = run(find(name, engines), data, arguments, answer_limit)
            del data
            used_up = count == limits.requests or 2 * time.process_time() > limits.cpu_seconds
            send(pipe, tag, status | (model.LAST if used_up else 0), answer)


def find(name: str, engines: Collection[str]) -> Function:
    """Find a function of an engine by "module:function".

    Raises:
        LookupError: it is not one.
    """
    module, _, function = name.partition(":")
    found = vars(sys.modules[module]).get(function) if module in engines else None
    if function.startswith("_") or getattr(found, "__module__", None) != module or not callable(found):
        raise LookupError(name)
    return found  # type: ignore[no-any-return]  # every function of an engine is of this form


def run(function: Function, data: bytes, arguments: bytes, answer_limit: int) -> tuple[int, bytes]:
    """Run a function; whatever it raises is an answer, for the bytes made it do so."""
    try:
        answer = function(data, arguments)
    except Refusal as refusal:
        return _STATUS.get(refusal.reason, model.UNDECODABLE), b""
    except MemoryError:
        # The header promised something within the pixel limit and the decoder wanted far more: too large to
        # check.
        return model.TOO_LARGE, b""
    except Exception:  # noqa: BLE001 -- decoders raise anything over bytes made to break them
        return model.UNDECODABLE, b""
    return (model.ANSWERED, answer) if len(answer) <= answer_limit else (model.TOO_LARGE, b"")


def send(pipe: int, tag: bytes, status: int, answer: bytes) -> None:
    """Write one answer whole."""
    rest = memoryview(model.ANSWER.pack(tag, status, len(answer)) + answer)
    while rest:
        rest = rest[os.write(pipe, rest) :]
