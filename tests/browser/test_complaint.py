"""A frightened person with a phone: the notice, the complaint with a picture, other people's judgement, put right.

Without script all the way on the person's side; with keys alone on the judges'.
"""

import io
import re
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from browser.sight import PageFor, accessible, no_sideways_scroll
from console.console_story import flagged, remove
from running import Browser, Platform, Running
from tidegate.people.model import Role

WORDS = "هذا تقريري الصحفي. It is the old bridge: I reported on its repair."


@pytest.fixture
def link(node: Running, platform: Platform) -> str:
    content = flagged(platform, platform_id="the bridge", caption="The bridge, before the repair. جسر قديم")
    return remove(node, platform, [node.person(Role.REVIEWER) for _ in range(2)], content)


def press_card(folder: Path) -> Path:
    card = Image.new("RGB", (900, 560), "#dfe8ea")
    ImageDraw.Draw(card).text((60, 60), "PRESS\nThe River Gazette", fill="#123", font_size=60)
    out = io.BytesIO()
    card.save(out, "PNG")
    path = folder / "press card.png"
    path.write_bytes(out.getvalue())
    return path


def judge_by_keys(page: Page, appeal: str, words: str) -> None:
    page.goto(f"/appeals/{appeal}")
    accessible(page)
    no_sideways_scroll(page)
    page.keyboard.press("3")
    expect(page.get_by_role("radio", name="It is not terrorist content")).to_be_checked()
    page.keyboard.press("w")
    page.keyboard.type(words)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Judgement")).to_be_visible()


def appeal_in(judge: Browser) -> str:
    found = re.search(r'href="/appeals/(appeal_[a-z0-9]+)"', judge.get("/appeals?show=mine").text)
    assert found
    return found[1]


def test_from_a_phone_to_restored(
    node: Running, page_for: PageFor, platform: Platform, link: str, tmp_path: Path
) -> None:
    phone = page_for(phone=True, scripts=False, tolerated=("status of 422",))
    phone.goto(link)
    expect(phone.get_by_text("Your content was removed.").first).to_be_visible()
    expect(phone.locator("[aria-current=step]")).to_contain_text("You object")
    no_sideways_scroll(phone)

    # Something that is no picture first: the words are still there.
    broken = tmp_path / "letter.pdf"
    broken.write_bytes(b"%PDF-1.7 nothing")
    phone.get_by_label("Why do you think this was wrong?").fill(WORDS)
    phone.get_by_label("Pictures that help, if you have any").set_input_files(broken)
    phone.get_by_role("button", name="Send the complaint").click()
    expect(phone.get_by_role("alert")).to_contain_text("Your complaint was not sent.")
    expect(phone.get_by_label("Why do you think this was wrong?")).to_have_value(WORDS)
    expect(phone.locator("#files-wrong")).to_contain_text("letter.pdf")
    no_sideways_scroll(phone)

    phone.get_by_label("Pictures that help, if you have any").set_input_files(press_card(tmp_path))
    phone.get_by_role("button", name="Send the complaint").click()
    expect(phone.get_by_text("Your complaint was received:")).to_be_visible()
    expect(phone.get_by_text("One picture came with it.")).to_be_visible()
    expect(phone.locator("[aria-current=step]")).to_contain_text("Other people judge")

    judges = [node.person(Role.APPEAL_REVIEWER, name=f"Judge {number}") for number in range(2)]
    for judge in judges:
        page = page_for(judge)
        judge_by_keys(page, appeal_in(judge), "It shows a bridge and its repair.")

    phone.reload()
    expect(phone.get_by_text("We are sorry.")).to_be_visible()
    expect(phone.get_by_text("what was decided about it was reversed.")).to_be_visible()
    expect(phone.get_by_text("It shows a bridge and its repair.").first).to_be_visible()
    expect(phone.locator("[aria-current=step]")).to_contain_text("It was put right")
    stream = platform.client.get("/v1/instructions").json()["instructions"]
    assert [item["action"] for item in stream] == ["remove", "restore"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_notice_is_accessible_in_every_state(node: Running, page_for: PageFor, link: str, scheme: str) -> None:
    dark = scheme == "dark"
    page = page_for(scheme="dark" if dark else "light", phone=dark, reduced_motion=True, tolerated=("status of 422",))
    page.goto(link)
    accessible(page)
    # With an error beside each field.
    page.locator("form.complaint").evaluate("(form) => { form.noValidate = true; }")
    page.get_by_role("button", name="Send the complaint").click()
    expect(page.locator("#words")).to_have_attribute("aria-invalid", "true")
    accessible(page)
    page.get_by_label("Why do you think this was wrong?").fill(WORDS)
    page.get_by_role("button", name="Send the complaint").click()
    expect(page.get_by_text("Your complaint was received:")).to_be_visible()
    accessible(page)
    node.clock.forward(days=15)
    page.reload()
    expect(page.get_by_text("We are late.")).to_be_visible()
    accessible(page)
    no_sideways_scroll(page)
