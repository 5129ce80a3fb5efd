"""Ways around two people (floor rules 4 and 6): at once, by proxy, by replay, by having voted the other way."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from floor.story import (
    KEEP,
    REMOVE,
    actions,
    anew,
    appeal_on,
    case_of,
    complain,
    counted,
    decide,
    flag,
    in_force,
    judge,
    make_known,
    notice_link,
    picture,
    refused,
    reviewers,
    shown_on,
    vote,
    wait_out_undo,
)
from running import Browser, Platform, Running
from tidegate.db.transaction import Transaction
from tidegate.decision import store as decisions
from tidegate.kernel.ids import CaseId, ProposalId
from tidegate.people import store as people
from tidegate.people.model import Role

WIDE = 100_000


def flagged(node: Running, platform: Platform, seed: int = 2) -> tuple[str, CaseId]:
    """Have something reported that nobody knows yet."""
    content = str(platform.verdict(picture(seed), platform_id=f"post-{seed}")["content"])
    flag(platform, content)
    return content, case_of(node, content)


def made(node: Running, case: CaseId) -> int:
    """Count the decisions ever made on a case."""

    async def read(tx: Transaction) -> int:
        return len(await decisions.of_case(tx, case))

    return node.do(read)


def newest_proposal(node: Running) -> ProposalId:
    """Find the proposal that waits."""

    async def read(tx: Transaction) -> ProposalId:
        (proposal,) = await people.open_proposals(tx)
        return proposal.id

    return node.do(read)


def test_rule_4_votes_at_the_same_moment_make_one_decision(node: Running, platform: Platform) -> None:
    content, case = flagged(node, platform)
    forms = [(person, person.csrf(), shown_on(person, case)) for person in reviewers(node, 3)]

    def cast(form: tuple[Browser, str, list[str]]) -> int:
        person, csrf, shown = form
        data = {"csrf": csrf, **REMOVE, "shown": shown}
        return person.post(f"/cases/{case}/votes", data=data, headers={"accept": "application/json"}).status_code

    with ThreadPoolExecutor(3) as pool:
        answers = sorted(pool.map(cast, forms))
    assert answers == [303, 303, 409]
    assert made(node, case) == 1
    wait_out_undo(node)
    assert actions(platform, content) == ["remove"]


def test_rule_4_one_person_in_two_sessions_at_the_same_moment_is_one(node: Running, platform: Platform) -> None:
    content, case = flagged(node, platform)
    (person,) = reviewers(node, 1)
    sessions = [person, anew(node, person), anew(node, person)]
    forms = [(session, session.csrf(), shown_on(session, case)) for session in sessions]

    def cast(form: tuple[Browser, str, list[str]]) -> int:
        session, csrf, shown = form
        data = {"csrf": csrf, **REMOVE, "shown": shown}
        return session.post(f"/cases/{case}/votes", data=data, headers={"accept": "application/json"}).status_code

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(cast, forms)) == [303, 403, 403]
    wait_out_undo(node)
    assert made(node, case) == 0
    assert in_force(node, content) is None


def test_rule_4_who_takes_a_vote_back_cannot_be_the_second_too(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    content, case = flagged(node, platform)
    for person in two:
        counted(vote(person, case))

    async def waiting(tx: Transaction) -> str:
        decision = await decisions.waiting_on(tx, case)
        assert decision is not None
        return str(decision.id)

    decision = node.do(waiting)
    stranger, json = reviewers(node, 1)[0], {"accept": "application/json"}
    path = f"/decisions/{decision}/undo"
    refused(stranger.post(path, data={"csrf": stranger.csrf()}, headers=json), "rule 4")
    counted(two[1].submit(path))
    wait_out_undo(node)
    assert actions(platform, content) == []
    counted(vote(two[1], case))
    wait_out_undo(node)
    assert actions(platform, content) == ["remove"]


@pytest.mark.parametrize("exempt", ["news", "research"])
def test_rule_4_one_person_alone_does_not_wave_a_protected_account_through(
    node: Running, platform: Platform, two: list[Browser], exempt: str
) -> None:
    make_known(node, platform, picture(1), two)
    content = str(platform.verdict(picture(1), platform_id="p", uploader="desk", account_class="press")["content"])
    counted(vote(two[0], case_of(node, content), {**KEEP, "exempt": exempt}))
    wait_out_undo(node)
    assert in_force(node, content) is None


def test_rule_4_a_hold_on_an_account_with_wide_reach_is_not_released_by_one(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    make_known(node, platform, picture(1), two)
    content = str(platform.verdict(picture(1), platform_id="p", uploader="other", reach=WIDE)["content"])
    counted(vote(two[0], case_of(node, content), KEEP))
    wait_out_undo(node)
    assert actions(platform, content) == ["hold"]


def test_rule_4_a_vote_covers_only_what_its_voter_saw(node: Running, platform: Platform, two: list[Browser]) -> None:
    make_known(node, platform, picture(1), two)
    seen = str(platform.verdict(picture(1), platform_id="seen", uploader="a")["content"])
    case = case_of(node, seen)
    shown = shown_on(two[0], case)
    later = str(platform.verdict(picture(1), platform_id="later", uploader="b")["content"])
    assert case_of(node, later) == case
    counted(vote(two[0], case, shown=shown))
    wait_out_undo(node)
    assert actions(platform, seen) == ["hold", "remove"]
    assert actions(platform, later) == ["hold"]
    foreign = [f"{later}:1", *shown]
    refused(vote(two[1], case_of(node, later), shown=foreign), "in view", 422)


def test_rule_4_other_words_meanwhile_are_not_decided_with_it(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    make_known(node, platform, picture(1), two)
    content = str(platform.verdict(picture(1), platform_id="p", uploader="other", caption="Look!")["content"])
    counted(vote(two[0], case_of(node, content)))
    change = platform.client.patch(f"/v1/content/{content}", json={"caption": "We report on this attack."})
    assert change.status_code == 200
    wait_out_undo(node)
    assert actions(platform, content) == ["hold"]


def test_rule_4_nobody_approves_a_role_for_themselves(node: Running) -> None:
    first, second = (node.sign_in(staff) for staff in node.administrators())
    counted(first.submit(f"/people/{second.staff}/roles", role="policy_lead", change="grant"))
    path, json = f"/people/proposals/{newest_proposal(node)}/approve", {"accept": "application/json"}
    for person in (first, second):
        refused(person.post(path, data={"csrf": person.csrf()}, headers=json), "rule 4")


def test_rule_4_nobody_makes_a_third_administrator_alone(node: Running) -> None:
    first, target = node.sign_in(node.administrators()[0]), node.hire(name="Puppet")
    path, json = f"/people/{target}/administrator", {"accept": "application/json"}
    refused(first.post(path, data={"csrf": first.csrf()}, headers=json), "rule 4")


def test_rule_4_a_person_let_in_by_the_proposer_is_no_second_person(node: Running) -> None:
    first, second = (node.sign_in(staff) for staff in node.administrators())
    puppet = node.hire(Role.ADMINISTRATOR, name="Puppet")
    shown = first.submit(f"/people/{puppet}/link")
    token = shown.text.split("/sign-in/link?token=")[1][:43]
    newcomer = node.hire(name="Newcomer")
    as_puppet = node.client(node.addresses.staff, headers={"accept": "application/json"})
    headers = {"origin": node.addresses.staff}
    counted(as_puppet.post("/sign-in/link", data={"token": token}, headers=headers))
    counted(first.submit(f"/people/{newcomer}/roles", role="reviewer", change="grant"))
    path = f"/people/proposals/{newest_proposal(node)}/approve"
    page: httpx2.Response = as_puppet.get("/account", headers={"accept": "text/html"})
    csrf = page.text.split('name="csrf" value="')[1].split('"')[0]
    refused(as_puppet.post(path, data={"csrf": csrf}), "rule 4")
    counted(second.submit(path))


def test_rule_6_who_voted_the_other_way_does_not_judge_either(node: Running, platform: Platform) -> None:
    one, dissenting = (node.person(Role.REVIEWER, Role.APPEAL_REVIEWER) for _ in range(2))
    content, case = flagged(node, platform)
    counted(vote(one, case, REMOVE))
    counted(vote(dissenting, case, KEEP))
    counted(vote(node.person(Role.SENIOR_REVIEWER), case, REMOVE))
    wait_out_undo(node)
    counted(complain(node, notice_link(platform, content)))
    refused(judge(dissenting, appeal_on(node, content), "not_terrorist"), "rule 6")


def test_rule_6_who_is_deciding_about_it_does_not_judge_the_hold(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    make_known(node, platform, picture(1), two)
    both = node.person(Role.REVIEWER, Role.APPEAL_REVIEWER)
    content = str(platform.verdict(picture(1), platform_id="p", uploader="other", reach=WIDE)["content"])
    counted(vote(both, case_of(node, content)))
    counted(complain(node, notice_link(platform, content)))
    refused(judge(both, appeal_on(node, content), "upheld"), "rule 6")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.APPEAL_REVIEWER])
def test_rule_6_no_other_role_judges(node: Running, platform: Platform, role: Role) -> None:
    content = make_known(node, platform, picture(1), reviewers(node))
    counted(complain(node, notice_link(platform, content)))
    assert judge(node.person(role), appeal_on(node, content), "upheld").status_code == 403


def test_rule_6_judges_at_the_same_moment_decide_once(node: Running, platform: Platform, two: list[Browser]) -> None:
    content = make_known(node, platform, picture(1), two)
    counted(complain(node, notice_link(platform, content)))
    appeal = appeal_on(node, content)
    judges = reviewers(node, 3, Role.APPEAL_REVIEWER)
    tokens = {person.staff: person.csrf() for person in judges}

    def find(person: Browser) -> int:
        data = {"csrf": tokens[person.staff], "outcome": "not_terrorist", "words": "It reports."}
        path = f"/appeals/{appeal}/judgements"
        return person.post(path, data=data, headers={"accept": "application/json"}).status_code

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(find, judges)) == [303, 303, 409]
    assert actions(platform, content) == ["remove", "restore"]


def test_rule_6_a_reversal_brings_back_everything_the_decision_covered(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    before = make_known(node, platform, picture(1), two)
    every = [
        str(platform.verdict(picture(1), platform_id=f"post-{number}", uploader=f"user-{number}")["content"])
        for number in range(3)
    ]
    decide(node, every[0], two[:1])
    counted(complain(node, notice_link(platform, every[1])))
    counted(judge(node.person(Role.APPEAL_REVIEWER), appeal_on(node, every[1]), "not_terrorist"))
    assert {actions(platform, content)[-1] for content in every} == {"restore"}
    assert actions(platform, before) == ["remove"]
