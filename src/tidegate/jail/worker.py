"""The parent's end of one child.

May decide: whether an answer is well formed. A child is believed in nothing but that: its lengths are checked
against what was asked for, and a wrong one counts as its death.
"""

import asyncio
import signal
import socket

from tidegate.jail import model
from tidegate.jail.model import JailError, Reason

#: How long to wait for word of how a child ended, once its pipe has closed.
_LAST_WORD = 2.0

_REASONS = {model.UNDECODABLE: Reason.UNDECODABLE, model.TOO_LARGE: Reason.TOO_LARGE}


class Broken(Exception):
    """The child died."""


class Nonsense(Broken):
    """The child said something it cannot say."""


class Worker:
    """One child: its number at the forkserver, its pipe, and how it ended."""

    def __init__(self, number: int, pipe: socket.socket) -> None:
        self.number = number
        self._pipe = pipe
        #: The exit status (negative: a signal), or None when nobody is left to say.
        self.ended: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        #: It answered, and wants to be replaced.
        self.used_up = False

    def close(self) -> None:
        self._pipe.close()

    async def ready(self) -> None:
        """Wait until the child has locked its door."""
        status, _ = await self._answer(0)
        if status != model.READY:
            raise Nonsense

    async def ask(self, function: str, data: bytes, arguments: bytes, answer_limit: int) -> bytes:
        """Send a request and wait for its answer.

        Raises:
            JailError: the function said so.
            Broken: the child is of no more use.
        """
        name = function.encode("ascii")
        header = model.REQUEST.pack(len(name), len(arguments), len(data), answer_limit)
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(self._pipe, header + name + arguments)
            # A child that was promised nothing more may have answered and left: not even nothing can be sent then.
            if data:
                await loop.sock_sendall(self._pipe, data)
        except OSError as error:
            raise Broken from error
        status, answer = await self._answer(answer_limit)
        self.used_up = bool(status & model.LAST)
        status &= ~model.LAST
        if status == model.ANSWERED:
            return answer
        if status not in _REASONS or answer:
            raise Nonsense
        raise JailError(_REASONS[status])

    async def death(self) -> Reason:
        """Say what a death without an answer means for the bytes.

        A crash is the bytes' doing: a decoder that falls over them cannot read them. So is running out of the
        time the kernel gives. A kill that was not ours means that the machine ran out of memory or someone
        else ended the child: that says nothing of the bytes, and they are worth another try.
        """
        try:
            async with asyncio.timeout(_LAST_WORD):
                status = await asyncio.shield(self.ended)
        except TimeoutError:
            return Reason.ENGINE_DOWN
        if status in (None, -signal.SIGKILL, model.NOT_LOCKED):
            return Reason.ENGINE_DOWN
        return Reason.TIMEOUT if status == -signal.SIGXCPU else Reason.UNDECODABLE

    async def _answer(self, limit: int) -> tuple[int, bytes]:
        status, length = model.ANSWER.unpack(await self._read(model.ANSWER.size))
        if length > limit:
            raise Nonsense
        return status, await self._read(length)

    async def _read(self, length: int) -> bytes:
        buffer = bytearray(length)
        rest = memoryview(buffer)
        loop = asyncio.get_running_loop()
        while rest:
            try:
                count = await loop.sock_recv_into(self._pipe, rest)
            except OSError as error:
                raise Broken from error
            if count == 0:
                raise Broken
            rest = rest[count:]
        return bytes(buffer)


def pipe_pair() -> tuple[socket.socket, socket.socket]:
    """Make the two ends of a child's pipe: ours does not block, the child's does."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return ours, theirs
