"""Every block of code in the how-to for HMA clients runs against a real node, in the order of the page."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from acts import make_known, picture
from running import Nodes, Running
from tidegate.api.hma.banks import UNCONFIRMED
from tidegate.api.hma.signal_types import ABSENT, TYPES
from tidegate.people.model import Scope
from tidegate.signal import store
from tidegate.signal.model import Label
from tidegate.web.door import Door

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "hma.md"


def blocks(language: str) -> list[str]:
    """Give the page's blocks in a language."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert found
    return found


@pytest.fixture
def node(nodes: Nodes) -> Running:
    return nodes.start(match_without_record=True)


@pytest.fixture
def environment(node: Running, tmp_path: Path) -> dict[str, str]:
    """What someone has who followed the first lines of the page: a key, a picture, and the command at the machine."""
    (tmp_path / "picture.jpg").write_bytes(picture(70))
    command = tmp_path / "bin" / "tidegate"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tidegate "$@"\n')
    command.chmod(0o755)
    settings, client = node.node.settings, node.platform(scopes=frozenset({Scope.MATCH})).client
    assert settings.database_url is not None
    return os.environ | {
        "NODE": node.addresses.platform,
        "KEY": client.headers["authorization"].removeprefix("Bearer "),
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "TIDEGATE_DATABASE_URL": settings.database_url.get_secret_value(),
        "TIDEGATE_DATA_DIRECTORY": str(settings.data_directory),
        "no_proxy": "*",
    }


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing")
def test_the_commands_of_the_page_work(node: Running, environment: dict[str, str], tmp_path: Path) -> None:
    _, *commands = blocks("sh")
    answers = [
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        for command in commands
    ]
    assert [done.returncode for done in answers] == [0] * len(commands), answers
    status, lookup, imported, exported = (done.stdout for done in answers)
    assert status == "I-AM-ALIVE"
    assert json.loads(lookup) == {"pdq": {}, "sha256": {}}
    assert imported.startswith("1 added, 0 known, 0 wrong")
    (signal,) = node.do(store.newest)
    assert signal.labels == {Label.INCITES, Label.THREATENS}
    assert exported.startswith("0 signals written"), "nobody has confirmed it"
    assert (tmp_path / "signals.csv").stat().st_mode & 0o077 == 0


def test_the_python_of_the_page_works(
    node: Running, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("NODE", "KEY"):
        monkeypatch.setenv(name, environment[name])
    names: dict[str, Any] = {}
    exec(compile("\n".join(blocks("python")), str(PAGE), "exec"), names)  # noqa: S102 - our own page
    path = tmp_path / "picture.jpg"
    assert names["banks_of"](path) == set()
    make_known(node, hashlib.sha256(path.read_bytes()).digest())
    assert names["banks_of"](path) == {"INCITES"}
    path.write_bytes(b"no picture")
    with pytest.raises(RuntimeError, match="undecodable"):
        names["banks_of"](path)
    names["hma"].close()


def test_the_page_names_what_there_is() -> None:
    text = PAGE.read_text()
    for word in (*TYPES, *ABSENT, UNCONFIRMED, *(label.upper() for label in Label)):
        assert f"`{word}`" in text, word
    for row in Door.every:
        if row.path.startswith("/hma/"):
            assert f"`{row.method} {row.path.removeprefix('/hma')}`" in text, row
