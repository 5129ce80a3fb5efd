"""Tiles: the paths and widths of the specification, and roots and proofs read from files alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.published_log import Log
from tidegate.kernel.errors import IntegrityError, Malformed, NotFound, Unavailable
from tidegate.ledger import tiles, tree
from tidegate.ledger.tiles import Tile, TileTree


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """Serve a folder over HTTP on this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            if self.path == "/broken":
                self.send_error(500)
            else:
                super().do_GET()

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(directory)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 7, 3), "tile/0/007.p/3"),
        (Tile(1, 999), "tile/1/999"),
        (Tile(1, 1000), "tile/1/x001/000"),
        (Tile(2, 1234067), "tile/2/x001/x234/067"),
        (Tile(63, 1234067, 255), "tile/63/x001/x234/067.p/255"),
        (Tile(None, 273, 112), "tile/entries/273.p/112"),
    ],
)
def test_paths_are_those_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path == path


def test_the_tiles_of_the_specification_s_examples() -> None:
    def widths(size: int) -> list[tuple[int, int, int]]:
        rows = [list(tiles.row(level, size)) for level in tiles.levels(size)]
        return [(len(row), row[-1].index, row[-1].width) for row in rows]

    assert widths(70_000) == [(274, 273, 112), (2, 1, 17), (1, 0, 1)]
    assert widths(256) == [(1, 0, 256), (1, 0, 1)]
    assert widths(255) == [(1, 0, 255)]
    assert widths(0) == []
    assert list(tiles.row(None, 0)) == []


@given(st.integers(0, 2**40))
def test_every_level_has_the_tiles_that_its_size_asks_for(size: int) -> None:
    for level in tiles.levels(size):
        last = (size >> 8 * level) // 256
        row = list(tiles.row(level, size, max(0, last - 1)))
        assert sum(tile.width for tile in row) == (size >> 8 * level) - max(0, last - 1) * 256
        assert all(1 <= tile.width <= 256 for tile in row)
        assert all(tile.width == 256 for tile in row[:-1])


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_a_bundle_reads_back(entries: list[bytes]) -> None:
    assert tiles.unbundle(tiles.bundle(entries), len(entries), "tile/entries/000") == entries


@given(st.binary(max_size=60), st.integers(0, 10))
def test_bytes_that_are_no_bundle_are_refused(data: bytes, width: int) -> None:
    try:
        entries = tiles.unbundle(data, width, "tile/entries/000")
    except IntegrityError:
        return
    assert len(entries) == width
    assert tiles.bundle(entries) == data


def test_a_bundle_cannot_hold_what_its_length_cannot_say() -> None:
    assert len(tiles.bundle([bytes(65_535)])) == 65_537
    with pytest.raises(Malformed):
        tiles.bundle([bytes(65_536)])


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Log, Path]:
    log = Log.of(600)
    directory = tmp_path_factory.mktemp("tiles") / "log"
    log.publish(directory)
    return log, directory


@pytest.mark.parametrize("size", [600, 513, 512, 511, 257, 256, 255, 2, 1, 0])
def test_roots_and_proofs_of_every_size_come_from_the_tiles(published: tuple[Log, Path], size: int) -> None:
    log, directory = published
    found = TileTree(tiles.directory_reader(directory), 600)
    assert found.root(size) == log.checkpoint(size).root
    for index in {0, size // 2, size - 1} & set(range(size)):
        assert found.inclusion_proof(index, size) == list(log.proof(index, size).path)
    for old in {0, 1, size // 2, size} & set(range(size + 1)):
        assert found.consistency_proof(old, size) == tree.consistency_proof(old, size, log.node)


def test_every_published_size_can_be_read_by_itself(tmp_path: Path) -> None:
    """Also when its partial tiles were dropped: the full ones begin with them."""
    log, directory = Log.of(600), tmp_path / "log"
    for size in (1, 200, 255, 256, 300, 512, 600):
        log.publish(directory, size)
    assert not (directory / "tile/entries/000.p").exists()
    for size in (1, 200, 255, 256, 300, 512, 600):
        assert TileTree(tiles.directory_reader(directory), size).root() == log.checkpoint(size).root


def test_a_missing_tile_is_named(published: tuple[Log, Path]) -> None:
    read = tiles.directory_reader(published[1])
    with pytest.raises(NotFound) as caught:
        TileTree(read, 900).root()
    assert caught.value.reference == "tile/1/000.p/3"
    with pytest.raises(NotFound) as caught:
        tiles.read_tile(read, Tile(None, 3, 9))
    assert caught.value.reference == "tile/entries/003.p/9"


def test_an_older_bundle_is_the_beginning_of_the_full_one(published: tuple[Log, Path]) -> None:
    log, directory = published
    data = tiles.read_tile(tiles.directory_reader(directory), Tile(None, 1, 44))
    assert tiles.unbundle(data, 44, "") == log.entries[256:300]


def test_a_log_reads_the_same_over_http(published: tuple[Log, Path]) -> None:
    log, directory = published
    with served(directory) as address:
        read = tiles.url_reader(address)
        assert TileTree(read, 600).root() == log.checkpoint().root
        with pytest.raises(NotFound) as caught:
            read("tile/9/000")
        assert caught.value.reference == "tile/9/000"
        with pytest.raises(Unavailable) as refused:
            read("broken")
        assert refused.value.reference == "broken"
    with pytest.raises(Unavailable):
        read("checkpoint")


@pytest.mark.parametrize(
    "address",
    ["file:///etc", "ftp://example.org", "http://", "https://example.org/?a=b", "http://example.org/#a"],
)
def test_only_plain_web_addresses_are_read(address: str) -> None:
    with pytest.raises(Malformed):
        tiles.url_reader(address)


def test_what_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = tiles.directory_reader(tmp_path)
    (tmp_path / "checkpoint").mkdir()
    with pytest.raises(Unavailable):
        read("checkpoint")
    (tmp_path / "key").write_bytes(b"12345")
    monkeypatch.setattr(tiles, "LONGEST_FILE", 4)
    with pytest.raises(IntegrityError):
        read("key")
    with pytest.raises(NotFound):
        read("key/under/a/file")
