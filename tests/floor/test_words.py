"""Texts and links over HTTP: found however they are written, shown to people, and held for their very bytes alone."""

import pytest

from floor.story import (
    decide,
    flag,
    known_signals,
    reviewers,
)
from running import Platform, Running
from tidegate.signal.model import FingerprintKind

KNOWN = (
    "The bridge over the old harbour was built by hand in a single summer, plank by plank, by people who had never "
    "built anything before. Every rope was counted twice, every nail was paid for by somebody in town, and on the last "
    "evening the whole street carried its chairs to the middle of the bridge and sat there until it was dark."
)
OTHER = (
    "Yesterday the council spoke for three hours about parking places behind the library, and about who may sweep "
    "leaves there in autumn. Nobody agreed with anybody, the minutes will be published on Friday, and the coffee was "
    "cold again, as it has been at every meeting since the machine was given away."
)


@pytest.fixture
def platform(node: Running) -> Platform:
    return node.platform()


@pytest.fixture
def known_text(node: Running, platform: Platform) -> Platform:
    """A platform on which people removed a text, which is known from then on."""
    content = str(platform.verdict(KNOWN.encode(), kind="text", platform_id="first", uploader="author")["content"])
    # Clear uploads are kept nowhere: the platform sends the bytes once someone reported it.
    flag(platform, content)
    sent = platform.client.put(f"/v1/content/{content}/bytes", content=KNOWN.encode())
    assert sent.status_code == 204, sent.text
    decide(node, content, reviewers(node))
    node.work()
    assert {signal.kind for signal in known_signals(node)} == {FingerprintKind.SHA256, FingerprintKind.TEXT}
    return platform


def test_the_same_bytes_are_held_and_the_same_words_are_looked_at(known_text: Platform) -> None:
    held = known_text.verdict(KNOWN.encode(), kind="text", platform_id="again", uploader="second")
    assert (held["verdict"], held["reason"]) == ("hold", "decided_before")
    written = KNOWN.upper().replace("O", "\u041e").replace(" ", " \u200b")
    alike = known_text.verdict(written.encode(), kind="text", platform_id="alike", uploader="third")
    assert (alike["verdict"], alike["reason"]) == ("review", "look_alike")
    assert [match["kind"] for match in alike["matches"]] == ["text"]
    assert alike["matches"][0]["distance"] == 0
    other = known_text.verdict(OTHER.encode(), kind="text", platform_id="other", uploader="fourth")
    assert other["verdict"] == "clear"
