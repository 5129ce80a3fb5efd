"""The doors a person comes in by, in a real browser: signing in and the queue."""

from itertools import product

import pytest

from browser.sight import Language, PageFor, Scheme, accessible
from console.console_story import flagged
from running import Running
from tidegate.people.model import Role


@pytest.mark.parametrize(("language", "scheme"), list(product(("en", "zh"), ("light", "dark"))))
def test_sign_in_and_queue(node: Running, page_for: PageFor, language: Language, scheme: Scheme) -> None:
    flagged(node.platform(), caption="A bridge over a quiet river.")
    at = node.addresses.staff
    for person, path in ((None, "/sign-in"), (node.person(Role.REVIEWER), "/queue")):
        for phone in (False, True):
            page = page_for(person, at=at, language=language, scheme=scheme, phone=phone)
            page.goto(path)
            assert page.locator("html").get_attribute("lang") == language
            assert page.locator("h1").count() == 1
            assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is (scheme == "dark")
            accessible(page)


def test_what_is_wrong_on_a_page_is_seen(node: Running, page_for: PageFor) -> None:
    """The watch itself: an inline script and a picture from elsewhere are both stopped and told."""
    page = page_for(
        at=node.addresses.public,
        tolerated=("policy", "Content Security Policy", "another origin", "example.org", "thrown"),
    )
    page.goto("/")
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "document.title = 'taken'";
          document.body.append(script);
          const picture = document.createElement("img");
          picture.src = "http://example.org/x.png";
          document.body.append(picture);
          setTimeout(() => { throw new Error("thrown") }, 0);
        }"""
    )
    page.wait_for_timeout(100)
    assert page.title() != "taken"
    assert sum("policy violation" in text for text in seen) == 2
    assert any("thrown" in text for text in seen)
