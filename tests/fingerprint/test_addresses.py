# ruff: noqa: RUF001 -- look-alike letters are what this is about
"""Addresses in the middle of what people write, in any script and with any mark right behind them."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from running import Loop
from tidegate.fingerprint.words.addresses import written_in
from tidegate.fingerprint.words.letters import codes_of
from tidegate.fingerprint.words.link import LONGEST_LINK, MOST_WRITTEN, MOST_WRITTEN_CHARACTERS
from tidegate.fingerprint.words.link_engine import form_of
from tidegate.fingerprint.words.text import fingerprint_in
from tidegate.jail import Jail

JOIN = "https://known.example/join"
HOST = "https://known.example/"
MEGABYTE = 1_000_000


def found(text: str) -> list[str]:
    return [written.address for written in written_in(text, codes_of(text))[0]]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Come to https://known.example/join now", JOIN),
        ("Come to known.example/join now", JOIN),
        ("Come to KNOWN.Example/join now", JOIN),
        ("HTTP://KNOWN.EXAMPLE:80/join", JOIN),
        ("http://known.example/x/../%6aoin#top", JOIN),
        ("https:\\\\known.example\\join", JOIN),
        ("https:known.example/join", JOIN),
        ("https://user:secret@known.example/join", JOIN),
        # Marks of the sentence around it.
        ("(see https://known.example/join).", JOIN),
        ("See known.example/join, or stay.", JOIN),
        ("“https://known.example/join”", JOIN),
        ("'known.example/join'!", JOIN),
        ("«known.example/join»", JOIN),
        ("<https://known.example/join>", JOIN),
        ('<a href="https://known.example/join">', JOIN),
        ("[here](https://known.example/join), [there]", JOIN),
        ("*https://known.example/join* _https://known.example/join_", JOIN),
        ("https://known.example/join…", JOIN),
        ("https://known.example/join?!", JOIN),
        ("https://other.example,https://known.example/join;", JOIN),
        ("|known.example/join|", JOIN),
        ("Link:https://known.example/join", JOIN),
        ("morehttps://known.example/join", JOIN),
        # Scripts that put no blank around it.
        ("来https://known.example/join。然后回家", JOIN),
        ("来https://known.example/join，然后", JOIN),
        ("请看known.example/join加入我们", JOIN),
        ("请看https://known.example/join加入我们", JOIN),
        ("（known.example/join）", JOIN),
        ("「https://known.example/join」", JOIN),
        ("اذهب إلى known.example/join، ثم", JOIN),
        ("известный known.example/join。", JOIN),
        ("看known.example吧", HOST),
        ("看https://known.example吧", HOST),
        # Other ways to write a host.
        ("ｋｎｏｗｎ．ｅｘａｍｐｌｅ", HOST),
        ("known。example", HOST),
        ("known｡example", HOST),
        ("kno\u200bwn.exam\u00adple", HOST),
        ("https://known%2eexample/join", JOIN),
        ("BÜCHER.example/ä", "https://xn--bcher-kva.example/%C3%A4"),
        ("桥.例子/路", "https://xn--6yv.xn--fsqu00a/%E8%B7%AF"),
        ("https://桥。例子/路", "https://xn--6yv.xn--fsqu00a/%E8%B7%AF"),
        ("known.example:8443/join", "https://known.example:8443/join"),
        ("10.0.0.1/join", "https://10.0.0.1/join"),
        ("https://[::1]/a", "https://[::1]/a"),
        ("known.example?x=1", "https://known.example/?x=1"),
        # Marks that are its own.
        ("https://wiki.example/Bridge_(film)", "https://wiki.example/Bridge_(film)"),
        ("(https://wiki.example/Bridge_(film))", "https://wiki.example/Bridge_(film)"),
        ("tg://resolve?domain=bridge", "tg://resolve?domain=bridge"),
        ("magnet:?xt=urn:btih:abc", "magnet:?xt=urn:btih:abc"),
    ],
)
def test_an_address_is_found_where_readers_see_one(text: str, address: str) -> None:
    assert address in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "://", "http://", "https:// x", "e.g. 1.5, 3.14 and 12.30", "song.mp3 v1.2.3 a..b", "Well...yes",
        "name@known.example", "first.last@known.example", "javascript:alert(1)", "data:text/html,x",
        "mailto:a@b.example", "古老的桥梁。横跨河流。", "key: value", "12:30:45", "known .example", "x.y",
    ],
)  # fmt: skip
def test_what_leads_nowhere_is_no_address(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "https://known.example/join/more", "https://known.example/joinus", "known.example/Join",
        "not-known.example/join", "known.example.museum.example/join", "https://museum.example/?u=https://known.example/join",
        "known.example/a/join", "https://known.example@museum.example/join",
    ],
)  # fmt: skip
def test_no_other_page_becomes_the_known_one(text: str) -> None:
    assert JOIN not in found(text)


def test_it_says_where_each_stands_once() -> None:
    text = "😀 see known.example/join. Or HTTPS://KNOWN.example/join?"
    (first,) = written_in(text, codes_of(text))[0]
    assert text[first.start : first.end] == "known.example/join"


def test_more_addresses_than_are_read_are_told() -> None:
    few = " ".join(f"page{number}.example" for number in range(MOST_WRITTEN))
    assert (len(found(few)), written_in(few, codes_of(few))[1]) == (MOST_WRITTEN, False)
    more = f"{few} one-more.example"
    assert written_in(more, codes_of(more))[1]
    long = " ".join(f"https://page{number}.example/{'a' * 10_000}" for number in range(40))
    assert 10_000 * len(found(long)) <= MOST_WRITTEN_CHARACTERS
    assert written_in(long, codes_of(long))[1]
    assert found(f"https://known.example/{'a' * LONGEST_LINK} {JOIN}") == [JOIN]


@given(
    st.lists(
        st.sampled_from(
            ["http", "https", ":", "/", "//", "\\", ".", "known", "example", "a", "1", " ", "。", "．", "é", "桥", "(",
             ")", "[", "]", ",", "?", "#", "@", "%2e", "%", "_", "~", "*", "xn--", "\u200b", "😀", "'", '"', ";", "\n"]
        ),
        max_size=40,
    ).map("".join)
)  # fmt: skip
@settings(max_examples=500, deadline=None)
def test_whatever_is_found_is_a_link_as_it_stands_there(text: str) -> None:
    addresses, more = written_in(text, codes_of(text))
    assert not more
    assert len({written.address for written in addresses}) == len(addresses)
    for written in addresses:
        assert form_of(text[written.start : written.end]) == written.address


@given(
    st.sampled_from(["", " ", "(", "“", "来", "see:", "\n", "《", "*"]),
    st.sampled_from([JOIN, "known.example/join", "HTTP://KNOWN.example/join"]),
    st.sampled_from(["", " ", ").", "。", "”。", "，然后", "!", "...", "；", "》", "*", "\n", "?!", "：", "…", "、x"]),
)
def test_marks_around_it_change_nothing(before: str, link: str, after: str) -> None:
    assert JOIN in found(f"{before}{link}{after}")


CRAFTED = {
    "dots": "." * MEGABYTE,
    "letters and dots": "a." * (MEGABYTE // 2),
    "short hosts": "a.b " * (MEGABYTE // 4),
    "slashes": "/" * MEGABYTE,
    "colons": ":" * MEGABYTE,
    "schemes": "http://" * (MEGABYTE // 7),
    "schemes apart": "http:// " * (MEGABYTE // 8),
    "brackets": "https://a.example/" + "(" * MEGABYTE,
    "labels": ("a" * 60 + ".") * (MEGABYTE // 61),
    "longest labels": ("a" * 253 + ".") * (MEGABYTE // 254),
    "one long path": "https://a.example/" + "a" * MEGABYTE,
    "one long path of another script": "https://a.example/" + "桥" * (MEGABYTE // 3),
    "at signs": "a.bc@" * (MEGABYTE // 5),
    "wide dots": "a。b" * (MEGABYTE // 5),
    "hosts": " ".join(f"page{number}.example" for number in range(MEGABYTE // 16)),
    "long paths": " ".join(f"https://a{number}.example/{'é' * 400}" for number in range(MEGABYTE // 820)),
    "encoded": " ".join(f"https://a{number}.example/{'%61' * 300}" for number in range(MEGABYTE // 920)),
}


@pytest.mark.parametrize("name", CRAFTED)
def test_no_text_is_slow(name: str) -> None:
    """It takes 2 to 70 ms here; what would take longer the longer it is would take many seconds."""
    text = CRAFTED[name]
    written_in("a.example 1", codes_of("a.example 1"))
    start = time.perf_counter()
    written_in(text, codes_of(text))
    assert time.perf_counter() - start < 2


def test_addresses_are_found_in_the_jail(serving: Loop, jail: Jail) -> None:
    text = f"😀 Come to {JOIN}. Then known.example!"
    read = serving.run(fingerprint_in(jail, text.encode()))
    assert [(each.address, text[each.start : each.end]) for each in read.addresses] == [
        (JOIN, JOIN),
        (HOST, "known.example"),
    ]
    assert not read.partial
    many = " ".join(f"page{number}.example" for number in range(MOST_WRITTEN + 1))
    assert serving.run(fingerprint_in(jail, many.encode())).partial
