"""A scan finds what the node knows, counts what it was asked, and goes on where it was stopped."""

import hashlib
import io
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acts import ask, make_known, picture
from running import Nodes, Running
from tidegate.commands.scan import scan
from tidegate.commands.scan_source import Folder, Lines, Table, lines_from, source_of
from tidegate.jail import Jail
from tidegate.kernel.errors import Conflict, Malformed, RuleBroken, Unavailable
from tidegate.settings import Settings


@pytest.fixture
def node(nodes: Nodes) -> Running:
    return nodes.start(match_without_record=True)


@pytest.fixture
def settings(node: Running, jail: Jail) -> Settings:
    """The node's settings, with kernels that were compiled before."""
    node.node.settings.data_directory.mkdir(parents=True, exist_ok=True)
    assert jail._cache_directory is not None
    (node.node.settings.data_directory / "cache").symlink_to(jail._cache_directory)
    return node.node.settings.model_copy(update={"public_url": Settings().public_url})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Some files: one known, two unknown, one that is no picture."""
    folder = tmp_path / "files"
    (folder / "b" / "c").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(picture(1))
    (folder / "b" / "known.jpg").write_bytes(picture(2))
    (folder / "b" / "c" / "other.png").write_bytes(picture(3, kind="PNG"))
    (folder / "z.txt").write_bytes(b"no picture")
    (folder / "round").symlink_to(folder)
    return folder


def lines_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def tallied(node: Running) -> int:
    (row,) = ask(node, "SELECT coalesce(sum(count), 0) AS n FROM tally WHERE what = 'match_without_record'")
    return int(row["n"])


def test_a_folder(node: Running, settings: Settings, folder: Path, tmp_path: Path) -> None:
    (signal_,) = make_known(node, hashlib.sha256(picture(2)).digest())
    said: list[str] = []
    output = tmp_path / "answers"
    status = scan(settings, Folder(folder), output=output, state_file=None, say=said.append)
    assert status == 1
    known, broken = lines_in(output)
    assert known["path"] == "b/known.jpg"
    assert [(match["signal"], match["distance"]) for match in known["matches"]] == [(str(signal_), 0)]
    assert broken == {"path": "z.txt", "matches": [], "unchecked": "undecodable"}
    assert said[-1].startswith("4/4 done")
    assert "1 matched, 1 not checked" in said[-1]
    assert tallied(node) == 4
    assert not ask(node, "SELECT 1 FROM content")
    assert not ask(node, "SELECT 1 FROM clear_upload")
    (folder / "b" / "known.jpg").unlink()
    assert scan(settings, Folder(folder), output=output, state_file=None, say=said.append) == 3
    (folder / "z.txt").unlink()
    assert scan(settings, Folder(folder), output=output, state_file=None, say=said.append) == 0
    assert lines_in(output) == []


def test_values_and_paths_in_a_table_and_in_lines(
    node: Running, settings: Settings, folder: Path, tmp_path: Path
) -> None:
    value = bytes(range(32))
    exact = hashlib.sha256(picture(2)).digest()
    make_known(node, exact, value)
    near = bytes([value[0] ^ 0xFF, *value[1:]])
    far = bytes(each ^ 0xFF for each in value)
    table = folder / "asked.csv"
    table.write_text(f"path,pdq,sha256\nb/known.jpg,,\n,{near.hex()},\n,{far.hex()},\n,,{exact.hex()}\nnowhere.jpg,,\n")
    output = tmp_path / "answers"
    assert scan(settings, Table(table), output=output, state_file=None, say=lambda _: None) == 1
    first, second, third, fourth = lines_in(output)
    assert (first["path"], first["matches"][0]["kind"]) == ("b/known.jpg", "sha256")
    assert (second["pdq"], second["matches"][0]["distance"]) == (near.hex(), 8)
    assert (third["sha256"], third["matches"][0]["kind"]) == (exact.hex(), "sha256")
    assert fourth["unchecked"] == "unreadable"
    lines = Lines([f"{folder}/b/known.jpg\n", "\n", f"pdq {near.hex()}\n", f"sha256,{exact.hex()}\n"])
    assert scan(settings, lines, output=output, state_file=None, say=lambda _: None) == 1
    assert [set(line) for line in lines_in(output)] == [{"path", "matches"}, {"pdq", "matches"}, {"sha256", "matches"}]


@pytest.mark.usefixtures("node")
def test_names_that_are_no_utf8_are_named_all_the_same(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    name = b"no \xff picture"
    Path(os.fsdecode(bytes(folder) + b"/" + name)).write_bytes(b"no picture")
    output = tmp_path / "answers"
    state = tmp_path / "state"
    assert scan(settings, Folder(folder), output=output, state_file=state, say=lambda _: None) == 3
    (line,) = lines_in(output)
    assert os.fsencode(line["path"]) == name
    command, environment = _command(settings, "-", "--quiet")
    said = subprocess.run(
        command, input=bytes(folder) + b"/" + name + b"\n", env=environment, capture_output=True, check=False
    )
    assert said.returncode == 3, said.stderr.decode()
    assert os.fsencode(json.loads(said.stdout)["path"]).endswith(name)


@pytest.mark.usefixtures("node")
def test_what_is_no_file_is_said_to_be_unread_and_waited_for_by_nobody(settings: Settings, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    output = tmp_path / "answers"
    names = [str(tmp_path / "pipe"), "/dev/zero", str(tmp_path), str(tmp_path / "loop"), "a\0b", "a" * 5000]
    assert scan(settings, Lines(names), output=output, state_file=None, say=lambda _: None) == 3
    assert [(line["path"], line["unchecked"]) for line in lines_in(output)] == [(name, "unreadable") for name in names]


@pytest.mark.usefixtures("node")
def test_a_folder_that_cannot_be_read_was_not_checked(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "closed", "z"):
        (tmp_path / "files" / name).mkdir(parents=True)
        (tmp_path / "files" / name / "picture.jpg").write_bytes(picture(1))
    scandir = os.scandir

    def closed(path: Path) -> Any:  # root reads every folder
        if path.name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    folder, output = Folder(tmp_path / "files"), tmp_path / "answers"
    assert scan(settings, folder, output=output, state_file=None, say=lambda _: None) == 3
    assert [(line["path"], line["unchecked"]) for line in lines_in(output)] == [("closed", "unreadable")]
    every = [asked.place for asked in folder.after(None)]
    assert every == [["a", "picture.jpg"], ["closed"], ["z", "picture.jpg"]]
    assert [asked.place for asked in folder.after(every[1])] == every[2:]


@pytest.mark.usefixtures("node")
def test_links_are_not_followed_and_that_is_said(settings: Settings, folder: Path, tmp_path: Path) -> None:
    (folder / "b" / "link.jpg").symlink_to(folder / "b" / "known.jpg")
    said: list[str] = []
    scan(settings, Folder(folder), output=tmp_path / "answers", state_file=None, say=said.append)
    assert said[0].startswith("Links are not followed; there are 2.")


def test_where_nothing_can_be_written_is_said(settings: Settings, folder: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere" / "file"
    with pytest.raises(Malformed, match="cannot be written"):
        scan(settings, Folder(folder), output=nowhere, state_file=None, say=lambda _: None)
    with pytest.raises(Unavailable, match="cannot be written"):
        scan(settings, Folder(folder), output=tmp_path / "answers", state_file=nowhere, say=lambda _: None)


@pytest.mark.slow
def test_an_answer_does_not_wait_for_the_next_line_and_one_ctrl_c_ends_it(
    node: Running, settings: Settings, folder: Path
) -> None:
    make_known(node, hashlib.sha256(picture(2)).digest())
    command, environment = _command(settings, "-", "--quiet")
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{folder}/b/known.jpg\n".encode())
        process.stdin.flush()
        assert select.select([process.stdout], [], [], 60)[0], "it waits for more"
        assert json.loads(process.stdout.readline())["matches"]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stdout.read() == b""


def test_it_is_off_by_default_and_says_which_rule(node: Running, settings: Settings, folder: Path) -> None:
    off = settings.model_copy(update={"match_without_record": False})
    with pytest.raises(RuleBroken) as refused:
        scan(off, Folder(folder), output=None, state_file=None, say=lambda _: None)
    assert refused.value.reference == "rule 12"
    assert tallied(node) == 0


def _many(folder: Path, count: int) -> None:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:04}.jpg").write_bytes(picture(2) if number % 3 == 0 else picture(100 + number % 5))


def _command(settings: Settings, *arguments: str | Path) -> tuple[list[str], dict[str, str]]:
    assert settings.database_url is not None
    environment = {
        **os.environ,
        "TIDEGATE_DATA_DIRECTORY": str(settings.data_directory),
        "TIDEGATE_DATABASE_URL": settings.database_url.get_secret_value(),
        "TIDEGATE_MATCH_WITHOUT_RECORD": "1",
    }
    return [sys.executable, "-m", "tidegate", "scan", *map(str, arguments)], environment


@pytest.mark.slow
def test_killed_it_goes_on_where_it_was(node: Running, settings: Settings, tmp_path: Path) -> None:
    make_known(node, hashlib.sha256(picture(2)).digest())
    folder, output, state = tmp_path / "many", tmp_path / "answers", tmp_path / "state"
    _many(folder, 360)
    command, environment = _command(settings, folder, "--output", output, "--resume", state, "--children", "2")
    kills = 0
    for after in (60, 200):
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
            _until(partial(_is_beyond, state, after))
            kills += process.poll() is None
            process.send_signal(signal.SIGKILL)
    assert kills, "it was faster than we were"
    # As if it had died between its lines and its state.
    with output.open("ab") as file:
        file.write(b'{"path": "0999.jpg", "matches": [1]}\n{"pa')
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 1, done.stderr
    assert [line["path"] for line in lines_in(output)] == [f"{number:04}.jpg" for number in range(0, 360, 3)]
    assert tallied(node) >= 360
    assert b"360/360 done" in done.stderr
    again = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert again.returncode == 1
    assert len(lines_in(output)) == 120


def _is_beyond(state: Path, done: int) -> bool:
    return state.exists() and json.loads(state.read_bytes())["done"] >= done


def _until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_state_is_not_taken_for_anothers(settings: Settings, folder: Path, tmp_path: Path) -> None:
    state, output = tmp_path / "state", tmp_path / "answers"

    def run(source: Any, output: Path | None = output) -> int:
        return scan(settings, source, output=output, state_file=state, say=lambda _: None)

    assert run(Folder(folder)) == 3
    with pytest.raises(Conflict):
        run(Folder(folder / "b"))
    with pytest.raises(Malformed, match="--output"):
        run(Folder(folder), None)
    output.write_bytes(b"")
    with pytest.raises(Malformed, match="shorter"):
        run(Folder(folder))
    state.write_text("nonsense")
    with pytest.raises(Malformed, match="not the state of a scan"):
        run(Folder(folder))


# --- what is asked ---


@given(
    names=st.sets(
        st.lists(st.sampled_from(["a", "a.b", "ab", "b", "é", "Z", "0"]), min_size=1, max_size=3).map(tuple),
        max_size=12,
    ),
    at=st.integers(0, 12),
)
def test_a_folder_goes_on_after_any_file(
    tmp_path_factory: pytest.TempPathFactory, names: set[tuple[str, ...]], at: int
) -> None:
    folder = tmp_path_factory.mktemp("folder")
    for parts in names:
        path = folder.joinpath(*parts[:-1])
        if any((folder.joinpath(*parts[:length])).is_file() for length in range(1, len(parts))):
            continue
        path.mkdir(parents=True, exist_ok=True)
        if not path.joinpath(parts[-1]).exists():
            path.joinpath(parts[-1]).write_bytes(b"")
    every = list(Folder(folder).after(None))
    assert {asked.path for asked in every} == {path for path in folder.rglob("*") if path.is_file()}
    assert len(every) == Folder(folder).count()
    if at < len(every):
        assert list(Folder(folder).after(json.loads(json.dumps(every[at].place)))) == every[at + 1 :]


@pytest.mark.parametrize("line", ["pdq 12", "sha256 zz", f"pdq {'0' * 63}", f"sha256 {'0' * 62} 0", "pdq"])
def test_a_value_that_is_none_is_named_by_its_line(line: str) -> None:
    with pytest.raises(Malformed, match="Line 2"):
        list(Lines(["a.jpg", line]).after(None))


def test_lines_are_read_as_they_come_and_are_no_longer_than_names() -> None:
    for data, lines in ((b"a\nb\xff\n\nc", ["a", "b\udcff", "", "c"]), (b"", []), (b"a\n", ["a"])):
        reading, writing = os.pipe()
        os.write(writing, data)
        os.close(writing)
        assert list(lines_from(reading)) == lines
        os.close(reading)
    with Path("/dev/zero").open("rb") as endless, pytest.raises(Malformed, match="megabyte"):
        list(lines_from(endless.fileno()))


def test_names_in_a_table_need_not_be_utf8(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_bytes(b"path,x\nbad\xff.jpg,1\n")
    (asked,) = Table(table).after(None)
    assert os.fsencode(asked.path).endswith(b"/bad\xff.jpg")


def test_what_is_named_must_be_there_and_have_a_column(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="nowhere"):
        source_of(str(tmp_path / "nowhere"), io.StringIO())
    (tmp_path / "table.csv").write_text("name\nx\n")
    with pytest.raises(Malformed, match="column"):
        list(source_of(str(tmp_path / "table.csv"), io.StringIO()).after(None))
    assert [asked.name for asked in source_of("-", io.StringIO("a\nb\n")).after(1)] == ["b"]
