"""A picture, or some of a video, before someone's eyes: small, grey and blurred unless asked otherwise, and recorded.

May decide: how a picture is shown, and that a browser's word of how long it was is well formed. How much looking is
enough is a rule of people's. Bytes of users never reach a browser: the jail decodes them and encodes a new picture.

``wanted_preview``, ``give_picture`` and ``take_seconds`` serve every place that shows a picture to staff.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, timedelta
from enum import StrEnum
from typing import TypeVar

from babel.dates import format_datetime
from fastapi import Request
from starlette.responses import Response

from tidegate.console.door import Pages
from tidegate.console.forms import text_in
from tidegate.console.headers import SANDBOX
from tidegate.console.language import language_of
from tidegate.console.staff.case import member_of
from tidegate.console.words import N_
from tidegate.content import store as contents
from tidegate.content.model import ContentKind
from tidegate.db.transaction import Transaction
from tidegate.decision import store as decisions
from tidegate.exposure.model import LookId
from tidegate.exposure.rules import LookRefused, Why
from tidegate.exposure.steps import begin_look, end_look
from tidegate.fingerprint.picture.reading import Filter, PreviewArguments, Size, preview_in
from tidegate.fingerprint.video.frames import SheetArguments, sheet_in
from tidegate.flag import store as flags
from tidegate.jail import JailError, Reason
from tidegate.kernel.errors import Malformed, NotFound, Unavailable, WrongState
from tidegate.kernel.ids import CaseId, ContentId, Id
from tidegate.node import Node
from tidegate.people.model import Permission
from tidegate.signal import store as signals
from tidegate.signal.model import FingerprintKind, Label
from tidegate.signal.severity import severity_of
from tidegate.verdict import store as verdicts
from tidegate.web.door import Listener, node_of, session_of, staff

door = Pages(Listener.STAFF)

#: Names the look that a picture begins; its seconds are sent back under it.
LOOK_HEADER = "tidegate-look"
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?", re.ASCII)
_REFUSED = {
    Why.BUDGET: N_(
        "You have looked enough for today. You can look again from %(until)s. "
        "Until then you can vote without looking, or leave it to others."
    ),
    Why.BREAK: N_(
        "Time for a break. You can look again from %(until)s. "
        "Until then you can vote without looking, or leave it to others."
    ),
}

#: Why there is no picture, where trying again would not help.
_NOT_SHOWN = {
    Reason.UNDECODABLE: N_(
        "This cannot be shown: it does not decode. Decide by what is known of it, or leave it to others."
    ),
    Reason.TOO_LARGE: N_(
        "This cannot be shown: it is too large to decode. Decide by what is known of it, or leave it to others."
    ),
}
_NOT_NOW = N_("This cannot be shown just now: try again shortly.")

Choice = TypeVar("Choice", bound=StrEnum)
#: Gives a picture's bytes, once it is sure that this person may see it, and how severe it is.
Opens = Callable[[Transaction], Awaitable[tuple[bytes, int]]]
#: Makes a picture to show out of bytes, in a jail.
Draws = Callable[[Node, bytes, PreviewArguments], Awaitable[bytes]]


@door.get("/cases/{case}/content/{content}/picture", needs=Permission.SEE_CONTENT_BYTES)
async def picture(request: Request, case: str, content: str) -> Response:
    """Show a content's picture: ``?filter=blur|lines|grey|clear&size=small|large``."""
    of_case, identity = CaseId.parse(case), ContentId.parse(content)

    draw: Draws = _draw_picture

    async def opens(tx: Transaction) -> tuple[bytes, int]:
        nonlocal draw
        member = await member_of(tx, of_case, identity)
        data = await contents.bytes_of(tx, member)
        if data is None:
            raise NotFound("The bytes of this content are not kept here, or were erased.")
        if member.kind is ContentKind.VIDEO:
            draw = await _sheet_of(tx, identity)
        return data, await severity_on(tx, identity)

    async def draws(node: Node, data: bytes, wanted: PreviewArguments) -> bytes:
        return await draw(node, data, wanted)

    return await give_picture(request, identity, opens, draws)


@door.post("/cases/{case}/content/{content}/looked", needs=Permission.SEE_CONTENT_BYTES)
async def looked(request: Request, case: str, content: str) -> Response:
    """Take word of how long a content's picture was shown."""
    CaseId.parse(case)
    return await take_seconds(request, ContentId.parse(content))


async def _draw_picture(node: Node, data: bytes, wanted: PreviewArguments) -> bytes:
    return await preview_in(node.jail, data, wanted)


async def _sheet_of(tx: Transaction, content: ContentId) -> Draws:
    """Draw a video as pictures of the part that matched, or of the whole where nothing did."""
    matches = (await verdicts.matches_on(tx, [content])).get(content, ())
    spans = [match.span for match in matches if match.fingerprint_kind is FingerprintKind.VIDEO and match.span]

    async def draw(node: Node, data: bytes, wanted: PreviewArguments) -> bytes:
        sheet = SheetArguments(filter=wanted.filter, size=wanted.size)
        if spans:
            sheet = replace(sheet, start=spans[0].start, end=spans[0].end)
        return await sheet_in(await node.videos.open(), data, sheet)

    return draw


def wanted_preview(request: Request) -> PreviewArguments:
    """Read how a picture is to be shown.

    Raises:
        Malformed: a filter or size there is not.
    """
    return PreviewArguments(
        filter=_choice(request, "filter", Filter, Filter.BLUR), size=_choice(request, "size", Size, Size.SMALL)
    )


def _choice(request: Request, name: str, choices: type[Choice], default: Choice) -> Choice:
    text = request.query_params.get(name, default)
    if text not in list(choices):
        raise Malformed(
            "%(name)s is one of %(words)s.", values={"name": name, "words": ", ".join(choices)}, reference=name
        )
    return choices(text)


async def give_picture(request: Request, what: Id, opens: Opens, draws: Draws = _draw_picture) -> Response:
    """Show a picture: recorded first, then made anew in the jail.

    Raises:
        LookRefused: they looked enough for now.
        WrongState: it cannot be shown, and why.
        Unavailable: it cannot be shown just now.
    """
    node, viewer = node_of(request), session_of(request).staff
    wanted, policy = wanted_preview(request), node.settings.exposure_policy

    async def begin(tx: Transaction) -> tuple[bytes, LookId]:
        data, severity = await opens(tx)
        # Before it is shown: what was seen must be on record even when this process ends now.
        return data, await begin_look(tx, viewer, what, severity, policy)

    try:
        data, look = await node.run(staff(request), begin)
        try:
            shown = await draws(node, data, wanted)
        except JailError as error:
            # Nobody saw anything.
            await node.run(staff(request), lambda tx: end_look(tx, viewer, what, look, timedelta(0)))
            if error.reason in _NOT_SHOWN:
                raise WrongState(_NOT_SHOWN[error.reason]) from error
            raise Unavailable(_NOT_NOW) from error
    except LookRefused as error:
        raise explain_refusal(request, error) from None
    headers = {"content-security-policy": SANDBOX, "content-disposition": "inline", LOOK_HEADER: str(look)}
    return Response(shown, media_type="image/jpeg", headers=headers)


async def take_seconds(request: Request, what: Id) -> Response:
    """Take word of how long a picture was shown: form fields ``look`` and ``seconds``.

    Raises:
        Malformed: the fields do not read back.
        NotFound: it was not given to this person.
    """
    form, viewer = await request.form(), session_of(request).staff
    look, text = LookId.parse(text_in(form, "look")), text_in(form, "seconds")
    if not _SECONDS.fullmatch(text):
        raise Malformed("seconds is a number like 2.5, not below 0.", reference="seconds")
    claimed = timedelta(seconds=float(text))
    await node_of(request).run(staff(request), lambda tx: end_look(tx, viewer, what, look, claimed))
    return Response(status_code=204)


def explain_refusal(request: Request, refused: LookRefused) -> LookRefused:
    """Put into words why someone may not look just now, and until when."""
    refused.template, refused.values = _REFUSED[refused.refusal.why], {"until": _until(request, refused)}
    return refused


def _until(request: Request, refused: LookRefused) -> str:
    until = refused.refusal.until.astimezone(UTC)
    return format_datetime(until, "d MMMM y, HH:mm", locale=language_of(request)) + " UTC"


async def severity_on(tx: Transaction, content: ContentId) -> int:
    """Say how hard a content is to look at, by all that is said of it."""
    return severity_of(await _labels_of(tx, content))


async def _labels_of(tx: Transaction, content: ContentId) -> set[Label]:
    """Give what a content was matched, reported, or decided to be; what others voted is not in it."""
    matches = (await verdicts.matches_on(tx, [content])).get(content, ())
    known = await signals.load(tx, [match.signal for match in matches])
    found = {label for signal in known for label in signal.labels}
    found |= {Label(row["label"]) for row in await flags.listed(tx, [content]) if row["label"]}
    in_force = await decisions.in_force(tx, content)
    decision = await decisions.load(tx, in_force) if in_force else None
    return found | {decision.label} if decision is not None and decision.label else found
