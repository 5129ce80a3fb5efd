"""The generated pages say what the code does."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_generated_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_has_grown_past_six_hundred_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for folder in ("src", "tests", "examples", "docs")
        for path in (ROOT / folder).rglob("*.py")
        if (count := len(path.read_text().splitlines())) > 600
    }
    assert not long
