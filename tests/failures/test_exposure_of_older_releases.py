"""What an older release wrote of who saw what counts in this one: a picture as a look that nobody measured."""

import psycopg
import pytest
from psycopg import sql

from tidegate.db import embedded
from tidegate.db import migrate as migrating
from tidegate.db.cluster import APPLICATION, OWNER

_NEW = "0130_exposure.sql"


def test_pictures_seen_before_looks_were_measured_count_as_unmeasured(
    postgres: embedded.EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "older_exposure"
    every = migrating.migrations()
    owner = postgres.url(OWNER, name)
    with psycopg.connect(postgres.superuser_url, autocommit=True) as superuser:
        superuser.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER)))
    with monkeypatch.context() as older:
        older.setattr(migrating, "migrations", lambda: [entry for entry in every if entry[0] < _NEW])
        older.setattr(migrating, "APPEND_ONLY", ("event", "ledger_entry", "exposure"))
        migrating.migrate(owner, APPLICATION)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(
            """
            INSERT INTO exposure (at, staff, kind, subject, seconds)
            SELECT now(), gen_random_uuid(), kind, gen_random_uuid(), 0
            FROM unnest(ARRAY['case', 'content', 'content']) kind
            """
        )
    assert _NEW in migrating.migrate(owner, APPLICATION)
    with psycopg.connect(owner) as connection:
        rows = connection.execute(
            "SELECT kind, severity, look IS NOT NULL FROM exposure LEFT JOIN exposure_look USING (look) ORDER BY id"
        ).fetchall()
        assert rows == [("case", None, False), ("content", 2, True), ("content", 2, True)]
        assert connection.execute("SELECT count(DISTINCT look) FROM exposure").fetchone() == (2,)
    migrating.check_role(postgres.url(APPLICATION, name))
    with psycopg.connect(postgres.superuser_url, autocommit=True) as superuser:
        superuser.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
