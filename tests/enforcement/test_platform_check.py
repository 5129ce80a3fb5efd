"""The contract check of receivers: the example platform passes; each sloppiness is found and named."""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pretend_platform import Served, SmallNode, running_platform
from tidegate.enforcement.platform_check import PREFIX, check_platform

KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"platform check").digest())

#: name of the check -> the sloppiness that alone makes it fail
EACH = {
    "refuses a stranger's signature": "any_key",
    "refuses an old signature": "any_time",
    "refuses a changed body": "any_body",
    "answers a repeated instruction alike": "surprised_by_repetition",
    "ignores a lower sequence": "any_sequence",
    "does not carry out a hold that is over": "any_hold",
    "carries out a hold that has an end": "no_hold",
    "answers when asked for bytes": "no_bytes",
    "answers unknown types politely": "strict_types",
}


@dataclass
class Receiver:
    """A receiver that is right but for what it is told to be sloppy about."""

    sloppy: set[str] = field(default_factory=set)
    seen: list[dict[str, Any]] = field(default_factory=list)
    sequences: dict[str, int] = field(default_factory=dict)

    async def take(self, request: Request) -> Response:
        body = await request.body()
        if "silent" in self.sloppy:
            await asyncio.sleep(1)
        if "garbage" in self.sloppy:
            return Response("OK")
        if not self._believed(request, body):
            return Response(status_code=401)
        message = json.loads(body)
        if message["type"] == "content.bytes_wanted" and "no_bytes" not in self.sloppy:
            return JSONResponse({"acknowledged": message["data"]["ask"], "applied": False})
        if message["type"] == "content.bytes_wanted":
            return Response(status_code=422)
        if message["type"] != "instruction":
            return Response(status_code=422) if "strict_types" in self.sloppy else JSONResponse({"ignored": True})
        return self._answer(message["data"])

    def _believed(self, request: Request, body: bytes) -> bool:
        stamp = request.headers["webhook-timestamp"]
        if "any_time" not in self.sloppy and abs(time.time() - int(stamp)) > 300:
            return False
        signed = f"{request.headers['webhook-id']}.{stamp}.".encode() + body
        try:
            KEY.public_key().verify(base64.b64decode(request.headers["webhook-signature"][4:]), signed)
        except InvalidSignature:
            # Sequence 9 is the changed body; sequence 2 a stranger's.
            sequence = json.loads(body)["data"]["sequence"]
            return bool(sequence == {"any_body": 9, "any_key": 2}.get("".join(self.sloppy)))
        return True

    def _answer(self, data: dict[str, Any]) -> Response:
        repeated = data["instruction"] in {seen["instruction"] for seen in self.seen}
        self.seen.append(data)
        if repeated:
            said = {"acknowledged": data["instruction"], "applied": "surprised_by_repetition" not in self.sloppy}
            return JSONResponse(said)
        applied = data["sequence"] > self.sequences.get(data["content"], 0) or "any_sequence" in self.sloppy
        if data["action"] == "hold":
            over = datetime.fromisoformat(data["expires_at"]) <= datetime.now(UTC)
            applied = (applied and not over and "no_hold" not in self.sloppy) or (over and "any_hold" in self.sloppy)
        self.sequences[data["content"]] = data["sequence"]
        return JSONResponse({"acknowledged": data["instruction"], "applied": applied})


@pytest.fixture(scope="module")
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture(scope="module")
def url(receiver: Receiver) -> Iterator[str]:
    served = Served(Starlette(routes=[Route("/hook", receiver.take, methods=["POST"])]))
    yield f"{served.url}/hook"
    served.stop()


def failed(url: str, **how: Any) -> list[str]:
    return [check.name for check in check_platform(url, KEY, **how) if not check.passed]


def test_a_right_receiver_passes_every_check(receiver: Receiver, url: str) -> None:
    receiver.sloppy = set()
    assert failed(url) == []


@pytest.mark.parametrize(("name", "sloppiness"), EACH.items())
def test_each_sloppiness_fails_its_own_check_alone(receiver: Receiver, url: str, name: str, sloppiness: str) -> None:
    receiver.sloppy = {sloppiness}
    assert failed(url) == [name]


def test_every_check_can_fail(receiver: Receiver, url: str) -> None:
    receiver.sloppy = {"garbage"}
    names = {check.name for check in check_platform(url, KEY)}
    assert names - set(EACH) == {"accepts a signed instruction", "answers in time"}
    assert set(failed(url)) == names - {"answers in time"}


def test_one_that_takes_too_long_fails(receiver: Receiver, url: str) -> None:
    receiver.sloppy = {"silent"}
    assert "answers in time" in failed(url, longest_answer=0.2)


def test_where_nothing_listens_everything_fails_and_says_so() -> None:
    checks = check_platform("http://127.0.0.1:1/hook", KEY)
    assert not any(check.passed for check in checks)
    assert "no answer" in checks[0].explanation


def test_only_imaginary_posts_are_touched(receiver: Receiver, url: str) -> None:
    receiver.sloppy = set()
    receiver.seen.clear()
    check_platform(url, KEY)
    assert receiver.seen
    for data in receiver.seen:
        assert data["platform_id"].startswith(PREFIX)
        assert data["content"].startswith(PREFIX)


def test_the_example_platform_passes_and_shows_no_imaginary_post(tmp_path: Path) -> None:
    node = SmallNode()
    try:
        with running_platform(tmp_path, node.served.url) as platform:
            post = platform.publish()
            checks = check_platform(str(platform.base_url.join("/tidegate")), node.key)
            assert [check for check in checks if not check.passed] == []
            assert [shown["id"] for shown in platform.get("/posts").json()["posts"]] == [post["id"]]
            assert "tidegate-check" not in platform.get("/published.json").text
            assert platform.state(post) == "published"
    finally:
        node.served.stop()
