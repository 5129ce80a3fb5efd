"""What a person's browser sees: who looks, on what, and what a page must never do while it is looked at.

A page fails its test for anything a browser complains of: an error in the console or in a script, something the
content security policy stopped, a request to anyone but the node, a server error.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from playwright.sync_api import Page, Request, Response

from running import Browser

Language = Literal["en", "zh"]
Scheme = Literal["light", "dark"]

DESKTOP = (1280, 900)
PHONE = (390, 844)
LOCALES: dict[Language, str] = {"en": "en-GB", "zh": "zh-CN"}

_GRAVE = frozenset({"serious", "critical"})
#: What htmx says of a request that ended because the person went to another page. One that failed says otherwise.
_LEFT = ("htmx:sendAbort", "htmx:afterRequest")
#: Says out loud what the policy stopped; Playwright runs it in each page before the page's own scripts.
TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violation: ${event.violatedDirective} by ${event.blockedURI} ${event.sourceFile}`));
"""


class PageFor(Protocol):
    """Opens a page for someone signed in, or for anyone."""

    def __call__(
        self,
        person: Browser | None = None,
        *,
        at: str | None = None,
        language: Language = "en",
        scheme: Scheme = "light",
        phone: bool = False,
        reduced_motion: bool = False,
        scripts: bool = True,
        also: Sequence[str] = (),
        tolerated: Sequence[str] = (),
    ) -> Page: ...


@dataclass
class Watch:
    """Keeps what went wrong on a page."""

    #: origins a page may ask
    origins: set[str]
    #: parts of messages that a test provokes on purpose
    tolerated: Sequence[str] = ()
    problems: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        """Watch a page from now on."""
        page.on("console", lambda message: self._say(page, message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self._say(page, f"script error: {error}"))
        page.on("request", lambda request: self._asked(page, request))
        page.on("response", lambda response: self._answered(page, response))

    def _say(self, page: Page, text: str) -> None:
        if not any(part in text for part in (*_LEFT, *self.tolerated)):
            self.problems.append(f"{page.url}: {text}")

    def _asked(self, page: Page, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"about", "data", "blob"}:
            return
        if f"{parts.scheme}://{parts.netloc}" not in self.origins:
            self._say(page, f"request to another origin: {request.url}")

    def _answered(self, page: Page, response: Response) -> None:
        if response.status >= 500:
            self._say(page, f"server error {response.status}: {response.url}")


def origin(address: str) -> str:
    """Give the part of an address that a browser calls its origin."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def sideways(page: Page) -> list[str]:
    """Name what makes the whole page scroll sideways; what scrolls inside its own frame is fine."""
    found: list[str] = page.evaluate(
        """() => {
          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= width) return [];
          const framed = (one) => {
            for (let above = one.parentElement; above && above !== document.body; above = above.parentElement) {
              if (getComputedStyle(above).overflowX !== "visible") return true;
            }
            return false;
          };
          const wide = [...document.body.querySelectorAll("*")].filter((one) => {
            const box = one.getBoundingClientRect();
            return box.width && (box.right > width + 1 || box.left < -1) && !framed(one);
          });
          const names = wide.map((one) => `${one.localName}.${one.className} to ${one.getBoundingClientRect().right}`);
          return [`page is ${document.documentElement.scrollWidth} wide, not ${width}`, ...names.slice(-6)];
        }"""
    )
    return found


def axe(page: Page) -> list[str]:
    """Run axe; give what is serious or critical: the rule, what it is about, and where.

    It is evaluated by the debugger, not put into the page: the pages' policy allows no script but the node's own.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe_source())
    found: dict[str, Any] = json.loads(
        page.evaluate("async () => JSON.stringify(await axe.run(document, {resultTypes: ['violations']}))")
    )
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: "
        + "; ".join(f"{' '.join(map(str, node['target']))} {_why(node)}" for node in rule["nodes"][:4])
        for rule in found["violations"]
        if rule["impact"] in _GRAVE
    ]


def _why(node: dict[str, Any]) -> str:
    """Give the numbers of a contrast that is too low."""
    data = next((check.get("data") for check in node.get("any", [])), None)
    if not isinstance(data, dict) or "contrastRatio" not in data:
        return ""
    return f"[{data['contrastRatio']}: {data.get('fgColor')} on {data.get('bgColor')}]"


@cache
def _axe_source() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def no_sideways_scroll(page: Page) -> None:
    """Demand that nothing pushes the page wider than its window."""
    assert not (wide := sideways(page)), f"{page.url}: " + "; ".join(wide)


def accessible(page: Page) -> None:
    """Demand that axe finds nothing serious or critical."""
    assert not (found := axe(page)), f"{page.url}:\n" + "\n".join(found)
