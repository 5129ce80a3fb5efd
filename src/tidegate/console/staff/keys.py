"""Services and their API keys. May decide: nothing; a key is shown once and stored nowhere."""

from dataclasses import dataclass
from datetime import timedelta

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from tidegate.alarms.rules import LOOK_AHEAD_KEYS
from tidegate.console.door import Pages
from tidegate.console.forms import text_in
from tidegate.console.pages import render
from tidegate.db.transaction import Transaction
from tidegate.kernel.errors import Malformed
from tidegate.kernel.ids import KeyId, ServiceId
from tidegate.people import steps, store
from tidegate.people.model import DEFAULT_SCOPES, KEY_LIFE_MOST, Key, Permission, Scope, ServiceFacts
from tidegate.web.door import Listener, node_of, staff

door = Pages(Listener.STAFF)

_USUAL_DAYS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service with its keys."""

    id: ServiceId
    facts: ServiceFacts | None
    keys: list[tuple[Key, str | None]]


@door.get("/keys", needs=Permission.MANAGE_KEYS)
async def keys_page(request: Request) -> Response:
    """List services and their keys."""

    async def read(tx: Transaction) -> dict[str, object]:
        services = [
            Service(
                id=service,
                facts=await store.service_facts(tx, service),
                keys=[(key, await store.key_label(tx, key.id)) for key in await store.keys_of(tx, service)],
            )
            for service in await store.all_services(tx)
        ]
        return {"services": services, "now": tx.now, "soon": tx.now + LOOK_AHEAD_KEYS}

    node = node_of(request)
    return render(
        request,
        "staff/keys.html",
        scopes=[scope for scope in Scope if scope is not Scope.MATCH or node.settings.match_without_record],
        usual=DEFAULT_SCOPES,
        usual_days=_USUAL_DAYS,
        most_days=KEY_LIFE_MOST.days,
        **await node.run(staff(request), read),
    )


@door.post("/services", needs=Permission.MANAGE_KEYS)
async def add_service(request: Request) -> Response:
    """Add a platform's service."""
    form = await request.form()
    name, url = text_in(form, "name"), text_in(form, "webhook_url") or None
    await node_of(request).run(staff(request), lambda tx: steps.add_service(tx, name, url))
    return RedirectResponse("/keys", 303)


@door.post("/services/{service}", needs=Permission.MANAGE_KEYS)
async def change_service(request: Request, service: str) -> Response:
    """Change a service's name, or where its instructions go."""
    identity, form = ServiceId.parse(service), await request.form()
    name, url = text_in(form, "name"), text_in(form, "webhook_url") or None
    await node_of(request).run(staff(request), lambda tx: steps.change_service(tx, identity, name, url))
    return RedirectResponse("/keys", 303)


@door.post("/services/{service}/keys", needs=Permission.MANAGE_KEYS)
async def issue_key(request: Request, service: str) -> Response:
    """Make a key and show it, this once."""
    identity, form, node = ServiceId.parse(service), await request.form(), node_of(request)
    label, days = text_in(form, "label"), text_in(form, "days") or str(_USUAL_DAYS)
    if not days.isascii() or not days.isdigit() or len(days) > 4:  # noqa: PLR2004 - more digits than a year of days has
        raise Malformed("days is a whole number.", reference="days")
    try:
        scopes = frozenset(Scope(str(word)) for word in form.getlist("scopes"))
    except ValueError as error:
        raise Malformed("scopes are of %(words)s.", values={"words": ", ".join(Scope)}, reference="scopes") from error
    key, text = await node.run(
        staff(request),
        lambda tx: steps.issue_key(
            tx,
            identity,
            label=label,
            life=timedelta(days=int(days)),
            scopes=scopes,
            match_allowed=node.settings.match_without_record,
        ),
    )
    return render(request, "staff/key.html", issued=key, label=label, text=text)


@door.post("/keys/{key}/revoke", needs=Permission.MANAGE_KEYS)
async def revoke_key(request: Request, key: str) -> Response:
    """Stop a key at once."""
    identity = KeyId.parse(key)
    await node_of(request).run(staff(request), lambda tx: steps.revoke_key(tx, identity))
    return RedirectResponse("/keys", 303)
