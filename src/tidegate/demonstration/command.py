"""The command ``demo``: plays the story, shows what came of it, and stays, or does not.

May decide: whether the story counts as told (exit status 0): only if every step happened and the ledger recounts equal.
"""

import json
import shutil
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from tidegate.db.embedded import forget
from tidegate.demonstration.open_work import OpenWork
from tidegate.demonstration.pictures import picture
from tidegate.demonstration.processes import Ports, Processes, Say, ports_for
from tidegate.demonstration.story import Told, own_pictures
from tidegate.demonstration.team import Team
from tidegate.kernel.errors import TidegateError
from tidegate.ledger.verifier import verify

#: Where `make run` serves, where these ports are free.
USUAL_PORTS = Ports(public=8440, api=8441, staff=8442, platform=8450)
_UNRELATED = 6
_REPORT = "report.json"
_TEAM = "team.json"


def demonstrate(
    *,
    data: Path | None,
    once: bool,
    as_json: bool,
    pictures: Path | None,
    keep: Path | None,
    write: Callable[[str], object],
    say: Say,
) -> int:
    """Play the demonstration; give the exit status."""
    with ExitStack() as stack:
        if data is None:
            data = Path(stack.enter_context(TemporaryDirectory(prefix="tidegate-demo-", ignore_cleanup_errors=True)))
            stack.callback(forget, data / "node")
        data.mkdir(parents=True, exist_ok=True)
        unrelated = own_pictures(pictures) if pictures else [picture(seed) for seed in range(100, 100 + _UNRELATED)]
        processes = Processes(data, ports_for(data, None if once else USUAL_PORTS), say)
        stack.callback(processes.stop)
        try:
            report = play_or_resume(processes, unrelated, say, visited=not once)
        except TidegateError as error:
            say(f"tidegate demo: {error.message}")
            if as_json:
                write(json.dumps({"error": error.message}) + "\n")
            return 1
        if keep is not None:
            _keep(processes, report, keep)
        write((json.dumps(_public(report)) if as_json else table(report, processes)) + "\n")
        if not once:
            _stay(processes, say)
        return 0 if report["ledger"]["verified"] and report["ledger"]["recount_equal"] else 1


def forget_demonstration(data: Path) -> None:
    """Remove a demonstration and its database."""
    forget(data / "node")
    shutil.rmtree(data, ignore_errors=True)


def play_or_resume(processes: Processes, unrelated: list[bytes], say: Say, *, visited: bool) -> dict[str, Any]:
    """Play the story, or start from what an earlier one left.

    Args:
        processes: where it is played.
        unrelated: pictures that match nothing.
        say: told what happens.
        visited: somebody may come to look, so some work is left open for them.
    """
    told = processes.data / _REPORT
    if told.exists():
        say("The demonstration was played before: starting from what is there (make clean-demo forgets it).")
        team = Team.read(processes, processes.data / _TEAM)
        processes.start_node()
        processes.start_platform(team.key)
        report: dict[str, Any] = json.loads(told.read_text())
        return report
    if (processes.node_directory / "keys").exists():
        say("An earlier demonstration did not reach its end: beginning again.")
        forget(processes.node_directory)
        for left in ("node", "platform"):
            shutil.rmtree(processes.data / left, ignore_errors=True)
        processes.node_log.unlink(missing_ok=True)
    say("Starting a node: embedded PostgreSQL, web process, worker ...")
    processes.start_node()
    say("Two administrators let reviewers, judges of complaints and a platform in.")
    team = Team.hire(processes)
    team.write(processes.data / _TEAM)
    processes.start_platform(team.key)
    story = OpenWork(processes, team, unrelated, say)
    try:
        report = _report(story.play(), processes)
        report["receipt"] = json.loads(story.told.receipt)
        if visited:
            story.leave()
    finally:
        story.close()
        team.close()
    told.write_text(json.dumps(report))
    return report


def _report(told: Told, processes: Processes) -> dict[str, Any]:
    counted = asdict(told)
    del counted["receipt"]
    checked = verify(f"{processes.public}/ledger")
    ledger = {"size": checked.size, "verified": checked.verified, "recount_equal": checked.recount_equal}
    return {
        **counted,
        "verdicts": dict(sorted(told.verdicts.items())),
        "cases": len(told.cases),
        "decisions": len(told.decisions),
        "ledger": ledger,
    }


def _public(report: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in report.items() if name != "receipt"}


def _keep(processes: Processes, report: dict[str, Any], keep: Path) -> None:
    """Leave what someone else's verifier needs: the ledger's files, one receipt, and the platform's own list."""
    keep.mkdir(parents=True, exist_ok=True)
    shutil.copytree(processes.node_directory / "ledger", keep / "ledger", dirs_exist_ok=True)
    (keep / "receipt.json").write_text(json.dumps(report["receipt"]))
    listed = httpx2.get(f"{processes.platform}/published.json", timeout=30, trust_env=False).raise_for_status()
    (keep / "published.json").write_bytes(listed.content)


def table(report: dict[str, Any], processes: Processes) -> str:
    """Show the result to a person."""
    verdicts = ", ".join(f"{count} {kind}" for kind, count in report["verdicts"].items())
    ledger = report["ledger"]
    checked = "verified" if ledger["verified"] else "NOT VERIFIED"
    recount = "equal" if ledger["recount_equal"] else "NOT EQUAL"
    rows = [
        ("posts submitted", f"{report['submitted']}: {verdicts}"),
        ("cases, decisions", f"{report['cases']}, {report['decisions']}"),
        ("removed, restored, lapsed", f"{report['removed']}, {report['restored']}, {report['lapsed']}"),
        ("notices, complaints", f"{report['notices']}, {report['appeals']}"),
        ("public ledger", f"{ledger['size']} entries, {checked}, recount {recount}"),
        ("", ""),
        ("the platform's wall", processes.platform),
        ("public pages, ledger", f"{processes.public}  {processes.public}/ledger"),
        ("platform API", f"{processes.api}/openapi.json"),
        ("staff console", processes.staff),
        ("commands about it", f"TIDEGATE_DATA_DIRECTORY={processes.node_directory} tidegate ..."),
    ]
    return "\n".join(f"  {name:26} {value}".rstrip() for name, value in rows)


def _stay(processes: Processes, say: Say) -> None:
    """Serve until Ctrl-C, with a one-time link for each role."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    say("\nSign in as any of them; each link works once, within 15 minutes:")
    links = processes.command("people", "link", *Team.names()).splitlines()
    for name, link in zip(Team.names(), links, strict=True):
        say(f"  {name:24} {link}")
    say("\nServing until Ctrl-C.")
    stop.wait()
