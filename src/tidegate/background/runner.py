"""Running jobs, and taking up again those that nobody works on.

May decide: which jobs were lost. A job is a row that says who works on it. When the database goes away at the wrong
moment, a row may say so of a worker that never heard of the job, or could not write down how it ended: the library
takes up the jobs of workers that died, and those are ours, alive.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from procrastinate import App, JobContext
from procrastinate.jobs import Job
from procrastinate.worker import Worker

from tidegate.db.jobs import VIDEOS

log = structlog.get_logger()

#: A job of ours that does not run and is not written down as ended for this long is lost.
_LOST_SECONDS: Final = 10.0
#: A worker that gave no sign for this long is dead.
_DEAD_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 5.0
_AT_ONCE: Final = 8
#: Where jobs wait for which none is named.
_OTHERS: Final = "default"


class Runner:
    """Runs the jobs of one process: videos, as many at once as can be read, and beside them all others."""

    def __init__(self, app: App, lost_seconds: float = _LOST_SECONDS, videos: int = 1) -> None:
        self._app = app
        self._lost_seconds = lost_seconds
        self._at_once = {_OTHERS: _AT_ONCE, VIDEOS: videos}
        self._workers = {queue: self._new(queue) for queue in self._at_once}
        self._running: set[int | None] = set()
        #: When a job, in one of its attempts, was first seen not to run.
        self._idle_since: dict[tuple[int | None, int], float] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Run jobs; when the database goes away, begin again once it is back."""
        async with asyncio.TaskGroup() as queues:
            for queue in self._at_once:
                queues.create_task(self._run(queue, stop))

    async def _run(self, queue: str, stop: asyncio.Event) -> None:
        task = asyncio.current_task()
        while not stop.is_set():
            try:
                self._workers[queue] = self._new(queue)
                await self._workers[queue].run()  # type: ignore[no-untyped-call]  # the library does not say
            except Exception as error:  # noqa: BLE001 -- whatever it was, jobs are rows and wait
                log.error("jobs stopped", action="jobs", error=type(error).__name__)
                # The library writes down its end after it was cancelled; when that fails, this stands in its place.
                if task is not None and task.cancelling():
                    return
                await asyncio.sleep(1)

    async def watch(self, stop: asyncio.Event) -> None:
        """Take up what was lost, every few seconds."""
        while not stop.is_set():
            try:
                await self.take_up_lost()
            except Exception as error:  # noqa: BLE001 -- the database is away: the next turn tries again
                log.warning("lost jobs not looked for", action="jobs", error=type(error).__name__)
            await asyncio.sleep(_LOOK_SECONDS)

    async def take_up_lost(self) -> None:
        """Take up again the jobs of workers that died, and those of ours that do not run."""
        manager = self._app.job_manager
        lost = [*await manager.get_stalled_jobs(seconds_since_heartbeat=_DEAD_SECONDS), *await self._lost()]
        for job in lost:
            log.warning("job taken up again", action="jobs", job=job.id, task=job.task_name)
            await manager.retry_job(job)

    async def _lost(self) -> list[Job]:
        ours = [worker.worker_id for worker in self._workers.values() if worker.worker_id is not None]
        now, before = time.monotonic(), self._idle_since
        manager = self._app.job_manager
        doing = [job for one in ours for job in await manager.list_jobs_async(status="doing", worker_id=one)]
        idle = [job for job in doing if job.id not in self._running]
        self._idle_since = {(job.id, job.attempts): before.get((job.id, job.attempts), now) for job in idle}
        return [job for job in idle if now - self._idle_since[job.id, job.attempts] >= self._lost_seconds]

    def _new(self, queue: str) -> Worker:
        return Worker(
            self._app,
            queues=[queue],
            concurrency=self._at_once[queue],
            install_signal_handlers=False,
            delete_jobs="successful",
            fetch_job_polling_interval=2.0,
            shutdown_graceful_timeout=5,
            worker_middleware=[self._noted],
        )

    async def _noted(self, call: Callable[[], Awaitable[Any]], context: JobContext, _worker: Worker) -> Any:  # noqa: ANN401 -- whatever a task gives
        self._running.add(context.job.id)
        try:
            return await call()
        finally:
            self._running.discard(context.job.id)
