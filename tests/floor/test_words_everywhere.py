"""Known texts and addresses in and around what is posted, whichever came first: people look, and nothing is held for it
(floor rule 1).
"""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from acts import ask, picture
from failures.test_rebuild import differences
from floor.story import (
    KEEP,
    actions,
    case_of,
    decide,
    flag,
    make_known,
    reviewers,
    switch_on_look_alike_holds,
)
from floor.story import (
    picture as shown_picture,
)
from floor.test_words import KNOWN, LINK, OTHER, proposal_on, propose, removed
from floor.test_words_beside import DISGUISED, VIDEO, found
from running import Browser, Nodes, Platform, Running
from tidegate.content import store as contents
from tidegate.content.steps import submission_of
from tidegate.db.transaction import Transaction
from tidegate.jail import Jail, JailError, Reason
from tidegate.kernel.ids import ContentId
from tidegate.match.index import Index
from tidegate.people.model import Role
from tidegate.verdict import steps as verdicts
from tidegate.verdict.model import Verdict
from tidegate.verdict.steps import Upload

INSIDE = f"{OTHER} (Come to harbour.example/Plans?part=2). {OTHER}"
WRITTEN = "来HTTP://HARBOUR.example:80/x/../%50lans?part=2#top。"
PAGE = {"accept": "text/html"}


def domain_in_force(node: Running) -> None:
    first, second = node.person(Role.POLICY_LEAD), node.person(Role.POLICY_LEAD)
    assert propose(first).status_code == 303
    wish = proposal_on(second.get("/signals", headers=PAGE).text)
    assert second.submit(f"/policy/proposals/{wish}/approve").status_code == 303
    node.work()


def only_reviewed(node: Running, platform: Platform, content: str) -> None:
    """Say that people look at it, and that a machine did nothing else."""
    (case,) = ask(node, 'SELECT state FROM "case" WHERE id = %s', case_of(node, content).value)
    assert case["state"] == "open"
    assert platform.client.get(f"/v1/content/{content}").json()["verdict"] == "review"
    assert actions(platform, content) == []


def left_up(node: Running, platform: Platform, data: bytes, people: list[Browser], **more: Any) -> str:
    """Have people look at something and leave it up."""
    content = str(platform.verdict(data, **more)["content"])
    flag(platform, content)
    assert platform.client.put(f"/v1/content/{content}/bytes", content=data).status_code == 204
    decide(node, content, people[:1], KEEP)
    return content


# --- addresses inside texts and captions ---


def test_rule_1_a_known_address_inside_a_text_or_a_caption_is_shown_to_people_and_never_held(
    node: Running, platform: Platform
) -> None:
    removed(node, platform, LINK, "link", reviewers(node))
    switch_on_look_alike_holds(node)
    for number, words in enumerate((INSIDE, WRITTEN)):
        text = platform.verdict(words.encode(), kind="text", platform_id=f"text-{number}")
        assert (text["verdict"], text["reason"], found(text)) == ("review", "look_alike", [("url", "inside")])
        span = text["matches"][0]["span"]
        assert "arbour" in words[span["start"] : span["end"]].lower()
        only_reviewed(node, platform, text["content"])
        beside = platform.verdict(picture(number), platform_id=f"caption-{number}", caption=words)
        assert (beside["verdict"], found(beside)) == ("review", [("url", "caption")])
        assert beside["matches"][0]["span"] == span
        only_reviewed(node, platform, beside["content"])
    for number, words in enumerate((OTHER, "harbour.example/plans?part=2", "see name@harbour.example", f"{LINK}&a=1")):
        other = platform.verdict(words.encode(), kind="text", platform_id=f"o-{number}", caption=words)
        assert other["verdict"] == "clear"


def test_a_known_host_inside_a_text_is_shown_to_people(node: Running, platform: Platform) -> None:
    domain_in_force(node)
    text = platform.verdict(b"Come to www.harbour.example, all of you.", kind="text", platform_id="text")
    assert (text["verdict"], found(text)) == ("review", [("domain", "inside")])
    assert platform.verdict(b"Come to old.harbour.example.", kind="text", platform_id="o")["verdict"] == "clear"


def test_texts_with_the_same_address_are_looked_at_apart(node: Running, platform: Platform) -> None:
    removed(node, platform, LINK, "link", reviewers(node))
    one = platform.verdict(INSIDE.encode(), kind="text", platform_id="one")
    other = platform.verdict(f"No to {LINK}".encode(), kind="text", platform_id="other")
    assert case_of(node, one["content"]) != case_of(node, other["content"])


def test_the_case_says_where_it_stands_and_marks_it(node: Running, platform: Platform) -> None:
    removed(node, platform, LINK, "link", reviewers(node))
    text = platform.verdict(INSIDE.encode(), kind="text", platform_id="text")
    case, person = case_of(node, text["content"]), node.person(Role.REVIEWER)
    start = INSIDE.index("harbour")
    page = " ".join(person.get(f"/cases/{case}").text.split())
    assert f"inside it: the same link, written in one way or another; characters {start} to {start + 28}" in page
    words = person.get(f"/cases/{case}/content/{text['content']}/words").text
    assert "<mark>harbour.example/Plans?part=2</mark>" in words
    assert 'href="https://harbour' not in page + words
    assert 'href="harbour' not in page + words


@pytest.mark.parametrize("where", ["text", "caption"])
def test_rule_2_more_addresses_than_are_read_are_never_clear(platform: Platform, where: str) -> None:
    words = " ".join(f"p{number}.example" for number in range(1001))
    answer = (
        platform.verdict(words.encode(), kind="text", platform_id="many")
        if where == "text"
        else platform.verdict(picture(1), platform_id="many", caption=words)
    )
    assert (answer["verdict"], answer["reason"]) == ("unchecked", "too_large")
    life = platform.client.get(f"/v1/content/{answer['content']}").json()
    assert life["words_unchecked"] == (None if where == "text" else "too_large")


# --- looking back ---

PAST = {
    "a text in a caption": (KNOWN, "text", {"caption": DISGUISED}),
    "an address in a caption": (LINK, "link", {"caption": WRITTEN}),
    "an address in the link field": (LINK, "link", {"link": LINK.replace("https", "http")}),
    "an address in a text": (LINK, "link", {}),
}


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("what", PAST)
def test_what_becomes_known_is_found_in_and_around_what_was_posted_before(
    node: Running, platform: Platform, what: str, recorded: bool
) -> None:
    known, kind, words = PAST[what]
    data, mine = (picture(1), "picture") if words else (INSIDE.encode(), "text")
    switch_on_look_alike_holds(node)
    earlier = platform.verdict(data, kind=mine, platform_id="earlier", uploader="e", **words)
    other = platform.verdict(picture(2), platform_id="other", uploader="o", caption=OTHER, link="https://a.example/")
    assert (earlier["verdict"], other["verdict"]) == ("clear", "clear")
    if recorded:
        flag(platform, earlier["content"])
    removed(node, platform, known, kind, reviewers(node))
    only_reviewed(node, platform, earlier["content"])
    assert platform.client.get(f"/v1/content/{other['content']}").json()["verdict"] == "clear"
    assert differences(node) == {}


def test_a_new_host_is_found_in_and_around_what_was_posted_before(node: Running, platform: Platform) -> None:
    data: tuple[tuple[str, bytes, dict[str, str]], ...] = (
        ("text", INSIDE.encode(), {}),
        ("picture", picture(1), {"caption": INSIDE}),
        ("picture", picture(2), {"link": LINK}),
    )
    earlier = [
        platform.verdict(each, kind=kind, platform_id=f"e-{number}", **more)
        for number, (kind, each, more) in enumerate(data)
    ]
    assert {answer["verdict"] for answer in earlier} == {"clear"}
    domain_in_force(node)
    for answer in earlier:
        only_reviewed(node, platform, answer["content"])


def test_a_clear_picture_sent_again_with_other_words_is_found_by_those(node: Running, platform: Platform) -> None:
    answers = [
        platform.verdict(picture(1), platform_id="same", uploader="u", caption=caption)
        for caption in (OTHER, KNOWN, KNOWN)
    ]
    answer = answers[0]
    assert {(each["verdict"], each["revision"], each["content"]) for each in answers} == {
        ("clear", 1, answer["content"])
    }
    assert ask(node, "SELECT count(*) AS n FROM clear_upload WHERE kind = 'picture'")[0]["n"] == 1
    removed(node, platform, KNOWN, "text", reviewers(node))
    only_reviewed(node, platform, answer["content"])
    page = node.person(Role.REVIEWER).get(f"/cases/{case_of(node, answer['content'])}").text
    assert "plank by plank" in page


def test_words_that_changed_are_found_and_those_before_are_not(node: Running, platform: Platform) -> None:
    changed = left_up(node, platform, picture(1), reviewers(node), platform_id="changed", caption=KNOWN)
    flag(platform, changed)
    asked = "SELECT words, caption_sketch, leads_to FROM content WHERE id = %s"
    assert platform.client.patch(f"/v1/content/{changed}", json={"caption": INSIDE}).status_code == 200
    kept = ask(node, asked, ContentId.parse(changed).value)
    assert (kept[0]["words"], len(kept[0]["leads_to"])) == ("whole", 2)
    assert differences(node) == {}
    assert platform.client.patch(f"/v1/content/{changed}", json={"caption": ""}).status_code == 200
    kept = ask(node, asked, ContentId.parse(changed).value)
    assert tuple(kept[0].values()) == ("whole", None, None)
    assert differences(node) == {}


def test_what_was_kept_of_words_goes_when_a_content_is_erased(node: Running, platform: Platform) -> None:
    content = left_up(
        node, platform, picture(1), reviewers(node), platform_id="p", caption=f"{KNOWN} {LINK}", link=LINK
    )
    kept = "SELECT caption_sketch, leads_to FROM content WHERE id = %s"
    assert all(ask(node, kept, ContentId.parse(content).value)[0].values())
    node.clock.forward(days=500)
    for _ in range(3):
        node.work()
    assert list(ask(node, kept, ContentId.parse(content).value)[0].values()) == [None, None]
    assert differences(node) == {}


# --- words that could not be read when they came ---


def break_engine(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break a part of the engine until it is undone."""
    if which == "index":
        monkeypatch.setattr(Index, "ready", property(lambda _self: False))
        return

    async def down(_self: Jail, *_request: Any, **_more: Any) -> bytes:
        raise JailError(Reason.ENGINE_DOWN)

    monkeypatch.setattr(Jail, "run", down)
    monkeypatch.setattr(Jail, "read", down)


@pytest.mark.parametrize("which", ["jail", "index"])
@pytest.mark.parametrize("change", [{"caption": DISGUISED}, {"link": LINK}, {"caption": WRITTEN}])
def test_rule_2_words_that_cannot_be_read_now_are_read_later_without_being_sent_again(
    node: Running, platform: Platform, change: dict[str, str], which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = reviewers(node)
    of_text = DISGUISED in change.values()
    removed(node, platform, KNOWN if of_text else LINK, "text" if of_text else "link", people)
    content = left_up(node, platform, picture(4), people, platform_id="edited", uploader="u")
    break_engine(which, monkeypatch)
    said = platform.client.patch(f"/v1/content/{content}", json=change)
    assert (said.status_code, said.json()["words_unchecked"]) == (202, "engine_down")
    assert said.json()["verdict"] == "clear"
    node.work()
    again = platform.client.get(f"/v1/content/{content}").json()
    assert (again["verdict"], again["words_unchecked"]) == ("clear", "engine_down")
    assert differences(node) == {}
    monkeypatch.undo()
    node.clock.forward(seconds=6)
    node.work()
    assert platform.client.get(f"/v1/content/{content}").json()["words_unchecked"] is None
    only_reviewed(node, platform, content)
    assert differences(node) == {}
    given = ask(node, "SELECT count(*) AS n FROM event WHERE kind = 'verdict.given'")
    node.clock.forward(seconds=60)
    node.work()
    assert ask(node, "SELECT count(*) AS n FROM event WHERE kind = 'verdict.given'") == given


def test_rule_2_what_could_not_be_checked_is_checked_whole_whatever_its_words_are(
    node: Running, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed(node, platform, LINK, "link", reviewers(node))
    break_engine("jail", monkeypatch)
    answer = platform.verdict(picture(5), platform_id="p", uploader="u", caption=OTHER)
    assert (answer["verdict"], answer["reason"]) == ("unchecked", "engine_down")
    monkeypatch.undo()
    # An edit comes before it is tried again.
    said = platform.client.patch(f"/v1/content/{answer['content']}", json={"caption": WRITTEN})
    assert (said.status_code, said.json()["verdict"]) == (202, "unchecked")
    node.clock.forward(seconds=6)
    node.work()
    only_reviewed(node, platform, answer["content"])
    kept = ask(
        node, "SELECT length(pdq) AS n, words FROM content WHERE id = %s", ContentId.parse(answer["content"]).value
    )
    assert (kept[0]["n"] > 0, kept[0]["words"]) == (True, "whole")
    assert differences(node) == {}


def test_rule_2_what_turns_out_to_be_no_picture_says_so_and_its_words_are_read(
    node: Running, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_engine("jail", monkeypatch)
    answer = platform.verdict(b"no picture", platform_id="p", caption=OTHER)
    monkeypatch.undo()
    node.clock.forward(seconds=6)
    node.work()
    life = platform.client.get(f"/v1/content/{answer['content']}").json()
    assert (life["verdict"], life["reason"], life["words_unchecked"]) == ("unchecked", "undecodable", None)


def test_looking_back_waits_for_words_that_cannot_be_read_just_then(
    node: Running, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = reviewers(node)
    earlier = platform.verdict(picture(1), platform_id="earlier", uploader="e", caption=WRITTEN)
    link = str(platform.verdict(LINK.encode(), kind="link", platform_id="first", uploader="author")["content"])
    flag(platform, link)
    assert platform.client.put(f"/v1/content/{link}/bytes", content=LINK.encode()).status_code == 204
    break_engine("jail", monkeypatch)
    decide(node, link, people)
    node.work()
    monkeypatch.undo()
    assert platform.client.get(f"/v1/content/{earlier['content']}").json()["verdict"] == "clear"
    deadline = time.monotonic() + 20
    while platform.client.get(f"/v1/content/{earlier['content']}").json()["verdict"] == "clear":
        assert time.monotonic() < deadline
        node.work()
        time.sleep(0.1)
    only_reviewed(node, platform, earlier["content"])


def test_rule_2_looking_back_makes_nothing_clear_that_was_not_checked(node: Running, platform: Platform) -> None:
    content = ContentId.parse(platform.verdict(b"no picture", platform_id="p")["content"])

    async def back(tx: Transaction) -> Verdict | None:
        loaded = await contents.load(tx, content)
        assert loaded is not None
        assert loaded.fingerprints is not None
        submission = await submission_of(tx, loaded)
        assert submission is not None
        upload = Upload(
            submission=submission,
            fingerprints=loaded.fingerprints,
            unchecked=None,
            matches=(),
            position=0,
            data=None,
            looking_back=True,
        )
        return await verdicts.look_back(tx, content, upload, node.node.settings.hold_policy)

    assert node.do(back) is None
    assert platform.client.get(f"/v1/content/{content}").json()["verdict"] == "unchecked"


# --- the same bytes again ---


@pytest.mark.parametrize("same_id", [True, False])
@pytest.mark.parametrize("words", [{"caption": DISGUISED}, {"link": LINK}])
def test_known_words_beside_what_people_left_up_are_shown_to_people(
    node: Running, platform: Platform, words: dict[str, str], same_id: bool
) -> None:
    people = reviewers(node)
    known, kind = (KNOWN, "text") if "caption" in words else (LINK, "link")
    removed(node, platform, known, kind, people)
    switch_on_look_alike_holds(node)
    data = shown_picture(7)
    first = left_up(node, platform, data, people, platform_id="first", uploader="u")
    identity = "first" if same_id else "second"
    answer = platform.verdict(data, platform_id=identity, uploader="u", **words)
    assert (answer["content"] == first) is same_id
    assert (answer["verdict"], [where for _, where in found(answer)]) == ("review", list(words))
    only_reviewed(node, platform, answer["content"])
    page = node.person(Role.REVIEWER).get(f"/cases/{case_of(node, answer['content'])}").text
    assert next(iter(words.values()))[:40].split(" ")[0] in page
    # Sent once more it is no other case, and people who leave it up again are not asked again.
    given = ask(node, "SELECT count(*) AS n FROM event WHERE kind = 'verdict.given'")
    assert platform.verdict(data, platform_id=identity, uploader="u", **words)["verdict"] == "review"
    decide(node, answer["content"], people[:1], KEEP)
    platform.verdict(data, platform_id=identity, uploader="u", **words)
    assert ask(node, "SELECT count(*) AS n FROM event WHERE kind = 'verdict.given'") == given
    assert differences(node) == {}


def test_other_known_words_beside_what_people_left_up_are_shown_to_people_too(
    node: Running, platform: Platform
) -> None:
    people = reviewers(node)
    removed(node, platform, KNOWN, "text", people)
    domain_in_force(node)
    data = shown_picture(7)
    first = platform.verdict(data, platform_id="same", uploader="u", caption=KNOWN)
    decide(node, first["content"], people[:1], KEEP)
    again = platform.verdict(data, platform_id="same", uploader="u", caption=KNOWN)
    assert again["case"] is None
    other = platform.verdict(data, platform_id="same", uploader="u", caption=KNOWN, link=LINK)
    assert set(found(other)) == {("text", "caption"), ("domain", "link")}
    assert other["case"] is not None
    only_reviewed(node, platform, other["content"])


def test_rule_6_known_words_give_back_nothing_that_is_removed_or_held(node: Running, platform: Platform) -> None:
    people = reviewers(node)
    removed(node, platform, KNOWN, "text", people)
    data = shown_picture(8)
    content = make_known(node, platform, data, people)
    before = actions(platform, content)
    known = ask(node, "SELECT count(*) AS n FROM event WHERE kind = 'enforcement.instructed'")
    life = platform.client.get(f"/v1/content/{content}").json()
    assert life["restriction"] == "removed"
    platform.client.patch(f"/v1/content/{content}", json={"caption": KNOWN})
    assert platform.client.get(f"/v1/content/{content}").json()["restriction"] == "removed"
    assert actions(platform, content) == before
    assert ask(node, "SELECT count(*) AS n FROM event WHERE kind = 'enforcement.instructed'") == known
    held = platform.verdict(data, platform_id="held", uploader="h")
    assert held["verdict"] == "hold"
    given = ask(node, "SELECT count(*) AS n FROM event WHERE kind = 'verdict.given'")
    again = platform.verdict(data, platform_id="held", uploader="h", caption=KNOWN)
    assert (again["verdict"], again["expires_at"]) == ("hold", held["expires_at"])
    platform.client.patch(f"/v1/content/{held['content']}", json={"caption": f"{KNOWN} again", "link": LINK})
    assert ask(node, "SELECT count(*) AS n FROM event WHERE kind = 'verdict.given'") == given
    assert platform.client.get(f"/v1/content/{held['content']}").json()["held_until"] == held["expires_at"]
    assert actions(platform, held["content"]) == ["hold"]


def test_words_changed_from_all_sides_at_once_end_as_some_of_them(node: Running, platform: Platform) -> None:
    people = reviewers(node)
    removed(node, platform, KNOWN, "text", people)
    data = picture(3)
    content = left_up(node, platform, data, people, platform_id="p", uploader="u")

    def change(number: int) -> int:
        words = f"{KNOWN} {number}"
        if number % 2:
            said = platform.client.patch(f"/v1/content/{content}", json={"caption": words})
        else:
            said = platform.upload(data, platform_id="p", uploader="u", caption=words)
        return said.status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(change, range(18))) <= {200, 202}
    node.clock.forward(seconds=6)
    node.work()
    assert platform.client.get(f"/v1/content/{content}").json()["words_unchecked"] is None
    only_reviewed(node, platform, content)
    assert differences(node) == {}


def test_a_video_sent_again_while_it_is_checked_is_judged_with_its_newest_words(nodes: Nodes) -> None:
    node = nodes.start(video_patience_seconds=0.0)
    platform = node.platform()
    removed(node, platform, KNOWN, "text", reviewers(node))
    first = platform.upload(VIDEO, kind="video", platform_id="film", caption=OTHER)
    again = platform.upload(VIDEO, kind="video", platform_id="film", caption=KNOWN)
    assert (first.status_code, again.status_code) == (202, 202)
    node.work()
    assert platform.client.get(again.json()["link"]).json()["verdict"] == "review"
