"""The first page, the report and the ledger in a real browser: with years of numbers, on a phone, without scripts."""

import re

import pytest
from playwright.sync_api import Page, expect

from browser.sight import PageFor, accessible, no_sideways_scroll
from report.made_counts import crowd
from running import Running

#: Texts of a chart that leave its picture, and texts that lie on one another; a pixel is nothing.
_BADLY_PLACED = """() => {
  const bad = [];
  for (const svg of document.querySelectorAll("svg.chart-drawing, svg.distance-scale")) {
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].map((one) => [one.textContent, one.getBoundingClientRect()]);
    texts.forEach(([words, box], number) => {
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1
          || box.bottom > frame.bottom + 1) bad.push(`${svg.id}: "${words}" leaves the picture`);
      for (const [other, place] of texts.slice(number + 1))
        if (Math.min(box.right, place.right) - Math.max(box.left, place.left) > 1
            && Math.min(box.bottom, place.bottom) - Math.max(box.top, place.top) > 3)
          bad.push(`${svg.id}: "${words}" and "${other}" lie on one another`);
    });
  }
  return bad;
}"""
_SMALLEST_TEXT = """() => Math.min(...[...document.querySelectorAll("svg.chart-drawing text")]
  .map((one) => parseFloat(getComputedStyle(one).fontSize)))"""


def sound(page: Page) -> None:
    no_sideways_scroll(page)
    assert page.evaluate(_BADLY_PLACED) == []
    assert page.evaluate(_SMALLEST_TEXT) >= 12
    accessible(page)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_years_of_numbers_fit_a_phone_and_a_desk(node: Running, page_for: PageFor, language: str) -> None:
    crowd(node)
    for phone, scheme in ((True, "dark"), (False, "light")):
        page = page_for(language=language, phone=phone, scheme=scheme, reduced_motion=True)  # type: ignore[arg-type]
        page.goto("/report")
        assert page.locator("svg.chart-drawing").count() == 6
        sound(page)
        # Every table opens, and scrolls inside its own frame.
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        no_sideways_scroll(page)


def test_a_period_is_chosen_without_scripts(node: Running, page_for: PageFor) -> None:
    crowd(node)
    page = page_for(phone=True, scripts=False)
    page.goto("/report")
    page.get_by_label("From", exact=True).fill("2025-03-01")
    page.get_by_label("To", exact=True).fill("2025-03-20")
    page.get_by_role("button", name="Show this period").click()
    expect(page).to_have_url(re.compile(r"from=2025-03-01"))
    expect(page.get_by_text("Counted from 1 March 2025 to 20 March 2025")).to_be_visible()
    assert page.get_by_label("From", exact=True).input_value() == "2025-03-01"


def test_first_page_says_it_in_one_screen(node: Running, page_for: PageFor) -> None:
    """On a desk everything up to the three numbers is in view at once, above what is folded away."""
    crowd(node)
    page = page_for()
    page.goto("/")
    box = page.locator(".figures").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 900
    phone = page_for(phone=True)
    phone.goto("/")
    yours = phone.get_by_role("heading", name="Was your content restricted?").bounding_box()
    assert yours is not None
    assert yours["y"] < 844, "whoever came for this finds it without scrolling"
    for seen in (page, phone):
        no_sideways_scroll(seen)
        accessible(seen)


def test_ledger_on_a_phone(node: Running, page_for: PageFor) -> None:
    node.loop.run(node.node.publisher.publish())
    page = page_for(phone=True, scheme="dark")
    page.goto("/ledger")
    no_sideways_scroll(page)
    accessible(page)
