"""The verifier: whoever alters a published log is found out, and the file is named."""

import dataclasses
import io
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.published_log import FIELDS, KEY, OTHER_KEY, VERIFIER, Log, committed, sample_leaf
from ledger.test_tiles import served
from tidegate.kernel.errors import Malformed
from tidegate.ledger import receipt, tiles
from tidegate.ledger.command import verify_command
from tidegate.ledger.commitment import open_field
from tidegate.ledger.counts import Tally
from tidegate.ledger.entry import encode
from tidegate.ledger.export import Export
from tidegate.ledger.note import Verifier, sign
from tidegate.ledger.verifier import Report, verify

SIZE = 540
LOG = Log.of(SIZE)


def replaced(directory: Path, path: str, data: bytes) -> None:
    (directory / path).write_bytes(data)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish a log in two steps, so that partial tiles of an older size lie about as well."""
    directory = tmp_path_factory.mktemp("verifier") / "log"
    LOG.publish(directory, 520)
    LOG.publish(directory)
    return directory


@pytest.fixture
def copy(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "log"))


def refused(source: Path | str, **question: Any) -> Report:
    report = verify(source, key=VERIFIER.vkey, **question)
    assert not report.verified
    assert report.error is not None
    assert report.error["message"]
    return report


def blamed(source: Path | str, **question: Any) -> object:
    error = refused(source, **question).error
    assert error is not None
    return error["file"]


def test_a_published_log_is_verified_and_counted(published: Path) -> None:
    report = verify(published, key=VERIFIER.vkey)
    assert report.error is None
    assert (report.verified, report.recount_equal, report.key_source) == (True, True, "given")
    document = json.loads(json.dumps(report.document()))
    assert (document["size"], document["origin"]) == (SIZE, LOG.origin)
    assert document["root"] == LOG.checkpoint().root.hex()
    assert document["rows"] == LOG.counts()["rows"]
    assert document["not_proven"]
    assert document["receipt"] is document["since"] is document["error"] is None


def test_without_a_key_the_answer_says_whose_key_was_believed(published: Path) -> None:
    report = verify(published)
    assert (report.verified, report.key_source) == (True, "directory")


def test_a_log_without_a_key_file_can_be_checked_with_a_given_key(copy: Path) -> None:
    (copy / "key").unlink()
    assert verify(copy, key=VERIFIER.vkey).verified
    report = verify(copy)
    assert report.error is not None
    assert report.error["file"] == "key"


def test_an_empty_log_is_valid(tmp_path: Path) -> None:
    Log().publish(tmp_path)
    report = verify(tmp_path, key=VERIFIER.vkey)
    assert (report.verified, report.size, report.recount_equal) == (True, 0, True)


def test_a_log_is_verified_over_http_with_receipt_and_older_checkpoint(published: Path, tmp_path: Path) -> None:
    held, since = tmp_path / "receipt.json", tmp_path / "old"
    held.write_text(json.dumps(LOG.receipt(300, 520).document()))
    since.write_text(LOG.signed(100))
    with served(published) as address:
        report = verify(address, key=VERIFIER.vkey, receipt=held, since=since)
    assert report.error is None
    assert report.verified
    assert verify(address).error is not None, "the server is gone"


# --- what was altered -------------------------------------------------------------------------------------


def bundle_of(*entries: bytes) -> bytes:
    return tiles.bundle(entries)


LAST = LOG.entries[512:]
RELABELLED = encode(dataclasses.replace(sample_leaf(512), day=sample_leaf(0).day))


@pytest.mark.parametrize(
    ("path", "alter"),
    [
        ("tile/entries/002.p/28", lambda data: data[:-1]),
        ("tile/entries/002.p/28", lambda data: data + b"\0\0"),
        ("tile/entries/002.p/28", lambda _: b""),
        ("tile/entries/002.p/28", lambda _: bundle_of(*LAST[:-1])),
        ("tile/entries/002.p/28", lambda _: bundle_of(*LAST[:-1], LAST[0])),
        ("tile/entries/002.p/28", lambda _: bundle_of(LAST[1], LAST[0], *LAST[2:])),
        ("tile/entries/002.p/28", lambda _: bundle_of(RELABELLED, *LAST[1:])),
        ("tile/entries/002.p/28", lambda _: bundle_of(*LAST[:-1], encode(sample_leaf(9998)))),
        ("tile/entries/002.p/28", lambda _: bundle_of(*LAST[:-1], b"anything")),
        ("tile/entries/001", lambda data: data[: len(data) // 2]),
        ("tile/0/000", lambda data: data[32:] + data[:32]),
        ("tile/0/001", lambda data: data[:-32]),
        ("tile/0/002.p/28", lambda data: bytes(len(data))),
        ("tile/1/000.p/2", lambda data: data[32:] + data[:32]),
        ("tile/0/002.p/8", lambda data: bytes(len(data))),
        ("tile/entries/002.p/8", lambda data: data[:-1]),
        ("checkpoint", lambda data: data.replace(b"540", b"541")),
        ("checkpoint", lambda data: data.replace(b"540", b"520")),
        ("checkpoint", lambda _: LOG.signed().replace("—", "-").encode()),
        ("checkpoint", lambda _: Log(LOG.entries, key=OTHER_KEY).signed().encode()),
        ("checkpoint", lambda _: Log(LOG.entries, origin="other.example/log").signed().encode()),
        ("checkpoint", lambda _: sign("not a checkpoint\n", LOG.origin, KEY).encode()),
        ("checkpoint", lambda _: b"\xff\xfe"),
        ("checkpoint", lambda _: b""),
        ("key", lambda _: b""),
        ("key", lambda _: Verifier.of(LOG.origin, OTHER_KEY).vkey.encode() + b"\n"),
        ("key", lambda data: data + data),
        ("key", lambda _: b"\xff"),
        ("counts.json", lambda _: b""),
        ("counts.json", lambda data: data.replace(b'"count":1', b'"count":2', 1)),
        ("counts.json", lambda data: data.replace(b"was right", b"was wrong")),
        ("counts.json", lambda data: json.dumps(json.loads(data) | {"not_proven": []}).encode()),
        ("counts.json", lambda _: json.dumps(dict(LOG.counts(520))).encode()),
    ],
)
def test_whatever_is_altered_is_named(copy: Path, path: str, alter: Callable[[bytes], bytes]) -> None:
    altered = alter((copy / path).read_bytes())
    assert altered != (copy / path).read_bytes()
    replaced(copy, path, altered)
    assert blamed(copy) == path


@pytest.mark.parametrize("path", ["checkpoint", "counts.json", "tile/0/001", "tile/1/000.p/2", "tile/entries/000"])
def test_whatever_is_missing_is_named(copy: Path, path: str) -> None:
    (copy / path).unlink()
    assert blamed(copy) == path


def test_counts_of_an_older_size_are_stale(copy: Path) -> None:
    other = copy.parent / "older"
    LOG.publish(other, 520)
    shutil.copy(other / "counts.json", copy / "counts.json")
    report = refused(copy)
    assert report.error is not None
    assert report.error["file"] == "counts.json"
    assert report.recount_equal is False


def test_counts_waiting_for_their_name_are_found(copy: Path) -> None:
    """A crash between publishing the checkpoint and renaming the counts."""
    other = copy.parent / "older"
    LOG.publish(other, 520)
    (copy / "counts.json").rename(copy / "counts.next.json")
    assert verify(copy).verified
    shutil.copy(other / "counts.json", copy / "counts.json")
    assert verify(copy).verified
    replaced(copy, "counts.next.json", (copy / "counts.next.json").read_bytes().replace(b"1", b"2", 1))
    assert blamed(copy) == "counts.json"


def rebuilt(directory: Path, entries: list[bytes]) -> Path:
    """Make the whole log anew from other entries, as someone who holds the signing key could."""
    Log(entries).publish(directory)
    return directory


def test_whoever_rebuilds_all_files_lacks_the_signature(copy: Path, tmp_path: Path) -> None:
    """Deleted, doubled or relabelled entries, with every tile, count and root made to fit."""
    for number, entries in enumerate(
        [
            LOG.entries[:-1],
            LOG.entries[1:] + LOG.entries[:1],
            [*LOG.entries[:512], RELABELLED, *LOG.entries[513:]],
        ]
    ):
        forged = rebuilt(tmp_path / str(number), entries)
        shutil.copy(copy / "checkpoint", forged / "checkpoint")
        assert blamed(forged) in {"checkpoint", "tile/entries/002.p/28"}


@pytest.mark.parametrize("place", [0, 300, 539])
def test_a_signed_log_must_still_be_sound(tmp_path: Path, place: int) -> None:
    """Even the holder of the key cannot publish a leaf twice, or one that cites what is not there."""
    log = Log([*LOG.entries, LOG.entries[place]])
    log.publish(tmp_path / "twice")
    assert blamed(tmp_path / "twice") == "tile/entries/002.p/29"
    citing = encode(dataclasses.replace(sample_leaf(9), cites="ab" * 16))
    log = Log([*LOG.entries[:9], citing, *LOG.entries[10:]])
    log.publish(tmp_path / "citing")
    assert blamed(tmp_path / "citing") == "tile/entries/000"


def test_a_leaf_may_cite_one_that_comes_later(tmp_path: Path) -> None:
    """Entries are shuffled before they are published."""
    log = Log(LOG.entries[::-1])
    log.publish(tmp_path)
    assert verify(tmp_path).verified


def test_an_entry_that_is_no_leaf_is_named_even_when_it_was_signed(tmp_path: Path) -> None:
    log = Log([*LOG.entries[:300], b'{"bytes":"that an outsider chose"}'])
    Export(tmp_path, VERIFIER).publish(log.read, log.signed(), Tally().document(log.checkpoint()))
    assert blamed(tmp_path) == "tile/entries/001.p/45"


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_anywhere_is_found(copy: Path, data: st.DataObject) -> None:
    """Every file of the export, every bit: refused, and never a failure of the verifier itself."""
    paths = sorted(path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(paths))
    right = (copy / path).read_bytes()
    wrong = bytearray(right)
    wrong[data.draw(st.integers(0, len(right) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    replaced(copy, path, bytes(wrong))
    try:
        key = VERIFIER.vkey if data.draw(st.booleans()) else None
        report = verify(copy, key=key)
        assert not report.verified
        assert report.error is not None
        # With the key believed from the folder, an altered key shows as a checkpoint it did not sign.
        assert report.error["file"] == path or path == "key"
    finally:
        replaced(copy, path, right)


# --- receipts and older checkpoints -----------------------------------------------------------------------


def kept(directory: Path, name: str, document: Any) -> Path:
    path = directory / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_a_receipt_is_found_in_the_log(published: Path, tmp_path: Path) -> None:
    for index, size in [(0, 1), (33, 100), (519, 520), (539, 540)]:
        path = kept(tmp_path, "receipt.json", LOG.receipt(index, size).document())
        report = verify(published, key=VERIFIER.vkey, receipt=path)
        assert report.error is None
        assert report.receipt is not None
        assert (report.verified, report.receipt["included"], report.receipt["index"]) == (True, True, index)
        assert report.receipt["fields"] == [{"name": "reason", "value": "You are told only what is yours."}]


def test_a_pending_receipt_is_verified_once_its_leaf_is_in_the_log(published: Path, tmp_path: Path) -> None:
    def pending(number: int) -> Path:
        opened = [open_field(FIELDS, committed(number).salts, "reason")]
        leaf = sample_leaf(number).leaf
        return kept(tmp_path, "receipt.json", receipt.pending(LOG.origin, leaf, opened).document())

    report = verify(published, receipt=pending(200))
    assert report.receipt is not None
    assert (report.verified, report.receipt["status"], report.receipt["index"]) == (True, "pending", 200)
    report = refused(published, receipt=pending(800))
    assert report.recount_equal
    assert report.receipt is not None
    assert report.receipt["included"] is False
    assert report.error is not None
    assert "not in the log yet" in str(report.error["message"])


OTHER = Log(LOG.entries, origin="other.example/log")
FORKED = Log([*LOG.entries[:400], encode(sample_leaf(9998)), *LOG.entries[401:]])


@pytest.mark.parametrize(
    "document",
    [
        OTHER.receipt(33).document(),
        dict(OTHER.receipt(33).document()) | {"origin": LOG.origin},
        FORKED.receipt(33).document(),
        FORKED.receipt(33, 500).document(),
        Log.of(600).receipt(33).document(),
        Log(LOG.entries, key=OTHER_KEY).receipt(33).document(),
        dict(LOG.receipt(33).document()) | {"leaf": sample_leaf(34).leaf},
        dict(LOG.receipt(33).document()) | {"proof": LOG.proof(34).write()},
        dict(LOG.receipt(33).document()) | {"fields": LOG.receipt(33).document()["fields"] and [{}]},
        dict(LOG.receipt(33).document()) | {"fields": LOG.receipt(34).document()["fields"]},
        "not JSON",
    ],
)
def test_a_receipt_that_does_not_fit_is_refused(published: Path, tmp_path: Path, document: Any) -> None:
    assert blamed(published, receipt=kept(tmp_path, "receipt.json", document)) == "receipt.json"


@pytest.mark.parametrize("size", [0, 1, 256, 300, 540])
def test_the_log_grew_from_an_older_checkpoint(published: Path, tmp_path: Path, size: int) -> None:
    report = verify(published, key=VERIFIER.vkey, since=kept(tmp_path, "old", LOG.signed(size)))
    assert report.error is None
    assert report.since == {"size": size, "root": LOG.checkpoint(size).root.hex(), "consistent": True}


def test_a_fork_or_a_cut_is_found_by_an_older_checkpoint(published: Path, tmp_path: Path) -> None:
    for size in (401, 500, 540):
        assert blamed(published, since=kept(tmp_path, "old", FORKED.signed(size))) == "old"
    assert verify(published, since=kept(tmp_path, "old", FORKED.signed(400))).verified
    assert blamed(published, since=kept(tmp_path, "old", Log.of(541).signed())) == "checkpoint"
    assert blamed(published, since=kept(tmp_path, "old", OTHER.signed(10))) == "old"
    assert blamed(published, since=kept(tmp_path, "old", "nonsense")) == "old"


def test_a_log_that_is_published_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    LOG.publish(tmp_path, 300)
    original = tiles.read_tile
    done: list[tiles.Tile] = []

    def growing(read: tiles.Reader, tile: tiles.Tile) -> bytes:
        if not done:
            done.append(tile)
            LOG.publish(tmp_path, 540)
        return original(read, tile)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "read_tile", growing)
        report = verify(tmp_path, key=VERIFIER.vkey)
    assert report.error is None
    assert (report.verified, report.size) == (True, 540)


# --- the command ------------------------------------------------------------------------------------------


def command(source: Path | str, **question: Any) -> tuple[int, str]:
    out = io.StringIO()
    return verify_command(str(source), out=out, **question), out.getvalue()


def test_the_command_says_yes_no_or_that_the_question_was_wrong(copy: Path, tmp_path: Path) -> None:
    code, text = command(copy)
    assert code == 0
    assert text.startswith("VERIFIED\n")
    assert "--key" in text
    assert "Not proven" in text
    code, text = command(copy, key=VERIFIER.vkey, as_json=True, since=kept(tmp_path, "old", LOG.signed(10)))
    assert code == 0
    assert json.loads(text)["key_source"] == "given"
    code, text = command(copy, receipt=kept(tmp_path, "mine", LOG.receipt(3).document()))
    assert "entry 3" in text
    replaced(copy, "tile/0/000", b"")
    code, text = command(copy)
    assert code == 1
    assert text.startswith("NOT VERIFIED\n  tile/0/000")
    code, text = command(copy, as_json=True)
    assert code == 1
    assert json.loads(text)["error"]["file"] == "tile/0/000"
    for wrong in ({"key": "nonsense"}, {"since": tmp_path / "missing"}, {"receipt": tmp_path}):
        code, text = command(copy, as_json=True, **wrong)
        assert code == 2
        assert json.loads(text)["verified"] is False
    for source in (tmp_path / "missing", "ftp://example.org/log", "https://example.org/log?a=b"):
        assert command(source)[0] == 2
    with pytest.raises(Malformed):
        verify(tmp_path / "missing")


def test_ten_thousand_entries_are_verified_in_a_few_seconds(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    log = Log.of(10_000)
    log.publish(tmp_path)
    start = time.perf_counter()
    report = verify(tmp_path, key=VERIFIER.vkey)
    seconds = time.perf_counter() - start
    record_property("seconds", seconds)
    assert report.verified
    # A wide margin on half a second, for a machine that is busy with other things.
    assert seconds < 10
