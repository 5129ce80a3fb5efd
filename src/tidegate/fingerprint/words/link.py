"""What the node learns of a link: the bytes go to a locked child, a checked answer comes back. Nothing is ever fetched.

May decide: whether an answer from a child is well formed, and which part of an address is its host. May not: parse an
address as it came; ``link_engine`` does, in the jail, and says what a canonical form is.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tidegate.jail import Jail, JailError, Reason

#: Bytes of an address. Browsers and servers stop long before.
LONGEST_LINK: Final = 16_384
#: Percent-encoding can triple it.
LONGEST_ADDRESS: Final = 4 * LONGEST_LINK
#: A canonical form: a scheme, and of the schemes that have a host in the DNS the host and the rest apart.
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:[!-~]*")
_WITH_HOST = re.compile(r"(?:https|wss|ftp)://(?P<host>[^/:?\[]+|\[[0-9a-f:.]+\])(?P<port>:[0-9]+)?(?P<rest>/[!-~]*)")
#: Ways of writing an address that are read in one text, and the characters they may have together.
MOST_WRITTEN: Final = 1000
MOST_WRITTEN_CHARACTERS: Final = 1 << 18
#: Links brought into their form by one request to the jail.
_AT_ONCE: Final = 100
DIGEST_BYTES: Final = 8
_PUNYCODE: Final = "xn--"

_ENGINE = "tidegate.fingerprint.words.link_engine"


@dataclass(frozen=True, slots=True)
class Written:
    """An address that is written in a text: its canonical form, and where it stands, in characters."""

    address: str
    start: int
    end: int


async def address_in(jail: Jail, data: bytes) -> str:
    """Bring a link into its canonical form, in the jail.

    Raises:
        JailError: it is no link to another place.
    """
    if len(data) > LONGEST_LINK:
        raise JailError(Reason.TOO_LARGE)
    return await jail.read(_address, f"{_ENGINE}:canonical", data, answer_limit=LONGEST_ADDRESS)


def _address(answer: bytes) -> str:
    return checked(answer.decode("ascii"))


def checked(address: str) -> str:
    """Give a canonical form that a child answered, if it can be one.

    Raises:
        ValueError: it cannot.
    """
    if not _ADDRESS.fullmatch(address):
        raise ValueError("an answer is no address")
    return address


async def addresses_in(jail: Jail, links: Sequence[str]) -> list[str | None]:
    """Bring many links into their canonical forms, in the jail; None for each that is no link to another place.

    Raises:
        JailError: none of them could be read just now.
    """
    found: list[str | None] = []
    for start in range(0, len(links), _AT_ONCE):
        lines = [_one_line(link) for link in links[start : start + _AT_ONCE]]
        answer = await jail.run(
            f"{_ENGINE}:canonical_lines", b"\n".join(lines), answer_limit=_AT_ONCE * (LONGEST_ADDRESS + 1)
        )
        forms = answer.decode("ascii", "replace").split("\n")
        if len(forms) != len(lines):
            raise JailError(Reason.UNDECODABLE)
        found += [form if _ADDRESS.fullmatch(form) else None for form in forms]
    return found


def _one_line(link: str) -> bytes:
    """Give a link in one line; line ends inside it say nothing (WHATWG URL Standard, 4.4)."""
    line = link.replace("\n", "").replace("\r", "").encode("utf-8", "replace")
    return line if len(line) <= LONGEST_LINK else b""


def host_of(address: str) -> str:
    """Give the host of a canonical form; empty where there is none in the DNS."""
    found = _WITH_HOST.fullmatch(address)
    return found["host"] if found else ""


def domain_of(address: str) -> str:
    """Give the host as a domain signal names it: without a leading ``www.``."""
    return host_of(address).removeprefix("www.")


def digest(value: str) -> bytes:
    """Digest an address, or a host as a domain signal names it, to find it by when it is kept no more; no host is an
    address.
    """
    return hashlib.sha256(value.encode()).digest()[:DIGEST_BYTES]


def digests_of(addresses: Iterable[str]) -> tuple[bytes, ...]:
    """Give the digests of addresses and of their hosts, each once and in order."""
    found = {digest(value) for address in addresses for value in (address, domain_of(address)) if value}
    return tuple(sorted(found))


def around_host(address: str) -> tuple[str, str, str]:
    """Split a canonical form for showing: before the host, the host, after it."""
    host = host_of(address)
    before, _, after = address.partition(host) if host else (address, "", "")
    return before, host, after


def readable(host: str) -> str:
    """Write a host as its readers see it, for showing beside the ASCII form and for nothing else."""
    return ".".join(_readable_label(label) for label in host.split("."))


def _readable_label(label: str) -> str:
    if not label.startswith(_PUNYCODE):
        return label
    try:
        return label.removeprefix(_PUNYCODE).encode("ascii").decode("punycode")
    except UnicodeError:
        return label
