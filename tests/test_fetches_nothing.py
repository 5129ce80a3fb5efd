"""The node fetches no address it is given: no code that could is anywhere near one."""

import ast
from collections.abc import Iterator
from pathlib import Path

import tidegate

ROOT = Path(tidegate.__file__).parent
#: What can ask another machine for something.
CLIENTS = (
    "aiohttp",
    "ftplib",
    "http.client",
    "httpx2",
    "requests",
    "smtplib",
    "telnetlib",
    "urllib.request",
    "urllib3",
)
#: Which may, and whom: platforms at the address they gave for it, a log's publisher, or a node of one's own.
MAY = {
    "enforcement/delivery.py",  # webhooks
    "enforcement/platform_check.py",  # webhooks, tried out
    "background/tasks.py",  # hands it on
    "background/telling.py",  # makes the client for webhooks
    "ledger/tiles.py",  # reads a published log, for who verifies it
    "run.py",  # asks whether the node one started answers
}
DEMONSTRATION = "demonstration/"


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_only_who_may_holds_a_client() -> None:
    holding = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if any(name == client or name.startswith(f"{client}.") for name in imported(path) for client in CLIENTS)
    }
    assert {name for name in holding if not name.startswith(DEMONSTRATION)} == MAY


def test_who_reads_links_opens_no_connection() -> None:
    for name in (
        "fingerprint/words/link.py",
        "fingerprint/words/link_engine.py",
        "match/words/links.py",
        "signal/links.py",
    ):
        assert not any(
            module.split(".")[0] in {"socket", "asyncio", "ssl", "http", "urllib"} for module in imported(ROOT / name)
        )
