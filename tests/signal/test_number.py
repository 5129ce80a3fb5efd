"""A signal's number is where it was added, in a database of an older release too."""

import json

import psycopg

from older import database_before
from tidegate.db import embedded
from tidegate.db.cluster import APPLICATION, OWNER
from tidegate.db.migrate import migrate

_NEW = "0190_signal_number.sql"
_ADDED = "01999999-0000-7000-8000-000000000001"


def test_signals_of_older_releases_are_numbered_by_the_event_that_added_them(
    postgres: embedded.EmbeddedPostgres,
) -> None:
    with database_before(_NEW, postgres) as name:
        owner = postgres.url(OWNER, name)
        with psycopg.connect(owner, autocommit=True) as connection:
            for position, kind in ((4, "signal.added"), (9, "signal.confirmed")):
                connection.execute(
                    """
                    INSERT INTO event (at, kind, subject, about, actor_kind, data)
                    VALUES (now(), %s, %s, '{}', 'machine', %s)
                    """,
                    (kind, _ADDED, json.dumps({"position": position})),
                )
            connection.execute(
                """
                INSERT INTO signal
                    (id, kind, value, labels, provenance, standing, own_people, members, disputed, position)
                VALUES (%s, 'pdq', 'x', '{}', 'import', 'confirmed', true, 0, false, 9)
                """,
                (_ADDED,),
            )
        assert _NEW in migrate(owner, APPLICATION)
        with psycopg.connect(owner) as connection:
            assert connection.execute("SELECT number, position FROM signal").fetchall() == [(4, 9)]
