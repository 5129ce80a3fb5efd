"""Roles, proposals and shutting out, with a database: what is recorded, who is refused, what races do."""

import asyncio
from datetime import timedelta

import pytest

from people.staff_fixture import HandClock, Node, as_staff, start_node
from tidegate.db.sealing import erase
from tidegate.db.transaction import MACHINE, PERSON, Database
from tidegate.kernel.errors import Forbidden, NotFound, RuleBroken, Unauthenticated, WrongState
from tidegate.kernel.ids import ProposalId, StaffId
from tidegate.people import sign_in, steps, store
from tidegate.people.model import (
    LET_IN_WINDOW,
    PROPOSAL_LIFE,
    ProposalApproved,
    ProposalKind,
    Role,
    SessionStart,
    StaffStanding,
)

GRANT, REVOKE = ProposalKind.ROLE_GRANT, ProposalKind.ROLE_REVOKE


async def roles_of(database: Database, staff: StaffId) -> frozenset[Role]:
    async with database.transaction(MACHINE) as tx:
        return (await steps.staff_of(tx, staff)).roles


async def kinds(database: Database, about: StaffId) -> list[str]:
    async with database.transaction(MACHINE) as tx:
        rows = await tx.rows("SELECT kind FROM event WHERE %(id)s = ANY(about) ORDER BY id", id=about)
        return [row["kind"] for row in rows]


async def link_in(node: Node, by: StaffId | None, staff: StaffId) -> SessionStart:
    async with node.database.transaction(MACHINE if by is None else as_staff(by)) as tx:
        token = await sign_in.make_link(tx, staff)
    async with node.database.transaction(MACHINE) as tx:
        return await sign_in.sign_in_with_link(tx, token)


async def test_the_first_two_administrators(database: Database) -> None:
    node = await start_node(database)
    assert await roles_of(database, node.ada) == {Role.ADMINISTRATOR}
    assert await roles_of(database, node.ben) == {Role.ADMINISTRATOR}
    assert "people.bootstrapped" in await kinds(database, node.ben)
    async with database.transaction(as_staff(node.ada)) as tx:
        third = await steps.add_staff(tx, "Cleo Example")
        assert await store.name_of(tx, third) == "Cleo Example"
    with pytest.raises(RuleBroken) as refused:
        async with database.transaction(as_staff(node.ada)) as tx:
            await steps.bootstrap_second(tx, third)
    assert refused.value.reference == "rule 4"
    with pytest.raises(WrongState):
        async with database.transaction(MACHINE) as tx:
            await steps.bootstrap(tx, "Mallory Example")


async def test_a_node_is_begun_at_the_machine_only(database: Database) -> None:
    with pytest.raises(Forbidden):
        async with database.transaction(PERSON) as tx:
            await steps.bootstrap(tx, "Mallory Example")


async def test_two_first_administrators_at_once_are_one(database: Database) -> None:
    async def first(name: str) -> StaffId:
        async with database.transaction(MACHINE) as tx:
            return await steps.bootstrap(tx, name)

    made = await asyncio.gather(*(first(f"Person {which}") for which in range(4)), return_exceptions=True)
    assert [isinstance(one, StaffId) for one in made].count(True) == 1
    assert [isinstance(one, WrongState) for one in made].count(True) == 3


async def test_two_second_administrators_at_once_are_one(database: Database) -> None:
    async with database.transaction(MACHINE) as tx:
        ada = await steps.bootstrap(tx, "Ada Example")
    async with database.transaction(as_staff(ada)) as tx:
        others = [await steps.add_staff(tx, f"Person {which}") for which in range(3)]

    async def second(staff: StaffId) -> None:
        async with database.transaction(as_staff(ada)) as tx:
            await steps.bootstrap_second(tx, staff)

    made = await asyncio.gather(*map(second, others), return_exceptions=True)
    assert made.count(None) == 1
    async with database.transaction(MACHINE) as tx:
        assert len(await store.administrators(tx)) == 2


async def test_a_role_is_granted_and_revoked_by_two(database: Database) -> None:
    node = await start_node(database)
    rita = await node.add("Rita Example", Role.REVIEWER, Role.POLICY_LEAD)
    assert await roles_of(database, rita) == {Role.REVIEWER, Role.POLICY_LEAD}
    approved = await node.change(REVOKE, staff=rita, role=Role.REVIEWER)
    assert (approved.proposed_by, approved.approved_by) == (node.ada, node.ben)
    assert await roles_of(database, rita) == {Role.POLICY_LEAD}
    assert (await kinds(database, rita))[-3:] == [
        "people.proposed",
        "people.proposal_approved",
        "people.role_revoked",
    ]


async def test_nothing_changes_before_the_second_person(database: Database) -> None:
    node = await start_node(database)
    rita = await node.add("Rita Example")
    proposal = await node.propose(node.ada, GRANT, staff=rita, role=Role.REVIEWER)
    assert await roles_of(database, rita) == frozenset()
    with pytest.raises(RuleBroken):
        await node.approve(node.ada, proposal)
    assert await roles_of(database, rita) == frozenset()
    async with database.transaction(MACHINE) as tx:
        (waiting,) = await store.open_proposals(tx)
    assert waiting.id == proposal


async def test_after_a_day_it_is_too_late(database: Database, clock: HandClock) -> None:
    node = await start_node(database)
    rita = await node.add("Rita Example")
    proposal = await node.propose(node.ada, GRANT, staff=rita, role=Role.REVIEWER)
    clock.now += PROPOSAL_LIFE
    with pytest.raises(WrongState, match="expired"):
        await node.approve(node.ben, proposal)
    async with database.transaction(MACHINE) as tx:
        assert await store.open_proposals(tx) == []


async def test_two_approvals_at_once_count_once(database: Database) -> None:
    node = await start_node(database)
    cleo = await node.add("Cleo Example", Role.ADMINISTRATOR)
    rita = await node.add("Rita Example")
    proposal = await node.propose(node.ada, GRANT, staff=rita, role=Role.REVIEWER)
    made = await asyncio.gather(
        *(node.approve(by, proposal) for by in (node.ben, cleo, node.ben, cleo)), return_exceptions=True
    )
    assert [isinstance(one, ProposalApproved) for one in made].count(True) == 1
    assert [isinstance(one, WrongState) for one in made].count(True) == 3
    assert (await kinds(database, rita)).count("people.role_granted") == 1


async def test_approving_and_declining_at_once_do_not_both_count(database: Database) -> None:
    node = await start_node(database)
    rita = await node.add("Rita Example")
    proposal = await node.propose(node.ada, GRANT, staff=rita, role=Role.REVIEWER)

    async def decline() -> None:
        async with database.transaction(as_staff(node.ada)) as tx:
            await steps.decline(tx, proposal)

    made = await asyncio.gather(node.approve(node.ben, proposal), decline(), return_exceptions=True)
    assert [isinstance(one, WrongState) for one in made].count(True) == 1


async def test_administrators_cannot_revoke_each_other_at_once(database: Database) -> None:
    node = await start_node(database)
    cleo = await node.add("Cleo Example", Role.ADMINISTRATOR)
    against_ben = await node.propose(cleo, REVOKE, staff=node.ben, role=Role.ADMINISTRATOR)
    against_ada = await node.propose(cleo, REVOKE, staff=node.ada, role=Role.ADMINISTRATOR)
    made = await asyncio.gather(
        node.approve(node.ada, against_ben), node.approve(node.ben, against_ada), return_exceptions=True
    )
    assert [isinstance(one, ProposalApproved) for one in made].count(True) == 1
    async with database.transaction(MACHINE) as tx:
        assert len(await store.administrators(tx)) == 2


async def test_one_suspends_at_once_and_two_restore(database: Database) -> None:
    node = await start_node(database)
    rita = await node.add("Rita Example", Role.REVIEWER)
    start = await link_in(node, None, rita)
    async with database.transaction(as_staff(node.ada)) as tx:
        unused = await sign_in.make_link(tx, rita)
        await steps.suspend_staff(tx, rita)
    with pytest.raises(Unauthenticated):
        async with database.transaction(MACHINE) as tx:
            await sign_in.session(tx, start.token)
    with pytest.raises(Forbidden):
        async with database.transaction(as_staff(rita)) as tx:
            await steps.acting(tx)
    proposal = await node.propose(node.ada, ProposalKind.STAFF_RESTORE, staff=rita)
    with pytest.raises(RuleBroken):
        await node.approve(node.ada, proposal)
    await node.approve(node.ben, proposal)
    async with database.transaction(MACHINE) as tx:
        assert (await steps.staff_of(tx, rita)).standing is StaffStanding.ACTIVE
    for token in (unused,):  # what was shut stays shut
        with pytest.raises(Unauthenticated):
            async with database.transaction(MACHINE) as tx:
                await sign_in.sign_in_with_link(tx, token)


async def test_a_change_of_roles_ends_sessions(database: Database) -> None:
    node = await start_node(database)
    rita = await node.add("Rita Example", Role.REVIEWER)
    start = await link_in(node, None, rita)
    await node.change(REVOKE, staff=rita, role=Role.REVIEWER)
    with pytest.raises(Unauthenticated):
        async with database.transaction(MACHINE) as tx:
            await sign_in.session(tx, start.token)


async def test_an_administrator_cannot_let_a_second_self_in(database: Database, clock: HandClock) -> None:
    """Ada makes a link for Ben, uses it herself, and approves what she proposed: that is one person."""
    node = await start_node(database)
    rita = await node.add("Rita Example")
    await link_in(node, node.ada, node.ben)
    proposal = await node.propose(node.ada, GRANT, staff=rita, role=Role.REVIEWER)
    with pytest.raises(RuleBroken, match="link") as refused:
        await node.approve(node.ben, proposal)
    assert refused.value.reference == "rule 4"
    other_way = await node.propose(node.ben, GRANT, staff=rita, role=Role.REVIEWER)
    with pytest.raises(RuleBroken, match="link"):
        await node.approve(node.ada, other_way)
    clock.now += LET_IN_WINDOW + timedelta(seconds=1)
    await node.change(GRANT, staff=rita, role=Role.REVIEWER)


async def test_links_made_at_the_machine_leave_two_people_two(database: Database) -> None:
    node = await start_node(database)
    await link_in(node, None, node.ada)
    await link_in(node, None, node.ben)
    await node.add("Rita Example", Role.REVIEWER)


async def test_the_switch_for_look_alikes_is_for_policy_leads(database: Database) -> None:
    node = await start_node(database)
    lead, other = [await node.add(f"Lead {which}", Role.POLICY_LEAD) for which in range(2)]
    with pytest.raises(Forbidden):
        await node.propose(node.ada, ProposalKind.LOOK_ALIKE_HOLDS_ON)
    proposal = await node.propose(lead, ProposalKind.LOOK_ALIKE_HOLDS_ON)
    with pytest.raises(Forbidden):
        await node.approve(node.ben, proposal)
    approved = await node.approve(other, proposal)
    assert approved.proposal_kind is ProposalKind.LOOK_ALIKE_HOLDS_ON


async def test_only_administrators_add_people(database: Database) -> None:
    node = await start_node(database)
    rita = await node.add("Rita Example", Role.REVIEWER)
    for actor in (as_staff(rita), PERSON, MACHINE):
        with pytest.raises(Forbidden):
            async with database.transaction(actor) as tx:
                await steps.add_staff(tx, "Someone Else")


async def test_a_name_is_changed_by_its_owner_or_an_administrator(database: Database) -> None:
    node = await start_node(database)
    rita, otto = [await node.add(name) for name in ("Rita Example", "Otto Example")]
    for by in (rita, node.ben):
        async with database.transaction(as_staff(by)) as tx:
            await steps.rename_staff(tx, rita, f"Rita {by}")
            assert await store.name_of(tx, rita) == f"Rita {by}"
    with pytest.raises(Forbidden):
        async with database.transaction(as_staff(otto)) as tx:
            await steps.rename_staff(tx, rita, "Not Rita")


async def test_what_is_not_there_is_not_found(database: Database) -> None:
    node = await start_node(database)
    async with database.transaction(MACHINE) as tx:
        nobody, nothing = tx.new(StaffId), tx.new(ProposalId)
    with pytest.raises(NotFound):
        await node.approve(node.ben, nothing)
    with pytest.raises(NotFound):
        await node.propose(node.ada, GRANT, staff=nobody, role=Role.REVIEWER)
    with pytest.raises(Forbidden):
        await node.propose(nobody, GRANT, staff=node.ben, role=Role.REVIEWER)


async def test_an_erased_name_leaves_the_person_in_the_record(database: Database) -> None:
    node = await start_node(database)
    rita = await node.add("Rita Example", Role.REVIEWER)
    async with database.transaction(MACHINE) as tx:
        await erase(tx, rita)
        assert await store.name_of(tx, rita) is None
        assert rita in {staff.id for staff in await store.all_staff(tx)}
