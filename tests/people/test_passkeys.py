"""Passkeys, with an authenticator in software: what is believed, and every way not to be."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from acts import someone_waits
from people.software_authenticator import SoftwareAuthenticator, bytes_of, text_of
from people.staff_fixture import HandClock, Node, as_staff
from tidegate.db.transaction import MACHINE, PERSON, Database
from tidegate.kernel.errors import Forbidden, Malformed, NotFound, RuleBroken, Unauthenticated, WrongState
from tidegate.kernel.ids import StaffId
from tidegate.people import passkeys, sign_in, steps
from tidegate.people.model import (
    CHALLENGE_LIFE,
    PasskeyId,
    ProposalKind,
    SessionStart,
    SignInMethod,
)
from tidegate.people.passkeys import RelyingParty

PARTY = RelyingParty(id="console.example.org", name="Tidegate", origin="https://console.example.org")


@pytest.fixture
def authenticator() -> SoftwareAuthenticator:
    return SoftwareAuthenticator(PARTY.origin)


async def ask(database: Database, staff: StaffId) -> dict[str, Any]:
    async with database.transaction(as_staff(staff)) as tx:
        return await passkeys.registration_options(tx, PARTY)


async def keep(database: Database, staff: StaffId, answer: dict[str, Any]) -> PasskeyId:
    async with database.transaction(as_staff(staff)) as tx:
        return await passkeys.register_passkey(tx, PARTY, answer, label="My phone")


async def register(database: Database, staff: StaffId, authenticator: SoftwareAuthenticator) -> PasskeyId:
    return await keep(database, staff, authenticator.create(await ask(database, staff)))


async def challenge(database: Database) -> dict[str, Any]:
    async with database.transaction(PERSON) as tx:
        return await passkeys.authentication_options(tx, PARTY)


async def enter(database: Database, answer: dict[str, Any], party: RelyingParty = PARTY) -> SessionStart:
    async with database.transaction(PERSON) as tx:
        return await passkeys.sign_in_with_passkey(tx, party, answer)


async def test_a_passkey_is_registered_and_opens_a_session(
    database: Database, rita: StaffId, authenticator: SoftwareAuthenticator
) -> None:
    options = await ask(database, rita)
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["user"]["name"] == "Rita Example"
    await keep(database, rita, authenticator.create(options))
    asked = await challenge(database)
    assert asked["userVerification"] == "required"
    assert not asked.get("allowCredentials")
    start = await enter(database, authenticator.get(asked))
    async with database.transaction(MACHINE) as tx:
        present = await sign_in.session(tx, start.token)
        ((passkey, label),) = await passkeys.passkeys_of(tx, rita)
    assert (present.staff, present.method) == (rita, SignInMethod.PASSKEY)
    assert (label, passkey.sign_count, passkey.last_used) == ("My phone", 1, present.started_at.date())


async def test_authenticators_without_a_counter_work(
    database: Database, rita: StaffId, authenticator: SoftwareAuthenticator
) -> None:
    await register(database, rita, authenticator)
    for _ in range(2):
        authenticator.count = -1
        await enter(database, authenticator.get(await challenge(database)))


async def test_a_copied_passkey_is_noticed_by_its_counter(
    database: Database, rita: StaffId, authenticator: SoftwareAuthenticator
) -> None:
    await register(database, rita, authenticator)
    copy = replace(authenticator)
    for _ in range(3):
        await enter(database, authenticator.get(await challenge(database)))
    with pytest.raises(Unauthenticated):
        await enter(database, copy.get(await challenge(database)))


async def test_an_answer_counts_once(database: Database, rita: StaffId, authenticator: SoftwareAuthenticator) -> None:
    await register(database, rita, authenticator)
    answer = authenticator.get(await challenge(database))
    made = await asyncio.gather(*(enter(database, answer) for _ in range(4)), return_exceptions=True)
    assert [isinstance(one, SessionStart) for one in made].count(True) == 1
    assert [isinstance(one, Unauthenticated) for one in made].count(True) == 3
    with pytest.raises(Unauthenticated):
        await enter(database, answer)


async def test_a_challenge_lives_five_minutes(
    database: Database, rita: StaffId, authenticator: SoftwareAuthenticator, clock: HandClock
) -> None:
    await register(database, rita, authenticator)
    asked, to_register = await challenge(database), await ask(database, rita)
    clock.now += CHALLENGE_LIFE - timedelta(seconds=1)
    await enter(database, authenticator.get(asked))
    asked = await challenge(database)
    clock.now += CHALLENGE_LIFE
    with pytest.raises(Unauthenticated):
        await enter(database, authenticator.get(asked))
    with pytest.raises(Malformed):
        await keep(database, rita, SoftwareAuthenticator(PARTY.origin).create(to_register))


async def test_a_challenge_serves_its_purpose_and_its_person_only(
    database: Database, node: Node, rita: StaffId, authenticator: SoftwareAuthenticator
) -> None:
    await register(database, rita, authenticator)
    to_register = await ask(database, rita)
    with pytest.raises(Unauthenticated):
        await enter(database, authenticator.get({"rpId": PARTY.id, "challenge": to_register["challenge"]}))
    with pytest.raises(Malformed):
        await keep(database, node.ben, SoftwareAuthenticator(PARTY.origin).create(to_register))
    to_enter = {**to_register, "challenge": (await challenge(database))["challenge"]}
    with pytest.raises(Malformed):
        await keep(database, rita, SoftwareAuthenticator(PARTY.origin).create(to_enter))
    invented = {**to_register, "challenge": text_of(bytes(32))}
    with pytest.raises(Malformed):
        await keep(database, rita, SoftwareAuthenticator(PARTY.origin).create(invented))


@pytest.mark.parametrize(
    "fault", [{"verifies": False}, {"origin": "https://console.example.org.evil.example"}, {"framed": True}]
)
async def test_a_device_that_did_not_check_the_person_or_a_strange_page_is_refused(
    database: Database, rita: StaffId, authenticator: SoftwareAuthenticator, fault: dict[str, Any]
) -> None:
    with pytest.raises(Malformed):
        await register(database, rita, replace(authenticator, **fault))
    await register(database, rita, authenticator)
    with pytest.raises(Unauthenticated):
        await enter(database, replace(authenticator, **fault).get(await challenge(database)))


async def test_a_passkey_for_another_domain_is_refused(
    database: Database, rita: StaffId, authenticator: SoftwareAuthenticator
) -> None:
    await register(database, rita, authenticator)
    asked = await challenge(database)
    with pytest.raises(Unauthenticated):
        await enter(database, authenticator.get({**asked, "rpId": "evil.example"}))
    with pytest.raises(Unauthenticated):
        await enter(database, authenticator.get(asked), replace(PARTY, id="evil.example"))


async def test_another_key_under_the_same_credential_is_refused(
    database: Database, rita: StaffId, authenticator: SoftwareAuthenticator
) -> None:
    await register(database, rita, authenticator)
    forged = SoftwareAuthenticator(PARTY.origin, credential_id=authenticator.credential_id, count=50)
    with pytest.raises(Unauthenticated):
        await enter(database, forged.get(await challenge(database)))


async def test_a_passkey_that_says_it_is_someone_elses_is_refused(
    database: Database, node: Node, rita: StaffId, authenticator: SoftwareAuthenticator
) -> None:
    await register(database, rita, authenticator)
    authenticator.user_handle = node.ada.value.bytes
    with pytest.raises(Unauthenticated):
        await enter(database, authenticator.get(await challenge(database)))


async def test_an_altered_signature_or_counter_is_refused(
    database: Database, rita: StaffId, authenticator: SoftwareAuthenticator
) -> None:
    await register(database, rita, authenticator)
    answer = authenticator.get(await challenge(database))
    for part in ("signature", "authenticatorData"):
        raw = bytearray(bytes_of(answer["response"][part]))
        raw[-1] ^= 1
        altered = {**answer, "response": {**answer["response"], part: text_of(bytes(raw))}}
        with pytest.raises(Unauthenticated):
            await enter(database, altered)
    await enter(database, answer)  # refusals used nothing up


def spoiled(answer: dict[str, Any], part: str, value: object) -> dict[str, Any]:
    """Replace one part of an answer: of the whole, or of what stands under ``response``."""
    if part in answer:
        return {**answer, part: value}
    return {**answer, "response": {**answer["response"], part: value}}


ANYWHERE = [
    ("id", "other"),
    ("type", "password"),
    ("rawId", 7),
    ("rawId", text_of(b"other")),
    ("response", {}),
    ("response", None),
    ("clientDataJSON", "!!!"),
    ("clientDataJSON", text_of(b"\xff\xff")),
    ("clientDataJSON", text_of(b"[]")),
    ("clientDataJSON", text_of(b'{"type": 1}')),
    ("clientDataJSON", text_of(b'{"type": "webauthn.get", "challenge": 7, "origin": null}')),
]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        *ANYWHERE,
        ("attestationObject", text_of(b"\xa0")),
        ("attestationObject", text_of(b"x")),
        ("attestationObject", 7),
    ],
)
async def test_nonsense_registers_nothing(
    database: Database, rita: StaffId, authenticator: SoftwareAuthenticator, part: str, value: object
) -> None:
    answer = authenticator.create(await ask(database, rita))
    with pytest.raises(Malformed):
        await keep(database, rita, spoiled(answer, part, value))
    with pytest.raises(Malformed):
        await keep(database, rita, {})
    await keep(database, rita, answer)


@pytest.mark.parametrize(
    ("part", "value"),
    [*ANYWHERE, ("authenticatorData", text_of(b"x")), ("signature", ""), ("signature", 7), ("userHandle", 7)],
)
async def test_nonsense_opens_nothing(
    database: Database, rita: StaffId, authenticator: SoftwareAuthenticator, part: str, value: object
) -> None:
    await register(database, rita, authenticator)
    answer = authenticator.get(await challenge(database))
    with pytest.raises(Unauthenticated):
        await enter(database, spoiled(answer, part, value))
    with pytest.raises(Unauthenticated):
        await enter(database, {})
    await enter(database, answer)


async def test_the_same_passkey_is_not_registered_twice(
    database: Database, node: Node, rita: StaffId, authenticator: SoftwareAuthenticator
) -> None:
    await register(database, rita, authenticator)
    with pytest.raises(Malformed, match="already"):
        await register(database, node.ben, authenticator)
    assert (await ask(database, rita))["excludeCredentials"][0]["id"] == text_of(authenticator.credential_id)


async def test_an_unknown_passkey_opens_nothing(database: Database) -> None:
    with pytest.raises(Unauthenticated):
        await enter(database, SoftwareAuthenticator(PARTY.origin).get(await challenge(database)))


async def test_the_suspended_do_not_enter(
    database: Database, node: Node, rita: StaffId, authenticator: SoftwareAuthenticator
) -> None:
    await register(database, rita, authenticator)
    async with database.transaction(as_staff(node.ada)) as tx:
        await steps.suspend_staff(tx, rita)
    with pytest.raises(Unauthenticated):
        await enter(database, authenticator.get(await challenge(database)))


async def test_who_signs_in_while_being_suspended_waits_and_is_refused(
    database: Database, node: Node, rita: StaffId, authenticator: SoftwareAuthenticator
) -> None:
    await register(database, rita, authenticator)
    answer = authenticator.get(await challenge(database))
    async with database.transaction(as_staff(node.ada)) as tx:
        await steps.suspend_staff(tx, rita)
        entering = asyncio.create_task(enter(database, answer))
        deadline = asyncio.get_running_loop().time() + 10
        while not (entering.done() or await waits_for_a_lock(database)):
            assert asyncio.get_running_loop().time() < deadline
        assert not entering.done()
    with pytest.raises(Unauthenticated, match="suspended"):
        await entering
    async with database.transaction(MACHINE) as tx:
        assert await sign_in.sessions_of(tx, rita) == []


async def waits_for_a_lock(database: Database) -> bool:
    async with database.transaction(MACHINE) as tx:
        return await someone_waits(tx)


async def test_a_removed_passkey_opens_nothing(
    database: Database, node: Node, rita: StaffId, authenticator: SoftwareAuthenticator
) -> None:
    passkey = await register(database, rita, authenticator)
    with pytest.raises(NotFound):
        async with database.transaction(as_staff(node.ada)) as tx:
            await passkeys.remove_passkey(tx, passkey)
    async with database.transaction(as_staff(rita)) as tx:
        await passkeys.remove_passkey(tx, passkey)
        assert await passkeys.passkeys_of(tx, rita) == []
    with pytest.raises(Unauthenticated):
        await enter(database, authenticator.get(await challenge(database)))


async def test_only_the_staff_register(database: Database) -> None:
    with pytest.raises(Forbidden):
        async with database.transaction(PERSON) as tx:
            await passkeys.registration_options(tx, PARTY)


async def test_there_is_an_end_to_passkeys(database: Database, rita: StaffId) -> None:
    for _ in range(passkeys.PASSKEYS_MOST):
        await register(database, rita, SoftwareAuthenticator(PARTY.origin))
    with pytest.raises(WrongState):
        await ask(database, rita)


async def test_no_administrator_alone_lets_in_who_holds_a_passkey(
    database: Database, node: Node, rita: StaffId, authenticator: SoftwareAuthenticator
) -> None:
    async with database.transaction(as_staff(node.ada)) as tx:
        made_before = await sign_in.make_link(tx, rita)
    await register(database, rita, authenticator)
    with pytest.raises(Unauthenticated):
        async with database.transaction(MACHINE) as tx:
            await sign_in.sign_in_with_link(tx, made_before)
    start = await enter(database, authenticator.get(await challenge(database)))
    with pytest.raises(WrongState, match="two people"):
        async with database.transaction(as_staff(node.ada)) as tx:
            await sign_in.make_link(tx, rita)
    async with database.transaction(MACHINE) as tx:
        unused = await sign_in.make_link(tx, rita)
    proposal = await node.propose(node.ada, ProposalKind.PASSKEY_RESET, staff=rita)
    with pytest.raises(RuleBroken):
        await node.approve(node.ada, proposal)
    await node.approve(node.ben, proposal)
    with pytest.raises(Unauthenticated):
        await enter(database, authenticator.get(await challenge(database)))
    with pytest.raises(Unauthenticated):
        async with database.transaction(MACHINE) as tx:
            await sign_in.session(tx, start.token)
    with pytest.raises(Unauthenticated):
        async with database.transaction(MACHINE) as tx:
            await sign_in.sign_in_with_link(tx, unused)
    async with database.transaction(as_staff(node.ada)) as tx:
        await sign_in.make_link(tx, rita)
