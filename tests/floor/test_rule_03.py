"""Floor rule 3: every vote answers the exception question, and a vote to restrict names its ground."""

import pytest

from floor.story import (
    KEEP,
    REMOVE,
    actions,
    case_of,
    counted,
    decide,
    flag,
    notice_link,
    picture,
    refused,
    reviewers,
    vote,
)
from running import Browser, Platform, Running
from tidegate.kernel.ids import CaseId


@pytest.fixture
def content(platform: Platform) -> str:
    content = str(platform.verdict(picture(1))["content"])
    flag(platform, content)
    return content


@pytest.fixture
def case(node: Running, content: str) -> CaseId:
    return case_of(node, content)


@pytest.fixture
def reviewer(node: Running) -> Browser:
    return reviewers(node, 1)[0]


def test_rule_3_a_vote_without_the_exception_question_does_not_count(reviewer: Browser, case: CaseId) -> None:
    refused(vote(reviewer, case, REMOVE, exempt=None), "rule 3")
    refused(vote(reviewer, case, REMOVE, exempt=""), "rule 3")


def test_rule_3_nor_does_a_vote_to_keep_without_it(reviewer: Browser, case: CaseId) -> None:
    refused(vote(reviewer, case, KEEP, exempt=None), "rule 3")


@pytest.mark.parametrize("missing", [{"provision": None}, {"provision": "none"}, {"provision": None, "ground": None}])
def test_rule_3_a_vote_to_restrict_names_law_or_house_rule_and_which(
    reviewer: Browser, case: CaseId, missing: dict[str, str | None]
) -> None:
    refused(vote(reviewer, case, REMOVE, **missing), "rule 3")


@pytest.mark.parametrize("ground", [None, ""])
def test_rule_3_the_ground_follows_from_the_rule_named(
    node: Running, platform: Platform, content: str, ground: str | None
) -> None:
    decide(node, content, reviewers(node), REMOVE, ground=ground)
    page = node.public().get(notice_link(platform, content), headers={"accept": "text/html"})
    assert "against the law named here" in page.text
    assert "2(7)(d)" in page.text


@pytest.mark.parametrize(("exempt", "status"), [("none", 422), ("news", 303)])
def test_rule_3_that_something_is_restricted_is_never_filled_in(
    node: Running, platform: Platform, content: str, reviewer: Browser, case: CaseId, exempt: str, status: int
) -> None:
    assert vote(reviewer, case, REMOVE, measure="", exempt=exempt).status_code == status
    node.clock.forward(seconds=60)
    node.work()
    assert actions(platform, content) == []


@pytest.mark.parametrize(
    ("ground", "provision"),
    [("law", "house_terrorist_content"), ("house_rule", "tco_2_7_a"), ("law", "house_perpetrator_content")],
)
def test_rule_3_the_provision_is_of_the_ground(reviewer: Browser, case: CaseId, ground: str, provision: str) -> None:
    refused(vote(reviewer, case, REMOVE, ground=ground, provision=provision), "rule 3")


@pytest.mark.parametrize("measure", ["remove", "suspend_account", "terminate_account"])
@pytest.mark.parametrize("exempt", ["news", "research", "education", "art", "countering", "public_debate"])
def test_rule_3_where_an_exception_applies_nothing_is_restricted(
    reviewer: Browser, case: CaseId, measure: str, exempt: str
) -> None:
    refused(vote(reviewer, case, REMOVE, measure=measure, exempt=exempt), "rule 3")


@pytest.mark.parametrize(
    ("field", "value"),
    [("exempt", "maybe"), ("ground", "custom"), ("provision", "tco_9"), ("measure", "delete_everything")],
)
def test_rule_3_words_outside_the_lists_are_no_vote(reviewer: Browser, case: CaseId, field: str, value: str) -> None:
    assert vote(reviewer, case, REMOVE, **{field: value}).status_code in {403, 422}


def test_rule_3_refused_votes_leave_no_trace(
    node: Running, platform: Platform, content: str, reviewer: Browser, case: CaseId
) -> None:
    vote(reviewer, case, REMOVE, exempt="news")
    vote(reviewer, case, REMOVE, provision=None)
    (other,) = reviewers(node, 1)
    counted(vote(other, case))
    node.clock.forward(seconds=60)
    node.work()
    assert actions(platform, content) == []


def test_rule_3_the_statement_of_reasons_names_ground_provision_and_answer(
    node: Running, platform: Platform, content: str
) -> None:
    decide(node, content, reviewers(node))
    page = node.public().get(notice_link(platform, content), headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "2(7)(d)" in page.text
