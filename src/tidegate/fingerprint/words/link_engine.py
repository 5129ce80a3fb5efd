"""The engine for links: parses untrusted bytes, so it runs only in a locked child (see ``jail``). It fetches nothing.

May decide: which addresses are the same. One way of writing stands for all. An address is parsed as browsers parse it
(the WHATWG URL Standard, by ada): case and encoding of scheme and host, full-width and other compatibility characters,
punycode, odd forms of IPv4, backslashes, tabs and line ends, dot segments, default ports. Beyond that, where no server
can tell or all lead to the same place:

- http and https are one, written https, as are ws and wss; a dot after the host, user name and password are dropped;
- the fragment is dropped: no server sees it;
- percent-encoding is normalised (RFC 3986, 6.2.2): unreserved characters are written out, digits are upper case, a
  percent sign that encodes nothing is itself encoded; an empty query is dropped;
- a host without a scheme, as people write it, gets one.

The path keeps its case, the query its order and all its parts: two pages are never made one. Parameters that only
follow people around (``utm_source``) are kept, too: which they are is the site's to say.
"""

import re
from typing import Final

from ada_url import normalize_url

from tidegate.fingerprint.words.link import LONGEST_LINK
from tidegate.jail.model import Reason, Refusal

#: What these name stands in the link itself, or on the reader's own machine.
_NOWHERE: Final = frozenset({"about", "blob", "data", "file", "filesystem", "javascript", "view-source"})
#: Schemes with a host in the DNS, and the one that is written for them.
_WITH_HOST: Final = {"http": "https", "https": "https", "ws": "wss", "wss": "wss", "ftp": "ftp"}
#: Of an address with a host, as the parser writes it; an empty query is none.
_PARTS: Final = re.compile(
    r"[a-z]+://(?:[^/?#@]*@)?(?P<host>\[[^\]]*\]|[^/?#:@]*)(?P<port>:[0-9]+)?(?P<path>/[^?#]*)(?P<query>\?[^#]+)?"
)
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PERCENT: Final = re.compile("%([0-9A-Fa-f]{2})?")
#: A percent sign that is not written as it is in a canonical form.
_OTHERWISE: Final = re.compile("%(?![0-9A-F]{2})|%(?:2[DE]|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])")
_DROPPED: Final = re.compile("[\t\n\r]")
_EDGES: Final = "".join(map(chr, range(0x21)))
_BARE: Final = re.compile(r"[^\s/?#:@\\]+[.\u3002\uff0e\uff61][^\s/?#:@\\]+(:[0-9]+)?([/?#\\].*)?", re.DOTALL)
#: Written anew, an address can be shorter still: dots that were encoded are dot segments then.
_ROUNDS: Final = 8


def canonical(data: bytes, _arguments: bytes) -> bytes:
    """Give the canonical form of a link, in ASCII."""
    if len(data) > LONGEST_LINK:
        raise Refusal(Reason.TOO_LARGE)
    try:
        return form_of(data.decode()).encode("ascii")
    except ValueError as error:  # no UTF-8, or no address
        raise Refusal(Reason.UNDECODABLE) from error


def form_of(link: str) -> str:
    """Give the canonical form of a link.

    Raises:
        ValueError: it is no link to another place.
    """
    text = _DROPPED.sub("", link).strip(_EDGES)
    form = _parsed(f"https://{text}" if _BARE.fullmatch(text) else text)
    for _ in range(_ROUNDS):
        before, form = form, _parsed(form)
        if form == before:
            return form
    raise ValueError(link)


def canonical_lines(data: bytes, arguments: bytes) -> bytes:
    """Give the canonical form of each of many links, a line each; an empty line for what is none."""
    return b"\n".join(_canonical_or_nothing(line, arguments) for line in data.split(b"\n"))


def _canonical_or_nothing(line: bytes, arguments: bytes) -> bytes:
    try:
        return canonical(line, arguments)
    except Refusal:
        return b""


def warm() -> None:
    """Have the parser and its tables loaded."""
    for link in ("http://xn--bcher-kva.example/%7e", "bücher.example", "tg://a", "magnet:?b", "http://1.2/"):
        canonical_lines(link.encode(), b"")


def _parsed(text: str) -> str:
    # One call of the parser gives the address in a form in which its parts can be told by their marks.
    href = normalize_url(text)
    scheme, _, _ = href.partition(":")
    if scheme in _NOWHERE:
        raise ValueError(scheme)
    if scheme not in _WITH_HOST:
        # A scheme of its own: nothing is known of its hosts, if they are any.
        return _encoded(href.partition("#")[0].removesuffix("?")).replace(" ", "%20")
    parts = _PARTS.match(href)
    host = parts["host"].rstrip(".") if parts else ""
    if parts is None or not host:
        raise ValueError(text)
    query = parts["query"] or ""
    return f"{_WITH_HOST[scheme]}://{host}{parts['port'] or ''}{_encoded(parts['path'])}{_encoded(query)}"


def _encoded(part: str) -> str:
    return _PERCENT.sub(_one, part) if _OTHERWISE.search(part) else part


def _one(found: re.Match[str]) -> str:
    if found[1] is None:
        return "%25"
    character = chr(int(found[1], 16))
    return character if character in _UNRESERVED else f"%{found[1].upper()}"
