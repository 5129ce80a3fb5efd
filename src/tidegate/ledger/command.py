"""The command ``verify``: the verifier's answer, for a person or as JSON.

May decide: how the answer is shown and which exit code it gives: 0 verified, 1 not verified, 2 the question
was wrong.
"""

import json
import sys
from pathlib import Path
from typing import TextIO

from tidegate.kernel.canonical import Json
from tidegate.kernel.errors import Malformed
from tidegate.ledger.verifier import Report, verify

VERIFIED = 0
NOT_VERIFIED = 1
BAD_USAGE = 2


def verify_command(
    source: str,
    *,
    key: str | None = None,
    receipt: Path | None = None,
    since: Path | None = None,
    as_json: bool = False,
    out: TextIO | None = None,
) -> int:
    """Check a published log and show the answer. Gives the exit code."""
    out = sys.stdout if out is None else out
    try:
        report = verify(source, key=key, receipt=receipt, since=since)
    except Malformed as error:
        answer = json.dumps({"verified": False, "error": {"file": error.reference, "message": error.message}})
        out.write(f"{answer if as_json else error.message}\n")
        return BAD_USAGE
    if as_json:
        out.write(json.dumps(report.document(), indent=2, ensure_ascii=False) + "\n")
    else:
        out.write("\n".join(_lines(report)) + "\n")
    return VERIFIED if report.verified else NOT_VERIFIED


def _lines(report: Report) -> list[str]:
    lines = ["VERIFIED" if report.verified else "NOT VERIFIED"]
    if report.error is not None:
        lines.append(f"  {report.error['message']}")
    if report.origin is not None:
        lines += [f"  log      {report.origin}", f"  entries  {report.size}", f"  root     {report.root}"]
    if report.recount_equal:
        lines.append("  counts   the published counts equal a fresh count of the entries")
        lines += _totals(report.document()["totals"])
    if report.since is not None:
        lines.append(f"  growth   the log begins with the older one of {report.since['size']} entries")
    if report.receipt is not None and report.receipt["included"]:
        lines.append(f"  receipt  its leaf is entry {report.receipt['index']}, and its opened fields are genuine")
    if report.key_source == "directory":
        lines.append("  key      taken from the log itself: get it from someone else and give it with --key")
    lines.append("Not proven by this:")
    lines += [f"  - {sentence}" for sentence in _list(report.document()["not_proven"])]
    return lines


def _totals(totals: Json) -> list[str]:
    assert isinstance(totals, dict)
    return [f"    {kind:<18}{count:>12}" for kind, count in totals.items()]


def _list(value: Json) -> list[Json]:
    assert isinstance(value, list)
    return value
