"""The record: views rebuilt from events alone, and who saw what."""

from datetime import timedelta

import psycopg
import pytest

from people.staff_fixture import HandClock, as_staff, start_node
from tidegate.db.transaction import MACHINE, TIME, Database, Row, Transaction
from tidegate.kernel.errors import Malformed
from tidegate.kernel.event import decode
from tidegate.kernel.ids import CaseId, ContentId
from tidegate.people import exposure, sign_in, steps, store
from tidegate.people.model import ProposalKind, Role


async def views(tx: Transaction) -> dict[str, list[Row]]:
    return {
        view: await tx.rows(f"SELECT * FROM {view} ORDER BY 1, 2")  # noqa: S608
        if view != "service"
        else await tx.rows("SELECT * FROM service ORDER BY 1")
        for view in store.VIEWS
    }


async def test_a_rebuild_finds_every_view_again(database: Database, clock: HandClock) -> None:
    node = await start_node(database)
    rita = await node.add("Rita Example", Role.REVIEWER, Role.POLICY_LEAD)
    await node.change(ProposalKind.ROLE_REVOKE, staff=rita, role=Role.REVIEWER)
    declined = await node.propose(node.ada, ProposalKind.ROLE_GRANT, staff=rita, role=Role.REVIEWER)
    await node.propose(node.ben, ProposalKind.ROLE_GRANT, staff=rita, role=Role.LEGAL_OFFICER)
    otto = await node.add("Otto Example")
    async with database.transaction(as_staff(node.ada)) as tx:
        await steps.decline(tx, declined)
        await steps.suspend_staff(tx, otto)
        await steps.rename_staff(tx, rita, "Rita Renamed")
        service = await steps.add_service(tx, "Photos", "https://example.org/hook")
        await steps.change_service(tx, service, "Pictures", None)
        kept, text = await steps.issue_key(tx, service, label="Kept", life=timedelta(days=30))
        revoked, _ = await steps.issue_key(tx, service, label="Revoked", life=timedelta(days=30))
        await steps.revoke_key(tx, revoked)
        await steps.suspend_staff(tx, rita)
        await sign_in.make_link(tx, node.ben)
    await node.change(ProposalKind.STAFF_RESTORE, staff=rita)

    clock.now += timedelta(days=3)  # a rebuild takes nothing from the present
    async with database.transaction(TIME) as tx:
        before = await views(tx)
        assert all(before.values())
        for view in store.VIEWS:
            await tx.execute(f"DELETE FROM {view}")  # noqa: S608
        for row in await tx.rows("SELECT kind, data FROM event ORDER BY id"):
            await tx.project(decode(row["kind"], row["data"]))
        assert await views(tx) == before
        assert (await steps.authenticate_key(tx, text)).id == kept


async def test_who_saw_what_and_for_how_long(database: Database, clock: HandClock) -> None:
    node = await start_node(database)
    rita = await node.add("Rita Example", Role.REVIEWER)
    async with database.transaction(as_staff(rita)) as tx:
        content, case = tx.new(ContentId), tx.new(CaseId)
        await exposure.record_view(tx, rita, case)
        await exposure.record_view(tx, rita, content, 40)
        await exposure.record_view(tx, node.ben, case, 5)
    clock.now += timedelta(hours=1)
    async with database.transaction(as_staff(rita)) as tx:
        await exposure.record_view(tx, rita, content, 2)
        seen = await exposure.views_of(tx, staff=rita)
        assert [(view.kind, view.seconds) for view in seen] == [("content", 2), ("content", 40), ("case", 0)]
        assert {view.staff for view in await exposure.views_of(tx, what=case)} == {rita, node.ben}
        assert len(await exposure.views_of(tx)) == 4
        assert len(await exposure.views_of(tx, staff=rita, what=content, most=1)) == 1
        assert await exposure.seconds_seen(tx, rita, clock.now - timedelta(days=1)) == 42
        assert await exposure.seconds_seen(tx, rita, clock.now) == 2
        assert await exposure.seconds_seen(tx, node.ada, clock.now) == 0


@pytest.mark.parametrize("seconds", [-1, 86_401])
async def test_a_view_takes_a_possible_time(database: Database, seconds: int) -> None:
    node = await start_node(database)
    with pytest.raises(Malformed):
        async with database.transaction(MACHINE) as tx:
            await exposure.record_view(tx, node.ada, node.ben, seconds)


@pytest.mark.parametrize("statement", ["UPDATE exposure SET seconds = 0", "DELETE FROM exposure"])
async def test_the_node_cannot_unsay_who_saw_what(database: Database, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with database.transaction(MACHINE) as tx:
            await tx.execute(statement)
