"""Texts and links over HTTP: found however they are written, shown to people, and held for their very bytes alone."""

import re
from collections.abc import Sequence

import httpx2
import pytest

from floor.story import (
    actions,
    appeal_on,
    case_of,
    complain,
    decide,
    flag,
    in_force,
    instructions,
    judge,
    known_signals,
    leaves,
    notice_link,
    refused,
    reviewers,
)
from running import Browser, Platform, Running
from tidegate.db.transaction import Actor, ActorKind, Transaction
from tidegate.kernel.errors import RuleBroken
from tidegate.people import steps as people
from tidegate.people.model import ROLE_PERMISSIONS, Permission, ProposalKind, Role
from tidegate.signal import steps
from tidegate.signal.model import FingerprintKind, Label, Provenance, Signal, Standing

KNOWN = (
    "The bridge over the old harbour was built by hand in a single summer, plank by plank, by people who had never "
    "built anything before. Every rope was counted twice, every nail was paid for by somebody in town, and on the last "
    "evening the whole street carried its chairs to the middle of the bridge and sat there until it was dark."
)
OTHER = (
    "Yesterday the council spoke for three hours about parking places behind the library, and about who may sweep "
    "leaves there in autumn. Nobody agreed with anybody, the minutes will be published on Friday, and the coffee was "
    "cold again, as it has been at every meeting since the machine was given away."
)
LINK = "https://harbour.example/Plans?part=2"


def removed(node: Running, platform: Platform, data: str, kind: str, people: Sequence[Browser]) -> str:
    """Have people find words to be terrorist content for the first time; give that content's id."""
    content = str(platform.verdict(data.encode(), kind=kind, platform_id="first", uploader="author")["content"])
    flag(platform, content)
    # Bytes of a clear upload are kept nowhere: the platform sends them once someone reported it.
    sent = platform.client.put(f"/v1/content/{content}/bytes", content=data.encode())
    assert sent.status_code == 204, sent.text
    decide(node, content, people)
    node.work()
    return content


def kinds(node: Running) -> set[FingerprintKind]:
    return {signal.kind for signal in known_signals(node)}


def signal_of(node: Running, kind: FingerprintKind) -> Signal:
    (found,) = [signal for signal in known_signals(node) if signal.kind is kind]
    return found


# --- texts ---


def test_rule_1_words_are_held_for_their_bytes_alone(node: Running, platform: Platform) -> None:
    removed(node, platform, KNOWN, "text", reviewers(node))
    assert kinds(node) == {FingerprintKind.SHA256, FingerprintKind.TEXT}
    # Even where two people let look-alikes be held.
    first, second = node.hire(Role.POLICY_LEAD), node.hire(Role.POLICY_LEAD)
    wish = node.do(lambda tx: people.propose(tx, ProposalKind.LOOK_ALIKE_HOLDS_ON), Actor(ActorKind.STAFF, first))
    node.do(lambda tx: people.approve(tx, wish), Actor(ActorKind.STAFF, second))
    disguised = KNOWN.upper().replace("O", "\u041e").replace(" ", " \u200b")
    for number, words in enumerate((disguised, KNOWN + " And so it was.", f"{OTHER}\n{KNOWN}\n{OTHER}", KNOWN[40:280])):
        alike = platform.verdict(words.encode(), kind="text", platform_id=f"alike-{number}", uploader="third")
        assert (alike["verdict"], alike["reason"]) == ("review", "look_alike")
        assert [match["kind"] for match in alike["matches"]] == ["text"]
        assert actions(platform, alike["content"]) == []
    held = platform.verdict(KNOWN.encode(), kind="text", platform_id="again", uploader="second")
    assert (held["verdict"], held["reason"]) == ("hold", "decided_before")


def test_other_words_are_clear(node: Running, platform: Platform) -> None:
    removed(node, platform, KNOWN, "text", reviewers(node))
    for number, words in enumerate((OTHER, "?!", "The bridge over the old harbour", "\u0645\u0631\u062d\u0628\u0627")):
        answer = platform.verdict(words.encode(), kind="text", platform_id=f"other-{number}")
        assert (answer["verdict"], answer["matches"]) == ("clear", [])


def test_rule_2_what_is_no_text_is_unchecked_and_never_clear(platform: Platform) -> None:
    answer = platform.verdict(b"caf\xe9 \xff", kind="text", platform_id="latin")
    assert (answer["verdict"], answer["reason"]) == ("unchecked", "undecodable")
    answer = platform.verdict(b"no link at all", kind="link", platform_id="none")
    assert (answer["verdict"], answer["reason"]) == ("unchecked", "undecodable")
    too_long = platform.verdict(b"a" * (3 << 20), kind="text", platform_id="long")
    assert (too_long["verdict"], too_long["reason"]) == ("unchecked", "too_large")


def test_a_text_too_short_to_be_anybodys_becomes_no_signal(node: Running, platform: Platform) -> None:
    removed(node, platform, "Yes, I agree.", "text", reviewers(node))
    assert kinds(node) == {FingerprintKind.SHA256}
    assert platform.verdict(b"YES I AGREE", kind="text", platform_id="other")["verdict"] == "clear"


def test_a_new_text_looks_back_at_what_was_clear(node: Running, platform: Platform) -> None:
    longer = f"{OTHER} {KNOWN.upper()} {OTHER}"
    earlier = platform.verdict(longer.encode(), kind="text", platform_id="earlier", uploader="somebody")
    unrelated = platform.verdict(OTHER.encode(), kind="text", platform_id="unrelated", uploader="somebody")
    assert (earlier["verdict"], unrelated["verdict"]) == ("clear", "clear")
    removed(node, platform, KNOWN, "text", reviewers(node))
    case_of(node, earlier["content"])
    assert actions(platform, earlier["content"]) == []
    with pytest.raises(AssertionError):
        case_of(node, unrelated["content"])


def test_rule_6_a_reversal_takes_the_words_back_too(node: Running, platform: Platform) -> None:
    content = removed(node, platform, KNOWN, "text", reviewers(node))
    assert complain(node, notice_link(platform, content)).status_code == 303
    for judge_ in reviewers(node, 2, Role.APPEAL_REVIEWER):
        assert judge(judge_, appeal_on(node, content), "not_terrorist").status_code == 303
    assert {signal.standing for signal in known_signals(node)} == {Standing.WITHDRAWN}
    again = platform.verdict(KNOWN.upper().encode(), kind="text", platform_id="again", uploader="second")
    assert again["verdict"] == "clear"


# --- links ---


def test_a_removed_link_is_known_by_its_address_and_never_by_its_host(node: Running, platform: Platform) -> None:
    removed(node, platform, LINK, "link", reviewers(node))
    assert kinds(node) == {FingerprintKind.SHA256, FingerprintKind.URL}
    alike = platform.verdict(
        b"HTTP://user@HARBOUR.example:80/x/../%50lans?part=2#top", kind="link", platform_id="alike", uploader="third"
    )
    assert (alike["verdict"], alike["reason"]) == ("review", "look_alike")
    assert [match["kind"] for match in alike["matches"]] == ["url"]
    for number, other in enumerate(("https://harbour.example/plans?part=2", "https://harbour.example/", LINK + "&a=1")):
        answer = platform.verdict(other.encode(), kind="link", platform_id=f"other-{number}")
        assert answer["verdict"] == "clear"
    held = platform.verdict(LINK.encode(), kind="link", platform_id="again", uploader="second")
    assert (held["verdict"], held["reason"]) == ("hold", "decided_before")


def test_a_new_address_looks_back_at_what_was_clear(node: Running, platform: Platform) -> None:
    earlier = platform.verdict(LINK.upper().replace("PLANS?PART", "Plans?part").encode(), kind="link", platform_id="e")
    assert earlier["verdict"] == "clear"
    removed(node, platform, LINK, "link", reviewers(node))
    case_of(node, earlier["content"])


# --- domains: two people ---


def propose(person: Browser, host: str = "harbour.example", label: str = "incites") -> httpx2.Response:
    return person.submit("/policy/domains", host=host, label=label)


def proposal_on(page: str) -> str:
    found = re.search(r"/policy/proposals/(proposal_[^/]+)/approve", page)
    assert found, page
    return found[1]


def test_rule_4_a_domain_matches_nothing_before_a_second_person_approves(node: Running, platform: Platform) -> None:
    first, second = node.person(Role.POLICY_LEAD), node.person(Role.POLICY_LEAD)
    earlier = platform.verdict(LINK.encode(), kind="link", platform_id="earlier")
    assert propose(first).status_code == 303
    assert (signal_of(node, FingerprintKind.DOMAIN).standing) is Standing.UNCONFIRMED
    assert platform.verdict(LINK.encode(), kind="link", platform_id="b", uploader="b")["verdict"] == "clear"
    # Whoever proposed it may not approve it, and sees no button for it.
    page = second.get("/signals", headers={"accept": "text/html"}).text
    assert "harbour.example" in page
    wish = proposal_on(page)
    assert f"/policy/proposals/{wish}/approve" not in first.get("/signals", headers={"accept": "text/html"}).text
    refused(first.submit(f"/policy/proposals/{wish}/approve"), "You proposed this")
    assert platform.verdict(LINK.encode(), kind="link", platform_id="c", uploader="c")["verdict"] == "clear"
    assert second.submit(f"/policy/proposals/{wish}/approve").status_code == 303
    node.work()
    assert signal_of(node, FingerprintKind.DOMAIN).standing is Standing.CONFIRMED
    case_of(node, earlier["content"])
    found = platform.verdict(b"http://www.harbour.example/another", kind="link", platform_id="d", uploader="d")
    assert (found["verdict"], [match["kind"] for match in found["matches"]]) == ("review", ["domain"])
    for number, other in enumerate(("https://old.harbour.example/", "https://harbour.example.museum.example/")):
        assert platform.verdict(other.encode(), kind="link", platform_id=f"o-{number}")["verdict"] == "clear"
    assert any(row["kind"] == "signal_added" for row in leaves(node))


def test_rule_4_one_person_takes_a_domain_back(node: Running, platform: Platform) -> None:
    first, second = node.person(Role.POLICY_LEAD), node.person(Role.POLICY_LEAD)
    assert propose(first).status_code == 303
    wish = proposal_on(second.get("/signals", headers={"accept": "text/html"}).text)
    assert second.submit(f"/policy/proposals/{wish}/approve").status_code == 303
    signal = signal_of(node, FingerprintKind.DOMAIN)
    refused(propose(first), "in force already", 409)
    assert first.submit(f"/signals/{signal.id}/take-back").status_code == 303
    assert signal_of(node, FingerprintKind.DOMAIN).standing is Standing.WITHDRAWN
    assert platform.verdict(LINK.encode(), kind="link", platform_id="a")["verdict"] == "clear"
    assert any(row["kind"] == "signal_withdrawn" for row in leaves(node))
    refused(first.submit(f"/signals/{signal.id}/take-back"), "not in force", 409)
    # And two may put it in force again.
    assert propose(second).status_code == 303
    wish = proposal_on(first.get("/signals", headers={"accept": "text/html"}).text)
    assert first.submit(f"/policy/proposals/{wish}/approve").status_code == 303
    assert platform.verdict(LINK.encode(), kind="link", platform_id="b", uploader="b")["verdict"] == "review"


def test_rule_4_no_list_puts_a_domain_in_force(node: Running) -> None:
    person = node.person(Role.POLICY_LEAD)
    answer = person.submit("/signals/import", text="signal_type,signal_str,tags\ndomain,harbour.example,incites\n")
    refused(answer, "rule 4")
    assert known_signals(node) == []


def test_rule_4_no_decision_on_one_content_puts_a_domain_in_force(node: Running, platform: Platform) -> None:
    content = removed(node, platform, LINK, "link", reviewers(node))
    decision = in_force(node, content)
    assert decision is not None

    async def confirm(tx: Transaction) -> None:
        labels = (Label.INCITES,)
        domain = await steps.add(tx, FingerprintKind.DOMAIN, b"harbour.example", labels, Provenance.OWN)
        await steps.confirm(tx, domain, labels, decision)

    with pytest.raises(RuleBroken, match="two people"):
        node.do(confirm)
    assert FingerprintKind.DOMAIN not in kinds(node)


def test_rule_12_a_host_is_shown_only_to_those_who_decide_on_it(node: Running) -> None:
    assert propose(node.person(Role.POLICY_LEAD), "museum.example").status_code == 303
    for role in Role:
        if role in {Role.POLICY_LEAD, Role.ADMINISTRATOR}:
            continue
        person = node.person(role)
        page = person.get("/signals", headers={"accept": "text/html"})
        assert Permission.SET_POLICY not in ROLE_PERMISSIONS[role]
        # The field for a host shows an example of one.
        assert "museum.example" not in page.text


@pytest.mark.parametrize(
    "host", ["", "com", "https://harbour.example/page", "two words", "harbour.example?x", "tg://a"]
)
def test_what_is_no_host_is_refused(node: Running, host: str) -> None:
    assert propose(node.person(Role.POLICY_LEAD), host).status_code == 422
    assert known_signals(node) == []


def test_signal_pages_say_what_their_kind_can_do(node: Running, platform: Platform) -> None:
    removed(node, platform, KNOWN, "text", reviewers(node))
    person = node.person(Role.POLICY_LEAD)
    text = signal_of(node, FingerprintKind.TEXT)
    page = person.get(f"/signals/{text.id}", headers={"accept": "text/html"}).text
    assert "Nothing is held by it." in page
    assert text.value.decode() not in page
    refused(person.submit(f"/signals/{text.id}/take-back"), "Only a domain", 403)


# --- lists ---


def test_texts_and_links_of_a_list_are_shown_to_people(node: Running, platform: Platform) -> None:
    person = node.person(Role.POLICY_LEAD)
    rows = f'signal_type,signal_str,tags\nraw_text,"{KNOWN}",incites\nurl,HTTP://Harbour.Example/%41,instructs\n'
    assert person.submit("/signals/import", text=rows).status_code == 303
    assert kinds(node) == {FingerprintKind.TEXT, FingerprintKind.URL}
    assert signal_of(node, FingerprintKind.URL).value == b"https://harbour.example/A"
    for kind, data in (("text", KNOWN), ("link", "https://harbour.example/A")):
        answer = platform.verdict(data.encode(), kind=kind, platform_id=kind)
        assert answer["verdict"] == "review"
        assert instructions(platform, answer["content"]) == []


def test_a_list_with_a_wrong_line_adds_nothing(node: Running) -> None:
    person = node.person(Role.POLICY_LEAD)
    for line in ("url,javascript:alert(1),incites", "text,ok,incites", "url,,incites"):
        answer = person.submit("/signals/import", text=f"signal_type,signal_str,tags\n{line}\n")
        assert answer.status_code == 422, answer.text
        assert "Line 2" in answer.text
    assert known_signals(node) == []
