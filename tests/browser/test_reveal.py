"""Holding to look, in a real browser: what is held is shown, what is let go is gone, and the node is told how long."""

import re
import time
from collections.abc import Callable, Sequence
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect

from browser.sight import PageFor, accessible, no_sideways_scroll
from console.console_story import first_case, flagged
from running import Browser, Nodes, Running
from tidegate.exposure.model import View
from tidegate.exposure.store import views_of
from tidegate.people.model import Role

HIDDEN = "Hidden. Press H to show the words again."


class Reveal:
    """A reviewer's page of a case with one picture."""

    def __init__(
        self,
        node: Running,
        page_for: PageFor,
        *,
        phone: bool = False,
        scripts: bool = True,
        tolerated: Sequence[str] = ("429",),
    ) -> None:
        self.node = node
        self.reviewer = node.person(Role.REVIEWER)
        flagged(node.platform(), caption="A bridge over a river.")
        self.case = first_case(self.reviewer)
        self.asked: list[str] = []
        self.page = page_for(self.reviewer, phone=phone, scripts=scripts, tolerated=tolerated)
        self.page.on("request", self._note)
        self.page.goto(f"/cases/{self.case}")

    def _note(self, request: Request) -> None:
        if "/picture" in request.url:
            self.asked.append(request.url)

    @property
    def place(self) -> Locator:
        return self.page.locator(".reveal")

    @property
    def button(self) -> Locator:
        return self.place.get_by_role("button", name="Hold to look")

    @property
    def picture(self) -> Locator:
        return self.place.locator(".picture canvas")

    def shown(self, side: int | None = None) -> None:
        expect(self.picture).to_be_visible()
        if side:
            expect(self.picture).to_have_js_property("width", side)

    def gone(self) -> None:
        """Demand that nothing of the picture is there: at once, without waiting."""
        assert self.picture.count() == 0

    def views(self, person: Browser | None = None) -> list[View]:
        staff = (person or self.reviewer).staff
        return self.node.do(lambda tx: views_of(tx, staff=staff, pictures=True))

    def reported(self, many: int) -> list[View]:
        """Wait until the seconds of so many looks have arrived."""
        self.until(lambda: sum(view.reported for view in self.views()) >= many)
        return self.views()

    def until(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not happened():
            assert time.monotonic() < deadline
            self.page.wait_for_timeout(20)


def wanted(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.fixture
def reveal(node: Running, page_for: PageFor) -> Reveal:
    return Reveal(node, page_for)


def pointer(page: Page, over: Locator) -> None:
    box = over.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


@pytest.mark.parametrize("key", ["Space", "Enter"])
def test_held_by_a_key_of_the_button(reveal: Reveal, key: str) -> None:
    reveal.button.focus()
    reveal.page.keyboard.down(key)
    reveal.shown()
    expect(reveal.place.get_by_role("status")).to_have_text("The picture is shown.")
    expect(reveal.place.get_by_role("img")).to_have_accessible_name(re.compile(r"\w"))
    reveal.node.clock.forward(seconds=30)
    reveal.page.wait_for_timeout(300)
    reveal.page.keyboard.up(key)
    reveal.gone()
    expect(reveal.place.get_by_role("status")).to_have_text("The picture is hidden.")
    (view,) = reveal.reported(1)
    assert view.seconds is not None
    assert 0.25 < view.seconds < 25
    assert [wanted(url) for url in reveal.asked] == [{"filter": "blur", "size": "small"}]


def test_held_by_the_key_r_from_anywhere(reveal: Reveal) -> None:
    reveal.page.locator("body").click(position={"x": 2, "y": 2})
    reveal.page.set_viewport_size({"width": 1280, "height": 500})
    reveal.page.keyboard.down("r")
    reveal.shown()
    expect(reveal.picture).to_be_in_viewport(ratio=0.95)
    reveal.page.keyboard.up("r")
    reveal.gone()
    reveal.reported(1)
    # Typed in a field, an r is an r.
    field = reveal.page.locator("#jump")
    field.focus()
    reveal.page.keyboard.down("r")
    reveal.page.keyboard.up("r")
    expect(field).to_have_value("r")
    assert len(reveal.asked) == 1


def test_held_by_the_mouse_and_never_shown_by_hovering(reveal: Reveal) -> None:
    pointer(reveal.page, reveal.button)
    pointer(reveal.page, reveal.place.locator(".picture"))
    reveal.page.wait_for_timeout(300)
    reveal.gone()
    assert reveal.asked == []
    pointer(reveal.page, reveal.button)
    reveal.page.mouse.down()
    reveal.shown()
    # Wherever it is let go, it is let go.
    reveal.page.mouse.move(1, 1)
    reveal.page.mouse.up()
    reveal.gone()
    reveal.reported(1)


def test_held_by_a_finger(node: Running, page_for: PageFor) -> None:
    reveal = Reveal(node, page_for, phone=True)
    no_sideways_scroll(reveal.page)
    reveal.button.scroll_into_view_if_needed()
    box = reveal.button.bounding_box()
    assert box
    finger = reveal.page.context.new_cdp_session(reveal.page)
    at = [{"x": box["x"] + 20, "y": box["y"] + 20}]
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": at})
    reveal.shown()
    # As long as a menu of the browser would take to open.
    reveal.page.wait_for_timeout(900)
    reveal.shown()
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    reveal.gone()
    assert reveal.page.evaluate("String(getSelection())") == ""
    reveal.reported(1)
    no_sideways_scroll(reveal.page)


def test_zoom_keeps_the_filter(reveal: Reveal) -> None:
    reveal.place.get_by_label("Line drawing").check()
    reveal.button.focus()
    reveal.page.keyboard.down("Space")
    reveal.shown(192)
    reveal.page.keyboard.press("+")
    reveal.until(lambda: len(reveal.asked) == 2)
    reveal.shown()
    expect(reveal.place.get_by_label("Large")).to_be_checked()
    reveal.page.keyboard.press("-")
    reveal.until(lambda: len(reveal.asked) == 3)
    reveal.shown()
    reveal.page.keyboard.up("Space")
    reveal.gone()
    assert [wanted(url) for url in reveal.asked] == [
        {"filter": "lines", "size": size} for size in ("small", "large", "small")
    ]
    # Each of the three was told by itself.
    assert all(view.reported for view in reveal.reported(3))


def test_the_filter_is_remembered_for_the_tab_and_not_for_the_next_who_signs_in(reveal: Reveal) -> None:
    reveal.place.get_by_label("Line drawing").check()
    reveal.page.reload()
    expect(reveal.place.get_by_label("Line drawing")).to_be_checked()
    expect(reveal.place.get_by_label("Small")).to_be_checked()
    again = reveal.node.sign_in(reveal.reviewer.staff)
    cookies = [{"name": one.name, "value": one.value or "", "url": str(again.base_url)} for one in again.cookies.jar]
    reveal.page.context.add_cookies(cookies)  # type: ignore[arg-type]  # a dict of these is what it takes
    reveal.page.reload()
    expect(reveal.place.get_by_label("Grey and blurred")).to_be_checked()


def test_h_hides_everything_and_shows_the_words_again(reveal: Reveal) -> None:
    words = reveal.page.locator(".words").first
    expect(words).to_be_visible()
    reveal.page.keyboard.down("r")
    reveal.shown()
    reveal.page.keyboard.press("h")
    reveal.gone()
    expect(words).to_be_hidden()
    expect(reveal.page.locator(".hide-all-said")).to_have_text(HIDDEN)
    reveal.page.keyboard.up("r")
    # Hidden is hidden: nothing is shown until the words are.
    reveal.page.keyboard.down("r")
    expect(reveal.place.get_by_role("status")).to_have_text("Everything is hidden. Press H first.")
    reveal.page.keyboard.up("r")
    reveal.gone()
    assert len(reveal.asked) == 1
    reveal.page.keyboard.press("h")
    expect(words).to_be_visible()
    reveal.gone()


BECOMES_HIDDEN = """
Object.defineProperty(document, "hidden", {value: true});
document.dispatchEvent(new Event("visibilitychange"));
"""


@pytest.mark.parametrize(
    "leave", ['window.dispatchEvent(new Event("blur"))', BECOMES_HIDDEN, "document.activeElement.blur()"]
)
def test_leaving_hides_and_tells(reveal: Reveal, leave: str) -> None:
    reveal.button.focus()
    reveal.page.keyboard.down("Space")
    reveal.shown()
    reveal.page.evaluate(leave)
    reveal.gone()
    reveal.reported(1)


def test_the_seconds_arrive_when_the_page_is_left_while_holding(reveal: Reveal) -> None:
    reveal.page.keyboard.down("r")
    reveal.shown()
    reveal.node.clock.forward(seconds=30)
    reveal.page.wait_for_timeout(200)
    reveal.page.goto("/account")
    (view,) = reveal.reported(1)
    assert view.seconds is not None
    assert 0.15 < view.seconds < 25


def test_let_go_before_it_came_it_was_shown_for_no_time(reveal: Reveal) -> None:
    def slowly(route: Route) -> None:
        reveal.page.wait_for_timeout(300)
        route.continue_()

    reveal.page.route("**/picture?**", slowly)
    reveal.page.keyboard.down("r")
    reveal.page.keyboard.up("r")
    reveal.node.clock.forward(seconds=5)
    (view,) = reveal.reported(1)
    assert view.seconds == 0
    reveal.gone()


def test_the_nodes_words_stand_where_the_picture_would(nodes: Nodes, page_for: PageFor) -> None:
    node = nodes.start(exposure_break_after_minutes=0.1)
    reveal = Reveal(node, page_for)
    assert reveal.reviewer.get(str(reveal.place.get_attribute("data-picture"))).status_code == 200
    reveal.page.keyboard.down("r")
    expect(reveal.place.locator(".picture")).to_contain_text("Time for a break.")
    reveal.page.keyboard.up("r")
    # They stay to be read, and the form stands ready.
    expect(reveal.place.locator(".picture")).to_contain_text("vote without looking")
    expect(reveal.page.locator("#vote")).to_be_visible()
    accessible(reveal.page)


def test_pressed_by_assistive_technology_it_stays_until_the_next_press(reveal: Reveal) -> None:
    reveal.button.evaluate("(button) => button.click()")
    reveal.shown()
    reveal.button.evaluate("(button) => button.click()")
    reveal.gone()
    reveal.reported(1)


def test_the_list_of_keys_names_what_is_held(reveal: Reveal) -> None:
    reveal.page.keyboard.press("?")
    listed = reveal.page.locator("#keys")
    expect(listed).to_contain_text("Hold to look at the picture")
    expect(listed).to_contain_text("Hide everything")


def test_without_scripts_there_is_a_plain_link(node: Running, page_for: PageFor) -> None:
    # Chromium's own frame around a picture has a style and a script, and the picture's policy stops even these.
    reveal = Reveal(node, page_for, scripts=False, tolerated=("inline style", "Blocked script execution"))
    expect(reveal.button).to_be_hidden()
    link = reveal.page.get_by_role("link", name="Open the blurred picture")
    with reveal.page.expect_response("**/picture?**") as waiting:
        link.click()
    assert waiting.value.status == 200
    assert waiting.value.headers["content-type"] == "image/jpeg"
    assert wanted(reveal.asked[0]) == {"filter": "blur", "size": "small"}


def test_looking_is_accessible(reveal: Reveal) -> None:
    accessible(reveal.page)
    reveal.page.keyboard.down("r")
    reveal.shown()
    accessible(reveal.page)
    reveal.page.keyboard.up("r")
    reveal.page.keyboard.press("h")
    accessible(reveal.page)
