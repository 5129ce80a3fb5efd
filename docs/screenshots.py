"""Writes a picture of every page, light, dark, on a phone and in Chinese, for people to look through.

``python docs/screenshots.py`` plays the demonstration on ports of its own, signs everybody in and opens what
``tests/console/every_page.py`` lists. The pictures and ``index.html`` beside them are for the eye only and are not
kept; the few that the tutorial shows are written to ``docs/images`` with ``--tutorial``.
"""  # noqa: INP001 - a script beside the pages it writes

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))

import tutorial_walk  # noqa: E402 - likewise

from browser import chromium  # noqa: E402 - tests are no package
from console.every_page import PUBLIC_PAGES, STAFF_PAGES, STAFF_VARIANTS  # noqa: E402
from tidegate.db.embedded import forget  # noqa: E402
from tidegate.demonstration.command import play_or_resume  # noqa: E402
from tidegate.demonstration.pictures import picture  # noqa: E402
from tidegate.demonstration.processes import Processes, ports_for  # noqa: E402

PEOPLE = {
    "reviewer": "Reviewer Ada",
    "judge": "Judge Cleo",
    "lead": "Policy lead Finn",
    "administrator": "Administrator Iris",
    "auditor": "Auditor Hana",
}
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
#: name of a way to look -> what the browser is told
WAYS: Mapping[str, Mapping[str, Any]] = {
    "light": {"locale": "en-GB", "color_scheme": "light", "viewport": DESKTOP},
    "dark": {"locale": "en-GB", "color_scheme": "dark", "viewport": DESKTOP},
    "phone": {"locale": "en-GB", "color_scheme": "light", "viewport": PHONE, "has_touch": True, "is_mobile": True},
    "chinese": {"locale": "zh-CN", "color_scheme": "light", "viewport": DESKTOP},
}
#: what an address needs -> who finds it, on which page, and how it looks there
FINDS: Mapping[str, tuple[str, str, str]] = {
    "case": ("reviewer", "/queue", r"/cases/(case_\w+)"),
    "appeal": ("judge", "/appeals", r"/appeals/(appeal_\w+)"),
    "signal": ("lead", "/signals", r"/signals/(signal_\w+)"),
    "instruction": ("administrator", "/instructions", r"/instructions/(instruction_\w+)"),
    "person": ("administrator", "/people", r"/people/(staff_\w+)"),
}


def say(line: str) -> None:
    """Show progress."""
    sys.stderr.write(f"{line}\n")


@dataclass(frozen=True)
class Shot:
    """One page to take, for one reader."""

    reader: str
    address: str
    path: str

    @property
    def name(self) -> str:
        """Name its files."""
        words = re.sub(r"[^a-z]+", "-", re.sub(r"\{token\}", "", self.path)).strip("-") or "first-page"
        return f"{self.reader}-{words}"


class Photographer:
    """A browser that is signed in as everybody."""

    def __init__(self, browser: Any, processes: Processes) -> None:  # noqa: ANN401 - Playwright may be missing
        self._browser, self.processes = browser, processes
        self._states: dict[str, Any] = {}

    def sign_in(self) -> None:
        """Come in as everybody, once."""
        links = self.processes.command("people", "link", *PEOPLE.values()).splitlines()
        for reader, link in zip(PEOPLE, links, strict=True):
            context = self._browser.new_context()
            page = context.new_page()
            page.goto(link)
            page.locator("main form button").click()
            page.wait_for_url(f"{self.processes.staff}/")
            self._states[reader] = context.storage_state()
            context.close()

    @contextmanager
    def window(self, reader: str, way: Mapping[str, Any]) -> Iterator[Any]:
        """Open a window for a reader."""
        context = self._browser.new_context(**way, storage_state=self._states.get(reader), reduced_motion="reduce")
        try:
            yield context.new_page()
        finally:
            context.close()

    def ids(self) -> dict[str, str]:
        """Find what addresses need, on the pages, as a person would."""
        found = self._of_a_removed_post()
        for name, (reader, path, pattern) in FINDS.items():
            with self.window(reader, WAYS["light"]) as page:
                page.goto(self.processes.staff + path.format(**found))
                match = re.search(pattern, page.content())
                if match is None:
                    raise SystemExit(f"Nothing like {pattern} on {path}: look at FINDS in {Path(__file__).name}.")
                found[name] = match[1]
        return found

    def _of_a_removed_post(self) -> dict[str, str]:
        notices = httpx2.get(f"{self.processes.platform}/accounts/mira/inbox", trust_env=False).json()["notices"]
        post = httpx2.get(f"{self.processes.platform}/posts/{notices[0]['post']}", trust_env=False).json()
        key = (self.processes.data / "platform" / "api.key").read_text()
        content = httpx2.get(
            f"{self.processes.api}/v1/content/{post['content']}",
            headers={"authorization": f"Bearer {key}"},
            trust_env=False,
        ).json()
        issued = next(item["data"] for item in content["life"] if item["event"] == "decision.issued")
        token = notices[0]["url"].rpartition("/")[2]
        return {
            "token": token,
            "closed": issued["case"],
            "decision": issued["decision"],
            "content": post["content"],
            "index": "0",
        }


def shots(processes: Processes) -> list[Shot]:
    """List every page for everyone who may read it."""
    staff = [
        Shot(reader, processes.staff, path)
        for path, readers in (STAFF_PAGES | STAFF_VARIANTS).items()
        for reader in readers
    ]
    public = [Shot("anyone", processes.public, path) for path in sorted(PUBLIC_PAGES)]
    nobody = [Shot("nobody", processes.staff, "/sign-in"), Shot("nobody", processes.staff, "/sign-in/link")]
    platform = [
        Shot("platform", processes.platform, "/"),
        Shot("platform", processes.platform, "/accounts/mira/inbox?page=1"),
    ]
    return sorted(staff + public + nobody + platform, key=lambda shot: (shot.reader, shot.path))


def take_all(photographer: Photographer, to: Path) -> None:
    """Write every picture and the sheet to look through them."""
    every, ids = shots(photographer.processes), photographer.ids()
    for way, told in WAYS.items():
        for reader in dict.fromkeys(shot.reader for shot in every):
            with photographer.window(reader, told) as page:
                for shot in (shot for shot in every if shot.reader == reader):
                    page.goto(shot.address + shot.path.format(**ids))
                    page.screenshot(path=to / f"{shot.name}-{way}.png", full_page=True)
        say(f"{len(every)} pages: {way}")
    (to / "index.html").write_text(_sheet(every), encoding="utf-8")


def _sheet(every: Sequence[Shot]) -> str:
    head = "".join(f"<th scope=col>{way}</th>" for way in WAYS)
    rows = "".join(
        f"<tr><th scope=row>{escape(shot.reader)}<br><code>{escape(shot.path)}</code></th>"
        + "".join(
            f'<td><a href="{shot.name}-{way}.png"><img loading=lazy src="{shot.name}-{way}.png" '
            f'alt="{escape(shot.path)} for {shot.reader}, {way}"></a></td>'
            for way in WAYS
        )
        + "</tr>"
        for shot in every
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Every page</title><style>"
        "body{font:15px system-ui,sans-serif;background:#667}th{text-align:start;vertical-align:top;color:#fff}"
        "td{vertical-align:top}img{max-width:22vw;max-height:60vh;object-fit:cover;object-position:top}</style>"
        f"<table><thead><tr><th>page</th>{head}</tr></thead><tbody>{rows}</tbody></table></html>"
    )


@contextmanager
def told(data: Path) -> Iterator[Processes]:
    """Play the demonstration, with work left open, in a folder."""
    processes = Processes(data, ports_for(data, None), say)
    try:
        play_or_resume(processes, [picture(seed) for seed in range(100, 103)], say, visited=True)
        yield processes
    finally:
        processes.stop()


def main() -> int:
    """Write the pictures, or say what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=ROOT / ".tidegate-screenshots", help="the folder of the pictures")
    parser.add_argument(
        "--tutorial", action="store_true", help="write only the pictures of the tutorial, to docs/images"
    )
    parser.add_argument("--data", type=Path, help="keep the demonstration here, and start from it next time")
    chosen = parser.parse_args()
    path = chromium.find()
    if path is None or find_spec("playwright") is None:
        say(f"A browser is needed: {chromium.INSTALL}")
        return 1
    from playwright.sync_api import sync_playwright

    chosen.to.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="tidegate-screenshots-", ignore_cleanup_errors=True) as folder:
        data = chosen.data or Path(folder)
        data.mkdir(parents=True, exist_ok=True)
        with told(data) as processes, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=chromium.options())
            photographer = Photographer(browser, processes)
            photographer.sign_in()
            if chosen.tutorial:
                tutorial_walk.walk(photographer, ROOT / "docs" / "images")
            else:
                take_all(photographer, chosen.to)
            browser.close()
        if chosen.data is None:
            forget(data / "node")
    say(f"Look at {ROOT / 'docs' / 'images' if chosen.tutorial else chosen.to / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
