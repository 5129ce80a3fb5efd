"""The queue of cases. May decide: nothing; ``case.rules`` place each case."""

from dataclasses import replace
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import Response

from tidegate.case.model import Reason, State
from tidegate.console.door import Pages
from tidegate.console.forms import choice_in, text_in
from tidegate.console.pages import render
from tidegate.console.staff.voted import voted
from tidegate.content.model import AccountClass
from tidegate.decision import queue
from tidegate.decision.queue import PAGE, Claims, Filters
from tidegate.kernel.errors import Malformed
from tidegate.kernel.event import Language
from tidegate.people.model import Permission, Role, Session
from tidegate.web.door import Listener, node_of, session_of, staff

door = Pages(Listener.STAFF)

#: Fields of the form of filters, besides the page.
_FIELDS = ("waits", "reason", "account_class", "state", "language", "claims", "held")
_MOST_PAGE_DIGITS = 5


class Waits(StrEnum):
    """For whose vote a case waits."""

    MINE = "mine"
    ANYONE = "anyone"


@door.get("/queue", needs=Permission.SEE_CASE)
async def queue_page(request: Request) -> Response:
    """List the cases people must look at, in the order of their places."""
    after, reader = request.query_params.get("after", ""), session_of(request)
    seen = await node_of(request).run(staff(request), lambda tx: voted(tx, after, reader))
    return await _answer(request, "staff/queue.html", after=seen)


@door.get("/queue/rows", needs=Permission.SEE_CASE, quiet=True)
async def queue_rows(request: Request) -> Response:
    """Give the list alone, for a page that brings itself up to date."""
    return await _answer(request, "staff/queue_rows.html")


async def _answer(request: Request, template: str, **more: Any) -> Response:  # noqa: ANN401 - what the template names
    reader, node = session_of(request), node_of(request)
    given = FormData([*request.query_params.multi_items()])
    filters, number = _filters(given, reader), _number(given)
    senior = Role.SENIOR_REVIEWER in reader.roles
    shown = await node.run(
        staff(request), lambda tx: queue.page(tx, reader.staff, filters, senior=senior, number=number)
    )
    query = {name: text for name in _FIELDS if (text := text_in(given, name))}
    return render(
        request,
        template,
        page=shown,
        filters=filters,
        waits=Waits.MINE if filters.mine else Waits.ANYONE,
        voter=Permission.VOTE in reader.permissions,
        filtered=filters != _filters(FormData(), reader),
        number=number,
        last=max(1, -(-shown.count // PAGE)),
        query=urlencode(query),
        now=node.database.clock(),
        nothing="nothing" in request.query_params,
        reasons=list(Reason),
        classes=list(AccountClass),
        states=[State.OPEN, State.DECIDED],
        claims=list(Claims),
        whose=list(Waits),
        **more,
    )


def _filters(given: FormData, reader: Session) -> Filters:
    """Read the filters; who votes sees what waits for their vote unless they ask for more.

    Raises:
        Malformed: a choice that is not one of the list, or a language that is none.
    """
    language = text_in(given, "language")
    waits = choice_in(given, "waits", Waits)
    chosen = Filters(
        reason=choice_in(given, "reason", Reason),
        account_class=choice_in(given, "account_class", AccountClass),
        state=choice_in(given, "state", State),
        language=Language.parse(language) if language else None,
        claims=choice_in(given, "claims", Claims),
        held=bool(text_in(given, "held")),
        mine=waits is not Waits.ANYONE,
    )
    return chosen if Permission.VOTE in reader.permissions else replace(chosen, mine=False, claims=None)


def _number(given: FormData) -> int:
    """Read which page of the queue is asked for.

    Raises:
        Malformed: it is no number.
    """
    text = text_in(given, "page") or "1"
    if not text.isascii() or not text.isdigit() or len(text) > _MOST_PAGE_DIGITS or int(text) < 1:
        raise Malformed("A page of the queue is a number from 1.", reference="page")
    return int(text)
