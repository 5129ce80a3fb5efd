"""Floor rule 4: two people, the second blind, where it weighs."""

from typing import Any

import pytest

from floor.story import (
    KEEP,
    actions,
    case_of,
    counted,
    decide,
    flag,
    in_force,
    make_known,
    picture,
    refused,
    reviewers,
    shown_on,
    vote,
    wait_out_undo,
)
from running import Browser, Nodes, Platform, Running
from tidegate.kernel.errors import ConfigurationError
from tidegate.people.model import Role
from tidegate.settings import read_settings


def one_is_not_enough(node: Running, content: str, people: list[Browser], **choice: Any) -> None:
    """Have one person vote, twice, and see that nothing happens until another does."""
    case = case_of(node, content)
    shown = shown_on(people[0], case)
    counted(vote(people[0], case, shown=shown, **choice))
    refused(vote(people[0], case, shown=shown, **choice), "rule 4")
    wait_out_undo(node)
    assert in_force(node, content) is None
    counted(vote(people[1], case, **choice))
    wait_out_undo(node)
    assert in_force(node, content) is not None


def test_rule_4_the_first_decision_on_a_signal_needs_two(node: Running, platform: Platform, two: list[Browser]) -> None:
    content = str(platform.verdict(picture(1))["content"])
    flag(platform, content)
    one_is_not_enough(node, content, two)
    assert actions(platform, content) == ["remove"]


def test_rule_4_a_protected_account_needs_two(node: Running, platform: Platform, two: list[Browser]) -> None:
    make_known(node, platform, picture(1), two)
    content = platform.verdict(picture(1), platform_id="p", uploader="herald", account_class="press")["content"]
    one_is_not_enough(node, content, two)


@pytest.mark.parametrize("measure", ["suspend_account", "terminate_account"])
def test_rule_4_a_measure_on_an_account_needs_two(
    node: Running, platform: Platform, two: list[Browser], measure: str
) -> None:
    make_known(node, platform, picture(1), two)
    content = platform.verdict(picture(1), platform_id="p", uploader="other")["content"]
    one_is_not_enough(node, content, two, measure=measure)
    assert actions(platform, content)[-1] == measure


def test_rule_4_wide_reach_needs_two(node: Running, platform: Platform, two: list[Browser]) -> None:
    make_known(node, platform, picture(1), two)
    content = platform.verdict(picture(1), platform_id="p", uploader="other", reach=100_000)["content"]
    one_is_not_enough(node, content, two)


def test_rule_4_reach_that_grew_during_the_undo_time_needs_two(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    make_known(node, platform, picture(1), two)
    content = platform.verdict(picture(1), platform_id="p", uploader="other", reach=10)["content"]
    case = case_of(node, content)
    counted(vote(two[0], case))
    answer = platform.client.patch(f"/v1/content/{content}", json={"reach": 5_000_000})
    assert answer.status_code == 200
    wait_out_undo(node)
    assert in_force(node, content) is None
    counted(vote(two[1], case))
    wait_out_undo(node)
    assert in_force(node, content) is not None


def test_rule_4_policy_may_lower_the_reach_and_never_raise_it(nodes: Nodes) -> None:
    node = nodes.start(wide_reach=50)
    platform, two = node.platform(), reviewers(node)
    make_known(node, platform, picture(1), two)
    content = platform.verdict(picture(1), platform_id="p", uploader="other", reach=60)["content"]
    one_is_not_enough(node, content, two)
    with pytest.raises(ConfigurationError, match="rule 4"):
        read_settings(wide_reach=100_001)


def test_rule_4_more_than_fifty_at_once_need_two(node: Running, platform: Platform, two: list[Browser]) -> None:
    make_known(node, platform, picture(1), two)
    content = ""
    for number in range(51):
        content = platform.verdict(picture(1), platform_id=f"p{number}", uploader=f"u{number}")["content"]
    one_is_not_enough(node, content, two)


def test_rule_4_one_is_enough_for_one_known_picture(node: Running, platform: Platform, two: list[Browser]) -> None:
    make_known(node, platform, picture(1), two)
    content = platform.verdict(picture(1), platform_id="p", uploader="other")["content"]
    decide(node, content, two[:1])
    assert actions(platform, content) == ["hold", "remove"]


def test_rule_4_two_who_disagree_wait_for_a_senior_reviewer(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    content = str(platform.verdict(picture(1))["content"])
    flag(platform, content)
    case = case_of(node, content)
    counted(vote(two[0], case))
    counted(vote(two[1], case, KEEP))
    wait_out_undo(node)
    assert in_force(node, content) is None
    senior = node.person(Role.SENIOR_REVIEWER)
    # Another reviewer's page shows no form; the vote is sent all the same.
    refused(vote(node.person(Role.REVIEWER), case, shown=shown_on(senior, case)), "rule 4")
    counted(vote(senior, case, KEEP))
    wait_out_undo(node)
    assert actions(platform, content) == []


def test_rule_4_the_second_is_blind(node: Running, platform: Platform, two: list[Browser]) -> None:
    content = str(platform.verdict(picture(1))["content"])
    flag(platform, content)
    case = case_of(node, content)
    before = two[1].get(f"/cases/{case}").text
    counted(vote(two[0], case, words="unmistakable reasons of the first"))
    seen = two[1].get(f"/cases/{case}").text
    assert "unmistakable reasons" not in seen
    assert str(two[0].staff) not in seen
    assert seen.count("checked") == before.count("checked")
    assert "vote_cast" not in platform.client.get(f"/v1/content/{content}").text


def test_rule_4_nobody_gives_a_role_alone(node: Running) -> None:
    first, _ = node.administrators()
    administrator, someone = node.sign_in(first), node.hire()
    answer = administrator.submit(f"/people/{someone}/roles", role="reviewer", change="grant")
    assert answer.status_code == 303
    page = administrator.get("/people").text
    proposal = page[page.index("/people/proposals/") :].split("/")[3]
    alone = administrator.post(
        f"/people/proposals/{proposal}/approve",
        data={"csrf": administrator.csrf()},
        headers={"accept": "application/json"},
    )
    refused(alone, "rule 4")
