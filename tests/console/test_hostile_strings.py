"""Every page with hostile words in every field that people outside or on the staff can fill.

The words come in by the doors they really come in by; then every page there is is read as a browser reads it: nothing
of theirs is a tag, an attribute or an address, and each stands in an element of its own direction.
"""

import re
import urllib.parse
from datetime import timedelta
from typing import Any

import pytest

from console.console_story import HTML, REMOVE, complain, first_case, notice_link, picture, shown_on
from console.every_page import PUBLIC_PAGES, STAFF_PAGES, readers
from console.hostile import hostile, long, seen
from people.software_authenticator import SoftwareAuthenticator
from running import Browser, Running
from tidegate.db.transaction import Actor, ActorKind
from tidegate.enforcement import steps as enforcement
from tidegate.enforcement import store as instructions
from tidegate.kernel.errors import Malformed
from tidegate.people import steps
from tidegate.people.model import Role
from tidegate.people.rules import clean_name
from tidegate.run import DOORS
from tidegate.signal import store as signals
from tidegate.web.door import Declared, Door, Listener

HOOK = "https://example.org/qz-hook?a=\"><script>alert(1)</script>'{{7*7}}%(x)s"
#: Where each is shown; a mark that no page shows would say that the test tests nothing.
SHOWN = {
    "qz-staff", "qz-administrator", "qz-service", "qz-key", "qz-hook", "qz-passkey", "qz-caption", "qz-link",
    "qz-platformid", "qz-flagwords", "qz-reasons", "qz-complaint", "qz-judgement",
}  # fmt: skip


def name(mark: str) -> str:
    """Make a hostile name, as long as names may be and without what they refuse."""
    return hostile(mark, most=100, turns=False)


@pytest.fixture
def poisoned(node: Running) -> dict[str, str]:
    """Let everything happen with hostile words; give the ids that addresses need."""
    first, second = node.administrators()
    by_first = Actor(ActorKind.STAFF, first)
    node.do(lambda tx: steps.rename_staff(tx, first, name("administrator")), by_first)
    service = node.do(lambda tx: steps.add_service(tx, name("service"), HOOK.replace(" ", "")))
    platform = node.platform(service=service)
    node.do(lambda tx: steps.issue_key(tx, service, label=name("key"), life=timedelta(days=9)))
    voters = [node.person(Role.REVIEWER, name=name("staff")), node.person(Role.SENIOR_REVIEWER, name=name("staff"))]
    submitted = {
        "caption": long("caption"), "link": "javascript:alert(6)//" + hostile("link"),
        "platform_id": hostile("platformid", most=400), "uploader": hostile("uploader", most=400),
    }  # fmt: skip
    content = str(platform.verdict(picture(), **submitted)["content"])
    flag = {"content": content, "reporter": hostile("reporter", most=400), "words": hostile("flagwords")}
    answer = platform.client.post("/v1/flags", json=flag)
    assert answer.status_code == 201, answer.text
    platform.client.put(f"/v1/content/{content}/bytes", content=picture(), headers={"content-type": "image/jpeg"})
    case = first_case(voters[0])
    form: dict[str, Any] = {**REMOVE, "words": hostile("reasons")}
    for voter in voters:
        sent = voter.submit(f"/cases/{case}/votes", **{**form, "shown": shown_on(voter, case)})
        assert sent.status_code == 303, sent.text
    node.clock.forward(seconds=11)
    node.work()
    link = notice_link(platform, content)
    assert complain(node, link, long("complaint")).status_code == 303
    judge = node.person(Role.APPEAL_REVIEWER, name=name("staff"))
    appeal = re.findall(r'href="/appeals/(appeal_[a-z0-9]+)"', judge.get("/appeals", headers=HTML).text)[0]
    judged = judge.submit(f"/appeals/{appeal}/judgements", outcome="use_allowed", words=hostile("judgement"))
    assert judged.status_code == 303, judged.text
    register_passkey(node, voters[0], name("passkey"))
    again = platform.verdict(picture(), **{**submitted, "platform_id": "again", "uploader": "another"})
    assert again["verdict"] == "hold"
    given = node.do(instructions.newest)
    node.do(lambda tx: enforcement.mark_undelivered(tx, given[0].id))
    page = voters[0].get(f"/cases/{case}", headers=HTML).text
    node.loop.run(node.node.publisher.publish())
    proposed = node.sign_in(second).submit(f"/people/{voters[0].staff}/roles", role="appeal_reviewer", change="grant")
    assert proposed.status_code == 303
    return {
        "signal": str(node.do(signals.newest)[0].id),
        "instruction": str(given[0].id),
        "person": str(voters[0].staff),
        "voter": str(voters[0].staff),
        "case": first_case(voters[0]),
        "closed": case,
        "content": content,
        "decision": re.findall(r"decision_[a-z0-9]{26}", page)[0],
        "appeal": appeal,
        "token": link.rpartition("/")[2],
        "index": "0",
    }


def register_passkey(node: Running, person: Browser, label: str) -> None:
    token = {"x-csrf-token": person.csrf()}
    authenticator = SoftwareAuthenticator(origin=str(node.node.settings.staff_url).rstrip("/"))
    options = person.post("/account/passkey/options", json={}, headers=token).json()
    sent = person.post(
        "/account/passkey", json={"label": label, "answer": authenticator.create(options)}, headers=token
    )
    assert sent.status_code == 201, sent.text


def test_nothing_hostile_becomes_part_of_a_page(node: Running, poisoned: dict[str, str]) -> None:
    people = readers(node)
    people["owner"] = next(
        browser for browser in node._open if isinstance(browser, Browser) and str(browser.staff) == poisoned["voter"]
    )
    problems: dict[str, list[str]] = {}
    marks: set[str] = set()
    read = 0
    for language in ("en", "zh"):
        pages = [(people[who], path) for path, names in STAFF_PAGES.items() for who in names]
        pages += [(people["owner"], path) for path in ("/account", "/cases/{closed}", "/decisions/{decision}", "/")]
        pages += [(people["auditor"], f"/record?about={{{kind}}}") for kind in ("content", "person", "case")]
        pages += [(people["auditor"], "/record/views?person={person}")]
        pages += [(people["auditor"], "/cases/{closed}")]
        for person, path in pages:
            person.cookies.set("lang", language)
            answer = person.get(path.format(**poisoned), headers=HTML)
            assert answer.status_code == 200, (path, answer.text)
            found = seen(answer.text)
            marks |= found.marks
            read += 1
            if found.problems:
                problems[path] = sorted(set(found.problems))
        public = node.public()
        for path in PUBLIC_PAGES:
            found = seen(public.get(path.format(**poisoned), params={"lang": language}, headers=HTML).text)
            marks |= found.marks
            if found.problems:
                problems[path] = sorted(set(found.problems))
    assert not problems, "\n".join(f"{path}: {'; '.join(lines)}" for path, lines in problems.items())
    assert read > 60
    assert marks >= SHOWN, SHOWN - marks


def test_nothing_hostile_in_an_address_comes_back(node: Running) -> None:
    """Ids, filters, languages, and addresses there are not: whatever the answer, nothing of it is markup."""
    assert DOORS
    people = [
        node.person(Role.AUDITOR),
        node.sign_in(node.administrators()[0]),
        node.person(Role.POLICY_LEAD, Role.SENIOR_REVIEWER, Role.APPEAL_REVIEWER),
        node.public(),
    ]
    text = hostile("address", most=300)
    quoted = urllib.parse.quote(text, safe="")
    fields = (
        "about", "kind", "by", "person", "from", "to", "before", "state", "service", "action", "standing", "label",
        "provenance", "disputed", "added", "resent", "reason", "language", "waits", "claims", "page", "lang", "token",
    )  # fmt: skip
    tried = 0
    for route in Door.every:
        if route.method != "GET" or route.listener is Listener.PLATFORM or route.path == "/live":
            continue
        for person in people if route.listener is Listener.STAFF else people[-1:]:
            for path in addresses(route, quoted, fields):
                answer = person.get(path, headers={**HTML, "accept-language": "zh;q=<script>alert(1)</script>,%(x)s"})
                assert answer.status_code < 500, (path, answer.text)
                assert "set-cookie" not in answer.headers
                if answer.headers.get("content-type", "").startswith("text/html"):
                    found = seen(answer.text)
                    assert not found.problems, (route.path, found.problems)
                tried += 1
    assert tried > 100


def addresses(route: Declared, quoted: str, fields: tuple[str, ...]) -> list[str]:
    """Put hostile text where an id stands, or else into every filter: together, and each alone where it may be read."""
    if "{" in route.path:
        return [re.sub(r"\{[^}]+\}", quoted, route.path)]
    return [
        f"{route.path}?" + "&".join(f"{name}={quoted}" for name in fields),
        f"{route.path}?to={quoted}&about={quoted}",
    ]


def test_what_forms_answer_is_as_harmless(node: Running) -> None:
    """Pages that only a form gives: a new key, a link, a refused list, a refused vote, and every refusal."""
    administrator, lead = node.sign_in(node.administrators()[0]), node.person(Role.POLICY_LEAD)
    service = node.do(lambda tx: steps.add_service(tx, name("service")))
    someone = node.hire(name=name("staff"))
    answers = [
        administrator.submit(f"/services/{service}/keys", label=name("key"), days="3", scopes="content"),
        administrator.submit(f"/people/{someone}/link"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    token, words = lead.csrf(), hostile("list")
    rows = f"signal_type,signal_str,tags\npdq,{words.replace(',', ' ')},instructs\n"
    answers.append(lead.post("/signals/import", data={"csrf": token, "text": rows}, headers=HTML))
    given = dict.fromkeys(("name", "label", "days", "scopes", "role", "change", "switch", "webhook_url"), words)
    for person in (administrator, lead):
        token = person.csrf()
        for route in Door.every:
            if route.listener is Listener.STAFF and route.method == "POST" and "sign-out" not in route.path:
                path = re.sub(r"\{[^}]+\}", urllib.parse.quote(words[:80], safe=""), route.path)
                if path != "/account/sessions/end":
                    answers.append(person.post(path, data={"csrf": token, **given}, headers=HTML))
    for answer in answers:
        assert answer.status_code < 500
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert not seen(answer.text).problems, (answer.url, seen(answer.text).problems)
    assert "qz-list" in seen(answers[2].text).marks


def test_headers_carry_nothing_hostile(node: Running) -> None:
    """A request id, a cookie or an address cannot split an answer or plant a cookie."""
    reviewer = node.person(Role.REVIEWER)
    for planted in ("x%0d%0aset-cookie:a=b", "x\u2028y"):
        answer = reviewer.get(f"/go?to={planted}&lang={planted}", headers={**HTML, "x-request-id": "a b;<script>"})
        assert "set-cookie" not in answer.headers
        assert re.fullmatch(r"[A-Za-z0-9_-]{8,64}", answer.headers["x-request-id"])


@pytest.mark.parametrize("turned", ["a\u202eb", "a\u2066b", "a\x00b", "a\nb", "", " ", "W" * 101, "\u200e"])
def test_names_that_could_pass_for_others_are_refused(turned: str) -> None:
    """A name of the staff, a service, a key or a passkey holds nothing that turns its direction or cannot be seen."""
    with pytest.raises(Malformed):
        clean_name(turned)
