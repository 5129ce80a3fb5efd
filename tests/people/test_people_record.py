"""The record: views rebuilt from events alone, and who saw what."""

from datetime import timedelta

import psycopg
import pytest

from people.staff_fixture import HandClock, as_staff, start_node
from tidegate.db.transaction import MACHINE, TIME, Database, Row, Transaction
from tidegate.exposure import store as exposure
from tidegate.kernel.event import decode
from tidegate.kernel.ids import CaseId, ContentId
from tidegate.people import sign_in, steps, store
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
        look = await exposure.add_look(tx, rita, content, 3)
        await exposure.record_view(tx, node.ben, case)
    clock.now += timedelta(hours=1)
    async with database.transaction(as_staff(rita)) as tx:
        await exposure.add_seconds(tx, look, timedelta(seconds=2.5))
        await exposure.add_seconds(tx, look, timedelta(0))
        other = await exposure.add_look(tx, rita, content, 1)
        seen = await exposure.views_of(tx, staff=rita)
        assert [(view.kind, view.severity, view.seconds, view.reported) for view in seen] == [
            ("content", 1, 10, False),
            ("content", 3, 2.5, True),
            ("case", None, None, False),
        ]
        assert [view.severity for view in await exposure.views_of(tx, staff=rita, pictures=True)] == [1, 3]
        assert {view.staff for view in await exposure.views_of(tx, what=case)} == {rita, node.ben}
        assert len(await exposure.views_of(tx)) == 4
        assert len(await exposure.views_of(tx, staff=rita, what=content, most=1)) == 1
        assert [look.severity for look in await exposure.looks_since(tx, rita, clock.now - timedelta(days=1))] == [3, 1]
        assert [look.severity for look in await exposure.looks_since(tx, rita, clock.now)] == [1]
        assert await exposure.looks_since(tx, node.ben, clock.now - timedelta(days=1)) == []
        # A look is known by whom it was given to and what it shows, together.
        assert await exposure.given_at(tx, rita, content, other) == clock.now
        assert await exposure.given_at(tx, node.ben, content, other) is None
        assert await exposure.given_at(tx, rita, case, other) is None


@pytest.mark.parametrize(
    "statement",
    ["UPDATE exposure SET severity = 1", "DELETE FROM exposure", "UPDATE exposure_look SET seconds = 0"],
)
async def test_the_node_cannot_unsay_who_saw_what(database: Database, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with database.transaction(MACHINE) as tx:
            await tx.execute(statement)
