"""The demonstration as a user runs it: real processes, real HTTP, and a verifier that gets only public files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tidegate.ledger.verifier import verify

pytestmark = pytest.mark.slow


def test_every_step_happens_and_the_kept_ledger_recounts(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    done = subprocess.run(
        [sys.executable, "-m", "tidegate", "demo", "--once", "--json", "--keep", str(kept)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert set(report) == {
        "submitted",
        "verdicts",
        "cases",
        "decisions",
        "removed",
        "restored",
        "lapsed",
        "notices",
        "appeals",
        "ledger",
    }
    assert report["submitted"] == sum(report["verdicts"].values())
    assert report["verdicts"]["hold"] >= 3
    assert report["verdicts"]["unchecked"] == 2
    assert report["ledger"]["verified"]
    assert report["ledger"]["recount_equal"]

    checked = verify(str(kept / "ledger"), receipt=kept / "receipt.json")
    assert checked.verified
    assert checked.recount_equal
    totals: dict[str, int] = json.loads((kept / "ledger" / "counts.json").read_text())["totals"]
    # What the platform did by its own list is what the ledger counts.
    listed = json.loads((kept / "published.json").read_text())
    done_there = [item["what"] for item in listed["happenings"]]
    assert totals["removal"] == done_there.count("removed") == report["removed"]
    assert totals["restoration"] == done_there.count("restored") == report["restored"]
