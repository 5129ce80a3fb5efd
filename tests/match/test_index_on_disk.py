"""The index on disk against a look at every signal: changes, builds, merges, restarts, and stops between any two files.

Two indexes follow one database and one folder, each when it pleases; a third party builds, and may be stopped at any
operation on a file. Whatever happened, an index that has followed finds exactly what there is.
"""

import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from numpy.typing import NDArray

import made
from benchmarks.made_signals import confirmed_signal
from tidegate.content.model import Fingerprints, Look
from tidegate.kernel.ids import SignalId
from tidegate.match.index import Index, IndexDown
from tidegate.match.model import PDQ_RADIUS
from tidegate.match.values import building, hamming
from tidegate.match.values import manifest as manifests
from tidegate.match.values.building import Changed, signals_from
from tidegate.match.values.files import File, Folder
from tidegate.match.values.manifest import Manifest
from tidegate.signal.model import FingerprintKind, Signal, Standing
from tidegate.signal.rules import proposes, strength

KEPT = (FingerprintKind.SHA256, FingerprintKind.PDQ)
SIGNALS = 9


class Stopped(Exception):
    """The machine stopped."""


class StoppingFolder(Folder):
    """A folder that stops before an operation; what was not made durable by then is lost in part."""

    def __init__(self, path: Path, steps: int) -> None:
        super().__init__(path)
        self._left = steps
        self._unfinished: set[str] = set()

    def _step(self) -> None:
        self._left -= 1
        if self._left < 0:
            for name in self._unfinished:
                size = (self.path / name).stat().st_size
                with (self.path / name).open("r+b") as file:
                    file.truncate(size // 2)
            raise Stopped

    def create(self, name: str, shape: tuple[int, ...], kind: Any) -> NDArray[Any]:
        self._step()
        self._unfinished.add(name)
        (self.path / name).touch()
        # Not mapped: a mapped array outlives its file and would be written to after the stop.
        return np.zeros(shape, dtype=kind)

    def finish(self, name: str, array: NDArray[Any]) -> File:
        np.save(self.path / name, array)
        self._step()
        self._unfinished.remove(name)
        return self.measure(name)

    def write(self, name: str, data: bytes) -> None:
        self._step()
        (self.path / "half.new").write_bytes(data[: len(data) // 2])
        self._step()
        super().write(name, data)

    def rename(self, name: str, other: str) -> None:
        self._step()
        super().rename(name, other)

    def make_durable(self) -> None:
        self._step()
        super().make_durable()

    def remove(self, name: str) -> None:
        self._step()
        super().remove(name)


def _changed(value: bytes, bits: list[int]) -> bytes:
    number = int.from_bytes(value)
    for bit in bits:
        number ^= 1 << bit
    return number.to_bytes(32)


CENTRES = [bytes([17 * (centre + 1) % 256]) * 32 for centre in range(2)]


def signal_with(which: int) -> Signal:
    """Make a signal with a value of its own, near one of few centres."""
    kind = (FingerprintKind.PDQ, FingerprintKind.PDQ, FingerprintKind.SHA256)[which % 3]
    generator = np.random.default_rng(which)
    bits = generator.choice(256, which % 40, replace=False).tolist()
    value = _changed(CENTRES[which % 2], [*bits, 255 - which])
    signal = confirmed_signal(which + 1, kind, value)
    return replace(signal, standing=Standing.UNCONFIRMED, decision=None, position=0)


class Disk(RuleBasedStateMachine):
    """The database is a dictionary: each signal as it stands, with the position of its latest change."""

    @initialize()
    def begin(self) -> None:
        self.place = tempfile.TemporaryDirectory()
        self.path = Path(self.place.name)
        self.database: dict[SignalId, Signal] = {}
        self.position = 0
        self.indexes = [Index(self.path), Index(self.path)]

    def teardown(self) -> None:
        self.place.cleanup()

    @rule(
        changes=st.lists(
            st.tuples(st.integers(0, SIGNALS - 1), st.sampled_from(Standing)), min_size=1, max_size=SIGNALS
        )
    )
    def change(self, changes: list[tuple[int, Standing]]) -> None:
        for which, standing in changes:
            known = self.database.get(made.number(SignalId, which + 1)) or signal_with(which)
            self.position += 1
            self.database[known.id] = replace(known, standing=standing, position=self.position)

    @rule(process=st.integers(0, 1))
    def follow(self, process: int) -> None:
        index = self.indexes[process]
        if index.outdated:
            index.take_up()
        assert not index.damaged, "no stop damages anything"
        while changed := self._after(index.position, index.kept_to)[:3]:
            index.bring_forward(changed)
        index.reached(self.position)
        assert index.position == self.position
        self.search(process, [])

    @rule(process=st.integers(0, 1))
    def restart(self, process: int) -> None:
        self.indexes[process] = Index(self.path)

    @rule(behind=st.integers(0, 5))
    def build(self, behind: int) -> None:
        self._build(Folder(self.path), behind)

    @rule(steps=st.integers(0, 40))
    def build_and_stop(self, steps: int) -> None:
        with suppress(Stopped):  # what is left must be whole: see the invariant
            self._build(StoppingFolder(self.path, steps), 0)

    @rule(process=st.integers(0, 1), bits=st.lists(st.integers(0, 255), max_size=3))
    def search(self, process: int, bits: list[int]) -> None:
        index = self.indexes[process]
        for which in range(SIGNALS):
            asked = _changed(signal_with(which).value, bits)
            try:
                matches, position = index.search(_asking(asked))
            except IndexDown:
                assert index.behind, "only before it followed for the first time"
                return
            # As the verdict does: what changed after the position is compared again, and nothing else may be wrong.
            told = {match.signal: match.distance for match in matches}
            told = {signal: distance for signal, distance in told.items() if self.database[signal].position <= position}
            assert told == self._by_hand(asked, position)

    @invariant()
    def the_manifest_names_whole_files(self) -> None:
        if not hasattr(self, "path"):
            return
        manifest = manifests.read(Folder(self.path))
        for file in manifest.files if manifest else ():
            assert Folder(self.path).measure(file.name) == file

    def _by_hand(self, asked: bytes, position: int) -> dict[SignalId, int]:
        found = {}
        for signal in self.database.values():
            apart = (int.from_bytes(signal.value) ^ int.from_bytes(asked)).bit_count()
            most = 0 if signal.kind is FingerprintKind.SHA256 else PDQ_RADIUS
            if proposes(signal) and apart <= most and signal.position <= position:
                found[signal.id] = apart
        return found

    def _after(self, position: int, kept_to: int) -> list[Signal]:
        newer = [
            signal
            for signal in self.database.values()
            if signal.position > position and (signal.position > kept_to or signal.kind not in KEPT)
        ]
        return sorted(newer, key=lambda signal: signal.position)

    def _build(self, folder: Folder, behind: int) -> None:
        """Build up to a position others may be past already: what changed after it is not read."""
        before = manifests.read(folder) or Manifest()
        up_to = max(before.position, self.position - behind)
        changed = {}
        for kind in KEPT:
            changes = [signal for signal in self._after(before.position, 0) if signal.position <= up_to]
            mine = [signal for signal in changes if signal.kind is kind]
            living = [signal for signal in mine if proposes(signal)]
            changed[kind] = Changed(_signals(living), _signals(mine))
        building.build(folder, before, changed, Manifest(position=up_to))


def _asking(value: bytes) -> Fingerprints:
    return Fingerprints(sha256=value, looks=(Look(pdq=(value,), quality=100),), quality=100)


def _signals(signals: list[Signal]) -> Any:
    return signals_from([(signal.value, signal.id.value.bytes, strength(signal)) for signal in signals])


@pytest.fixture(autouse=True)
def tables_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make tables even for a few entries."""
    monkeypatch.setattr(hamming, "SCANNED", 3)


class TestDisk(Disk.TestCase):  # type: ignore[misc, valid-type]
    settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def test_what_was_withdrawn_stays_so_when_older_segments_are_taken_up() -> None:
    disk = Disk()
    disk.begin()
    disk.change([(0, Standing.CONFIRMED)])
    disk.build(behind=0)
    disk.follow(0)
    disk.change([(1, Standing.CONFIRMED), (0, Standing.WITHDRAWN)])
    disk.follow(0)
    # Whoever builds has not read as far as this reader: the segment says that it stands.
    disk.build(behind=1)
    assert disk.indexes[0].outdated
    disk.follow(0)
    disk.teardown()
