"""``tidegate fingerprint --vpdq``: what the vpdq tools would write, within a few bits, from inside the jail."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.scenes import encoded, scene
from fingerprint.pictures import DATA, needs_data
from tidegate.cli import main
from tidegate.fingerprint.video.vpdq_text import read


@pytest.fixture(autouse=True)
def beside_a_node(kernels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command find what is compiled, as it does on the machine of a node."""
    (tmp_path / "cache").symlink_to(kernels)
    monkeypatch.setenv("TIDEGATE_DATA_DIRECTORY", str(tmp_path))


@needs_data
@pytest.mark.slow
def test_a_video_of_the_reference_gives_its_frames() -> None:
    folder = DATA / "videos"
    said = CliRunner().invoke(main, ["fingerprint", "--vpdq", str(folder / "doorknob-hd-no-bar.mp4")])
    assert said.exit_code == 0, said.output
    ours, reference = read(said.stdout), read((folder / "doorknob-hd-no-bar.vpdq.txt").read_text())
    assert len(ours) == len(reference)
    assert np.abs(ours["at"].astype(int) - reference["at"].astype(int)).max() <= 1
    apart = np.bitwise_count(ours["value"] ^ reference["value"]).sum(axis=1)[reference["quality"] >= 80]
    assert np.median(apart) <= 4
    assert apart.max() <= 10


def test_what_is_no_video_is_named_and_the_others_are_written(tmp_path: Path) -> None:
    folder = tmp_path
    (folder / "good.mp4").write_bytes(encoded(scene(1, 1)))
    (folder / "bad.mp4").write_bytes(b"no video")
    files = [str(folder / name) for name in ("bad.mp4", "gone.mp4", "good.mp4")]
    said = CliRunner().invoke(main, ["fingerprint", "--vpdq", *files])
    assert said.exit_code == 1
    assert len(read(said.stdout)) == 25
    assert f"{files[0]}: undecodable" in said.stderr
    assert files[1] in said.stderr
