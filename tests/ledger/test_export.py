"""The export: safe to stop anywhere, never rewriting what was published, refusing what does not fit."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger.published_log import KEY, ORIGIN, OTHER_KEY, VERIFIER, Log, sample_leaf
from tidegate.kernel.errors import IntegrityError, Unavailable
from tidegate.ledger.checkpoint import Checkpoint, sign_checkpoint
from tidegate.ledger.entry import encode
from tidegate.ledger.export import Export, published
from tidegate.ledger.note import Verifier
from tidegate.ledger.tiles import LONGEST_FILE, Tile
from tidegate.ledger.verifier import verify

LOG = Log.of(600)
#: What a publication asks of the disk; each of these calls can fail or be the last one before a crash.
DISK_CALLS = ("fsync", "replace", "open", "mkdir")


def files(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def verified(directory: Path) -> int | None:
    report = verify(directory, key=VERIFIER.vkey)
    assert report.error is None, report.error
    assert report.verified
    assert report.recount_equal
    return report.size


def test_an_empty_log_can_be_published_and_grow(tmp_path: Path) -> None:
    directory = tmp_path / "not" / "there" / "yet"
    for size in (0, 0, 1, 2, 255, 256, 257, 511, 512, 513, 600):
        LOG.publish(directory, size)
        assert published(directory, VERIFIER) == LOG.checkpoint(size)
        assert verified(directory) == size
    assert set(files(directory)) == {
        *("checkpoint", "counts.json", "key"),
        *("tile/0/000", "tile/0/001", "tile/0/002.p/1", "tile/0/002.p/88"),
        *("tile/1/000.p/1", "tile/1/000.p/2"),
        *("tile/entries/000", "tile/entries/001", "tile/entries/002.p/1", "tile/entries/002.p/88"),
    }


def test_publishing_twice_changes_nothing(tmp_path: Path) -> None:
    for whole in (False, False, True):
        LOG.publish(tmp_path, whole=whole)
        assert files(tmp_path) == files(tmp_path)
        first = files(tmp_path)
        LOG.publish(tmp_path)
        assert files(tmp_path) == first


def test_what_was_published_step_by_step_equals_what_was_published_at_once(tmp_path: Path) -> None:
    for size in (3, 300, 600):
        LOG.publish(tmp_path / "steps", size)
    LOG.publish(tmp_path / "once")
    steps, once = files(tmp_path / "steps"), files(tmp_path / "once")
    assert {path: steps[path] for path in once} == once


def test_only_what_is_new_is_read_from_the_database(tmp_path: Path) -> None:
    LOG.publish(tmp_path, 590)
    asked: list[tuple[int, int]] = []

    def read(start: int, end: int) -> list[bytes]:
        asked.append((start, end))
        return LOG.entries[start:end]

    Export(tmp_path, VERIFIER).publish(read, LOG.signed(), LOG.counts())
    assert min(start for start, _ in asked) == 512
    assert verified(tmp_path) == 600


def test_a_lost_file_is_made_again(tmp_path: Path) -> None:
    LOG.publish(tmp_path, 590)
    whole = files(tmp_path)
    (tmp_path / "tile/0/000").unlink()
    (tmp_path / "tile/entries/001").unlink()
    LOG.publish(tmp_path, 590, whole=True)
    assert files(tmp_path) == whole


def test_nothing_was_published_in_an_empty_folder(tmp_path: Path) -> None:
    assert published(tmp_path, VERIFIER) is None
    assert published(tmp_path / "missing", VERIFIER) is None


def test_an_export_of_another_key_is_refused(tmp_path: Path) -> None:
    LOG.publish(tmp_path)
    other = Verifier.of(ORIGIN, OTHER_KEY)
    before = files(tmp_path)
    with pytest.raises(IntegrityError, match="ledger key"):
        published(tmp_path, other)
    with pytest.raises(IntegrityError, match="ledger key"):
        Log(LOG.entries, key=OTHER_KEY).publish(tmp_path)
    assert files(tmp_path) == before
    (tmp_path / "checkpoint").write_bytes(b"\xff")
    with pytest.raises(IntegrityError):
        published(tmp_path, VERIFIER)


def test_a_restored_older_backup_is_noticed_and_nothing_is_touched(tmp_path: Path) -> None:
    LOG.publish(tmp_path, 300)
    before = files(tmp_path)
    with pytest.raises(IntegrityError, match="restoring an older backup"):
        LOG.publish(tmp_path, 299)
    # The restored node went on from the backup: other entries in the place of those already published.
    forked = Log([*LOG.entries[:290], *LOG.entries[400:500]])
    for size in (300, 310, 390):
        with pytest.raises(IntegrityError, match="do not sign"):
            forked.publish(tmp_path, size)
    assert files(tmp_path) == before
    assert verified(tmp_path) == 300


@pytest.mark.parametrize("size", [256, 300, 512])
def test_entries_that_do_not_make_the_signed_root_are_refused_before_anything_is_written(
    tmp_path: Path, size: int
) -> None:
    LOG.publish(tmp_path, size)
    before = files(tmp_path)
    entries = list(LOG.entries)
    entries[size + 40] = encode(sample_leaf(9999))
    for read in (Log(entries).read, Log(LOG.entries[:-1]).read, Log().read):
        with pytest.raises(IntegrityError):
            Export(tmp_path, VERIFIER).publish(read, LOG.signed(), LOG.counts())
    assert files(tmp_path) == before


def test_a_checkpoint_or_counts_of_something_else_are_refused(tmp_path: Path) -> None:
    export = Export(tmp_path, VERIFIER)
    wrong = sign_checkpoint(Checkpoint("other.example/log", 600, LOG.checkpoint().root), KEY)
    unsigned = LOG.signed().replace(f"\n{600}\n", "\n601\n")
    for signed, counted in [
        (wrong, LOG.counts()),
        (unsigned, LOG.counts()),
        ("", LOG.counts()),
        (LOG.signed(), LOG.counts(599)),
        (LOG.signed(), LOG.counts() | {"origin": "other.example/log"}),
        (LOG.signed(), LOG.counts() | {"root": ""}),
    ]:
        with pytest.raises(IntegrityError):
            export.publish(LOG.read, signed, counted)
    assert files(tmp_path) == {}


@pytest.mark.parametrize("path", [Tile(None, 1).path, Tile(0, 1).path, Tile(0, 2, 88).path, Tile(1, 0, 2).path, "key"])
def test_what_was_published_is_never_overwritten(tmp_path: Path, path: str) -> None:
    LOG.publish(tmp_path)
    (tmp_path / path).write_bytes(b"something else")
    (tmp_path / "checkpoint").unlink()
    with pytest.raises(IntegrityError) as caught:
        LOG.publish(tmp_path)
    assert caught.value.reference == path
    assert (tmp_path / path).read_bytes() == b"something else"
    assert not (tmp_path / "checkpoint").exists()


def test_a_second_writer_is_kept_out(tmp_path: Path) -> None:
    def read(start: int, end: int) -> list[bytes]:
        with pytest.raises(Unavailable, match="Another process"):
            LOG.publish(tmp_path)
        return LOG.entries[start:end]

    Export(tmp_path, VERIFIER).publish(read, LOG.signed(), LOG.counts())
    assert verified(tmp_path) == 600


class Crash(BaseException):
    """The process ends here: nothing that would run on an error may be relied on."""


def stop_at(monkeypatch: pytest.MonkeyPatch, number: int, failure: Callable[[], BaseException]) -> Callable[[], int]:
    """Let the disk call of this number fail. Gives a way to ask how many calls there were."""
    made = 0

    def failing(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            nonlocal made
            made += 1
            if made == number:
                raise failure()
            return real(*given, **named)

        return call

    for name in DISK_CALLS:
        monkeypatch.setattr(os, name, failing(getattr(os, name)))
    monkeypatch.setattr(Path, "replace", failing(Path.replace))
    monkeypatch.setattr(Path, "open", failing(Path.open))
    return lambda: made


def disk_full_or_broken(number: int) -> BaseException:
    return OSError(errno.EIO, "Input/output error") if number % 2 else OSError(errno.ENOSPC, "No space left")


@pytest.mark.parametrize("failure", [disk_full_or_broken, lambda _: Crash()], ids=["error", "crash"])
@pytest.mark.parametrize(("old", "new"), [(0, 3), (255, 258)])
def test_stopping_at_any_disk_call_leaves_a_valid_export_and_the_next_try_completes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: Callable[[int], BaseException],
    old: int,
    new: int,
) -> None:
    LOG.publish(tmp_path / "right", old)
    older = files(tmp_path / "right")
    LOG.publish(tmp_path / "right", new)
    right = files(tmp_path / "right")
    number, made = 0, 0
    while made >= number:
        number += 1
        directory = tmp_path / str(number)
        LOG.publish(directory, old)
        with monkeypatch.context() as patched:
            calls = stop_at(patched, number, partial(failure, number))
            with suppress(Crash, Unavailable):
                LOG.publish(directory, new)
            made = calls()
        assert verified(directory) in {old, new}
        LOG.publish(directory, new)
        # Nothing is missing, and of what the stop left behind there are at most superfluous partial tiles.
        there = files(directory)
        assert {path: there.get(path) for path in right} == right
        assert there.keys() - right.keys() <= {path for path in older if ".p/" in path}
    assert number > 50


PUBLISH = """
import os, resource, signal, sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from ledger.published_log import Log
from tidegate.kernel.errors import Unavailable

log = Log.of(600)
match sys.argv[3], int(sys.argv[4]):
    case "limit", limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    case "kill", left:
        rename = Path.replace

        def dying(path, target):
            global left
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            return rename(path, target)

        Path.replace = dying
try:
    log.publish(Path(sys.argv[2]))
except Unavailable as error:
    print(error.message)
    sys.exit(7)
"""


def publish_elsewhere(directory: Path, how: str, number: int) -> subprocess.CompletedProcess[str]:
    """Publish in a process of its own, which cannot write longer files or dies at a renaming."""
    arguments = [str(Path(__file__).parents[1]), str(directory), how, str(number)]
    return subprocess.run([sys.executable, "-c", PUBLISH, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("limit", [0, 40, 100, 1000, 8000, 20_000])
def test_when_the_disk_takes_no_more_the_previous_export_stays_valid(tmp_path: Path, limit: int) -> None:
    LOG.publish(tmp_path, 200)
    stopped = publish_elsewhere(tmp_path, "limit", limit)
    assert stopped.returncode == 7, stopped.stderr
    assert "free space" in stopped.stdout
    assert verified(tmp_path) == 200
    again = publish_elsewhere(tmp_path, "limit", LONGEST_FILE)
    assert again.returncode == 0, again.stderr
    assert verified(tmp_path) == 600


def test_a_process_killed_at_any_renaming_leaves_a_valid_export(tmp_path: Path) -> None:
    """A real end, without unwinding. Each try gets further, for it finds what the one before had finished."""
    LOG.publish(tmp_path, 200)
    killed = 0
    for number in (1, 3, 2, 4, 2, 1, 1, 2, 99):
        done = publish_elsewhere(tmp_path, "kill", number)
        assert done.returncode in {0, -9}, done.stderr
        killed += done.returncode != 0
        assert verified(tmp_path) in {200, 600}
    assert killed >= 5
    assert verified(tmp_path) == 600


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(Unavailable, match="permissions"):
        LOG.publish(tmp_path / "log", 3)
