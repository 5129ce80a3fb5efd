"""The list of mutations, told in a moment what its run tells after a quarter of an hour."""

import re
import tomllib
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent
SOURCE = TESTS.parent / "src" / "tidegate"


def _rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tomllib.loads((TESTS / "mutations.toml").read_text())["mutation"]
    return rows


def test_what_each_takes_away_stands_there_once() -> None:
    moved = {row["what"] for row in _rows() if (SOURCE / row["file"]).read_text().count(row["find"]) != 1}
    assert not moved, "these stand elsewhere now"


def test_each_names_a_test_that_is_there() -> None:
    named = {row["test"].partition("[")[0] for row in _rows()}
    for test in sorted(named):
        file, _, function = test.partition("::")
        assert re.search(
            rf"^\s*(async )?def {function.rpartition('::')[2]}\(", (TESTS.parent / file).read_text(), re.MULTILINE
        ), test
