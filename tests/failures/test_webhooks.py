"""A platform that cannot be reached, or answers nonsense, is tried again; only its own word counts as done."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from acts import ask, held
from receiving import Receiver, acknowledge, answer, endless, never, trickle
from running import Nodes, Platform, Running
from tidegate.background.tasks import make_app
from tidegate.background.telling import NotDeliveredError, deliver, make_client
from tidegate.kernel.ids import InstructionId
from tidegate.people import steps as people

Behaviour = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def running(nodes: Nodes) -> Running:
    return nodes.start(webhook_timeout_seconds=0.5)


@pytest.fixture
def platform(running: Running, receiver: Receiver) -> Platform:
    return running.platform(webhook_url=receiver.url)


def carry(running: Running, instruction: str) -> None:
    """Try once to deliver, as the worker's job does."""

    async def once() -> None:
        async with make_client(running.node) as client:
            await deliver(running.node, client, InstructionId.parse(instruction))

    running.loop.run(once())


def state(running: Running, instruction: str) -> str:
    (row,) = ask(running, "SELECT state FROM instruction WHERE id = %s", InstructionId.parse(instruction).value)
    found: str = row["state"]
    return found


def said(status: int, body: bytes, **headers: str) -> Behaviour:
    return lambda handler, _data: answer(handler, status, body, **headers)


def other_instruction(handler: BaseHTTPRequestHandler, data: dict[str, Any]) -> None:
    other = data["instruction"][:-1] + ("0" if data["instruction"][-1] != "0" else "1")
    answer(handler, 200, json.dumps({"acknowledged": other, "applied": True}).encode())


def half(handler: BaseHTTPRequestHandler, data: dict[str, Any]) -> None:
    body = json.dumps({"acknowledged": data["instruction"], "applied": True}).encode()
    handler.send_response(200)
    handler.send_header("content-length", str(len(body) + 100))
    handler.end_headers()
    handler.wfile.write(body)
    handler.close_connection = True


@pytest.mark.parametrize(
    "behave",
    [
        never,
        trickle,
        endless,
        half,
        other_instruction,
        said(500, b"broken"),
        said(410, b"gone"),
        said(204, b""),
        said(200, b""),
        said(200, b"<html>ok</html>"),
        said(200, b'{"acknowledged": true}'),
        said(200, b"[" * 4000),
        said(200, b"\x1f\x8b\x08 not gzip", **{"content-encoding": "gzip"}),
        said(302, b"", location="/elsewhere"),
        said(307, b"", location="/elsewhere"),
        said(200, b" " * 100_000),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_is_no_acknowledgement_is_tried_again(
    running: Running, platform: Platform, receiver: Receiver, behave: Behaviour
) -> None:
    _, verdict = held(running, platform, 1)
    receiver.behave = behave
    with pytest.raises(NotDeliveredError):
        carry(running, verdict["instruction"])
    assert state(running, verdict["instruction"]) == "waiting"
    assert len(receiver.got) == 1
    receiver.behave = acknowledge
    carry(running, verdict["instruction"])
    assert state(running, verdict["instruction"]) == "acknowledged"
    assert receiver.got[0] == receiver.got[1], "the same instruction, under the same id"


def test_a_platform_that_is_down_is_tried_again(running: Running) -> None:
    with_nobody = running.platform(webhook_url="http://127.0.0.1:9/hook")
    _, verdict = held(running, with_nobody, 1)
    with pytest.raises(NotDeliveredError):
        carry(running, verdict["instruction"])
    assert state(running, verdict["instruction"]) == "waiting"


def test_a_failed_job_is_scheduled_later_and_later(running: Running, platform: Platform, receiver: Receiver) -> None:
    receiver.behave = said(500, b"")
    held(running, platform, 1)
    running.work()
    (job,) = ask(
        running,
        """
        SELECT status::text, attempts, scheduled_at > now() AS later
        FROM procrastinate_jobs WHERE task_name = 'deliver'
        """,
    )
    assert job == {"status": "todo", "attempts": 1, "later": True}


def test_a_newer_instruction_does_not_wait_behind_an_older_ones_back_off(
    running: Running, platform: Platform, receiver: Receiver
) -> None:
    receiver.behave = said(500, b"")
    _, verdict = held(running, platform, 1)
    running.work()
    assert [data["action"] for data in receiver.got] == ["hold"]
    receiver.behave = acknowledge
    running.clock.forward(hours=25)
    running.work()
    running.work()
    assert [data["action"] for data in receiver.got] == ["hold", "release"]
    assert state(running, verdict["instruction"]) == "superseded"


def test_what_was_superseded_is_not_delivered_any_more(
    running: Running, platform: Platform, receiver: Receiver
) -> None:
    _, verdict = held(running, platform, 1)
    running.clock.forward(hours=25)
    running.work()
    assert [data["action"] for data in receiver.got] == ["release"], "the older one went out of the way"
    carry(running, verdict["instruction"])
    assert len(receiver.got) == 1
    assert state(running, verdict["instruction"]) == "superseded"


def test_an_acknowledgement_of_an_older_instruction_changes_nothing(running: Running, platform: Platform) -> None:
    """Two instructions cross: the older one's answer arrives after the newer was given."""
    _, verdict = held(running, platform, 1)
    running.clock.forward(hours=25)
    running.work()
    older = platform.client.post(f"/v1/instructions/{verdict['instruction']}/acknowledgement", json={"applied": False})
    assert older.status_code == 204
    stream = platform.client.get("/v1/instructions").json()["instructions"]
    assert [item["sequence"] for item in stream] == [1, 2], "sequences say which is newer"
    assert [item["action"] for item in stream] == ["hold", "release"]
    assert state(running, stream[1]["instruction"]) == "acknowledged"
    assert state(running, verdict["instruction"]) == "superseded"


def test_after_three_days_it_is_a_dead_letter_that_can_be_sent_again(
    running: Running, platform: Platform, receiver: Receiver
) -> None:
    receiver.behave = said(503, b"")
    _, verdict = held(running, platform, 1)
    name = verdict["instruction"]
    running.clock.forward(days=2, hours=23)
    with pytest.raises(NotDeliveredError):
        carry(running, name)
    running.clock.forward(hours=1)
    carry(running, name)
    assert state(running, name) == "undelivered"
    carry(running, name)
    assert len(receiver.got) == 2, "nobody tries a dead letter by itself"
    receiver.behave = acknowledge
    assert platform.client.post(f"/v1/instructions/{name}/resend").status_code == 202
    assert state(running, name) == "waiting"
    running.loop.run(_jobs_only(running))
    assert len(receiver.got) == 3
    assert state(running, name) == "acknowledged"
    again = platform.client.post(f"/v1/instructions/{name}/resend")
    assert (again.status_code, again.json()["kind"]) == (409, "state")


async def _jobs_only(running: Running) -> None:
    """Run the jobs that are due, without what the passing of time brings."""
    async with make_client(running.node) as client:
        app = make_app(running.node, client)
        async with app.open_async(running.node.database.pool):
            await app.run_worker_async(
                wait=False, install_signal_handlers=False, delete_jobs="successful", listen_notify=False
            )


def test_a_dead_letter_can_still_be_acknowledged_by_a_platform_that_pulls(
    running: Running, platform: Platform, receiver: Receiver
) -> None:
    receiver.behave = said(500, b"")
    _, verdict = held(running, platform, 1)
    running.clock.forward(days=3)
    carry(running, verdict["instruction"])
    assert state(running, verdict["instruction"]) == "undelivered"
    path = f"/v1/instructions/{verdict['instruction']}/acknowledgement"
    assert platform.client.post(path, json={"applied": True}).status_code == 204
    assert state(running, verdict["instruction"]) == "acknowledged"


def test_another_address_is_used_from_the_next_attempt_on(running: Running, receiver: Receiver) -> None:
    wrong = running.platform(webhook_url="http://127.0.0.1:9/hook")
    _, verdict = held(running, wrong, 1)
    with pytest.raises(NotDeliveredError):
        carry(running, verdict["instruction"])
    running.do(lambda tx: people.change_service(tx, wrong.service, "A platform", receiver.url))
    carry(running, verdict["instruction"])
    assert [data["action"] for data in receiver.got] == ["hold"]
