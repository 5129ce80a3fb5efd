"""Looking at pictures: filters and sizes, the budget and breaks, and reports of seconds that do not tell the truth."""

import io
import re
import secrets
from datetime import timedelta

import httpx2
import pytest
from PIL import Image

from acts import while_open
from console.console_story import HTML, first_case, flagged, picture, vote
from running import Browser, Nodes, Running
from tidegate.console.headers import SANDBOX
from tidegate.console.words import WORDS
from tidegate.exposure.model import LookId, View
from tidegate.exposure.rules import SEVERITIES, Look
from tidegate.exposure.steps import begin_look
from tidegate.exposure.store import looks_since, views_of
from tidegate.fingerprint.picture.reading import Filter, Size
from tidegate.kernel.errors import ConfigurationError
from tidegate.kernel.ids import ContentId, StaffId
from tidegate.match.model import Where
from tidegate.people.model import Role
from tidegate.settings import Settings, read_settings
from tidegate.signal.model import Label
from tidegate.signal.severity import SEVERITY, severity_of

JSON = {"accept": "application/json"}


class Looking:
    """A reviewer before a case with one picture, on a node whose budget and breaks are small."""

    def __init__(self, node: Running) -> None:
        self.node = node
        self.reviewer = node.person(Role.REVIEWER)
        self.platform = node.platform()
        self.content = flagged(self.platform)
        self.case = first_case(self.reviewer)
        self.address = f"/cases/{self.case}/content/{self.content}"

    def look(self, by: Browser | None = None, /, **asked: str) -> httpx2.Response:
        return (by or self.reviewer).get(f"{self.address}/picture", params=asked, headers=JSON)

    def report(self, look: str, seconds: str, person: Browser | None = None) -> httpx2.Response:
        return (person or self.reviewer).submit(f"{self.address}/looked", look=look, seconds=seconds)

    def looked(self, seconds: float) -> None:
        """Look for so long, and have the page say so."""
        answer = self.look()
        assert answer.status_code == 200, answer.text
        self.node.clock.forward(seconds=seconds)
        assert self.report(answer.headers["tidegate-look"], str(seconds)).status_code == 204

    def recorded(self, staff: StaffId | None = None) -> list[Look]:
        who = staff or self.reviewer.staff
        return self.node.do(lambda tx: looks_since(tx, who, tx.now - timedelta(days=1)))

    def views(self) -> list[View]:
        return self.node.do(lambda tx: views_of(tx, staff=self.reviewer.staff, pictures=True))

    def seconds(self) -> list[float]:
        return [look.lasted.total_seconds() for look in self.recorded()]


@pytest.fixture
def looking(node: Running) -> Looking:
    return Looking(node)


@pytest.fixture
def strict(nodes: Nodes) -> Looking:
    """A budget of five minutes, a break after one, for five."""
    policy = {"exposure_budget_minutes": 5, "exposure_break_after_minutes": 1, "exposure_break_minutes": 5}
    return Looking(nodes.start(**policy))


# --- filters and sizes ---


@pytest.mark.parametrize("filter_", Filter)
@pytest.mark.parametrize("size", Size)
def test_every_filter_and_size_is_made_anew(looking: Looking, filter_: Filter, size: Size) -> None:
    answer = looking.look(filter=filter_, size=size)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-security-policy"] == SANDBOX
    assert answer.headers["content-disposition"] == "inline"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.content != picture()
    shown = Image.open(io.BytesIO(answer.content))
    assert shown.mode == ("RGB" if filter_ is Filter.CLEAR else "L")
    assert max(shown.size) <= size.side


def test_blurred_and_small_unless_asked_otherwise(looking: Looking) -> None:
    assert looking.look().content == looking.look(filter="blur", size="small").content
    # What used to be the way to a clear picture is no way any more.
    assert looking.look(clear="1").content == looking.look().content


@pytest.mark.parametrize("asked", [{"filter": "none"}, {"filter": ""}, {"filter": "BLUR"}, {"size": "9999"}])
def test_another_filter_or_size_is_refused(looking: Looking, asked: dict[str, str]) -> None:
    answer = looking.look(None, **asked)
    assert answer.status_code == 422
    assert answer.json()["reference"] in asked
    assert looking.recorded() == []


def test_where_nothing_can_be_shown_nothing_counts(node: Running) -> None:
    platform, reviewer = node.platform(), node.person(Role.REVIEWER)
    content = str(platform.verdict(b"no picture at all")["content"])
    case = first_case(reviewer)
    answer = reviewer.get(f"/cases/{case}/content/{content}/picture", headers=JSON)
    assert answer.status_code == 409
    assert "it does not decode" in answer.json()["detail"]
    views = node.do(lambda tx: views_of(tx, staff=reviewer.staff, pictures=True))
    assert [(view.seconds, view.reported) for view in views] == [(0, True)]


# --- severity ---


def test_every_label_has_a_severity() -> None:
    assert set(SEVERITY) == set(Label)
    assert set(SEVERITY.values()) == set(SEVERITIES)
    assert severity_of([]) == 2
    assert severity_of([Label.SOLICITS_GROUP]) == 1
    assert severity_of([Label.SOLICITS_GROUP, Label.PERPETRATOR, Label.INCITES]) == 3
    assert set(WORDS["severity"]) == {str(severity) for severity in SEVERITIES}
    assert set(WORDS["filter"]) == set(Filter)
    assert set(WORDS["size"]) == set(Size)
    assert set(WORDS["where"]) == set(Where)


def test_a_look_weighs_what_the_picture_was_reported_to_be(looking: Looking) -> None:
    for label, severity in (("solicits_group", 1), ("perpetrator", 3), ("incites", 3)):
        report = {"content": looking.content, "reporter": "reader-2", "label": label}
        assert looking.platform.client.post("/v1/flags", json=report).status_code == 201
        looking.look()
        assert looking.recorded()[-1].severity == severity


def test_a_look_weighs_what_was_decided(node: Running) -> None:
    platform = node.platform()
    people = [node.person(Role.REVIEWER), node.person(Role.REVIEWER)]
    content = flagged(platform)
    case = first_case(people[0])

    def severity() -> int:
        assert people[1].get(f"/cases/{case}/content/{content}/picture").status_code == 200
        return node.do(lambda tx: views_of(tx, staff=people[1].staff, pictures=True))[0].severity or 0

    other = {"label": "perpetrator", "ground": "house_rule", "provision": "house_perpetrator_content"}
    assert vote(people[0], case, **other).status_code == 303
    # What the first voted weighs nothing: it would tell the second.
    assert severity() == 2
    assert vote(people[1], case, **other).status_code == 303
    assert severity() == 2
    node.clock.forward(seconds=11)
    node.work()
    assert severity() == 3


# --- the budget and breaks ---


def test_past_the_budget_there_is_no_picture_and_still_a_vote(strict: Looking) -> None:
    strict.looked(50)
    strict.node.clock.forward(minutes=6)
    strict.looked(50)
    strict.node.clock.forward(minutes=6)
    assert strict.look().status_code == 200
    # 110 seconds of severity 2 are 220 weighted: the next fifty end the day's 300.
    strict.node.clock.forward(minutes=6)
    strict.looked(50)
    strict.node.clock.forward(minutes=6)
    answer = strict.look()
    assert answer.status_code == 429
    problem = answer.json()
    assert problem["kind"] == "rest"
    assert problem["reference"] == "budget"
    assert "24 November 2026, 00:00 UTC" in problem["detail"]
    assert "vote without looking" in problem["detail"]
    assert int(answer.headers["retry-after"]) > 3600
    for asked in ({"filter": "clear"}, {"size": "large"}, {"filter": "lines"}):
        assert strict.look(None, **asked).status_code == 429
    page = strict.reviewer.get(f"{strict.address}/picture", headers=HTML)
    assert page.status_code == 429
    assert "You have looked enough for today." in page.text
    assert vote(strict.reviewer, strict.case).status_code == 303
    # The day after, the budget is new.
    strict.node.clock.forward(hours=12)
    again = strict.node.sign_in(strict.reviewer.staff)
    assert strict.look(again).status_code == 200


def test_a_break_is_due_and_ends_by_the_clock(strict: Looking) -> None:
    strict.looked(60)
    answer = strict.look()
    assert answer.status_code == 429
    assert answer.json()["reference"] == "break"
    assert "Time for a break." in answer.json()["detail"]
    assert answer.headers["retry-after"] == "300"
    assert vote(strict.reviewer, strict.case).status_code == 303
    strict.node.clock.forward(seconds=299)
    assert strict.look().status_code == 429
    strict.node.clock.forward(seconds=1)
    assert strict.look().status_code == 200


def test_a_refused_picture_is_no_look(strict: Looking) -> None:
    strict.looked(60)
    before = strict.recorded()
    assert strict.look().status_code == 429
    assert strict.recorded() == before


def test_what_one_looked_at_keeps_nobody_else_from_looking(strict: Looking) -> None:
    strict.looked(60)
    assert strict.look().status_code == 429
    assert strict.look(strict.node.person(Role.REVIEWER)).status_code == 200


def test_two_pictures_at_once_do_not_both_find_budget_left(nodes: Nodes) -> None:
    """While one look is on its way into the record, the next waits for it; here one without a report is enough."""
    looking = Looking(nodes.start(exposure_break_after_minutes=1 / 6))
    policy = looking.node.node.settings.exposure_policy
    content = ContentId.parse(looking.content)
    answer = while_open(
        looking.node, lambda tx: begin_look(tx, looking.reviewer.staff, content, 2, policy), looking.look
    )
    assert answer.status_code == 429, answer.text
    assert len(looking.recorded()) == 1


def test_words_of_a_refusal_are_in_the_readers_language(strict: Looking) -> None:
    strict.looked(60)
    answer = strict.look(lang="zh")
    assert re.search(r"[\u4e00-\u9fff]", answer.json()["detail"])


# --- reports ---


def test_seconds_count_as_reported(looking: Looking) -> None:
    looking.looked(3.5)
    assert looking.seconds() == [3.5]
    assert [(view.seconds, view.reported) for view in looking.views()] == [(3.5, True)]


def test_without_a_report_a_fixed_time_counts(looking: Looking) -> None:
    looking.look()
    looking.node.clock.forward(hours=1)
    assert looking.seconds() == [10]


@pytest.mark.parametrize("seconds", ["-1", "-0.1", "", "nan", "inf", "1e9", "\uff11\uff10", "ten", "1,5", "9" * 10])
def test_no_number_of_seconds_is_no_report(looking: Looking, seconds: str) -> None:
    look = looking.look().headers["tidegate-look"]
    looking.node.clock.forward(seconds=30)
    assert looking.report(look, seconds).status_code == 422
    assert looking.seconds() == [10]


def test_more_than_has_passed_is_not_believed(looking: Looking) -> None:
    look = looking.look().headers["tidegate-look"]
    looking.node.clock.forward(seconds=4)
    assert looking.report(look, "999999999").status_code == 204
    assert looking.seconds() == [4]


def test_a_report_is_taken_once(looking: Looking) -> None:
    look = looking.look().headers["tidegate-look"]
    looking.node.clock.forward(seconds=8)
    assert looking.report(look, "8").status_code == 204
    for seconds in ("0", "8", "1"):
        assert looking.report(look, seconds).status_code == 204
    assert looking.seconds() == [8]


def test_a_late_report_gives_no_budget_back(strict: Looking) -> None:
    """Whoever kept their reports back until the budget was gone would else report less, and go on looking."""
    given = [strict.look().headers["tidegate-look"] for _ in range(6)]
    assert strict.look().status_code == 429
    strict.node.clock.forward(seconds=90)
    for look in given:
        assert strict.report(look, "0").status_code == 204
    assert strict.seconds() == [10] * 6
    assert strict.look().status_code == 429


def test_nobody_reports_for_another_or_about_another_picture(looking: Looking) -> None:
    other = looking.node.person(Role.REVIEWER)
    look = looking.look().headers["tidegate-look"]
    assert looking.report(look, "0", other).status_code == 404
    elsewhere = flagged(looking.platform, 7, platform_id="other", caption="Another.")
    address = f"/cases/{looking.case}/content/{elsewhere}/looked"
    assert looking.reviewer.submit(address, look=look, seconds="0").status_code == 404
    unknown = LookId.new(looking.node.clock.now, secrets.token_bytes)
    assert looking.report(str(unknown), "0").status_code == 404
    for nonsense in ("", "look_x", looking.content):
        assert looking.report(nonsense, "0").status_code == 422
    assert looking.seconds() == [10]


def test_a_report_needs_the_sessions_token(looking: Looking) -> None:
    look = looking.look().headers["tidegate-look"]
    foreign = looking.node.person(Role.REVIEWER).csrf()
    for token in ({}, {"csrf": ""}, {"csrf": foreign}):
        form = {"look": look, "seconds": "0", **token}
        assert looking.reviewer.post(f"{looking.address}/looked", data=form).status_code == 403
    assert looking.seconds() == [10]


def test_a_report_may_come_in_parts_as_a_page_sends_it_when_it_is_left(looking: Looking) -> None:
    look = looking.look().headers["tidegate-look"]
    looking.node.clock.forward(seconds=2)
    parts = {"csrf": looking.reviewer.csrf(), "look": look, "seconds": "1.25"}
    files = {name: (None, value) for name, value in parts.items()}
    assert looking.reviewer.post(f"{looking.address}/looked", files=files).status_code == 204
    assert looking.seconds() == [1.25]


# --- who may not ---


def test_who_sees_no_content_gets_no_picture_and_reports_none(looking: Looking) -> None:
    look = looking.look().headers["tidegate-look"]
    node = looking.node
    refused = [node.sign_in(node.administrators()[0]), node.person(Role.POLICY_LEAD), node.person()]
    for person in refused:
        for filter_ in Filter:
            assert looking.look(person, filter=filter_).status_code == 403
        assert looking.report(look, "0", person).status_code == 403
        assert looking.recorded(person.staff) == []
    nobody = node.client(node.addresses.staff)
    assert nobody.get(f"{looking.address}/picture").status_code == 401
    assert nobody.post(f"{looking.address}/looked").status_code == 401
    assert looking.seconds() == [10]


# --- what people read about it ---


def test_ones_own_exposure_is_on_ones_own_page(strict: Looking) -> None:
    strict.looked(30)
    page = strict.reviewer.get("/account", headers=HTML).text
    assert "Of today&#39;s 5 minutes you have used 1." in page or "Of today's 5 minutes you have used 1." in page
    assert '<meter aria-labelledby="exposure-budget" min="0" max="5' in page
    assert "a break of 5 minutes is due" in page
    strict.looked(30)
    page = strict.reviewer.get("/account", headers=HTML).text
    assert "It is time for a break from looking." in page
    assert "Until then you can vote without looking" in page
    # Nobody else's page says anything of it.
    for other in (strict.node.person(Role.REVIEWER), strict.node.sign_in(strict.node.administrators()[0])):
        assert "Of today" in other.get("/account", headers=HTML).text
        assert "time for a break" not in other.get("/account", headers=HTML).text


def test_auditors_read_single_looks_and_no_page_compares_people(looking: Looking) -> None:
    """Looks of two people stand in the order they happened, each by itself, on one page; nowhere are they added up."""
    node = looking.node
    second = node.person(Role.REVIEWER, name="Second Reviewer")
    for person, seconds in ((looking.reviewer, 2), (second, 31), (looking.reviewer, 5), (second, 7)):
        look = looking.look(person).headers["tidegate-look"]
        node.clock.forward(seconds=seconds)
        assert looking.report(look, str(seconds), person).status_code == 204
    record = node.person(Role.AUDITOR).get("/record/views", headers=HTML).text
    table = record[record.index("<tbody>") :]
    cells = re.findall(r'<td class="number">([0-9.]+)', table)
    assert cells == ["7", "5", "31", "2"]
    for total in (31 + 7, 2 + 31 + 5 + 7):
        assert f">{total}<" not in table
    everyone = {
        "auditor": node.person(Role.AUDITOR),
        "administrator": node.sign_in(node.administrators()[0]),
        "lead": node.person(Role.POLICY_LEAD),
        "colleague": looking.reviewer,
    }
    for who, person in everyone.items():
        for path in ("/", "/account", "/people", "/queue", "/record", "/record/views"):
            page = person.get(path, headers=HTML).text
            if (who, path) != ("auditor", "/record/views"):
                assert not re.search(r">\s*(31|38|45)\s*<", page), (who, path)


def test_no_setting_switches_counting_off(nodes: Nodes) -> None:
    names = [name for name in Settings.model_fields if name.startswith("exposure")]
    assert len(names) == 3
    for name in names:
        for value in (0, -1, 10**6):
            with pytest.raises(ConfigurationError, match=name):
                read_settings(**{name: value})
    looking = Looking(nodes.start(exposure_budget_minutes=240, exposure_break_after_minutes=60))
    looking.look()
    assert len(looking.recorded()) == 1
