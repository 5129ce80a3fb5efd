"""Starting a node: the database if it is ours, migrations, then the web process and the worker under one supervisor.

May decide: which processes there are. Each is one of the commands a person could give by hand.
"""

import asyncio
import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from uvicorn.loops.auto import auto_loop_factory

from tidegate.api import DOORS as API_DOORS
from tidegate.background.worker import work
from tidegate.commands.records import first_administrator
from tidegate.compiling import compiled_beside
from tidegate.console import DOORS as CONSOLE_DOORS
from tidegate.console.errors import render_error
from tidegate.console.headers import protect
from tidegate.db.embedded import EmbeddedPostgres, prepare
from tidegate.db.migrate import check_role, migrate
from tidegate.kernel.clock import system_clock
from tidegate.kernel.errors import ConfigurationError, TidegateError
from tidegate.kernel.process import ProcessSpecification
from tidegate.logs import configure_logs
from tidegate.match.index import IndexDown, warm
from tidegate.node import Node, open_node
from tidegate.settings import Settings
from tidegate.supervisor import Supervisor
from tidegate.web import health
from tidegate.web.serve import listening, stop_on_signals

Report = Callable[[str], None]

#: How long a thread of the web process may run Python while another waits to. Searches run in threads and come back
#: from compiled code several times each: with Python's usual 5 ms they would wait so long each time, just when most is
#: to be done.
_TURN_SECONDS = 0.0005

#: Every route of a node.
DOORS = (*API_DOORS, *CONSOLE_DOORS, health.door)


def role_of(url: str) -> str:
    """Give the role a connection URL names.

    Raises:
        ConfigurationError: it names none.
    """
    name = urlsplit(url).username
    if not name:
        raise ConfigurationError(
            "TIDEGATE_DATABASE_URL must name the application's role: postgresql://role:password@host/database"
        )
    return unquote(name)


def serve(settings: Settings, report: Report, *, with_worker: bool = True) -> int:
    """Run a whole node until told to stop; give the exit status."""
    settings.data_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    processes: list[ProcessSpecification] = []
    environment = dict(os.environ)
    before_web: Callable[[], bool] | None = None
    if settings.database_url is None:
        postgres = prepare(settings.data_directory, report)
        processes.append(postgres.command(report))
        environment |= database_environment(postgres)
        before_web = _prepared(with_embedded(settings, postgres), report)
    else:
        check_role(settings.database_url.get_secret_value())
        _welcome(settings, report)
    environment["TIDEGATE_DATA_DIRECTORY"] = str(settings.data_directory.resolve())
    # What is compiled is kept where we may write, whoever owns the installation; numba looks when it is first imported.
    environment.setdefault("NUMBA_CACHE_DIR", str(settings.data_directory.resolve() / "cache"))
    # While the database is made.
    compiled_beside(settings.data_directory.resolve() / "cache", report)
    needs = tuple(process.name for process in processes)
    for number in range(settings.web_processes):
        name = "web" if number == 0 else f"web-{number + 1}"
        processes.append(
            ProcessSpecification(
                name=name,
                argv=(sys.executable, "-m", "tidegate", "web"),
                environment=environment,
                needs=needs,
                before_start=before_web,
                ready=_answers(settings) if number == 0 else None,
                ready_within=180,
                stop_within=20,
            )
        )
    if with_worker:
        processes.append(
            ProcessSpecification(
                name="worker",
                argv=(sys.executable, "-m", "tidegate", "work"),
                environment=environment,
                needs=("web",),
                stop_within=20,
            )
        )
    return Supervisor(processes, data_directory=settings.data_directory, report=report).run()


def database_environment(postgres: EmbeddedPostgres) -> dict[str, str]:
    """Name the embedded database to the processes that use it."""
    return {"TIDEGATE_DATABASE_URL": postgres.app_url, "TIDEGATE_DATABASE_OWNER_URL": postgres.owner_url}


def with_embedded(settings: Settings, postgres: EmbeddedPostgres) -> Settings:
    """Give the settings with the embedded database named."""
    return settings.model_copy(
        update={
            "database_url": SecretStr(postgres.app_url),
            "database_owner_url": SecretStr(postgres.owner_url),
        }
    )


def _prepared(settings: Settings, report: Report) -> Callable[[], bool]:
    """Migrate an embedded database before it is served; an external one is migrated by hand."""

    def prepared() -> bool:
        migrate_database(settings, report)
        _welcome(settings, report)
        return True

    return prepared


def _welcome(settings: Settings, report: Report) -> None:
    """Print a one-time link when nobody is on the staff yet."""
    link = asyncio.run(first_administrator(settings))
    if link:
        report(f"Nobody is on the staff yet. The first administrator signs in here, once, within 15 minutes:\n  {link}")


def _answers(settings: Settings) -> Callable[[], bool]:
    def answers() -> bool:
        with (
            suppress(OSError),
            urlopen(f"http://{_reachable(settings.host)}:{settings.platform_port}/health/ready", timeout=2) as answer,
        ):
            return bool(answer.status == HTTPStatus.OK)
        return False

    return answers


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - compared, not bound


def migrate_database(settings: Settings, report: Report) -> list[str]:
    """Bring the database of the settings to this release.

    Raises:
        ConfigurationError: no database is named, or it is newer than this release.
    """
    if settings.database_url is None:
        raise ConfigurationError("No database is named: set TIDEGATE_DATABASE_URL and TIDEGATE_DATABASE_OWNER_URL.")
    owner = settings.database_owner_url or settings.database_url
    return migrate(owner.get_secret_value(), role_of(settings.database_url.get_secret_value()), report)


def show_error(request: Request, error: TidegateError) -> Response | None:
    """Show a person an error as a page with the headers every page has; None where a program asked."""
    page = render_error(request, error)
    return protect(page) if page is not None else None


async def web(settings: Settings) -> None:
    """Be the web process."""
    configure_logs(settings.log_level)
    sys.setswitchinterval(_TURN_SECONDS)
    stop = stop_on_signals()
    async with open_node(settings, clock=system_clock) as node:
        await begin_following(node)
        async with listening(node, DOORS, show_error):
            keep_what_is_loaded()
            await stop.wait()


async def worker(settings: Settings) -> None:
    """Be the worker."""
    configure_logs(settings.log_level)
    stop = stop_on_signals()
    async with open_node(settings, clock=system_clock) as node:
        await begin_following(node)
        keep_what_is_loaded()
        await work(node, stop)


async def begin_following(node: Node) -> None:
    """Bring the index forward if it can be; a node whose index is being built answers all the same, `unchecked`."""
    await asyncio.to_thread(warm)
    with suppress(IndexDown):
        await node.follow_signals()


def keep_what_is_loaded() -> None:
    """Have the garbage collector pass over what a process has loaded: none of it is garbage.

    It is a quarter of a million objects. Looking through them stops everything for a tenth to half a second, and it
    happens again and again while many requests are under way.
    """
    gc.collect()
    gc.freeze()


def run_async(program: object) -> None:
    """Run a program of ours to its end, on uvicorn's fast loop where it is installed."""
    assert asyncio.iscoroutine(program)
    with suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(program)
