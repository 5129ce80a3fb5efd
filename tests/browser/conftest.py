"""A real Chromium, Debian's own, driven by Playwright. Skipped where either is missing, unless it must be there.

Playwright's synchronous interface keeps an event loop in the test's thread and calls it running between its calls.
Tests that are not of this folder may run a loop of their own in that thread, so the loop is only called running while
a test here runs.
"""

import asyncio
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from browser import chromium as chromium_binary
from browser.sight import DESKTOP, LOCALES, PHONE, TELL_VIOLATIONS, Language, PageFor, Scheme, Watch, origin
from running import Browser, Nodes, Running

if TYPE_CHECKING:
    from playwright.sync_api import Browser as Chromium
    from playwright.sync_api import Page

_PATIENCE_MILLISECONDS = 15_000


def _missing(what: str) -> NoReturn:
    # Not called TIDEGATE_...: those are the node's settings, and a node refuses what it does not know.
    reason = f"{what} is missing: {chromium_binary.INSTALL}"
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> "Iterator[tuple[Chromium, asyncio.AbstractEventLoop]]":
    """Start one Chromium for the session; give also the loop that Playwright runs on."""
    try:
        import axe_playwright_python  # noqa: F401 - carries axe's source
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("Playwright")
    path = chromium_binary.find()
    if path is None:
        _missing("Chromium")
    playwright = sync_playwright().start()
    loop = asyncio.get_running_loop()
    browser = playwright.chromium.launch(executable_path=path, headless=True, args=chromium_binary.options())
    asyncio._set_running_loop(None)
    yield browser, loop
    asyncio._set_running_loop(loop)
    browser.close()
    playwright.stop()
    asyncio._set_running_loop(None)


@pytest.fixture
def browser(chromium: "tuple[Chromium, asyncio.AbstractEventLoop]") -> "Iterator[Chromium]":
    """The browser, for one test."""
    made, loop = chromium
    asyncio._set_running_loop(loop)
    yield made
    asyncio._set_running_loop(None)


@pytest.fixture
def page_for(browser: "Chromium", nodes: Nodes, request: pytest.FixtureRequest) -> Iterator[PageFor]:
    """Open pages; the test fails at its end for whatever a browser complained of meanwhile."""
    watches: list[Watch] = []

    def open_page(
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
    ) -> "Page":
        address = at or (str(person.base_url) if person else _public(request))
        width, height = PHONE if phone else DESKTOP
        context = browser.new_context(
            base_url=address,
            locale=LOCALES[language],
            color_scheme=scheme,
            viewport={"width": width, "height": height},
            has_touch=phone,
            is_mobile=phone,
            reduced_motion="reduce" if reduced_motion else "no-preference",
            java_script_enabled=scripts,
        )
        context.set_default_timeout(_PATIENCE_MILLISECONDS)
        context.add_init_script(TELL_VIOLATIONS)
        if person is not None:
            context.add_cookies(
                [{"name": cookie.name, "value": cookie.value or "", "url": address} for cookie in person.cookies.jar]
            )
        watch = Watch({origin(address), *map(origin, also), *nodes.origins()}, tolerated)
        context.on("page", watch.over)
        watches.append(watch)
        return context.new_page()

    yield open_page
    for context in list(browser.contexts):
        context.close()
    problems = [problem for watch in watches for problem in watch.problems]
    assert not problems, "\n".join(problems)


def _public(request: pytest.FixtureRequest) -> str:
    node: Running = request.getfixturevalue("node")
    return node.addresses.public


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, so that ``-m "not browser"`` leaves them out."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("browser")
