"""Services and their API keys: issued, used, revoked, expired."""

import asyncio
from datetime import timedelta

import pytest

from people.staff_fixture import HandClock, Node, as_staff
from tidegate.db.transaction import MACHINE, PERSON, Database
from tidegate.kernel.errors import Forbidden, Malformed, NotFound, RuleBroken, Unauthenticated, WrongState
from tidegate.kernel.ids import KeyId, ServiceId
from tidegate.people import key_text, steps, store
from tidegate.people.model import DEFAULT_SCOPES, Key, Role, Scope, ServiceFacts

MONTH = timedelta(days=30)


@pytest.fixture
def photos(database: Database, node: Node, loop: asyncio.AbstractEventLoop) -> ServiceId:
    async def add() -> ServiceId:
        async with database.transaction(as_staff(node.ada)) as tx:
            return await steps.add_service(tx, "Photos", "https://example.org/hook")

    return loop.run_until_complete(add())


async def issue(database: Database, service: ServiceId, *scopes: Scope, life: timedelta = MONTH) -> tuple[KeyId, str]:
    async with database.transaction(MACHINE) as tx:
        return await steps.issue_key(tx, service, label="Main", life=life, scopes=frozenset(scopes) or DEFAULT_SCOPES)


async def authenticate(database: Database, text: str) -> Key:
    async with database.transaction(MACHINE) as tx:
        return await steps.authenticate_key(tx, text)


async def test_a_service_keeps_its_name_and_address_sealed(database: Database, node: Node, photos: ServiceId) -> None:
    async with database.transaction(as_staff(node.ada)) as tx:
        assert await store.service_facts(tx, photos) == ServiceFacts(
            name="Photos", webhook_url="https://example.org/hook"
        )
        await steps.change_service(tx, photos, "Pictures", None)
        assert await store.service_facts(tx, photos) == ServiceFacts(name="Pictures", webhook_url=None)
        assert await store.all_services(tx) == [photos]
        written = str(await tx.rows("SELECT data FROM event")) + str(await tx.rows("SELECT * FROM service"))
    assert "Photos" not in written
    assert "example.org" not in written


async def test_a_bad_webhook_address_adds_no_service(database: Database, node: Node) -> None:
    with pytest.raises(Malformed):
        async with database.transaction(as_staff(node.ada)) as tx:
            await steps.add_service(tx, "Photos", "gopher://example.org")
    async with database.transaction(MACHINE) as tx:
        assert await store.all_services(tx) == []


async def test_a_key_opens_what_it_is_for(database: Database, photos: ServiceId) -> None:
    identity, text = await issue(database, photos, Scope.CONTENT)
    key = await authenticate(database, text)
    assert (key.id, key.service, key.scopes) == (identity, photos, frozenset({Scope.CONTENT}))
    steps.require_scope(key, Scope.CONTENT)
    for other in set(Scope) - {Scope.CONTENT}:
        with pytest.raises(Forbidden):
            steps.require_scope(key, other)


async def test_only_the_hash_of_a_key_is_stored(database: Database, photos: ServiceId) -> None:
    _, text = await issue(database, photos)
    secret = text.removeprefix(key_text.PREFIX)
    async with database.transaction(MACHINE) as tx:
        for rows in (await tx.rows("SELECT * FROM api_key"), await tx.rows("SELECT data FROM event")):
            assert secret not in str(rows)


async def test_each_refusal_of_a_key_says_which(database: Database, photos: ServiceId, clock: HandClock) -> None:
    revoked, revoked_text = await issue(database, photos)
    _, expired_text = await issue(database, photos, life=timedelta(hours=1))
    async with database.transaction(MACHINE) as tx:
        await steps.revoke_key(tx, revoked)
        unknown_text = key_text.make(tx.randomness)
    clock.now += timedelta(hours=1)
    for text, words in (
        ("tidegate_nonsense", "not an API key"),
        ("", "not an API key"),
        (unknown_text, "unknown"),
        (revoked_text, "revoked"),
        (expired_text, "expired"),
    ):
        with pytest.raises(Unauthenticated, match=words) as refused:
            await authenticate(database, text)
        assert str(photos) not in refused.value.message
        assert refused.value.reference is None


async def test_a_key_is_revoked_once_and_for_good(database: Database, photos: ServiceId) -> None:
    identity, text = await issue(database, photos)
    await authenticate(database, text)
    async with database.transaction(MACHINE) as tx:
        await steps.revoke_key(tx, identity)
    with pytest.raises(Unauthenticated):
        await authenticate(database, text)
    with pytest.raises(WrongState):
        async with database.transaction(MACHINE) as tx:
            await steps.revoke_key(tx, identity)


async def test_the_last_day_of_use_is_remembered_and_is_no_event(
    database: Database, photos: ServiceId, clock: HandClock
) -> None:
    identity, text = await issue(database, photos)
    async with database.transaction(MACHINE) as tx:
        before = await tx.rows("SELECT count(*) AS events FROM event")
        found = await store.load_key(tx, identity)
        assert found is not None
        assert found.last_used is None
    for _ in range(3):
        await authenticate(database, text)
        clock.now += timedelta(days=1)
        await authenticate(database, text)
    async with database.transaction(MACHINE) as tx:
        (found,) = await store.keys_of(tx, photos)
        assert found.last_used == clock.now.date()
        assert await store.key_label(tx, identity) == "Main"
        assert await tx.rows("SELECT count(*) AS events FROM event") == before


async def test_only_those_who_manage_keys_issue_and_revoke(database: Database, node: Node, photos: ServiceId) -> None:
    rita = await node.add("Rita Example", Role.REVIEWER, Role.POLICY_LEAD)
    identity, _ = await issue(database, photos)
    for actor in (as_staff(rita), PERSON):
        with pytest.raises(Forbidden):
            async with database.transaction(actor) as tx:
                await steps.issue_key(tx, photos, label="Mine", life=MONTH)
        with pytest.raises(Forbidden):
            async with database.transaction(actor) as tx:
                await steps.revoke_key(tx, identity)
        with pytest.raises(Forbidden):
            async with database.transaction(actor) as tx:
                await steps.change_service(tx, photos, "Mine", "https://evil.example/")


async def test_matching_without_a_record_needs_the_setting(database: Database, photos: ServiceId) -> None:
    with pytest.raises(RuleBroken) as refused:
        await issue(database, photos, Scope.MATCH)
    assert refused.value.reference == "rule 12"
    async with database.transaction(MACHINE) as tx:
        _, text = await steps.issue_key(tx, photos, label="Match", life=MONTH, scopes={Scope.MATCH}, match_allowed=True)
    assert (await authenticate(database, text)).scopes == {Scope.MATCH}


async def test_no_key_without_a_service(database: Database) -> None:
    async with database.transaction(MACHINE) as tx:
        nothing, no_key = tx.new(ServiceId), tx.new(KeyId)
    with pytest.raises(NotFound):
        await issue(database, nothing)
    with pytest.raises(NotFound):
        async with database.transaction(MACHINE) as tx:
            await steps.change_service(tx, nothing, "Nothing", None)
    with pytest.raises(NotFound):
        async with database.transaction(MACHINE) as tx:
            await steps.revoke_key(tx, no_key)
