"""Links: the same address, or its very host, and nothing else."""

from dataclasses import replace
from uuid import UUID

import pytest

from benchmarks.made_signals import confirmed_signal
from tidegate.content.model import Fingerprints
from tidegate.fingerprint.words.link import Written, digests_of, domain_of
from tidegate.fingerprint.words.text import read_text
from tidegate.kernel.ids import SignalId
from tidegate.match.model import Where
from tidegate.match.words.links import Links
from tidegate.signal.model import FingerprintKind, Provenance, Signal, Standing
from tidegate.signal.rules import proposes

ADDRESS = replace(
    confirmed_signal(1, FingerprintKind.URL, b"https://bridge.example/a"),
    standing=Standing.UNCONFIRMED,
    own_people=False,
)
NOTHING = Fingerprints(sha256=b"")
DOMAIN = replace(ADDRESS, id=SignalId(UUID(int=2)), kind=FingerprintKind.DOMAIN, value=b"bridge.example")
IN_FORCE = replace(DOMAIN, standing=Standing.CONFIRMED, own_people=True)


def found(part: Links, address: str) -> list[FingerprintKind]:
    asked = Fingerprints(sha256=b"", address=address, host=domain_of(address))
    return [match.fingerprint_kind for match in part.search(asked, None)]


def test_an_address_is_found_and_its_neighbours_are_not() -> None:
    part = Links()
    part.bring_forward([ADDRESS])
    assert found(part, "https://bridge.example/a") == [FingerprintKind.URL]
    for other in ("https://bridge.example/A", "https://bridge.example/a/", "https://bridge.example/", "tg://a", ""):
        assert found(part, other) == []
    part.bring_forward([replace(ADDRESS, standing=Standing.WITHDRAWN)])
    assert found(part, "https://bridge.example/a") == []


def test_a_domain_is_its_host_and_nothing_above_or_below() -> None:
    part = Links()
    part.bring_forward([IN_FORCE, ADDRESS])
    assert found(part, "https://bridge.example/a") == [FingerprintKind.URL, FingerprintKind.DOMAIN]
    for same in ("https://www.bridge.example/", "https://bridge.example:8080/b", "ftp://bridge.example/"):
        assert found(part, same) == [FingerprintKind.DOMAIN]
    for other in ("https://old.bridge.example/", "https://example/", "https://bridge.example.museum.example/"):
        assert found(part, other) == []


def test_what_a_text_leads_to_is_found_where_it_stands_and_by_digests_when_it_is_gone() -> None:
    part = Links()
    part.bring_forward([IN_FORCE, ADDRESS])
    inside = (
        Written("https://bridge.example/b", 3, 10),
        Written("https://bridge.example/a", 20, 30),
        Written("https://other.example/", 40, 50),
    )
    matches = part.search(NOTHING, replace(read_text("letters"), addresses=inside))
    assert {(match.signal, match.where, match.span and (match.span.start, match.span.end)) for match in matches} == {
        (DOMAIN.id, Where.INSIDE, (3, 10)),
        (ADDRESS.id, Where.INSIDE, (20, 30)),
    }
    remembered = Fingerprints(sha256=b"", leads_to=digests_of(written.address for written in inside))
    matches = part.search(remembered, None)
    assert {(match.signal, match.fingerprint_kind, match.where, match.span) for match in matches} == {
        (DOMAIN.id, FingerprintKind.DOMAIN, Where.INSIDE, None),
        (ADDRESS.id, FingerprintKind.URL, Where.INSIDE, None),
    }
    part.bring_forward([replace(IN_FORCE, standing=Standing.WITHDRAWN), replace(ADDRESS, standing=Standing.WITHDRAWN)])
    assert part.search(remembered, None) == []


@pytest.mark.parametrize(
    "standing",
    [
        DOMAIN,
        # What two other members agree on stands in for our people's word elsewhere, and not here.
        replace(DOMAIN, standing=Standing.CONFIRMED, members=5),
        replace(DOMAIN, provenance=Provenance.IMPORT, members=5),
        replace(IN_FORCE, standing=Standing.WITHDRAWN),
    ],
)
def test_a_domain_that_two_of_ours_did_not_put_in_force_matches_nothing(standing: Signal) -> None:
    assert not proposes(standing)
    part = Links()
    part.bring_forward([IN_FORCE])
    part.bring_forward([standing])
    assert found(part, "https://bridge.example/") == []
