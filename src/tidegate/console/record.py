"""The record: every event, newest first, and who saw what. May decide: nothing; it only reads."""

import json
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from tidegate.console.door import Pages
from tidegate.console.ids import KINDS, any_id
from tidegate.console.pages import render
from tidegate.console.record_store import newest_events
from tidegate.db.transaction import Row, Transaction
from tidegate.kernel.ids import StaffId
from tidegate.people.exposure import views_of
from tidegate.people.model import Permission, View
from tidegate.people.store import name_of
from tidegate.web.door import Listener, node_of, staff

door = Pages(Listener.STAFF)

_MOST = 100


@door.get("/record", needs=Permission.READ_RECORD)
async def record_page(request: Request) -> Response:
    """Show events and views, all or about one thing: ``?about=`` an id, ``?before=`` an event's number."""
    text = request.query_params.get("about", "").strip()
    about = any_id(text) if text else None
    before = request.query_params.get("before", "")
    number = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None  # noqa: PLR2004 - a bigint

    async def read(tx: Transaction) -> dict[str, object]:
        events = await newest_events(tx, about=about.value if about else None, before=number, most=_MOST)
        of_staff = about if isinstance(about, StaffId) else None
        views = await views_of(tx, staff=of_staff, what=None if of_staff else about, most=_MOST)
        people = {StaffId(row["actor"]) for row in events if row["actor_kind"] == "staff" and row["actor"]}
        people |= {view.staff for view in views}
        return {
            "events": [_event(row) for row in events],
            "views": [(view, _subject_of(view)) for view in views],
            "names": {person: await name_of(tx, person) for person in people},
            "next": events[-1]["id"] if len(events) == _MOST else None,
        }

    shown = await node_of(request).run(staff(request), read)
    return render(request, "staff/record.html", about=text, **shown)


def _event(row: Row) -> dict[str, object]:
    person = row["actor_kind"] == "staff" and row["actor"]
    return {
        "at": row["at"],
        "kind": row["kind"],
        "actor_kind": row["actor_kind"],
        "actor": StaffId(row["actor"]) if person else None,
        "data": json.dumps(row["data"], ensure_ascii=False, indent=1),
    }


def _subject_of(view: View) -> str:
    kind = KINDS.get(view.kind)
    subject: UUID = view.subject
    return str(kind(subject)) if kind else str(subject)
