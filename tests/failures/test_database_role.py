"""The application's role owns nothing: it can add to the record and never change it."""

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql

from acts import held
from running import Running
from tidegate.db.cluster import APPLICATION, OWNER
from tidegate.db.embedded import EmbeddedPostgres
from tidegate.db.migrate import APPEND_ONLY, check_role, migrate, pending
from tidegate.db.rebuild import rebuild
from tidegate.db.transaction import Database
from tidegate.flow import STORY, VIEWS
from tidegate.kernel.errors import ConfigurationError


@pytest.fixture(scope="module")
def refusing(postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    """One database, as the application's role, for all that is refused and so changes nothing."""
    name = f"refusing_{os.getpid()}"
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        made = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY")
        connection.execute(made.format(sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)))
        yield postgres.url(APPLICATION, name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.mark.parametrize("table", ["event", "ledger_entry"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET {} = {}",
        "DELETE FROM {}",
        "DELETE FROM {} WHERE false",
        "TRUNCATE {}",
        "TRUNCATE {} CASCADE",
        "ALTER TABLE {} DISABLE TRIGGER ALL",
        "ALTER TABLE {} DISABLE TRIGGER USER",
        "ALTER TABLE {} OWNER TO CURRENT_USER",
        "ALTER TABLE {} RENAME TO other",
        "ALTER TABLE {} ADD COLUMN more int",
        "DROP TABLE {}",
        "GRANT ALL ON {} TO CURRENT_USER",
        "CREATE TRIGGER sly AFTER INSERT ON {} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "CREATE RULE sly AS ON INSERT TO {} DO INSTEAD NOTHING",
        "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
        "COMMENT ON TABLE {} IS 'nothing'",
    ],
)
def test_the_record_cannot_be_rewritten(refusing: str, table: str, statement: str) -> None:
    column = {"event": "kind", "ledger_entry": "entry"}[table]
    text = statement.replace("{}", table, 1).replace("{}", column)
    if statement.startswith("GRANT"):
        # To grant what one does not have is only a warning; what counts is that nothing was granted.
        text += f"; DELETE FROM {table}"  # noqa: S608 - a table of ours
    with psycopg.connect(refusing) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(text.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE tidegate_owner",
        "SET SESSION AUTHORIZATION tidegate_owner",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "SET session_replication_role = replica",
        "CREATE TABLE public.mine (a int)",
        "DROP SCHEMA public CASCADE",
        "ALTER FUNCTION clear_upload_days(date, int) OWNER TO CURRENT_USER",
        "INSERT INTO migration (name) VALUES ('9999_none.sql')",
        "DELETE FROM migration",
        "UPDATE exposure SET severity = 1",
        "UPDATE exposure_look SET seconds = 0",
        "DELETE FROM exposure_look",
        "COPY event TO PROGRAM 'true'",
    ],
)
def test_there_is_no_way_around(refusing: str, statement: str) -> None:
    with psycopg.connect(refusing, autocommit=True) as connection, pytest.raises(psycopg.Error) as refusal:
        connection.execute(statement.encode())
    assert refusal.value.sqlstate in {"42501", "0LP01"}


def test_a_node_refuses_a_role_that_could_rewrite_history(urls: Any) -> None:
    check_role(urls.app)
    with pytest.raises(ConfigurationError, match="owns nothing"):
        check_role(urls.owner)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("privilege", ["UPDATE", "DELETE", "TRUNCATE"])
def test_one_privilege_too_many_is_found(urls: Any, table: str, privilege: str) -> None:
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        connection.execute(f"GRANT {privilege} ON {table} TO tidegate_app".encode())
    with pytest.raises(ConfigurationError, match=f"may {privilege} the table {table}"):
        check_role(urls.app)


def test_one_column_too_many_is_found(urls: Any) -> None:
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        connection.execute(b"GRANT UPDATE (data) ON event TO tidegate_app")
    with pytest.raises(ConfigurationError, match="may UPDATE the table event"):
        check_role(urls.app)


def test_migrating_again_takes_back_what_was_granted(urls: Any) -> None:
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        connection.execute(b"GRANT UPDATE, DELETE, TRUNCATE ON event, ledger_entry TO tidegate_app")
    assert migrate(urls.owner, "tidegate_app") == []
    check_role(urls.app)
    assert pending(urls.app) == []


def test_a_database_of_a_newer_release_is_left_alone(urls: Any) -> None:
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        connection.execute(b"INSERT INTO migration (name) VALUES ('9999_later.sql')")
    with pytest.raises(ConfigurationError, match=r"newer release \(9999_later\.sql\)"):
        migrate(urls.owner, "tidegate_app")


def test_the_application_cannot_rebuild(node: Running, database: Database) -> None:
    held(node, node.platform(), 1)
    with pytest.raises(errors.InsufficientPrivilege):
        node.loop.run(rebuild(node.node.database, VIEWS))
    assert database.story is STORY
