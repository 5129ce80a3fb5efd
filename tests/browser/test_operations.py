"""The console's ways around, in a real browser: jumping by Ctrl+K, copying a key, switching single keys off."""

import re

from playwright.sync_api import expect

from browser.sight import PageFor, axe
from console.console_story import HTML, first_case, flagged
from running import Running
from tidegate.people import steps
from tidegate.people.model import Role


def test_jumping_by_the_keyboard(node: Running, page_for: PageFor) -> None:
    reviewer = node.person(Role.REVIEWER)
    flagged(node.platform())
    case = first_case(reviewer)
    page = page_for(reviewer)
    page.goto("/")
    page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog", name="Jump to any id or place")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("textbox")).to_be_focused()
    page.keyboard.type("acc")
    expect(dialog.get_by_role("link", name="My account")).to_be_visible()
    expect(dialog.get_by_role("link", name="Queue")).to_be_hidden()
    assert not axe(page)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("Control+k")
    page.keyboard.insert_text(f" {case[:15]} {case[15:]} ")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/cases/{case}")
    # The list of keys names it.
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys on this page")).to_contain_text("Ctrl+K")


def test_jumping_without_scripts(node: Running, page_for: PageFor) -> None:
    reviewer = node.person(Role.REVIEWER)
    page = page_for(reviewer, scripts=False, phone=True)
    page.goto("/")
    page.get_by_role("search").get_by_role("searchbox").fill("queue")
    page.get_by_role("search").get_by_role("button", name="Go").click()
    page.wait_for_url("**/queue")


def test_a_new_key_is_copied_by_its_button_alone(node: Running, page_for: PageFor) -> None:
    administrator = node.sign_in(node.administrators()[0])
    node.do(lambda tx: steps.add_service(tx, "A platform"))
    page = page_for(administrator)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/keys")
    page.get_by_label("Name of the key").fill("Production")
    page.get_by_role("button", name="Issue").click()
    text = page.locator("#new-key").inner_text()
    assert re.fullmatch(r"tidegate_[A-Za-z0-9_-]{49}", text)
    assert page.evaluate("navigator.clipboard.readText()") != text
    page.get_by_role("button", name="Copy the key").click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == text
    page.goto("/keys")
    assert text not in administrator.get("/keys", headers=HTML).text
    assert text not in page.content()


def test_single_keys_are_switched_off_on_ones_own_account(node: Running, page_for: PageFor) -> None:
    page = page_for(node.person(Role.REVIEWER))
    page.goto("/account")
    choice = page.locator("main").get_by_label("Single keys work")
    expect(choice).to_be_checked()
    choice.uncheck()
    page.goto("/queue")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys on this page")).to_be_hidden()
    page.goto("/account")
    expect(page.locator("main").get_by_label("Single keys work")).not_to_be_checked()
