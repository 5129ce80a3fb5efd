"""Ways to have shown again what people removed, or held what they left up, by sending the same once more.

Floor rules 1 and 6: what people decided about a content ends by people alone.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any

import pytest

from floor.story import (
    KEEP,
    REMOVE,
    actions,
    appeal_on,
    case_of,
    complain,
    counted,
    decide,
    flag,
    instructions,
    judge,
    life,
    make_known,
    notice_link,
    picture,
    reviewers,
    standing_notices,
    wait_out_undo,
)
from floor.test_words_beside import VIDEO
from receiving import Receiver
from running import Browser, Nodes, Platform, Running
from tidegate.jail import Jail
from tidegate.people.model import Role
from tidegate.signal.model import Label
from tidegate.verdict.store import removed_as, unchecked_backlog, unchecked_to_retry

DAY = timedelta(hours=24)


def stays(node: Running, platform: Platform, content: str, restriction: str = "removed") -> None:
    """Demand that no time ends it."""
    node.clock.forward(hours=25)
    node.work()
    assert life(platform, content)["restriction"] == restriction
    assert "release" not in actions(platform, content)
    assert [row["cause"] for row in standing_notices(node, content)] == ["decision"]


def said_removed(node: Running, platform: Platform, answer: dict[str, Any]) -> None:
    """Demand what a platform needs that knows nothing but verdicts, sequences and instructions."""
    assert (answer["verdict"], answer["reason"], answer["removed"]) == ("hold", "decided_before", True)
    assert datetime.fromisoformat(answer["expires_at"]) <= node.clock() + DAY
    newest = instructions(platform, answer["content"])[-1]
    assert newest["sequence"] > answer["sequence"], "or it would be overtaken by the answer itself"
    assert newest["notice_url"]


def test_rule_6_what_people_removed_stays_removed_when_it_is_sent_again(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    content = make_known(node, platform, picture(1), two)
    for number in (2, 3):
        again = platform.verdict(picture(1), platform_id="first", uploader="first-uploader")
        said_removed(node, platform, again)
        assert actions(platform, content) == ["remove"] * number
        assert (again["content"], again["revision"], again["instruction"]) == (content, 1, None)
    node.work()
    stays(node, platform, content)
    assert len({item["notice_url"] for item in instructions(platform, content)}) == 1


@pytest.mark.parametrize("about", [{"account_class": "press"}, {"surface": "closed_group"}])
def test_rule_6_nor_is_it_shown_because_a_machine_may_not_hold_there(
    node: Running, platform: Platform, two: list[Browser], about: dict[str, str]
) -> None:
    """A machine's "people will look" would have the platform publish it."""
    content = str(platform.verdict(picture(1), platform_id="p", uploader="u", **about)["content"])
    flag(platform, content)
    decide(node, content, two)
    said_removed(node, platform, platform.verdict(picture(1), platform_id="p", uploader="u", **about))
    stays(node, platform, content)


@pytest.mark.parametrize("measure", ["suspend_account", "terminate_account"])
def test_rule_6_a_measure_on_the_account_goes_on_when_its_content_is_sent_again(
    node: Running, platform: Platform, two: list[Browser], measure: str
) -> None:
    content = str(platform.verdict(picture(2), platform_id="p", uploader="u")["content"])
    flag(platform, content)
    decide(node, content, two, measure=measure)
    said_removed(node, platform, platform.verdict(picture(2), platform_id="p", uploader="u"))
    assert actions(platform, content) == [measure] * 2
    stays(node, platform, content, {"suspend_account": "account_suspended"}.get(measure, "account_terminated"))


def test_rule_6_what_people_look_at_again_stays_removed_meanwhile(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    """Its decision stands in doubt, so these bytes are held nowhere else; here they still are removed."""
    anchor = make_known(node, platform, picture(1), two)
    relying = str(platform.verdict(picture(1), platform_id="relying", uploader="another")["content"])
    decide(node, relying, two[:1])
    counted(complain(node, notice_link(platform, anchor)))
    for person in reviewers(node, 2, Role.APPEAL_REVIEWER):
        counted(judge(person, appeal_on(node, anchor), "not_terrorist"))
    node.work()
    assert life(platform, anchor)["restriction"] == "none"
    elsewhere = platform.verdict(picture(1), platform_id="elsewhere", uploader="someone")
    assert (elsewhere["verdict"], elsewhere["removed"]) == ("clear", False)
    again = platform.verdict(picture(1), platform_id="relying", uploader="another")
    said_removed(node, platform, again)
    stays(node, platform, relying)


def test_rule_6_a_removed_video_sent_again_is_never_told_as_clear(nodes: Nodes) -> None:
    node = nodes.start(video_patience_seconds=0.0)
    platform = node.platform()
    content = str(platform.upload(VIDEO, kind="video", platform_id="film").json()["content"])
    node.work()
    flag(platform, content)
    decide(node, content, reviewers(node))
    said_removed(node, platform, platform.upload(VIDEO, kind="video", platform_id="film").json())
    stays(node, platform, content)


def test_rule_6_a_removed_video_that_nobody_watched_by_frames_is_not_checked_anew_instead(nodes: Nodes) -> None:
    """It was held for its bytes alone, and its decision stands in doubt; waiting for a verdict says nothing of that."""
    node = nodes.start(video_patience_seconds=0.0)
    platform, people = node.platform(), reviewers(node)
    anchor = str(platform.upload(VIDEO, kind="video", platform_id="film", uploader="first").json()["content"])
    node.work()
    flag(platform, anchor)
    decide(node, anchor, people)
    relying = platform.upload(VIDEO, kind="video", platform_id="relying", uploader="another").json()
    assert (relying["verdict"], relying["reason"]) == ("hold", "decided_before")
    decide(node, relying["content"], people[:1])
    counted(complain(node, notice_link(platform, anchor)))
    for person in reviewers(node, 2, Role.APPEAL_REVIEWER):
        counted(judge(person, appeal_on(node, anchor), "not_terrorist"))
    node.work()
    again = platform.upload(VIDEO, kind="video", platform_id="relying", uploader="another")
    said_removed(node, platform, again.json())
    stays(node, platform, relying["content"])


def test_rule_6_a_verdict_on_a_video_that_comes_late_is_not_told_of_what_people_removed(nodes: Nodes) -> None:
    """No machine could read it, and told so once more its platform would show it."""
    node, receiver = nodes.start(video_patience_seconds=0.0, unchecked_share=0.0), Receiver()
    try:
        platform, film = node.platform(webhook_url=receiver.url), b"no video at all"
        content = str(platform.upload(film, kind="video", platform_id="film").json()["content"])
        node.work()
        assert [told["verdict"] for told in receiver.got if "verdict" in told] == ["unchecked"]
        flag(platform, content)
        # Its bytes arrive, and wait to be checked while people decide.
        assert platform.client.put(f"/v1/content/{content}/bytes", content=film).status_code == 204
        decide(node, content, reviewers(node))
        node.work()
        assert life(platform, content)["checking"] is None, "the check is over"
        assert [told["verdict"] for told in receiver.got if "verdict" in told] == ["unchecked"]
        assert [told["action"] for told in receiver.got if "action" in told] == ["remove"]
    finally:
        receiver.stop()


def test_rule_2_what_people_removed_waits_for_no_engine(node: Running, platform: Platform, two: list[Browser]) -> None:
    node.node.jail = Jail(size=1)
    content = str(platform.verdict(picture(6), platform_id="p")["content"])
    assert node.do(unchecked_backlog) == 1
    flag(platform, content)
    decide(node, content, two)
    assert node.do(unchecked_backlog) == 0
    assert node.do(unchecked_to_retry) == []


def test_rule_6_what_was_restored_is_not_called_removed(node: Running, platform: Platform, two: list[Browser]) -> None:
    """People looked again at what they removed, and let it be shown: sent again it may not be taken for removed."""
    content = make_known(node, platform, picture(1), two)
    flag(platform, content)
    decide(node, content, two[:1], KEEP)
    assert life(platform, content)["restriction"] == "none"
    again = platform.verdict(picture(1), platform_id="first", uploader="first-uploader")
    assert (again["verdict"], again["removed"]) == ("review", False)
    assert actions(platform, content) == ["remove", "restore"]


def test_rule_6_a_second_removal_that_is_reversed_leaves_no_first_one_behind(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    content = make_known(node, platform, picture(1), two)
    flag(platform, content)
    decide(node, content, two[:1], REMOVE)
    counted(complain(node, notice_link(platform, content)))
    counted(judge(node.person(Role.APPEAL_REVIEWER), appeal_on(node, content), "not_terrorist"))
    node.work()
    assert life(platform, content)["restriction"] == "none"
    again = platform.verdict(picture(1), platform_id="first", uploader="first-uploader")
    assert (again["verdict"], again["removed"]) == ("review", False)
    assert life(platform, content)["restriction"] == "none"


def test_rule_1_a_decision_on_other_bytes_there_lets_nothing_be_forgotten(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    """Nobody said anything about the bytes that were removed, so they still come back to people elsewhere."""
    content = make_known(node, platform, picture(1), two)
    platform.verdict(picture(9), platform_id="first", uploader="first-uploader")
    flag(platform, content)
    decide(node, content, two[:1], KEEP)
    remembered = node.do(lambda tx: tx.answer(removed_as(hashlib.sha256(picture(1)).digest())))
    assert remembered == {Label.INSTRUCTS}
    assert platform.verdict(picture(9), platform_id="first", uploader="first-uploader")["removed"] is False


def test_rule_1_of_two_decisions_on_one_content_only_the_second_is_remembered(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    """Glorification alone holds nothing anywhere, whatever an earlier decision called it."""
    content = make_known(node, platform, picture(1), two)
    flag(platform, content)
    decide(node, content, two[:1], {**REMOVE, "label": "glorifies"})
    remembered = node.do(lambda tx: tx.answer(removed_as(hashlib.sha256(picture(1)).digest())))
    assert remembered == {Label.GLORIFIES}


def test_rule_1_what_people_left_up_is_not_held_when_it_is_known_later(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    """They looked at this very content; what others showed afterwards with the same bytes is no reason to hold it."""
    content = str(platform.verdict(picture(4), platform_id="report", uploader="newsroom")["content"])
    flag(platform, content)
    decide(node, content, two[:1], KEEP)
    other = str(platform.verdict(picture(4), platform_id="other", uploader="other")["content"])
    flag(platform, other)
    decide(node, other, two)
    again = platform.verdict(picture(4), platform_id="report", uploader="newsroom")
    assert (again["verdict"], again["reason"]) == ("review", "hold_used_up")
    assert actions(platform, content) == []
    assert again["case"] == str(case_of(node, content))
    wait_out_undo(node)
    assert life(platform, content)["restriction"] == "none"
