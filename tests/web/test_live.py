"""Live updates over real HTTP: topics and nothing else, to those who may hear of them, and never in a node's way."""

import asyncio
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from acts import by
from console.console_story import HTML, first_case, flagged, vote
from running import Browser, Nodes, Running
from tidegate.flow import STORY  # imports every stage, so that every event is known
from tidegate.kernel.event import EVENTS
from tidegate.people import steps as people
from tidegate.people.model import Role
from tidegate.web import live


@dataclass
class Heard:
    """What one open stream said so far."""

    lines: list[str] = field(default_factory=list)
    began: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    status: int = 0

    @property
    def topics(self) -> list[str]:
        return [line.removeprefix("event: ") for line in self.lines if line.startswith("event: ")]


def listen(base_url: str, cookies: dict[str, str], headers: dict[str, str], heard: Heard) -> None:
    try:
        with (
            httpx2.Client(base_url=base_url, cookies=cookies, timeout=30, trust_env=False) as client,
            client.stream("GET", "/live", headers=headers) as answer,
        ):
            heard.status = answer.status_code
            heard.began.set()
            for line in answer.iter_lines():
                heard.lines.append(line)
    except (httpx2.HTTPError, httpx2.StreamError):
        pass
    finally:
        heard.ended.set()


def open_stream(node: Running, person: Browser, **headers: str) -> Heard:
    """Open a stream as a page does, in a thread of its own."""
    heard = Heard()
    arguments = (node.addresses.staff, dict(person.cookies), headers, heard)
    threading.Thread(target=listen, args=arguments, daemon=True).start()
    assert heard.began.wait(10)
    return heard


def until(condition: Callable[[], Any], seconds: float = 10) -> bool:
    """Look again and again until something is so, for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look and beat more often than in life."""
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.2)


def wait_until_looking(*streams: Heard) -> None:
    """Wait until the looking has begun, so that what happens next is news to every stream."""
    assert until(lambda: all(any(line.startswith(": still") for line in heard.lines) for heard in streams))


@pytest.mark.usefixtures("quick")
def test_a_vote_by_one_is_heard_by_the_other_and_says_nothing_more(node: Running) -> None:
    platform = node.platform()
    first, second = node.person(Role.REVIEWER), node.person(Role.REVIEWER)
    administrator, auditor = node.sign_in(node.administrators()[0]), node.person(Role.AUDITOR)
    flagged(platform)
    case = first_case(first)
    streams = {person: open_stream(node, person) for person in (second, administrator, auditor)}
    wait_until_looking(*streams.values())
    assert not any("case" in heard.topics for heard in streams.values()), "what was before is no news"
    assert vote(first, case).status_code == 303
    assert until(lambda: "case" in streams[second].topics)
    assert until(lambda: {"case", "record"} <= set(streams[auditor].topics))
    # People are an administrator's business and nobody else's; cases never are.
    node.do(lambda tx: people.add_service(tx, "Another platform", None))
    assert until(lambda: "people" in streams[administrator].topics)
    assert set(streams[administrator].topics) == {"people"}
    assert set(streams[second].topics) == {"case"}
    for heard in streams.values():
        for line in heard.lines:
            assert re.fullmatch(r"(event|data): [a-z]+|retry: 2000|id: again|: [a-z ]+|", line), line
        assert [line for line in heard.lines if line.startswith("data: ")] == [f"data: {t}" for t in heard.topics]


@pytest.mark.usefixtures("quick")
def test_who_comes_again_hears_all_they_may_have_missed(node: Running) -> None:
    reviewer = node.person(Role.REVIEWER)
    heard = open_stream(node, reviewer, **{"last-event-id": "again"})
    assert until(lambda: heard.topics)
    assert heard.topics == ["case"]


def test_the_table_of_topics_names_every_stage_of_the_record() -> None:
    assert {event.kind for event in STORY.with_it} <= set(EVENTS)
    stages = {kind.partition(".")[0] for kind in EVENTS}
    assert live.TOPICS["record"][1] == stages
    assert all(of <= stages for _, of in live.TOPICS.values())


@pytest.mark.usefixtures("quick")
def test_an_ended_session_hears_no_more(node: Running) -> None:
    reviewer = node.person(Role.REVIEWER)
    heard = open_stream(node, reviewer)
    assert reviewer.submit("/sign-out").status_code == 303
    assert heard.ended.wait(5)
    assert "case" not in heard.topics


@pytest.mark.usefixtures("quick")
def test_who_is_suspended_hears_no_more(node: Running) -> None:
    reviewer = node.person(Role.REVIEWER)
    heard = open_stream(node, reviewer)
    node.do(lambda tx: people.suspend_staff(tx, reviewer.staff), by(node.administrators()[0]))
    assert heard.ended.wait(5)


@pytest.mark.usefixtures("quick")
def test_an_open_page_keeps_nobody_signed_in(node: Running) -> None:
    """Half an hour of a page that refreshes by itself and of its stream is half an hour idle."""
    reviewer = node.person(Role.REVIEWER)
    assert reviewer.get("/queue", headers=HTML).status_code == 200
    heard = open_stream(node, reviewer)
    for _ in range(29):
        node.clock.forward(minutes=1)
        assert reviewer.get("/queue/rows", headers=HTML).status_code == 200
    assert not heard.ended.is_set()
    node.clock.forward(minutes=2)
    assert reviewer.get("/queue/rows", headers=HTML).status_code == 401
    assert reviewer.get("/queue", headers=HTML).status_code == 401
    assert heard.ended.wait(5), "the stream ends with the session"


def test_a_person_who_is_there_stays_signed_in(node: Running) -> None:
    reviewer = node.person(Role.REVIEWER)
    for _ in range(4):
        node.clock.forward(minutes=20)
        assert reviewer.get("/queue", headers=HTML).status_code == 200


@pytest.mark.usefixtures("quick")
def test_streams_are_few_and_are_given_back(node: Running) -> None:
    reviewer, other = node.person(Role.REVIEWER), node.person(Role.REVIEWER)
    with httpx2.Client(base_url=node.addresses.staff, cookies=dict(reviewer.cookies), trust_env=False) as client:
        opened = [client.send(client.build_request("GET", "/live"), stream=True) for _ in range(live.MOST_OF_SESSION)]
        assert {answer.status_code for answer in opened} == {200}
        refused = reviewer.get("/live")
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "60"
        assert open_stream(node, other).status == 200, "what one person has open is not counted for another"
        opened.pop().close()
        assert until(lambda: open_stream(node, reviewer).status == 200)
        for answer in opened:
            answer.close()


def test_a_stream_ends_by_itself(node: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LONGEST_SECONDS", 0.3)
    heard = open_stream(node, node.person(Role.REVIEWER))
    assert heard.ended.wait(5)
    assert "retry: 2000" in heard.lines, "the browser comes again by itself"


def test_a_stopping_node_waits_for_no_stream(nodes: Nodes) -> None:
    node = nodes.start()
    heard = [open_stream(node, node.person(Role.REVIEWER)) for _ in range(3)]
    began = time.monotonic()
    nodes.stop_all()
    assert time.monotonic() - began < 3
    assert all(stream.ended.wait(1) for stream in heard)


@pytest.mark.usefixtures("quick")
def test_nobody_looks_when_nobody_listens(node: Running) -> None:
    """The task that reads the record ends with the last stream and begins again with the next."""

    async def tasks() -> int:
        return sum(task.get_name() == "live" for task in asyncio.all_tasks())

    reviewer = node.person(Role.REVIEWER)
    with httpx2.Client(base_url=node.addresses.staff, cookies=dict(reviewer.cookies), trust_env=False) as client:
        assert node.loop.run(tasks()) == 0
        opened = [client.send(client.build_request("GET", "/live"), stream=True) for _ in range(2)]
        assert node.loop.run(tasks()) == 1, "one looks for all"
        for answer in opened:
            answer.close()
    assert until(lambda: node.loop.run(tasks()) == 0)
    again = open_stream(node, reviewer)
    wait_until_looking(again)
    flagged(node.platform(), 4, platform_id="other")
    assert until(lambda: "case" in again.topics)


def test_a_stream_is_logged_apart_and_counts_as_answered_when_it_began(
    node: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(live, "LONGEST_SECONDS", 1.5)
    heard = open_stream(node, node.person(Role.REVIEWER))
    assert heard.ended.wait(10)
    metrics = node.client(node.addresses.platform).get("/metrics").text
    found = re.findall(r'tidegate_request_seconds_sum\{listener="staff",route="/live"\} (\S+)', metrics)
    counted = re.findall(r'tidegate_request_seconds_count\{listener="staff",route="/live"\} (\S+)', metrics)
    assert float(found[0]) / float(counted[0]) < 1.0, "how long someone listened is not how fast we are"
    assert "stream ended" in capsys.readouterr().out
