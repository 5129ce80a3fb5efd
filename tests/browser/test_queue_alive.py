"""The queue in a real browser: it brings itself up to date, is walked by keys alone, and fits a phone."""

import re

from playwright.sync_api import expect

from browser.sight import PageFor, Scheme, accessible, no_sideways_scroll
from console.console_story import flagged, vote
from console.test_queue import fill
from running import Running
from tidegate.people.model import Role


def test_the_queue_brings_itself_up_to_date(node: Running, page_for: PageFor) -> None:
    """What others do is seen without a reload; what one was reading stays open and in focus."""
    platform = node.platform()
    reader, other = node.person(Role.REVIEWER), node.person(Role.REVIEWER)
    flagged(platform, 1, platform_id="post-1", caption="One.", reach=20_000)
    page = page_for(reader)
    page.goto("/queue")
    rows = page.locator("[data-row]")
    expect(rows).to_have_count(1)
    page.locator("summary").click()
    expect(page.get_by_text("it reaches 10,000 people or more: 24 hours")).to_be_visible()
    rows.first.focus()
    page.wait_for_timeout(1500)  # the looking begins with the stream
    flagged(platform, 2, platform_id="post-2", caption="Two.")
    expect(rows).to_have_count(2)
    expect(page.locator("#queue-count")).to_have_text("2 cases")
    expect(page.get_by_text("it reaches 10,000 people or more: 24 hours")).to_be_visible()
    expect(rows.first).to_be_focused()
    # A claim and a vote of someone else: who and what stays hidden.
    assert other.submit("/queue/next").status_code == 303
    expect(page.get_by_text("someone is on it until")).to_be_visible()
    case = (rows.first.get_attribute("href") or "").removeprefix("/cases/")
    assert vote(other, case).status_code == 303
    expect(page.get_by_text("someone voted")).to_be_visible()
    assert "Remove" not in page.locator("#queue-rows").inner_text()


def test_the_queue_is_walked_by_keys(node: Running, page_for: PageFor) -> None:
    reader = node.person(Role.REVIEWER)
    platform = node.platform()
    for number in range(3):
        flagged(platform, number, platform_id=f"post-{number}", caption=f"Words {number}.")
        node.clock.forward(seconds=1)
    page = page_for(reader)
    page.goto("/queue")
    rows = page.locator("[data-row]")
    for key, at in (("j", 0), ("j", 1), ("ArrowDown", 2), ("ArrowDown", 2), ("k", 1), ("ArrowUp", 0)):
        page.keyboard.press(key)
        expect(rows.nth(at)).to_be_focused()
    second = rows.nth(1).get_attribute("href")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"{second}$"))
    page.goto("/queue")
    first = rows.first.get_attribute("href")
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile(f"{first}$"))
    page.goto("/queue")
    expect(page.get_by_text("yours until")).to_be_visible()


def test_an_ended_session_shows_the_queue_to_nobody(node: Running, page_for: PageFor) -> None:
    reader = node.person(Role.REVIEWER)
    flagged(node.platform(), 1)
    page = page_for(reader, tolerated=["401"])
    page.goto("/queue")
    expect(page.locator("[data-row]")).to_have_count(1)
    assert reader.submit("/sign-out").status_code == 303
    page.evaluate("htmx.trigger('#queue-rows', 'sse:case')")
    expect(page.get_by_role("heading", name="Not signed in")).to_be_visible()
    assert page.locator("[data-row]").count() == 0


def test_a_full_queue_on_a_phone_and_in_the_dark(node: Running, page_for: PageFor) -> None:
    reader = node.person(Role.REVIEWER)
    fill(node, 60, reader)
    looks: tuple[tuple[bool, Scheme], ...] = ((True, "dark"), (False, "light"))
    for phone, scheme in looks:
        page = page_for(reader, phone=phone, scheme=scheme)
        page.goto("/queue?waits=anyone")
        page.locator("summary").first.click()
        accessible(page)
        no_sideways_scroll(page)
