"""People who decide at once, too late, twice, or about nothing: one decision, and a clear refusal."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx2
import pytest

from acts import ask, by, decide, held, picture, vote, voting
from problems import problem
from running import Browser, Platform, Running
from tidegate.decision import steps as decisions
from tidegate.decision.model import Measure
from tidegate.kernel.errors import Malformed, NotFound, RuleBroken, TidegateError, WrongState
from tidegate.kernel.ids import CaseId, ContentId, DecisionId, StaffId
from tidegate.people.model import Role

_SEEDS = iter(range(1000, 2000))


@pytest.fixture
def reviewers(node: Running) -> list[StaffId]:
    return [node.hire(Role.REVIEWER) for _ in range(3)]


def flagged(node: Running, platform: Platform) -> tuple[str, str]:
    """Have someone report a picture nobody knows; give content and case. Removing it takes two people."""
    seed = next(_SEEDS)
    content = platform.verdict(picture(seed), platform_id=f"post-{seed}")["content"]
    answer = platform.client.post("/v1/flags", json={"content": content, "reporter": "reader"})
    assert answer.status_code == 201, answer.text
    (row,) = ask(node, 'SELECT "case" FROM case_member WHERE content = %s', ContentId.parse(content).value)
    return content, str(CaseId(row["case"]))


def made(node: Running, case: str, state: str = "made") -> int:
    """Count the decisions of a case in a state."""
    sql = 'SELECT count(*) AS n FROM decision WHERE "case" = %s AND state = %s'
    (row,) = ask(node, sql, CaseId.parse(case).value, state)
    count: int = row["n"]
    return count


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do several things at the same time; give what each gave or was refused with."""
    gate, results = threading.Barrier(len(acts)), list[Any]()

    def one(act: Callable[[], Any]) -> None:
        gate.wait()
        try:
            results.append(act())
        except TidegateError as error:
            results.append(error)

    threads = [threading.Thread(target=one, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_people_voting_at_once_make_one_decision(
    node: Running, platform: Platform, reviewers: list[StaffId]
) -> None:
    first, second, _ = reviewers
    for _ in range(3):
        _, case = flagged(node, platform)
        results = at_once(*(partial(vote, node, case, voter, Measure.REMOVE) for voter in (first, second)))
        assert sorted(type(result).__name__ for result in results) == ["DecisionId", "NoneType"]
        assert made(node, case) == 1


def test_where_one_is_enough_the_second_at_once_is_too_late(
    node: Running, platform: Platform, reviewers: list[StaffId]
) -> None:
    _, case = flagged(node, platform)
    results = at_once(*(partial(vote, node, case, voter, Measure.KEEP) for voter in reviewers))
    assert sorted(type(result).__name__ for result in results) == ["DecisionId", "WrongState", "WrongState"]
    assert made(node, case) == 1


def test_one_person_voting_twice_at_once_votes_once(
    node: Running, platform: Platform, reviewers: list[StaffId]
) -> None:
    _, case = flagged(node, platform)
    voter = reviewers[0]
    results = at_once(*(lambda: vote(node, case, voter, Measure.REMOVE) for _ in range(4)))
    refused = [result for result in results if result is not None]
    assert len(refused) == 3
    assert all(isinstance(result, RuleBroken) and result.reference == "rule 4" for result in refused)
    assert made(node, case) == 0


def test_a_vote_on_what_was_decided_issued_or_closed_is_refused(
    node: Running, platform: Platform, reviewers: list[StaffId]
) -> None:
    _, case = flagged(node, platform)
    one, two, three = reviewers
    vote(node, case, one, Measure.REMOVE)
    assert vote(node, case, two, Measure.REMOVE) is not None
    with pytest.raises(WrongState, match="Look at it again"):
        vote(node, case, three, Measure.REMOVE)
    node.clock.forward(seconds=11)
    node.work()
    assert made(node, case, "issued") == 1
    with pytest.raises(WrongState, match="closed"):
        vote(node, case, three, Measure.KEEP)


def test_a_decision_is_undone_once_in_time_and_by_its_own(
    node: Running, platform: Platform, reviewers: list[StaffId]
) -> None:
    content, case = flagged(node, platform)
    one, two, three = reviewers
    vote(node, case, one, Measure.REMOVE)
    decision = vote(node, case, two, Measure.REMOVE)
    assert decision is not None

    def undo(who: StaffId, which: DecisionId = decision) -> None:
        node.do(lambda tx: decisions.undo(tx, which, who), by(who))

    with pytest.raises(RuleBroken, match="Only someone who voted"):
        undo(three)
    results = at_once(lambda: undo(one), lambda: undo(two))
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "WrongState"]
    with pytest.raises(WrongState):
        undo(one)
    assert made(node, case, "undone") == 1
    node.clock.forward(seconds=11)
    node.work()
    assert platform.client.get(f"/v1/content/{content}").json()["restriction"] == "none"
    # The one who undid may think again; the other's vote still counts.
    undoer = next(iter({one, two} - {StaffId(row["voter"]) for row in standing_votes(node, case)}))
    again = vote(node, case, undoer, Measure.REMOVE)
    assert again is not None
    node.clock.forward(seconds=10)
    with pytest.raises(WrongState, match="time to undo has passed"):
        undo(undoer, again)
    node.work()
    with pytest.raises(WrongState):
        undo(undoer, again)
    assert platform.client.get(f"/v1/content/{content}").json()["restriction"] == "removed"


def standing_votes(node: Running, case: str) -> list[dict[str, Any]]:
    sql = 'SELECT voter FROM vote WHERE "case" = %s AND NOT withdrawn'
    return ask(node, sql, CaseId.parse(case).value)


def test_undoing_and_issuing_at_once_do_one_of_them(
    node: Running, platform: Platform, reviewers: list[StaffId]
) -> None:
    _, case = flagged(node, platform)
    decision = vote(node, case, reviewers[0], Measure.KEEP)
    assert decision is not None
    node.clock.forward(seconds=10)
    results = at_once(
        lambda: node.do(lambda tx: decisions.undo(tx, decision, reviewers[0]), by(reviewers[0])),
        lambda: node.do(lambda tx: decisions.issue(tx, decision, node.node.settings.policy)),
        lambda: node.do(lambda tx: decisions.issue(tx, decision, node.node.settings.policy)),
    )
    assert [result for result in results if result is True] == [True]
    assert made(node, case, "issued") == 1


def test_one_who_disagrees_is_never_overruled_by_an_older_vote(
    node: Running, platform: Platform, reviewers: list[StaffId]
) -> None:
    """While a first vote waited for a second, others made the thing known: one vote would do by now."""
    one, two, three = reviewers
    data = picture(next(_SEEDS))
    seen = [
        platform.verdict(data, platform_id=f"post-{which}", caption=f"Words {which}")["content"] for which in (1, 2)
    ]
    cases = []
    for content in seen:
        platform.client.post("/v1/flags", json={"content": content, "reporter": "reader"})
        (row,) = ask(node, 'SELECT "case" FROM case_member WHERE content = %s', ContentId.parse(content).value)
        cases.append(str(CaseId(row["case"])))
    assert vote(node, cases[0], one, Measure.REMOVE) is None
    decide(node, cases[1], Measure.REMOVE, one, two)
    (row,) = ask(
        node,
        """SELECT c.id FROM "case" c JOIN case_member m ON m."case" = c.id
           WHERE m.content = %s AND c.state = 'open'""",
        ContentId.parse(seen[0]).value,
    )
    case = str(CaseId(row["id"]))
    assert vote(node, case, three, Measure.KEEP) is None or made(node, case) == 1
    sql = 'SELECT measure FROM decision WHERE "case" = %s'
    measures = {row["measure"] for row in ask(node, sql, CaseId.parse(case).value)}
    assert "remove" not in measures


def test_votes_about_nothing_are_refused(node: Running, platform: Platform, reviewers: list[StaffId]) -> None:
    _, verdict = held(node, platform, next(_SEEDS))
    with pytest.raises(NotFound):
        vote(node, "case_" + "0" * 26, reviewers[0], Measure.KEEP)
    stale = voting(node, verdict["case"], reviewers[0], Measure.KEEP)
    platform.verdict(picture(next(_SEEDS)))  # other bytes: the case it was in has closed
    with pytest.raises((WrongState, Malformed)):
        node.do(stale, by(reviewers[0]))
    with pytest.raises(NotFound):
        node.do(lambda tx: decisions.undo(tx, tx.new(DecisionId), reviewers[0]), by(reviewers[0]))


# --- the same, as people do it: at the console ---


def send(person: Browser, path: str, **form: str) -> httpx2.Response:
    """Post a form as a program would, that wants problem documents and no pages."""
    headers = {"accept": "application/json", "origin": str(person.base_url).rstrip("/")}
    return person.post(path, data={"csrf": person.csrf(), **form}, headers=headers)


REMOVE = {
    "measure": "remove",
    "exempt": "none",
    "ground": "law",
    "provision": "tco_2_7_a",
    "label": "incites",
    "words": "It calls for it.",
}


def test_at_the_console_two_at_once_make_one_decision_and_each_refusal_is_clear(
    node: Running, platform: Platform
) -> None:
    content, case = flagged(node, platform)
    people = [node.person(Role.REVIEWER) for _ in range(3)]
    whole = {**REMOVE, "shown": f"{content}:1"}
    answers = at_once(*(partial(send, person, f"/cases/{case}/votes", **whole) for person in people[:2]))
    assert {answer.status_code for answer in answers} == {303}
    assert made(node, case) == 1
    (row,) = ask(node, 'SELECT id FROM decision WHERE "case" = %s', CaseId.parse(case).value)
    undo = f"/decisions/{DecisionId(row['id'])}/undo"
    problem(send(people[2], f"/cases/{case}/votes", **whole), 409, "state", "Look at it again")
    problem(send(people[2], undo), 403, "rule", "Only someone who voted", reference="rule 4")
    undone = at_once(*(partial(send, person, undo) for person in people[:2]))
    assert sorted(answer.status_code for answer in undone) == [303, 409]
    for person in people[:2]:
        problem(send(person, undo), 409, "state", "no longer possible")
    for path in ("/cases/nonsense/votes", "/decisions/nonsense/undo"):
        problem(send(people[0], path, **whole), 422, "malformed", "26 letters and digits")
    for path in (f"/cases/case_{'0' * 26}/votes", f"/decisions/decision_{'0' * 26}/undo"):
        problem(send(people[0], path, **whole), 404, "not_found")
