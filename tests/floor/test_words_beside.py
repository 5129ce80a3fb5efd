"""Known words beside a content: whatever it is itself, people look; a machine holds nothing for that (floor rule 1)."""

from typing import Any

import pytest

from acts import ask, picture
from benchmarks.scenes import encoded, scene
from floor.story import (
    KEEP,
    actions,
    appeal_on,
    case_of,
    complain,
    decide,
    flag,
    judge,
    notice_link,
    reviewers,
    switch_on_look_alike_holds,
)
from floor.test_words import KNOWN, LINK, OTHER, removed
from running import Nodes, Platform, Running
from tidegate.jail import Jail, JailError, Reason
from tidegate.people.model import Role

DISGUISED = f"{OTHER[:200]} {KNOWN.upper().replace('O', chr(0x41E))}"
SAME_LINK = "HTTP://HARBOUR.example:80/x/../%50lans?part=2#top"
VIDEO = encoded(scene(1, 6))


def found(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(match["kind"], match["where"]) for match in answer["matches"]]


def test_rule_1_a_known_text_as_a_caption_is_shown_to_people_and_never_held(node: Running, platform: Platform) -> None:
    removed(node, platform, KNOWN, "text", reviewers(node))
    switch_on_look_alike_holds(node)
    for number, (kind, data) in enumerate((("picture", picture(1)), ("text", OTHER.encode()), ("link", b"a.example"))):
        answer = platform.verdict(data, kind=kind, platform_id=f"beside-{number}", caption=DISGUISED)
        assert (answer["verdict"], answer["reason"]) == ("review", "look_alike")
        assert found(answer) == [("text", "caption")]
        assert answer["matches"][0]["span"]["start"] == pytest.approx(201, abs=2)
        assert actions(platform, answer["content"]) == []
        case_of(node, answer["content"])
    assert platform.verdict(picture(2), platform_id="other", caption=OTHER)["verdict"] == "clear"


def test_rule_1_a_known_link_in_the_link_field_is_shown_to_people_and_never_held(
    node: Running, platform: Platform
) -> None:
    removed(node, platform, LINK, "link", reviewers(node))
    answer = platform.verdict(picture(1), platform_id="beside", link=SAME_LINK)
    assert (answer["verdict"], found(answer)) == ("review", [("url", "link")])
    assert actions(platform, answer["content"]) == []
    for number, other in enumerate(("https://harbour.example/plans?part=2", "no link at all", "javascript:1")):
        assert platform.verdict(picture(2), platform_id=f"other-{number}", link=other)["verdict"] == "clear"


def test_pictures_with_the_same_caption_are_looked_at_apart(node: Running, platform: Platform) -> None:
    """A vote about one of them says nothing of the others: what they share is not what they show."""
    removed(node, platform, KNOWN, "text", reviewers(node))
    one = platform.verdict(picture(1), platform_id="one", caption=KNOWN)
    other = platform.verdict(picture(2), platform_id="other", caption=KNOWN)
    assert case_of(node, one["content"]) != case_of(node, other["content"])
    # The picture was never decided on: two people decide, and then it is known by itself.
    decide(node, one["content"], reviewers(node))
    node.work()
    again = platform.verdict(picture(1), platform_id="again", uploader="another")
    assert (again["verdict"], again["reason"]) == ("hold", "decided_before")
    assert platform.verdict(picture(2), platform_id="plain", uploader="another")["verdict"] == "clear"


def test_what_matches_itself_is_grouped_by_that(node: Running, platform: Platform) -> None:
    removed(node, platform, KNOWN, "text", reviewers(node))
    data = picture(3)
    answer = platform.verdict(data, platform_id="first", uploader="author")
    flag(platform, answer["content"])
    assert platform.client.put(f"/v1/content/{answer['content']}/bytes", content=data).status_code == 204
    decide(node, answer["content"], reviewers(node))
    again = platform.verdict(data, platform_id="again", uploader="other", caption=KNOWN)
    assert (again["verdict"], again["reason"]) == ("hold", "decided_before")
    assert ("text", "caption") in found(again)


def test_words_that_change_are_searched_too(node: Running, platform: Platform) -> None:
    removed(node, platform, KNOWN, "text", reviewers(node))
    data = picture(4)
    content = platform.verdict(data, platform_id="edited")["content"]
    flag(platform, content)
    assert platform.client.put(f"/v1/content/{content}/bytes", content=data).status_code == 204
    decide(node, content, reviewers(node, 1), KEEP)
    changed = platform.client.patch(f"/v1/content/{content}", json={"caption": OTHER})
    assert changed.json()["verdict"] == "clear"
    changed = platform.client.patch(f"/v1/content/{content}", json={"caption": DISGUISED})
    assert (changed.status_code, changed.json()["verdict"]) == (200, "review")
    case_of(node, content)
    # Once is enough.
    events = ask(node, "SELECT count(*) AS n FROM event WHERE kind = 'verdict.given'")
    platform.client.patch(f"/v1/content/{content}", json={"caption": DISGUISED, "reach": 50})
    assert ask(node, "SELECT count(*) AS n FROM event WHERE kind = 'verdict.given'") == events


def test_the_case_says_where_it_was_found(node: Running, platform: Platform) -> None:
    removed(node, platform, KNOWN, "text", reviewers(node))
    answer = platform.verdict(picture(1), platform_id="beside", caption=KNOWN)
    page = node.person(Role.REVIEWER).get(f"/cases/{case_of(node, answer['content'])}").text
    assert "in its caption: alike words" in " ".join(page.split())


def test_a_withdrawn_text_lets_go_what_was_found_by_it(node: Running, platform: Platform) -> None:
    first = removed(node, platform, KNOWN, "text", reviewers(node))
    content = platform.verdict(picture(1), platform_id="beside", caption=KNOWN)["content"]
    assert complain(node, notice_link(platform, first)).status_code == 303
    for person in reviewers(node, 2, Role.APPEAL_REVIEWER):
        assert judge(person, appeal_on(node, first), "not_terrorist").status_code == 303
    node.work()
    assert platform.client.get(f"/v1/content/{content}").json()["verdict"] == "clear"


def test_a_link_that_could_not_be_read_is_not_known_to_be_harmless(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(_jail: Jail, _data: bytes) -> str:
        raise JailError(Reason.ENGINE_DOWN)

    monkeypatch.setattr("tidegate.node.address_in", down)
    answer = platform.verdict(picture(1), platform_id="beside", link=SAME_LINK)
    assert (answer["verdict"], answer["reason"]) == ("unchecked", "engine_down")


def test_a_video_is_checked_to_its_end_and_its_caption_with_it(nodes: Nodes) -> None:
    node = nodes.start(video_patience_seconds=0.0)
    platform = node.platform()
    removed(node, platform, KNOWN, "text", reviewers(node))
    said = platform.upload(VIDEO, kind="video", platform_id="film", caption=OTHER)
    assert said.status_code == 202
    # Said after it was sent, and before it was judged.
    link = said.json()["link"]
    assert platform.client.patch(link, json={"caption": KNOWN}).json()["standing"] == "checking"
    node.work()
    assert platform.client.get(link).json()["verdict"] == "review"
