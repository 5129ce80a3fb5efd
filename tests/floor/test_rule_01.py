"""Floor rule 1: a machine never removes; the most it does is hold, for a while, what people stand behind."""

from datetime import datetime, timedelta

import pytest

from floor.story import (
    LAST_FOR,
    REMOVE,
    actions,
    appeal_on,
    case_of,
    complain,
    counted,
    decide,
    flag,
    in_force,
    instructions,
    judge,
    known_signals,
    leaves,
    life,
    look_alike,
    make_known,
    notice_link,
    picture,
    refused,
    reviewers,
    standing_notices,
    switch_on_look_alike_holds,
    vote,
    wait_out_undo,
)
from running import Browser, Nodes, Platform, Running
from tidegate.db.transaction import Actor, ActorKind
from tidegate.kernel.errors import ConfigurationError
from tidegate.people import steps as people_steps
from tidegate.people.model import ProposalKind, Role
from tidegate.settings import read_settings
from tidegate.web.door import Door, Listener

DAY = timedelta(hours=24)


@pytest.fixture
def known(node: Running, platform: Platform, two: list[Browser]) -> bytes:
    """A picture that two people found to be terrorist content."""
    data = picture(1)
    make_known(node, platform, data, two)
    return data


def test_rule_1_an_exact_match_is_held_for_at_most_a_day(node: Running, platform: Platform, known: bytes) -> None:
    answer = platform.verdict(known, platform_id="second", uploader="someone-else")
    assert (answer["verdict"], answer["reason"]) == ("hold", "decided_before")
    assert datetime.fromisoformat(answer["expires_at"]) <= node.clock() + DAY
    (held,) = instructions(platform, answer["content"])
    assert (held["action"], held["cause"], held["expires_at"]) == ("hold", "match", answer["expires_at"])


def test_rule_1_no_time_and_no_repetition_makes_a_machine_remove(
    node: Running, platform: Platform, known: bytes
) -> None:
    answers = [
        platform.verdict(known, platform_id=f"again-{number % 5}", uploader="someone-else") for number in range(10)
    ]
    for _ in range(3):
        node.clock.forward(hours=13)
        node.work()
    asked = {action for answer in answers for action in actions(platform, answer["content"])}
    assert asked == {"hold", "release"}
    assert all(life(platform, answer["content"])["restriction"] == "none" for answer in answers)


def test_rule_1_no_route_of_a_platform_removes_or_decides() -> None:
    asked = {declared.path for declared in Door.every if declared.listener is Listener.PLATFORM}
    words = ("vote", "decision", "remove", "confirm", "judg", "hold", "suspend")
    assert not [path for path in asked if any(word in path for word in words)]


@pytest.mark.parametrize("field", ["verdict", "action", "hold", "remove", "measure", "expires_at", "decision"])
def test_rule_1_an_upload_cannot_ask_for_what_becomes_of_it(platform: Platform, field: str) -> None:
    refused(platform.upload(picture(1), headers=None, **{field: "remove"}), field, 422)


def test_rule_1_a_look_alike_goes_to_people_and_stays_up(platform: Platform, known: bytes) -> None:
    answer = platform.verdict(look_alike(1), platform_id="alike", uploader="someone-else")
    assert known != look_alike(1)
    assert (answer["verdict"], answer["reason"], answer["expires_at"]) == ("review", "look_alike", None)
    assert answer["matches"]
    assert actions(platform, answer["content"]) == []


def test_rule_1_look_alike_holds_need_two_policy_leads(node: Running, platform: Platform, known: bytes) -> None:
    lead = node.person(Role.POLICY_LEAD)
    lead.submit("/policy/look-alike-holds", on="true")
    alone = platform.verdict(look_alike(1), platform_id="alone", uploader="someone-else")
    assert alone["verdict"] == "review"
    switch_on_look_alike_holds(node)
    both = platform.verdict(look_alike(1), platform_id="both", uploader="another")
    assert (both["verdict"], both["reason"]) == ("hold", "look_alike")
    assert datetime.fromisoformat(both["expires_at"]) <= node.clock() + DAY
    assert known


def test_rule_1_one_policy_lead_cannot_be_both(node: Running, known: bytes) -> None:
    lead = Actor(ActorKind.STAFF, node.hire(Role.POLICY_LEAD))
    proposal = node.do(lambda tx: people_steps.propose(tx, ProposalKind.LOOK_ALIKE_HOLDS_ON), lead)
    with pytest.raises(Exception, match="someone else must approve") as raised:
        node.do(lambda tx: people_steps.approve(tx, proposal), lead)
    assert getattr(raised.value, "reference", None) == "rule 4"
    assert known


@pytest.mark.parametrize("kind", ["press", "research", "parliament", "protected"])
def test_rule_1_protected_accounts_are_never_held(platform: Platform, known: bytes, kind: str) -> None:
    answer = platform.verdict(known, platform_id="news", uploader="newsroom", account_class=kind)
    assert (answer["verdict"], answer["reason"]) == ("review", "protected_account")
    assert actions(platform, answer["content"]) == []


def test_rule_1_sending_the_same_again_stretches_nothing(node: Running, platform: Platform, known: bytes) -> None:
    first = platform.verdict(known, platform_id="held", uploader="someone-else")
    node.clock.forward(hours=20)
    again = platform.verdict(known, platform_id="held", uploader="someone-else")
    assert (again["verdict"], again["expires_at"]) == ("hold", first["expires_at"])
    assert actions(platform, first["content"]) == ["hold"]


def test_rule_1_another_id_of_the_same_uploader_ends_with_the_first(
    node: Running, platform: Platform, known: bytes
) -> None:
    first = platform.verdict(known, platform_id="one", uploader="someone-else")
    node.clock.forward(hours=20)
    second = platform.verdict(known, platform_id="two", uploader="someone-else")
    assert second["content"] != first["content"]
    assert (second["verdict"], second["expires_at"]) == ("hold", first["expires_at"])
    node.clock.forward(hours=5)
    third = platform.verdict(known, platform_id="three", uploader="someone-else")
    assert (third["verdict"], third["reason"]) == ("review", "hold_used_up")


def test_rule_1_other_bytes_under_the_same_id_do_not_add_a_second_day(
    node: Running, platform: Platform, known: bytes, two: list[Browser]
) -> None:
    other = picture(2)
    node.clock.forward(minutes=1)
    content = str(platform.verdict(other, platform_id="other", uploader="other-uploader")["content"])
    flag(platform, content)
    decide(node, content, two)
    first = platform.verdict(known, platform_id="held", uploader="someone-else")
    node.clock.forward(hours=20)
    revised = platform.verdict(other, platform_id="held", uploader="someone-else")
    assert (revised["revision"], revised["verdict"]) == (2, "hold")
    assert revised["expires_at"] == first["expires_at"]


def test_rule_1_a_hold_lapses_by_itself_and_is_never_renewed(node: Running, platform: Platform, known: bytes) -> None:
    held = platform.verdict(known, platform_id="held", uploader="someone-else")
    node.clock.forward(seconds=LAST_FOR)
    node.work()
    newest = instructions(platform, held["content"])[-1]
    assert (newest["action"], newest["cause"]) == ("release", "time_limit")
    assert newest["sequence"] > held["sequence"]
    assert standing_notices(node, held["content"]) == []
    for name in ("held", "elsewhere"):
        answer = platform.verdict(known, platform_id=name, uploader="someone-else")
        assert (answer["verdict"], answer["reason"]) == ("review", "hold_used_up")
    assert life(platform, held["content"])["restriction"] == "none"


def test_rule_1_a_hold_is_over_on_time_even_if_no_worker_runs(node: Running, platform: Platform, known: bytes) -> None:
    platform.verdict(known, platform_id="held", uploader="someone-else")
    node.clock.forward(seconds=LAST_FOR + 1)
    answer = platform.verdict(known, platform_id="held", uploader="someone-else")
    assert (answer["verdict"], answer["reason"], answer["expires_at"]) == ("review", "hold_used_up", None)


def test_rule_1_what_people_released_a_machine_never_holds_again(
    node: Running, platform: Platform, known: bytes
) -> None:
    held = platform.verdict(known, platform_id="held", uploader="someone-else")
    link = notice_link(platform, held["content"])
    counted(complain(node, link))
    judge_of_it = node.person(Role.APPEAL_REVIEWER)
    counted(judge(judge_of_it, appeal_on(node, held["content"]), "use_allowed"))
    assert actions(platform, held["content"]) == ["hold", "release"]
    for name in ("held", "elsewhere"):
        answer = platform.verdict(known, platform_id=name, uploader="someone-else")
        assert (answer["verdict"], answer["reason"]) == ("review", "hold_used_up")


def test_rule_1_two_signals_hold_no_longer_than_one(node: Running, platform: Platform, known: bytes) -> None:
    switch_on_look_alike_holds(node)
    first = platform.verdict(known, platform_id="held", uploader="someone-else")
    node.clock.forward(hours=23)
    alike = platform.verdict(look_alike(1), platform_id="held", uploader="someone-else")
    assert alike["revision"] == 2
    assert alike["expires_at"] == first["expires_at"]


def test_rule_1_a_hold_has_its_statement_and_its_way_to_complain_from_its_start(
    node: Running, platform: Platform, known: bytes
) -> None:
    held = platform.verdict(known, platform_id="held", uploader="someone-else")
    assert len(standing_notices(node, held["content"])) == 1
    link = notice_link(platform, held["content"])
    page = node.public().get(link, headers={"accept": "text/html"})
    assert page.status_code == 200
    counted(complain(node, link))
    rows = leaves(node)
    assert [row["measure"] for row in rows if row["kind"] == "hold"] == ["hold"]
    assert sum(row["count"] for row in rows if row["kind"] == "appeal_opened") == 1


def test_rule_1_only_a_person_holds_again(node: Running, platform: Platform, known: bytes) -> None:
    held = platform.verdict(known, platform_id="held", uploader="someone-else")
    node.clock.forward(seconds=LAST_FOR)
    node.work()
    reviewer = node.person(Role.REVIEWER)
    decide(node, held["content"], [reviewer])
    assert actions(platform, held["content"]) == ["hold", "release", "remove"]


def test_rule_1_glorification_alone_never_holds(node: Running, platform: Platform, two: list[Browser]) -> None:
    data = picture(3)
    make_known(node, platform, data, two, label="glorifies", provision="tco_2_7_a")
    assert known_signals(node)
    answer = platform.verdict(data, platform_id="second", uploader="someone-else")
    assert answer["verdict"] == "review"
    assert actions(platform, answer["content"]) == []
    switch_on_look_alike_holds(node)
    alike = platform.verdict(look_alike(3), platform_id="third", uploader="another")
    assert alike["verdict"] == "review"


def test_rule_1_what_is_flagged_is_not_restricted(node: Running, platform: Platform) -> None:
    content = platform.verdict(picture(4))["content"]
    for number in range(5):
        flag(platform, content, reporter=f"reader-{number}", trusted=True, label="instructs")
    node.work()
    assert actions(platform, content) == []


def test_rule_1_a_machine_cannot_wait_for_a_decision_that_was_not_made(
    node: Running, platform: Platform, known: bytes
) -> None:
    held = platform.verdict(known, platform_id="held", uploader="someone-else")
    people = reviewers(node, 1)
    case = case_of(node, held["content"])
    counted(vote(people[0], case, REMOVE))
    assert actions(platform, held["content"]) == ["hold"]
    wait_out_undo(node)
    assert actions(platform, held["content"]) == ["hold", "remove"]
    assert in_force(node, held["content"]) is not None


@pytest.mark.parametrize("seconds", [LAST_FOR + 1, 10 * LAST_FOR, float("inf")])
def test_rule_1_no_setting_holds_longer_than_a_day(seconds: float) -> None:
    with pytest.raises(ConfigurationError, match="24 hours"):
        read_settings(hold_seconds=seconds)


def test_rule_1_a_shorter_hold_may_be_set(nodes: Nodes) -> None:
    node = nodes.start(hold_seconds=60)
    platform = node.platform()
    make_known(node, platform, picture(1), reviewers(node))
    held = platform.verdict(picture(1), platform_id="second", uploader="someone-else")
    assert datetime.fromisoformat(held["expires_at"]) == node.clock() + timedelta(seconds=60)
    node.clock.forward(seconds=61)
    node.work()
    assert actions(platform, held["content"]) == ["hold", "release"]
