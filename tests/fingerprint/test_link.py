# ruff: noqa: RUF001 -- look-alike letters are what this is about
"""One way of writing for every way of writing an address."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from running import Loop
from tidegate.fingerprint.words.link import LONGEST_LINK, address_in, around_host, domain_of, host_of, readable
from tidegate.fingerprint.words.link_engine import canonical
from tidegate.jail import Jail, JailError, Reason
from tidegate.jail.model import Refusal


def written(link: str) -> str:
    return canonical(link.encode(), b"").decode("ascii")


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("HTTPS://Bridge.Example/Old/Path", "https://bridge.example/Old/Path"),
        ("http://bridge.example", "https://bridge.example/"),
        ("http://bridge.example:80/", "https://bridge.example/"),
        ("https://bridge.example:443/", "https://bridge.example/"),
        ("https://bridge.example:8443/", "https://bridge.example:8443/"),
        ("http://name:secret@bridge.example/", "https://bridge.example/"),
        ("https://museum.example@bridge.example/", "https://bridge.example/"),
        ("https://bridge.example./", "https://bridge.example/"),
        ("https://bridge.example/a#part", "https://bridge.example/a"),
        ("https://bridge.example/?", "https://bridge.example/"),
        ("https://bridge.example/a/./b/../c/%2e%2e/d", "https://bridge.example/a/d"),
        ("https://bridge.example/a/%2E%2e%2fd", "https://bridge.example/a/..%2Fd"),
        ("https:\\\\bridge.example\\a\\b", "https://bridge.example/a/b"),
        ("https:bridge.example/a", "https://bridge.example/a"),
        ("  https://bri\ndge.exa\tmple/a\r\n ", "https://bridge.example/a"),
        ("https://ｂｒｉｄｇｅ．ｅｘａｍｐｌｅ/a", "https://bridge.example/a"),
        ("https://bri\u00addge\u200b.example/", "https://bridge.example/"),
        ("https://BÜCHER.example/ä", "https://xn--bcher-kva.example/%C3%A4"),
        ("https://xn--bcher-kva.example/%c3%a4", "https://xn--bcher-kva.example/%C3%A4"),
        ("https://b%c3%bccher.example/", "https://xn--bcher-kva.example/"),
        ("https://bridge.example/%7Euser/%41%2d%5f%2E", "https://bridge.example/~user/A-_."),
        ("https://bridge.example/%zz%", "https://bridge.example/%25zz%25"),
        ("https://bridge.example/%2%65", "https://bridge.example/%252e"),
        ("https://bridge.example/%252e", "https://bridge.example/%252e"),
        ("https://bridge.example/a?B=c&utm_source=x&a=%64", "https://bridge.example/a?B=c&utm_source=x&a=d"),
        ("http://0x7f.1/", "https://127.0.0.1/"),
        ("http://2130706433/", "https://127.0.0.1/"),
        ("http://[0:0:0:0:0:0:0:1]:80/", "https://[::1]/"),
        ("bridge.example/a", "https://bridge.example/a"),
        ("Bridge.Example:8080", "https://bridge.example:8080/"),
        ("bridge。example/a", "https://bridge.example/a"),
        ("ws://bridge.example/a", "wss://bridge.example/a"),
        ("tg://resolve?domain=bridge", "tg://resolve?domain=bridge"),
        ("magnet:?xt=urn:btih:abc#x", "magnet:?xt=urn:btih:abc"),
    ],
)
def test_every_way_of_writing_an_address_is_one(link: str, address: str) -> None:
    assert written(link) == address


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://bridge.example/Path", "https://bridge.example/path"),
        ("https://bridge.example/a", "https://bridge.example/a/"),
        ("https://bridge.example/a", "https://www.bridge.example/a"),
        ("https://bridge.example/?a=1&b=2", "https://bridge.example/?b=2&a=1"),
        ("https://bridge.example/?a=1", "https://bridge.example/?a=1&utm_source=x"),
        ("https://bridge.example/a%2Fb", "https://bridge.example/a/b"),
        ("https://bridge.example/a%20b", "https://bridge.example/a+b"),
        ("https://bridge.example/a", "https://bridge.example:8443/a"),
        ("https://bridge.example/", "ftp://bridge.example/"),
        ("https://bridge.example/", "https://br\u0456dge.example/"),
    ],
)
def test_two_pages_are_never_made_one(one: str, other: str) -> None:
    assert written(one) != written(other)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "   ",
        "two words",
        "javascript:alert(1)",
        "data:text/html,hi",
        "file:///etc/passwd",
        "about:blank",
        "blob:https://bridge.example/1",
        "https://",
        "https://./",
        "http://bridge.example:99999/",
        "http://[::1/",
        "https://a b.example/",
        "//bridge.example/a",
        "/a/path",
        "https://\x00/",
    ],
)
def test_what_leads_nowhere_is_no_link(link: str) -> None:
    with pytest.raises(Refusal):
        written(link)


@given(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["http://", "https://a.example/", "x:", "tg://", "http:", "a.b/", "web+x:/", "x://h/", ""]),
        st.text(alphabet="%2eE./\\?#@: a%é0１x&=;|^`{}[]<>\"'\u200b", max_size=30),
        st.text(max_size=6),
    )
)
@settings(max_examples=400, deadline=None)
def test_a_canonical_form_stays_as_it_is(link: str) -> None:
    try:
        address = canonical(link.encode("utf-8", "surrogatepass"), b"")
    except Refusal:
        return
    assert canonical(address, b"") == address
    if address.startswith((b"https:", b"wss:", b"ftp:")):
        assert host_of(address.decode())
        assert "".join(around_host(address.decode())) == address.decode()


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("https://bridge.example/a", "bridge.example"),
        ("https://www.bridge.example:8080/a", "bridge.example"),
        ("https://old.bridge.example/", "old.bridge.example"),
        ("https://[::1]/", "[::1]"),
        ("tg://resolve", ""),
        ("magnet:?x", ""),
    ],
)
def test_a_domain_is_the_host_and_nothing_else(address: str, domain: str) -> None:
    assert domain_of(address) == domain


def test_a_host_is_shown_as_its_readers_see_it() -> None:
    assert readable("xn--bcher-kva.example") == "bücher.example"
    assert readable("xn--a.example") == "xn--a.example" or readable("xn--a.example")
    assert readable("xn--99999999.example") == "xn--99999999.example"


def test_a_link_is_read_in_the_jail(serving: Loop, jail: Jail) -> None:
    assert serving.run(address_in(jail, b"HTTP://Bridge.Example")) == "https://bridge.example/"
    for data, reason in (
        (b"\xff", Reason.UNDECODABLE),
        (b"no link", Reason.UNDECODABLE),
        (b"https://a.example/" + b"a" * LONGEST_LINK, Reason.TOO_LARGE),
    ):
        with pytest.raises(JailError) as refused:
            serving.run(address_in(jail, data))
        assert refused.value.reason is reason
