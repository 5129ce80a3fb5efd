"""Requests that are wrong in themselves: keys, ids, methods, fields, limits, and the same key used again."""

import socket
import threading
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from acts import ask, held, picture
from problems import problem
from running import Platform, Running
from tidegate.content import steps as contents
from tidegate.content import store
from tidegate.kernel import ids
from tidegate.kernel.ids import ContentId, Id, KeyId
from tidegate.people import key_text
from tidegate.people import steps as people
from tidegate.people.model import Scope

NOBODY = "0" * 26


def paths(content: str, flag: str, instruction: str) -> list[tuple[str, str, dict[str, Any]]]:
    """List every address with an id in it."""
    return [
        ("GET", f"/v1/content/{content}", {}),
        ("PATCH", f"/v1/content/{content}", {"json": {"reach": 5}}),
        ("PATCH", f"/v1/content/{content}", {"json": {"caption": "words"}}),
        ("DELETE", f"/v1/content/{content}", {}),
        ("PUT", f"/v1/content/{content}/bytes", {"content": b"bytes"}),
        ("GET", f"/v1/flags/{flag}", {}),
        ("POST", f"/v1/instructions/{instruction}/acknowledgement", {"json": {"applied": True}}),
        ("POST", f"/v1/instructions/{instruction}/resend", {}),
    ]


# --- keys ---


def with_key(node: Running, text: str) -> httpx2.Response:
    client = node.client(node.addresses.platform, headers={"authorization": text} if text else {})
    return client.get("/v1/instructions")


def test_each_bad_key_has_its_answer(node: Running, platform: Platform) -> None:
    def unauthenticated(text: str, *words: str) -> None:
        answer = with_key(node, text)
        problem(answer, 401, "unauthenticated", *words)
        assert answer.headers["www-authenticate"].startswith("Bearer")

    good = platform.client.headers["authorization"].removeprefix("Bearer ")
    unauthenticated("", "Authorization: Bearer")
    unauthenticated("Basic dXNlcjpwYXNz", "Authorization: Bearer")
    unauthenticated("Bearer", "Authorization: Bearer")
    unauthenticated("Bearer nonsense", "copy the whole of it")
    unauthenticated(f"Bearer {good[:-1]}", "copy the whole of it")
    unauthenticated("Bearer " + "x" * 20_000, "copy the whole of it")
    unauthenticated(f"Bearer {key_text.make(lambda count: b'z' * count)}", "unknown here")
    assert with_key(node, f"bearer {good}").status_code == 200

    key, text = node.do(lambda tx: people.issue_key(tx, platform.service, label="k", life=timedelta(hours=1)))
    assert with_key(node, f"Bearer {text}").status_code == 200
    node.do(lambda tx: people.revoke_key(tx, key))
    unauthenticated(f"Bearer {text}", "revoked", "ask an administrator")
    assert isinstance(key, KeyId)
    _, text = node.do(lambda tx: people.issue_key(tx, platform.service, label="k", life=timedelta(hours=1)))
    node.clock.forward(hours=1)
    unauthenticated(f"Bearer {text}", "expired", "ask an administrator")


def test_a_key_without_the_scope_is_told_which_it_lacks(node: Running) -> None:
    flags_only = node.platform(scopes=frozenset({Scope.FLAG}))
    problem(flags_only.upload(picture(1)), 403, "forbidden", "content", "issue one", reference="content")
    problem(flags_only.client.get("/v1/instructions"), 403, "forbidden", reference="instruction")
    problem(flags_only.client.get("/v1/signals"), 403, "forbidden", reference="signal_read")
    problem(flags_only.client.post("/v1/match", content=b"x"), 403, "forbidden", reference="match")
    assert flags_only.client.get("/v1/webhook-key").status_code == 200


# --- ids ---


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "7",
        NOBODY,
        "content",
        f"case_{NOBODY}",
        f"content_{NOBODY}x",
        f"CONTENT_{NOBODY}",
        "content_" + "8" * 26,
        "%00",
        "%F0%9F%92%A3",
        "content_%C2%B2" + "0" * 25,
        "-1",
        "null",
        "a" * 5000,
        "'%20OR%201=1--",
    ],
)
def test_malformed_ids_are_told_how_one_looks(platform: Platform, text: str) -> None:
    for method, path, body in paths(text, text, text):
        problem(platform.client.request(method, path, **body), 422, "malformed", "26 letters and digits")


def _named(kind: type[Id]) -> str:
    return f"{kind.word}_{NOBODY}"


def test_another_services_things_look_exactly_like_none(node: Running, platform: Platform) -> None:
    """Nobody can find out what another platform has: the whole answer is the same, not only the status."""
    _, verdict = held(node, platform, 101)
    flag = platform.client.post("/v1/flags", json={"content": verdict["content"], "reporter": "reader"}).json()
    clear = platform.verdict(picture(9), platform_id="clear")["content"]
    stranger = node.platform()
    foreign = paths(verdict["content"], flag["flag"], verdict["instruction"])
    missing = paths(_named(ids.ContentId), _named(ids.FlagId), _named(ids.InstructionId))
    for (method, path, body), (_, nowhere, _) in zip(foreign, missing, strict=True):
        one = problem(stranger.client.request(method, path, **body), 404, "not_found")
        other = problem(stranger.client.request(method, nowhere, **body), 404, "not_found")
        assert one == other, path
    for method, path, body in paths(clear, _named(ids.FlagId), _named(ids.InstructionId))[:5]:
        problem(stranger.client.request(method, path, **body), 404, "not_found")
    for name in (verdict["content"], clear, _named(ids.ContentId)):
        answer = stranger.client.post("/v1/flags", json={"content": name, "reporter": "reader"})
        problem(answer, 404, "not_found", "POST /v1/content")
    assert stranger.client.get("/v1/instructions").json() == {"instructions": [], "next": 0}
    assert platform.client.get(f"/v1/content/{clear}").status_code == 200, "still there for its own"


def test_what_is_clear_or_erased_takes_no_changes(node: Running, platform: Platform) -> None:
    clear = platform.verdict(picture(1))["content"]
    for method, path, body in paths(clear, "", "")[1:3]:
        problem(platform.client.request(method, path, **body), 404, "not_found", "it was clear and is only counted")
    put = platform.client.put(f"/v1/content/{clear}/bytes", content=picture(1))
    problem(put, 404, "not_found", "only counted")
    assert platform.client.delete(f"/v1/content/{clear}").status_code == 204
    problem(platform.client.delete(f"/v1/content/{clear}"), 404, "not_found")
    _, verdict = held(node, platform, 102, platform_id="post-2")
    name = ContentId.parse(verdict["content"])

    async def erase(tx: Any) -> None:
        content = await store.load(tx, name, lock=True)
        assert content is not None
        assert await contents.forget(tx, content, tx.now)

    node.do(erase)
    for method, path, body in paths(str(name), "", "")[1:5]:
        problem(platform.client.request(method, path, **body), 404, "not_found")
    life = platform.client.get(f"/v1/content/{name}")
    assert life.status_code == 200
    assert life.json()["standing"] == "erased"
    flag = platform.client.post("/v1/flags", json={"content": str(name), "reporter": "reader"})
    assert flag.status_code in {201, 404}, flag.text


def test_other_bytes_than_were_shown_are_refused(platform: Platform) -> None:
    content = platform.verdict(b"no picture")["content"]
    answer = platform.client.put(f"/v1/content/{content}/bytes", content=b"other bytes")
    problem(answer, 409, "conflict", "submit them as a new revision", reference="file")
    problem(platform.client.put(f"/v1/content/{content}/bytes", content=b""), 422, "malformed", "send the bytes")


# --- bodies and queries ---


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "content", {"reach": 1, "colour": "red"}),
        ("PATCH", "content", {"reach": "1"}),
        ("PATCH", "content", {"reach": -1}),
        ("PATCH", "content", {"reach": 10**30}),
        ("PATCH", "content", {"caption": "e\u0301"}),
        ("PATCH", "content", {"caption": "a\x00"}),
        ("PATCH", "content", []),
        ("PATCH", "content", None),
        ("POST", "flags", {}),
        ("POST", "flags", {"content": "x", "reporter": "r"}),
        ("POST", "flags", {"content": "content", "reporter": ""}),
        ("POST", "flags", {"content": "content", "reporter": "r", "label": "rude"}),
        ("POST", "flags", {"content": "content", "reporter": "r", "words": "x" * 20_001}),
        ("POST", "flags", {"content": "content", "reporter": "r", "notice": False}),
        ("POST", "flags", {"content": "content", "reporter": "x" * 513}),
        ("POST", "acknowledgement", {}),
        ("POST", "acknowledgement", {"applied": "perhaps"}),
        ("POST", "acknowledgement", {"applied": True, "by": "me"}),
    ],
    ids=str,
)
def test_unknown_or_wrong_fields_are_refused(
    node: Running, platform: Platform, method: str, path: str, body: Any
) -> None:
    _, verdict = held(node, platform, 101)
    if isinstance(body, dict) and body.get("content") == "content":
        body = {**body, "content": verdict["content"]}
    where = {
        "content": f"/v1/content/{verdict['content']}",
        "flags": "/v1/flags",
        "acknowledgement": f"/v1/instructions/{verdict['instruction']}/acknowledgement",
    }[path]
    events = ask(node, "SELECT count(*) AS n FROM event")
    assert problem(platform.client.request(method, where, json=body), 422, "malformed")["detail"]
    assert ask(node, "SELECT count(*) AS n FROM event") == events


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"reporter": "\xed\xa0\x80"}', b'{"reporter": "\\ud800"}', b"NaN"]
)
def test_a_body_that_is_no_json_is_malformed(platform: Platform, raw: bytes) -> None:
    answer = platform.client.post("/v1/flags", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}
    problem(answer, answer.status_code, "malformed")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=1001",
        "limit=999999999999999999999",
        "limit=ten",
        "after=-1",
        "after=x",
        "after=1e3",
        "limit=1.5",
    ],
)
def test_limits_beyond_measure_are_refused(platform: Platform, query: str) -> None:
    name = query.split("=", maxsplit=1)[0]
    problem(platform.client.get(f"/v1/instructions?{query}"), 422, "malformed", name)


def test_a_position_beyond_all_finds_nothing(platform: Platform) -> None:
    for far in (10**18, 2**63, 10**30):
        answer = platform.client.get(f"/v1/instructions?after={far}")
        assert answer.status_code in {200, 422}
        if answer.status_code == 200:
            assert answer.json() == {"instructions": [], "next": far}


# --- methods and addresses ---


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "PROPFIND"])
def test_other_methods_are_problem_documents(platform: Platform, method: str) -> None:
    for path in ("/v1/flags", "/v1/instructions", "/v1/content"):
        answer = platform.client.request(method, path)
        assert answer.status_code == 405
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["allow"]
        if method != "HEAD":
            problem(answer, 405, "not_found", "does not take this method")


def test_what_is_on_another_listener_is_not_here(node: Running, platform: Platform) -> None:
    for address in (node.addresses.public, node.addresses.staff):
        client = node.client(address, headers={"authorization": platform.client.headers["authorization"]})
        for path in (
            "/v1/instructions",
            "/v1/content/x",
            "/v1/webhook-key",
            "/health/live",
            "/metrics",
            "/openapi.json",
        ):
            answer = client.get(path)
            assert answer.status_code == 404, (address, path)
    for path in ("/", "/v2/content", "/v1", "/docs", "/redoc", "/..%2f..%2fetc/passwd", "/v1/content/x/y/z"):
        problem(platform.client.get(path), 404, "not_found", "nothing at this address")


@pytest.mark.parametrize(
    "raw",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"POST /v1/content HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
    ids=["no request", "version", "long header", "negative length", "TLS"],
)
def test_what_is_not_http_ends_its_connection_and_nothing_else(node: Running, raw: bytes) -> None:
    at = urlsplit(node.addresses.platform)
    with socket.create_connection((at.hostname, at.port), timeout=10) as connection:
        answer = b""
        try:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                answer += piece
        except OSError:
            pass  # it closed on us, which is an answer
    assert b"Traceback" not in answer
    assert not answer or answer.split(b" ")[1] in {b"400", b"200", b"422", b"401", b"431"}
    assert node.client(node.addresses.platform).get("/health/live").text == "live"


def test_request_ids_from_outside_carry_nothing_else(platform: Platform) -> None:
    kept = platform.client.get("/v1/instructions", headers={"x-request-id": "abcdef-123456"})
    assert kept.headers["x-request-id"] == "abcdef-123456"
    for bad in ("short", "x" * 65, "a b c d e f g h", '{"a":"b"} long enough'):
        answer = platform.client.get("/v1/instructions", headers={"x-request-id": bad})
        assert answer.headers["x-request-id"] != bad


# --- the same request again ---


def send(platform: Platform, key: str, seed: int = 1, **more: Any) -> httpx2.Response:
    return platform.upload(picture(seed), headers={"idempotency-key": key}, **more)


def test_the_same_key_and_request_gets_the_same_answer_once(node: Running, platform: Platform) -> None:
    first = platform.upload(b"no picture", headers={"idempotency-key": "one"})
    events = ask(node, "SELECT count(*) AS n FROM event")
    tallied = ask(node, "SELECT sum(count)::int AS n FROM tally")
    again = platform.upload(b"no picture", headers={"idempotency-key": "one"})
    assert again.json() == first.json()
    assert ask(node, "SELECT count(*) AS n FROM event") == events
    assert ask(node, "SELECT sum(count)::int AS n FROM tally") == tallied, "counted once"
    flag = {"content": first.json()["content"], "reporter": "reader"}
    one = platform.client.post("/v1/flags", json=flag, headers={"idempotency-key": "two"})
    two = platform.client.post("/v1/flags", json=flag, headers={"idempotency-key": "two"})
    assert one.json() == two.json()
    assert (one.status_code, two.status_code) == (201, 201)
    name = ContentId.parse(flag["content"]).value
    assert ask(node, "SELECT count(*) AS n FROM flag WHERE content = %s", name) == [{"n": 1}]


def test_the_same_key_for_something_else_is_a_conflict(platform: Platform) -> None:
    first = send(platform, "one")
    for other in (send(platform, "one", 2), send(platform, "one", reach=11)):
        problem(other, 409, "conflict", "use a new one", reference="Idempotency-Key")
    flag = {"content": first.json()["content"], "reporter": "reader"}
    answer = platform.client.post("/v1/flags", json=flag, headers={"idempotency-key": "one"})
    problem(answer, 409, "conflict", reference="Idempotency-Key")


def test_a_refused_request_does_not_use_its_key_up(platform: Platform) -> None:
    problem(send(platform, "one", surface="private"), 403, "rule")
    assert send(platform, "one").status_code == 200


def test_after_a_day_a_key_is_forgotten(node: Running, platform: Platform) -> None:
    send(platform, "one")
    node.clock.forward(hours=23, minutes=59)
    assert send(platform, "one", 2).status_code == 409
    node.clock.forward(minutes=2)
    assert send(platform, "one", 2).status_code == 200
    node.clock.forward(hours=25)
    node.work()
    assert ask(node, "SELECT count(*) AS n FROM idempotency") == [{"n": 0}]


def test_keys_belong_to_one_api_key(node: Running, platform: Platform) -> None:
    other = node.platform()
    assert send(platform, "one").json()["content"] != send(other, "one", 2).json()["content"]


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_is_neither_empty_nor_long(platform: Platform, key: str) -> None:
    problem(send(platform, key), 422, "malformed", "1 to 255", reference="Idempotency-Key")


def test_two_at_once_are_one(node: Running, platform: Platform) -> None:
    answers: list[httpx2.Response] = []
    body, gate = b"no picture", threading.Barrier(6)

    def both() -> None:
        gate.wait()
        answers.append(platform.upload(body, headers={"idempotency-key": "same"}))

    _together(both, 6)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    name = ContentId.parse(answers[0].json()["content"]).value
    given = "SELECT count(*) AS n FROM event WHERE kind = 'verdict.given' AND subject = %s"
    assert ask(node, given, name) == [{"n": 1}]


def test_two_uploads_of_one_thing_at_once_are_one_content(node: Running, platform: Platform) -> None:
    names: list[str] = []
    gate = threading.Barrier(6)

    def both() -> None:
        gate.wait()
        names.append(platform.verdict(b"no picture")["content"])

    _together(both, 6)
    assert len(set(names)) == 1
    (name,) = set(names)
    found = ask(node, "SELECT revision FROM content WHERE id = %s", ContentId.parse(name).value)
    assert found == [{"revision": 1}]


def _together(act: Any, count: int) -> None:
    threads = [threading.Thread(target=act) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
