"""Ways to have a restriction untold, unending or beyond objection (floor rules 1, 5, 6 and 7)."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from floor.story import (
    KEEP,
    LAST_FOR,
    REMOVE,
    actions,
    anew,
    appeal_on,
    case_of,
    complain,
    counted,
    decide,
    flag,
    instructions,
    judge,
    known_signals,
    life,
    make_known,
    notice_link,
    picture,
    refused,
    reviewers,
    sealed_bytes,
    standing_notices,
    vote,
    wait_out_undo,
)
from floor.test_words_beside import VIDEO
from running import Browser, Nodes, Platform, Running
from tidegate.jail import Jail
from tidegate.people.model import Role
from tidegate.signal.model import Standing

RESTRICTING = {"hold", "remove", "suspend_account", "terminate_account"}


@pytest.fixture
def removed(node: Running, platform: Platform, two: list[Browser]) -> str:
    return make_known(node, platform, picture(1), two)


def told_of(node: Running, platform: Platform, content: str) -> None:
    """Demand that what restricts a content now has exactly one standing notice, whose link works."""
    restricts = [item for item in instructions(platform, content) if item["action"] in RESTRICTING]
    assert len(standing_notices(node, content)) == 1
    assert node.public().get(restricts[-1]["notice_url"], headers={"accept": "text/html"}).status_code == 200


@pytest.mark.parametrize("field", ["notice", "notify", "delay_notice", "silent", "notice_at"])
def test_rule_5_no_request_of_a_platform_asks_for_silence(platform: Platform, removed: str, field: str) -> None:
    asked: dict[str, Any] = {field: False}
    refused(platform.upload(picture(3), **asked), field, 422)
    refused(platform.client.patch(f"/v1/content/{removed}", json={field: False}), field, 422)
    refused(platform.client.post("/v1/flags", json={"content": removed, "reporter": "a", field: True}), field, 422)
    newest = instructions(platform, removed)[-1]["instruction"]
    path = f"/v1/instructions/{newest}/acknowledgement"
    refused(platform.client.post(path, json={"applied": True, field: False}), field, 422)


@pytest.mark.parametrize("measure", ["remove", "suspend_account", "terminate_account"])
def test_rule_5_every_measure_is_told(node: Running, platform: Platform, two: list[Browser], measure: str) -> None:
    content = str(platform.verdict(picture(2))["content"])
    flag(platform, content)
    decide(node, content, two, measure=measure)
    told_of(node, platform, content)


def test_rule_5_over_a_long_story_every_restriction_has_a_link_of_its_own(
    node: Running, platform: Platform, removed: str
) -> None:
    platform.verdict(picture(1), platform_id="second", uploader="someone-else")
    node.clock.forward(seconds=LAST_FOR)
    node.work()
    platform.verdict(picture(1), platform_id="third", uploader="another")
    every = instructions(platform)
    assert {item["action"] for item in every} == {"remove", "hold", "release"}
    for item in every:
        assert bool(item["notice_url"]) is (item["action"] in RESTRICTING)
    links = [item["notice_url"] for item in every if item["notice_url"]]
    assert len(set(links)) == len(links)
    for link in links:
        assert node.public().get(link, headers={"accept": "text/html"}).status_code == 200
    assert removed in {item["content"] for item in every}


def test_rule_5_a_platform_that_says_no_and_deletes_cannot_make_the_notice_go_away(
    node: Running, platform: Platform, removed: str
) -> None:
    newest = instructions(platform, removed)[-1]
    path = f"/v1/instructions/{newest['instruction']}/acknowledgement"
    assert platform.client.post(path, json={"applied": False}).status_code == 204
    assert platform.client.delete(f"/v1/content/{removed}").status_code == 204
    told_of(node, platform, removed)
    counted(complain(node, notice_link(platform, removed)))


@pytest.mark.parametrize("measure", ["suspend_account", "terminate_account"])
def test_rule_5_a_new_revision_does_not_end_the_notice_of_a_measure_on_the_account(
    node: Running, platform: Platform, two: list[Browser], removed: str, measure: str
) -> None:
    content = str(platform.verdict(picture(2), platform_id="p", uploader="u")["content"])
    flag(platform, content)
    decide(node, content, two, measure=measure)
    held = platform.verdict(picture(1), platform_id="p", uploader="u")
    # Nor is the answer taken for the instruction about the account, which would never be carried out then.
    (instructed,) = instructions(platform, content)
    assert (held["verdict"], held["instruction"], held["sequence"]) == ("hold", None, instructed["sequence"] - 1)
    node.clock.forward(seconds=LAST_FOR)
    node.work()
    assert life(platform, content)["restriction"].startswith("account_")
    assert [row["cause"] for row in standing_notices(node, content)] == ["decision"]
    assert removed != content


def test_rule_6_a_removed_content_that_came_back_with_other_bytes_can_still_be_restored(
    node: Running, platform: Platform, removed: str
) -> None:
    assert platform.verdict(picture(9), platform_id="first", uploader="first-uploader")["verdict"] == "clear"
    counted(complain(node, notice_link(platform, removed)))
    for person in reviewers(node, 2, Role.APPEAL_REVIEWER):
        counted(judge(person, appeal_on(node, removed), "not_terrorist"))
    assert life(platform, removed)["restriction"] == "none"
    assert standing_notices(node, removed) == []
    again = platform.verdict(picture(1), platform_id="second", uploader="someone-else")
    assert again["verdict"] == "clear"
    assert {signal.standing for signal in known_signals(node)} == {Standing.WITHDRAWN}


def test_rule_1_a_machine_does_not_hold_again_what_a_complaint_brought_back(
    node: Running, platform: Platform, two: list[Browser], removed: str
) -> None:
    content = str(platform.verdict(picture(1), platform_id="second", uploader="someone-else")["content"])
    decide(node, content, two[:1])
    counted(complain(node, notice_link(platform, content)))
    counted(judge(node.person(Role.APPEAL_REVIEWER), appeal_on(node, content), "use_allowed"))
    assert actions(platform, content) == ["hold", "remove", "restore"]
    again = platform.verdict(picture(1), platform_id="second", uploader="someone-else")
    assert again["verdict"] != "hold"
    assert actions(platform, content)[-1] == "restore"
    assert removed != content


def test_rule_1_what_was_allowed_covers_no_other_bytes_put_in_its_place(
    node: Running, platform: Platform, two: list[Browser], removed: str
) -> None:
    content = str(platform.verdict(picture(2), platform_id="p", uploader="u")["content"])
    flag(platform, content)
    decide(node, content, two)
    counted(complain(node, notice_link(platform, content)))
    for person in reviewers(node, 2, Role.APPEAL_REVIEWER):
        counted(judge(person, appeal_on(node, content), "use_allowed"))
    assert platform.verdict(picture(2), platform_id="p", uploader="u")["verdict"] != "hold"
    assert platform.verdict(picture(2), platform_id="q", uploader="u")["verdict"] == "review"
    assert platform.verdict(picture(2), platform_id="r", uploader="other")["verdict"] == "hold"
    assert platform.verdict(picture(1), platform_id="p", uploader="u")["verdict"] == "hold"
    assert removed != content


def test_rule_1_a_hold_lapses_while_one_of_two_has_voted(
    node: Running, platform: Platform, two: list[Browser], removed: str
) -> None:
    content = str(platform.verdict(picture(1), platform_id="second", uploader="someone-else", reach=100_000)["content"])
    counted(vote(two[0], case_of(node, content)))
    node.clock.forward(seconds=LAST_FOR)
    node.work()
    assert actions(platform, content) == ["hold", "release"]
    counted(vote(anew(node, two[1]), case_of(node, content)))
    wait_out_undo(node)
    assert actions(platform, content) == ["hold", "release", "remove"]
    assert removed != content


def test_rule_7_what_is_held_is_kept_though_everyone_deletes_it(
    node: Running, platform: Platform, removed: str
) -> None:
    held = str(platform.verdict(picture(1), platform_id="second", uploader="someone-else")["content"])
    assert platform.client.delete(f"/v1/content/{held}").status_code == 204
    assert platform.client.delete(f"/v1/content/{held}").status_code == 204
    for _ in range(3):
        node.clock.forward(days=300)
        node.work()
    # Its case is still open: nobody decided, so it can still be contested.
    assert sealed_bytes(node, held) == picture(1)
    assert removed != held


def test_rule_7_a_complaint_on_the_last_day_still_finds_everything(
    node: Running, platform: Platform, two: list[Browser], removed: str
) -> None:
    held = str(platform.verdict(picture(1), platform_id="second", uploader="someone-else")["content"])
    decide(node, held, two[:1], REMOVE)
    node.clock.forward(days=184)
    node.clock.now -= timedelta(minutes=1)
    node.work()
    fresh = node.platform(service=platform.service)
    link = notice_link(fresh, held)
    counted(complain(node, link))
    node.clock.forward(days=365)
    node.work()
    assert sealed_bytes(node, held) == picture(1)
    counted(judge(node.person(Role.APPEAL_REVIEWER), appeal_on(node, held), "not_terrorist"))
    assert sealed_bytes(node, held) == picture(1)
    node.clock.forward(days=31)
    node.work()
    assert sealed_bytes(node, held) is None
    assert node.public().get(link, headers={"accept": "text/html"}).status_code == 200
    assert removed != held


def test_rule_2_what_was_flagged_can_be_sent_again(platform: Platform) -> None:
    content = str(platform.verdict(picture(4), platform_id="p")["content"])
    flag(platform, content)
    again = platform.verdict(picture(4), platform_id="p")
    assert (again["content"], again["verdict"]) == (content, "clear")


def test_rule_2_what_is_found_meanwhile_about_a_flagged_content_reaches_people(
    node: Running, platform: Platform
) -> None:
    content = str(platform.verdict(picture(5), platform_id="p")["content"])
    flag(platform, content)
    lead, value = node.person(Role.POLICY_LEAD), hashlib.sha256(picture(5)).hexdigest()
    rows = f"signal_type,signal_str,collab,category,tags\nsha256,{value},list,,instructs\n"
    counted(lead.submit("/signals/import", text=rows))
    again = platform.verdict(picture(5), platform_id="p")
    assert (again["verdict"], again["reason"]) == ("review", "unconfirmed_signal")
    assert str(case_of(node, content)) == again["case"]


def test_rule_2_a_flag_is_answered_by_people_though_the_engine_finds_nothing_later(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    engine, node.node.jail = node.node.jail, Jail(size=1)
    content = str(platform.verdict(picture(6), platform_id="p")["content"])
    reported = flag(platform, content)
    case = case_of(node, content)
    node.node.jail = engine
    node.clock.forward(seconds=6)
    node.work()
    assert life(platform, content)["life"][-1]["data"].get("verdict") == "clear"
    assert case_of(node, content) == case
    decide(node, content, two[:1], KEEP)
    assert platform.client.get(f"/v1/flags/{reported}").json()["outcome"] == "left_up"


def test_rule_2_other_bytes_do_not_make_a_flag_go_away(node: Running, platform: Platform, two: list[Browser]) -> None:
    content = str(platform.verdict(picture(6), platform_id="p")["content"])
    reported = flag(platform, content)
    assert platform.verdict(picture(7), platform_id="p")["revision"] == 2
    decide(node, content, two[:1], KEEP)
    assert platform.client.get(f"/v1/flags/{reported}").json()["outcome"] == "left_up"


def test_rule_6_a_check_that_ends_after_people_removed_a_video_puts_nothing_in_the_place_of_that(nodes: Nodes) -> None:
    """A hold in its place would run out, and show the video again."""
    node = nodes.start(video_patience_seconds=0.0)
    platform = node.platform()
    content = str(platform.upload(VIDEO, kind="video", platform_id="film").json()["content"])
    node.work()
    assert platform.client.get(f"/v1/content/{content}").json()["verdict"] == "clear"
    flag(platform, content)
    # Its bytes arrive, and wait to be checked while people decide; what is issued is issued before they are.
    assert platform.client.put(f"/v1/content/{content}/bytes", content=VIDEO).status_code == 204
    decide(node, content, reviewers(node))
    node.work()
    node.clock.forward(hours=25)
    node.work()
    told = platform.client.get(f"/v1/content/{content}").json()
    assert (told["restriction"], told["bytes_kept"]) == ("removed", True)
    assert actions(platform, content) == ["remove"]
