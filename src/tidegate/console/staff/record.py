"""The record: every event, and every view, newest first, with filters in the address.

May decide: nothing; it only reads. Views are listed one by one: there is no total and no order of people.
"""

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import Response

from tidegate.console.door import Pages
from tidegate.console.forms import choice_in, number_in, text_in
from tidegate.console.ids import KINDS, any_id
from tidegate.console.pages import render
from tidegate.console.staff import record_store
from tidegate.db.transaction import ActorKind, Row, Transaction
from tidegate.exposure.model import View
from tidegate.exposure.store import views_of
from tidegate.kernel.errors import Malformed
from tidegate.kernel.event import EVENTS
from tidegate.kernel.ids import Id, StaffId
from tidegate.people.model import Permission
from tidegate.people.store import name_of
from tidegate.web.door import Listener, node_of, staff

door = Pages(Listener.STAFF)

PAGE = 100
#: One file holds no more; filter by days for the rest.
MOST_ROWS = 10_000

EVENT_FIELDS = ("about", "kind", "by", "person", "from", "to")
VIEW_FIELDS = ("person", "about", "from", "to")


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """From the first day up to the end of the last, in UTC; None is open."""

    first: date | None
    last: date | None

    @property
    def since(self) -> datetime | None:
        """When it begins."""
        return datetime.combine(self.first, datetime.min.time(), UTC) if self.first else None

    @property
    def until(self) -> datetime | None:
        """When it is over."""
        return datetime.combine(self.last, datetime.min.time(), UTC) + timedelta(days=1) if self.last else None


def _given(request: Request) -> FormData:
    return FormData([*request.query_params.multi_items()])


def _days(given: FormData) -> Days:
    return Days(first=_day(given, "from"), last=_day(given, "to"))


def _day(given: FormData, name: str) -> date | None:
    text = text_in(given, name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Malformed("A day looks like 2026-11-24.", reference=name) from error


def _about(given: FormData) -> Id | None:
    text = text_in(given, "about")
    return any_id(text) if text else None


def _person(given: FormData) -> StaffId | None:
    text = text_in(given, "person")
    return StaffId.parse(text) if text else None


def _query(given: FormData, fields: tuple[str, ...]) -> str:
    return urlencode({name: text for name in fields if (text := text_in(given, name))})


# --- what happened ---


@door.get("/record", needs=Permission.READ_RECORD)
async def record_page(request: Request) -> Response:
    """Show events, newest first."""
    given = _given(request)
    filters, before = _filters(given), number_in(given, "before")

    async def read(tx: Transaction) -> dict[str, Any]:
        rows = await record_store.newest_events(tx, filters, before=before, most=PAGE + 1)
        events = rows[:PAGE]
        people = {StaffId(row["actor"]) for row in events if row["actor_kind"] == "staff" and row["actor"]}
        return {
            "events": [_event(row) for row in events],
            "names": {person: await name_of(tx, person) for person in people},
            "next": events[-1]["id"] if len(rows) > PAGE else None,
        }

    return render(
        request,
        "staff/record.html",
        given={name: text_in(given, name) for name in EVENT_FIELDS},
        query=_query(given, EVENT_FIELDS),
        before=before,
        stages=sorted({kind.partition(".")[0] for kind in EVENTS}),
        kinds=sorted(EVENTS),
        actors=list(ActorKind),
        most_rows=MOST_ROWS,
        **await node_of(request).run(staff(request), read),
    )


def _filters(given: FormData) -> record_store.Filters:
    """Read the filters.

    Raises:
        Malformed: a kind, an id, an actor or a day that is none.
    """
    about, person, days = _about(given), _person(given), _days(given)
    kind = text_in(given, "kind")
    if kind and kind not in EVENTS and not any(known.startswith(f"{kind}.") for known in EVENTS):
        raise Malformed("There is no such kind of event.", reference="kind")
    return record_store.Filters(
        about=about.value if about else None,
        kind=kind if kind in EVENTS else None,
        stage=f"{kind}." if kind and kind not in EVENTS else None,
        actor_kind=choice_in(given, "by", ActorKind),
        actor=person.value if person else None,
        since=days.since,
        until=days.until,
    )


def _event(row: Row) -> dict[str, Any]:
    person = row["actor_kind"] == "staff" and row["actor"]
    return {
        "id": row["id"],
        "at": row["at"],
        "kind": row["kind"],
        "actor_kind": row["actor_kind"],
        "actor": StaffId(row["actor"]) if person else None,
        "data": json.dumps(row["data"], ensure_ascii=False, indent=1),
        "ids": [text for text in _texts(row["data"]) if _is_id(text)],
    }


def _is_id(text: str) -> bool:
    try:
        any_id(text)
    except Malformed:
        return False
    return True


def _texts(value: object) -> list[str]:
    """Give every text in an event's fields, each once."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return list(dict.fromkeys(text for item in value for text in _texts(item)))
    return [value] if isinstance(value, str) else []


@door.get("/record/events.csv", needs=Permission.READ_RECORD)
async def events_file(request: Request) -> Response:
    """Give the events that pass the filters as a file: ids, closed words and numbers, as they were written."""
    filters = _filters(_given(request))
    rows = await node_of(request).run(
        staff(request), lambda tx: record_store.newest_events(tx, filters, before=None, most=MOST_ROWS)
    )
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(["number", "at", "kind", "actor_kind", "actor", "fields"])
    for row in rows:
        event = _event(row)
        fields = json.dumps(row["data"], ensure_ascii=False, separators=(",", ":"))
        actor = event["actor"] or row["actor"] or ""
        writer.writerow([row["id"], row["at"].isoformat(), row["kind"], row["actor_kind"], actor, fields])
    return Response(
        out.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="events.csv"'},
    )


# --- who saw what ---


@door.get("/record/views", needs=Permission.READ_RECORD)
async def views_page(request: Request) -> Response:
    """Show who had what before their eyes, view by view, newest first."""
    given = _given(request)
    about, person, days = _about(given), _person(given), _days(given)
    before = number_in(given, "before")

    async def read(tx: Transaction) -> dict[str, Any]:
        views = await views_of(
            tx, staff=person, what=about, since=days.since, until=days.until, before=before, most=PAGE + 1
        )
        people = {view.staff for view in views} | ({person} if person else set())
        return {
            "views": [(view, _subject_of(view)) for view in views[:PAGE]],
            "names": {who: await name_of(tx, who) for who in people},
            "next": views[PAGE - 1].number if len(views) > PAGE else None,
        }

    return render(
        request,
        "staff/record_views.html",
        given={name: text_in(given, name) for name in VIEW_FIELDS},
        query=_query(given, VIEW_FIELDS),
        before=before,
        **await node_of(request).run(staff(request), read),
    )


def _subject_of(view: View) -> str:
    kind = KINDS.get(view.kind)
    subject: UUID = view.subject
    return str(kind(subject)) if kind else str(subject)
