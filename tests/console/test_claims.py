"""Who is on which case: two people do not do the same work, and nobody keeps a case for long."""

import re
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from acts import by, while_open
from console.console_story import HTML, REMOVE, first_case, flagged, shown_on, vote
from problems import problem
from running import Browser, Running
from tidegate.decision.steps import claim_next
from tidegate.people.model import Role

JSON = {"accept": "application/json"}


def send(person: Browser, path: str, **form: str) -> httpx2.Response:
    return person.post(path, data={"csrf": person.csrf(), **form}, headers=JSON)


def cases_of(node: Running, count: int) -> list[str]:
    """Make this many open cases, each about something else; give them in the order of the queue."""
    platform = node.platform()
    for number in range(count):
        flagged(platform, number, platform_id=f"post-{number}", caption=f"Bridge {number}.")
        node.clock.forward(seconds=1)
    page = node.person(Role.REVIEWER).get("/queue", headers=HTML).text
    found = re.findall(r'href="/cases/(case_[a-z0-9]+)"', page)
    assert len(found) == count
    return found


def taken(answer: httpx2.Response) -> str:
    assert answer.status_code == 303, answer.text
    found: str = answer.headers["location"].removeprefix("/cases/")
    return found


@pytest.fixture
def two(node: Running) -> tuple[Browser, Browser]:
    return node.person(Role.REVIEWER, name="First Reviewer"), node.person(Role.REVIEWER, name="Second Reviewer")


def test_while_one_is_on_a_case_the_other_neither_claims_it_nor_votes(
    node: Running, two: tuple[Browser, Browser]
) -> None:
    first, second = two
    (case,) = cases_of(node, 1)
    until = f"{node.clock.now.replace(minute=node.clock.now.minute + 10):%H:%M} UTC"
    assert send(first, f"/cases/{case}/claim").headers["location"] == f"/cases/{case}"
    for answer in (send(second, f"/cases/{case}/claim"), _cast(second, case)):
        said = problem(answer, 409, "state", "Someone is on this case until", until, "take the next one")
        assert "First Reviewer" not in answer.text
        assert str(first.staff) not in answer.text
        assert said["reference"] == "claim"
    assert "yours until" in first.get("/queue", headers=HTML).text
    others = second.get("/queue", headers=HTML).text
    assert "someone is on it until" in others
    assert str(first.staff) not in others
    # When its time is over it counts for nothing, to the second.
    node.clock.forward(minutes=9, seconds=59)
    assert send(second, f"/cases/{case}/claim").status_code == 409
    node.clock.forward(seconds=1)
    assert "is on it until" not in second.get("/queue", headers=HTML).text
    assert send(second, f"/cases/{case}/claim").status_code == 303
    assert _cast(first, case).status_code == 409, "now it is the other who is on it"
    assert _cast(second, case).status_code == 303


def _cast(person: Browser, case: str) -> httpx2.Response:
    """Vote as a program would, so that a refusal is a problem document."""
    data = {"csrf": person.csrf(), **REMOVE, "shown": shown_on(person, case)}
    if not data["shown"]:
        # The page shows no form to whom it does not wait for; the vote is sent nevertheless.
        members = re.findall(r"content_[a-z0-9]{26}", person.get(f"/cases/{case}", headers=HTML).text)
        data["shown"] = [f"{members[0]}:1"]
    return person.post(f"/cases/{case}/votes", data=data, headers=JSON)


def test_a_vote_ends_the_claim_and_an_unclaimed_case_can_be_voted_on(
    node: Running, two: tuple[Browser, Browser]
) -> None:
    first, second = two
    (case,) = cases_of(node, 1)
    assert send(first, f"/cases/{case}/claim").status_code == 303
    assert vote(first, case).status_code == 303
    problem(send(first, f"/cases/{case}/claim"), 403, "rule", "voted on this case already", reference="rule 4")
    assert vote(second, case).status_code == 303, "nobody is on it any more"
    problem(send(node.person(Role.REVIEWER), f"/cases/{case}/claim"), 409, "state", "no longer possible")


def test_an_own_claim_is_renewed_and_let_go_only_by_its_owner(node: Running, two: tuple[Browser, Browser]) -> None:
    first, second = two
    (case,) = cases_of(node, 1)
    for _ in range(3):
        assert send(first, f"/cases/{case}/claim").status_code == 303
        node.clock.forward(minutes=9)
    assert send(second, f"/cases/{case}/let-go").status_code == 303
    assert send(second, f"/cases/{case}/claim").status_code == 409, "who is not on it lets nothing go"
    assert send(first, f"/cases/{case}/let-go").headers["location"] == "/queue"
    assert send(second, f"/cases/{case}/claim").status_code == 303


def test_a_person_is_on_five_at_most(node: Running, two: tuple[Browser, Browser]) -> None:
    first, second = two
    cases = cases_of(node, 7)
    assert [taken(send(first, "/queue/next")) for _ in range(5)] == cases[:5]
    problem(send(first, "/queue/next"), 409, "state", "You are on 5 cases already", "let one go")
    problem(send(first, f"/cases/{cases[5]}/claim"), 409, "state", "You are on 5 cases already")
    assert send(first, f"/cases/{cases[2]}/claim").status_code == 303, "an own one can still be renewed"
    assert send(first, f"/cases/{cases[2]}/let-go").status_code == 303
    assert taken(send(second, "/queue/next")) == cases[2], "what was let go is the first again"
    assert taken(send(first, "/queue/next")) == cases[5]
    node.clock.forward(minutes=10)
    assert taken(send(first, "/queue/next")) == cases[0], "claims that are over count for nothing"


def test_whoever_passes_cases_over_comes_to_all_of_them_and_keeps_none(
    node: Running, two: tuple[Browser, Browser]
) -> None:
    first, second = two
    cases = cases_of(node, 7)
    at = taken(send(first, "/queue/next"))
    assert f'name="leaving" value="{at}"' in first.get(f"/cases/{at}", headers=HTML).text
    walked = [at]
    for _ in range(7):
        at = taken(send(first, "/queue/next", leaving=at))
        walked.append(at)
    assert walked == [*cases, cases[0]]
    assert taken(send(second, "/queue/next")) == cases[1], "only the one at hand is claimed"
    problem(send(first, "/queue/next", leaving="case_"), 422, "malformed")
    assert send(second, "/queue/next", leaving=cases[0]).status_code == 303
    assert send(second, f"/cases/{cases[0]}/claim").status_code == 409, "nobody lets go what someone else is on"


def test_take_the_next_passes_over_what_does_not_wait_for_them(node: Running, two: tuple[Browser, Browser]) -> None:
    first, second = two
    third, senior = node.person(Role.REVIEWER), node.person(Role.SENIOR_REVIEWER)
    cases = cases_of(node, 3)
    assert vote(first, cases[0]).status_code == 303
    assert taken(send(first, "/queue/next")) == cases[1], "they voted on the first already"
    assert taken(send(second, "/queue/next")) == cases[0]
    keep = {"measure": "keep", "ground": "", "provision": "", "label": ""}
    assert vote(second, cases[0], **keep).status_code == 303
    assert taken(send(third, "/queue/next")) == cases[2], "two disagree there: it waits for a senior reviewer"
    problem(send(third, f"/cases/{cases[0]}/claim"), 403, "rule", "senior reviewer", reference="rule 4")
    assert taken(send(senior, "/queue/next")) == cases[0]


def test_when_nothing_waits_it_says_so(node: Running, two: tuple[Browser, Browser]) -> None:
    first, second = two
    answer = send(first, "/queue/next")
    assert answer.headers["location"] == "/queue?nothing=1"
    assert "Nothing waits for your vote just now" in first.get("/queue?nothing=1", headers=HTML).text
    (case,) = cases_of(node, 1)
    assert taken(send(first, "/queue/next")) == case
    assert taken(send(first, "/queue/next")) == case, "there is no other: back to the one they are on"
    assert send(second, "/queue/next").headers["location"] == "/queue?nothing=1"


def take(form: tuple[Browser, str]) -> httpx2.Response:
    person, csrf = form
    return person.post("/queue/next", data={"csrf": csrf}, headers=JSON)


def test_no_case_is_given_to_two_people(node: Running, two: tuple[Browser, Browser]) -> None:
    """While one is being given a case, the other is given the next, and waits for nobody."""
    first, second = two
    cases = cases_of(node, 3)
    form = (second, second.csrf())
    answer = while_open(node, lambda tx: claim_next(tx, first.staff, senior=False), lambda: take(form), by(first.staff))
    assert taken(answer) == cases[1]
    assert taken(send(first, "/queue/next")) == cases[2], "and the first one is theirs"


def test_many_who_take_at_once_are_given_one_each(node: Running) -> None:
    cases = cases_of(node, 10)
    people = [node.person(Role.REVIEWER) for _ in range(6)]
    with ThreadPoolExecutor(len(people)) as pool:
        answers = list(pool.map(take, [(person, person.csrf()) for person in people]))
    given = [taken(answer) for answer in answers]
    assert len(set(given)) == len(people), given
    assert set(given) == set(cases[: len(people)]), "and none is passed over for good"


def test_one_person_in_two_windows_is_on_five_at_most(node: Running) -> None:
    """While one window takes the fifth, the other waits for it, and is told so."""
    cases = cases_of(node, 7)
    person = node.person(Role.REVIEWER)
    assert [taken(send(person, "/queue/next")) for _ in range(4)] == cases[:4]
    form = (person, person.csrf())
    answer = while_open(
        node, lambda tx: claim_next(tx, person.staff, senior=False), lambda: take(form), by(person.staff)
    )
    problem(answer, 409, "state", "You are on 5 cases already")


def test_one_person_in_many_windows_is_on_five_at_most(node: Running) -> None:
    cases_of(node, 9)
    person = node.person(Role.REVIEWER)
    sessions = [person] + [node.sign_in(person.staff) for _ in range(7)]
    forms = [(session, session.csrf()) for session in sessions]
    with ThreadPoolExecutor(len(sessions)) as pool:
        answers = sorted(answer.status_code for answer in pool.map(take, forms))
    assert answers == [303] * 5 + [409] * 3


def test_who_does_not_vote_claims_nothing(node: Running) -> None:
    (case,) = cases_of(node, 1)
    for person in (
        node.person(Role.AUDITOR),
        node.person(Role.APPEAL_REVIEWER),
        node.sign_in(node.administrators()[0]),
    ):
        for path in ("/queue/next", f"/cases/{case}/claim", f"/cases/{case}/let-go"):
            problem(send(person, path), 403, "forbidden", reference="vote")
    assert first_case(node.person(Role.REVIEWER)) == case
    page = node.person(Role.AUDITOR).get("/queue", headers=HTML).text
    assert "Take the next" not in page
    assert 'name="waits"' not in page


def test_what_does_not_exist_is_not_claimed(node: Running) -> None:
    person = node.person(Role.REVIEWER)
    for act in ("claim", "let-go"):
        problem(send(person, f"/cases/case_{'0' * 26}/{act}"), 404, "not_found", "no such case")
        problem(send(person, f"/cases/nonsense/{act}"), 422, "malformed", "case id")
