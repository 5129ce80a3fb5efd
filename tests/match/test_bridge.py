"""Real pictures: whatever was done to the bridge, it is found again, over HTTP and through the jail."""

import hashlib
from pathlib import Path

from acts import make_known
from running import Running
from tidegate.content.model import ContentKind

ORIGINAL = "aaa-orig.jpg"


def known_by_look(node: Running, data: bytes) -> None:
    """Have our own people stand behind a picture, by its bytes and by its look."""
    checked = node.loop.run(node.node.check(ContentKind.PICTURE, hashlib.sha256(data).digest(), data))
    assert checked.unchecked is None
    make_known(node, checked.fingerprints.sha256, checked.fingerprints.looks[0].pdq[0])


def test_every_modification_of_the_bridge_is_found(node: Running, shared_data: Path) -> None:
    folder = shared_data / "pictures" / "bridge-mods"
    original = (folder / ORIGINAL).read_bytes()
    platform = node.platform()
    assert platform.verdict(original, platform_id="before")["verdict"] == "clear"
    known_by_look(node, original)
    others = sorted(path for path in folder.iterdir() if path.suffix == ".jpg")
    assert len(others) > 5
    for path in others:
        verdict = platform.verdict(path.read_bytes(), platform_id=path.stem, uploader=path.stem)
        if path.name == ORIGINAL:
            assert (verdict["verdict"], verdict["reason"]) == ("hold", "exact_match")
        else:
            assert (verdict["verdict"], verdict["reason"]) == ("review", "look_alike"), path.name
            (match,) = verdict["matches"]
            assert match["kind"] == "pdq"
            assert match["distance"] <= match["threshold"]


def test_every_rotation_of_the_bridge_is_found(node: Running, shared_data: Path) -> None:
    folder = shared_data / "pictures" / "dihedral"
    pictures = {path.stem: path.read_bytes() for path in sorted(folder.glob("bridge-*.jpg"))}
    assert len(pictures) == 8
    known_by_look(node, pictures["bridge-1-original"])
    platform = node.platform()
    rotations = set()
    for name, data in pictures.items():
        verdict = platform.verdict(data, platform_id=name, uploader=name)
        assert verdict["verdict"] in {"review", "hold"}, name
        alike = [match for match in verdict["matches"] if match["kind"] == "pdq"]
        assert len(alike) == 1, name
        rotations.add(alike[0]["rotation"])
    assert len(rotations) == 8, "each is named"
