"""Words before someone's eyes: a text, or a link as it was written, recorded and within a budget like a picture.

May decide: how words are shown. What matched is marked, nothing can be clicked, and what a reader cannot see of an
address (which characters its host is made of) is said beside it. The jail reads the bytes; what it gives is text, and
the page escapes it.
"""

from dataclasses import dataclass
from datetime import timedelta

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import Response

from tidegate.console.door import Pages
from tidegate.console.forms import number_in
from tidegate.console.pages import explained, render
from tidegate.console.staff.case import member_of
from tidegate.console.staff.picture import explain_refusal, severity_on
from tidegate.console.words import N_
from tidegate.content import store as contents
from tidegate.content.model import Content, ContentKind
from tidegate.db.transaction import Transaction
from tidegate.exposure.model import LookId
from tidegate.exposure.rules import LookRefused
from tidegate.exposure.steps import begin_look, end_look
from tidegate.fingerprint.words.link import around_host, readable
from tidegate.fingerprint.words.text import read_in
from tidegate.jail import JailError, Reason
from tidegate.kernel.errors import NotFound, TidegateError, Unavailable, WrongState
from tidegate.kernel.ids import CaseId, ContentId
from tidegate.match.model import Match, Where
from tidegate.people.model import Permission
from tidegate.verdict import store as verdicts
from tidegate.web.door import Listener, node_of, session_of, staff

door = Pages(Listener.STAFF)

#: Characters shown at once, and how many of them stand before the first that matched.
MOST_SHOWN = 20_000
_LEAD = 1_000
_READ = frozenset({ContentKind.TEXT, ContentKind.LINK})
_NOT_SHOWN = {
    Reason.UNDECODABLE: N_(
        "These words cannot be shown: they are no text in UTF-8. "
        "Decide by what is known of them, or leave it to others."
    ),
    Reason.TOO_LARGE: N_(
        "These words cannot be shown: they are too long. Decide by what is known of them, or leave it to others."
    ),
}
_NOT_NOW = N_("These words cannot be shown just now: try again shortly.")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text; ``marked`` where it matched something known."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What is shown of a text at once, and where the windows before and after it begin."""

    parts: tuple[Part, ...]
    start: int
    end: int
    length: int

    @property
    def before(self) -> int | None:
        """Say where the window before this one begins, if there is one."""
        return max(self.start - MOST_SHOWN, 0) if self.start else None

    @property
    def after(self) -> int | None:
        """Say where the window after this one begins, if there is one."""
        return self.end if self.end < self.length else None


@dataclass(frozen=True, slots=True)
class Address:
    """An address for showing: before its host, the host, after it, and the host as readers see it if that differs."""

    before: str
    host: str
    after: str
    readable: str


def window_of(text: str, matched: list[tuple[int, int]], start: int | None) -> Window:
    """Cut a window out of a text and mark in it what matched.

    Args:
        text: the whole of it.
        matched: ranges of characters, in any order, that may overlap or be out of range.
        start: where the window begins; None begins shortly before the first match.
    """
    if start is None:
        first = min((begin for begin, _ in matched), default=0)
        start = 0 if first + _LEAD < MOST_SHOWN else first - _LEAD
    start = min(start, max(len(text) - 1, 0))
    end = min(start + MOST_SHOWN, len(text))
    parts: list[Part] = []
    at = start
    for first_matched, after_matched in sorted(matched):
        begin, stop = max(first_matched, at), min(after_matched, end)
        if begin < stop:
            parts += [Part(text[at:begin], marked=False), Part(text[begin:stop], marked=True)]
            at = stop
    parts.append(Part(text[at:end], marked=False))
    shown = tuple(part for part in parts if part.text)
    return Window(parts=shown, start=start, end=end, length=len(text))


def address_of(content: Content) -> Address | None:
    """Take an address apart for showing."""
    if content.fingerprints is None or not content.fingerprints.address:
        return None
    before, host, after = around_host(content.fingerprints.address)
    seen = readable(host)
    return Address(before, host, after, seen if seen != host else "")


@door.get("/cases/{case}/content/{content}/words", needs=Permission.SEE_CONTENT_BYTES)
async def words(request: Request, case: str, content: str) -> Response:
    """Show a content's words: ``?start=`` a character to begin at."""
    of_case, identity = CaseId.parse(case), ContentId.parse(content)
    start = number_in(FormData([*request.query_params.multi_items()]), "start")
    part_of_a_page = "hx-request" in request.headers
    try:
        loaded, text, matches = await _read(request, of_case, identity)
    except (LookRefused, WrongState, Unavailable, NotFound) as error:
        if not part_of_a_page:
            raise
        # A part of a page that is refused says why in its place.
        return render(request, "staff/reading.html", part=True, refused=explained(request, error))
    spans = [
        (match.span.start, match.span.end)
        for match in matches
        if match.span is not None and match.where in {Where.CONTENT, Where.INSIDE}
    ]
    return render(
        request,
        "staff/reading.html",
        part=part_of_a_page,
        refused=None,
        content=loaded,
        case=of_case,
        window=window_of(text, spans if loaded.kind is ContentKind.TEXT else [], start),
        address=address_of(loaded),
    )


async def _read(request: Request, case: CaseId, identity: ContentId) -> tuple[Content, str, tuple[Match, ...]]:
    """Record that someone reads, then have the jail read the bytes."""
    node, viewer, policy = node_of(request), session_of(request).staff, node_of(request).settings.exposure_policy

    async def begin(tx: Transaction) -> tuple[Content, bytes, LookId, tuple[Match, ...]]:
        loaded = await member_of(tx, case, identity)
        data = await contents.bytes_of(tx, loaded) if loaded.kind in _READ else None
        if data is None:
            raise NotFound("The words of this content are not kept here, or were erased.")
        matches = (await verdicts.matches_on(tx, [identity])).get(identity, ())
        # Before they are shown: what was seen must be on record even when this process ends now.
        look = await begin_look(tx, viewer, identity, await severity_on(tx, identity), policy)
        return loaded, data, look, matches

    try:
        loaded, data, look, matches = await node.run(staff(request), begin)
    except LookRefused as error:
        raise explain_refusal(request, error) from None
    try:
        return loaded, await read_in(node.jail, data), matches
    except JailError as error:
        # Nobody saw anything.
        await node.run(staff(request), lambda tx: end_look(tx, viewer, identity, look, timedelta(0)))
        raise _not_shown(error) from error


def _not_shown(error: JailError) -> TidegateError:
    return WrongState(_NOT_SHOWN[error.reason]) if error.reason in _NOT_SHOWN else Unavailable(_NOT_NOW)
