"""What tests of failures and bad input do again and again, each through the system's own steps."""

import asyncio
import hashlib
import io
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import numpy as np
import psycopg
from PIL import Image
from psycopg.rows import dict_row

from running import Platform, Running
from tidegate.case import steps as cases
from tidegate.content import store as contents
from tidegate.db.transaction import MACHINE, Actor, ActorKind, Transaction
from tidegate.decision import steps as decisions
from tidegate.decision.model import Ballot, Exempt, Ground, Measure, Provision, Shown
from tidegate.kernel.ids import CaseId, DecisionId, SignalId, StaffId
from tidegate.signal import steps as signals
from tidegate.signal.model import FingerprintKind, Label, Provenance


def picture(seed: int, *, side: int = 160, kind: str = "JPEG") -> bytes:
    """Make a harmless picture with enough detail to be known again."""
    random = np.random.default_rng(seed)
    total = np.zeros((side, side, 3))
    for size, weight in ((3, 0.5), (9, 0.3), (27, 0.2)):
        coarse = Image.fromarray(random.integers(0, 256, (size, size, 3), dtype=np.uint8))
        total += weight * np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC))
    total[side // 3 : side // 2, side // 4 : side // 2] += 60
    out = io.BytesIO()
    Image.fromarray(np.clip(total, 0, 255).astype(np.uint8)).save(out, kind)
    return out.getvalue()


def make_known(
    running: Running, sha256: bytes, pdq: bytes | None = None, label: Label = Label.INCITES
) -> list[SignalId]:
    """Have our own people stand behind these very bytes, and behind their look if given."""
    values = [(FingerprintKind.SHA256, sha256)]
    if pdq is not None:
        values.append((FingerprintKind.PDQ, pdq))

    async def act(tx: Transaction) -> list[SignalId]:
        made = []
        for kind, value in values:
            signal = await signals.add(tx, kind, value, (label,), Provenance.OWN)
            await signals.confirm(tx, signal, (label,), tx.new(DecisionId))
            made.append(signal)
        return made

    return running.do(act)


def held(running: Running, platform: Platform, seed: int, **metadata: Any) -> tuple[bytes, dict[str, Any]]:
    """Upload a picture whose bytes are known; give the bytes and the answer, which is a hold."""
    data = picture(seed)
    make_known(running, hashlib.sha256(data).digest())
    verdict = platform.verdict(data, **metadata)
    assert verdict["verdict"] == "hold", verdict
    return data, verdict


def ballot(measure: Measure, *shown: Shown) -> Ballot:
    """Fill in a whole ballot."""
    restricts = measure.restricts
    return Ballot(
        measure=measure,
        exempt=Exempt.NONE,
        ground=Ground.LAW if restricts else None,
        provision=Provision.TCO_2_7_A if restricts else None,
        label=Label.INCITES if restricts else None,
        shown=shown,
        words="I looked at it.",
    )


def by(staff: StaffId) -> Actor:
    """Act as someone on the staff."""
    return Actor(ActorKind.STAFF, staff)


def voting(
    running: Running, case: str, voter: StaffId, measure: Measure, *, senior: bool = False
) -> Callable[[Transaction], Any]:
    """Give the step that votes on everything a case holds now."""

    async def act(tx: Transaction) -> DecisionId | None:
        loaded = await cases.load_locked(tx, CaseId.parse(case))
        members = await contents.load_many(tx, loaded.members)
        view = tuple(Shown(content.id, content.revision) for content in members)
        return await decisions.vote(
            tx, loaded.id, voter, ballot(measure, *view), running.node.settings.policy, senior=senior
        )

    return act


def vote(running: Running, case: str, voter: StaffId, measure: Measure, *, senior: bool = False) -> DecisionId | None:
    """Vote on everything a case holds."""
    decided: DecisionId | None = running.do(voting(running, case, voter, measure, senior=senior), by(voter))
    return decided


def decide(running: Running, case: str, measure: Measure, *voters: StaffId) -> DecisionId:
    """Have people decide, let the undo time pass, and let the worker carry it out."""
    decision = None
    for voter in voters:
        decision = vote(running, case, voter, measure)
    assert decision is not None
    running.clock.forward(seconds=running.node.settings.undo_seconds + 1)
    running.work()
    return decision


def ask(running: Running, sql: str, *values: object) -> list[dict[str, Any]]:
    """Look into the node's database, as its own role."""
    url = running.node.settings.database_url
    assert url is not None
    with psycopg.connect(url.get_secret_value(), row_factory=dict_row) as connection:
        return connection.execute(sql.encode(), values).fetchall()


async def someone_waits(tx: Transaction) -> bool:
    """Say whether anyone waits for a lock in this database."""
    row = await tx.row(
        "SELECT 1 AS one FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return row is not None


def while_open(
    running: Running,
    begin: Callable[[Transaction], Awaitable[object]],
    meanwhile: Callable[[], httpx2.Response],
    actor: Actor = MACHINE,
) -> httpx2.Response:
    """Ask over HTTP in the middle of a transaction, so that the two surely overlap; give the answer.

    The transaction commits once whoever asked has an answer, or waits for a lock.
    """

    async def act(tx: Transaction) -> "asyncio.Future[httpx2.Response]":
        await begin(tx)
        asked = asyncio.get_running_loop().run_in_executor(None, meanwhile)
        async with asyncio.timeout(20):
            while not asked.done() and not await someone_waits(tx):  # noqa: ASYNC110 - another's lock makes no event
                await asyncio.sleep(0.02)
        return asked

    async def answered(asked: "asyncio.Future[httpx2.Response]") -> httpx2.Response:
        return await asked

    return running.loop.run(answered(running.do(act, actor)))
