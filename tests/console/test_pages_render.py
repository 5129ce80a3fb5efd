"""Every page of both listeners, for a role that may see it, in both languages, with the headers every page carries."""

import re

import httpx2
import pytest

from console.console_story import HTML
from console.every_page import (
    PUBLIC_FILES,
    PUBLIC_PAGES,
    STAFF_FILES,
    STAFF_PAGES,
    STAFF_VARIANTS,
    declared,
    readers,
    tell,
)
from running import Running
from tidegate.appeal.model import Outcome
from tidegate.case.model import HeadStart, Reason
from tidegate.case.model import State as CaseState
from tidegate.console.public.notice_life import Place, StepName
from tidegate.console.staff.appeals import Show
from tidegate.console.staff.queue import Waits
from tidegate.console.words import WORDS
from tidegate.content.model import AccountClass, ContentKind, Standing, Surface
from tidegate.decision.model import Exempt, Ground, Measure, Provision
from tidegate.decision.model import State as DecisionState
from tidegate.decision.queue import Claims
from tidegate.enforcement.model import Action, Cause, Restriction
from tidegate.enforcement.model import State as InstructionState
from tidegate.fingerprint.model import Rotation
from tidegate.ledger.entry import Basis, LeafKind, Tallied
from tidegate.ledger.entry import Measure as LeafMeasure
from tidegate.ledger.state import Trouble
from tidegate.notice.model import Ended
from tidegate.people.model import ProposalKind, ProposalStanding, Role, Scope, SignInMethod, StaffStanding
from tidegate.signal.model import Label, Provenance
from tidegate.signal.model import Standing as SignalStanding
from tidegate.verdict.model import Reason as VerdictReason
from tidegate.web.door import Listener

_LONG_SIGN = re.compile(r"[\u4e00-\u9fff]")


def checked(answer: httpx2.Response, language: str) -> None:
    """Demand a whole page in a language, with its headers and nothing inline."""
    assert answer.status_code == 200, answer.text
    assert f'<html lang="{language}">' in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert not re.search(r"<script(?![^>]* src=\"/static/)|<style| style=| on[a-z]+=", answer.text)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)
    # One main heading, one main part, every field with a label.
    assert len(re.findall("<h1", answer.text)) == len(re.findall("<main", answer.text)) == 1
    for field in re.findall(r"<(?:input|textarea|select)[^>]*>", answer.text):
        if 'type="hidden"' not in field:
            before = answer.text[: answer.text.index(field)]
            assert before.count("<label") > before.count("</label"), field


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_renders(node: Running, language: str) -> None:
    """StrictUndefined makes a missing value an error, so that a page that renders says all it means to."""
    story = tell(node)
    by_role = readers(node)
    assert declared(Listener.STAFF) == set(STAFF_PAGES) | STAFF_FILES
    for path, names in (STAFF_PAGES | STAFF_VARIANTS).items():
        for name in names:
            by_role[name].cookies.set("lang", language)
            checked(by_role[name].get(path.format(**story), headers=HTML), language)

    public = node.public()
    assert declared(Listener.PUBLIC) == PUBLIC_PAGES | PUBLIC_FILES
    for path in PUBLIC_PAGES:
        answer = public.get(path.format(**story), params={"lang": language}, headers=HTML)
        checked(answer, language)
        assert (len(_LONG_SIGN.findall(answer.text)) > 60) is (language == "zh")


def test_language_is_remembered_and_guessed(node: Running) -> None:
    public = node.public()
    assert '<html lang="en">' in public.get("/", headers=HTML).text
    guessed = public.get("/", headers={**HTML, "accept-language": "zh-CN,zh;q=0.9,en;q=0.5"})
    assert '<html lang="zh">' in guessed.text
    assert '<html lang="en">' in public.get("/", headers={**HTML, "accept-language": "de;q=x,,;q=1"}).text
    public.get("/", params={"lang": "zh"}, headers=HTML)
    assert '<html lang="zh">' in public.get("/", headers={**HTML, "accept-language": "en"}).text
    assert '<html lang="en">' in node.public().get("/", params={"lang": "xx"}, headers=HTML).text


def test_static_files_by_exact_name(node: Running) -> None:
    for base in (node.addresses.public, node.addresses.staff):
        client = node.client(base)
        for name, kind in (
            ("style.css", "text/css"),
            ("reveal.js", "text/javascript"),
            ("passkey.js", "text/javascript"),
        ):
            answer = client.get(f"/static/{name}")
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith(kind)
            assert answer.headers["x-content-type-options"] == "nosniff"
        for name in ("..%2fpages.py", "nothing.css", "%2e%2e"):
            assert client.get(f"/static/{name}").status_code == 404


def test_errors_are_pages_for_people_and_problems_for_programs(node: Running) -> None:
    client = node.client(node.addresses.staff)
    page = client.get("/queue", headers=HTML)
    assert page.status_code == 401
    assert page.headers["content-type"].startswith("text/html")
    assert 'href="/sign-in"' in page.text
    assert "content-security-policy" in page.headers
    problem = client.get("/queue", headers={"accept": "application/json"})
    assert problem.status_code == 401
    assert problem.headers["content-type"] == "application/problem+json"
    chinese = client.get("/queue", params={"lang": "zh"}, headers=HTML)
    assert _LONG_SIGN.search(chinese.text)


def test_words_cover_the_closed_lists() -> None:
    """A new word of a stage needs its words here, or its page would fail the day it first happens."""
    lists = {
        "outcome": Outcome, "outcome_found": Outcome, "reason": Reason, "case_state": CaseState,
        "account_class": AccountClass, "content_kind": ContentKind, "standing": Standing, "surface": Surface,
        "exempt": Exempt, "exempt_found": Exempt, "ground": Ground, "ground_why": Ground, "provision": Provision,
        "decision_state": DecisionState, "action": Action, "cause": Cause, "restriction": Restriction,
        "instruction_state": InstructionState, "rotation": Rotation, "leaf_kind": LeafKind, "leaf_measure": LeafMeasure,
        "leaf_basis": Basis, "ended": Ended, "notice_step": StepName, "notice_place": Place,
        "appeal_show": Show, "proposal": ProposalKind, "proposal_standing": ProposalStanding,
        "role": Role, "scope": Scope, "method": SignInMethod, "staff_standing": StaffStanding, "label": Label,
        "ledger_trouble": Trouble, "provenance": Provenance, "signal_standing": SignalStanding,
        "verdict_reason": VerdictReason, "head_start": HeadStart, "waits": Waits, "claims": Claims,
    }  # fmt: skip
    for kind, members in lists.items():
        assert set(WORDS[kind]) == {member.value for member in members}, kind
    assert set(WORDS["measure"]) == {measure.value for measure in Measure} | {"hold"}
    assert set(WORDS["measure_done"]) == {measure.value for measure in Measure if measure.restricts} | {"hold"}
    assert set(WORDS["found_by"]) == {reason.value for reason in Reason}
    assert set(WORDS["tallied"]) == {word.value for word in Tallied} - {"none"}
