"""Databases as an older release left them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tidegate.db import embedded
from tidegate.db import migrate as migrating
from tidegate.db.cluster import APPLICATION, OWNER


@contextmanager
def database_before(
    migration: str, postgres: embedded.EmbeddedPostgres, *, append_only: Sequence[str] = migrating.APPEND_ONLY
) -> Iterator[str]:
    """Make a database that has every migration before this one, and give its name; it is dropped at the end.

    Args:
        migration: the file name of the first that it has not.
        postgres: where.
        append_only: the tables of that release that are only added to.
    """
    name = f"older_{uuid4().hex}"
    every = migrating.migrations()
    with psycopg.connect(postgres.superuser_url, autocommit=True) as superuser:
        superuser.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER)))
    with pytest.MonkeyPatch.context() as older:
        older.setattr(migrating, "migrations", lambda: [entry for entry in every if entry[0] < migration])
        older.setattr(migrating, "APPEND_ONLY", append_only)
        migrating.migrate(postgres.url(OWNER, name), APPLICATION)
    try:
        yield name
    finally:
        with psycopg.connect(postgres.superuser_url, autocommit=True) as superuser:
            superuser.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
