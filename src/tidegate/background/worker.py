"""The worker: what comes after a commit, and what the passing of time brings.

May decide: nothing. Jobs run once they are committed; sweeps ask what has become due; the index and the files of past
uploads are kept beside them.
"""

import asyncio
from contextlib import suppress

import structlog

from tidegate.background.look_back import PastUpkeep
from tidegate.background.runner import Runner
from tidegate.background.sweeps import Sweeper
from tidegate.background.tasks import make_app
from tidegate.background.telling import make_client
from tidegate.match.past.uploads import warm
from tidegate.match.upkeep import Upkeep
from tidegate.node import Node

log = structlog.get_logger()

_PAST_EVERY_SECONDS = 10.0


async def work(node: Node, stop: asyncio.Event) -> None:
    """Run jobs and sweeps until told to stop."""
    async with make_client(node) as client:
        app = make_app(node, client)
        async with app.open_async(node.database.pool):
            runner = Runner(app, videos=node.settings.video_children)
            worker = asyncio.create_task(runner.run(stop))
            lost = asyncio.create_task(runner.watch(stop))
            await asyncio.to_thread(warm)
            past = asyncio.create_task(_keep_past(node, stop))
            index = asyncio.create_task(Upkeep.of(node.database, node.settings.index_directory).run(stop))
            sweeper = Sweeper(node)
            while not stop.is_set():
                await sweeper.once()
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 0.5)
            for task in (worker, lost, past, index):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


async def _keep_past(node: Node, stop: asyncio.Event) -> None:
    """Keep the files of past uploads, which may take long, beside the sweeps, which may not wait."""
    upkeep = PastUpkeep(node)
    while not stop.is_set():
        try:
            await upkeep.keep_up()
        except Exception as error:  # noqa: BLE001 - the next turn tries again
            log.error("upkeep failed", action="past", error=type(error).__name__)
        await asyncio.sleep(_PAST_EVERY_SECONDS)


async def run_jobs_once(node: Node) -> None:
    """Run every job that is due and every sweep, then return: for tests and for the demonstration's end."""
    async with make_client(node) as client:
        app = make_app(node, client)
        async with app.open_async(node.database.pool):
            await Sweeper(node).once()
            await PastUpkeep(node).keep_up()
            await app.run_worker_async(
                wait=False, install_signal_handlers=False, delete_jobs="successful", listen_notify=False
            )
