"""What the platform remembers: one SQLite file. May decide: nothing.

One connection, used from one event loop; no transaction spans an ``await``, so each is whole.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from standing import Instruction, Standing, State

Row = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS account (id TEXT PRIMARY KEY, class TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS post (
  id TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account, caption TEXT NOT NULL,
  reach INTEGER NOT NULL, kind TEXT NOT NULL DEFAULT 'picture', body BLOB NOT NULL, media_type TEXT NOT NULL,
  posted_at REAL NOT NULL,
  state TEXT NOT NULL, held_until REAL, last_sequence INTEGER NOT NULL DEFAULT 0,
  content TEXT, verdict TEXT, reason TEXT);
CREATE INDEX IF NOT EXISTS post_content ON post (content);
CREATE TABLE IF NOT EXISTS measure (
  account TEXT NOT NULL, post TEXT NOT NULL, action TEXT NOT NULL, PRIMARY KEY (account, post));
CREATE TABLE IF NOT EXISTS inbox (
  number INTEGER PRIMARY KEY, account TEXT NOT NULL, post TEXT NOT NULL, at REAL NOT NULL, text TEXT NOT NULL,
  url TEXT NOT NULL,
  UNIQUE (account, url));
CREATE TABLE IF NOT EXISTS instruction (
  id TEXT PRIMARY KEY, content TEXT NOT NULL, action TEXT NOT NULL, sequence INTEGER NOT NULL,
  at REAL NOT NULL, applied INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS happening (
  number INTEGER PRIMARY KEY, at REAL NOT NULL, post TEXT NOT NULL, what TEXT NOT NULL, instruction TEXT);
CREATE TABLE IF NOT EXISTS errand (
  number INTEGER PRIMARY KEY, kind TEXT NOT NULL, post TEXT NOT NULL, body TEXT NOT NULL, key TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting', attempts INTEGER NOT NULL DEFAULT 0, due_at REAL NOT NULL,
  answer TEXT);
CREATE TABLE IF NOT EXISTS imaginary (
  id TEXT PRIMARY KEY, state TEXT NOT NULL, held_until REAL, last_sequence INTEGER NOT NULL,
  at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

_POST = (
    "id, account, caption, reach, kind, media_type, posted_at, state, held_until, last_sequence, "
    "content, verdict, reason"
)


class Store:
    """The platform's memory."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(directory / "platform.sqlite3", isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(SCHEMA)
        self._bring_up_to_date()

    def _bring_up_to_date(self) -> None:
        """Change what an older release of this platform left."""
        columns = {row["name"] for row in self._db.execute("PRAGMA table_info(post)")}
        if "picture" in columns:
            self._db.execute("ALTER TABLE post RENAME COLUMN picture TO body")
            self._db.execute("ALTER TABLE post ADD COLUMN kind TEXT NOT NULL DEFAULT 'picture'")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def rows(self, sql: str, *values: Any) -> list[Row]:  # noqa: ANN401 - whatever SQLite takes
        """Read rows."""
        return [dict(row) for row in self._db.execute(sql, values)]

    def row(self, sql: str, *values: Any) -> Row | None:  # noqa: ANN401
        """Read one row."""
        found = self._db.execute(sql, values).fetchone()
        return dict(found) if found else None

    def run(self, sql: str, *values: Any) -> int:  # noqa: ANN401
        """Change something; gives the number of a new row."""
        return self._db.execute(sql, values).lastrowid or 0

    # --- posts ---

    def post(self, identity: str) -> Row | None:
        """Read a post without its body."""
        return self.row(f"SELECT {_POST} FROM post WHERE id = ?", identity)  # noqa: S608 - our own columns

    def posts(self) -> list[Row]:
        """Read all posts without their bodies, the newest first."""
        return self.rows(f"SELECT {_POST} FROM post ORDER BY posted_at DESC, id")  # noqa: S608 - our own columns

    def body(self, post: str) -> bytes:
        """Read what was posted."""
        found = self.row("SELECT body FROM post WHERE id = ?", post)
        assert found is not None
        return bytes(found["body"])

    def set_standing(self, post: str, standing: Standing) -> None:
        """Write where a post stands."""
        self.run(
            "UPDATE post SET state = ?, held_until = ?, last_sequence = ? WHERE id = ?",
            standing.state,
            None if standing.held_until is None else standing.held_until.timestamp(),
            standing.last_sequence,
            post,
        )

    def happened(self, post: str, what: str, at: float, instruction: str | None = None) -> None:
        """Write down what was published or taken down, and when."""
        self.run(
            "INSERT INTO happening (at, post, what, instruction) VALUES (?, ?, ?, ?)",
            at,
            post,
            what,
            instruction,
        )

    def lapse(self, now: float) -> None:
        """Show again every post whose hold has ended: at the moment the hold ended, whenever we look."""
        due = "SELECT id, held_until FROM post WHERE state = 'held' AND held_until <= ?"
        if not self.rows(due, now):
            return
        with self.transaction():
            for post in self.rows(due, now):
                self.run("UPDATE post SET state = 'published', held_until = NULL WHERE id = ?", post["id"])
                self.happened(post["id"], "lapsed", post["held_until"])

    def account(self, identity: str) -> Row | None:
        """Read an account and whether it may post."""
        found = self.row("SELECT id, class FROM account WHERE id = ?", identity)
        if found:
            measures = {row["action"] for row in self.rows("SELECT action FROM measure WHERE account = ?", identity)}
            found["state"] = "terminated" if "terminate_account" in measures else "suspended" if measures else "active"
        return found

    def set_account(self, identity: str, account_class: str | None) -> None:
        """Open an account, or change its class."""
        self.run("INSERT OR IGNORE INTO account (id, class) VALUES (?, 'ordinary')", identity)
        if account_class:
            self.run("UPDATE account SET class = ? WHERE id = ?", account_class, identity)

    # --- instructions and errands ---

    def remember(self, instruction: Instruction, at: float, *, applied: bool) -> None:
        """Write an instruction into the log."""
        self.run(
            "INSERT INTO instruction (id, content, action, sequence, at, applied) VALUES (?, ?, ?, ?, ?, ?)",
            instruction.id,
            instruction.content,
            instruction.action,
            instruction.sequence,
            at,
            applied,
        )

    def add_errand(self, kind: str, post: str, body: Row, key: str, now: float) -> int:
        """Note something the node must be told, until it has been."""
        return self.run(
            "INSERT INTO errand (kind, post, body, key, due_at) VALUES (?, ?, ?, ?, ?)",
            kind,
            post,
            json.dumps(body),
            key,
            now,
        )

    def due_errands(self, now: float) -> list[int]:
        """Give the errands whose time has come; of one post, only the first that still waits."""
        return [
            row["number"]
            for row in self.rows(
                "SELECT min(number) AS number, due_at FROM errand WHERE state = 'waiting' GROUP BY post"
                " HAVING due_at <= ? ORDER BY number",
                now,
            )
        ]

    def setting(self, name: str) -> str | None:
        """Read a saved value."""
        found = self.row("SELECT value FROM setting WHERE name = ?", name)
        return None if found is None else str(found["value"])

    def save_setting(self, name: str, value: str) -> None:
        """Save a value."""
        self.run(
            "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            name,
            value,
        )


def standing_of(row: Row) -> Standing:
    """Give where a post stands, from its row."""
    held_until = row["held_until"]
    return Standing(
        State(row["state"]),
        None if held_until is None else datetime.fromtimestamp(held_until, UTC),
        row["last_sequence"],
    )
