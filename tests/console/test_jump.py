"""Jumping to any id: where it leads each role, and that nobody learns of what is not theirs to see."""

import re
import secrets
from datetime import UTC, datetime

import pytest

from console.console_story import HOSTILE, HTML, complain, first_case, flagged, remove, vote
from running import Browser, Running
from tidegate.console.ids import KINDS
from tidegate.console.staff.jump import WAYS, id_in
from tidegate.enforcement import store as instructions
from tidegate.kernel.ids import Id
from tidegate.people.model import Role


def go(person: Browser, to: str) -> tuple[int, str]:
    answer = person.get("/go", params={"to": to}, headers=HTML)
    return answer.status_code, answer.headers.get("location", "")


@pytest.fixture
def known(node: Running) -> dict[str, str]:
    """One existing id of every kind, and the case of the content."""
    platform = node.platform()
    voters = [node.person(Role.REVIEWER), node.person(Role.REVIEWER)]
    content = flagged(platform)
    case = first_case(voters[0])
    link = remove(node, platform, voters, content)
    assert complain(node, link).status_code == 303
    auditor = node.person(Role.AUDITOR)
    record = auditor.get("/record", params={"about": content}, headers=HTML).text
    everything = record + auditor.get("/record", headers=HTML).text
    known = {
        word: re.findall(rf"{word}_[0-9a-z]{{26}}", everything)[0]
        for word in ("decision", "appeal", "signal", "notice", "flag", "vote", "proposal", "key")
    }
    (given,) = node.do(instructions.newest)
    known |= {"content": content, "case": case, "instruction": str(given.id), "service": str(platform.service)}
    mine = re.findall(r"session_[0-9a-z]{26}", voters[0].get("/account", headers=HTML).text)[0]
    return known | {"staff": str(voters[0].staff), "session": mine}


def test_every_kind_has_its_way() -> None:
    assert set(WAYS) == set(KINDS.values())


def test_each_role_is_led_where_it_may_go(node: Running, known: dict[str, str]) -> None:
    people: dict[Role, Browser] = {role: node.person(role) for role in Role if role is not Role.ADMINISTRATOR}
    people[Role.ADMINISTRATOR] = node.sign_in(node.administrators()[0])
    case, person = f"/cases/{known['case']}", f"/people/{known['staff']}"
    cases = dict.fromkeys(("content", "case", "notice", "flag"), case) | {"decision": f"/decisions/{known['decision']}"}
    signal, appeal = f"/signals/{known['signal']}", f"/appeals/{known['appeal']}"
    given = f"/instructions/{known['instruction']}"
    expected: dict[Role, dict[str, str]] = {
        Role.REVIEWER: cases,
        Role.SENIOR_REVIEWER: cases | {"signal": signal},
        Role.APPEAL_REVIEWER: cases | {"appeal": appeal},
        Role.POLICY_LEAD: {"signal": signal},
        Role.LEGAL_OFFICER: {},
        Role.ADMINISTRATOR: {
            "content": given, "instruction": given, "staff": person, "session": person,
            "service": f"/keys#{known['service']}", "key": f"/keys#{known['key']}",
            "proposal": f"/people#{known['proposal']}",
        },
        Role.AUDITOR: {word: f"/record?about={text}" for word, text in known.items()}
        | cases | {"signal": signal, "appeal": appeal, "instruction": given},
    }  # fmt: skip
    for role, ways in expected.items():
        for word, text in known.items():
            wanted = (303, ways[word]) if word in ways else (404, "")
            assert go(people[role], text) == wanted, (role, word)


def test_what_is_not_yours_looks_like_what_is_not_there(node: Running, known: dict[str, str]) -> None:
    """Status, headers and page are the same but for what was typed."""
    officer = node.person(Role.LEGAL_OFFICER)
    for word, text in known.items():
        kind: type[Id] = KINDS[word]
        nowhere = str(kind.new(datetime.now(UTC), secrets.token_bytes))
        there, gone = (officer.get("/go", params={"to": to}, headers=HTML) for to in (text, nowhere))
        assert there.status_code == gone.status_code == 404
        assert there.text.replace(text, "") == gone.text.replace(nowhere, ""), word
        assert set(there.headers) == set(gone.headers)


def test_votes_and_sessions_are_ones_own(node: Running) -> None:
    platform, mine, other = node.platform(), node.person(Role.REVIEWER), node.person(Role.REVIEWER)
    flagged(platform)
    case = first_case(mine)
    assert vote(mine, case).status_code == 303
    record = node.person(Role.AUDITOR).get("/record", headers=HTML).text
    cast = re.findall(r"vote_[0-9a-z]{26}", record)[0]
    assert go(mine, cast) == (303, f"/cases/{case}")
    assert go(other, cast) == (404, "")
    session = re.findall(r"session_[0-9a-z]{26}", mine.get("/account", headers=HTML).text)[0]
    assert go(mine, session) == (303, "/account")
    assert go(other, session) == (404, "")
    assert go(mine, str(mine.staff)) == (303, "/account")


ELSEWHERE = (
    "//elsewhere.example", "https://elsewhere.example/", "/\\elsewhere.example", "javascript:alert(1)",
    "/queue/../../x", "http:queue", "\u200b//elsewhere.example", HOSTILE, "case_" + "0" * 26, "case_8" + "z" * 25,
    "case_" + "z" * 26, "x" * 5000, "%00", "\x00x", "../account",
)  # fmt: skip


def test_it_never_leads_elsewhere(node: Running) -> None:
    reviewer = node.person(Role.REVIEWER)
    for to in ELSEWHERE:
        answer = reviewer.get("/go", params={"to": to}, headers=HTML)
        assert answer.status_code == 404, to
        assert "location" not in answer.headers
        assert "<script>alert" not in answer.text
        assert "elsewhere.example" not in re.sub(r'value="[^"]*"|href="\?[^"]*"', "", answer.text)


def test_ids_are_found_as_people_paste_them(node: Running) -> None:
    reviewer = node.person(Role.REVIEWER)
    flagged(node.platform())
    case = first_case(reviewer)
    for typed in (
        f"  {case}\n", case.upper(), f"{case[:12]} {case[12:20]}\n{case[20:]}", f"\u200b{case}\u2060", f"`{case}`",
        f"https://console.example/cases/{case}?x=1", f"Please look at {case}.", f"see {case}, {case}",
    ):  # fmt: skip
        assert go(reviewer, typed) == (303, f"/cases/{case}"), typed
    assert id_in(f"{case} or content_{'0' * 26}") is None


def test_places_go_by_their_names(node: Running) -> None:
    reviewer = node.person(Role.REVIEWER)
    for typed in ("queue", "Queue", "/queue", " QUE", "queu"):
        assert go(reviewer, typed) == (303, "/queue"), typed
    assert go(reviewer, "people") == (404, "")
    assert go(reviewer, "") == (200, "")
    chinese = {"accept-language": "zh", **HTML}
    page = reviewer.get("/go", headers=chinese).text
    name = re.findall(r'href="/queue"[^>]*>([^<]+)<', page)[0].strip()
    assert reviewer.get("/go", params={"to": name}, headers=chinese).headers["location"] == "/queue"
