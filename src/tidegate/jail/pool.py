"""The jail as the rest of the node sees it: run one named function over untrusted bytes.

May decide: when a child is replaced, when a request is refused because too many wait, and what a child's end
means for its request. It never looks at the bytes. One child, one request at a time; a request that kills its
child is one failed request, and the next has a fresh child.

A child that one file took over could lie about the files after it. So a child reads few (``Limits.requests``,
counted here), and none after one it could not read, after an answer that is not well formed, or after a word
too many. A file is blamed for a child's death only if it was that child's first: else a fresh one is asked.
One child more than can work at a time stands ready, so that nobody waits while another is replaced.
"""

import asyncio
import os
import stat
import sys
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Generic, TypeVar

from tidegate.jail.link import Link
from tidegate.jail.model import JAIL_ACCOUNT, Data, JailError, Limits, Lock, Reason, Start
from tidegate.jail.worker import Broken, Nonsense, Worker
from tidegate.kernel.errors import ConfigurationError
from tidegate.kernel.process import Account, unusable

#: Named, never imported: this is the side that must not decode.
ENGINES = (
    "tidegate.fingerprint.picture.decoder",
    "tidegate.fingerprint.words.text_engine",
    "tidegate.fingerprint.words.link_engine",
)

_USUAL = Limits()
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0

Answer = TypeVar("Answer")


class Jail:
    """A pool of locked children. ``start`` it, ``run`` functions in it, ``stop`` it."""

    def __init__(
        self,
        *,
        size: int = 2,
        spare: int = 1,
        cache_directory: Path | None = None,
        accept_missing: Collection[str] = (),
        without: Collection[Lock] = (),
        engines: Sequence[str] = ENGINES,
        sys_path: Sequence[Path] = (),
        limits: Limits = _USUAL,
        account: Account = JAIL_ACCOUNT,
        queue: int = 64,
        patience: float = 10.0,
        start_within: float = 180.0,
    ) -> None:
        """Describe a jail.

        Args:
            size: children at the same time.
            spare: children that stand ready beside them, to take a replaced one's place at once.
            cache_directory: where compiled kernels are kept; nobody else may write there.
            accept_missing: names of required locks to do without where the kernel lacks them.
            without: locks to leave off, as if the kernel lacked them: to see that each of the others holds alone.
            engines: modules whose functions can be run.
            sys_path: folders to look for engines in, before the usual ones.
            limits: what a child may use.
            account: who children are when we are root.
            queue: requests that may wait; one more is refused at once.
            patience: seconds a request waits for a child before it is refused.
            start_within: seconds the first start may take: kernels may have to be compiled.
        """
        self.size = size
        self._spare = spare
        #: How many requests ended in which way, for the metrics.
        self.counts: Counter[str] = Counter()
        unknown = set(accept_missing) - set(Lock)
        if unknown:
            names = ", ".join(Lock)
            raise ConfigurationError(f"{', '.join(sorted(unknown))} is no lock of the jail: there are {names}.")
        self._start: Start = {
            "engines": list(engines),
            "accept_missing": list(accept_missing),
            "without": list(without),
            "account": (account.uid, account.gid),
            "limits": asdict(limits),
        }
        self._files = limits.requests
        self._cache_directory = cache_directory
        self._sys_path = sys_path
        self._queue = queue
        self._patience = patience
        self._start_within = start_within
        self._link: Link | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._waiting = 0
        #: Children there are or that are being made, and those of them that wait for another to go.
        self._workers: set[Worker] = set()
        self._spares: list[Worker] = []

    @property
    def missing(self) -> tuple[str, ...]:
        """Name the locks children are without here."""
        return self._link.missing if self._link is not None else ()

    @property
    def running(self) -> bool:
        """Say whether requests can be answered: started, and with children or a forkserver that makes them."""
        return self._keeper is not None and not self._down

    @property
    def children(self) -> int:
        """Count the children there are or that are being made, beside those that only stand ready."""
        return len(self._workers) - len(self._spares)

    async def start(self) -> None:
        """Start the forkserver and the children, from the main thread.

        Raises:
            ConfigurationError: children could not be locked here, or an engine could not be loaded.
        """
        if sys.platform != "linux":
            raise ConfigurationError("Untrusted bytes can be locked in on Linux only: run the node there.")
        self._idle: asyncio.Queue[Worker | None] = asyncio.Queue()
        self._wanted = asyncio.Event()
        self._down = False
        self._link = await self._open()
        try:
            await self._make_full(self._link)
        except Broken as error:
            await self.stop()
            message = 'The jail\'s children cannot lock themselves in: run "tidegate jail check".'
            raise ConfigurationError(message) from error
        except BaseException:
            await self.stop()
            raise
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End all children. Requests under way fail with ``engine_down``."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        if self._link is not None:
            link, self._link = self._link, None
            await link.close()
            # Those in a request see their pipe end, and are closed there.
            while not self._idle.empty():
                if (worker := self._idle.get_nowait()) is not None:
                    worker.close()
            self._close_spares()
            self._refuse_waiting()
        self._workers.clear()

    async def run(
        self,
        function: str,
        data: Data,
        arguments: bytes = b"",
        timeout: float = 5.0,  # noqa: ASYNC109 -- the child is killed when it is over
        *,
        answer_limit: int = 1 << 20,
    ) -> bytes:
        """Run "module:function" over bytes in a locked child.

        Raises:
            JailError: there is no answer, and its ``reason``.
        """
        return await self.read(bytes, function, data, arguments, timeout, answer_limit=answer_limit)

    async def read(
        self,
        read: Callable[[bytes], Answer],
        function: str,
        data: Data,
        arguments: bytes = b"",
        timeout: float = 5.0,  # noqa: ASYNC109 -- the child is killed when it is over
        *,
        answer_limit: int = 1 << 20,
    ) -> Answer:
        """Run "module:function" over bytes in a locked child, and read its answer.

        Args:
            read: raises ``ValueError`` over an answer that no honest child gives; it is that child's last.
            function: of an engine.
            data: untrusted bytes; not copied here.
            arguments: what the function gets beside them.
            timeout: seconds from when the child has the request.
            answer_limit: bytes; a longer answer is ``too_large``.

        Raises:
            JailError: there is no answer, and its ``reason``.
        """
        try:
            answer = await self._read(_Request(read, function, data, arguments, timeout, answer_limit))
        except JailError as error:
            self.counts[error.reason] += 1
            raise
        self.counts["answered"] += 1
        return answer

    async def _read(self, request: "_Request[Answer]") -> Answer:
        worker = await self._take()
        for _ in range(self.size + 1):
            keep = False
            try:
                answer = await request.put_to(worker)
                keep = worker.silent and worker.files < self._files and not worker.used_up
            except TimeoutError as error:
                raise JailError(Reason.TIMEOUT) from error
            except Broken as error:
                reason = Reason.UNDECODABLE if isinstance(error, Nonsense) else await worker.death()
                if reason is not Reason.UNDECODABLE or worker.files == 1:
                    raise JailError(reason) from error
                # It had read other files, and what one of those did to it may show only now: ask a fresh one.
                heir = self._spares.pop() if self._spares else None
            else:
                return answer
            finally:
                # Also when the caller went away: a child in the middle of something is of no use to anyone.
                if keep and self._keeper is not None:
                    self._idle.put_nowait(worker)
                else:
                    self._drop(worker)
            worker = heir or await self._take()
        # Nothing but used children, and each broke.
        raise JailError(Reason.ENGINE_DOWN)

    async def _take(self) -> Worker:
        """Get an idle child, after those who came before; refuse quickly rather than queue without end."""
        self._refuse_when_down()
        if self._waiting >= self._queue:
            raise JailError(Reason.ENGINE_DOWN)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                while True:
                    worker = await self._idle.get()
                    if worker is None:
                        self._refuse_when_down()
                    elif worker.silent:
                        return worker
                    else:
                        self._drop(worker)
        except TimeoutError as error:
            raise JailError(Reason.ENGINE_DOWN) from error
        finally:
            self._waiting -= 1

    def _refuse_when_down(self) -> None:
        if self._keeper is None or self._down:
            raise JailError(Reason.ENGINE_DOWN)

    def _refuse_waiting(self) -> None:
        """Wake all who wait, to see that there will be no child."""
        for _ in range(self._waiting):
            self._idle.put_nowait(None)

    def _drop(self, worker: Worker) -> None:
        worker.close()
        if self._link is not None:
            self._link.kill(worker)
        if worker in self._workers:
            self._workers.remove(worker)
            if self._spares:
                self._idle.put_nowait(self._spares.pop())
        self._wanted.set()

    async def _keep(self) -> None:
        """Keep the pool full: a child for each that went, and a forkserver if that went."""
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._until_wanted()
                await self._fill()
            except Exception:  # noqa: BLE001 -- the pool must come back, whatever kept it from it
                # From here on requests are refused at once, until there is a child again.
                self._down = not self._workers
                if self._down:
                    self._refuse_waiting()
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                self._wanted.set()
            else:
                self._down = False
                pause = _FIRST_PAUSE

    async def _until_wanted(self) -> None:
        assert self._link is not None
        wanted = asyncio.create_task(self._wanted.wait())
        closed = asyncio.create_task(self._link.closed.wait())
        try:
            await asyncio.wait((wanted, closed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            wanted.cancel()
            closed.cancel()

    async def _fill(self) -> None:
        assert self._link is not None
        self._wanted.clear()
        if self._link.closed.is_set():
            # Its children died with it. Those in a request are dropped by whoever waits for them.
            old = self._link
            await old.close()
            for worker in [worker for worker in self._workers if worker.ended.done()]:
                self._workers.discard(worker)
            self._close_spares()
            self._link = await self._open()
        await self._make_full(self._link)

    def _close_spares(self) -> None:
        for worker in self._spares:
            worker.close()
        self._spares.clear()

    async def _make_full(self, link: Link) -> None:
        while len(self._workers) < self.size + self._spare:
            worker = await link.fork()
            self._workers.add(worker)
            if self.children <= self.size:
                self._idle.put_nowait(worker)
            else:
                self._spares.append(worker)

    async def _open(self) -> Link:
        if self._cache_directory is not None:
            make_private(self._cache_directory)
        return await Link.open(
            self._start,
            cache_directory=self._cache_directory,
            sys_path=self._sys_path,
            within=self._start_within,
        )


@dataclass(frozen=True, slots=True)
class _Request(Generic[Answer]):
    """What a child is asked; see ``Jail.read``."""

    read: Callable[[bytes], Answer]
    function: str
    data: Data
    arguments: bytes
    seconds: float
    answer_limit: int

    async def put_to(self, worker: Worker) -> Answer:
        """Ask a child, and understand its answer."""
        async with asyncio.timeout(self.seconds):
            said = await worker.ask(self.function, self.data, self.arguments, self.answer_limit)
        try:
            return self.read(said)
        except ValueError as error:
            raise Nonsense from error


def make_private(cache_directory: Path) -> None:
    """Make the folder of compiled kernels. Whoever can write there decides what the forkserver runs."""
    try:
        cache_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = cache_directory.stat()
    except OSError as error:
        raise unusable(cache_directory, error) from error
    if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigurationError(
            f"Others can write to {cache_directory}, and so decide what the jail runs: "
            "give it to the account that runs Tidegate, writable for nobody else."
        )
