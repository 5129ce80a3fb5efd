"""How near a match is, in the words of its kind."""

from typing import Any

import pytest
from jinja2 import Template

import made
from benchmarks.made_signals import confirmed_signal
from tidegate.console.pages import environment
from tidegate.content.model import LookKind
from tidegate.fingerprint.picture.second import SECOND_RADIUS
from tidegate.match.model import Match, Span
from tidegate.signal.model import FingerprintKind


def said(match: Match, macro: str = "nearness") -> str:
    template: Template = environment("en").from_string(
        f'{{% from "staff/case/nearness.html" import {macro} with context %}}{{{{ {macro}(match)|trim }}}}'
    )
    return " ".join(template.render(match=match).split())


def match_of(kind: FingerprintKind, distance: int, threshold: int, **more: Any) -> Match:
    signal = confirmed_signal(1, kind)
    return Match(
        signal=signal.id,
        fingerprint_kind=kind,
        distance=distance,
        threshold=threshold,
        rotation=made.match_with(signal).rotation,
        **more,
    )


PART = Span(start=65_000, end=85_000, known_start=0, known_end=20_000)


@pytest.mark.parametrize(
    ("match", "words"),
    [
        (match_of(FingerprintKind.SHA256, 0, 0), "exactly the same bytes"),
        (match_of(FingerprintKind.PDQ, 7, 31), "look-alike: 7 of 31 bits apart, as it is"),
        (
            match_of(FingerprintKind.PDQ, 7, 31, look=LookKind.WITHOUT_BORDER),
            "look-alike: 7 of 31 bits apart, as it is, without its border",
        ),
        (
            match_of(FingerprintKind.PDQ, 7, 31, second_distance=SECOND_RADIUS + 1),
            ("look-alike: 7 of 31 bits apart, as it is; a second hash of another kind says that it is another picture"),
        ),
        (
            match_of(FingerprintKind.PDQ, 7, 31, second_distance=SECOND_RADIUS),
            "look-alike: 7 of 31 bits apart, as it is",
        ),
        (
            match_of(FingerprintKind.VIDEO, 9, 31, span=PART),
            "look-alike: its frames are 9 of 31 bits apart; 1:05 to 1:25 here are 0:00 to 0:20 of the known video",
        ),
        (
            match_of(FingerprintKind.TEXT, 12, 100, span=Span(start=3, end=90, known_start=0, known_end=1087)),
            (
                "alike words: 1.2% of the characters differ, at most 10.0% may; "
                "characters 3 to 90 here are 0 to 1,087 of the known text"
            ),
        ),
        (match_of(FingerprintKind.URL, 0, 0), "the same link, written in one way or another"),
        (match_of(FingerprintKind.DOMAIN, 0, 0), "a link to a known host"),
    ],
)
def test_each_kind_has_its_words(match: Match, words: str) -> None:
    assert said(match) == words
    assert said(match, "nearness_badge")
