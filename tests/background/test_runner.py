"""A job is done or waits: whatever happens to the connection that hands it out, or takes back how it ended."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from procrastinate import App, PsycopgConnector

from running import Nodes, Running
from tidegate.background.runner import Runner
from tidegate.db.jobs import VIDEOS, defer
from tidegate.db.transaction import TIME, Transaction

SOON_SECONDS = 0.3
WITHIN_SECONDS = 20.0

#: What a fetch leaves whose answer was lost on the way, and a job whose end could not be written down.
_HANDED_OUT = """
    UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT max(id) FROM procrastinate_workers)
    WHERE task_name = 'count' AND status = 'todo'
"""


@pytest.fixture
def running(nodes: Nodes) -> Running:
    return nodes.start()


async def _with_runner(running: Running, act: Callable[[Runner, list[str]], Awaitable[None]]) -> None:
    """Run jobs that count, while something is done to them."""
    app, done = App(connector=PsycopgConnector()), list[str]()

    @app.task(name="count")
    async def count(name: str, seconds: float = 0) -> None:
        await asyncio.sleep(seconds)
        done.append(name)

    stop = asyncio.Event()
    async with app.open_async(running.node.database.pool):
        runner = Runner(app, lost_seconds=SOON_SECONDS)
        task = asyncio.create_task(runner.run(stop))
        await _defer(running, "first")
        await _until(lambda: done == ["first"])
        await act(runner, done)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _defer(running: Running, name: str, wait: float = 0, seconds: float = 0) -> None:
    await running.node.run(TIME, lambda tx: defer(tx, "count", wait=wait, name=name, seconds=seconds))


def test_nothing_waits_behind_videos_that_are_read(running: Running) -> None:
    async def act(_runner: Runner, done: list[str]) -> None:
        for number in range(9):

            async def one(tx: Transaction, name: str = f"video {number}") -> None:
                await defer(tx, "count", queue=VIDEOS, name=name, seconds=30)

            await running.node.run(TIME, one)
        await _defer(running, "other")
        await _until(lambda: done == ["first", "other"])
        # As many at once as can be read, for each is in memory whole.
        assert await _doing(running) <= 1

    running.loop.run(_with_runner(running, act))


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while not true():  # noqa: ASYNC110 -- a list sets no event
            await asyncio.sleep(0.02)


def test_a_job_that_was_handed_out_and_never_arrived_is_taken_up(running: Running) -> None:
    async def act(runner: Runner, done: list[str]) -> None:
        # Not due yet, so that the worker does not take it before it is lost.
        await _defer(running, "lost", wait=60)
        async with running.node.database.transaction(TIME) as tx:
            await tx.execute(_HANDED_OUT)
        async with asyncio.timeout(WITHIN_SECONDS):
            while "lost" not in done:
                await runner.take_up_lost()
                await asyncio.sleep(0.05)

    running.loop.run(_with_runner(running, act))


def test_a_job_that_runs_for_long_is_left_alone(running: Running) -> None:
    async def act(runner: Runner, done: list[str]) -> None:
        await _defer(running, "long", seconds=6 * SOON_SECONDS)
        while "long" not in done:
            await runner.take_up_lost()
            await asyncio.sleep(0.05)
        await _defer(running, "last")
        await _until(lambda: "last" in done)
        assert done == ["first", "long", "last"]

    running.loop.run(_with_runner(running, act))


def test_a_runner_that_was_told_to_end_runs_nothing_after_it_ended(running: Running) -> None:
    async def runs() -> None:
        app = App(connector=PsycopgConnector())

        @app.task(name="count")
        async def count(name: str, seconds: float = 0) -> None:
            # As one that is cleaning up: it does not end the moment it is told to.
            del name
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(seconds)
            await asyncio.sleep(seconds)

        before = asyncio.all_tasks()
        async with app.open_async(running.node.database.pool):
            task = asyncio.create_task(Runner(app).run(asyncio.Event()))

            async def one(tx: Transaction) -> None:
                await defer(tx, "count", queue=VIDEOS, name="video", seconds=1)

            await running.node.run(TIME, one)
            async with asyncio.timeout(WITHIN_SECONDS):
                while await _doing(running) == 0:  # noqa: ASYNC110 -- a row sets no event
                    await asyncio.sleep(0.02)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert {each for each in asyncio.all_tasks() - before if not each.done()} == set()

    running.loop.run(runs())


def test_a_runner_whose_database_is_gone_ends_when_it_is_told_to(running: Running) -> None:
    async def runs() -> None:
        app = App(connector=PsycopgConnector())
        async with app.open_async(running.node.database.pool):
            task = asyncio.create_task(Runner(app).run(asyncio.Event()))
            async with asyncio.timeout(WITHIN_SECONDS):
                while len(await _rows(running, "SELECT id FROM procrastinate_workers")) != 2:  # noqa: ASYNC110 -- as above
                    await asyncio.sleep(0.02)
            await running.node.database.pool.close()
            task.cancel()
            await asyncio.wait([task], timeout=WITHIN_SECONDS)
            assert task.done()

    running.loop.run(runs())


async def _doing(running: Running) -> int:
    rows = await _rows(running, "SELECT count(*) AS n FROM procrastinate_jobs WHERE status = 'doing'")
    return int(rows[0]["n"])


async def _rows(running: Running, statement: str) -> list[dict[str, Any]]:
    async with running.node.database.transaction(TIME) as tx:
        return await tx.rows(statement)
