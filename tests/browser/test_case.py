"""The case page in a real browser: decided by keys alone, nothing answered by accident, nothing lost."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.sight import PageFor, accessible, no_sideways_scroll
from console.console_story import flagged, shown_on
from floor.story import actions, case_of, decision_on, make_known, picture, wait_out_undo
from running import Browser, Platform, Running
from tidegate.db.transaction import Transaction
from tidegate.decision import store as decisions
from tidegate.decision.model import Decision
from tidegate.kernel.ids import CaseId
from tidegate.people.model import Role

#: Tells of every press that a pointer made, on whatever page.
POINTERS = """
const seen = (event) => { if (event.isTrusted && event.detail !== 0) sessionStorage.setItem("pointers", event.type); };
for (const kind of ["mousedown", "touchstart", "click"]) addEventListener(kind, seen, true);
"""
#: caption -> the keys that decide, and the measure they mean
PLANS = {
    "remove it": ("41", "remove"),
    "incites": ("111", "remove"),
    "glorifies": ("112", "remove"),
    "news": ("42", "keep"),
    "nothing": ("01", "keep"),
}


def again(platform: Platform, number: int = 0, **metadata: Any) -> str:
    """Let bytes that are known by now come back from someone else."""
    whole = {"platform_id": f"post-{number}", "uploader": f"user-{number}", **metadata}
    return str(platform.verdict(picture(1), **whole)["content"])


def decisions_on(node: Running, case: CaseId) -> list[Decision]:
    async def read(tx: Transaction) -> list[Decision]:
        return await decisions.of_case(tx, case)

    return node.do(read)


def press(page: Page, keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def chosen(page: Page) -> dict[str, str]:
    """Read what the form would send, but for what is in view."""
    sent: list[list[str]] = page.evaluate(
        "() => [...new FormData(document.getElementById('vote'))].filter(([name]) => !['csrf', 'shown'].includes(name))"
    )
    return {name: value for name, value in sent if value}


def test_a_reviewer_clears_twenty_cases_by_keyboard_alone(
    node: Running, page_for: PageFor, platform: Platform, two: list[Browser]
) -> None:
    make_known(node, platform, picture(1), two)
    plans = list(PLANS)
    cases = {}
    for number in range(20):
        plan = plans[number % len(plans)]
        cases[case_of(node, again(platform, number, caption=f"Bridge {number}: {plan}"))] = plan
    person = node.person(Role.REVIEWER)
    page = page_for(person)
    page.add_init_script(POINTERS)
    page.goto("/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.goto("/queue")
    page.keyboard.press("n")
    done = []
    for _ in range(20):
        page.wait_for_url(re.compile(r"/cases/"))
        caption = page.locator(".case-facts .words").inner_text()
        plan = caption.partition(": ")[2]
        case = re.search(r"/cases/(case_\w+)", page.url)
        assert case
        press(page, PLANS[plan][0])
        expect(page.locator("#preview [data-summary]")).to_be_visible()
        done.append(case[1])
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"after=decision_"))
        expect(page.locator("[data-voted] [role=status]")).to_contain_text("Decided")
    assert "/queue" in page.url
    assert sorted(done) == sorted(map(str, cases))
    assert page.evaluate("sessionStorage.getItem('pointers')") is None
    measures = {}
    for case_id in cases:
        (made,) = decisions_on(node, case_id)
        measures[case_id] = made.measure
        assert made.voters == (person.staff,)
    assert measures == {case_id: PLANS[plan][1] for case_id, plan in cases.items()}


def test_undo_by_a_key_leads_back_and_says_so(
    node: Running, page_for: PageFor, platform: Platform, two: list[Browser]
) -> None:
    make_known(node, platform, picture(1), two)
    first = case_of(node, again(platform, 1, caption="One"))
    case_of(node, again(platform, 2, caption="Two"))
    page = page_for(node.person(Role.REVIEWER))
    page.goto(f"/cases/{first}")
    press(page, "41")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("after=decision"))
    expect(page.locator("[data-countdown]")).to_contain_text(re.compile(r"in [1-9] s"))
    page.keyboard.press("u")
    page.wait_for_url(re.compile(str(first)))
    expect(page.locator("[data-voted]")).to_contain_text("Taken back. The case is open again, without your vote.")
    assert [made.state for made in decisions_on(node, first)] == ["undone"]
    expect(page.locator("#vote")).to_be_visible()


def test_outliers_are_ticked_out_by_keys(
    node: Running, page_for: PageFor, platform: Platform, two: list[Browser]
) -> None:
    make_known(node, platform, picture(1), two)
    ids = [again(platform, number) for number in range(3)]
    case = case_of(node, ids[0])
    page = page_for(node.person(Role.REVIEWER))
    page.goto(f"/cases/{case}")
    values = page.locator("input[name=shown]").evaluate_all("boxes => boxes.map((box) => box.value)")
    press(page, "]]x")
    expect(page.locator("[data-count]")).to_have_text("2 of 3 in your vote")
    press(page, "[x]x")
    expect(page.locator("[data-count]")).to_have_text("2 of 3 in your vote")
    press(page, "41")
    expect(page.locator("#preview [data-summary]")).to_contain_text("2 contents")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("after=decision"))
    wait_out_undo(node)
    out = values[0].partition(":")[0]
    assert {content: actions(platform, content)[-1] for content in ids} == {
        content: "hold" if content == out else "remove" for content in ids
    }


def test_enter_asks_for_what_is_missing_and_goes_there(node: Running, page_for: PageFor, platform: Platform) -> None:
    case = case_of(node, flagged(platform))
    page = page_for(node.person(Role.REVIEWER))
    page.goto(f"/cases/{case}")
    for keys, name, says in (
        ("", "provision", "Say which rule it breaks"),
        ("1", "exempt", "Answer the exception question"),
        ("1", "label", "Say what it does"),
    ):
        press(page, keys)
        page.keyboard.press("Enter")
        expect(page.locator("#vote [role=alert]:visible")).to_contain_text(says)
        assert page.evaluate("document.activeElement.name") == name
    press(page, "2")
    page.get_by_role("checkbox", name="in my vote").uncheck()
    page.keyboard.press("Enter")
    expect(page.locator("#vote [role=alert]:visible")).to_contain_text("Tick at least one")
    assert f"/cases/{case}" in page.url
    assert chosen(page) == {"provision": "tco_2_7_a", "exempt": "none", "measure": "remove", "label": "glorifies"}


def test_a_key_held_down_answers_one_question(node: Running, page_for: PageFor, platform: Platform) -> None:
    case = case_of(node, flagged(platform))
    page = page_for(node.person(Role.REVIEWER))
    page.goto(f"/cases/{case}")
    for _ in range(6):
        page.keyboard.down("4")
    page.keyboard.up("4")
    assert chosen(page) == {"provision": "tco_2_7_d", "label": "instructs"}
    page.keyboard.press("Backspace")
    press(page, "2")
    assert chosen(page) == {"provision": "tco_2_7_b", "label": "solicits_offence"}
    press(page, "7")
    assert chosen(page) == {"provision": "tco_2_7_b", "exempt": "public_debate", "measure": "keep"}
    expect(page.get_by_text("An exception applies, so it stays up.")).to_be_visible()
    press(page, "b1")
    assert chosen(page)["measure"] == "remove"


def test_an_account_is_only_ever_named_on_purpose(node: Running, page_for: PageFor, platform: Platform) -> None:
    case = case_of(node, flagged(platform))
    page = page_for(node.person(Role.REVIEWER))
    page.goto(f"/cases/{case}")
    press(page, "41")
    expect(page.get_by_label("Remove it and suspend the account")).to_be_hidden()
    press(page, "sc")
    assert chosen(page)["measure"] == "remove"
    press(page, "a")
    expect(page.get_by_label("Remove it and suspend the account")).to_be_visible()
    press(page, "s")
    expect(page.locator("#preview")).to_contain_text("a measure on an account")
    assert chosen(page)["measure"] == "suspend_account"


def test_words_are_typed_without_pressing_keys(node: Running, page_for: PageFor, platform: Platform) -> None:
    case = case_of(node, flagged(platform))
    page = page_for(node.person(Role.REVIEWER))
    page.goto(f"/cases/{case}")
    press(page, "41w")
    page.keyboard.type("x1n? It explains how.")
    assert chosen(page) == {
        "provision": "tco_2_7_d",
        "exempt": "none",
        "measure": "remove",
        "label": "instructs",
        "words": "x1n? It explains how.",
    }
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/queue"))
    expect(page.locator("[data-voted]")).to_contain_text("Your vote is in.")


def test_the_list_of_keys_has_every_key_of_the_page(
    node: Running, page_for: PageFor, platform: Platform, two: list[Browser]
) -> None:
    make_known(node, platform, picture(1), two)
    again(platform, 1)
    case = case_of(node, again(platform, 2))
    page = page_for(node.person(Role.REVIEWER))
    page.goto(f"/cases/{case}")
    page.keyboard.press("?")
    keys = page.locator("dialog#keys kbd").all_inner_texts()
    assert {"0", "1", "7", "[", "]", "X", "B", "W", "N", "T", "H", "R", "Enter", "?"} <= set(keys)
    expect(page.locator("dialog#keys")).to_contain_text("Instructs in making or using weapons")
    press(page, "4")
    assert chosen(page) == {}
    page.keyboard.press("Escape")
    press(page, "41")
    page.keyboard.press("?")
    expect(page.locator("dialog#keys")).to_contain_text("instructs in weapons or methods")
    accessible(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, True])
def test_it_is_accessible_at_every_step(
    node: Running, page_for: PageFor, platform: Platform, two: list[Browser], scheme: Any, *, phone: bool
) -> None:
    make_known(node, platform, picture(1), two)
    for number in range(4):
        again(platform, number, caption="A" * 300 + " هذا جسر", link="https://example.org/" + "long" * 60)
    case = case_of(node, again(platform, 5, caption="A" * 300 + " هذا جسر", reach=2_000_000, language="ar"))
    page = page_for(node.person(Role.REVIEWER), phone=phone, scheme=scheme)
    page.goto(f"/cases/{case}")
    for keys in ("", "1", "1", "1a", "w"):
        press(page, keys)
        page.wait_for_timeout(200)
        accessible(page)
        no_sideways_scroll(page)


def test_without_scripts_it_is_a_plain_form(
    node: Running, page_for: PageFor, platform: Platform, two: list[Browser]
) -> None:
    make_known(node, platform, picture(1), two)
    content = again(platform)
    page = page_for(node.person(Role.REVIEWER), scripts=False, tolerated=("status of 422", "status of 403"))
    page.goto(f"/cases/{case_of(node, content)}")
    page.get_by_label("Instructs in making or using weapons").check()
    page.get_by_label("No: none of these").check()
    page.get_by_role("button", name="Vote and go on").click()
    expect(page.get_by_role("alert")).to_contain_text("Your vote was not counted.")
    expect(page.get_by_label("Instructs in making or using weapons")).to_be_checked()
    page.get_by_label("Remove it", exact=True).check()
    page.get_by_label("instructs in weapons or methods").check()
    page.get_by_role("button", name="Vote and stay").click()
    expect(page.get_by_role("link", name="Decision", exact=True)).to_be_visible()
    wait_out_undo(node)
    assert actions(platform, content)[-1] == "remove"
    decision_on(node, content)


def test_what_others_decide_meanwhile_is_said_and_nothing_is_taken_away(
    node: Running, page_for: PageFor, platform: Platform, two: list[Browser]
) -> None:
    make_known(node, platform, picture(1), two)
    case = case_of(node, again(platform))
    page = page_for(node.person(Role.REVIEWER))
    page.goto(f"/cases/{case}")
    press(page, "41w")
    page.keyboard.type("My reasons.")
    expect(page.get_by_role("button", name="Vote and go on")).to_be_enabled()
    # The page must hear the news; until it listens, there is none to hear.
    page.wait_for_timeout(500)
    form = {"provision": "none", "exempt": "none", "shown": shown_on(two[0], str(case))}
    assert two[0].submit(f"/cases/{case}/votes", **form).status_code == 303
    expect(page.locator("[data-standing]")).to_contain_text("Decided, not yet in effect")
    expect(page.get_by_role("button", name="Vote and go on")).to_be_disabled()
    expect(page.locator("[data-not-now]")).to_be_visible()
    assert chosen(page)["words"] == "My reasons."
    assert "Leave it up" not in page.locator("[data-standing]").inner_text()
