"""Floor rule 6: a complaint is decided by other people, and a reversal undoes every effect."""

import pytest

from floor.story import (
    actions,
    appeal_on,
    case_of,
    complain,
    counted,
    decide,
    flag,
    judge,
    known_signals,
    leaves,
    make_known,
    notice_link,
    picture,
    refused,
    reviewers,
)
from running import Browser, Platform, Running
from tidegate.people.model import Role
from tidegate.signal.model import Standing


@pytest.fixture
def judges(node: Running) -> list[Browser]:
    return reviewers(node, role=Role.APPEAL_REVIEWER)


def contested(node: Running, platform: Platform, content: str) -> str:
    counted(complain(node, notice_link(platform, content)))
    return str(appeal_on(node, content))


def test_rule_6_who_voted_never_judges(node: Running, platform: Platform) -> None:
    both = [node.person(Role.REVIEWER, Role.APPEAL_REVIEWER) for _ in range(2)]
    content = make_known(node, platform, picture(1), both)
    appeal = contested(node, platform, content)
    for person in both:
        refused(judge(person, appeal, "upheld"), "rule 6")


def test_rule_6_what_two_decided_one_alone_does_not_undo(
    node: Running, platform: Platform, two: list[Browser], judges: list[Browser]
) -> None:
    content = make_known(node, platform, picture(1), two)
    appeal = contested(node, platform, content)
    counted(judge(judges[0], appeal, "not_terrorist"))
    refused(judge(judges[0], appeal, "not_terrorist"), "rule 6")
    assert actions(platform, content) == ["remove"]
    counted(judge(judges[1], appeal, "not_terrorist"))
    assert actions(platform, content) == ["remove", "restore"]


def test_rule_6_a_judgement_gives_reasons(
    node: Running, platform: Platform, two: list[Browser], judges: list[Browser]
) -> None:
    content = make_known(node, platform, picture(1), two)
    refused(judge(judges[0], contested(node, platform, content), "upheld", words=" "), "rule 6")


def test_rule_6_no_reviewer_administrator_or_key_judges(node: Running, platform: Platform, two: list[Browser]) -> None:
    content = make_known(node, platform, picture(1), two)
    appeal = contested(node, platform, content)
    third = node.person(Role.REVIEWER)
    for person in (third, node.sign_in(node.administrators()[0])):
        assert judge(person, appeal, "upheld").status_code == 403
    assert platform.client.post(f"/appeals/{appeal}/judgements").status_code == 404
    node.clock.forward(days=30)
    node.work()
    assert actions(platform, content) == ["remove"]


def test_rule_6_a_reversal_undoes_every_effect(
    node: Running, platform: Platform, two: list[Browser], judges: list[Browser]
) -> None:
    content = str(platform.verdict(picture(1), platform_id="first")["content"])
    reported = flag(platform, content)
    decide(node, content, two, measure="suspend_account")
    assert actions(platform, content) == ["suspend_account"]
    assert platform.verdict(picture(1), platform_id="second", uploader="b")["verdict"] == "hold"
    appeal = contested(node, platform, content)
    for person in judges:
        counted(judge(person, appeal, "not_terrorist"))
    assert actions(platform, content) == ["suspend_account", "reinstate_account"]
    assert {signal.standing for signal in known_signals(node)} == {Standing.WITHDRAWN}
    assert platform.verdict(picture(1), platform_id="third", uploader="c")["verdict"] == "clear"
    assert platform.client.get(f"/v1/flags/{reported}").json()["outcome"] == "left_up"
    counts = {row["kind"]: 0 for row in leaves(node)}
    for row in leaves(node):
        counts[row["kind"]] += row["count"]
    assert counts["restoration"] == 1
    assert counts["account_action"] == 2


def test_rule_6_an_allowed_use_comes_back_and_what_is_known_stays_known(
    node: Running, platform: Platform, two: list[Browser], judges: list[Browser]
) -> None:
    content = make_known(node, platform, picture(1), two)
    appeal = contested(node, platform, content)
    for person in judges:
        counted(judge(person, appeal, "use_allowed"))
    assert actions(platform, content) == ["remove", "restore"]
    assert {signal.standing for signal in known_signals(node)} == {Standing.CONFIRMED}
    assert case_of(node, content) is not None


def test_rule_6_a_hold_can_be_contested_before_anyone_decided(
    node: Running, platform: Platform, two: list[Browser], judges: list[Browser]
) -> None:
    make_known(node, platform, picture(1), two)
    held = platform.verdict(picture(1), platform_id="p", uploader="other")["content"]
    counted(judge(judges[0], contested(node, platform, held), "use_allowed"))
    assert actions(platform, held) == ["hold", "release"]
