"""The worker: what comes after a commit, and what the passing of time brings.

May decide: nothing. Jobs run once they are committed; the sweep asks every stage what has become due, by the node's
clock, so that nothing depends on a job that was lost.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from httpx2 import AsyncClient, Timeout
from procrastinate import App, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy

from tidegate import flow
from tidegate.background.check_video import check_video, know_video
from tidegate.background.look_back import PastUpkeep, look_again, look_back
from tidegate.checking.steps import check_anew, check_left_alone, judged
from tidegate.content import store as contents
from tidegate.content.model import BytesWanted, ContentKind, NoBytes, Submission
from tidegate.content.steps import do_without_bytes, submission_of
from tidegate.db.transaction import MACHINE, TIME, Transaction
from tidegate.decision import steps as decisions
from tidegate.enforcement import rules as enforcement_rules
from tidegate.enforcement import steps as enforcement
from tidegate.enforcement import store as instructions
from tidegate.enforcement.delivery import attempt, payload, tell, wanted_payload
from tidegate.enforcement.model import Instruction, Problem, State
from tidegate.fingerprint.picture import reading as picture
from tidegate.fingerprint.words.text import SHORTEST_KNOWN, Sketch, fingerprint_in
from tidegate.flow import forget_due
from tidegate.jail import JailError, Reason
from tidegate.kernel.errors import IntegrityError, Unavailable
from tidegate.kernel.ids import AskId, ContentId, DecisionId, InstructionId, SignalId
from tidegate.match.past import warm
from tidegate.match.upkeep import Upkeep
from tidegate.node import Node, upload_of
from tidegate.people import sign_in
from tidegate.people import store as people
from tidegate.verdict import steps as verdicts
from tidegate.verdict import store as verdict_store
from tidegate.web.idempotency import forget_old as forget_old_answers

log = structlog.get_logger()

#: A job that fails in a way we did not foresee is tried this often, then left for people to see.
_MOST_SURPRISES = 20
_PAST_EVERY_SECONDS = 10.0


class NotDeliveredError(Exception):
    """The platform did not acknowledge; tried again later."""


class BackOff(BaseRetryStrategy):
    """Wait longer after each failure; three days are counted by the task itself."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Say when to try again."""
        if not isinstance(exception, (NotDeliveredError, Unavailable, OSError)):
            return None if job.attempts >= _MOST_SURPRISES else RetryDecision(retry_in={"seconds": 30})
        return RetryDecision(retry_in={"seconds": enforcement_rules.wait_before(job.attempts)})


def make_app(node: Node, client: AsyncClient) -> App:
    """Give the job library the code of each task."""
    app = App(connector=PsycopgConnector())

    @app.task(name="deliver", retry=BackOff())
    async def deliver_task(instruction: str) -> None:
        await deliver(node, client, InstructionId.parse(instruction))

    @app.task(name="ask_for_bytes", retry=BackOff())
    async def ask_task(content: str, ask: str) -> None:
        await ask_for_bytes(node, client, ContentId.parse(content), AskId.parse(ask))

    @app.task(name="look_back", retry=BackOff())
    async def look_back_task(signal: str) -> None:
        await look_back(node, SignalId.parse(signal))

    @app.task(name="look_again", retry=BackOff())
    async def look_again_task(signal: str, decision: str | None) -> None:
        await look_again(node, SignalId.parse(signal), DecisionId.parse(decision) if decision else None)

    @app.task(name="make_looks_known", retry=BackOff())
    async def make_looks_known_task(decision: str, content: str) -> None:
        await make_looks_known(node, DecisionId.parse(decision), ContentId.parse(content))

    @app.task(name="make_text_known", retry=BackOff())
    async def make_text_known_task(decision: str, content: str) -> None:
        await make_text_known(node, DecisionId.parse(decision), ContentId.parse(content))

    @app.task(name="check_video", retry=BackOff())
    async def check_video_task(content: str) -> None:
        await check_video(node, ContentId.parse(content))

    @app.task(name="know_video", retry=BackOff())
    async def know_video_task(content: str, decision: str) -> None:
        await know_video(node, ContentId.parse(content), DecisionId.parse(decision))

    @app.task(name="tell_judged", retry=BackOff())
    async def tell_judged_task(content: str) -> None:
        await tell_judged(node, client, ContentId.parse(content))

    return app


def make_client(node: Node) -> AsyncClient:
    """Make the HTTP client for webhooks: no redirects, no cookies kept, a clock on everything."""
    return AsyncClient(timeout=Timeout(node.settings.webhook_timeout_seconds), follow_redirects=False, trust_env=False)


# --- jobs ---


async def deliver(node: Node, client: AsyncClient, identity: InstructionId) -> None:
    """Carry one instruction to its platform.

    Raises:
        NotDeliveredError: it was not acknowledged, and there is time to try again.
    """

    async def read(tx: Transaction) -> tuple[Instruction, str | None, dict[str, Any]] | None:
        loaded = await instructions.load(tx, identity)
        if loaded is None or loaded.state is not State.WAITING:
            return None
        facts = await people.service_facts(tx, loaded.service)
        return (
            loaded,
            facts.webhook_url if facts else None,
            await payload(tx, loaded, str(node.settings.public_url)),
        )

    found = await node.run(TIME, read)
    if found is None:
        return  # Superseded or acknowledged meanwhile.
    instruction, url, data = found
    if url is None:
        return  # This platform pulls.
    now = node.database.clock()
    body = {"type": "instruction", "timestamp": now.isoformat(), "data": data}
    result = await attempt(client, url, node.database.keys.webhook, str(identity), body, int(now.timestamp()))
    if result.applied is not None:
        applied = result.applied
        await node.run(TIME, lambda tx: enforcement.acknowledge(tx, identity, instruction.service, applied=applied))
        return
    problem = result.problem or Problem.NO_ACKNOWLEDGEMENT
    log.warning("not delivered", action="deliver", instruction=str(identity), problem=problem, status=result.status)
    await node.run(TIME, lambda tx: instructions.note_problem(tx, identity, problem, result.status))
    if enforcement_rules.give_up(node.database.clock() - instruction.waiting_since):
        await node.run(TIME, lambda tx: enforcement.mark_undelivered(tx, identity))
        return
    raise NotDeliveredError(problem)


async def tell_judged(node: Node, client: AsyncClient, identity: ContentId) -> None:
    """Tell a platform the verdict on an upload that was acknowledged before it was checked.

    Raises:
        NotDeliveredError: it was not taken, and there is time to try again.
    """
    news = await node.run(TIME, lambda tx: judged(tx, identity))
    if news is None:
        return  # Deleted meanwhile.
    facts = await node.run(TIME, lambda tx: people.service_facts(tx, news.service))
    if facts is None or facts.webhook_url is None:
        return  # This platform asks by itself.
    now = node.database.clock()
    body = {"type": "content.judged", "timestamp": now.isoformat(), "data": news.data}
    name = f"{identity}/{news.data['revision']}"
    if await tell(client, facts.webhook_url, node.database.keys.webhook, name, body, int(now.timestamp())):
        return
    log.warning("not told", action="tell_judged", content=str(identity))
    if not enforcement_rules.give_up(now - news.given_at):
        raise NotDeliveredError(identity)


async def ask_for_bytes(node: Node, client: AsyncClient, content: ContentId, ask: AskId) -> None:
    """Ask a platform for the bytes of a content; it sends them by itself when it has acknowledged.

    Raises:
        NotDeliveredError: it did not acknowledge, and there is time to try again.
    """

    async def read(tx: Transaction) -> tuple[BytesWanted, str | None, dict[str, Any]] | None:
        wanted = await contents.wanted(tx, content)
        if wanted is None or wanted.ask != ask:
            return None
        facts = await people.service_facts(tx, wanted.service)
        return wanted, facts.webhook_url if facts else None, await wanted_payload(tx, wanted)

    found = await node.run(TIME, read)
    if found is None:
        return  # They came, or are not wanted any more.
    wanted, url, data = found
    if url is None:
        return  # This platform pulls.
    now = node.database.clock()
    body = {"type": "content.bytes_wanted", "timestamp": now.isoformat(), "data": data}
    result = await attempt(client, url, node.database.keys.webhook, str(ask), body, int(now.timestamp()))
    if result.applied is False:
        await node.run(TIME, lambda tx: do_without_bytes(tx, content, wanted.revision, NoBytes.GONE))
    if result.applied is not None or result.ignored:
        return  # Who ignores it reads the list.
    problem = result.problem or Problem.NO_ACKNOWLEDGEMENT
    log.warning("not delivered", action="ask_for_bytes", content=str(content), problem=problem, status=result.status)
    # Given up, it stays in the list that platforms read.
    if not enforcement_rules.give_up(node.database.clock() - wanted.asked_at):
        raise NotDeliveredError(problem)


async def make_looks_known(node: Node, decision: DecisionId, content: ContentId) -> None:
    """Look at a decided picture at full size in the jail and make known how it looks."""

    async def read(tx: Transaction) -> bytes | None:
        loaded = await contents.load(tx, content)
        return None if loaded is None else await contents.bytes_of(tx, loaded)

    data = await node.run(MACHINE, read)
    if data is None:
        return
    try:
        found = await picture.fingerprint_in(node.jail, data, full_size=True)
    except JailError as error:
        if error.reason in {Reason.TIMEOUT, Reason.ENGINE_DOWN}:
            raise
        return
    await node.run(MACHINE, lambda tx: flow.make_looks_known(tx, decision, content, found.looks))


async def make_text_known(node: Node, decision: DecisionId, content: ContentId) -> None:
    """Read a decided text in the jail and make it known, if it is long enough to be anybody's."""

    async def read(tx: Transaction) -> bytes | None:
        loaded = await contents.load(tx, content)
        return None if loaded is None else await contents.bytes_of(tx, loaded)

    data = await node.run(MACHINE, read)
    if data is None:
        return
    try:
        found = await fingerprint_in(node.jail, data)
    except JailError as error:
        if error.reason in {Reason.TIMEOUT, Reason.ENGINE_DOWN}:
            raise
        return
    if Sketch.unpack(found.sketch).units >= SHORTEST_KNOWN:
        await node.run(MACHINE, lambda tx: flow.make_text_known(tx, decision, content, found.letters))


async def retry_unchecked(node: Node) -> None:
    """Check again what a clock or a broken engine left unchecked (floor rule 2)."""
    for content in await node.run(TIME, verdict_store.unchecked_to_retry):

        async def read(tx: Transaction, content: ContentId = content) -> tuple[Submission, bytes, bytes] | None:
            loaded = await contents.load(tx, content)
            if loaded is None or loaded.fingerprints is None:
                return None
            submission = await submission_of(tx, loaded)
            data = await contents.bytes_of(tx, loaded)
            return None if submission is None or data is None else (submission, loaded.fingerprints.sha256, data)

        found = await node.run(TIME, read)
        if found is None:
            continue
        if found[0].kind is ContentKind.VIDEO:
            # Part by part, in a job of its own: nothing else may wait for it.
            await node.run(TIME, lambda tx, content=content, found=found: check_anew(tx, content, found[0]))  # type: ignore[misc]
            continue
        checked = await node.check(found[0].kind, found[1], found[2], full_size=True)
        if checked.unchecked is not None:
            continue
        upload = upload_of(found[0], checked, found[2])
        await node.run(
            MACHINE,
            lambda tx, content=content, upload=upload: verdicts.judge_again(  # type: ignore[misc]
                tx, content, upload, node.settings.hold_policy
            ),
        )


# --- the passing of time ---

Sweep = Callable[[], Awaitable[None]]


class Sweeper:
    """Asks every stage what has become due."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._next: dict[str, Any] = {}
        self._forgotten_to: ContentId | None = None

    async def once(self) -> None:
        """Do everything that is due now, each in its own transaction; one failure stops no other."""
        every: tuple[tuple[str, timedelta, Sweep], ...] = (
            ("lapse", timedelta(), self._lapse),
            ("issue", timedelta(), self._issue),
            ("publish", timedelta(seconds=self._node.settings.publish_window_seconds), self._publish),
            ("retry", timedelta(seconds=5), lambda: retry_unchecked(self._node)),
            ("checking", timedelta(seconds=30), self._checking),
            ("forget", timedelta(minutes=10), self._forget),
            ("days", timedelta(hours=1), self._days),
        )
        now = self._node.database.clock()
        for name, every_, sweep in every:
            due = self._next.get(name)
            # A clock set back must not stop the sweep: what is due too far ahead is due now.
            if due is not None and now < due <= now + every_:
                continue
            self._next[name] = now + every_
            await self._guarded(name, sweep)

    async def _guarded(self, name: str, sweep: Sweep) -> None:
        try:
            await sweep()
        except IntegrityError as error:
            log.critical("stopped", action=name, error=error.message)
        except Exception as error:  # noqa: BLE001 - the next sweep tries again; it must not die of one failure
            log.error("sweep failed", action=name, error=type(error).__name__)

    async def _lapse(self) -> None:
        while await self._node.run(TIME, verdicts.lapse_due_holds):
            pass

    async def _issue(self) -> None:
        for decision in await self._node.run(TIME, decisions.due):
            await self._issue_one(decision)

    async def _issue_one(self, decision: DecisionId) -> None:
        await self._node.run(TIME, lambda tx: decisions.issue(tx, decision, self._node.settings.policy))

    async def _publish(self) -> None:
        await self._node.publisher.publish()

    async def _checking(self) -> None:
        await self._node.run(TIME, check_left_alone)

    async def _forget(self) -> None:
        self._forgotten_to = await self._node.run(TIME, lambda tx: forget_due(tx, self._forgotten_to))

    async def _days(self) -> None:
        keep = self._node.settings.clear_upload_days
        await self._node.run(TIME, lambda tx: contents.prepare_days(tx, keep))
        await self._node.run(TIME, forget_old_answers)
        await self._node.run(TIME, sign_in.forget_old)


async def work(node: Node, stop: asyncio.Event) -> None:
    """Run jobs and sweeps until told to stop."""
    async with make_client(node) as client:
        app = make_app(node, client)
        async with app.open_async(node.database.pool):
            worker = asyncio.create_task(_run_jobs(app, stop))
            await asyncio.to_thread(warm)
            past = asyncio.create_task(_keep_past(node, stop))
            index = asyncio.create_task(Upkeep.of(node.database, node.settings.index_directory).run(stop))
            sweeper = Sweeper(node)
            while not stop.is_set():
                await sweeper.once()
                await _retry_stalled(app)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 0.5)
            for task in (worker, past, index):
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


async def _run_jobs(app: App, stop: asyncio.Event) -> None:
    """Run jobs; when the database goes away, begin again once it is back."""
    while not stop.is_set():
        try:
            await app.run_worker_async(
                concurrency=8,
                install_signal_handlers=False,
                delete_jobs="successful",
                fetch_job_polling_interval=2.0,
                shutdown_graceful_timeout=5,
            )
        except Exception as error:  # noqa: BLE001 - whatever it was, jobs are rows and wait
            log.error("jobs stopped", action="jobs", error=type(error).__name__)
            await asyncio.sleep(1)


async def _retry_stalled(app: App) -> None:
    """Take up again the jobs of a worker that died."""
    with suppress(Exception):
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=30):
            await app.job_manager.retry_job(job)


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
