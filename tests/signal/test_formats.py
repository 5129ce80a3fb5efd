"""Lists as others write them: what reads, what is left out and why, and that one bad line costs nothing else."""

import io
import json
from collections.abc import Iterable
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import made
from tidegate.fingerprint.video import vpdq_text
from tidegate.fingerprint.words.letters import normalise
from tidegate.kernel.errors import Malformed, RuleBroken
from tidegate.signal import formats
from tidegate.signal.formats import LeftOut, Reading, Row, Skipped, Wrong
from tidegate.signal.model import FingerprintKind, Label, ListFormat, Signal, Standing

ONE, TWO, THREE = "1a" * 32, "2b" * 32, "3c" * 32
HEAD = "signal_type,signal_str,collab,category,tags\n"
INCITES = Reading(labels=(Label.INCITES,))


def read(text: str | bytes, how: Reading = INCITES) -> list[Row | Skipped | Wrong]:
    raw = text.encode() if isinstance(text, str) else text
    return list(formats.read_list(formats.lines_of(io.BytesIO(raw)), how))


def values(results: Iterable[Row | Skipped | Wrong]) -> list[tuple[int, str]]:
    return [(each.line, each.value.hex()) for each in results if isinstance(each, Row)]


def wrong(results: Iterable[Row | Skipped | Wrong]) -> dict[int, str]:
    return {each.line: each.error.message for each in results if isinstance(each, Wrong)}


# --- the three forms ---


def test_csv_as_python_threatexchange_writes_it() -> None:
    text = HEAD + f"pdq,{ONE.upper()},Some list,INVESTIGATION_SEED,a b\nvideo_sha256,{TWO},Some list,POSITIVE_CLASS,\n"
    assert read(text) == [
        Row(2, FingerprintKind.PDQ, bytes.fromhex(ONE), (Label.INCITES,)),
        Row(3, FingerprintKind.SHA256, bytes.fromhex(TWO), (Label.INCITES,)),
    ]
    # An older release wrote the columns in another order, and some tools write a mark of byte order first.
    older = f"\ufeffcollab,signal_type,signal_str,category,tags\r\nSome list,pdq,{ONE},,\r\n"
    assert values(read(older)) == [(2, ONE)]


def test_lines_of_a_local_file() -> None:
    how = replace(INCITES, format=ListFormat.LOCAL)
    assert values(read(f"pdq {ONE}\n\n sha256  {TWO} \n", how)) == [(1, ONE), (3, TWO)]
    assert values(read(f"{ONE}\n{TWO}", replace(how, signal_type="pdq"))) == [(1, ONE), (2, TWO)]
    assert list(wrong(read(f"{ONE}\npdq\npdq {ONE} x\n", how))) == [1, 2, 3]


@pytest.mark.parametrize("head", ["", "indicator,descriptor_id,added_on,labels\n"])
def test_the_older_form(head: str) -> None:
    how = replace(INCITES, format=ListFormat.TE, signal_type="HASH_PDQ")
    lines = [
        f"{ONE},4017,2020-07-31T18:47:45+0000,media_priority_s2 true_positive",
        f"{TWO},4018,2020-07-31T18:47:45+0000,false_positive",
        f"{THREE},4019,2020-07-31T18:47:45+0000,disputed other",
    ]
    results = read(head + "\n".join(lines), how)
    first = 2 if head else 1
    assert values(results) == [(first, ONE)]
    assert results[1:] == [Skipped(first + 1, LeftOut.NEGATIVE), Skipped(first + 2, LeftOut.DISPUTED)]


def test_the_types_name_says_what_an_older_file_holds() -> None:
    how = formats.reading_of(
        "/a/simple.HASH_PDQ.te", None, labels=["incites"], tags=(), labels_in_tags=False, signal_type=None
    )
    assert (how.format, how.signal_type) == (ListFormat.TE, "HASH_PDQ")
    for name, chosen in (("a.CSV", ListFormat.CSV), ("a.txt", ListFormat.LOCAL)):
        how = formats.reading_of(name, None, labels=["incites"], tags=(), labels_in_tags=False, signal_type=None)
        assert how.format is chosen
    for name in ("list", "other.te"):
        with pytest.raises(Malformed):
            formats.reading_of(name, None, labels=["incites"], tags=(), labels_in_tags=False, signal_type=None)
    with pytest.raises(Malformed, match="Say what the list is of"):
        formats.reading_of("a.csv", None, labels=(), tags=(), labels_in_tags=False, signal_type=None)


# --- what is left out ---


@pytest.mark.parametrize(
    ("category", "why"),
    [("NEGATIVE_CLASS", LeftOut.NEGATIVE), ("DISPUTED", LeftOut.DISPUTED), ("negative_class", LeftOut.NEGATIVE)],
)
def test_what_its_source_speaks_against_is_left_out(category: str, why: LeftOut) -> None:
    assert read(HEAD + f"pdq,{ONE},list,{category},\n") == [Skipped(2, why)]


@pytest.mark.parametrize("category", ["", "POSITIVE_CLASS", "INVESTIGATION_SEED", "media"])
def test_everything_else_comes_in(category: str) -> None:
    assert values(read(HEAD + f"pdq,{ONE},list,{category},\n")) == [(2, ONE)]


def test_types_we_do_not_keep_are_left_out_and_unknown_ones_are_wrong() -> None:
    results = read(HEAD + f"video_md5,{'ab' * 16},c,,\nnothing,{ONE},c,,\n")
    assert results[0] == Skipped(2, LeftOut.OTHER_TYPE)
    assert list(wrong(results)) == [3]


# --- labels and tags ---


def test_a_tag_is_a_label_only_where_the_importer_says_so() -> None:
    text = HEAD + f"pdq,{ONE},c,,glorifies threat\npdq,{TWO},c,,threat;other\npdq,{THREE},c,,incites\n"
    tags = formats.check_tags(["threat=threatens"])
    both = read(text, Reading(labels=(Label.INCITES,), tags=tags))
    assert [each.labels for each in both if isinstance(each, Row)] == [
        (Label.INCITES, Label.THREATENS),
        (Label.INCITES, Label.THREATENS),
        (Label.INCITES,),
    ]
    mapped = read(text, Reading(tags=tags))
    assert values(mapped) == [(2, ONE), (3, TWO)]
    assert "Terrorist content only" in wrong(mapped)[4]


def test_labels_in_tags_are_of_our_list_and_nothing_else() -> None:
    text = HEAD + f"pdq,{ONE},c,,label=incites label=threatens\npdq,{TWO},c,,incites other\n"
    results = read(text, Reading(labels_in_tags=True))
    assert [each.labels for each in results if isinstance(each, Row)] == [(Label.INCITES, Label.THREATENS)]
    assert "Terrorist content only" in wrong(results)[3]


@pytest.mark.parametrize(
    "word", ["ideology=far=incites", "religion:any=glorifies", "Ethnicity/x=threatens", "race=incites"]
)
def test_rule_10_what_people_are_or_believe_becomes_no_label(word: str) -> None:
    with pytest.raises(RuleBroken) as refusal:
        formats.check_tags([word])
    assert refusal.value.reference == "rule 10"


@pytest.mark.parametrize("word", ["threat", "=incites", "two words=incites"])
def test_a_mapping_has_a_form(word: str) -> None:
    with pytest.raises(Malformed):
        formats.check_tags([word])


def test_rule_14_a_tag_stands_for_no_other_label() -> None:
    with pytest.raises(RuleBroken) as refusal:
        formats.check_tags(["threat=copyright"])
    assert refusal.value.reference == "rule 14"


def test_rule_10_nothing_of_a_list_is_kept_but_kind_value_and_labels() -> None:
    text = (
        "signal_type,signal_str,tags,ideology,religion,ethnicity,uploader\n"
        f"pdq,{ONE},ideology=x religion=y ethnicity=z,x,y,z,someone\n"
    )
    (row,) = read(text)
    assert {each.name for each in fields(row)} == {"line", "kind", "value", "labels"}
    assert row == Row(2, FingerprintKind.PDQ, bytes.fromhex(ONE), (Label.INCITES,))


# --- bad lines ---


@pytest.mark.parametrize(
    "bad",
    [
        b"pdq,short,c,,",
        b"pdq",
        b",,,,",
        b"\xff\xfe,\x00",
        b'pdq,"' + ONE.encode() + b",c,,",
        b'pdq,a"b,c,,',
        b'"',
        b"pdq," + b"ab" * 3_000_000 + b",c,,",
    ],
)
def test_one_bad_line_costs_nothing_else(bad: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "LONGEST_LINE", 1_000_000)
    text = HEAD.encode() + f"pdq,{ONE},c,,\n".encode() + bad + f"\nsha256,{TWO},c,,\npdq,{THREE},c,,\n".encode()
    results = read(text)
    assert values(results) == [(2, ONE), (4, TWO), (5, THREE)]
    assert list(wrong(results)) == [3]


def test_a_field_over_several_lines_is_one_line() -> None:
    results = read(HEAD + f'pdq,{ONE},"two\nlines",,\npdq,{TWO},c,,\n')
    assert values(results) == [(2, ONE), (4, TWO)]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "signal_type,tags\n", "\n\n"])
def test_a_list_without_its_columns_is_refused_whole(text: str) -> None:
    with pytest.raises(Malformed, match="columns"):
        read(text)


@given(st.lists(st.binary(max_size=60) | st.sampled_from([b'"', b",", ONE.encode(), b"pdq,", b'"",']), max_size=12))
def test_whatever_a_list_holds_reading_ends_and_the_good_line_is_found(parts: list[bytes]) -> None:
    rubbish = b"".join(parts).replace(b"\n", b" ").replace(b"\r", b" ")
    results = read(HEAD.encode() + rubbish + f"\npdq,{TWO},c,,\n".encode())
    assert TWO in {value for _, value in values(results)}
    for each in results:
        assert 2 <= each.line <= 3


# --- videos ---


def test_all_forms_of_vpdq_read_as_one_video() -> None:
    frames = [f"{ONE},100,0.000", f"{TWO},70,1.000"]
    expected = vpdq_text.read("\n".join(frames)).tobytes()
    listed = json.dumps(frames).replace('"', '""')
    text = HEAD + f'vpdq,"{listed}",c,,\nvpdq,"0,100,{ONE},0.000\n1,70,{TWO},1.000",c,,\nvpdq,[],c,,\nvpdq,"[1]",c,,\n'
    results = read(text)
    assert [each.value for each in results if isinstance(each, Row)] == [expected, expected]
    assert list(wrong(results)) == [5, 6]
    local = f"vpdq {json.dumps(frames)}\n"
    assert values(read(local, replace(INCITES, format=ListFormat.LOCAL))) == [(1, expected.hex())]


# --- writing ---

_frame = st.tuples(st.binary(min_size=32, max_size=32), st.integers(0, 100))


@st.composite
def kept_signals(draw: st.DrawFn) -> Signal:
    """Make a signal of bytes, a picture or a video."""
    signal: Signal = draw(made.signals(1))
    kind = draw(st.sampled_from([FingerprintKind.PDQ, FingerprintKind.SHA256, FingerprintKind.VIDEO]))
    if kind is not FingerprintKind.VIDEO:
        return replace(signal, kind=kind)
    frames = enumerate(draw(st.lists(_frame, min_size=1)))
    lines = [f"{digits.hex()},{quality},{at}" for at, (digits, quality) in frames]
    return replace(signal, kind=kind, value=vpdq_text.read("\n".join(lines)).tobytes())


@given(st.lists(kept_signals(), max_size=5), st.sampled_from([ListFormat.CSV, ListFormat.LOCAL]))
def test_what_we_write_reads_back(signals: list[Signal], chosen: ListFormat) -> None:
    text = formats.header(chosen) + "".join(formats.write_line(signal, chosen) for signal in signals)
    if not text:
        return
    in_tags = chosen is ListFormat.CSV
    results = read(text, Reading(format=chosen, labels=() if in_tags else (Label.INCITES,), labels_in_tags=in_tags))
    assert not wrong(results)
    for signal, result in zip(signals, results, strict=True):
        if chosen is ListFormat.CSV and signal.disputed:
            assert isinstance(result, Skipped)
            continue
        assert isinstance(result, Row)
        assert (result.kind, result.value) == (signal.kind, signal.value)
        if in_tags:
            assert frozenset(result.labels) == signal.labels


@given(made.signals(1), st.text(max_size=80), st.sampled_from([ListFormat.CSV, ListFormat.LOCAL]))
def test_words_and_links_read_back(signal: Signal, text: str, chosen: ListFormat) -> None:
    signal = replace(signal, disputed=False)
    known = [replace(signal, kind=FingerprintKind.URL, value=b'https://bridge.example/a,"b"')]
    if len(letters := normalise(text)) >= 64:
        known.append(replace(signal, kind=FingerprintKind.TEXT, value=letters.encode()))
    written = formats.header(chosen) + "".join(formats.write_line(each, chosen) for each in known)
    results = read(written, Reading(format=chosen, labels=(Label.INCITES,)))
    assert values(results) == [(result.line, each.value.hex()) for each, result in zip(known, results, strict=True)]


@pytest.mark.parametrize(
    ("line", "message"),
    [("raw_text,too short,,,incites", "at least 16"), ("domain,bridge.example,,,incites", "another policy lead")],
)
def test_what_may_not_come_by_a_list_is_refused(line: str, message: str) -> None:
    (result,) = read(HEAD + line + "\n", Reading(labels=(Label.INCITES,)))
    assert isinstance(result, Wrong)
    assert message in result.error.message


@given(made.signals(1))
def test_how_a_signal_stands_is_said_in_their_words(signal: Signal) -> None:
    word = formats.category_of(signal)
    if signal.disputed:
        assert word == "DISPUTED"
    elif signal.standing is not Standing.CONFIRMED:
        assert word == "INVESTIGATION_SEED"
    if word == "POSITIVE_CLASS":
        assert signal.own_people or signal.members >= 2


def test_the_older_form_is_not_written() -> None:
    with pytest.raises(Malformed, match="no longer written"):
        formats.header(ListFormat.TE)
