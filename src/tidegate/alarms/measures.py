"""Looking at everything an alarm can be about, in a dozen counting queries. May decide: nothing; it only reads."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

import structlog
from psycopg import Error as PsycopgError
from psycopg_pool import PoolTimeout

from tidegate.alarms import rules
from tidegate.alarms.model import Alarm, JailState, Measured, Pressing
from tidegate.appeal import store as appeals
from tidegate.case import store as cases
from tidegate.case.model import Reason as CaseReason
from tidegate.db import jobs
from tidegate.db.transaction import TIME, Transaction
from tidegate.decision import store as decisions
from tidegate.enforcement import store as enforcement
from tidegate.enforcement.model import State as InstructionState
from tidegate.kernel.backlog import NOTHING, Backlog
from tidegate.kernel.errors import TidegateError
from tidegate.ledger import store as ledger_store
from tidegate.ledger.state import State
from tidegate.ledger.steps import state as ledger_state
from tidegate.node import Node
from tidegate.people import store as people
from tidegate.signal import store as signals
from tidegate.verdict import store as verdicts
from tidegate.verdict.model import RETRIED

log = structlog.get_logger()

_KEPT_SECONDS = 10.0
#: What people see only a sample of is counted over this time.
_SAMPLED_OVER = timedelta(days=1)


async def measure(tx: Transaction, node: Node) -> Measured:
    """Look at everything once."""
    unchecked = await verdicts.unchecked_by_reason(tx, tx.now - _SAMPLED_OVER)
    settings = node.settings
    ledger = await ledger_state(tx, settings.ledger_directory, settings.ledger_origin)
    jail = JailState(
        running=node.jail.running,
        children=node.jail.children,
        wanted=node.jail.size,
        missing=node.jail.missing,
        counts=dict(node.jail.counts),
    )
    backlogs = {
        Alarm.UNCHECKED_RETRIED: _joined([unchecked[reason] for reason in sorted(RETRIED)]),
        Alarm.UNCHECKED_SAMPLED: await cases.open_backlog(tx, CaseReason.UNCHECKED),
        Alarm.APPEALS_LATE: await appeals.late(tx),
        Alarm.APPEALS_DUE: await appeals.due_before(tx, tx.now + rules.LOOK_AHEAD_APPEALS),
        Alarm.HOLDS_UNVOTED: await holds_unvoted(tx, rules.LOOK_AHEAD_HOLDS),
        Alarm.HOLDS_OVERDUE: await verdicts.holds_overdue(tx),
        Alarm.DECISIONS_OVERDUE: await decisions.overdue(tx),
        Alarm.JOBS_FAILED: await jobs.failed(tx),
        Alarm.JOBS_WAITING: await jobs.waiting(tx),
        Alarm.UNDELIVERED: await enforcement.in_state(tx, InstructionState.UNDELIVERED),
        Alarm.UNACKNOWLEDGED: await enforcement.in_state(tx, InstructionState.WAITING),
        Alarm.LEDGER_LATE: await _ledger_late(tx, ledger, timedelta(seconds=settings.publish_window_seconds)),
        Alarm.LEDGER_REFUSED: Backlog(1, None) if ledger.trouble else NOTHING,
        Alarm.JAIL_DOWN: NOTHING if jail.running else Backlog(jail.wanted, None),
        Alarm.JAIL_LOCKS_MISSING: Backlog(len(jail.missing), None),
        Alarm.PROPOSALS_WAITING: await people.proposals_backlog(tx),
        Alarm.SIGNALS_DISPUTED: await signals.disputed_backlog(tx),
        Alarm.KEYS_EXPIRING: await people.keys_expiring(tx, tx.now + rules.LOOK_AHEAD_KEYS),
    }
    return Measured(at=tx.now, backlogs=backlogs, unchecked=unchecked, ledger=ledger, jail=jail)


async def holds_unvoted(tx: Transaction, within: timedelta) -> Backlog:
    """Count the holds that end within a time and on which nobody has voted; ``since`` is when the first ends."""
    ending = await verdicts.holds_ending(tx, tx.now + within)
    around = await cases.around(tx, [content for content, _ in ending])
    voted = await decisions.voted_on(tx, sorted(set(around.values())))
    unvoted = [ends for content, ends in ending if around.get(content) not in voted]
    return Backlog(len(unvoted), min(unvoted, default=None))


async def _ledger_late(tx: Transaction, ledger: State, window: timedelta) -> Backlog:
    """Count what should be public; ``since`` is when the oldest should have been."""
    hidden = await ledger_store.oldest_hidden(tx, ledger.shown or 0) if ledger.behind else None
    queued = [at for at in (ledger.oldest_waiting, hidden) if at is not None]
    return Backlog(ledger.waiting + ledger.behind, min(queued) + window if queued else None)


def _joined(parts: list[Backlog]) -> Backlog:
    return Backlog(
        sum(part.count for part in parts), min((part.since for part in parts if part.since is not None), default=None)
    )


class Watch:
    """The count beside the navigation: asked for on every page, measured every few seconds, once a process."""

    def __init__(self, node: Node, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._node = node
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._kept: Pressing | None = None
        self._until = 0.0

    async def pressing(self) -> Pressing | None:
        """Count what presses, as it was a few seconds ago at most; None when it cannot be counted just now."""
        if self._monotonic() < self._until or self._lock.locked():
            return self._kept
        async with self._lock:
            try:
                self._kept = rules.pressing(await self._node.run(TIME, lambda tx: measure(tx, self._node)))
            except (PsycopgError, PoolTimeout, TidegateError) as error:
                # A page must not fail for the number beside it.
                log.warning("not measured", action="alarms", error=type(error).__name__)
                self._kept = None
            self._until = self._monotonic() + _KEPT_SECONDS
            return self._kept
