"""How the ledger stands, as its watchers are told: the same reasons for which nothing is signed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acts import held
from ledger.published_log import OTHER_KEY
from running import Running
from tidegate.kernel.errors import IntegrityError, Unavailable
from tidegate.ledger.checkpoint import Checkpoint, sign_checkpoint
from tidegate.ledger.state import State, Trouble, trouble
from tidegate.ledger.steps import state


def stand(node: Running) -> State:
    settings = node.node.settings
    return node.do(lambda tx: state(tx, settings.ledger_directory, settings.ledger_origin))


def publish(node: Running) -> None:
    node.loop.run(node.node.publisher.publish())


def test_what_waits_and_what_is_public(node: Running) -> None:
    empty = stand(node)
    assert (empty.waiting, empty.size, empty.shown, empty.published_at, empty.trouble) == (0, 0, None, None, None)
    held(node, node.platform(), 1)
    before = stand(node)
    assert before.waiting > 0
    assert before.oldest_waiting == node.clock.now
    assert before.shown is None
    publish(node)
    after = stand(node)
    assert (after.waiting, after.oldest_waiting, after.behind, after.trouble) == (0, None, 0, None)
    assert after.size == after.shown == before.waiting
    assert after.published_at is not None
    assert after.root is not None


def test_entries_whose_files_could_not_be_written_are_behind(node: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_more: object) -> None:
        raise Unavailable("the disk is full")

    held(node, node.platform(), 1)
    monkeypatch.setattr(node.node.publisher._export, "publish", fail)
    with pytest.raises(Unavailable):
        publish(node)
    found = stand(node)
    assert (found.waiting, found.shown) == (0, None)
    assert found.behind == found.size > 0


def write(node: Running, size: int, root: bytes, **key: object) -> None:
    """Put a checkpoint in the public folder, as another log would have left it there."""
    folder: Path = node.node.settings.ledger_directory
    checkpoint = Checkpoint(node.node.settings.ledger_origin, size, root)
    signed = sign_checkpoint(checkpoint, key.get("key", node.node.database.keys.ledger))  # type: ignore[arg-type]
    (folder / "checkpoint").write_text(signed)


def test_each_trouble_is_seen_and_is_why_nothing_is_signed(node: Running) -> None:
    held(node, node.platform(), 1)
    publish(node)
    good = stand(node)
    assert good.root is not None
    folder: Path = node.node.settings.ledger_directory
    for expected in Trouble:
        match expected:
            case Trouble.AHEAD:
                write(node, good.size + 1, b"\x01" * 32)
            case Trouble.FORKED:
                write(node, good.size, b"\x01" * 32)
            case Trouble.OTHER_KEY:
                write(node, good.size, good.root, key=OTHER_KEY)
            case Trouble.UNREADABLE:
                (folder / "checkpoint").unlink()
                (folder / "checkpoint").mkdir()
        found = stand(node)
        assert found.trouble is expected
        with pytest.raises((IntegrityError, Unavailable)):
            publish(node)
        assert stand(node).size == good.size, "nothing was signed"
    (folder / "checkpoint").rmdir()
    write(node, good.size, good.root)
    assert stand(node).trouble is None


@given(st.integers(0, 5), st.integers(0, 5), st.booleans())
def test_trouble_is_exactly_a_public_log_we_do_not_know(shown: int, size: int, same_root: bool) -> None:
    root = b"\x01" * 32
    seen = Checkpoint("x", shown or 1, root)
    found = trouble(seen, size, root if same_root else b"\x02" * 32)
    if seen.size > size:
        assert found is Trouble.AHEAD
    else:
        assert found is (Trouble.FORKED if seen.size == size and not same_root else None)
    assert trouble(None, size, root) is None
