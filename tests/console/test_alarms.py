"""Alarms over HTTP: what stands still is said, to those who look after it, without any content."""

import re
from datetime import timedelta

import pytest

from console.console_story import HTML, complain, first_case, flagged, picture, remove, vote
from running import Browser, Running
from tidegate.alarms.model import Alarm
from tidegate.console.staff.alarms import LINKS
from tidegate.console.words import WORDS
from tidegate.db.transaction import TIME, Transaction
from tidegate.enforcement import steps as enforcement
from tidegate.enforcement import store as instructions
from tidegate.kernel.errors import Unavailable
from tidegate.people import steps
from tidegate.people.model import Role


def alarms(person: Browser) -> dict[str, str]:
    """Read which alarms are on, and how bad each is."""
    answer = person.get("/alarms", headers=HTML)
    assert answer.status_code == 200, answer.text
    found = re.findall(r'<li class="card alarm alarm-(\w+)">\s*<h2>([^:<]+(?:: [^<:]+)?): <span', answer.text)
    names = {text: word for word, text in WORDS["alarm"].items()}
    return {names[name.strip()]: severity for severity, name in found}


def administrator(node: Running) -> Browser:
    return node.sign_in(node.administrators()[0])


def test_every_alarm_has_its_words_and_its_place() -> None:
    assert set(LINKS) == set(Alarm) == set(WORDS["alarm"]) == set(WORDS["alarm_do"])


def test_a_quiet_node_says_so(node: Running) -> None:
    node.platform()
    person = administrator(node)
    assert alarms(person) == {}
    assert "All is quiet" in person.get("/alarms", headers=HTML).text


def test_who_sees_alarms(node: Running) -> None:
    for role in Role:
        person = administrator(node) if role is Role.ADMINISTRATOR else node.person(role)
        seen = role in {Role.ADMINISTRATOR, Role.AUDITOR, Role.POLICY_LEAD, Role.SENIOR_REVIEWER}
        assert person.get("/alarms", headers=HTML).status_code == (200 if seen else 403), role
        assert ('href="/alarms"' in person.get("/", headers=HTML).text) is seen, role


def test_what_is_late_is_said_and_no_content_with_it(node: Running) -> None:
    platform = node.platform(webhook_url="http://127.0.0.1:1/hook")
    people = [node.person(Role.REVIEWER), node.person(Role.REVIEWER)]
    content = flagged(platform, caption="Words nobody finds among alarms")
    link = remove(node, platform, people, content)
    assert complain(node, link).status_code == 303
    (given,) = node.do(instructions.newest)
    node.do(lambda tx: enforcement.mark_undelivered(tx, given.id))
    held = platform.verdict(picture(), platform_id="again", uploader="another", caption="Also these words")
    assert held["verdict"] == "hold"
    assert alarms(administrator(node)) == {"undelivered": "danger"}
    # The worker does nothing from here on.
    node.clock.forward(hours=21)
    assert alarms(administrator(node))["holds_unvoted"] == "warning"
    voter = node.sign_in(people[0].staff)
    case = first_case(voter)
    assert vote(voter, case).status_code == 303
    assert "holds_unvoted" not in alarms(administrator(node))
    node.clock.forward(minutes=5)
    person = administrator(node)
    found = alarms(person)
    assert found["decisions_overdue"] == "danger"
    assert found["unacknowledged"] == "danger"
    assert found["ledger_late"] == "danger"
    node.clock.forward(days=14)
    person = administrator(node)
    assert alarms(person)["appeals_late"] == "danger"
    assert alarms(person)["holds_overdue"] == "danger"
    page = person.get("/alarms", headers=HTML).text
    for secret in ("Words nobody finds", "Also these words", "content_", "case_", "signal_"):
        assert secret not in page
    assert "/queue" not in page
    assert "/appeals" not in page
    # The number beside the navigation, for those who may see it.
    node.clock.forward(seconds=1)
    assert re.search(r'href="/alarms"[^>]*>Alarms <span class="badge badge-danger">\d', page)
    assert "badge-danger" not in node.sign_in(people[0].staff).get("/queue", headers=HTML).text.split("<main")[0]
    metrics = node.client(node.addresses.platform).get("/metrics").text
    assert 'tidegate_alarm{what="appeals_late"} 3.0' in metrics
    assert 'tidegate_waiting{what="undelivered"} 1.0' in metrics
    assert re.search(r'tidegate_waiting_seconds\{what="holds_overdue"\} \d', metrics)


def test_the_list_renews_itself_and_keeps_nobody_signed_in(node: Running) -> None:
    person = administrator(node)
    page = person.get("/alarms", headers=HTML).text
    assert 'hx-get="/alarms/list"' in page
    for _ in range(3):
        node.clock.forward(minutes=9)
        part = person.get("/alarms/list", headers=HTML)
        assert part.status_code == 200
        assert "All is quiet" in part.text
        assert "<html" not in part.text
    node.clock.forward(minutes=4)
    assert person.get("/alarms/list", headers=HTML).status_code == 401


def test_proposals_and_keys_are_noted_and_then_press(node: Running) -> None:
    service = node.do(lambda tx: steps.add_service(tx, "A platform"))
    _, text = node.do(lambda tx: steps.issue_key(tx, service, label="short", life=timedelta(days=15)))
    api = node.client(node.addresses.platform, headers={"authorization": f"Bearer {text}"})
    first, staff = administrator(node), node.hire()
    assert first.submit(f"/people/{staff}/roles", role="reviewer", change="grant").status_code == 303
    assert alarms(first) == {"proposals_waiting": "note"}
    assert "badge" not in first.get("/alarms", headers=HTML).text.split("<main")[0]
    node.clock.forward(hours=21)
    assert api.get("/v1/instructions").status_code == 200
    assert alarms(administrator(node)) == {"proposals_waiting": "warning"}
    node.clock.forward(days=1)
    assert alarms(administrator(node)) == {"keys_expiring": "warning"}
    node.clock.forward(days=12)
    assert alarms(administrator(node)) == {"keys_expiring": "danger"}


@pytest.mark.parametrize(("status", "what"), [("failed", "jobs_failed"), ("todo", "jobs_waiting")])
def test_jobs_that_failed_or_wait(node: Running, status: str, what: str) -> None:
    async def leave(tx: Transaction) -> None:
        await tx.execute(
            """
            INSERT INTO procrastinate_jobs (queue_name, task_name, status, scheduled_at)
            VALUES ('default', 'deliver', %(status)s::procrastinate_job_status, now() - interval '1 hour')
            """,
            status=status,
        )

    node.do(leave, TIME)
    assert alarms(administrator(node)) == {what: "danger"}


def test_what_cannot_be_checked_is_counted_by_reason(node: Running) -> None:
    platform = node.platform()
    platform.verdict(b"no picture at all", platform_id="broken")
    person = administrator(node)
    page = person.get("/alarms", headers=HTML).text
    rows = dict(re.findall(r'<th scope="row">([^<]+)</th><td class="number">(\d+)</td><td>', page))
    assert rows[WORDS["verdict_reason"]["undecodable"]] == "1"
    assert rows[WORDS["verdict_reason"]["timeout"]] == "0"
    assert alarms(person) == {}
    node.clock.forward(days=2)
    assert alarms(administrator(node)) == {"unchecked_sampled": "warning"}


def test_entries_that_no_file_shows_are_late(node: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have their place, and the disk takes no file: nothing is lost, and it is said."""
    platform = node.platform()
    remove(node, platform, [node.person(Role.REVIEWER), node.person(Role.REVIEWER)], flagged(platform))

    def full_disk(*_given: object) -> None:
        raise Unavailable

    monkeypatch.setattr(node.node.publisher._export, "publish", full_disk)
    held = platform.verdict(picture(), platform_id="again", uploader="another")
    assert held["verdict"] == "hold"
    with pytest.raises(Unavailable):
        node.loop.run(node.node.publisher.publish())
    person = administrator(node)
    assert "ledger_late" not in alarms(person)
    assert "<dt>In their place, not public yet</dt><dd>1</dd>" in person.get("/alarms", headers=HTML).text
    node.clock.forward(hours=1, minutes=11)
    assert alarms(administrator(node))["ledger_late"] == "warning"
    node.clock.forward(hours=6)
    assert alarms(administrator(node))["ledger_late"] == "danger"


def test_a_ledger_ahead_of_its_database_is_said(node: Running) -> None:
    node.loop.run(node.node.publisher.publish())

    async def lose(tx: Transaction) -> None:
        await tx.execute("DELETE FROM ledger_head")

    platform = node.platform()
    remove(node, platform, [node.person(Role.REVIEWER), node.person(Role.REVIEWER)], flagged(platform))
    node.loop.run(node.node.publisher.publish())
    node.do(lose, TIME)
    person = administrator(node)
    assert alarms(person)["ledger_refused"] == "danger"
    assert "Nothing is signed" in person.get("/alarms", headers=HTML).text
