"""The index finds every signal within the radius and no other, whatever was added, changed and withdrawn."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

import made
from benchmarks.made_signals import confirmed_signal
from tidegate.content.model import Fingerprints, Look
from tidegate.fingerprint.model import Rotation
from tidegate.kernel.ids import SignalId
from tidegate.match.index import Index, compare
from tidegate.match.model import PDQ_RADIUS, QUALITY_FLOOR, Match
from tidegate.match.values.hamming import distances, words
from tidegate.signal.model import FingerprintKind, Signal, Standing


def bits_apart(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def flipped(value: bytes, places: set[int]) -> bytes:
    changed = int.from_bytes(value)
    for place in places:
        changed ^= 1 << place
    return changed.to_bytes(32)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Signal], list[Fingerprints], list[int]]:
    """Changes of a few signals by position, queries near to them, and where the index is brought forward."""
    centres = draw(st.lists(made.values, min_size=1, max_size=3))
    places = st.sets(st.integers(0, 255), max_size=40)
    signals = []
    for which in range(1, 1 + draw(st.integers(1, 6))):
        signal = draw(made.signals(which))
        signals.append(replace(signal, value=flipped(draw(st.sampled_from(centres)), draw(places))))
    changes = []
    for position in range(1, 1 + draw(st.integers(1, 12))):
        signal = draw(st.sampled_from(signals))
        changes.append(replace(signal, standing=draw(st.sampled_from(Standing)), position=position))
    near = st.builds(flipped, st.sampled_from(centres), places)
    queries = [
        Fingerprints(
            sha256=draw(st.sampled_from(signals)).value,
            looks=tuple(
                Look(
                    pdq=tuple(draw(st.lists(near, min_size=0, max_size=8))),
                    quality=draw(st.sampled_from([0, QUALITY_FLOOR - 1, QUALITY_FLOOR, 100])),
                )
                for _ in range(draw(st.integers(0, 2)))
            ),
        )
        for _ in range(3)
    ]
    cuts = draw(st.lists(st.integers(0, len(changes)), max_size=4))
    return changes, queries, sorted({*cuts, len(changes)})


def by_hand(changes: list[Signal], query: Fingerprints) -> dict[SignalId, tuple[int, bool]]:
    """Look at every signal as it stood last."""
    last = {signal.id: signal for signal in changes}
    found: dict[SignalId, tuple[int, bool]] = {}
    exact = [
        signal
        for signal in last.values()
        if signal.kind is FingerprintKind.SHA256
        and signal.standing is not Standing.WITHDRAWN
        and signal.value == query.sha256
    ]
    if exact:
        # Values are unique in the database; here the newest stands for all.
        found[max(exact, key=lambda signal: signal.position).id] = (0, True)
    for signal in last.values():
        if signal.kind is FingerprintKind.PDQ and signal.standing is not Standing.WITHDRAWN:
            apart = [
                bits_apart(signal.value, value)
                for look in query.looks
                if look.quality >= QUALITY_FLOOR
                for value in look.pdq
            ]
            if apart and min(apart) <= PDQ_RADIUS:
                found[signal.id] = (min(apart), False)
    return found


def told(matches: list[Match]) -> dict[SignalId, tuple[int, bool]]:
    assert len({match.signal for match in matches}) == len(matches), "a signal counts once"
    return {match.signal: (match.distance, match.exact) for match in matches}


@settings(deadline=None)  # the first search loads kernels
@given(histories())
def test_it_finds_what_a_look_at_every_signal_finds(
    history: tuple[list[Signal], list[Fingerprints], list[int]],
) -> None:
    changes, queries, cuts = history
    index, before = Index(), 0
    for cut in cuts:
        # One read of the database gives each signal once, at its newest position.
        newest = {signal.id: signal for signal in changes[before:cut]}
        index.bring_forward(sorted(newest.values(), key=lambda signal: signal.position))
        before = cut
        assert index.position == (changes[cut - 1].position if cut else 0)
    for query in queries:
        matches, position = index.search(query)
        assert position == changes[-1].position
        assert told(matches) == by_hand(changes, query)
        assert [match.exact for match in matches] == sorted((match.exact for match in matches), reverse=True)
        alike = [match.distance for match in matches if not match.exact]
        assert alike == sorted(alike), "nearest first"


@settings(deadline=None)
@given(histories())
def test_comparing_with_a_few_signals_is_the_same(
    history: tuple[list[Signal], list[Fingerprints], list[int]],
) -> None:
    changes, queries, _ = history
    last = {signal.id: signal for signal in changes}
    for query in queries:
        assert told(compare(query, list(last.values()))) == by_hand(changes, query)


@given(made.values, st.integers(0, 7), st.sets(st.integers(0, 255), max_size=PDQ_RADIUS))
def test_the_rotation_that_was_nearest_is_named(value: bytes, turn: int, places: set[int]) -> None:
    far = flipped(value, set(range(128)))
    variants = [far] * 8
    variants[turn] = flipped(value, places)
    signal = replace(_signal(), value=value)
    (match,) = compare(Fingerprints(sha256=bytes(32), looks=(Look(pdq=tuple(variants), quality=100),)), [signal])
    assert match.rotation is list(Rotation)[turn]
    assert match.distance == len(places)
    assert match.threshold == PDQ_RADIUS


@given(st.lists(made.values, min_size=1, max_size=20), made.values)
def test_distances_are_counted_bit_by_bit(entries: list[bytes], query: bytes) -> None:
    counted = distances(words(entries), words([query])[0]).tolist()
    assert counted == [bits_apart(entry, query) for entry in entries]


def test_an_empty_index_finds_nothing() -> None:
    index = Index()
    index.bring_forward([])
    assert index.search(Fingerprints(sha256=bytes(32), looks=(Look(pdq=(bytes(32),) * 8, quality=100),))) == ([], 0)


def _signal() -> Signal:
    return confirmed_signal(1, FingerprintKind.PDQ)
