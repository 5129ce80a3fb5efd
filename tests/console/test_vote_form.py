"""The vote's form over HTTP: what it asks, what it shows before it counts, and that nothing chosen is lost."""

import re
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest

from console.console_story import HOSTILE, HTML, flagged, shown_on
from floor.story import case_of, decide, leaves, look_alike, make_known, picture, wait_out_undo
from running import Browser, Platform, Running
from tidegate.content import store as contents
from tidegate.db.transaction import Transaction
from tidegate.exposure.store import views_of
from tidegate.kernel.ids import CaseId, ContentId
from tidegate.people.model import Role

REMOVE = {"provision": "tco_2_7_d", "exempt": "none", "measure": "remove", "label": "instructs"}
NONE_BROKEN = {"provision": "none", "exempt": "none"}


@pytest.fixture
def two(node: Running) -> list[Browser]:
    return [node.person(Role.REVIEWER, name=f"Reviewer {number}") for number in range(2)]


def preview(person: Browser, case: CaseId | str, **form: Any) -> httpx2.Response:
    """Ask what a vote would do, as the page does by itself."""
    fields = {"shown": shown_on(person, str(case)), **form}
    return person.post(f"/cases/{case}/preview", data={"csrf": person.csrf(), **fields}, headers=HTML)


def cast(person: Browser, case: CaseId | str, **form: Any) -> httpx2.Response:
    """Send the form as a browser without scripts would."""
    fields = {"shown": shown_on(person, str(case)), **form}
    return person.post(f"/cases/{case}/votes", data={"csrf": person.csrf(), **fields}, headers=HTML)


def words_of(html: str) -> str:
    """Give what stands on a page, without its marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def page(person: Browser, path: str, **query: str) -> str:
    answer = person.get(path, params=query or None, headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


def many(node: Running, platform: Platform, count: int, languages: Sequence[str] = ("en",)) -> CaseId:
    """Let the same bytes, known by now, come from many people; give the case they are looked at in."""
    ids = [
        platform.verdict(
            picture(1),
            platform_id=f"post-{number}",
            uploader=f"user-{number}",
            language=languages[number % len(languages)],
        )["content"]
        for number in range(count)
    ]
    return case_of(node, str(ids[-1]))


# --- without scripts ---


def test_the_rule_alone_names_its_ground(node: Running, platform: Platform, two: list[Browser]) -> None:
    content = flagged(platform)
    case = case_of(node, content)
    for person in two:
        assert cast(person, case, **REMOVE).status_code == 303
    wait_out_undo(node)
    settled = page(two[0], f"/cases/{case}")
    assert "Article 2(7)(d)" in settled
    assert "Law" in page(two[0], re.findall(r'href="(/decisions/[^"]+)"', settled)[0])


def test_what_breaks_no_rule_is_left_up(node: Running, platform: Platform, two: list[Browser]) -> None:
    case = case_of(node, flagged(platform))
    assert cast(two[0], case, **NONE_BROKEN).status_code == 303
    wait_out_undo(node)
    assert "Leave it up" in page(two[0], f"/cases/{case}")


@pytest.mark.parametrize(
    ("form", "status", "says"),
    [
        ({**REMOVE, "measure": ""}, 422, "Say what is done"),
        ({**REMOVE, "exempt": ""}, 403, "Answer the exception question"),
        ({**REMOVE, "label": ""}, 403, "Say what it does"),
        ({**REMOVE, "provision": "none"}, 403, "Say what is done"),
        ({**REMOVE, "shown": []}, 422, "Tick at least one"),
    ],
)
def test_a_refused_vote_comes_back_with_all_that_was_chosen(
    node: Running, platform: Platform, two: list[Browser], form: dict[str, Any], status: int, says: str
) -> None:
    case = case_of(node, flagged(platform))
    answer = cast(two[0], case, words="Because of <b>this</b>.", **form)
    assert answer.status_code == status
    assert "Your vote was not counted." in answer.text
    assert "Because of &lt;b&gt;this&lt;/b&gt;." in answer.text
    for name in ("provision", "exempt", "measure", "label"):
        ticked = re.findall(rf'name="{name}" value="(\w+)"[^>]* checked', answer.text)
        assert ticked == [value for value in [form[name]] if value], name
    # Only the sentence of the question that is open stands there.
    shown = [
        text for hidden, text in re.findall(r'<p class="wrong"[^>]*?( hidden)?>([^<]+)<', answer.text) if not hidden
    ]
    assert len(shown) == 1
    assert shown[0].startswith(says)


def test_other_bytes_meanwhile_keep_the_choices_and_untick_what_changed(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    make_known(node, platform, picture(1), two)
    ids = [
        str(platform.verdict(picture(1), platform_id=f"post-{number}", uploader=f"u{number}")["content"])
        for number in range(2)
    ]
    case = case_of(node, ids[0])
    shown = shown_on(two[0], str(case))
    platform.verdict(look_alike(1), platform_id="post-0", uploader="u0")
    answer = cast(two[0], case, words="I looked.", **REMOVE, shown=shown)
    assert answer.status_code == 422
    assert "reload the case and look again" in answer.text
    assert "I looked." in answer.text
    assert re.findall(r'name="measure" value="(\w+)"[^>]* checked', answer.text) == ["remove"]
    boxes = re.findall(r'name="shown" value="([^"]+)"( checked)?', answer.text)
    assert (f"{ids[1]}:1", " checked") in boxes
    assert all(not checked for value, checked in boxes if value.startswith(ids[0]))


def test_who_comes_too_late_reads_what_they_had_written(node: Running, platform: Platform, two: list[Browser]) -> None:
    case = case_of(node, flagged(platform))
    late = node.person(Role.REVIEWER)
    shown = shown_on(late, str(case))
    for person in two:
        cast(person, case, **REMOVE)
    answer = cast(late, case, words="My long reasons.", **REMOVE, shown=shown)
    assert answer.status_code == 409
    assert "Your vote was not counted." in answer.text
    assert "My long reasons." in answer.text
    assert 'id="vote"' not in answer.text


def test_someone_elses_claim_keeps_the_form_and_says_why(node: Running, platform: Platform, two: list[Browser]) -> None:
    case = case_of(node, flagged(platform))
    assert two[0].submit(f"/cases/{case}/claim").status_code == 303
    shown = page(two[1], f"/cases/{case}")
    assert "Someone else is on this case until" in shown
    assert "Reviewer 0" not in shown
    assert re.findall(r'name="then" value="next" disabled', shown)
    answer = cast(two[1], case, words="Mine.", **REMOVE)
    assert answer.status_code == 409
    assert "Mine." in answer.text
    assert cast(two[0], case, **REMOVE).status_code == 303


# --- before it counts ---


def test_the_preview_says_what_then_happens(node: Running, platform: Platform, two: list[Browser]) -> None:
    content = flagged(platform, language="zh")
    case = case_of(node, content)
    said = preview(two[0], case, **REMOVE)
    assert said.status_code == 200
    before = words_of(said.text)
    decide(node, content, two, {**REMOVE, "ground": ""})
    stream = platform.client.get("/v1/instructions", params={"limit": 1000}).json()["instructions"]
    assert [item["action"] for item in stream] == ["remove"]
    assert "is asked: remove (1)" in before
    notice = node.public().get(stream[-1]["notice_url"], params={"lang": "zh"}, headers=HTML).text
    for statement in _reasons(said.text):
        assert statement in _reasons(notice), statement
    assert len(_reasons(said.text)) > 8
    rows = leaves(node)
    (removal,) = [row for row in rows if row["kind"] == "removal"]
    assert (removal["measure"], removal["basis"], removal["decided_by"]) == ("remove", "flag", "two_people")
    assert "1 \N{MULTIPLICATION SIGN} Removals: picture, removed, a report; decided by: two people" in before
    assert "1 report" in before
    assert "Known from then on" in before


def _reasons(html: str) -> set[str]:
    """Give the points of a statement of reasons, but for the moment it takes effect."""
    (text,) = re.findall(r'<dl class="facts reasons">(.*?)</dl>', html, re.DOTALL)[:1]
    points = re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", text, re.DOTALL)
    return {f"{name}: {words_of(value)}" for name, value in points if "<time" not in value}


def _public_rows(node: Running) -> list[dict[str, Any]]:
    return leaves(node)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({}, "Say which rule it breaks"),
        ({"provision": "tco_2_7_a"}, "Answer the exception question"),
        ({"provision": "tco_2_7_a", "exempt": "none"}, "Say what is done"),
        ({"provision": "tco_2_7_a", "exempt": "none", "measure": "remove"}, "Say what it does"),
        ({**REMOVE, "shown": []}, "Tick at least one"),
        ({**REMOVE, "exempt": "news"}, "Say what is done"),
        ({**REMOVE, "ground": "house_rule"}, "Say which rule it breaks"),
        ({**NONE_BROKEN}, "it stays as it is"),
        ({**REMOVE, "exempt": "news", "measure": ""}, "it stays as it is"),
    ],
)
def test_the_preview_asks_for_what_is_missing(
    node: Running, platform: Platform, two: list[Browser], form: dict[str, Any], says: str
) -> None:
    case = case_of(node, flagged(platform))
    answer = preview(two[0], case, **form)
    assert answer.status_code == 200
    assert says in answer.text


def test_the_preview_writes_nothing(node: Running, platform: Platform, two: list[Browser]) -> None:
    content = flagged(platform)
    case = case_of(node, content)

    async def count(tx: Transaction) -> tuple[int, int]:
        events = await tx.row("SELECT count(*) AS n FROM event")
        details = await tx.row("SELECT count(*) AS n FROM detail")
        assert events
        assert details
        return events["n"], details["n"]

    shown = shown_on(two[0], str(case))
    before = node.do(count)
    preview(two[0], case, **REMOVE, words="Secret words.", shown=shown)
    assert node.do(count) == before


def test_a_hold_is_released_and_that_is_foreseen(node: Running, platform: Platform, two: list[Browser]) -> None:
    make_known(node, platform, picture(1), two)
    content = str(platform.verdict(picture(1), platform_id="again", uploader="other")["content"])
    said = words_of(preview(two[0], case_of(node, content), **NONE_BROKEN).text)
    assert "is asked: release (1)" in said
    assert "1 \N{MULTIPLICATION SIGN} Holds that people released" in said
    decide(node, content, two[:1], NONE_BROKEN)
    stream = platform.client.get("/v1/instructions", params={"limit": 1000}).json()["instructions"]
    assert [item["action"] for item in stream if item["content"] == content] == ["hold", "release"]
    assert any(row["kind"] == "released" and row["decided_by"] == "one_person" for row in leaves(node))


def test_more_than_fifty_at_once_take_two_and_the_preview_says_so(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    make_known(node, platform, picture(1), two)
    case = many(node, platform, 51)
    shown = shown_on(two[0], str(case))
    assert len(shown) == 51
    assert "one person is enough" in preview(two[0], case, **REMOVE, shown=shown[:50]).text
    every = preview(two[0], case, **REMOVE, shown=shown).text
    assert "two people must agree" in every
    assert "more than 50 at once" in every


def test_of_what_is_decided_meanwhile_nothing_is_foreseen(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    case = case_of(node, flagged(platform))
    third = node.person(Role.REVIEWER)
    shown = shown_on(third, str(case))
    for person in two:
        cast(person, case, **REMOVE)
    said = preview(third, case, **REMOVE, shown=shown).text
    assert "Look at it again" in said
    assert "two people must agree" not in said


# --- blind ---


def test_nothing_shown_before_a_vote_depends_on_what_others_voted(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    case = case_of(node, flagged(platform))
    second, auditor = two[1], node.person(Role.AUDITOR)
    forms = [REMOVE, NONE_BROKEN, {**REMOVE, "measure": "terminate_account"}]
    before = [preview(second, case, **form).text for form in forms]
    page(second, "/")
    cast(two[0], case, **REMOVE, words="My secret reasons.")
    assert [preview(second, case, **form).text for form in forms] == before
    for person in (second, auditor):
        for path in (f"/cases/{case}", f"/cases/{case}/status"):
            shown = page(person, path)
            assert "My secret reasons." not in shown
            assert str(two[0].staff) not in shown
            assert "Reviewer 0" not in shown
            assert "Someone voted." in shown


def test_disagreement_is_said_and_not_who_or_what(node: Running, platform: Platform, two: list[Browser]) -> None:
    case = case_of(node, flagged(platform))
    third, senior = node.person(Role.REVIEWER), node.person(Role.SENIOR_REVIEWER)
    shown = shown_on(third, str(case))
    before = {person: preview(person, case, **REMOVE, shown=shown).text for person in (third, senior)}
    cast(two[0], case, **REMOVE)
    cast(two[1], case, **NONE_BROKEN)
    for person in (third, senior):
        said = page(person, f"/cases/{case}")
        assert "Two people disagree: a senior reviewer casts the third vote." in said
        assert "Reviewer" not in words_of(said)
        assert preview(person, case, **REMOVE, shown=shown).text == before[person]
    assert 'id="vote"' not in page(third, f"/cases/{case}")
    assert 'id="vote"' in page(senior, f"/cases/{case}")


@pytest.mark.parametrize("role", [Role.APPEAL_REVIEWER, Role.AUDITOR, Role.POLICY_LEAD, Role.LEGAL_OFFICER])
def test_who_cannot_vote_gets_no_preview(node: Running, platform: Platform, two: list[Browser], role: Role) -> None:
    case = case_of(node, flagged(platform))
    person = node.person(role)
    data = {"csrf": person.csrf(), **REMOVE, "shown": shown_on(two[0], str(case))}
    answer = person.post(f"/cases/{case}/preview", data=data, headers={"accept": "application/json"})
    assert answer.status_code == 403
    assert answer.json()["reference"] == "vote"


def test_a_preview_is_only_of_what_is_in_the_case(node: Running, platform: Platform, two: list[Browser]) -> None:
    case = case_of(node, flagged(platform))
    other = flagged(platform, 7, platform_id="other", caption="Another.")
    answer = preview(two[0], case, **REMOVE, shown=[f"{other}:1"])
    assert "You can decide only about what you have in view" in answer.text
    assert "What was done" not in answer.text


def test_how_a_case_stands_is_asked_quietly(node: Running, platform: Platform, two: list[Browser]) -> None:
    """An open page asks by itself: that is no look at the content, and keeps nobody signed in."""
    case = case_of(node, flagged(platform))
    page(two[0], f"/cases/{case}")
    before = node.do(lambda tx: views_of(tx, staff=two[0].staff))
    node.clock.forward(minutes=20)
    shown = page(two[0], f"/cases/{case}/status")
    assert "Nobody is on this case." in shown
    assert "<html" not in shown
    assert node.do(lambda tx: views_of(tx, staff=two[0].staff)) == before
    node.clock.forward(minutes=11)
    assert two[0].get(f"/cases/{case}/status", headers={"accept": "application/json"}).status_code == 401


# --- afterwards ---


def test_voting_on_takes_the_next_case_and_says_what_came_of_it(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    make_known(node, platform, picture(1), two)
    ids = [
        str(platform.verdict(picture(1), platform_id=f"post-{n}", uploader=f"u{n}", caption=f"Words {n}")["content"])
        for n in range(2)
    ]
    cases = {case_of(node, content) for content in ids}
    first = case_of(node, ids[0])
    answer = cast(two[0], first, **REMOVE, then="next")
    assert answer.status_code == 303
    (other,) = cases - {first}
    assert answer.headers["location"].startswith(f"/cases/{other}?after=decision_")
    shown = page(two[0], answer.headers["location"])
    assert "Decided: Remove it." in words_of(shown)
    assert "It takes effect in 10 s." in words_of(shown)
    assert "You are on this case until" in shown
    decision = re.findall(r'action="/decisions/(decision_\w+)/undo" data-undo', shown)[0]
    # Nobody else reads it there, nor may they undo it.
    stranger = page(two[1], f"/cases/{other}", after=decision)
    assert "Decided" not in stranger
    assert f"/decisions/{decision}" not in stranger
    undone = two[0].submit(f"/decisions/{decision}/undo")
    assert undone.headers["location"] == f"/cases/{first}?after={decision}"
    assert "Taken back. The case is open again, without your vote." in page(two[0], undone.headers["location"])
    last = cast(two[0], other, **NONE_BROKEN, then="next")
    assert last.headers["location"].startswith(f"/cases/{first}")


def test_with_nothing_left_the_queue_says_what_came_of_it(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    case = case_of(node, flagged(platform))
    answer = cast(two[0], case, **REMOVE, then="next")
    assert answer.headers["location"] == f"/queue?nothing=1&after={case}"
    assert "Your vote is in. A second person votes without seeing it." in words_of(
        page(two[0], answer.headers["location"])
    )
    assert "Your vote is in." not in page(two[1], answer.headers["location"])
    for nonsense in (
        "decision_x",
        "case_",
        "<script>",
        "staff_" + "0" * 26,
        "decision_" + "0" * 26,
        "case_" + "0" * 26,
    ):
        page(two[0], "/queue", after=nonsense)


# --- many, and hostile ---


def test_hostile_words_stay_words_in_the_preview_and_after_a_refusal(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    content = flagged(platform, caption=HOSTILE, link="javascript:alert(1)//" + HOSTILE)
    case = case_of(node, content)
    for text in (
        page(two[0], f"/cases/{case}"),
        preview(two[0], case, **REMOVE, words=HOSTILE).text,
        cast(two[0], case, words=HOSTILE.replace("\u202e", ""), **{**REMOVE, "exempt": ""}).text,
    ):
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert not re.search(r'href="[^"]*javascript', text)


def test_two_hundred_contents_are_one_page(node: Running, platform: Platform, two: list[Browser]) -> None:
    make_known(node, platform, picture(1), two)
    case = many(node, platform, 200)
    shown = page(two[0], f"/cases/{case}")
    assert shown.count('name="shown"') == 200
    assert "200 of 200 in your vote" in shown
    assert "More than 50 at once: two people must agree." in shown
    for person in two:
        assert cast(person, case, **REMOVE).status_code == 303
    wait_out_undo(node)
    stream = platform.client.get("/v1/instructions", params={"limit": 1000}).json()["instructions"]
    assert sum(1 for item in stream if item["action"] == "remove") == 201


def test_each_notice_is_shown_in_a_language_its_reader_has(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    make_known(node, platform, picture(1), two)
    case = many(node, platform, 4, languages=["zh", "en", "de", "zh"])
    shown = shown_on(two[0], str(case))
    for reader in ("en", "zh"):
        two[0].cookies.set("lang", reader)
        said = preview(two[0], case, **REMOVE, shown=shown).text
        assert re.findall(r'<div class="notice-paper" lang="(\w+)">', said) in (["zh", "en"], ["en", "zh"])
    chinese = [value.split(":")[0] for value in shown]
    only = [f"{content}:1" for content in chinese if _language(node, content) == "zh"]
    two[0].cookies.set("lang", "en")
    said = preview(two[0], case, **REMOVE, shown=only).text
    # In the uploaders' language first, and once more in the voter's own.
    assert re.findall(r'<div class="notice-paper" lang="(\w+)">', said) == ["zh", "en"]
    assert "The same in your language" in said


def _language(node: Running, content: str) -> str:
    async def load(tx: Transaction) -> str:
        found = await contents.load(tx, ContentId.parse(content))
        assert found is not None
        return str(found.language)

    return node.do(load)
