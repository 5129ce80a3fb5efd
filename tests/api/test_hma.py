"""HMA clients, over real HTTP: the shapes they were written against, their two ways in, and what was mended."""

import hashlib
import io
import json
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import httpx2
import numpy as np
import pytest
from PIL import Image

from acts import ask, make_known, picture
from benchmarks.scenes import encoded, scene
from floor.test_rule_02 import NOT_A_PICTURE, Hurried, stop_engine
from running import Nodes, Platform, Running
from tidegate.db.transaction import Transaction
from tidegate.fingerprint.video import vpdq_text
from tidegate.fingerprint.video.frames import Density, Part, read_part
from tidegate.fingerprint.words import text as texts
from tidegate.flow import VIEWS
from tidegate.jail import Jail
from tidegate.kernel.ids import DecisionId, SignalId
from tidegate.match import following
from tidegate.people.model import Scope
from tidegate.signal import steps as signals
from tidegate.signal import store
from tidegate.signal.model import FingerprintKind, Label, Provenance


@pytest.fixture
def node(nodes: Nodes) -> Running:
    return nodes.start(match_without_record=True, match_per_minute=100_000)


@pytest.fixture
def platform(node: Running) -> Platform:
    return node.platform(scopes=frozenset({Scope.MATCH}))


@pytest.fixture
def hma(platform: Platform) -> httpx2.Client:
    """The client of a program that keeps the path of its base URL."""
    platform.client.base_url = f"{platform.client.base_url}/hma/"
    return platform.client


def photo(data: bytes) -> dict[str, Any]:
    return {"photo": ("upload.jpg", data, "image/jpeg")}


def pdq_of(hma: httpx2.Client, data: bytes) -> str:
    return str(hma.post("h/hash", files=photo(data)).json()["pdq"])


def flipped(value: str, bits: int) -> str:
    """Give a PDQ value this many bits away."""
    return f"{int(value, 16) ^ ((1 << bits) - 1):064x}"


@dataclass(frozen=True)
class Known:
    """A picture our people stand behind, by its bytes and its look."""

    data: bytes
    sha256: str
    pdq: str
    number: int
    look_number: int


@pytest.fixture
def known(node: Running, hma: httpx2.Client) -> Known:
    data = picture(1)
    sha256, pdq = hashlib.sha256(data).hexdigest(), pdq_of(hma, data)
    exact, look = make_known(node, bytes.fromhex(sha256), bytes.fromhex(pdq))
    return Known(data, sha256, pdq, number_of(node, exact), number_of(node, look))


def number_of(node: Running, signal: SignalId) -> int:
    (loaded,) = node.do(lambda tx: store.load(tx, [signal]))
    return loaded.number


def add(node: Running, kind: FingerprintKind, value: str, *labels: Label) -> SignalId:
    """Add a signal that nobody has confirmed, as an import does."""
    return node.do(lambda tx: signals.add(tx, kind, bytes.fromhex(value), labels, Provenance.IMPORT))


# --- the recorded shapes ---


def test_what_a_photo_gives(hma: httpx2.Client, known: Known) -> None:
    assert hma.post("h/hash", files=photo(known.data)).json() == {"pdq": known.pdq, "sha256": known.sha256}
    assert hma.post("h/hash", params={"types": "pdq"}, files=photo(known.data)).json() == {"pdq": known.pdq}
    assert hma.post("m/lookup", files=photo(known.data)).json() == {
        "pdq": {"INCITES": [{"bank_content_id": known.look_number, "distance": "0"}]},
        "sha256": {"INCITES": [{"bank_content_id": known.number, "distance": "-"}]},
    }
    assert hma.post("m/lookup", files=photo(picture(2))).json() == {"pdq": {}, "sha256": {}}


def test_what_a_video_gives(node: Running, hma: httpx2.Client) -> None:
    data = b"any bytes at all: exact ones need no decoding" * 9
    value = hashlib.sha256(data).hexdigest()
    (signal,) = make_known(node, bytes.fromhex(value))
    files = {"video": ("upload.mp4", data, "video/mp4")}
    answer = hma.post("m/lookup", params={"types": "video_sha256"}, files=files).json()
    assert answer == {"video_sha256": {"INCITES": [{"bank_content_id": number_of(node, signal), "distance": "-"}]}}
    assert hma.post("h/hash", params={"types": "video_sha256"}, files=files).json() == {"video_sha256": value}


def test_what_a_signal_gives(hma: httpx2.Client, known: Known) -> None:
    asked = {"signal": flipped(known.pdq, 31), "signal_type": "pdq"}
    assert hma.get("m/lookup", params=asked).json() == {
        "INCITES": [{"bank_content_id": known.look_number, "distance": "31"}]
    }
    assert hma.get("m/raw_lookup", params=asked).json() == {"matches": [known.look_number]}
    assert hma.get("m/raw_lookup", params=asked | {"include_distance": "true"}).json() == {
        "matches": [{"bank_content_id": known.look_number, "distance": "31"}]
    }
    exact = {"signal": known.sha256, "signal_type": "video_sha256"}
    assert hma.get("m/lookup", params=exact).json() == {"INCITES": [{"bank_content_id": known.number, "distance": "-"}]}
    beyond = {"signal": flipped(known.pdq, 32), "signal_type": "pdq"}
    assert hma.get("m/lookup", params=beyond).json() == {}
    assert hma.get("m/raw_lookup", params=beyond).json() == {"matches": []}


def test_upper_case_reads_and_lower_case_is_written(hma: httpx2.Client, known: Known) -> None:
    asked = {"signal": known.pdq.upper(), "signal_type": "pdq"}
    assert hma.get("m/raw_lookup", params=asked).json() == {"matches": [known.look_number]}
    assert known.pdq == known.pdq.lower()


def test_a_video_is_searched_for_parts_when_that_is_asked_for(node: Running, hma: httpx2.Client) -> None:
    data = encoded(scene(3, 10, size=(160, 120)))
    jail = node.loop.run(node.node.videos.open())
    dense = node.loop.run(read_part(jail, data, Part(density=Density.EVERY)))
    number = known_as(node, FingerprintKind.VIDEO, dense.frames.tobytes())
    files = {"video": ("upload.mp4", data, "video/mp4")}
    assert hma.post("m/lookup", files=files).json() == {"video_sha256": {}}
    answer = hma.post("m/lookup", params={"types": "video_sha256,vpdq"}, files=files).json()
    ((match,),) = answer["vpdq"].values()
    assert (match["bank_content_id"], answer["video_sha256"]) == (number, {})
    assert re.fullmatch(r"\d+%\[\d+%\]", match["distance"])
    broken = {"video": ("upload.mp4", data[:200], "video/mp4")}
    assert hma.post("m/lookup", params={"types": "vpdq"}, files=broken).status_code == 400
    assert hma.post("h/hash", params={"types": "vpdq"}, files=files).status_code == 400


def known_as(node: Running, kind: FingerprintKind, value: bytes) -> int:
    """Have our people stand behind a value; give its number."""

    async def act(tx: Transaction) -> SignalId:
        signal = await signals.add(tx, kind, value, (Label.INSTRUCTS,), Provenance.OWN)
        await signals.confirm(tx, signal, (Label.INSTRUCTS,), tx.new(DecisionId))
        return signal

    return number_of(node, node.do(act))


def test_what_an_address_gives(node: Running, hma: httpx2.Client) -> None:
    number = known_as(node, FingerprintKind.URL, b"https://example.org/B?c")
    asked = {"signal": "HTTP://EXAMPLE.org:80/a/../B?c#d", "signal_type": "url"}
    assert hma.get("m/lookup", params=asked).json() == {"INSTRUCTS": [{"bank_content_id": number, "distance": "-"}]}
    assert hma.get("m/lookup", params=asked | {"signal": "https://example.org/b?c"}).json() == {}
    assert hma.get("m/lookup", params=asked | {"signal": "data:,x"}).status_code == 400


def test_what_a_text_gives(node: Running, hma: httpx2.Client) -> None:
    words = "A harmless sentence about bridges, gates and the sea that lies behind them, long enough to be known again."
    letters = node.loop.run(texts.fingerprint_in(node.node.jail, words.encode())).letters
    number = known_as(node, FingerprintKind.TEXT, letters.encode())
    asked = {"signal": words, "signal_type": "raw_text"}
    answer = hma.get("m/lookup", params=asked)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"INSTRUCTS": [{"bank_content_id": number, "distance": "100%"}]}
    near = asked | {"signal": words.replace("the sea", "the xea"), "include_distance": "true"}
    ((found,),) = hma.get("m/raw_lookup", params=near).json().values()
    assert (found["bank_content_id"], found["distance"]) == (number, "98%")
    assert hma.get("m/lookup", params=asked | {"signal": "Something else altogether, which nobody knows."}).json() == {}


def test_what_a_video_hash_gives(node: Running, hma: httpx2.Client) -> None:
    random = np.random.default_rng(5)
    frames = [f"{random.bytes(32).hex()},100,{second}.000" for second in range(21)]
    number = known_as(node, FingerprintKind.VIDEO, vpdq_text.read("\n".join(frames)).tobytes())
    asked = {"signal": json.dumps(frames), "signal_type": "vpdq"}
    assert hma.get("m/lookup", params=asked).json() == {
        "INSTRUCTS": [{"bank_content_id": number, "distance": "100%[100%]"}]
    }
    part = asked | {"signal": "\n".join(frames[5:16])}
    ((found,),) = hma.get("m/lookup", params=part).json().values()
    mine, theirs = (int(share) for share in re.findall(r"(\d+)%", found["distance"]))
    assert mine >= 90
    assert 45 <= theirs <= 60
    assert hma.get("m/lookup", params=asked | {"signal": "[]"}).status_code == 400
    assert hma.post("m/compare", json={"vpdq": [frames[0], frames[1]]}).status_code == 400


def test_what_comparing_gives(hma: httpx2.Client) -> None:
    one = "facd8bcb2a49bcebdec1985298d5fe84bcd006c187c598c720c3c087b3fdb318"
    other = flipped(one, 9)
    asked = {"pdq": [one, other], "sha256": [one, other]}
    assert hma.post("m/compare", json=asked).json() == {
        "pdq": [True, {"distance": 9}],
        "sha256": [False, {"distance": 1}],
    }
    far = {"pdq": [one, flipped(one, 32)]}
    assert hma.post("m/compare", json=far).json() == {"pdq": [False, {"distance": 32}]}


def test_what_the_index_says_of_itself(node: Running, hma: httpx2.Client) -> None:
    empty = {"present": True, "built_to": -1, "size": 0}
    absent = empty | {"present": False}
    whole = hma.get("m/index/status").json()
    assert whole["pdq"] == empty
    assert whole["video_md5"] == absent
    add(node, FingerprintKind.PDQ, "ab" * 32, Label.INCITES)
    now = int(node.clock.now.timestamp())
    assert hma.get("m/index/status", params={"signal_type": "pdq"}).json() == {
        "pdq": {"present": True, "built_to": now, "size": 1}
    }


def test_status_is_plain_text_and_needs_no_key(node: Running) -> None:
    anyone = node.client(node.addresses.platform)
    for path in ("/hma/status", "/hma/status/live", "/status", "/status/live"):
        answer = anyone.get(path)
        assert (answer.status_code, answer.text) == (200, "I-AM-ALIVE"), path
        assert answer.headers["content-type"].startswith("text/plain"), path


Ask = Callable[[httpx2.Client], httpx2.Response]

#: name, request, status: each answers {"message": ...}
REFUSED: list[tuple[str, Ask, int]] = [
    ("unknown type", lambda hma: hma.get("m/lookup", params={"signal": "ab" * 32, "signal_type": "nothing"}), 400),
    ("a type not kept", lambda hma: hma.get("m/lookup", params={"signal": "ab" * 16, "signal_type": "video_md5"}), 400),
    ("no signal", lambda hma: hma.get("m/lookup", params={"signal_type": "pdq"}), 400),
    ("nothing", lambda hma: hma.get("m/lookup"), 400),
    ("not a signal", lambda hma: hma.get("m/raw_lookup", params={"signal": "ab", "signal_type": "pdq"}), 400),
    ("an address", lambda hma: hma.get("m/lookup", params={"url": "http://example.org/a.jpg"}), 400),
    ("an address to hash", lambda hma: hma.get("h/hash", params={"url": "http://example.org/a.jpg"}), 400),
    ("no file", lambda hma: hma.post("m/lookup"), 400),
    ("a field that is no file", lambda hma: hma.post("h/hash", data={"photo": "text"}), 400),
    ("an empty file", lambda hma: hma.post("h/hash", files=photo(b"")), 400),
    ("another field", lambda hma: hma.post("h/hash", files={"file": ("a.jpg", b"x", "image/jpeg")}), 400),
    ("two files", lambda hma: hma.post("h/hash", files=photo(b"x") | {"video": ("a.mp4", b"x", "video/mp4")}), 400),
    ("types of another", lambda hma: hma.post("h/hash", params={"types": "video_sha256"}, files=photo(b"x")), 400),
    ("unknown types", lambda hma: hma.post("h/hash", params={"types": "pdq,tmk"}, files=photo(b"x")), 400),
    ("no picture", lambda hma: hma.post("h/hash", files=photo(NOT_A_PICTURE)), 400),
    ("no picture to match", lambda hma: hma.post("m/lookup", files=photo(NOT_A_PICTURE)), 400),
    ("no JSON", lambda hma: hma.post("m/compare", content=b"{"), 400),
    ("JSON without end", lambda hma: hma.post("m/compare", content=b"[" * 60_000), 400),
    ("no pairs", lambda hma: hma.post("m/compare", json=[]), 400),
    ("no pair", lambda hma: hma.post("m/compare", json={"pdq": ["ab" * 32]}), 400),
    ("a pair of others", lambda hma: hma.post("m/compare", json={"pdq": [1, 2]}), 400),
    ("an unknown pair", lambda hma: hma.post("m/compare", json={"tmk": ["ab" * 32, "ab" * 32]}), 400),
    ("much to compare", lambda hma: hma.post("m/compare", content=b" " * 70_000), 413),
    ("unknown index", lambda hma: hma.get("m/index/status", params={"signal_type": "nothing"}), 400),
]


def test_errors_have_one_shape(hma: httpx2.Client) -> None:
    for name, request, status in REFUSED:
        answer = request(hma)
        assert answer.status_code == status, (name, answer.text)
        assert answer.headers["content-type"] == "application/json", name
        assert list(answer.json()) == ["message"], name
        assert isinstance(answer.json()["message"], str), name


def test_a_missing_parameter_is_a_list_of_what_is_wrong(hma: httpx2.Client) -> None:
    answer = hma.get("m/raw_lookup", params={"signal": "ab" * 32})
    assert answer.status_code == 422
    assert answer.json() == [{"type": "missing", "loc": ["signal_type"], "msg": "Field required"}]
    asked = {"signal": "ab" * 32, "signal_type": "pdq", "include_distance": "perhaps"}
    (mistake,) = hma.get("m/raw_lookup", params=asked).json()
    assert mistake["loc"] == ["include_distance"]


# --- two clients, as they are written ---


class RubyStyle:
    """As the Ruby gem asks: paths from the root whatever the base URL says, JSON read into fixed types."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client

    def _read(self, answer: httpx2.Response) -> Any:
        assert answer.status_code == 200, answer.text
        return answer.json()

    def raw_lookup(self, signal: str, signal_type: str, *, include_distance: bool = False) -> list[Any]:
        params = {"signal": signal, "signal_type": signal_type, "include_distance": str(include_distance).lower()}
        found = self._read(self._client.get("/m/raw_lookup", params=params))["matches"]
        return [(int(each["bank_content_id"]), int(each["distance"])) if include_distance else each for each in found]

    def lookup_signal(self, signal: str, signal_type: str) -> list[tuple[str, int, int]]:
        found = self._read(self._client.get("/m/lookup", params={"signal": signal, "signal_type": signal_type}))
        return [(bank, each["bank_content_id"], int(each["distance"])) for bank in found for each in found[bank]]

    def lookup_file(self, data: bytes, content_type: str) -> list[tuple[str, int, int]]:
        files = {content_type: ("image-in-hash-db.jpg", io.BytesIO(data), "image/jpeg")}
        by_type = self._read(self._client.post("/m/lookup", files=files))
        # It reads the types it knows and passes over the others.
        return [
            (bank, each["bank_content_id"], int(each["distance"]))
            for bank in by_type["pdq"]
            for each in by_type["pdq"][bank]
        ]

    def alive(self) -> bool:
        return self._client.get("/status").text == "I-AM-ALIVE"


def test_a_client_like_the_ruby_gem(node: Running, platform: Platform, known: Known) -> None:
    key = platform.client.headers["authorization"]
    ruby = RubyStyle(node.client(node.addresses.platform, headers={"authorization": key}))
    assert ruby.alive()
    near = flipped(known.pdq, 10)
    assert ruby.raw_lookup(near, "pdq") == [known.look_number]
    assert ruby.raw_lookup(near, "pdq", include_distance=True) == [(known.look_number, 10)]
    assert ruby.lookup_signal(near, "pdq") == [("INCITES", known.look_number, 10)]
    assert ruby.lookup_file(known.data, "photo") == [("INCITES", known.look_number, 0)]


def test_a_client_that_only_knows_a_bearer_key_and_a_url(node: Running, known: Known, platform: Platform) -> None:
    """As behind hma-matrix: concatenated addresses, the sampling switches sent along."""
    base, key = f"{node.addresses.platform}/hma", platform.client.headers["authorization"]
    client = node.client("http://nowhere.invalid", headers={"authorization": key})
    for extra in ("", "?bypass_coinflip=true", "?seed=1234", "?bypass_coinflip=false&seed=a&banks=INCITES,NOT_THERE"):
        answer = client.post(f"{base}/m/lookup{extra}", files=photo(known.data))
        assert list(answer.json()["pdq"]) == ["INCITES"], extra
    without = node.client(base)
    assert without.post(f"{base}/m/lookup", files=photo(known.data)).status_code == 401


# --- what was mended ---


def test_banks_choose_by_label(hma: httpx2.Client, known: Known) -> None:
    both = {"signal": known.pdq, "signal_type": "pdq"}
    assert hma.get("m/lookup", params=both | {"banks": "GLORIFIES"}).json() == {}
    assert hma.get("m/raw_lookup", params=both | {"banks": "GLORIFIES,THREATENS"}).json() == {"matches": []}
    assert list(hma.get("m/lookup", params=both | {"banks": "INCITES"}).json()) == ["INCITES"]


def test_a_bank_that_is_not_here_is_empty_on_every_route_as_in_hma(hma: httpx2.Client, known: Known) -> None:
    both = {"signal": known.pdq, "signal_type": "pdq"}
    for banks, found in (("NOT_HERE", []), ("incites", []), ("NOT_HERE,INCITES", ["INCITES"])):
        answers = [
            hma.get("m/lookup", params=both | {"banks": banks}),
            hma.get("m/raw_lookup", params=both | {"banks": banks}),
            hma.post("m/lookup", params={"banks": banks}, files=photo(known.data)),
        ]
        assert [answer.status_code for answer in answers] == [200] * 3
        by_bank, raw, by_type = (answer.json() for answer in answers)
        assert list(by_bank) == list(by_type["pdq"]) == found
        assert len(raw["matches"]) == len(found)


def test_a_withdrawn_signal_is_answered_by_neither_route(node: Running, hma: httpx2.Client, known: Known) -> None:
    async def withdraw(tx: Transaction) -> None:
        page = await store.page(tx, 0, 100, 100, unconfirmed=True)
        await signals.withdraw(tx, [signal.id for signal in page], tx.new(DecisionId))

    node.do(withdraw)
    asked = {"signal": known.pdq, "signal_type": "pdq", "banks": "INCITES,UNCONFIRMED"}
    assert hma.get("m/raw_lookup", params=asked).json() == {"matches": []}
    assert hma.get("m/lookup", params=asked).json() == {}
    assert hma.post("m/lookup", files=photo(known.data)).json() == {"pdq": {}, "sha256": {}}
    assert hma.get("m/index/status", params={"signal_type": "pdq"}).json()["pdq"]["size"] == 0


def test_what_nobody_confirmed_is_answered_only_by_name(node: Running, hma: httpx2.Client) -> None:
    number = number_of(node, add(node, FingerprintKind.PDQ, "ab" * 32, Label.INCITES, Label.THREATENS))
    asked = {"signal": "ab" * 32, "signal_type": "pdq"}
    assert hma.get("m/lookup", params=asked).json() == {}
    assert hma.get("m/lookup", params=asked | {"banks": "INCITES"}).json() == {}
    assert hma.get("m/raw_lookup", params=asked).json() == {"matches": []}
    named = asked | {"banks": "INCITES,UNCONFIRMED"}
    assert hma.get("m/lookup", params=named).json() == {"UNCONFIRMED": [{"bank_content_id": number, "distance": "0"}]}
    assert hma.get("m/raw_lookup", params=named).json() == {"matches": [number]}


def test_a_picture_without_detail_is_known_by_its_bytes_and_is_no_error(node: Running, hma: httpx2.Client) -> None:
    out = io.BytesIO()
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(out, "PNG")
    flat = out.getvalue()
    assert hma.post("h/hash", files=photo(flat)).json()["pdq"] == ""
    assert hma.post("m/lookup", files=photo(flat)).json() == {"pdq": {}, "sha256": {}}
    make_known(node, hashlib.sha256(flat).digest())
    answer = hma.post("m/lookup", files=photo(flat)).json()
    assert (answer["pdq"], list(answer["sha256"])) == ({}, ["INCITES"])


def test_what_could_not_be_checked_is_never_an_empty_answer(node: Running, hma: httpx2.Client) -> None:
    def reason(data: bytes = picture(9, side=1600), **params: str) -> tuple[int, str]:
        answer = hma.post("m/lookup", params=params, files=photo(data))
        return answer.status_code, answer.json()["message"]

    undecodable = reason(NOT_A_PICTURE)
    assert undecodable[0] == 400
    assert "undecodable" in undecodable[1]
    assert reason(NOT_A_PICTURE, types="pdq")[0] == 400
    node.node.settings = node.node.settings.model_copy(update={"largest_decoded_bytes": 2**16})
    assert reason(picture(1) + b"\0" * 2**16)[0] == 413
    node.node.settings = node.node.settings.model_copy(update={"largest_decoded_bytes": 2**25})
    jail = stop_engine(node)
    down = reason()
    assert (down[0], "engine_down" in down[1]) == (503, True)
    node.node.jail = cast("Jail", Hurried(jail))
    late = reason()
    assert (late[0], "timeout" in late[1]) == (503, True)
    # The very bytes are matched all the same; what was not computed is left out rather than empty.
    node.node.jail = jail
    make_known(node, hashlib.sha256(NOT_A_PICTURE).digest())
    answer = hma.post("m/lookup", files=photo(NOT_A_PICTURE)).json()
    assert list(answer) == ["sha256"]
    assert list(answer["sha256"]) == ["INCITES"]
    # A client that did not ask for exact bytes is told that the rest could not be checked.
    assert reason(NOT_A_PICTURE, types="pdq")[0] == 400


def test_while_the_index_is_down_nothing_is_an_empty_answer(
    node: Running, hma: httpx2.Client, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"signal": known.pdq, "signal_type": "pdq"}
    assert hma.get("m/lookup", params=asked).json()
    monkeypatch.setattr(following, "_MOST_BEHIND", -1)
    node.node.index.damaged = True
    for answer in (
        hma.get("m/lookup", params=asked),
        hma.get("m/raw_lookup", params=asked),
        hma.post("m/lookup", files=photo(picture(2))),
    ):
        assert (answer.status_code, list(answer.json())) == (503, ["message"])
        assert int(answer.headers["retry-after"]) > 0
    status = hma.get("status")
    assert (status.status_code, status.text) == (503, "INDEX-STALE")
    assert hma.get("status/live").status_code == 200
    assert hma.get("m/index/status").json()["pdq"]["present"] is False
    # The very bytes are matched all the same.
    assert list(hma.post("m/lookup", files=photo(known.data)).json()) == ["sha256"]


def test_a_turned_picture_is_found_too(node: Running, hma: httpx2.Client) -> None:
    data = picture(4, side=512)
    make_known(node, bytes(32), bytes.fromhex(pdq_of(hma, data)))
    for turn in Image.Transpose:
        out = io.BytesIO()
        Image.open(io.BytesIO(data)).transpose(turn).save(out, "PNG")
        ((found,),) = hma.post("m/lookup", files=photo(out.getvalue())).json()["pdq"].values()
        assert int(found["distance"]) <= 31, turn


def test_no_address_is_fetched(hma: httpx2.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/picture.jpg"
        for path in ("h/hash", "m/lookup"):
            answer = hma.get(path, params={"url": url, "content_type": "photo"})
            assert answer.status_code == 400
            assert "POST the bytes" in answer.json()["message"]
        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_signals_number_never_changes(node: Running, hma: httpx2.Client, known: Known) -> None:
    add(node, FingerprintKind.PDQ, "cd" * 32, Label.INCITES)

    async def change(tx: Transaction) -> None:
        page = await store.page(tx, 0, 100, 100, unconfirmed=True)
        ids = [signal.id for signal in page if signal.number == known.look_number]
        await signals.withdraw(tx, ids, tx.new(DecisionId))
        await signals.confirm(tx, ids[0], (Label.THREATENS,), tx.new(DecisionId))

    node.do(change)
    asked = {"signal": known.pdq, "signal_type": "pdq"}
    assert hma.get("m/lookup", params=asked).json() == {
        "THREATENS": [{"bank_content_id": known.look_number, "distance": "0"}]
    }
    assert "signal" in VIEWS


# --- floor rule 12 ---

EVERY: list[Ask] = [
    lambda hma: hma.get("h/hash", params={"url": "http://example.org/a.jpg"}),
    lambda hma: hma.post("h/hash", files=photo(picture(1))),
    lambda hma: hma.get("m/lookup", params={"signal": "ab" * 32, "signal_type": "pdq"}),
    lambda hma: hma.post("m/lookup", files=photo(picture(1))),
    lambda hma: hma.get("m/raw_lookup", params={"signal": "ab" * 32, "signal_type": "pdq"}),
    lambda hma: hma.post("m/compare", json={"pdq": ["ab" * 32, "ab" * 32]}),
    lambda hma: hma.get("m/index/status"),
]


def test_rule_12_switched_off_nothing_is_answered(node: Running, hma: httpx2.Client) -> None:
    node.node.settings = node.node.settings.model_copy(update={"match_without_record": False})
    for request in EVERY:
        answer = request(hma)
        assert answer.status_code == 403
        assert "off on this node" in answer.json()["message"]


def test_rule_12_no_other_scope_opens_it(node: Running) -> None:
    others = node.platform(scopes=frozenset(Scope) - {Scope.MATCH}).client
    others.base_url = f"{others.base_url}/hma/"
    for request in EVERY:
        answer = request(others)
        assert answer.status_code == 403
        assert '"match"' in answer.json()["message"]


def test_rule_12_it_is_limited_and_says_when_to_come_back(nodes: Nodes) -> None:
    limited = nodes.start(match_without_record=True, match_per_minute=2).platform(scopes=frozenset({Scope.MATCH}))
    asked = {"signal": "ab" * 32, "signal_type": "pdq"}
    answers = [limited.client.get("/hma/m/lookup", params=asked) for _ in range(2)]
    # One bucket, whichever way it is asked.
    answers += [limited.client.get("/m/raw_lookup", params=asked), limited.client.post("/v1/match", content=b"x")]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert int(answers[2].headers["retry-after"]) > 0
    assert list(answers[2].json()) == ["message"]


def test_rule_12_every_match_answered_is_counted(node: Running, hma: httpx2.Client) -> None:
    for request in EVERY:
        assert request(hma).status_code in {200, 400}
    (row,) = ask(node, "SELECT sum(count) AS n FROM tally WHERE what = 'match_without_record'")
    assert row["n"] == 3
    node.clock.forward(days=1)
    node.work()
    counts = json.loads((node.node.settings.ledger_directory / "counts.json").read_text())
    assert [each["count"] for each in counts["rows"] if each["tallied"] == "match_without_record"] == [3]


def test_rule_12_no_signal_reaches_a_log_line(
    hma: httpx2.Client, known: Known, capfd: pytest.CaptureFixture[str]
) -> None:
    for path, signal in (("m/raw_lookup", known.sha256), ("m/lookup", known.sha256), ("m/lookup", known.sha256 + "x")):
        answer = hma.get(path, params={"signal": signal, "signal_type": "sha256"})
        assert answer.status_code == (200 if signal == known.sha256 else 400)
    assert hma.get("m/lookup", params={"signal": known.pdq, "signal_type": "pdq"}).json()
    assert hma.post("m/lookup", files=photo(known.data)).json()
    told = "".join(capfd.readouterr())
    assert known.pdq not in told
    assert known.sha256 not in told
