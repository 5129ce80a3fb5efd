# ruff: noqa: RUF001 -- look-alike letters are what this is about
"""What of a text is noise, and where in it each letter stood."""

import ctypes
import ctypes.util
import unicodedata
from collections.abc import Callable
from itertools import chain, takewhile
from string import ascii_uppercase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.fingerprint.words import letter_table
from tidegate.fingerprint.words.letter_table import settled
from tidegate.fingerprint.words.letters import letters, normalise
from tidegate.fingerprint.words.skeleton import UNICODE_VERSION, prototypes, skeleton

#: Any text, and texts of characters that have tricks in them.
TRICKY = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from(
            "aAiIlLmM10|ΝνΗηВвНнІіſßẞİıﬁ\u0300\u0338\u064b\u0640\u200b\u202e\u00ad\u0941\u0930가각ㄱ😀👍🏽🅰🇪Ⅷ½ﷺ你"
        ),
    ),
    max_size=40,
)


@given(TRICKY)
@settings(deadline=None)
def test_letters_of_letters_are_the_same(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@given(TRICKY)
@settings(deadline=None)
def test_every_letter_comes_from_its_character(text: str) -> None:
    found = letters(text)
    assert len(found.origins) == len(found.codes) == len(found)
    origins = found.origins.tolist()
    assert origins == sorted(origins)
    assert all(0 <= origin < len(text) for origin in origins)


@given(TRICKY)
@settings(deadline=None)
def test_normal_forms_make_no_difference(text: str) -> None:
    assert len({normalise(unicodedata.normalize(form, text)) for form in ("NFC", "NFD", "NFKC", "NFKD")}) == 1


@given(st.text(alphabet=st.characters(categories=["Lu", "Ll", "Lt"]), max_size=20))
@settings(deadline=None)
def test_case_makes_no_difference_to_words_of_one_script(text: str) -> None:
    # Some capitals look like the Latin letter whose small form they are not; beside Latin letters those are disguises.
    if not any(unicodedata.name(character, "").startswith("LATIN") for character in text):
        assert normalise(text.lower()) == normalise(text)


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("p\u0435оpl\u0435 of t\u04bbe br\u0456dge", "people of the bridge"),  # Cyrillic among Latin
        ("ＰＥＯＰＬＥ　ｏｆ　ｔｈｅ　ｂｒｉｄｇｅ", "people of the bridge"),
        ("𝓹𝓮𝓸𝓹𝓵𝓮 𝕠𝕗 𝔱𝔥𝔢 𝗯𝗿𝗶𝗱𝗴𝗲", "people of the bridge"),
        ("ⓟⓔⓞⓟⓛⓔ 🅞🅕 🆃🅷🅴 🇧🇷🇮🇩🇬🇪", "people of the bridge"),
        ("p\u200be\u200co\u200dp\u2060l\ufeffe of the bridge", "people of the bridge"),
        ("\u202epeople\u202c of \u2066the\u2069 bridge", "people of the bridge"),
        ("p̷e̸o̵p̶l̴e̷ ò̧f̨ thê brïdgé", "people of the bridge"),
        ("p.e.o.p.l.e_of-the*bridge!!!", "people of the bridge"),
        ("people🔥of🔥the🔥bridge", "people of the bridge"),
        ("ｐｅｏｐ\u00adｌｅ of the bridge", "people of the bridge"),
        ("ΡΕΟΡLΕ ΟF ΤΗE ΒRΙDGΕ", "people of the bridge"),
        ("pe0p1e of the bridge", "people of the bridge"),
        ("мост", "МОСТ"),
        ("Мо\u0301ст", "мост"),
        ("ΓΈΦΥΡΑ", "γεφυρα"),
        ("جِسْرٌ", "جسر"),
        ("جـــسر", "جسر"),
        ("ﺟﺴﺮ", "جسر"),
        ("١٢٣", "123"),
        ("१२३", "123"),
        ("橋　です", "橋です"),
        ("다리", unicodedata.normalize("NFD", "다리")),
        ("ﬁsh", "fish"),
        ("STRASSE", "straße"),
        ("İstanbul", "ISTANBUL"),
        ("पुल\u200d", "पुल"),
        ("p\u0941ul", "pul"),  # a vowel sign of another script is decoration
        ("سلام \u202eabc", "سلام abc"),
    ],
)
def test_what_looks_or_reads_the_same_is_the_same(written: str, means: str) -> None:
    assert normalise(written) == normalise(means) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [("पुल", "पाल"), ("bridge", "brigde"), ("สะพาน", "สพน"), ("橋", "梁"), ("👍", "👎"), ("мост", "масть"), ("3", "8")],
)
def test_what_means_something_else_stays_apart(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


def test_symbols_count_only_where_there_is_nothing_else() -> None:
    assert normalise("👍🏽👍") == "👍👍"
    assert normalise("ok 👍") == normalise("ok")
    assert normalise("?!… \u200b") == ""


def test_a_letter_that_becomes_many_comes_from_one_character() -> None:
    found = letters("a\u200b½ ﷺ")
    assert found.text[:3] == "al2"
    assert found.origins.tolist()[:3] == [0, 2, 2]
    assert set(found.origins.tolist()[3:]) == {4}


def test_a_megabyte_is_some_array_operations() -> None:
    assert len(letters("The old bridge, again. " * 45_000)) == 45_000 * len(normalise("The old bridge, again. "))


# --- the compiled way against the definition ---


def _kept(character: str, *, symbols: bool) -> bool:
    category = unicodedata.category(character)
    if category[0] == "M":
        return letter_table._is_vowel_sign(character)
    if category[0] == "S":
        return symbols and not character.isascii() and character not in letter_table._NO_SYMBOLS
    if category == "Cn":
        code = ord(character)
        return code & 0xFFFE != 0xFFFE and not any(code in noise for noise in letter_table._NOISE_MARKS)
    return category[0] in "LN" and character not in letter_table._BLANK_LETTERS


def _in_word(character: str) -> bool:
    category = unicodedata.category(character)
    return ord(character) < 0x3000 and (category[0] in "LM" or category == "Cf")


def _is_latin(character: str) -> bool:
    return unicodedata.category(character)[0] == "L" and unicodedata.name(character, "").startswith("LATIN")


def _as_in_its_word(text: str, index: int) -> str:
    character = text[index]
    look = prototypes().get(character, character)
    doubtful = unicodedata.category(character) == "Lu" and ord(character) < 0x3000 and not _is_latin(character)
    if not (doubtful and look in ascii_uppercase and settled(look) != settled(character)):
        return character
    before = takewhile(_in_word, reversed(text[:index]))
    after = takewhile(_in_word, text[index:])
    return look if any(ord(beside) < 0x3000 and _is_latin(beside) for beside in chain(before, after)) else character


def _defined(text: str, *, symbols: bool) -> list[tuple[int, int]]:
    found = [
        (ord(letter), index)
        for index in range(len(text))
        for letter in settled(_as_in_its_word(text, index))
        if _kept(letter, symbols=symbols)
    ]
    out, block = [], -1
    for code, index in found:
        if not letter_table._is_vowel_sign(chr(code)):
            block = code >> 8
        elif code >> 8 != block:
            continue
        out.append((code, index))
    return out


WORDS_OF_MANY_SCRIPTS = st.lists(
    st.text(
        alphabet=st.one_of(
            st.sampled_from("aXΝνΗВнІіß\u0301\u200d\u0941\u0930कि가각ﷺ㍿½👍🅰\u0e33\u0f77"),
            st.characters(exclude_categories=["Cs"]),
        ),
        max_size=12,
    ),
    max_size=8,
).map(" ".join)


@given(WORDS_OF_MANY_SCRIPTS)
@settings(deadline=None, max_examples=300)
def test_letters_are_those_of_the_definition(text: str) -> None:
    found = letters(text)
    defined = _defined(text, symbols=False) or _defined(text, symbols=True)
    assert list(zip(found.codes.tolist(), found.origins.tolist(), strict=True)) == defined


def test_every_character_becomes_what_it_should_alone() -> None:
    for symbols in (False, True):
        table = letter_table.letter_table(symbols=symbols)
        for code in (*range(0x3400), *range(0xA000, 0xAD00), *range(0xF900, 0x10000), *range(0x1D000, 0x1FC00)):
            entry = int(table.entries[code])
            first = entry & int(letter_table.LETTER)
            pooled = entry & int(letter_table.MANY)
            forms = table.pool[first + 1 : first + 1 + table.pool[first]].tolist() if pooled else [first][: first > 0]
            kept = [ord(letter) for letter in settled(chr(code)) if _kept(letter, symbols=symbols)]
            assert [form & int(letter_table.LETTER) for form in forms] == kept, hex(code)


def test_letters_that_become_very_many_have_room() -> None:
    one = normalise("ﷺ")
    found = letters("ﷺ" * 3000 + "a")
    assert found.text == one * 3000 + "a"
    assert found.origins.tolist() == [at for at in range(3000) for _ in one] + [3000]


# --- the skeleton ---


@pytest.mark.parametrize(
    ("one", "other"), [("paypal", "раураl"), ("scope", "ѕсоре"), ("modern", "rnodern"), ("l0I", "ⅼOl")]
)
def test_what_looks_alike_has_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


def test_the_table_is_whole() -> None:
    assert len(prototypes()) == 5247


def _icu() -> Callable[[str], str] | None:
    """Find the reference: the skeleton of ICU, the Unicode Consortium's own library, in the version of our data."""
    name = ctypes.util.find_library("icui18n") or ""
    version = name.rpartition(".")[2]
    if version != "72":  # of Unicode 15.0.0
        return None
    library = ctypes.CDLL(name)
    get, opened = library[f"uspoof_getSkeletonUTF8_{version}"], library[f"uspoof_open_{version}"]
    opened.restype = ctypes.c_void_p
    checker = ctypes.c_void_p(opened(ctypes.byref(ctypes.c_int(0))))
    buffer = ctypes.create_string_buffer(4096)

    def of(text: str) -> str:
        error, data = ctypes.c_int(0), text.encode()
        length = get(checker, 0, data, len(data), buffer, len(buffer), ctypes.byref(error))
        assert error.value <= 0
        return buffer.raw[:length].decode()

    return of


@pytest.mark.skipif(_icu() is None, reason="ICU 72 is not installed")
def test_skeletons_are_those_of_the_reference() -> None:
    reference = _icu()
    assert reference is not None
    assert UNICODE_VERSION == "15.0.0"
    assigned = (chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) not in {"Cs", "Cn", "Co"})
    assert [character for character in assigned if skeleton(character) != reference(character)] == []
