"""Migrations: numbered SQL files, applied once each, in order, under one lock.

May decide: which role may do what. The application's role owns nothing; it may only add to the tables named in
``APPEND_ONLY``. Migrations run as another role, which owns everything.
"""

import re
from collections.abc import Callable
from importlib import resources

import psycopg
from procrastinate.schema import SchemaManager
from psycopg import sql

from tidegate.kernel.errors import ConfigurationError

#: What was written here is never changed or removed by the running node.
APPEND_ONLY = ("event", "ledger_entry", "exposure", "exposure_look")

_LOCK = 7_421_001
_NAME = re.compile(r"\d{4}_[a-z_]+\.sql")
#: A file holding this line stands for the job library's own schema, at the release we pin.
_JOBS_LINE = "-- the schema of procrastinate stands here"


def migrations() -> list[tuple[str, str]]:
    """List the migrations in order: file name and SQL."""
    folder = resources.files("tidegate.db") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if _NAME.fullmatch(entry.name))
    return [(name, _text((folder / name).read_text("utf-8"))) for name in names]


def _text(body: str) -> str:
    return SchemaManager.get_schema() if _JOBS_LINE in body else body


def migrate(owner_url: str, application_role: str, report: Callable[[str], None] = lambda _line: None) -> list[str]:
    """Bring the database to this release; give the names of what was applied.

    Raises:
        ConfigurationError: the database holds migrations this release does not know.
    """
    applied: list[str] = []
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        connection.execute(
            """
            CREATE TABLE IF NOT EXISTS migration
                (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())
            """
        )
        known = {name for (name,) in connection.execute("SELECT name FROM migration").fetchall()}
        ours = migrations()
        if newer := known - {name for name, _ in ours}:
            raise ConfigurationError(
                f"The database was migrated by a newer release ({max(newer)}): start that release, or restore a backup."
            )
        for name, body in ours:
            if name in known:
                continue
            with connection.transaction():
                connection.execute(body)
                connection.execute("INSERT INTO migration (name) VALUES (%s)", (name,))
            applied.append(name)
            report(f"applied {name}")
        with connection.transaction():
            _grant(connection, application_role)
    return applied


def _grant(connection: psycopg.Connection[tuple[object, ...]], role: str) -> None:
    """Give the application's role what it needs and no more."""
    name = sql.Identifier(role)
    for statement in (
        "GRANT USAGE ON SCHEMA public TO {}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {}",
        "REVOKE INSERT, UPDATE, DELETE ON migration FROM {}",
    ):
        connection.execute(sql.SQL(statement).format(name))
    for table in APPEND_ONLY:
        connection.execute(sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}").format(sql.Identifier(table), name))


def check_role(url: str) -> None:
    """Refuse to run with a role that could rewrite history.

    Raises:
        ConfigurationError: the role may change or remove events, or nothing was migrated yet.
    """
    with psycopg.connect(url) as connection:
        for table in APPEND_ONLY:
            row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
            if row is None or not row[0]:
                raise ConfigurationError('The database is empty or old: run "tidegate db migrate" first.')
            for privilege in ("UPDATE", "DELETE", "TRUNCATE"):
                # One column is enough to rewrite history, and only UPDATE can be given for a column.
                asked = "has_any_column_privilege" if privilege == "UPDATE" else "has_table_privilege"
                row = connection.execute(
                    sql.SQL("SELECT {}(%s, %s)").format(sql.Identifier(asked)), (table, privilege)
                ).fetchone()
                if row is None or row[0]:
                    raise ConfigurationError(
                        f"The application's database role may {privilege} the table {table}. Give it a role of its "
                        "own that owns nothing, put the owner in TIDEGATE_DATABASE_OWNER_URL, and run "
                        '"tidegate db migrate".'
                    )


def pending(url: str) -> list[str]:
    """List the migrations the database still lacks."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT to_regclass('migration') IS NOT NULL").fetchone()
        known = set()
        if row is not None and row[0]:
            known = {name for (name,) in connection.execute("SELECT name FROM migration").fetchall()}
    return [name for name, _ in migrations() if name not in known]
