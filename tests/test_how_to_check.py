"""The how-to for whoever checks the numbers: its verifier, which has nothing of ours in it, agrees with a real node."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from acts import held
from ledger.published_log import Log
from running import Running
from tidegate.ledger.note import Verifier

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "check.md"


def check() -> dict[str, Any]:
    """Run all the page's Python as one program; give its names."""
    names: dict[str, Any] = {}
    found = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    exec(compile("\n".join(found), str(PAGE), "exec"), names)  # noqa: S102 - our own page
    return names


@pytest.fixture
def reading(node: Running, monkeypatch: pytest.MonkeyPatch) -> Running:
    """A node with a published ledger, and a reader who knows its address and its key."""
    settings = node.node.settings
    platform = node.platform()
    for seed in (1, 2):
        held(node, platform, seed, platform_id=f"post-{seed}", uploader=f"user-{seed}")
    node.loop.run(node.node.publisher.publish())
    monkeypatch.setenv("LEDGER", f"{node.addresses.public}/ledger")
    monkeypatch.setenv("KEY", Verifier.of(settings.ledger_origin, node.node.database.keys.ledger).vkey)
    monkeypatch.setenv("no_proxy", "*")
    return node


@pytest.mark.usefixtures("reading")
def test_the_verifier_of_the_page_agrees() -> None:
    names = check()
    assert names["size"] == len(names["found"]) > 3
    assert sum(names["counted"].values()) >= names["size"]


def test_the_verifier_of_the_page_notices(reading: Running) -> None:
    folder = reading.node.settings.ledger_directory
    counts = json.loads((folder / "counts.json").read_text())
    counts["rows"][0]["count"] += 1
    (folder / "counts.json").write_text(json.dumps(counts))
    with pytest.raises(AssertionError):
        check()
    (bundle,) = [file for file in (folder / "tile/entries").rglob("*") if file.is_file()]
    bundle.chmod(0o600)
    bundle.write_bytes(bundle.read_bytes().replace(b'"count":1', b'"count":2', 1))
    with pytest.raises(AssertionError):
        check()
    checkpoint = folder / "checkpoint"
    origin, size, *rest = checkpoint.read_text().split("\n")
    checkpoint.write_text("\n".join([origin, str(int(size) - 1), *rest]))
    with pytest.raises(InvalidSignature):
        check()


def test_a_large_log_is_read_file_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log.of(600)
    log.publish(tmp_path)
    monkeypatch.setenv("LEDGER", tmp_path.as_uri())
    monkeypatch.setenv("KEY", log.verifier.vkey)
    assert check()["size"] == 600
