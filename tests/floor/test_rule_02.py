"""Floor rule 2: "could not be checked" is its own answer, never ``clear``; exact bytes are matched all the same."""

from collections.abc import Callable
from typing import cast

from floor.story import actions, case_of, decide, flag, known_signals, life, make_known, picture, reviewers
from running import Nodes, Platform, Running
from tidegate.jail import Jail
from tidegate.people.model import Scope
from tidegate.verdict.store import unchecked_backlog

NOT_A_PICTURE = b"GIF89a this is no picture at all" * 10


class Hurried:
    """The real jail, given no time."""

    def __init__(self, jail: Jail) -> None:
        self._jail = jail
        self.running = True

    async def read(
        self,
        read: Callable[[bytes], object],
        function: str,
        data: bytes,
        arguments: bytes = b"",
        *,
        answer_limit: int,
    ) -> object:
        return await self._jail.read(read, function, data, arguments, 1e-9, answer_limit=answer_limit)


def stop_engine(node: Running) -> Jail:
    """Put a jail in place that nobody started; give the one that was."""
    running, node.node.jail = node.node.jail, Jail(size=1)
    return running


def test_rule_2_what_cannot_be_decoded_is_unchecked(platform: Platform) -> None:
    answer = platform.verdict(NOT_A_PICTURE)
    assert (answer["verdict"], answer["reason"]) == ("unchecked", "undecodable")


def test_rule_2_what_is_too_large_to_decode_is_unchecked(nodes: Nodes) -> None:
    platform = nodes.start(largest_decoded_bytes=2**16).platform()
    answer = platform.verdict(picture(1) + b"\0" * 2**16)
    assert (answer["verdict"], answer["reason"]) == ("unchecked", "too_large")


def test_rule_2_what_takes_too_long_is_unchecked(node: Running, platform: Platform) -> None:
    node.node.jail = cast("Jail", Hurried(node.node.jail))
    # Large, so that no child can be done before the clock was looked at even once.
    answer = platform.verdict(picture(1, side=1600))
    assert (answer["verdict"], answer["reason"]) == ("unchecked", "timeout")


def test_rule_2_without_an_engine_nothing_is_clear(node: Running, platform: Platform) -> None:
    stop_engine(node)
    answer = platform.verdict(picture(1))
    assert (answer["verdict"], answer["reason"]) == ("unchecked", "engine_down")


def test_rule_2_sending_it_again_does_not_make_it_clear(node: Running, platform: Platform) -> None:
    stop_engine(node)
    for name in ("same", "same", "other"):
        assert platform.verdict(picture(1), platform_id=name)["verdict"] == "unchecked"
    assert platform.verdict(NOT_A_PICTURE, platform_id="same")["verdict"] == "unchecked"


def test_rule_2_exact_bytes_are_held_though_no_engine_runs(node: Running, platform: Platform) -> None:
    make_known(node, platform, picture(1), reviewers(node))
    stop_engine(node)
    answer = platform.verdict(picture(1), platform_id="second", uploader="someone-else")
    assert (answer["verdict"], answer["reason"]) == ("hold", "decided_before")


def test_rule_2_exact_bytes_are_held_though_nothing_decodes_them(node: Running, platform: Platform) -> None:
    first = platform.verdict(NOT_A_PICTURE)
    flag(platform, first["content"])
    decide(node, first["content"], reviewers(node))
    assert [signal.kind for signal in known_signals(node)] == ["sha256"]
    answer = platform.verdict(NOT_A_PICTURE, platform_id="second", uploader="someone-else")
    assert answer["verdict"] == "hold"
    assert [match["kind"] for match in answer["matches"]] == ["sha256"]
    assert actions(platform, answer["content"]) == ["hold"]


def test_rule_2_exact_bytes_are_held_though_too_large(nodes: Nodes) -> None:
    node = nodes.start(largest_decoded_bytes=2**16)
    platform, data = node.platform(), picture(1) + b"\0" * 2**16
    first = platform.verdict(data)
    flag(platform, first["content"])
    decide(node, first["content"], reviewers(node))
    assert platform.verdict(data, platform_id="second", uploader="someone-else")["verdict"] == "hold"


def test_rule_2_what_the_engine_missed_is_checked_later(node: Running, platform: Platform) -> None:
    engine = stop_engine(node)
    answer = platform.verdict(picture(1))
    assert node.do(unchecked_backlog) == 1
    node.clock.forward(seconds=6)
    node.work()
    assert node.do(unchecked_backlog) == 1
    node.node.jail = engine
    node.clock.forward(seconds=6)
    node.work()
    assert node.do(unchecked_backlog) == 0
    given = [
        item["data"]["verdict"]
        for item in life(platform, answer["content"])["life"]
        if item["event"] == "verdict.given"
    ]
    assert given == ["unchecked", "clear"]


def test_rule_2_what_the_engine_missed_is_found_later(node: Running, platform: Platform) -> None:
    make_known(node, platform, picture(1), reviewers(node))
    engine = stop_engine(node)
    again = picture(1, quality=70)
    answer = platform.verdict(again, platform_id="second", uploader="someone-else")
    assert answer["verdict"] == "unchecked"
    node.node.jail = engine
    node.clock.forward(seconds=6)
    node.work()
    given = [
        item["data"]["verdict"]
        for item in life(platform, answer["content"])["life"]
        if item["event"] == "verdict.given"
    ]
    assert given == ["unchecked", "review"]
    assert case_of(node, answer["content"]) is not None


def test_rule_2_people_are_shown_a_sample_of_what_no_engine_can_check(platform: Platform) -> None:
    answer = platform.verdict(NOT_A_PICTURE)
    assert answer["case"] is not None


def test_rule_2_a_match_without_record_says_unchecked_too(nodes: Nodes) -> None:
    node = nodes.start(match_without_record=True)
    platform = node.platform(scopes=frozenset({Scope.MATCH}))
    answer = platform.client.post("/v1/match", content=NOT_A_PICTURE, headers={"content-type": "image/gif"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["unchecked"] == "undecodable"
