"""The notice in every state it can be in, in both languages: what happened, whether it is final, and what to do."""

import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pytest

from console.console_story import HTML, complain, first_case, flagged, notice_link, picture, remove, vote
from running import Browser, Platform, Running
from tidegate.appeal import rules as appeal_rules
from tidegate.appeal import steps as appeals
from tidegate.appeal import store as appeal_store
from tidegate.appeal.model import Appeal, Outcome
from tidegate.console.staff.appeals import contested
from tidegate.db.sealing import read_detail, write_detail
from tidegate.db.transaction import Transaction
from tidegate.kernel.ids import AppealId, ContentId, NoticeId
from tidegate.notice import policy_text
from tidegate.notice import store as notices
from tidegate.people.model import Role
from tidegate.signal import store as signals
from tidegate.signal.model import Standing

CAPTION = "A bridge, by its builder."


@dataclass
class Story:
    """A node, a platform, and people to decide and to judge."""

    node: Running
    platform: Platform
    voters: list[Browser]
    judges: list[Browser]

    def removed(self, **more: str) -> tuple[str, str]:
        """Have something removed; give it and its notice's link."""
        content = flagged(self.platform, caption=CAPTION, platform_id="post-4711")
        case = first_case(self.voters[0])
        for person in self.voters:
            assert vote(person, case, **more).status_code == 303
        self.node.clock.forward(seconds=11)
        self.node.work()
        return content, notice_link(self.platform, content)

    def held(self) -> tuple[str, str]:
        """Have the same bytes come back and be held."""
        self.removed()
        content = str(self.platform.verdict(picture(), platform_id="again", uploader="b", caption=CAPTION)["content"])
        return content, notice_link(self.platform, content)

    def judge(self, content: str, outcome: str, words: str = "We read it again.") -> None:
        appeal = appeal_on(self.node, content)
        for person in self.judges:
            person.submit(f"/appeals/{appeal.id}/judgements", outcome=outcome, words=words)


@pytest.fixture
def story(node: Running) -> Story:
    return Story(
        node,
        node.platform(),
        [node.person(Role.REVIEWER) for _ in range(2)],
        [node.person(Role.APPEAL_REVIEWER) for _ in range(2)],
    )


def appeal_on(node: Running, content: str) -> Appeal:
    async def find(tx: Transaction) -> Appeal:
        return (await appeal_store.of_content(tx, ContentId.parse(content)))[-1]

    return node.do(find)


# --- the states ---


def held(story: Story) -> str:
    return story.held()[1]


def lapsed(story: Story) -> str:
    _, link = story.held()
    story.node.clock.forward(hours=24, seconds=1)
    story.node.work()
    return link


def released(story: Story) -> str:
    content, link = story.held()
    case = first_case(story.voters[0])
    assert content in story.voters[0].get(f"/cases/{case}", headers=HTML).text
    kept = {"measure": "keep", "exempt": "news", "ground": "", "provision": "", "label": ""}
    assert vote(story.voters[0], case, **kept).status_code == 303
    story.node.clock.forward(seconds=11)
    story.node.work()
    return link


def hold_contested_and_lifted(story: Story) -> str:
    content, link = story.held()
    complain(story.node, link)
    story.judges = story.judges[:1]
    story.judge(content, "use_allowed")
    return link


def removed(story: Story) -> str:
    return story.removed()[1]


def suspended(story: Story) -> str:
    return story.removed(measure="suspend_account")[1]


def terminated(story: Story) -> str:
    return story.removed(measure="terminate_account")[1]


def contested_(story: Story) -> str:
    _, link = story.removed()
    assert complain(story.node, link).status_code == 303
    return link


def overdue(story: Story) -> str:
    link = contested_(story)
    story.node.clock.forward(days=14, seconds=1)
    return link


def upheld(story: Story) -> str:
    content, link = story.removed()
    complain(story.node, link)
    story.judge(content, "upheld", "It instructs, whatever it is called.")
    return link


def use_allowed(story: Story) -> str:
    content, link = story.removed()
    complain(story.node, link)
    story.judge(content, "use_allowed")
    return link


def account_restored(story: Story) -> str:
    content, link = story.removed(measure="suspend_account")
    complain(story.node, link)
    story.judge(content, "not_terrorist")
    return link


def replaced(story: Story) -> str:
    content, link = story.held()
    remove(story.node, story.platform, story.voters[:1], content)
    assert notice_link(story.platform, content) != link
    return link


def too_late(story: Story) -> str:
    _, link = story.removed()
    story.node.clock.forward(days=184, seconds=1)
    return link


def erased(story: Story) -> str:
    _, link = story.removed()
    story.node.clock.forward(days=184 + 31)
    for _ in range(3):
        story.node.work()
    return link


FORM = "Why do you think this was wrong?"
STATES: dict[Callable[[Story], str], tuple[tuple[str, ...], tuple[str, ...], str]] = {
    held: (
        ("Your content is hidden for a time", "shown again by itself", "A machine, for a short time.", FORM),
        ("No machine decided", "Your account"),
        "You object",
    ),
    lapsed: (
        ("nobody decided in time", "Nobody found anything against it.", "You can still object", FORM),
        ("hidden until",),
        "It is over",
    ),
    released: (
        ("people looked at it and let it go", "We are sorry that you had to wait.", FORM),
        ("You were right",),
        "It is over",
    ),
    hold_contested_and_lifted: (
        ("Your content is shown again", "We are sorry.", "You were right to complain.", "We read it again."),
        (FORM,),
        "It was put right",
    ),
    removed: (
        ("Your content was removed.", "No. You can object until 26 May 2027", "(184 days left)", "post-4711", CAPTION,
         "2 people decided", "Within 2 weeks", "at least 2, must agree", FORM),
        ("Your account", "We are sorry"),
        "You object",
    ),
    suspended: (
        ("Your content was removed, and your account was suspended.", "Your account is opened again, too.", FORM),
        ("We are sorry",),
        "You object",
    ),
    terminated: (("and your account was closed.", "Your account is opened again, too."), ("We are sorry",),
                 "You object"),
    contested_: (
        ("No. You objected", "by 7 December 2026", "This is my news report."),
        (FORM, "We are late"),
        "Other people judge",
    ),
    overdue: (
        ("We are late.", "our fault and not yours", "by 7 December 2026"),
        (FORM, "at the latest."),
        "Other people judge",
    ),
    upheld: (
        ("Here, yes", "the decision stands", "It instructs, whatever it is called.", "A court, at any time."),
        (FORM, "We are sorry"),
        "It stands",
    ),
    use_allowed: (("We are sorry.", "this use of it is allowed"), (FORM, "Your account"), "It was put right"),
    account_restored: (("We are sorry.", "it is not terrorist content", "Your account is open again."), (FORM,),
                       "It was put right"),
    replaced: (("A newer notice", "what stands there counts", FORM), (), "A newer notice"),
    too_late: (("Here, yes", "The time to object here is over."), (FORM,), "It stands"),
    erased: (("The reasons were erased", "A court, at any time."), (CAPTION, "post-4711", "2 people decided", FORM),
             "It stands"),
}  # fmt: skip


def text_of(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page)))


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_each_state_says_what_must_be_said(story: Story, state: Callable[[Story], str]) -> None:
    link = state(story)
    said, unsaid, step = STATES[state]
    answer = story.node.public().get(link, headers=HTML)
    assert answer.status_code == 200
    text = text_of(answer.text)
    for words in said:
        assert words in text, words
    for words in unsaid:
        assert words not in text, words
    (now,) = re.findall(r'<li aria-current="step">(.*?)</li>', answer.text)
    assert step in text_of(now)
    for always in ("Is this final?", "Where it stands", "Article 21", "None of these ways closes another", "receipt",
                   "Keep this link to yourself"):  # fmt: skip
        assert always in text, always
    chinese = story.node.public().get(link, params={"lang": "zh"}, headers=HTML)
    assert chinese.status_code == 200
    assert len(re.findall(r'<li aria-current="step">', chinese.text)) == 1
    assert ("真实目的" in chinese.text) is ("Which rule" in text)
    for page in (answer.text, chinese.text):
        assert "<script" not in page
        levels = [int(level) for level in re.findall(r"<h([1-6])", page)]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_a_rule_is_shown_as_it_was_when_the_notice_was_written(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    content, link = story.removed()
    complain(story.node, link)
    for provision in policy_text.TEXTS:
        monkeypatch.setitem(policy_text.TEXTS, provision, policy_text.Text("A later rule.", "后来的规则"))
    monkeypatch.setattr(policy_text, "VERSION", "2")
    judge = story.judges[0].get(f"/appeals/{appeal_on(story.node, content).id}", headers=HTML).text
    for page in (story.node.public().get(link, headers=HTML).text, judge):
        assert "gives instruction on making or using" in page
        assert "(version 1)" in page
        assert "A later rule." not in page


def test_a_statement_from_before_has_the_present_words(story: Story) -> None:
    content, link = story.removed()
    owner = ContentId.parse(content)

    async def take_away(tx: Transaction) -> None:
        (row,) = await notices.standing_on(tx, owner)
        part = notices.statement_part(NoticeId(row["id"]))
        said = await read_detail(tx, owner, part)
        assert said is not None
        for later in ("policy", "redress", "complaint_until", "initiative"):
            said.pop(later)
        await write_detail(tx, owner, part, json.loads(json.dumps(said)))

    story.node.do(take_away)
    page = story.node.public().get(link, headers=HTML)
    assert page.status_code == 200
    assert "gives instruction on making or using" in page.text


# --- what a judge is told would follow, follows ---


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("measure", ["remove", "suspend_account"])
def test_what_a_judge_is_told_would_follow_follows(story: Story, outcome: Outcome, measure: str) -> None:
    content, link = story.removed(measure=measure)
    complain(story.node, link)
    appeal = appeal_on(story.node, content)

    async def foresee(tx: Transaction) -> appeal_rules.Consequences:
        decision = await contested(tx, appeal)
        present = await appeals.restrictions(tx, appeal, [decision] if decision else [])
        return appeal_rules.consequences(outcome, appeal, present)

    def actions() -> list[str]:
        stream = story.platform.client.get("/v1/instructions").json()["instructions"]
        return [item["action"] for item in stream]

    then = story.node.do(foresee)
    before = actions()
    story.judge(content, outcome)
    lifted = actions()[len(before) :]
    assert len(lifted) == then.shown_again
    assert ("reinstate_account" in lifted) is then.account_back
    withdrawn = [signal for signal in story.node.do(signals.newest) if signal.standing is Standing.WITHDRAWN]
    assert len(withdrawn) == then.signals_withdrawn
    again = story.platform.verdict(picture(), platform_id="post-4711-b", uploader="user-1")
    if then.bytes_allowed:
        assert again["verdict"] != "hold"
    assert then.nothing is (outcome is Outcome.UPHELD)


def test_a_refused_judgement_is_not_lost(story: Story) -> None:
    content, link = story.removed()
    complain(story.node, link)
    appeal = appeal_on(story.node, content).id
    judge = story.judges[0]
    refused = judge.post(
        f"/appeals/{appeal}/judgements", data={"csrf": judge.csrf(), "words": "Long thought <b>over</b>."}, headers=HTML
    )
    assert refused.status_code == 422
    assert "Your judgement was not taken." in refused.text
    assert re.search(r"<textarea[^>]*>Long thought &lt;b&gt;over&lt;/b&gt;\.</textarea>", refused.text)
    assert judge.submit(f"/appeals/{appeal}/judgements", outcome="upheld", words="Once.").status_code == 303
    again = judge.post(
        f"/appeals/{appeal}/judgements",
        data={"csrf": judge.csrf(), "outcome": "use_allowed", "words": "Twice."},
        headers=HTML,
    )
    assert again.status_code == 403
    assert "You judged this complaint already." in again.text
    assert "Twice." in again.text


def test_the_list_of_complaints_by_its_address(story: Story) -> None:
    content, link = story.removed()
    complain(story.node, link)
    appeal = str(appeal_on(story.node, content).id)
    judge, auditor = story.judges[0], story.node.person(Role.AUDITOR)

    def listed(person: Browser, show: str) -> bool:
        answer = person.get("/appeals", params={"show": show}, headers=HTML)
        assert answer.status_code == 200
        return f'href="/appeals/{appeal}"' in answer.text

    assert listed(judge, "open")
    assert listed(judge, "mine")
    assert not listed(judge, "late")
    assert not listed(judge, "decided")
    assert listed(judge, "nonsense")
    assert not listed(auditor, "mine")
    assert "show=mine" not in auditor.get("/appeals", headers=HTML).text
    judge.submit(f"/appeals/{appeal}/judgements", outcome="upheld", words="It stands.")
    assert not listed(judge, "mine")
    assert listed(judge, "open")
    story.node.clock.forward(days=15)
    other = story.node.sign_in(story.judges[1].staff)
    assert listed(other, "late")
    assert "late" in text_of(other.get("/appeals", headers=HTML).text)
    other.submit(f"/appeals/{appeal}/judgements", outcome="upheld", words="It stands.")
    assert listed(other, "decided")
    assert not listed(other, "open")


def test_no_appeal_id_reads_another_notice(story: Story) -> None:
    """A link opens its own notice, and nothing under another's."""
    _, link = story.removed()
    complain(story.node, link, "Only for judges.")
    held_content = story.platform.verdict(picture(), platform_id="again", uploader="b")["content"]
    other = story.node.public().get(notice_link(story.platform, held_content), headers=HTML).text
    assert "Only for judges." not in other
    assert AppealId.word not in other
