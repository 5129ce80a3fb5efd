"""Who may use which address: every route, tried as every role and with every scope, over real HTTP.

The expectation is computed from the two tables a lawyer can read: what a route needs (``Door.every``) and what a role
may do (``ROLE_PERMISSIONS``). A cell is denied exactly when the answer is 401, or 403 naming the permission that is
lacking.
"""

import re
import secrets
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from running import Browser, Platform, Running
from tidegate.kernel import ids
from tidegate.kernel.ids import Id
from tidegate.people.model import EVERYONE, ROLE_PERMISSIONS, PasskeyId, Permission, Role, Scope, SessionId
from tidegate.run import DOORS
from tidegate.web.door import AnyKey, Declared, Door, Listener, Open

_IDS: dict[str, type[Id]] = {
    "case": ids.CaseId,
    "content": ids.ContentId,
    "decision": ids.DecisionId,
    "appeal": ids.AppealId,
    "person": ids.StaffId,
    "proposal": ids.ProposalId,
    "service": ids.ServiceId,
    "key": ids.KeyId,
    "instruction": ids.InstructionId,
    "flag": ids.FlagId,
    "signal": ids.SignalId,
    "session": SessionId,
    "passkey": PasskeyId,
}


def address(row: Declared) -> str:
    """Fill a route's pattern with ids that read well and stand for nothing."""

    def fill(found: re.Match[str]) -> str:
        kind = _IDS.get(found[1].partition(":")[0])
        return str(kind.new(datetime.now(UTC), secrets.token_bytes)) if kind else "nothing"

    return re.sub(r"\{([^}]+)\}", fill, row.path)


def rows(listener: Listener) -> list[Declared]:
    assert DOORS
    return [row for row in Door.every if row.listener is listener]


def denied(answer: httpx2.Response, row: Declared) -> bool:
    """Say whether it was the door that refused; behind an open one, a link or a passkey may still be a wrong one."""
    if answer.status_code == 401:
        return not isinstance(row.needs, Open)
    if answer.status_code != 403:
        return False
    told = answer.json()
    if "message" in told:  # what HMA's clients are told names it in words alone
        return any(f'the scope "{scope}"' in told["message"] for scope in Scope)
    return told.get("reference") in {*Permission, *Scope}


def ask(browser: httpx2.Client, row: Declared, *, csrf: str | None) -> httpx2.Response:
    headers = {"accept": "application/json"} | ({"x-csrf-token": csrf} if csrf else {})
    with browser.stream(row.method, address(row), headers=headers) as answer:
        # A stream of live updates would go on for minutes: that it began is the answer.
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            answer.read()
    return answer


@pytest.fixture
def everyone(node: Running) -> dict[Role | None, httpx2.Client]:
    """One person of each role, someone with none, and (None) nobody."""
    return {role: node.person(role) for role in Role if role is not Role.ADMINISTRATOR} | {
        Role.ADMINISTRATOR: node.sign_in(node.administrators()[0]),
        None: node.client(node.addresses.staff),
    }


def test_every_staff_route_lets_in_whom_the_table_says(everyone: dict[Role | None, httpx2.Client]) -> None:
    tried = 0
    for role, browser in everyone.items():
        csrf = browser.csrf() if isinstance(browser, Browser) else None
        for row in rows(Listener.STAFF):
            # These end the session they are tried with.
            if row.path in {"/sign-out", "/account/sessions/end"} and role is not None:
                continue
            allowed = isinstance(row.needs, Open) or (
                role is not None and row.needs in EVERYONE | ROLE_PERMISSIONS[role]
            )
            answer = ask(browser, row, csrf=csrf)
            assert denied(answer, row) is not allowed, (role, row, answer.status_code, answer.text[:300])
            tried += 1
    assert tried > 300


def test_whatever_changes_something_asks_for_the_sessions_own_token(everyone: dict[Role | None, httpx2.Client]) -> None:
    others = everyone[Role.AUDITOR]
    assert isinstance(others, Browser)
    foreign = others.csrf()
    for role, browser in everyone.items():
        if role is None:
            continue
        for row in rows(Listener.STAFF):
            if row.method == "GET" or isinstance(row.needs, Open):
                continue
            for token in (None, "wrong", *((foreign,) if role is not Role.AUDITOR else ())):
                answer = ask(browser, row, csrf=token)
                assert answer.status_code == 403, (role, row, answer.text[:300])
                assert answer.json()["reference"] == "csrf"


def test_every_platform_route_lets_in_which_key_the_table_says(node: Running) -> None:
    node.node.settings = node.node.settings.model_copy(update={"match_without_record": True})
    platforms: dict[Scope | None, Platform] = {scope: node.platform(scopes=frozenset({scope})) for scope in Scope}
    nobody = node.client(node.addresses.platform)
    for row in rows(Listener.PLATFORM):
        for scope, platform in platforms.items():
            allowed = isinstance(row.needs, (Open, AnyKey)) or row.needs is scope
            assert denied(ask(platform.client, row, csrf=None), row) is not allowed, (scope, row)
        assert denied(ask(nobody, row, csrf=None), row) is not isinstance(row.needs, Open), row


def test_no_staff_session_opens_the_platforms_door_nor_a_key_the_consoles(node: Running) -> None:
    reviewer, platform = node.person(Role.REVIEWER), node.platform()
    borrowed = node.client(node.addresses.platform, cookies=dict(reviewer.cookies))
    assert borrowed.get("/v1/instructions").status_code == 401
    with_key = node.client(node.addresses.staff, headers={"authorization": platform.client.headers["authorization"]})
    assert with_key.get("/queue", headers={"accept": "application/json"}).status_code == 401


def test_each_route_answers_on_its_own_listener_only(node: Running) -> None:
    addresses = {
        Listener.PUBLIC: node.addresses.public,
        Listener.PLATFORM: node.addresses.platform,
        Listener.STAFF: node.addresses.staff,
    }
    paths = {listener: {row.path for row in rows(listener)} for listener in Listener}
    for row in Door.every:
        for listener, base in addresses.items():
            if row.path in paths[listener]:
                continue
            answer = node.client(base).request(row.method, address(row), headers={"accept": "application/json"})
            assert answer.status_code in {404, 405}, (row, listener, answer.status_code)


def test_a_session_that_ended_opens_nothing(node: Running) -> None:
    reviewer = node.person(Role.REVIEWER)
    assert reviewer.get("/queue").status_code == 200
    node.clock.forward(minutes=31)
    assert reviewer.get("/queue", headers={"accept": "application/json"}).status_code == 401
    node.clock.now -= timedelta(hours=2)
