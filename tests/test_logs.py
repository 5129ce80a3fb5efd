"""What never gets into a log line, whoever logs it and however deep."""

import base64
import hashlib
import io
import json
import logging
import subprocess
import sys
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

import made
from tidegate.kernel.ids import ContentId
from tidegate.logs import configure_logs, redact
from tidegate.people import key_text

hashes = st.binary(max_size=20).map(lambda data: hashlib.sha256(data).hexdigest())
api_keys = st.binary(min_size=32, max_size=32).map(lambda raw: key_text.make(lambda count: raw[:count]))
links = st.binary(min_size=32, max_size=32).map(lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode())
passwords = st.integers(10**8, 10**9).map(lambda number: f"postgresql://app:pw{number}@host/db")
secrets_ = st.one_of(
    hashes,
    hashes.map(str.upper),
    api_keys,
    links,
    links.map(lambda link: f"https://example.org/notice/{link}?x=1"),
    passwords,
)
words = st.text(st.characters(categories=["Ll"]), min_size=1, max_size=8)


def wrapped(secret: str, around: str) -> st.SearchStrategy[Any]:
    """Put a secret somewhere inside a value."""
    text = f"{around} {secret} {around}"
    return st.recursive(
        st.sampled_from([secret, text]),
        lambda inner: (
            st.lists(inner, min_size=1, max_size=2)
            | st.tuples(inner)
            | st.dictionaries(words, inner, min_size=1, max_size=2)
        ),
        max_leaves=4,
    )


def bare(secret: str) -> str:
    """Take the secret itself out of an address."""
    if secret.startswith("postgresql"):
        return secret.split(":")[2].split("@", maxsplit=1)[0]
    return secret.removeprefix("https://example.org/notice/").removesuffix("?x=1")


@given(secrets_, words, st.data())
def test_no_secret_gets_into_a_line_by_its_looks(secret: str, name: str, data: st.DataObject) -> None:
    line = redact(None, "info", {name: data.draw(wrapped(secret, name)), "action": "test"})
    assert bare(secret) not in json.dumps(line)


@pytest.mark.parametrize(
    "name",
    ["sha256", "pdq", "token", "password", "caption", "words", "url", "path", "data", "uploader", "platform_id"],
)
def test_no_secret_gets_into_a_line_by_its_name(name: str) -> None:
    assert "x7" not in str(redact(None, "info", {name: "x7"}))
    assert "x7" not in str(redact(None, "info", {"detail": {name: "x7"}, "list": [{name: "x7"}]}))


def test_bytes_are_never_written() -> None:
    line = redact(None, "info", {"found": b"\xff\xd8picture", "many": [b"picture"]})
    assert "picture" not in str(line)


def test_ids_stay_readable() -> None:
    identity = str(made.number(ContentId, 2**127 + 5))
    kept = {"content": identity, "request_id": "0123456789abcdef0123456789abcdef", "status": 200}
    assert redact(None, "info", dict(kept)) == kept


def test_what_libraries_log_is_cleaned_too(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    before = (logging.getLogger().handlers, logging.getLogger().level)
    digest, key = hashlib.sha256(b"picture").hexdigest(), key_text.make(lambda count: b"k" * count)
    try:
        configure_logs("info")
        logging.getLogger("somewhere").error("row %s with %s", digest, key)
        try:
            raise ValueError(f"duplicate key {digest}")  # noqa: TRY301 - as a library would
        except ValueError:
            logging.getLogger("somewhere").exception("failed")
            structlog.get_logger().error("failed", action="test", exc_info=True, detail=[digest])
    finally:
        logging.getLogger().handlers, level = before[0], before[1]
        logging.getLogger().setLevel(level)
        structlog.reset_defaults()
    text = written.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) == 3
    assert digest not in text
    assert key not in text


def test_every_command_writes_its_log_lines_cleaned_and_apart_from_its_answer() -> None:
    digest = hashlib.sha256(b"picture").hexdigest()
    added = f"""
import click, structlog
from tidegate.__main__ import command
from tidegate.cli import main

@main.command()
def logs() -> None:
    structlog.get_logger().warning("failed", action="test", detail={digest!r})
    click.echo("answer")

command()
"""
    ran = subprocess.run([sys.executable, "-c", added, "logs"], capture_output=True, text=True, check=True)
    assert ran.stdout == "answer\n"
    assert json.loads(ran.stderr)["event"] == "failed"
    assert digest not in ran.stderr
