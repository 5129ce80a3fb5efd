"""The embedded PostgreSQL: made once, private, recovered after any kill, and gone when it should be."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tidegate.db import binaries
from tidegate.db.embedded import EmbeddedPostgres, attach, forget, prepare, running
from tidegate.kernel.errors import ConfigurationError, Conflict, IntegrityError, Unavailable
from tidegate.kernel.process import Account

ROOT = os.geteuid() == 0
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
OTHER_ACCOUNT = 65533
HEAD = """
import sys, time
from pathlib import Path
import psycopg
from tidegate.db.embedded import attach, prepare, running
data = Path(sys.argv[1])
"""


def eventually(condition: Callable[[], object], within: float = 30.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)


def ask(url: str, sql: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(sql.encode()).fetchone()
    assert row is not None
    return row[0]


def do(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for sql in statements:
            connection.execute(sql.encode())


def with_password(url: str, password: str) -> str:
    name, rest = url.removeprefix("postgresql://").split(":", 1)
    return f"postgresql://{name}{password}@{rest.split('@', 1)[1]}"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    forget(tmp_path / "data")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account can pass through, as a mounted volume is."""
    above = Path(tempfile.mkdtemp(prefix="open-"))
    above.chmod(0o755)
    (above / "data").mkdir(mode=0o755)
    yield above / "data"
    forget(above / "data")
    shutil.rmtree(above)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One running server for the tests that only look."""
    with running(tmp_path_factory.mktemp("shared") / "data", keep=False) as postgres:
        yield postgres
    assert not postgres.place.exists()


# Keeping and reusing.


def test_second_start_finds_what_the_first_wrote(folder: Path) -> None:
    with running(folder) as first:
        do(first.owner_url, "CREATE TABLE kept (word text)", "INSERT INTO kept VALUES ('tide')")
    assert first.pids() == []
    said: list[str] = []
    with running(folder, said.append) as second:
        assert (second.owner_url, second.app_url) == (first.owner_url, first.app_url)
        assert ask(second.owner_url, "SELECT word FROM kept") == "tide"
    assert said == []


@pytest.mark.parametrize("name", ["with space, comma and ünïcode", "long-" + "x" * 150])
def test_any_path_will_do(open_folder: Path, name: str) -> None:
    data_directory = open_folder / name
    data_directory.mkdir(mode=0o755)
    with running(data_directory) as postgres:
        assert postgres.place == data_directory / "postgresql"
        assert ask(postgres.app_url, "SELECT current_user") == "tidegate_app"
        sockets = postgres.socket_directory
        assert len(os.fsencode(sockets / ".s.PGSQL.5432")) <= 107
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    with running(data_directory) as postgres:
        assert postgres.socket_directory == sockets
    sockets.rename(f"{sockets}-moved")  # as a cleaning of /tmp would
    with running(data_directory) as postgres:
        assert postgres.socket_directory != sockets
    Path(f"{sockets}-moved").rmdir()
    forget(data_directory)
    assert not postgres.socket_directory.exists()


def test_data_directory_can_be_moved(open_folder: Path) -> None:
    with running(open_folder) as before:
        do(before.owner_url, "CREATE TABLE kept (a int)", "INSERT INTO kept VALUES (7)")
    moved = open_folder.rename(open_folder.parent / "moved")
    with running(moved) as after:
        assert ask(after.owner_url, "SELECT a FROM kept") == 7
    forget(moved)


def test_interrupted_making_is_made_again(folder: Path) -> None:
    making = subprocess.Popen(script("prepare(data)", folder))
    eventually(lambda: list(tmp_clusters(folder)))
    making.kill()
    making.wait()
    with running(folder) as postgres:
        assert ask(postgres.app_url, "SELECT 1") == 1
    assert not list(tmp_clusters(folder))


def tmp_clusters(folder: Path) -> Iterator[Path]:
    location = folder / "postgresql.location"
    if location.exists():
        yield from (folder / json.loads(location.read_text())["place"]).glob("cluster.new-*")


def test_two_who_prepare_at_once_get_the_same(folder: Path) -> None:
    code = "print(prepare(data).owner_url)"
    both = [subprocess.Popen(script(code, folder), stdout=subprocess.PIPE) for _ in range(2)]
    answers = [each.communicate(timeout=60)[0] for each in both]
    assert answers[0] == answers[1] != b""


def script(code: str, data_directory: Path) -> list[str]:
    return [sys.executable, "-c", HEAD + code, str(data_directory)]


# Who may connect.


def test_roles_own_what_they_should(shared: EmbeddedPostgres) -> None:
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'tidegate'"
    assert ask(shared.superuser_url, owner) == "tidegate_owner"
    powers = "SELECT bool_or(rolsuper OR rolcreaterole OR rolcreatedb) FROM pg_roles WHERE rolname ~ '^tidegate'"
    assert ask(shared.superuser_url, powers) is False
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        do(shared.app_url, "CREATE TABLE mine (a int)")
    with pytest.raises(psycopg.OperationalError, match="CONNECT privilege"):
        ask(shared.url("tidegate_app", "postgres"), "SELECT 1")


@pytest.mark.parametrize("password", ["", ":", ":wrong"])
@pytest.mark.parametrize("role", ["postgres", "tidegate_owner", "tidegate_app"])
def test_nobody_comes_in_without_the_password(shared: EmbeddedPostgres, role: str, password: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        ask(with_password(shared.url(role), password), "SELECT 1")


def test_every_rule_of_access_asks_for_a_password(shared: EmbeddedPostgres) -> None:
    methods = "SELECT array_agg(DISTINCT type || ' ' || auth_method) FROM pg_hba_file_rules"
    assert ask(shared.superuser_url, methods) == ["local scram-sha-256"]
    assert ask(shared.superuser_url, "SHOW listen_addresses") == ""
    assert shared.passwords.owner != shared.passwords.application != shared.passwords.superuser


def test_passwords_are_private(shared: EmbeddedPostgres) -> None:
    for path in shared.data_directory.iterdir():
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for each in (shared.place, shared.cluster, shared.socket_directory):
        assert stat.S_IMODE(each.stat().st_mode) == 0o700
    shown = repr(shared) + repr(shared.command())
    assert not any(shared.passwords.of(role) in shown for role in ("postgres", "tidegate_owner", "tidegate_app"))


@pytest.mark.skipif(not ROOT, reason="only root can act as another account")
def test_another_account_cannot_connect_even_with_the_password(shared: EmbeddedPostgres) -> None:
    argv = [shared.binaries.program("psql"), shared.app_url, "-c", "SELECT 1"]
    if not binaries._succeeds([argv[0], "--version"], Account(OTHER_ACCOUNT, OTHER_ACCOUNT)):
        pytest.skip("the other account cannot run psql")
    answer = subprocess.run(
        argv,
        user=OTHER_ACCOUNT,
        group=OTHER_ACCOUNT,
        extra_groups=[],
        capture_output=True,
        check=False,
        cwd="/",
    )
    assert answer.returncode != 0
    assert b"Permission denied" in answer.stderr


@pytest.mark.skipif(not ROOT, reason="only root changes to another account")
def test_root_runs_the_server_as_nobody(shared: EmbeddedPostgres) -> None:
    pids = shared.pids()
    assert pids
    assert all(Path(f"/proc/{pid}").stat().st_uid != 0 for pid in pids)


# How it is set up.


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("server_encoding", "UTF8"),
        ("data_checksums", "on"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("max_connections", "200"),
        ("shared_buffers", "128MB"),
        ("TimeZone", "UTC"),
    ],
)
def test_setting(shared: EmbeddedPostgres, setting: str, value: str) -> None:
    assert ask(shared.app_url, f"SHOW {setting}") == value


def test_order_is_that_of_code_points_and_case_knows_all_letters(shared: EmbeddedPostgres) -> None:
    words = "SELECT array_agg(w ORDER BY w) FROM unnest(ARRAY['é','Z','a','z']) w"
    assert ask(shared.app_url, words) == ["Z", "a", "z", "é"]
    assert ask(shared.app_url, "SELECT upper('é')") == "É"


def test_log_shows_errors_but_no_values(shared: EmbeddedPostgres) -> None:
    do(shared.owner_url, "CREATE TABLE one (word text PRIMARY KEY)", "INSERT INTO one VALUES ('lighthouse')")
    with psycopg.connect(shared.owner_url) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("INSERT INTO one VALUES (%s)", ["lighthouse"])
    log = shared.log.read_text()
    assert "duplicate key" in log
    assert "lighthouse" not in log


def test_two_hundred_connections(shared: EmbeddedPostgres) -> None:
    opened: list[psycopg.Connection[tuple[object, ...]]] = []
    try:
        opened.extend(psycopg.connect(shared.app_url) for _ in range(197))
        opened.extend(psycopg.connect(shared.superuser_url) for _ in range(3))  # the last are kept for repair
        assert all(connection.execute("SELECT 1").fetchone() == (1,) for connection in opened)
    finally:
        for connection in opened:
            connection.close()


# One at a time, and nothing left behind.


def test_killed_owner_leaves_no_server_and_loses_no_data(folder: Path) -> None:
    code = "with running(data) as p:\n print('up', flush=True)\n time.sleep(600)"
    with subprocess.Popen(script(code, folder), stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        postgres = attach(folder)
        do(postgres.owner_url, "CREATE TABLE kept (a int)", "INSERT INTO kept VALUES (1)")
        with pytest.raises(Conflict, match=f"process {owner.pid}"), running(folder):
            pass
        with pytest.raises(Conflict):
            forget(folder)
        open_connection = psycopg.connect(postgres.app_url)
        owner.kill()
    eventually(lambda: not postgres.pids())
    open_connection.close()
    with pytest.raises(Unavailable):
        attach(folder)
    with running(folder) as again:
        assert ask(again.owner_url, "SELECT a FROM kept") == 1


def started_by_nobody(postgres: EmbeddedPostgres) -> subprocess.Popen[bytes]:
    """A server without a parent-death signal, as one that is still busy shutting down."""
    specification = postgres.command()
    account = specification.account
    server = subprocess.Popen(
        specification.argv,
        env=specification.environment,
        stderr=subprocess.DEVNULL,
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
    )
    eventually(specification.ready)  # type: ignore[arg-type]
    return server


def test_earlier_server_is_sent_home_before_a_new_one_starts(folder: Path) -> None:
    earlier = started_by_nobody(prepare(folder))
    said: list[str] = []
    with running(folder, said.append) as postgres:
        assert earlier.wait(5) == 0
        assert ask(postgres.app_url, "SELECT 1") == 1
    assert any("earlier PostgreSQL" in line for line in said)


def test_busy_backend_of_a_killed_server_is_ended(folder: Path) -> None:
    postgres = prepare(folder)
    earlier = started_by_nobody(postgres)
    do(postgres.owner_url, "CREATE TABLE kept (a int)", "INSERT INTO kept VALUES (1)")
    # Forwarded to a child: our own connection would only see the end of the server.
    query = "SELECT count(*) FROM generate_series(1, 1e11::bigint)"
    code = f"psycopg.connect(attach(data).app_url).execute('{query}')"
    with subprocess.Popen(script(code, folder), stderr=subprocess.DEVNULL) as busy:
        busy_backend = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%1e11%' AND pid <> pg_backend_pid()"
        eventually(lambda: ask(postgres.superuser_url, busy_backend) == 1)
        earlier.kill()
        earlier.wait()
        assert postgres.pids()
        with running(folder) as again:
            assert ask(again.owner_url, "SELECT a FROM kept") == 1
        busy.wait(20)


def test_killed_backend_does_not_bring_the_server_down(folder: Path) -> None:
    with running(folder) as postgres:
        do(postgres.owner_url, "CREATE TABLE kept (a int)", "INSERT INTO kept VALUES (1)")
        first = postgres.pids()[0]
        with psycopg.connect(postgres.app_url) as victim:
            os.kill(victim.info.backend_pid, signal.SIGKILL)
            with pytest.raises(psycopg.OperationalError):
                victim.execute("SELECT 1")
        eventually(lambda: answers(postgres))
        assert postgres.pids()[0] == first
        assert ask(postgres.owner_url, "SELECT a FROM kept") == 1


def answers(postgres: EmbeddedPostgres) -> bool:
    try:
        attach(postgres.data_directory)
    except Unavailable:
        return False
    return True


def test_forget_leaves_nothing(folder: Path) -> None:
    forget(folder)
    assert not folder.exists()
    with running(folder) as first:
        pass
    forget(folder)
    forget(folder)
    assert not first.place.exists()
    assert all(path.name.endswith(".lock") for path in folder.iterdir())
    with running(folder) as second:
        assert second.passwords != first.passwords


# What cannot work says what to do.


def test_nothing_to_attach_to(folder: Path) -> None:
    with pytest.raises(Unavailable, match="start the node"):
        attach(folder)
    prepare(folder)
    with pytest.raises(Unavailable, match="does not answer"):
        attach(folder)


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="choose another one"):
        prepare(tmp_path / "file" / "data")


@pytest.mark.skipif(ROOT, reason="root may write everywhere")
def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigurationError, match="Permission denied"):
        prepare(tmp_path / "data")
    with pytest.raises(ConfigurationError, match="Permission denied"):
        prepare(tmp_path)
    tmp_path.chmod(0o700)


def test_without_the_wheel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "WHEEL", "no_such_wheel")
    with pytest.raises(ConfigurationError, match=r"pip install 'tidegate\[embedded\]'"):
        prepare(folder)


def test_lost_parts_are_not_made_anew(folder: Path) -> None:
    postgres = prepare(folder)
    passwords = folder / "postgresql.passwords"
    kept = passwords.read_text()
    passwords.unlink()
    with pytest.raises(IntegrityError, match="from a backup"):
        prepare(folder)
    passwords.write_text(kept.replace(postgres.passwords.application, "0" * 48))
    with pytest.raises(IntegrityError, match="does not fit"), running(folder):
        pass
    passwords.write_text(kept)
    postgres.cluster.rename(postgres.place / "elsewhere")
    with pytest.raises(IntegrityError, match="is gone"):
        prepare(folder)


def test_cluster_of_a_version_not_installed(folder: Path) -> None:
    (prepare(folder).cluster / "PG_VERSION").write_text("11\n")
    with pytest.raises(ConfigurationError, match="written by PostgreSQL 11"):
        prepare(folder)


# Root, where the unprivileged account cannot reach things.


@pytest.mark.skipif(not ROOT, reason="an ordinary user needs no other place")
def test_root_keeps_the_cluster_where_nobody_can_reach_it(folder: Path) -> None:
    above = folder.parent
    above.chmod(0o700)
    modes = [path.stat().st_mode for path in (above, *above.parents)]
    with running(folder) as postgres:
        assert postgres.place.parent in binaries.STATE_FOLDERS
        assert str(postgres.place) in (folder / "postgresql.location").read_text()
    assert [path.stat().st_mode for path in (above, *above.parents)] == modes
    forget(folder)
    assert not postgres.place.exists()


@pytest.mark.skipif(not ROOT, reason="an ordinary user runs the programs where they are")
def test_unreachable_programs_are_copied_once(
    open_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = binaries.find()
    tmp_path.chmod(0o700)
    for each in installed.folders():
        shutil.copytree(each, tmp_path / each.relative_to(installed.root))
    hidden = binaries.Binaries(tmp_path, installed.install, installed.version)
    monkeypatch.setattr(binaries, "STATE_FOLDERS", (open_folder / "state",))
    account = Account(65534, 65534)
    copied = binaries.reachable(hidden, account)
    assert copied.root.parent == open_folder / "state"
    made = copied.root.stat().st_ino
    assert binaries.reachable(hidden, account) == copied
    assert copied.root.stat().st_ino == made
    assert [path.name for path in copied.root.parent.iterdir()] == [copied.root.name]
    assert binaries._succeeds([copied.program("initdb"), "--version"], account)


@pytest.mark.slow
@pytest.mark.skipif(not ROOT, reason="only root can act as an ordinary user")
def test_all_of_this_as_an_ordinary_user() -> None:
    account = Account(65534, 65534)
    candidates = [sys.executable, f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(filter(None, sys.path))}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    tried = ["/usr/bin/env", f"PYTHONPATH={environment['PYTHONPATH']}"]
    for interpreter in candidates:
        if binaries._succeeds([*tried, interpreter, "-c", "import psycopg, pytest, tidegate.db.embedded"], account):
            break
    else:
        pytest.skip("no Python that an ordinary user can reach")
    chosen = "second_start or any_path or moved or password or access or written or killed or earlier or forget"
    home = Path(tempfile.mkdtemp(prefix="ordinary-"))
    os.chown(home, account.uid, account.gid)
    answer = subprocess.run(
        [
            interpreter,
            "-m",
            "pytest",
            __file__,
            "-qx",
            "-pno:cacheprovider",
            f"--basetemp={home}/t",
            "-k",
            chosen,
        ],
        env=environment | {"TMPDIR": str(home)},
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    shutil.rmtree(home)
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-1000:]
    assert " passed" in answer.stdout
