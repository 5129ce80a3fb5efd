"""Walks through the tutorial as it is written, in a real browser, and writes its pictures.

When a step of the tutorial no longer works, this stops there: change the page and the walk together.
"""  # noqa: INP001 - a part of the script beside it

import io
import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from tidegate.demonstration.processes import Processes

DESK = {"locale": "en-GB", "color_scheme": "light", "viewport": {"width": 1120, "height": 760}}
PHONE = DESK | {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
ALIKE = "It looks like something known"
REMOVED = "This post was removed."
_COLOURS = 128
_MOST_BYTES = 150_000


class Window(Protocol):
    """Somebody's browser."""

    processes: Processes

    def window(self, reader: str, way: Any) -> AbstractContextManager[Any]: ...  # noqa: ANN401 - see screenshots.py


def walk(browsers: Window, to: Path) -> None:
    """Go the whole way, from the wall to the ledger."""
    to.mkdir(exist_ok=True)
    platform, staff, public = browsers.processes.platform, browsers.processes.staff, browsers.processes.public
    with browsers.window("anyone", DESK) as wall, browsers.window("reviewer", DESK) as ada:
        wall.goto(platform)
        keep(wall, to / "wall.png")
        removed = wall.get_by_text(REMOVED).count()

        ada.goto(f"{staff}/queue")
        keep(ada, to / "queue.png")
        ada.locator("select[name=reason]").select_option(label=ALIKE)
        ada.get_by_role("button", name="Filter").click()
        ada.get_by_role("link", name=ALIKE).first.click()
        ada.wait_for_url("**/cases/*")
        keep(ada, to / "case.png")
        ada.keyboard.press("4")
        ada.keyboard.press("1")
        ada.locator("#preview").get_by_text(re.compile(r"\w+")).first.wait_for()
        ada.locator(".vote-actions").scroll_into_view_if_needed()
        keep(ada, to / "vote.png")
        ada.keyboard.press("Enter")
        ada.locator("[data-voted]").wait_for()
        keep(ada, to / "decided.png")

        wait_for(wall, platform, 1 + removed)
    with browsers.window("anyone", PHONE) as phone:
        phone.goto(platform)
        phone.get_by_role("link", name="olek").click()
        phone.get_by_role("link", name="Why, and how to complain").last.click()
        phone.get_by_text("Your content was removed.").first.wait_for()
        keep(phone, to / "notice.png")
        phone.get_by_label("Why do you think this was wrong?").fill("It is only the old bridge, seen from my window.")
        phone.get_by_role("button", name="Send the complaint").click()
        phone.get_by_text("Your complaint was received:").wait_for()
    with browsers.window("judge", DESK) as judge:
        judge.goto(f"{staff}/appeals")
        judge.locator("tbody th a").last.click()
        judge.wait_for_url("**/appeals/appeal_*")
        judge.keyboard.press("3")
        judge.keyboard.press("w")
        judge.keyboard.type("It shows a bridge, and nothing else.")
        keep(judge, to / "judge.png")
        judge.keyboard.press("Tab")
        judge.keyboard.press("Enter")
        judge.get_by_role("heading", name="Judgement").wait_for()
    with browsers.window("anyone", DESK) as wall:
        wait_for(wall, platform, removed)
    with browsers.window("anyone", DESK) as anyone:
        anyone.goto(f"{public}/ledger")
        keep(anyone, to / "ledger.png")


def wait_for(wall: Any, platform: str, removed: int) -> None:  # noqa: ANN401 - a Playwright page
    """Look at the wall until so many posts are taken down."""
    for _ in range(50):
        wall.goto(platform)
        if wall.get_by_text(REMOVED).count() == removed:
            return
        wall.wait_for_timeout(200)
    raise SystemExit("The wall did not change.")


def keep(page: Any, path: Path) -> None:  # noqa: ANN401 - a Playwright page
    """Write a PNG small enough to keep: few colours are enough for a page."""
    with Image.open(io.BytesIO(page.screenshot())) as opened:
        reduced = opened.convert("RGB").quantize(_COLOURS, method=Image.Quantize.MEDIANCUT)
    out = io.BytesIO()
    reduced.save(out, "PNG", optimize=True)
    assert out.tell() < _MOST_BYTES, f"{path.name} has {out.tell()} bytes: too large to keep"
    path.write_bytes(out.getvalue())
