"""The parent's end of one child.

May decide: whether an answer is well formed. A child is believed in nothing but that: the tag and the length
are checked against what was asked for, a word more than the answer is one too many, and whatever is wrong
counts as its death. What it has read is counted here, not there.
"""

import asyncio
import secrets
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
        #: Files it was given.
        self.files = 0
        #: It answered, and wants to be replaced.
        self.used_up = False

    def close(self) -> None:
        self._pipe.close()

    async def ready(self) -> None:
        """Wait until the child has locked its door."""
        status, answer = await self._answer(model.NO_TAG, 0)
        if status != model.READY or answer:
            raise Nonsense

    @property
    def silent(self) -> bool:
        """Say whether the child is waiting to be asked: it has neither gone nor spoken unasked."""
        if self.ended.done():
            return False
        try:
            self._pipe.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    async def ask(self, function: str, data: model.Data, arguments: bytes, answer_limit: int) -> bytes:
        """Send a request and wait for its answer. The bytes are sent from where they are.

        Raises:
            JailError: the function said so.
            Broken: the child is of no more use.
        """
        name, view = function.encode("ascii"), memoryview(data).cast("B")
        tag = secrets.token_bytes(model.TAG)
        header = model.REQUEST.pack(tag, len(name), len(arguments), len(view), answer_limit)
        self.files += 1
        try:
            await self._send(header + name + arguments, view)
        except OSError as error:
            raise Broken from error
        status, answer = await self._answer(tag, answer_limit)
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

    async def _send(self, head: bytes, data: memoryview) -> None:
        """Send both, in one call of the kernel where they fit."""
        try:
            sent = self._pipe.sendmsg((head, data))
        except BlockingIOError:
            sent = 0
        loop = asyncio.get_running_loop()
        if sent < len(head):
            await loop.sock_sendall(self._pipe, head[sent:])
        rest = data[max(sent - len(head), 0) :]
        # A child that was promised nothing more may have answered and left: not even nothing can be sent then.
        if rest:
            await loop.sock_sendall(self._pipe, rest)

    async def _answer(self, tag: bytes, limit: int) -> tuple[int, bytes]:
        head = bytearray(model.ANSWER.size)
        await self._read(memoryview(head))
        said, status, length = model.ANSWER.unpack(head)
        if said != tag or length > limit:
            raise Nonsense
        answer = bytearray(length)
        await self._read(memoryview(answer))
        return status, bytes(answer)

    async def _read(self, rest: memoryview) -> None:
        loop = asyncio.get_running_loop()
        while rest:
            try:
                count = await loop.sock_recv_into(self._pipe, rest)
            except OSError as error:
                raise Broken from error
            if count == 0:
                raise Broken
            rest = rest[count:]


def pipe_pair() -> tuple[socket.socket, socket.socket]:
    """Make the two ends of a child's pipe: ours does not block, the child's does."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return ours, theirs
