"""Signing in by link, sessions, forged requests, too many attempts."""

import asyncio
from datetime import timedelta

import pytest

from people.staff_fixture import HandClock, Node, as_staff
from tidegate.db.transaction import MACHINE, PERSON, Actor, Database
from tidegate.kernel.errors import (
    Forbidden,
    Malformed,
    NotFound,
    RateLimited,
    Unauthenticated,
    WrongState,
)
from tidegate.kernel.ids import StaffId
from tidegate.people import sign_in, steps
from tidegate.people.model import (
    LINK_LIFE,
    SESSION_IDLE,
    SESSION_LIFE,
    Permission,
    Role,
    Session,
    SessionStart,
    SignInMethod,
)

SECOND = timedelta(seconds=1)


async def make_link(database: Database, staff: StaffId, by: Actor = MACHINE, life: timedelta = LINK_LIFE) -> str:
    async with database.transaction(by) as tx:
        return await sign_in.make_link(tx, staff, life=life)


async def use_link(database: Database, token: str) -> SessionStart:
    async with database.transaction(MACHINE) as tx:
        return await sign_in.sign_in_with_link(tx, token)


async def sign_in_as(database: Database, staff: StaffId) -> SessionStart:
    return await use_link(database, await make_link(database, staff))


async def session_of(database: Database, start: SessionStart) -> Session:
    async with database.transaction(MACHINE) as tx:
        return await sign_in.session(tx, start.token)


# --- links ---


async def test_a_link_opens_a_session_with_the_roles_of_its_owner(database: Database, rita: StaffId) -> None:
    present = await session_of(database, await sign_in_as(database, rita))
    assert present.staff == rita
    assert present.roles == {Role.REVIEWER}
    assert present.method is SignInMethod.LINK
    sign_in.require_permission(present, Permission.VOTE)
    with pytest.raises(Forbidden):
        sign_in.require_permission(present, Permission.SET_POLICY)


async def test_a_link_works_once(database: Database, rita: StaffId) -> None:
    token = await make_link(database, rita)
    await use_link(database, token)
    with pytest.raises(Unauthenticated, match="link"):
        await use_link(database, token)


async def test_one_link_used_by_many_at_once_opens_one_session(database: Database, rita: StaffId) -> None:
    token = await make_link(database, rita)
    made = await asyncio.gather(*(use_link(database, token) for _ in range(6)), return_exceptions=True)
    assert [isinstance(one, SessionStart) for one in made].count(True) == 1
    assert [isinstance(one, Unauthenticated) for one in made].count(True) == 5
    async with database.transaction(MACHINE) as tx:
        assert len(await sign_in.sessions_of(tx, rita)) == 1


async def test_a_link_lives_a_quarter_of_an_hour(database: Database, rita: StaffId, clock: HandClock) -> None:
    early, late = await make_link(database, rita), await make_link(database, rita)
    clock.now += LINK_LIFE - SECOND
    await use_link(database, early)
    clock.now += SECOND
    with pytest.raises(Unauthenticated):
        await use_link(database, late)


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "ä" * 43, "a" * 10_000])
async def test_what_was_never_a_link_opens_nothing(database: Database, rita: StaffId, token: str) -> None:
    await make_link(database, rita)
    with pytest.raises(Unauthenticated):
        await use_link(database, token)


async def test_every_refused_link_is_refused_in_the_same_words(
    database: Database, rita: StaffId, clock: HandClock
) -> None:
    used, expired = await make_link(database, rita), await make_link(database, rita)
    await use_link(database, used)
    clock.now += LINK_LIFE
    messages = set()
    for token in (used, expired, "a" * 43):
        with pytest.raises(Unauthenticated) as refused:
            await use_link(database, token)
        messages.add(refused.value.message)
    assert len(messages) == 1


async def test_only_an_administrator_or_the_machine_makes_links(database: Database, node: Node, rita: StaffId) -> None:
    await make_link(database, rita, as_staff(node.ada))
    for actor in (as_staff(rita), PERSON):
        with pytest.raises(Forbidden):
            await make_link(database, node.ada, actor)
    with pytest.raises(WrongState, match="another administrator"):
        await make_link(database, node.ada, as_staff(node.ada))
    with pytest.raises(Malformed):
        await make_link(database, rita, life=timedelta(days=2))


async def test_no_link_for_the_suspended(database: Database, node: Node, rita: StaffId) -> None:
    token = await make_link(database, rita)
    async with database.transaction(as_staff(node.ada)) as tx:
        await steps.suspend_staff(tx, rita)
    with pytest.raises(Unauthenticated):
        await use_link(database, token)
    with pytest.raises(WrongState):
        await make_link(database, rita)


async def test_signing_in_and_being_suspended_at_once_leaves_no_session(database: Database, node: Node) -> None:
    for which in range(5):
        staff = await node.add(f"Person {which}")
        token = await make_link(database, staff)

        async def suspend(target: StaffId = staff) -> None:
            async with database.transaction(as_staff(node.ada)) as tx:
                await steps.suspend_staff(tx, target)

        made = await asyncio.gather(use_link(database, token), suspend(), return_exceptions=True)
        assert made[1] is None
        if isinstance(made[0], SessionStart):
            with pytest.raises(Unauthenticated):
                await session_of(database, made[0])
        async with database.transaction(MACHINE) as tx:
            assert await sign_in.sessions_of(tx, staff) == []


async def test_no_secret_is_stored_or_shown(database: Database, rita: StaffId) -> None:
    token = await make_link(database, rita)
    start = await use_link(database, token)
    present = await session_of(database, start)
    async with database.transaction(MACHINE) as tx:
        stored = str(await tx.rows("SELECT * FROM sign_in_link")) + str(await tx.rows("SELECT * FROM sign_in_session"))
        stored += str(await tx.rows("SELECT * FROM event"))
    for secret in (token, start.token, present.csrf_token):
        assert secret not in stored
        assert secret not in repr(start)
        assert secret not in repr(present)


# --- sessions ---


async def test_a_session_ends_when_idle(database: Database, rita: StaffId, clock: HandClock) -> None:
    start = await sign_in_as(database, rita)
    for _ in range(4):
        clock.now += SESSION_IDLE - SECOND
        await session_of(database, start)
    clock.now += SESSION_IDLE
    with pytest.raises(Unauthenticated):
        await session_of(database, start)


async def test_a_session_ends_after_twelve_hours_even_in_use(
    database: Database, rita: StaffId, clock: HandClock
) -> None:
    start = await sign_in_as(database, rita)
    step = timedelta(minutes=20)
    for _ in range(SESSION_LIFE // step - 1):
        clock.now += step
        await session_of(database, start)
    clock.now += step
    with pytest.raises(Unauthenticated):
        await session_of(database, start)


async def test_a_session_of_someone_suspended_opens_nothing(database: Database, node: Node, rita: StaffId) -> None:
    """Suspending ends sessions; even one left over would not count."""
    async with database.transaction(as_staff(node.ada)) as tx:
        await steps.suspend_staff(tx, rita)
        left_over = await sign_in.start_session(tx, rita, SignInMethod.LINK)
    with pytest.raises(Unauthenticated):
        await session_of(database, left_over)


async def test_signing_out_ends_one_session(database: Database, rita: StaffId) -> None:
    here, there = await sign_in_as(database, rita), await sign_in_as(database, rita)
    async with database.transaction(MACHINE) as tx:
        await sign_in.sign_out(tx, here.token)
        await sign_in.sign_out(tx, "not a token")
    with pytest.raises(Unauthenticated):
        await session_of(database, here)
    await session_of(database, there)


async def test_one_ends_ones_own_sessions_only(database: Database, node: Node, rita: StaffId) -> None:
    here, there = await sign_in_as(database, rita), await sign_in_as(database, rita)
    other = await session_of(database, await sign_in_as(database, node.ben))
    present = await session_of(database, here)
    async with database.transaction(MACHINE) as tx:
        assert {listed[0] for listed in await sign_in.sessions_of(tx, rita)} == {here.session, there.session}
    with pytest.raises(NotFound):
        async with database.transaction(MACHINE) as tx:
            await sign_in.end_session(tx, other, there.session)
    async with database.transaction(MACHINE) as tx:
        await sign_in.end_session(tx, present, there.session)
    with pytest.raises(Unauthenticated):
        await session_of(database, there)
    async with database.transaction(MACHINE) as tx:
        await sign_in.end_own_sessions(tx, present)
    with pytest.raises(Unauthenticated):
        await session_of(database, here)


# --- forged requests ---


async def test_a_form_carries_its_own_sessions_token(database: Database, rita: StaffId) -> None:
    one = await session_of(database, await sign_in_as(database, rita))
    other = await session_of(database, await sign_in_as(database, rita))
    sign_in.check_csrf(one, one.csrf_token)
    for token in (other.csrf_token, "", "ä", one.csrf_token[:-1]):
        with pytest.raises(Forbidden) as refused:
            sign_in.check_csrf(one, token)
        assert refused.value.reference == "csrf"


# --- attempts ---


async def attempt(database: Database, source: str, account: StaffId | None = None) -> None:
    async with database.transaction(MACHINE) as tx:
        await sign_in.count_attempt(tx, source=source, account=account)


async def test_too_many_attempts_from_one_source(database: Database, clock: HandClock) -> None:
    for _ in range(sign_in.ATTEMPTS_BY_SOURCE):
        await attempt(database, "192.0.2.1")
    with pytest.raises(RateLimited) as refused:
        await attempt(database, "192.0.2.1")
    await attempt(database, "192.0.2.2")
    clock.now += timedelta(seconds=refused.value.retry_after)
    await attempt(database, "192.0.2.1")


async def test_too_many_attempts_on_one_account(database: Database, node: Node, rita: StaffId) -> None:
    for which in range(sign_in.ATTEMPTS_ON_ACCOUNT):
        await attempt(database, f"192.0.2.{which}", rita)
    with pytest.raises(RateLimited):
        await attempt(database, "198.51.100.1", rita)
    await attempt(database, "198.51.100.1", node.ada)


async def test_attempts_at_once_are_all_counted(database: Database) -> None:
    await asyncio.gather(*(attempt(database, "192.0.2.1") for _ in range(20)))
    async with database.transaction(MACHINE) as tx:
        (row,) = await tx.rows("SELECT * FROM sign_in_attempt")
    assert row["count"] == 20
    assert b"192" not in bytes(row["bucket"])


async def test_what_is_no_longer_needed_goes(database: Database, rita: StaffId, clock: HandClock) -> None:
    await sign_in_as(database, rita)
    await attempt(database, "192.0.2.1")
    async with database.transaction(MACHINE) as tx:
        await sign_in.forget_old(tx)
        assert await tx.rows("SELECT 1 FROM sign_in_link")
        assert await tx.rows("SELECT 1 FROM sign_in_session")
    clock.now += timedelta(days=7)
    async with database.transaction(MACHINE) as tx:
        await sign_in.forget_old(tx)
        for table in await tx.rows(
            """
            SELECT (SELECT count(*) FROM sign_in_link) + (SELECT count(*) FROM sign_in_session)
                + (SELECT count(*) FROM sign_in_attempt) AS left
            """
        ):
            assert table["left"] == 0
