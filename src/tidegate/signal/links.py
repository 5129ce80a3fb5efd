"""Links of a list, brought into their canonical form before they are added.

May decide: nothing; ``fingerprint/words/link_engine.py`` says in the jail which addresses are the same.
"""

from collections.abc import Sequence
from dataclasses import replace

from tidegate.fingerprint.words.link import addresses_in
from tidegate.jail import Jail, JailError
from tidegate.kernel.errors import Malformed, Unavailable
from tidegate.signal.formats import Row, Wrong
from tidegate.signal.model import FingerprintKind


async def in_canonical_form(jail: Jail, rows: Sequence[Row]) -> list[Row | Wrong]:
    """Give the rows of a list with each link in its canonical form, or what is wrong with it.

    Raises:
        Unavailable: they cannot be read just now.
    """
    links = [row for row in rows if row.kind is FingerprintKind.URL]
    try:
        found = await addresses_in(jail, [row.value.decode() for row in links])
    except JailError as error:
        raise Unavailable("Links cannot be read just now: send the list again later.") from error
    forms = dict(zip(links, found, strict=True))
    return [_with(row, forms[row]) if row in forms else row for row in rows]


def _with(row: Row, address: str | None) -> Row | Wrong:
    if address is None:
        return Wrong(
            row.line,
            Malformed("This is no link to another place: write an address such as https://example.org/page."),
        )
    return replace(row, value=address.encode())
