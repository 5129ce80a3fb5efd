"""The record and who saw what: filters, paging, the file; for auditors alone, and never a total of people."""

import csv
import html
import io
import json
import re

from console.console_story import HTML, first_case, flagged, remove
from running import Browser, Running
from tidegate.console.words import WORDS
from tidegate.kernel.event import EVENTS
from tidegate.people.model import Role


def page(person: Browser, path: str) -> str:
    answer = person.get(path, headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


def kinds(text: str) -> list[str]:
    """Read which events a page lists, newest first."""
    return re.findall(r"<code>([a-z]+\.[a-z_]+)</code></th>", text)


def test_events_have_words_and_words_have_events() -> None:
    assert set(WORDS["event"]) <= set(EVENTS)


def test_events_are_filtered_by_what_who_when_and_about(node: Running) -> None:
    platform = node.platform()
    people = [node.person(Role.REVIEWER, name="First Voter"), node.person(Role.REVIEWER)]
    content = flagged(platform, caption="Words nobody finds in the record")
    remove(node, platform, people, content)
    node.clock.forward(days=2)
    auditor = node.person(Role.AUDITOR)
    shown = page(auditor, f"/record?about={content}")
    for kind in ("content.submitted", "decision.vote_cast", "decision.issued", "enforcement.instructed"):
        assert kind in kinds(shown)
    assert "people.bootstrapped" not in kinds(shown)
    assert "Words nobody finds" not in shown
    assert "someone voted" in shown
    assert set(kinds(page(auditor, "/record?kind=decision.vote_cast"))) == {"decision.vote_cast"}
    stage = set(kinds(page(auditor, "/record?kind=decision")))
    assert stage == {"decision.vote_cast", "decision.made", "decision.issued"}
    mine = page(auditor, f"/record?person={people[0].staff}")
    assert "First Voter" in mine
    assert set(kinds(mine)) <= {"decision.vote_cast", "case.let_go", "case.claimed", "decision.made", "case.decided"}
    assert "decision.vote_cast" in kinds(mine)
    assert "people.signed_in" not in kinds(page(auditor, "/record?by=platform"))
    assert "content.submitted" in kinds(page(auditor, "/record?by=platform"))
    day = node.clock.now.date()
    assert kinds(page(auditor, f"/record?to={day.replace(day=day.day - 1)}&kind=content"))
    assert kinds(page(auditor, f"/record?from={day}&kind=content")) == []
    assert "Nothing that happened passes" in page(auditor, f"/record?from={day}&kind=content")
    assert "people.staff_added" in kinds(page(auditor, f"/record?from={day}&to={day}"))


BAD = (
    "about=nonsense_1", "about=case_x", "about=%00", "kind=x", "kind=decision.", "by=king", "from=today",
    "person=case_" + "0" * 26, "to=2026-13-01", "from=0000-00-00", "before=x", "before=-1", "before=" + "9" * 30,
)  # fmt: skip


def test_filters_that_do_not_read_are_refused(node: Running) -> None:
    auditor = node.person(Role.AUDITOR)
    for query in BAD:
        for path in ("/record", "/record/events.csv", "/record/views"):
            ignored = (query.startswith(("kind", "by")) and "views" in path) or ("before" in query and "csv" in path)
            answer = auditor.get(f"{path}?{query}", headers=HTML)
            assert answer.status_code == (200 if ignored else 422), (path, query, answer.text)


def test_only_auditors_read_the_record(node: Running) -> None:
    for role in Role:
        person = node.sign_in(node.administrators()[0]) if role is Role.ADMINISTRATOR else node.person(role)
        for path in ("/record", "/record/views", "/record/events.csv"):
            assert person.get(path).status_code == (200 if role is Role.AUDITOR else 403), (role, path)


def test_record_pages_back_to_the_first_event_and_keeps_its_filters(node: Running) -> None:
    for number in range(35):
        node.hire(Role.REVIEWER, name=f"Someone {number}")
    auditor = node.person(Role.AUDITOR)
    seen: list[str] = []
    path = "/record?kind=people"
    while path:
        text = page(auditor, path)
        assert 'value="people" selected' in text
        seen += kinds(text)
        older = re.findall(r'href="(/record\?[^"]*before=\d+)">Older', text)
        path = html.unescape(older[0]) if older else ""
    counted = node.do(lambda tx: tx.rows("SELECT kind FROM event WHERE starts_with(kind, 'people.') ORDER BY id DESC"))
    assert seen == [row["kind"] for row in counted]
    assert len(seen) > 100


def test_file_holds_what_passes_and_reads_back(node: Running) -> None:
    platform = node.platform()
    content = flagged(platform)
    auditor = node.person(Role.AUDITOR)
    answer = auditor.get(f"/record/events.csv?about={content}")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["kind"] for row in rows} >= {"content.submitted", "flag.raised", "case.opened"}
    assert all(content in json.dumps(json.loads(row["fields"])) for row in rows)
    assert not any(cell.startswith(("=", "+", "@", "-")) for row in rows for cell in row.values())


def test_views_are_on_a_page_of_their_own_one_by_one(node: Running) -> None:
    platform = node.platform()
    first, second = node.person(Role.REVIEWER, name="Looked At It"), node.person(Role.REVIEWER, name="Looked Too")
    flagged(platform)
    case = first_case(first)
    for person in (first, second, first):
        page(person, f"/cases/{case}")
        node.clock.forward(minutes=1)
    auditor = node.person(Role.AUDITOR)
    everything = page(auditor, "/record/views")
    rows = everything[everything.index("<tbody>") :]
    assert re.findall(r"<bdi>(Looked [^<]+)</bdi>", rows) == ["Looked At It", "Looked Too", "Looked At It"]
    one = page(auditor, f"/record/views?person={second.staff}")
    assert one.count("Looked Too") == 1
    assert "Looked At It" not in one
    assert page(auditor, f"/record/views?about={case}").count("Looked") == 3
    day = node.clock.now.date()
    assert "Looked" not in page(auditor, f"/record/views?to={day.replace(day=day.day - 1)}")
    assert "Looked" not in page(auditor, "/record").replace("Who saw what", "")
    for _ in range(120):
        first.get(f"/cases/{case}")
    newest = page(auditor, f"/record/views?person={first.staff}")
    (older,) = re.findall(r'href="(/record/views\?[^"]*before=\d+)">Older', newest)
    assert f"person={first.staff}" in older
    assert newest.count("Looked At It") == 100
    assert page(auditor, html.unescape(older)).count("Looked At It") == 22
