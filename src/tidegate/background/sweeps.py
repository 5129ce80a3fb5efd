"""What the passing of time brings: every stage is asked what has become due, by the node's clock.

May decide: how often each is asked. Nothing that is due depends on a job that was lost.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import structlog

from tidegate.background.look_back import look_at_words_left
from tidegate.checking.steps import check_anew, check_left_alone
from tidegate.content import store as contents
from tidegate.content.model import ContentKind, Submission
from tidegate.content.steps import submission_of
from tidegate.db.transaction import MACHINE, TIME, Transaction
from tidegate.decision import steps as decisions
from tidegate.fingerprint.model import PASSING
from tidegate.flow import forget_due
from tidegate.kernel.errors import IntegrityError
from tidegate.kernel.ids import ContentId, DecisionId
from tidegate.node import Node, upload_of
from tidegate.people import sign_in
from tidegate.verdict import steps as verdicts
from tidegate.verdict import store as verdict_store
from tidegate.verdict.steps import Upload
from tidegate.web.idempotency import forget_old as forget_old_answers

log = structlog.get_logger()

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
            ("words", timedelta(seconds=5), lambda: look_at_words_left(self._node)),
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
        checked = await node.check(found[0].kind, found[1], found[2], full_size=True, submission=found[0])
        if checked.unchecked in PASSING:
            continue
        upload = upload_of(found[0], checked, found[2])

        async def judge(tx: Transaction, content: ContentId = content, upload: Upload = upload) -> None:
            loaded = await contents.load(tx, content, lock=True)
            if loaded is not None and loaded.fingerprints is not None:
                # What it looks like, or says, is known only now: a new signal looks back by it.
                await contents.learn(tx, loaded, upload.fingerprints)
            await verdicts.judge_again(tx, content, upload, node.settings.hold_policy)

        await node.run(MACHINE, judge)
