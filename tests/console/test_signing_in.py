"""Signing in and out at the console, over HTTP."""

import re
from typing import Any

import httpx2
from pydantic import HttpUrl

from console.console_story import HTML
from people.software_authenticator import SoftwareAuthenticator
from running import Nodes, Running
from tidegate.people import sign_in
from tidegate.people.model import Role
from tidegate.people.sign_in import ATTEMPT_WINDOW, ATTEMPTS_BY_SOURCE


def link_token(node: Running, role: Role = Role.REVIEWER) -> str:
    staff = node.hire(role)
    return node.do(lambda tx: sign_in.make_link(tx, staff))


def use(client: httpx2.Client, token: str) -> httpx2.Response:
    return client.post("/sign-in/link", data={"token": token}, headers=HTML)


def test_link_is_used_up_by_the_button_and_not_by_looking(node: Running) -> None:
    token = link_token(node)
    client = node.client(node.addresses.staff)
    for _ in range(3):
        looked = client.get("/sign-in/link", params={"token": token}, headers=HTML)
        assert f'name="token" value="{token}"' in looked.text
        assert "set-cookie" not in looked.headers
    answer = use(client, token)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie
    assert client.get("/", headers=HTML).status_code == 200
    again = use(node.client(node.addresses.staff), token)
    assert again.status_code == 401
    assert "ask for a new one" in again.text


ATTEMPTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/sign-in/link", {"data": {"token": "x" * 43}}),
    ("/sign-in/passkey/options", {"json": {}}),
    ("/sign-in/passkey", {"json": {"id": "x"}}),
)


def test_attempts_are_limited_whichever_way_someone_tries(node: Running) -> None:
    """All ways count together, the options of a passkey too; then a page says when to try again."""
    client = node.client(node.addresses.staff)
    statuses: list[int] = []
    for number in range(ATTEMPTS_BY_SOURCE):
        path, sent = ATTEMPTS[number % 3]
        statuses.append(client.post(path, **sent).status_code)
    assert set(statuses) <= {200, 401}
    assert statuses.count(200) == ATTEMPTS_BY_SOURCE // 3
    for path, sent in ATTEMPTS:
        refused = client.post(path, headers=HTML, **sent)
        assert refused.status_code == 429, path
        wait = int(refused.headers["retry-after"])
        assert 0 < wait <= ATTEMPT_WINDOW.total_seconds()
        assert refused.headers["content-type"].startswith("text/html")
        assert "Try again in 15 minutes." in refused.text
        problem = client.post(path, **sent)
        assert problem.headers["content-type"] == "application/problem+json"
        assert problem.headers["retry-after"] == refused.headers["retry-after"]
    # A good link does not get through either, and is not used up; looking at the page is no attempt.
    token = link_token(node)
    assert use(client, token).status_code == 429
    assert client.get("/sign-in", headers=HTML).status_code == 200
    node.clock.forward(minutes=14, seconds=59)
    assert use(client, token).status_code == 429
    node.clock.forward(seconds=1)
    assert use(client, link_token(node)).status_code == 303


def test_signing_out_ends_the_session(node: Running) -> None:
    reviewer = node.person(Role.REVIEWER)
    kept = reviewer.cookies[node.node.session_cookie]
    answer = reviewer.submit("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    reviewer.cookies.set(node.node.session_cookie, kept)
    assert reviewer.get("/", headers=HTML).status_code == 401


def test_own_sessions_can_be_ended_and_no_others(node: Running) -> None:
    reviewer, other = node.person(Role.REVIEWER), node.person(Role.REVIEWER)
    second = node.sign_in(reviewer.staff)
    ids = set(re.findall(r"session_[a-z0-9]{26}", reviewer.get("/account", headers=HTML).text))
    theirs = set(re.findall(r"session_[a-z0-9]{26}", other.get("/account", headers=HTML).text))
    assert (len(ids), len(theirs)) == (2, 1)
    assert reviewer.submit(f"/account/sessions/{theirs.pop()}/end").status_code == 404
    assert other.get("/").status_code == 200
    assert reviewer.submit("/account/sessions/end").status_code == 303
    assert reviewer.get("/").status_code == second.get("/").status_code == 401


def test_passkey_is_registered_and_signs_in(node: Running) -> None:
    reviewer = node.person(Role.REVIEWER)
    origin = str(node.node.settings.staff_url).rstrip("/")
    authenticator = SoftwareAuthenticator(origin=origin)
    token = {"x-csrf-token": reviewer.csrf()}
    assert reviewer.post("/account/passkey/options", json={}).status_code == 403
    options = reviewer.post("/account/passkey/options", json={}, headers=token).json()
    answer = {"label": "My <b>key</b>", "answer": authenticator.create(options)}
    assert reviewer.post("/account/passkey", json=answer, headers=token).status_code == 201
    assert "My &lt;b&gt;key&lt;/b&gt;" in reviewer.get("/account", headers=HTML).text

    client = node.client(node.addresses.staff)
    options = client.post("/sign-in/passkey/options", json={}).json()
    signed = client.post("/sign-in/passkey", json=authenticator.get(options))
    assert signed.json() == {"next": "/"}
    assert "SameSite=strict" in signed.headers["set-cookie"]
    assert client.get("/account", headers=HTML).status_code == 200
    replayed = node.client(node.addresses.staff).post("/sign-in/passkey", json=authenticator.get(options))
    assert replayed.status_code == 401
    for nonsense in (b"", b"[]", b"{", b'{"id": 1}', b"[" * 100_000):
        refused = client.post("/sign-in/passkey", content=nonsense, headers={"content-type": "application/json"})
        assert refused.status_code in {401, 422}


def test_a_session_someone_planted_does_not_become_theirs(node: Running) -> None:
    """Fixation: whatever cookie was there before, signing in makes a new one."""
    attacker = node.person(Role.REVIEWER)
    name = node.node.session_cookie
    for planted in (attacker.cookies[name], "A" * 43, "short"):
        victim = node.client(node.addresses.staff)
        victim.cookies.set(name, planted)
        answer = use(victim, link_token(node, Role.AUDITOR))
        assert answer.status_code == 303
        given = re.findall(rf"{name}=([^;]+)", answer.headers["set-cookie"])[0]
        assert given != planted
        assert attacker.get("/record").status_code == 403


def test_nothing_is_left_behind_after_signing_out(node: Running) -> None:
    """The cookie is deleted, and no page was allowed to be kept: going back asks the node, which refuses."""
    auditor = node.person(Role.AUDITOR)
    for path in ("/", "/account", "/record", "/queue", "/go"):
        answer = auditor.get(path, headers=HTML)
        assert answer.headers["cache-control"] == "no-store", path
    answer = auditor.submit("/sign-out")
    cookie = answer.headers["set-cookie"]
    assert f'{node.node.session_cookie}=""' in cookie
    assert "Max-Age=0" in cookie
    for path in ("/", "/record"):
        again = auditor.get(path, headers=HTML)
        assert again.status_code == 401
        assert again.headers["cache-control"] == "no-store"


def test_over_https_the_browser_itself_guards_the_cookie(nodes: Nodes) -> None:
    node = nodes.start(staff_url=HttpUrl("https://console.example"))
    answer = use(node.client(node.addresses.staff), link_token(node))
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    for part in ("Secure", "HttpOnly", "SameSite=strict", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie
