"""One running node for each file here: every test brings a platform of its own, and refusals leave nothing behind."""

import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from running import Loop, ManualClock, Nodes, Running
from tidegate.db.cluster import APPLICATION, OWNER
from tidegate.db.embedded import EmbeddedPostgres
from tidegate.jail import Jail
from tidegate.settings import read_settings


@pytest.fixture(scope="module")
def nodes(
    serving: Loop,
    jail: Jail,
    postgres: EmbeddedPostgres,
    template: str,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Nodes]:
    """Nodes on a database of this file's own."""
    name = f"{request.module.__name__}_{os.getpid()}"
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)
            )
        )
        settings = read_settings(
            data_directory=tmp_path_factory.mktemp("node"),
            database_url=SecretStr(postgres.url(APPLICATION, name)),
            database_owner_url=SecretStr(postgres.url(OWNER, name)),
            database_connections=8,
            public_port=0,
            platform_port=0,
            staff_port=0,
            undo_seconds=10,
            unchecked_share=1.0,
        )
        made = Nodes(serving, jail, settings, ManualClock())
        yield made
        made.stop_all()
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def node(nodes: Nodes) -> Running:
    """One running node."""
    return nodes.start()
