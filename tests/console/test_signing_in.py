"""Signing in and out at the console, over HTTP."""

import re

import httpx2

from console.console_story import HTML
from people.software_authenticator import SoftwareAuthenticator
from running import Running
from tidegate.people import sign_in
from tidegate.people.model import Role


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


def test_attempts_are_limited(node: Running) -> None:
    client = node.client(node.addresses.staff)
    statuses = [use(client, "x" * 43).status_code for _ in range(61)]
    assert set(statuses[:60]) == {401}
    assert statuses[60] == 429
    refused = use(client, "x" * 43)
    assert int(refused.headers["retry-after"]) > 0


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
