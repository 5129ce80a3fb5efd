"""Signed notes and checkpoints, against the specifications' own examples and a log that is not ours."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.published_log import KEY, ORIGIN, OTHER_KEY, VERIFIER, Log
from tidegate.kernel.errors import IntegrityError, Malformed
from tidegate.ledger import tree
from tidegate.ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from tidegate.ledger.note import Verifier, open_note, sign, strict_base64

#: The example of the signed-note specification.
SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3m"
    "FXmRKuwHjG1Yu72IneyaQM=\n"
)
#: The Go checksum database's key and one of its checkpoints, whose root and signature the specification of
#: checkpoints shows under another name.
GO_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
GO_CHECKPOINT = (
    "go.sum database tree\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— sum.golang.org Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9"
    "nTo+zyWE+xeMcTOAYQ8=\n"
)


def test_the_example_of_the_specification_opens() -> None:
    assert open_note(SPEC_NOTE, Verifier.parse(SPEC_KEY)) == "This is an example message.\n"
    assert Verifier.parse(SPEC_KEY).vkey == SPEC_KEY
    assert Verifier.parse(SPEC_KEY).key_id.hex() == "530d903a"


def test_a_checkpoint_of_a_log_that_is_not_ours_opens() -> None:
    found = open_checkpoint(GO_CHECKPOINT, GO_KEY, origin="go.sum database tree")
    assert (found.origin, found.size) == ("go.sum database tree", 20_852_163)
    assert Verifier.parse(GO_KEY).vkey == GO_KEY
    with pytest.raises(IntegrityError, match="another log"):
        open_checkpoint(GO_CHECKPOINT, GO_KEY)


lines = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=20)


@given(st.lists(lines, max_size=6))
def test_any_text_opens_as_it_was_signed(written: list[str]) -> None:
    text = "".join(f"{line}\n" for line in written) or "\n"
    assert open_note(sign(text, ORIGIN, KEY), VERIFIER) == text


@given(st.data())
def test_no_flipped_bit_goes_unnoticed(data: st.DataObject) -> None:
    note = bytearray(sign("one\n\ntwo\n", ORIGIN, KEY).encode())
    note[data.draw(st.integers(0, len(note) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        text = note.decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(IntegrityError):
        open_note(text, VERIFIER)


def test_signatures_of_unknown_keys_are_ignored() -> None:
    note = sign("text\n", ORIGIN, KEY)
    witnessed = note + sign("text\n", "witness.example", OTHER_KEY).partition("\n\n")[2]
    same_name = note + sign("text\n", ORIGIN, OTHER_KEY).partition("\n\n")[2]
    forged = note + f"— witness.example {base64.b64encode(bytes(68)).decode()}\n"
    for signed in (witnessed, same_name, forged, note + forged.partition("\n\n")[2] * 16):
        assert open_note(signed, VERIFIER) == "text\n"


def test_a_bad_signature_of_a_known_key_refuses_the_note() -> None:
    note = sign("text\n", ORIGIN, KEY)
    wrong = sign("other\n", ORIGIN, KEY).partition("\n\n")[2]
    for signed in (f"text\n\n{wrong}", note + wrong, f"text\n\n{wrong}{note.partition(chr(10) * 2)[2]}"):
        with pytest.raises(IntegrityError, match="does not belong"):
            open_note(signed, VERIFIER)


LINE = sign("text\n", ORIGIN, KEY).partition("\n\n")[2]


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        "text\n",
        "text\n\n",
        f"text\n{LINE}",
        f"text\n\n{LINE}".rstrip("\n"),
        f"text\n\n{LINE}\n",
        f"text\r\n\r\n{LINE}",
        f"te\txt\n\n{LINE}",
        f"te\x00xt\n\n{LINE}",
        f"text\n\n{LINE.replace('—', '-')}",
        f"text\n\n{LINE.replace('— ', '—  ')}",
        "text\n\n" + LINE.replace("— ", "—\u00a0"),
        f"text\n\n{LINE.replace('=', '')}",
        f"text\n\n{LINE}— name\n",
        f"text\n\n{LINE}— name AAAA\n",
        f"text\n\n{LINE}— na+me AAAAAAAAAAA=\n",
        f"text\n\n{LINE * 101}",
        f"{'x' * 1_000_001}\n\n{LINE}",
        f"te\udcffxt\n\n{LINE}",
    ],
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(IntegrityError):
        open_note(note, VERIFIER)


@pytest.mark.parametrize(
    ("text", "name"),
    [("no newline", ORIGIN), ("tab\t\n", ORIGIN), ("text\n", ""), ("text\n", "a b"), ("text\n", "a+b")],
)
def test_what_cannot_stand_in_a_note_is_not_signed(text: str, name: str) -> None:
    with pytest.raises(Malformed):
        sign(text, name, KEY)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        "name+00000000",
        SPEC_KEY.replace("530d903a", "530d903b"),
        SPEC_KEY.replace("530d903a", "530D903A"),
        SPEC_KEY.replace("foo", "bar"),
        SPEC_KEY.replace("+Aek", "+Bek"),
        SPEC_KEY + "\n",
        SPEC_KEY[:-1],
        SPEC_KEY[:-4],
        SPEC_KEY.replace("example", "exa mple"),
        "example.com/foo+530d903a+not base64",
    ],
)
def test_a_damaged_key_is_refused(vkey: str) -> None:
    with pytest.raises(Malformed):
        Verifier.parse(vkey)


def test_base64_has_one_spelling() -> None:
    assert strict_base64("AA==") == b"\0"
    for text in ("AB==", "AA=", "AA", "A A=", "AA==\n", "AA==AA==", "_-==", "é"):
        with pytest.raises(IntegrityError):
            strict_base64(text)


def test_a_checkpoint_reads_back() -> None:
    for log in (Log(), Log.of(3)):
        assert open_checkpoint(log.signed(), VERIFIER.vkey) == log.checkpoint()


def test_a_checkpoint_has_the_form_of_the_specification() -> None:
    head = "tide.example/ledger/2027\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n"
    assert Log().signed().startswith(f"{head}— tide.example/ledger/2027 ")


def test_further_lines_and_signatures_mean_nothing() -> None:
    log = Log.of(2)
    extended = sign(log.checkpoint().text + "an extension\nand another\n", ORIGIN, KEY)
    assert open_checkpoint(extended, VERIFIER) == log.checkpoint()


ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n1\n",
        f"{ORIGIN}\n1\n{ROOT}\n\n",
        f"\n1\n{ROOT}\n",
        f"{ORIGIN}\n01\n{ROOT}\n",
        f"{ORIGIN}\n-1\n{ROOT}\n",
        f"{ORIGIN}\n+1\n{ROOT}\n",
        f"{ORIGIN}\n1_0\n{ROOT}\n",
        f"{ORIGIN}\n\u0661\n{ROOT}\n",
        f"{ORIGIN}\n1 \n{ROOT}\n",
        f"{ORIGIN}\n{2**63}\n{ROOT}\n",
        f"{ORIGIN}\n{'9' * 5000}\n{ROOT}\n",
        f"{ORIGIN}\n1\n{ROOT[:-4]}\n",
        f"{ORIGIN}\n1\nroot\n",
        f"{ORIGIN}\n0\n{ROOT}\n",
        f"other.example/log\n1\n{ROOT}\n",
        f"{ORIGIN} \n1\n{ROOT}\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_of_this_log_is_refused(text: str) -> None:
    with pytest.raises(IntegrityError):
        open_checkpoint(sign(text, ORIGIN, KEY), VERIFIER)


def test_another_key_is_refused() -> None:
    with pytest.raises(IntegrityError):
        open_checkpoint(Log.of(2).signed(), Verifier.of(ORIGIN, OTHER_KEY))
    with pytest.raises(Malformed):
        open_checkpoint(Log.of(2).signed(), "not a key")


@pytest.mark.parametrize(("origin", "size", "root"), [("", 1, bytes(32)), ("a", -1, bytes(32)), ("a", 1, b"")])
def test_no_checkpoint_can_be_made_of_nonsense(origin: str, size: int, root: bytes) -> None:
    with pytest.raises(Malformed):
        sign_checkpoint(Checkpoint(origin, size, root), KEY)


def test_the_root_of_nothing_is_known() -> None:
    assert Log().checkpoint().root == tree.EMPTY_ROOT
