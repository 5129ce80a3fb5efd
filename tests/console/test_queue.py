"""The queue: its order is that of the pure rule, its filters are in the address, and it shows nobody's words."""

import hashlib
import html
import re
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from acts import ask, held, make_known
from acts import picture as detailed
from benchmarks.open_cases import write_cases
from console.console_story import HOSTILE, HTML, REMOVE, first_case, flagged, vote
from running import Browser, Running
from tidegate.case import rules
from tidegate.case.model import Reason, Urgency
from tidegate.content.model import AccountClass
from tidegate.decision.queue import PAGE
from tidegate.kernel.ids import CaseId
from tidegate.people.model import Role


def page(person: Browser, path: str = "/queue", **query: Any) -> str:
    answer = person.get(path, params=query, headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


def listed(text: str) -> list[str]:
    """Give the cases of a page, in their order."""
    return re.findall(r'<a href="/cases/(case_[a-z0-9]+)" id="row-', text)


def fill(node: Running, count: int, *voters: Browser) -> None:
    """Write many cases at once."""
    url = node.node.settings.database_url
    assert url is not None
    write_cases(url.get_secret_value(), count, node.clock.now, tuple(person.staff for person in voters))


def oracle(node: Running) -> list[str]:
    """Order the open cases in Python, from their members as they are, by the pure rule alone."""
    entries = []
    for case in ask(node, """SELECT * FROM "case" WHERE state <> 'closed'"""):
        members = ask(
            node,
            """
            SELECT n.reach, m.distance, m.content FROM case_member m JOIN content n ON n.id = m.content
            WHERE m."case" = %s
            """,
            case["id"],
        )
        ids = [row["content"] for row in members]
        holds = ask(node, "SELECT expires_at FROM hold WHERE state = 'held' AND content = ANY(%s)", ids)
        flags = ask(node, "SELECT trusted FROM flag WHERE state = 'raised' AND content = ANY(%s)", ids)
        urgency = Urgency(
            reason=Reason(case["reason"]),
            account_class=AccountClass(case["account_class"]),
            reach=max(row["reach"] for row in members),
            distance=min(row["distance"] for row in members),
            reports=sum(not row["trusted"] for row in flags),
            trusted_reports=sum(row["trusted"] for row in flags),
        )
        until: datetime | None = min((row["expires_at"] for row in holds), default=None)
        identity = CaseId(UUID(str(case["id"])))
        entries.append(rules.turn(until, rules.place(case["opened_at"], urgency), identity))
    return [str(entry[-1]) for entry in sorted(entries)]


def test_the_order_is_that_of_the_rule(node: Running) -> None:
    """Cases of every kind come in, change and lapse; the page's order is what Python makes of it each time."""
    platform, auditor = node.platform(), node.hire(Role.AUDITOR)

    def agrees() -> list[str]:
        found = listed(page(node.sign_in(auditor)))
        assert found == oracle(node)
        return found

    contents = []
    kinds: tuple[dict[str, Any], ...] = (
        {},
        {"reach": 10_000},
        {"reach": 150_000},
        {"account_class": "press"},
        {"account_class": "press", "reach": 99_999},
    )
    for number, more in enumerate(kinds):
        contents.append(flagged(platform, number, platform_id=f"post-{number}", caption=f"Words {number}", **more))
        node.clock.forward(minutes=50)
        agrees()
    _, first_held = held(node, platform, 21, platform_id="held-1", uploader="held-1")
    node.clock.forward(minutes=10)
    _, second_held = held(node, platform, 22, platform_id="held-2", uploader="held-2")
    ordered = agrees()
    assert ordered[:2] == [first_held["case"], second_held["case"]], "the soonest to lapse first"
    flagger = {"reporter": "trusted", "words": "Look.", "trusted": True}
    for _ in range(3):
        answer = platform.client.post("/v1/flags", json={"content": contents[0], **flagger})
        assert answer.status_code == 201, answer.text
        agrees()
    assert platform.client.patch(f"/v1/content/{contents[1]}", json={"reach": 200_000}).status_code == 200
    agrees()
    assert platform.client.patch(f"/v1/content/{contents[2]}", json={"reach": 5}).status_code == 200
    agrees()
    assert platform.client.delete(f"/v1/content/{contents[3]}").status_code == 204
    agrees()
    node.clock.forward(hours=25)
    node.work()
    assert agrees() != ordered, "holds that lapsed press no more"
    assert "a hold is running" not in page(node.sign_in(auditor))


def test_why_a_case_stands_where_it_does(node: Running) -> None:
    platform, reviewer = node.platform(), node.person(Role.REVIEWER)
    flagged(platform, 1, platform_id="post-1", reach=20_000, account_class="press")
    shown = page(reviewer)
    assert "50 hours ahead" in shown
    for words, hours in (
        ("it reaches 10,000 people or more", 24),
        ("a protected account: a wrong removal does most harm", 24),
        ("people reported it", 2),
    ):
        assert re.search(rf"<li>{words}: {hours} hours</li>", shown), words
    assert re.search(r"so it stands with what was opened <time datetime=\"2026-11-21T10:00", shown)
    # What a machine holds says until when, in words and exactly.
    held(node, platform, 9, platform_id="held", uploader="held")
    shown = page(reviewer)
    assert "in 1 day" in shown or "in 24 hours" in shown
    assert "24 November 2026, 12:00 UTC" in shown


def test_filters_are_in_the_address(node: Running) -> None:
    platform, reviewer = node.platform(), node.person(Role.REVIEWER)
    german = flagged(platform, 1, platform_id="post-1", language="de")
    press = flagged(platform, 2, platform_id="post-2", language="fr", account_class="press")
    _, hold = held(node, platform, 3, platform_id="post-3", uploader="other")
    cases = {
        name: str(
            CaseId(
                ask(
                    node,
                    'SELECT "case" FROM case_member m JOIN content n ON n.id = m.content WHERE n.language = %s',
                    name,
                )[0]["case"]
            )
        )
        for name in ("de", "fr")
    }
    whole = {*cases.values(), hold["case"]}
    assert set(listed(page(reviewer))) == whole
    assert listed(page(reviewer, language="de")) == [cases["de"]]
    assert listed(page(reviewer, account_class="press")) == [cases["fr"]]
    assert listed(page(reviewer, held="1")) == [hold["case"]]
    assert set(listed(page(reviewer, reason="flag"))) == set(cases.values())
    assert listed(page(reviewer, reason="flag", account_class="ordinary")) == [cases["de"]]
    assert listed(page(reviewer, reason="unchecked")) == []
    assert "No case passes these filters." in page(reviewer, reason="unchecked")
    assert set(listed(page(reviewer, state="open"))) == whole
    assert listed(page(reviewer, state="decided", waits="anyone")) == []
    # Who is on it.
    assert reviewer.submit(f"/cases/{hold['case']}/claim").status_code == 303
    assert listed(page(reviewer, claims="mine")) == [hold["case"]]
    assert set(listed(page(reviewer, claims="free"))) == set(cases.values())
    node.clock.forward(minutes=10)
    assert listed(page(reviewer, claims="mine")) == []
    assert set(listed(page(reviewer, claims="free"))) == whole
    # What one voted on waits for others; it is still there for who asks for all.
    assert vote(reviewer, cases["de"]).status_code == 303
    assert cases["de"] not in listed(page(reviewer))
    shown = page(reviewer, waits="anyone")
    assert set(listed(shown)) == whole
    assert shown.count("you voted") == 1
    assert "2 cases of 3 in all" in page(reviewer)
    assert "3 cases of 3 in all" not in shown
    # The form says what is chosen, and how to get rid of it.
    shown = page(reviewer, reason="flag", language="de", held="1")
    assert '<option value="flag" selected>' in shown
    assert "<option selected>de</option>" in shown
    assert 'name="held" value="1" checked' in shown
    assert '<a href="/queue">Clear all</a>' in shown
    assert "Clear all" not in page(reviewer)
    assert {german, press} & set(re.findall(r"content_[a-z0-9]+", shown)) == set()


@pytest.mark.parametrize(
    "query",
    [
        {"reason": "none_such"},
        {"reason": "flag' OR 1=1 --"},
        {"account_class": "\x00"},
        {"state": "everything"},
        {"claims": "yours"},
        {"waits": "\ud7ff"},
        {"language": "english please"},
        {"language": HOSTILE},
        {"page": "0"},
        {"page": "-1"},
        {"page": "x"},
        {"page": "٣"},
        {"page": "9" * 30},
    ],
)
def test_what_is_no_filter_is_refused_in_words(node: Running, query: dict[str, str]) -> None:
    for person in (node.person(Role.REVIEWER), node.person(Role.AUDITOR)):
        for path in ("/queue", "/queue/rows"):
            answer = person.get(path, params=query, headers=HTML)
            assert answer.status_code == 422, (path, query, answer.status_code)
            assert "<script>alert" not in answer.text
            assert re.search(r"one of|looks like|a number", html.unescape(answer.text))


def test_unknown_fields_and_pages_beyond_the_end_do_no_harm(node: Running) -> None:
    reviewer = node.person(Role.REVIEWER)
    shown = page(reviewer, colour="red", page="99999")
    assert "The queue is shorter than that." in shown
    assert "Nothing waits. Have a rest" in page(reviewer, colour="red")


def test_pages_of_fifty_give_each_case_once_in_order(node: Running) -> None:
    reviewer, auditor = node.person(Role.REVIEWER), node.person(Role.AUDITOR)
    fill(node, 2 * PAGE + 7, reviewer)
    pages = [page(auditor, page=str(number)) for number in (1, 2, 3)]
    assert [len(listed(text)) for text in pages] == [PAGE, PAGE, 7]
    assert [case for text in pages for case in listed(text)] == oracle(node)
    assert "Page 2 of 3" in pages[1]
    assert 'rel="prev"' in pages[1]
    assert 'rel="next"' in pages[1]
    assert 'rel="next"' not in pages[2]
    assert f"{2 * PAGE + 7} cases" in pages[0]
    # Filters stay while one turns pages.
    shown = page(reviewer, waits="anyone", state="open")
    following = html.unescape(re.findall(r'rel="next" href="([^"]+)"', shown)[0])
    assert following == "/queue?waits=anyone&state=open&page=2"
    assert len(listed(page(reviewer, following))) == PAGE
    # What the reviewer voted on is not among what waits for them.
    mine = [case for number in (1, 2, 3) for case in listed(page(reviewer, page=str(number)))]
    voted = {str(CaseId(row["case"])) for row in ask(node, 'SELECT "case" FROM vote')}
    assert voted
    assert set(mine) == set(oracle(node)) - voted


def test_nothing_of_anyones_words_or_votes_is_in_the_queue(node: Running) -> None:
    platform = node.platform()
    first, second = node.person(Role.REVIEWER, name="First Voter"), node.person(Role.REVIEWER)
    flagged(platform, 1, caption=HOSTILE, link="javascript:alert(1)//" + HOSTILE)
    case = first_case(first)
    before = page(second)
    assert vote(first, case, words="My reasons.").status_code == 303
    after = page(second)
    for text in (before, after, page(second, "/queue/rows"), page(node.person(Role.AUDITOR))):
        for words in ("alert(", "gnp.exe", "javascript:", "{{ 7*7 }}", "First Voter", "My reasons.", "Look."):
            assert words not in text
        for word in (REMOVE["measure"], "Remove it", "Leave it up"):
            assert f">{word}" not in text
    kept = vote(second, case, measure="keep", ground="", provision="", label="", words="No.")
    assert kept.status_code == 303
    third = page(node.person(Role.REVIEWER), waits="anyone")
    assert "someone voted" in third
    assert "disagree" not in third, "even that is something of what others thought"
    assert listed(page(node.person(Role.REVIEWER))) == []
    assert listed(page(node.person(Role.SENIOR_REVIEWER))) == [case]


def test_a_part_of_the_page_is_only_that_part(node: Running) -> None:
    reviewer = node.person(Role.REVIEWER)
    flagged(node.platform(), 1)
    part = page(reviewer, "/queue/rows")
    assert "<html" not in part
    assert "csrf" not in part
    assert 'hx-swap-oob="innerHTML"' in part
    assert listed(part) == listed(page(reviewer))
    whole = page(reviewer)
    assert 'sse-connect="/live"' in whole
    assert 'hx-trigger="sse:case, every 60s"' in whole


def test_signal_that_reaches_many_at_once_stays_one_row(node: Running) -> None:
    """A case's size and widest reach follow its members as they come, change and go."""
    platform, reviewer = node.platform(), node.person(Role.REVIEWER)
    data = detailed(5)
    make_known(node, hashlib.sha256(data).digest())
    several = [
        platform.verdict(data, platform_id=f"post-{number}", uploader=f"user-{number}", reach=10 + number)
        for number in range(3)
    ]
    (case,) = listed(page(reviewer))
    (row,) = ask(node, 'SELECT * FROM "case" WHERE id = %s', CaseId.parse(case).value)
    assert (row["size"], row["reach"]) == (3, 12)
    assert platform.client.patch(f"/v1/content/{several[0]['content']}", json={"reach": 77}).status_code == 200
    assert platform.client.patch(f"/v1/content/{several[2]['content']}", json={"caption": "Other."}).status_code == 200
    (row,) = ask(node, 'SELECT * FROM "case" WHERE id = %s', CaseId.parse(case).value)
    assert (row["size"], row["reach"]) == (2, 77)
