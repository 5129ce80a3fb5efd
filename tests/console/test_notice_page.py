"""The notice: read without script, account or cookie, in both languages; the complaint and the receipt behind it."""

import re

import pytest

from console.console_story import HOSTILE, HTML, Removed, complain, notice_link, picture
from running import Browser, Running
from tidegate.db.transaction import Actor, ActorKind
from tidegate.kernel.ids import ContentId, StaffId
from tidegate.ledger import receipt as receipts
from tidegate.ledger.note import Verifier
from tidegate.notice import store as notices
from tidegate.people import steps
from tidegate.people.model import ProposalKind, Role


def read(node: Running, link: str, language: str = "en") -> str:
    answer = node.public().get(link, params={"lang": language}, headers=HTML)
    assert answer.status_code == 200, answer.text
    assert "<script" not in answer.text
    return answer.text


def test_removal_says_all_that_must_be_said(node: Running, removed: Removed) -> None:
    page = read(node, removed.link)
    for words in (
        "Your content was removed.",
        removed.content,
        "Everywhere on the platform",
        "Article 2(7)(d)",
        "Someone reported it.",
        "2 people decided",
        "No machine decided",
        "It is not.",
        "The time to object ends:",
        "Article 21",
        "A court",
        "Why do you think this was wrong?",
    ):
        assert words in page, words
    chinese = read(node, removed.link, "zh")
    for words in ("第 2 条第 7 款 (d) 项。恐怖主义内容是指", "真实目的", "法院", "提交投诉"):
        assert words in chinese, words
    for name in ("Voter 0", "Voter 1", str(removed.voters[0].staff), "step by step"):
        assert name not in page


def test_hold_says_that_it_is_a_machines_and_when_it_ends(node: Running, removed: Removed) -> None:
    held = removed.platform.verdict(picture(), platform_id="again", uploader="another")
    assert held["verdict"] == "hold"
    link = notice_link(removed.platform, held["content"])
    page = read(node, link)
    for words in (
        "Your content is hidden for a time",
        "A machine, for a short time",
        "Nobody has asked yet",
        "decided on exactly the same file",
    ):
        assert words in page, words
    assert "本平台不展示恐怖主义内容" in read(node, link, "zh")
    node.clock.forward(hours=24, seconds=1)
    node.work()
    assert "nobody decided in time." in read(node, link)


def test_link_stays_secret(node: Running, removed: Removed) -> None:
    answer = node.public().get(removed.link, headers=HTML)
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "noindex" in answer.headers["x-robots-tag"]
    assert '<meta name="robots" content="noindex">' in answer.text
    assert "set-cookie" not in answer.headers
    token = removed.link.rpartition("/")[2]
    for wrong in (token[:-1], token + "A", token[::-1], "x", "%00", "notice_0", "\u202e"):
        for path in (f"/notice/{wrong}", f"/notice/{wrong}/receipt.json"):
            assert node.public().get(path, headers=HTML).status_code == 404, path
        assert node.public().post(f"/notice/{wrong}/complaint", data={"words": "x"}).status_code == 404
    assert "未找到" in node.public().get("/notice/x", params={"lang": "zh"}, headers=HTML).text


def test_first_reading_is_written_down_once(node: Running, removed: Removed) -> None:
    def read_at() -> object:
        (row,) = node.do(lambda tx: notices.standing_on(tx, ContentId.parse(removed.content)))
        return row["read_at"]

    assert read_at() is None
    read(node, removed.link)
    first = read_at()
    assert first is not None
    node.clock.forward(hours=1)
    read(node, removed.link)
    assert read_at() == first


def test_complaint_from_the_form_to_the_reasons(node: Running, removed: Removed) -> None:
    words = "我报道了它。\r\nIt is my report. " + HOSTILE.replace("\u202e", "")
    answer = complain(node, removed.link, words)
    assert answer.status_code == 303
    assert removed.link.endswith(answer.headers["location"])
    page = read(node, removed.link)
    assert "Your complaint was received:" in page
    assert "<script>alert" not in page
    assert "我报道了它。" in page
    assert "<textarea" not in page
    again = complain(node, removed.link, "Again.")
    assert again.status_code == 409
    assert "with us already" in again.text

    # Those who decided are not shown the form, and are refused if they send one.
    judges = [node.person(Role.APPEAL_REVIEWER, name=f"Judge {number}") for number in range(2)]
    listed = judges[0].get("/appeals", headers=HTML).text
    appeal = re.findall(r'href="/appeals/(appeal_[a-z0-9]+)"', listed)[0]
    both = node.sign_in(_also_judge(node, removed.voters[0]))
    shown = both.get(f"/appeals/{appeal}", headers=HTML).text
    assert "others judge it" in shown
    assert 'name="outcome"' not in shown
    assert "voted on it: others judge it" in both.get("/appeals", headers=HTML).text
    assert both.submit(f"/appeals/{appeal}/judgements", outcome="upheld", words="No.").status_code == 403

    page = judges[0].get(f"/appeals/{appeal}", headers=HTML).text
    assert "It is my report." in page
    assert "<script>alert" not in page
    assert 'name="outcome" value="use_allowed" required' in page
    assert not re.search(r'name="outcome"[^>]*checked', page)
    assert judges[0].submit(f"/appeals/{appeal}/judgements", outcome="use_allowed", words="").status_code in {403, 422}
    first = judges[0].submit(f"/appeals/{appeal}/judgements", outcome="use_allowed", words="<b>First</b> reasons.")
    assert first.status_code == 303
    hidden = judges[1].get(f"/appeals/{appeal}", headers=HTML).text
    assert "First" not in hidden
    assert "Someone judged it." in hidden
    assert "First" not in read(node, removed.link)
    judges[1].submit(f"/appeals/{appeal}/judgements", outcome="use_allowed", words="Second reasons.")
    done = read(node, removed.link)
    for said in (
        "what was decided about it was reversed.",
        "We are sorry.",
        "You were right to complain.",
        "&lt;b&gt;First&lt;/b&gt;",
        "Second",
    ):
        assert said in done, said
    assert "Judge 0" not in done
    assert "您的投诉成立" in read(node, removed.link, "zh")


def _also_judge(node: Running, voter: Browser) -> StaffId:
    first, second = node.administrators()
    proposal = node.do(
        lambda tx: steps.propose(tx, ProposalKind.ROLE_GRANT, staff=voter.staff, role=Role.APPEAL_REVIEWER),
        Actor(ActorKind.STAFF, first),
    )
    node.do(lambda tx: steps.approve(tx, proposal), Actor(ActorKind.STAFF, second))
    return voter.staff


@pytest.mark.parametrize("words", ["", "   \r\n", "x" * 20_001, "a\x00b"])
def test_complaint_that_says_nothing_or_too_much_is_refused(node: Running, removed: Removed, words: str) -> None:
    answer = complain(node, removed.link, words)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")
    assert "Send the complaint" in read(node, removed.link)


def test_time_to_object_ends(node: Running, removed: Removed) -> None:
    node.clock.forward(days=185)
    assert "The time to object here is over." in read(node, removed.link)
    assert complain(node, removed.link).status_code == 409


def test_receipt_is_pending_and_then_proves(node: Running, removed: Removed) -> None:
    settings = node.node.settings
    verifier = Verifier.of(settings.ledger_origin, node.node.database.keys.ledger)
    removal = receipts.read(node.public().get(f"{removed.link}/receipt.json").content)
    leaf, _ = removal.verify(verifier)
    assert leaf.kind == "removal"
    fields = {field.name: field.value for field in removal.fields}
    assert fields["content"] == removed.content
    assert fields["provision"] == "tco_2_7_d"
    # What the label was is not this reader's: it would say what to change.
    assert set(fields) == {"at", "event", "content", "revision", "decision", "provision", "exempt"}

    held = removed.platform.verdict(picture(), platform_id="again", uploader="another")
    address = f"{notice_link(removed.platform, held['content'])}/receipt.json"
    pending = node.public().get(address)
    assert pending.status_code == 200
    assert pending.headers["cache-control"] == "no-store"
    assert pending.json()["status"] == "pending"
    node.loop.run(node.node.publisher.publish())
    made = receipts.read(node.public().get(address).content)
    leaf, _ = made.verify(verifier)
    assert leaf.kind == "hold"
    fields = {field.name: field.value for field in made.fields}
    assert set(fields) == {"at", "event", "content", "revision", "until"}
    assert fields["content"] == held["content"]
