"""Every page of the node in a real browser: both languages, light and dark, wide and on a phone, with hard words in it.

Each page is loaded once per language; scheme and width are changed under it, as a person's machine would. axe looks at
every page in four of the eight ways, so chosen that each language, scheme and width is seen with both of the others.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest

from browser.sight import DESKTOP, PHONE, Language, PageFor, Scheme, axe, sideways
from console.console_story import HOSTILE
from console.every_page import PUBLIC_PAGES, STAFF_PAGES, STAFF_VARIANTS, readers, tell
from running import Browser, Running

#: Words that break a page that was only ever tried with short English ones.
ARABIC = "جسر قديم فوق النهر، والناس يعبرونه كل صباح."
HEBREW = "גשר ישן מעל הנהר, ואנשים חוצים אותו בכל בוקר."
LONG = "Donaudampfschifffahrtsgesellschaft" * 9
HARD = f"{HOSTILE}\n{ARABIC}\n{HEBREW}\n{LONG}"

#: language -> the ways in which axe looks
LOOKS: dict[Language, tuple[tuple[Scheme, tuple[int, int]], ...]] = {
    "en": (("light", DESKTOP), ("dark", PHONE)),
    "zh": (("dark", DESKTOP), ("light", PHONE)),
}


@dataclass(frozen=True)
class Reading:
    """One page and who reads it; nobody for a public page."""

    name: str
    person: Browser | None
    at: str
    paths: tuple[str, ...]


def readings(node: Running, story: dict[str, str]) -> Iterator[Reading]:
    """Give every page once for each who may read it, by reader, so that each needs one window."""
    people = readers(node)
    pages = STAFF_PAGES | STAFF_VARIANTS
    for name, person in people.items():
        mine = tuple(path.format(**story) for path, names in pages.items() if name in names)
        yield Reading(name, person, node.addresses.staff, mine)
    yield Reading("nobody", None, node.addresses.staff, ("/sign-in", "/sign-in/link"))
    yield Reading("anyone", None, node.addresses.public, tuple(path.format(**story) for path in sorted(PUBLIC_PAGES)))


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_looks_right(node: Running, page_for: PageFor, language: Language) -> None:
    story = tell(node, words=HARD, complaint=HARD)
    found = [problem for reading in readings(node, story) for problem in _look_at(reading, page_for, language)]
    assert not found, "\n".join(sorted(set(found)))


def _look_at(reading: Reading, page_for: PageFor, language: Language) -> Iterable[str]:
    # Without motion, so that a colour is not measured on its way from light to dark.
    page = page_for(reading.person, at=reading.at, language=language, reduced_motion=True)
    for path in reading.paths:
        page.goto(path)
        where = f"{path} ({reading.name}, {language}"
        if page.locator("html").get_attribute("lang") != language:
            yield f"{where}): not in this language"
        if (headings := page.locator("h1").count()) != 1:
            yield f"{where}): {headings} main headings"
        for scheme, (width, height) in LOOKS[language]:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": height})
            way = f"{where}, {scheme}, {width} wide)"
            yield from (f"{way}: {wide}" for wide in sideways(page))
            yield from (f"{way}: {fault}" for fault in axe(page))
