"""Lists in and out at the machine: unconfirmed whoever made them, known ones left alone, and what goes out recorded."""

import asyncio
import hashlib
import io
import json
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result

from acts import ask, make_known
from failures.test_rebuild import differences
from running import Nodes, Running
from tidegate.cli import main
from tidegate.commands import lists
from tidegate.db.sealing import read_detail
from tidegate.fingerprint.words.text import fingerprint_in
from tidegate.jail import Jail, JailError, Reason
from tidegate.kernel.errors import Conflict, Malformed, Unavailable
from tidegate.kernel.ids import DecisionId, ListId
from tidegate.people.model import Scope
from tidegate.signal import steps, store
from tidegate.signal.formats import LeftOut, Reading
from tidegate.signal.model import FingerprintKind, Label, ListFormat, Provenance, Standing

HEAD = "signal_type,signal_str,collab,category,tags\n"
INCITES = Reading(labels=(Label.INCITES,))


def values(count: int, what: str = "a") -> list[str]:
    return [hashlib.sha256(f"{what} {number}".encode()).hexdigest() for number in range(count)]


def csv_of(*some: str, kind: str = "pdq") -> str:
    return HEAD + "".join(f"{kind},{value},list,INVESTIGATION_SEED,\n" for value in some)


@dataclass
class Machine:
    """Whoever is at the machine of a node."""

    node: Running
    said: list[str]

    def read(self, text: str, how: Reading = INCITES, source: str = "A list") -> steps.Imported:
        file = io.BytesIO(text.encode())
        work = lists.import_list(self.node.node.database, file, how, source, self.said.append, self.node.node.jail)
        return self.node.loop.run(work)

    def write(self, path: Path, purpose: str = "A test", *, chosen: ListFormat = ListFormat.CSV, **more: Any) -> int:
        return self.node.loop.run(lists.export_list(self.node.node.database, path, chosen, purpose, **more))

    def events(self, kind: str) -> list[dict[str, Any]]:
        return ask(self.node, "SELECT * FROM event WHERE kind = %s ORDER BY id", kind)

    def detail(self, event: dict[str, Any]) -> dict[str, Any]:
        found = self.node.do(lambda tx: read_detail(tx, ListId(event["subject"]), steps.LIST_PART))
        assert found is not None
        return found


@pytest.fixture
def machine(node: Running) -> Machine:
    return Machine(node, [])


# --- in ---


def test_rule_15_a_list_comes_in_unconfirmed(machine: Machine) -> None:
    became = machine.read(csv_of(*values(3)))
    assert became.counts == {"added": 3, "known": 0, "wrong": 0, "negative": 0, "disputed": 0, "other_type": 0}
    known = machine.node.do(store.newest)
    assert {signal.value.hex() for signal in known} == set(values(3))
    assert {signal.standing for signal in known} == {Standing.UNCONFIRMED}
    assert {signal.provenance for signal in known} == {Provenance.IMPORT}
    assert {signal.labels for signal in known} == {frozenset({Label.INCITES})}
    assert [signal.number for signal in known] == [signal.position for signal in known] == [3, 2, 1]


def test_what_is_known_stays_as_it_is(machine: Machine) -> None:
    (one, two, three) = values(3)
    (confirmed,) = make_known(machine.node, bytes.fromhex(one), label=Label.THREATENS)
    became = machine.read(csv_of(one, two, two, three, kind="sha256"))
    assert (became.added, became.known) == (2, 2)
    (still,) = machine.node.do(lambda tx: store.load(tx, [confirmed]))
    assert (still.standing, still.labels) == (Standing.CONFIRMED, frozenset({Label.THREATENS}))
    # A list that is read again adds nothing.
    assert machine.read(csv_of(one, two, three, kind="sha256")).counts["added"] == 0
    assert len(machine.node.do(store.newest)) == 3


def test_many_at_once_are_the_same_as_one_by_one(machine: Machine, node: Running) -> None:
    machine.read(csv_of(*values(5)))
    one = values(1, "alone")[0]
    node.do(lambda tx: steps.add(tx, FingerprintKind.PDQ, bytes.fromhex(one), (Label.INCITES,), Provenance.IMPORT))
    rows = ask(node, "SELECT * FROM event WHERE kind = 'signal.added' ORDER BY id")
    assert [row["data"]["position"] for row in rows] == [1, 2, 3, 4, 5, 6]
    many, alone = rows[0], rows[-1]
    same = ("at", "kind", "actor_kind", "actor")
    assert {name: many[name] for name in same} == {name: alone[name] for name in same}
    assert many["about"] == [many["subject"]]
    varying = ("signal", "position")
    assert {k: v for k, v in many["data"].items() if k not in varying} == {
        k: v for k, v in alone["data"].items() if k not in varying
    }
    assert differences(node) == {}


def test_batches_are_kept_as_they_come(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken off anywhere, what was read stays, and the same list read again adds the rest."""
    monkeypatch.setattr(lists, "BATCH", 10)
    whole, broken = csv_of(*values(95)), RuntimeError("the machine was switched off")
    adding = steps.add_many
    calls = 0

    async def add_until(*arguments: Any) -> int:
        nonlocal calls
        calls += 1
        if calls > 4:
            raise broken
        return await adding(*arguments)

    monkeypatch.setattr(steps, "add_many", add_until)
    with pytest.raises(RuntimeError):
        machine.read(whole)
    assert len(machine.node.do(store.newest)) == 40
    assert machine.events("signal.list_imported") == []
    monkeypatch.setattr(steps, "add_many", adding)
    became = machine.read(whole)
    assert (became.added, became.known) == (55, 40)


def test_two_who_read_the_same_list_at_once(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "BATCH", 7)
    text = csv_of(*values(60))

    async def both() -> list[steps.Imported]:
        database, jail = machine.node.node.database, machine.node.node.jail
        readers = [
            lists.import_list(database, io.BytesIO(text.encode()), INCITES, "x", machine.said.append, jail)
            for _ in range(2)
        ]
        return await asyncio.gather(*readers)

    one, other = machine.node.loop.run(both())
    assert one.added + other.added == 60
    assert one.lines == other.lines == 60
    assert len(machine.node.do(store.newest)) == 60


def test_wrong_lines_are_named_and_what_is_left_out_is_counted(machine: Machine) -> None:
    one, two, three = values(3)
    text = csv_of(one) + f"pdq,short,c,,\npdq,{two},c,NEGATIVE_CLASS,\npdq,{three},c,DISPUTED,\nvideo_md5,ab,c,,\n"
    became = machine.read(text, source="Another network, November")
    assert became.counts == {"added": 1, "known": 0, "wrong": 1, "negative": 1, "disputed": 1, "other_type": 1}
    assert became.left_out == {LeftOut.NEGATIVE: 1, LeftOut.DISPUTED: 1, LeftOut.OTHER_TYPE: 1}
    assert [line.partition(":")[0] for line in machine.said] == ["line 3"]
    assert "short" not in machine.said[0]
    (event,) = machine.events("signal.list_imported")
    counted = {name: event["data"][name] for name in became.counts}
    assert counted == became.counts
    assert (event["actor_kind"], event["data"]["list_format"]) == ("machine", "csv")
    assert machine.detail(event)["source"] == "Another network, November"
    assert machine.detail(event)["account"]


def test_many_wrong_lines_do_not_flood(machine: Machine) -> None:
    assert machine.read(HEAD + "pdq,x,,,\n" * 500).wrong == 500
    assert len(machine.said) == 21


def test_the_index_finds_what_was_read(nodes: Nodes) -> None:
    node = nodes.start(match_without_record=True)
    machine = Machine(node, [])
    machine.read(csv_of(*values(20)))
    client = node.platform(scopes=frozenset({Scope.MATCH})).client
    asked = {"signal": values(20)[7], "signal_type": "pdq", "banks": "UNCONFIRMED"}
    assert len(client.get("/hma/m/raw_lookup", params=asked).json()["matches"]) == 1


def test_texts_and_addresses_come_down_to_what_uploads_are_compared_with(machine: Machine) -> None:
    words = "A harmless sentence about bridges, gates and the sea behind them, long enough to be known again."
    lines = [
        f'raw_text,"{words}",c,,',
        f'raw_text,"{words.upper()}",c,,',
        'raw_text,"Too short",c,,',
        "url,HTTP://Example.org:80/a/../B?c#d,c,,",
        "url,https://example.org/B?c,c,,",
        "url,javascript:alert(1),c,,",
    ]
    became = machine.read(HEAD + "\n".join(lines))
    assert (became.added, became.known, became.wrong) == (2, 2, 2)
    assert [line.partition(":")[0] for line in machine.said] == ["line 4", "line 7"]
    kinds = {signal.kind: signal.value for signal in machine.node.do(store.newest)}
    assert kinds[FingerprintKind.URL] == b"https://example.org/B?c"
    letters = machine.node.loop.run(fingerprint_in(machine.node.node.jail, words.encode())).letters
    assert kinds[FingerprintKind.TEXT] == letters.encode()


class Gone:
    """A jail whose children are gone."""

    running = True

    async def run(self, *_arguments: object, **_more: object) -> bytes:
        raise JailError(Reason.ENGINE_DOWN)


def test_a_list_of_addresses_is_broken_off_while_the_jail_is_gone(machine: Machine) -> None:
    good, machine.node.node.jail = machine.node.node.jail, cast("Jail", Gone())
    with pytest.raises(Unavailable):
        machine.read(HEAD + "url,https://example.org/,c,,\n")
    machine.node.node.jail = good
    assert machine.read(HEAD + "url,https://example.org/,c,,\n").added == 1


# --- out ---


def test_rule_12_a_list_goes_out_to_its_owner_alone_and_on_the_record(machine: Machine, tmp_path: Path) -> None:
    confirmed, imported = values(1, "own")[0], values(1)[0]
    make_known(machine.node, bytes.fromhex(confirmed))
    machine.read(csv_of(imported))
    path = tmp_path / "out.csv"
    assert machine.write(path, " Sharing with a vetted member ") == 1
    assert path.read_text() == HEAD + f"sha256,{confirmed},tidegate,POSITIVE_CLASS,label=incites\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (event,) = machine.events("signal.list_exported")
    assert (event["data"]["signals"], event["actor_kind"]) == (1, "machine")
    assert machine.detail(event)["purpose"] == "Sharing with a vetted member"
    both = tmp_path / "both.txt"
    assert machine.write(both, unconfirmed=True, chosen=ListFormat.LOCAL) == 2
    assert both.read_text() == f"sha256 {confirmed}\npdq {imported}\n"


def test_nothing_is_overwritten_and_nothing_half_written_stays(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, link = tmp_path / "taken.csv", tmp_path / "link.csv"
    taken.write_text("kept")
    link.symlink_to(tmp_path / "elsewhere.csv")
    for path in (taken, link, tmp_path / "no folder" / "out.csv"):
        with pytest.raises(Conflict):
            machine.write(path)
    assert taken.read_text() == "kept"
    with pytest.raises(Malformed, match="what the list is for"):
        machine.write(tmp_path / "out.csv", "  ")
    assert machine.events("signal.list_exported") == []

    async def broken(*_arguments: object, **_more: object) -> None:
        raise RuntimeError("no more pages")

    machine.read(csv_of(*values(2)))
    monkeypatch.setattr(store, "page", broken)
    with pytest.raises(RuntimeError):
        machine.write(tmp_path / "out.csv", unconfirmed=True)
    assert not (tmp_path / "out.csv").exists()
    # That it was about to leave is on the record all the same.
    assert len(machine.events("signal.list_exported")) == 1


def test_withdrawn_signals_do_not_go_out(machine: Machine, tmp_path: Path) -> None:
    signals = make_known(machine.node, bytes.fromhex(values(1)[0]))
    machine.node.do(lambda tx: steps.withdraw(tx, signals, tx.new(DecisionId)))
    assert machine.write(tmp_path / "out.csv", unconfirmed=True) == 0


def test_what_went_out_comes_in_elsewhere(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "_PAGE", 7)
    machine.read(csv_of(*values(50)), Reading(labels=(Label.GLORIFIES, Label.THREATENS)))
    assert machine.write(tmp_path / "out.csv", unconfirmed=True) == 50
    again = machine.read((tmp_path / "out.csv").read_text(), Reading(labels_in_tags=True))
    assert again.counts == {"added": 0, "known": 50, "wrong": 0, "negative": 0, "disputed": 0, "other_type": 0}


# --- as commands ---


@pytest.fixture
def tidegate(node: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Give commands at the machine of a node."""
    settings = node.node.settings
    assert settings.database_url is not None
    monkeypatch.setenv("TIDEGATE_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("TIDEGATE_DATA_DIRECTORY", str(settings.data_directory))
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(main, list(words), catch_exceptions=False)


def test_the_commands(tidegate: Callable[..., Result], machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(csv_of(*values(3)) + "pdq,short,c,,\n")
    done = tidegate("signal", "import", "list.csv", "--label", "incites", "--json")
    assert done.exit_code == 1, "a line was wrong"
    assert json.loads(done.stdout)["added"] == 3
    assert "line 5:" in done.stderr
    (tmp_path / "simple.HASH_PDQ.te").write_text(f"{values(1, 'te')[0]},1,2020-07-31T18:47:45+0000,tag\n")
    done = tidegate("signal", "import", "simple.HASH_PDQ.te", "--tag", "tag=threatens")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("1 added, 0 known, 0 wrong")
    done = tidegate("signal", "export", "out.csv", "--purpose", "A copy", "--unconfirmed")
    assert done.exit_code == 0, done.output
    assert "4 signals written" in done.stdout
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 5
    sources = [machine.detail(event)["source"] for event in machine.events("signal.list_imported")]
    assert sources == ["list.csv", "simple.HASH_PDQ.te"]


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("import", "list.csv"), 2, "Say what the list is of"),
        (("import", "list.csv", "--label", "copyright"), 77, "Terrorist content only"),
        (("import", "list.csv", "--tag", "ideology=incites"), 77, "no label"),
        (("import", "list", "--label", "incites"), 2, "csv, local or te"),
        (("import", "no.csv", "--label", "incites"), 2, "No such file"),
        (("export", "list.csv", "--purpose", "x"), 73, "not there yet"),
        (("export", "new.csv"), 2, "--purpose"),
        (("export", "new.csv", "--purpose", " "), 2, "what the list is for"),
    ],
)
def test_the_commands_say_what_is_wrong(
    tidegate: Callable[..., Result], tmp_path: Path, words: tuple[str, ...], status: int, told: str
) -> None:
    for name in ("list.csv", "list"):
        (tmp_path / name).write_text(csv_of(*values(1)))
    done = tidegate("signal", *words)
    assert (done.exit_code, told in done.output) == (status, True), done.output


def test_a_killed_import_is_read_again(
    tidegate: Callable[..., Result], machine: Machine, node: Running, tmp_path: Path
) -> None:
    many = values(2 * lists.BATCH + 7)
    (tmp_path / "list.csv").write_text(csv_of(*many))
    words = [sys.executable, "-m", "tidegate", "signal", "import", "-", "--format", "csv", "--label", "incites"]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as reader:
        assert reader.stdin is not None
        # A whole batch and a part of the next; the end of the list never comes.
        reader.stdin.write(csv_of(*many[: lists.BATCH + 100]).encode())
        reader.stdin.flush()
        until = time.monotonic() + 60
        while len(node.do(lambda tx: store.newest(tx, 2))) < 2:
            assert time.monotonic() < until, "nothing came in"
            time.sleep(0.05)
        reader.kill()
    kept = node.do(lambda tx: store.count(tx, store.Filters()))
    assert kept == lists.BATCH, "a batch is kept whole, and no part of one"
    done = tidegate("signal", "import", "list.csv", "--label", "incites", "--json")
    assert json.loads(done.stdout) | {"added": 0} == {
        "added": 0, "known": kept, "wrong": 0, "negative": 0, "disputed": 0, "other_type": 0,
    }  # fmt: skip
    positions = [signal.position for signal in node.do(lambda tx: store.newest(tx, 5000))]
    assert positions == list(range(len(many), 0, -1)), "no position is lost"
    assert differences(node) == {}
    assert len(machine.events("signal.list_imported")) == 1
