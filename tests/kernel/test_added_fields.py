"""An event written by an older release reads back: what it did not write has its default."""

from dataclasses import replace

import made
from benchmarks.made_signals import confirmed_signal
from tidegate.content.model import LookKind
from tidegate.kernel.event import decode, encode
from tidegate.kernel.ids import ContentId
from tidegate.match.model import Span
from tidegate.signal.model import FingerprintKind
from tidegate.verdict.model import Reason, VerdictGiven, VerdictKind

GIVEN = VerdictGiven(
    content=made.number(ContentId, 1),
    revision=1,
    verdict=VerdictKind.REVIEW,
    reason=Reason.LOOK_ALIKE,
    position=3,
    matches=(made.match_with(confirmed_signal(1, FingerprintKind.PDQ), 7),),
    held_until=None,
    for_people=True,
)


def test_what_an_older_release_did_not_write_has_its_default() -> None:
    data = encode(GIVEN)
    assert isinstance(data, dict)
    for field in ("look", "second_distance", "span"):
        del data["matches"][0][field]
    assert decode(GIVEN.kind, data) == GIVEN


def test_what_this_release_writes_reads_back() -> None:
    match = replace(
        GIVEN.matches[0],
        look=LookKind.WITHOUT_BORDER,
        second_distance=40,
        span=Span(start=0, end=20_000, known_start=4_000, known_end=24_000),
    )
    given = replace(GIVEN, matches=(match,))
    assert decode(given.kind, encode(given)) == given
