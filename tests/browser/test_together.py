"""What takes several people, each with a browser of their own: blind votes, a disagreement, and a wrong put right."""

import re
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page, expect

from browser.sight import Language, PageFor, accessible, no_sideways_scroll
from console.console_story import HTML, first_case, flagged, vote
from pretend_platform import running_platform, until
from running import Browser, Running
from tidegate.demonstration.pictures import picture
from tidegate.people.model import Role

REMOVE, KEEP = "41", "01"
_LONG_SIGN = re.compile(r"[\u4e00-\u9fff]{2}")


def cast(page: Page, case: str, keys: str) -> None:
    """Vote by keys alone and wait until it counts."""
    page.goto(f"/cases/{case}")
    for key in keys:
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    expect(page.locator("[data-voted]")).to_be_visible()


def test_blind_votes_a_disagreement_and_a_third(node: Running, page_for: PageFor) -> None:
    flagged(node.platform(), caption="A bridge in the fog.")
    people = [node.person(Role.REVIEWER, name=name) for name in ("Ada", "Ben")]
    senior = node.person(Role.SENIOR_REVIEWER, name="Eva")
    case = first_case(people[0])
    ada, ben, eva = (page_for(person) for person in (*people, senior))

    cast(ada, case, REMOVE)
    expect(ada.get_by_text("Your vote is in.")).to_be_visible()
    expect(ada.get_by_text("A second person votes without seeing it.")).to_be_visible()

    ben.goto(f"/cases/{case}")
    expect(ben.get_by_text("Someone voted.")).to_be_visible()
    # Nothing says who, or what: no name, no box of votes, nothing chosen beforehand.
    assert "Ada" not in ben.content()
    assert ben.locator("#vote input[type=radio]:checked").count() == 0
    accessible(ben)
    cast(ben, case, KEEP)
    expect(ben.get_by_text("Two people disagree").first).to_be_visible()

    eva.goto(f"/cases/{case}")
    expect(eva.get_by_text("Two people disagree").first).to_be_visible()
    assert not {"Ada", "Ben"} & set(re.findall(r"Ada|Ben", eva.content()))
    cast(eva, case, REMOVE)
    expect(eva.locator("[data-voted]")).to_contain_text("Decided: Remove it.")

    node.clock.forward(seconds=11)
    node.work()
    ben.goto(f"/cases/{case}")
    expect(ben.get_by_role("link", name="Decision").first).to_be_visible()
    # In force, it is told who judged how, so that people can learn from each other.
    for name in ("Ada", "Ben", "Eva"):
        expect(ben.get_by_role("heading", name=name)).to_be_visible()
    accessible(ben)
    no_sideways_scroll(ben)


def test_in_chinese_from_the_queue_to_the_decision_and_back(node: Running, page_for: PageFor) -> None:
    language: Language = "zh"
    flagged(node.platform(), caption="清晨的老桥")
    people = [node.person(Role.REVIEWER) for _ in range(2)]
    case = first_case(people[0])
    pages = [page_for(person, language=language, scheme="dark") for person in people]
    for page in pages:
        page.goto("/queue")
        assert _LONG_SIGN.search(page.locator("h1").inner_text())
        cast(page, case, REMOVE)
    second = pages[1]
    assert second.locator("html").get_attribute("lang") == language
    for button in second.get_by_role("button").all():
        if button.is_visible():
            assert _LONG_SIGN.search(button.inner_text() + (button.get_attribute("aria-label") or "")), (
                button.inner_text()
            )
    second.keyboard.press("u")
    expect(second).to_have_url(re.compile(case))
    assert _LONG_SIGN.search(second.locator("[data-voted]").inner_text())
    accessible(second)


def test_from_a_complaint_on_a_phone_to_the_platforms_wall(node: Running, page_for: PageFor, tmp_path: Path) -> None:
    """The uploader's whole way: their post disappears, the inbox says why, they object, and it is back on the wall."""
    node.clock.now = datetime.now(UTC)
    allowed = node.platform()
    key = allowed.client.headers["authorization"].removeprefix("Bearer ")
    reviewers = [node.person(Role.REVIEWER) for _ in range(2)]
    judges = [node.person(Role.APPEAL_REVIEWER) for _ in range(2)]
    with running_platform(tmp_path / "platform", node.addresses.platform, key=key) as platform:
        post = platform.publish(picture(3), account="ida", caption="The bridge behind our house")
        wall = page_for(
            at=str(platform.base_url), phone=True, also=[node.addresses.public], tolerated=("status of 404",)
        )
        wall.goto("/")
        expect(wall.get_by_alt_text("The bridge behind our house")).to_be_visible()

        answer = platform.post(f"/posts/{post['id']}/flag", json={"reporter": "reader-1", "words": "Please look."})
        assert answer.status_code == 201
        case = until(lambda: _case_in_queue(reviewers[0]))
        for reviewer in reviewers:
            assert vote(reviewer, case).status_code == 303
        node.clock.forward(seconds=11)
        node.work()
        until(lambda: platform.state(post) == "removed")
        wall.reload()
        expect(wall.get_by_text("This post was removed.")).to_be_visible()

        wall.get_by_role("link", name="ida").click()
        wall.get_by_role("link", name="Why, and how to complain").click()
        expect(wall.get_by_text("Your content was removed.").first).to_be_visible()
        no_sideways_scroll(wall)
        wall.get_by_label("Why do you think this was wrong?").fill("It is the bridge behind our house.")
        wall.get_by_role("button", name="Send the complaint").click()
        expect(wall.get_by_text("Your complaint was received:")).to_be_visible()

        for judge in judges:
            found = re.search(
                r"/appeals/(appeal_[a-z0-9]+)", judge.get("/appeals", headers={"accept": "text/html"}).text
            )
            assert found
            judged = judge.submit(f"{found[0]}/judgements", outcome="not_terrorist", words="It shows a bridge.")
            assert judged.status_code == 303, judged.text
        node.work()
        until(lambda: platform.state(post) == "published")
        wall.goto(str(platform.base_url))
        expect(wall.get_by_alt_text("The bridge behind our house")).to_be_visible()


def _case_in_queue(person: Browser) -> str | None:
    found = re.search(r'href="/cases/(case_[a-z0-9]+)"', person.get("/queue", headers=HTML).text)
    return found[1] if found else None
