"""What an older release wrote of who saw what counts in this one: a picture as a look that nobody measured."""

import psycopg

from older import database_before
from tidegate.db import embedded
from tidegate.db.cluster import APPLICATION, OWNER
from tidegate.db.migrate import check_role, migrate

_NEW = "0130_exposure.sql"


def test_pictures_seen_before_looks_were_measured_count_as_unmeasured(postgres: embedded.EmbeddedPostgres) -> None:
    with database_before(_NEW, postgres, append_only=("event", "ledger_entry", "exposure")) as name:
        owner = postgres.url(OWNER, name)
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute(
                """
                INSERT INTO exposure (at, staff, kind, subject, seconds)
                SELECT now(), gen_random_uuid(), kind, gen_random_uuid(), 0
                FROM unnest(ARRAY['case', 'content', 'content']) kind
                """
            )
        assert _NEW in migrate(owner, APPLICATION)
        with psycopg.connect(owner) as connection:
            rows = connection.execute(
                "SELECT kind, severity, look IS NOT NULL FROM exposure LEFT JOIN exposure_look USING (look) ORDER BY id"
            ).fetchall()
            assert rows == [("case", None, False), ("content", 2, True), ("content", 2, True)]
            assert connection.execute("SELECT count(DISTINCT look) FROM exposure").fetchone() == (2,)
        check_role(postgres.url(APPLICATION, name))
