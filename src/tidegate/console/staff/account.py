"""One's own account: sessions and passkeys. May decide: nothing."""

from fastapi import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from tidegate.console.door import Pages
from tidegate.console.forms import text_in
from tidegate.console.pages import render
from tidegate.console.staff.exposure import own_panel
from tidegate.console.staff.sign_in import json_of, party
from tidegate.db.transaction import Transaction
from tidegate.people import passkeys, sign_in
from tidegate.people.model import PasskeyId, Permission, SessionId
from tidegate.people.steps import rename_staff
from tidegate.people.store import name_of
from tidegate.web.door import Listener, node_of, session_of, staff

door = Pages(Listener.STAFF)
OWN = Permission.SEE_OWN_ACCOUNT


@door.get("/account", needs=OWN)
async def account_page(request: Request) -> Response:
    """Show one's own sessions, passkeys, and what one has looked at lately."""
    present, node = session_of(request), node_of(request)

    async def read(tx: Transaction) -> dict[str, object]:
        return {
            "name": await name_of(tx, present.staff),
            "sessions": await sign_in.sessions_of(tx, present.staff),
            "passkeys": await passkeys.passkeys_of(tx, present.staff),
            **await own_panel(tx, present.staff, node.settings.exposure_policy),
        }

    return render(request, "staff/account.html", **await node.run(staff(request), read))


@door.post("/account/sessions/{session}/end", needs=OWN)
async def end_session(request: Request, session: str) -> Response:
    """End one of one's own sessions."""
    identity, present = SessionId.parse(session), session_of(request)
    await node_of(request).run(staff(request), lambda tx: sign_in.end_session(tx, present, identity))
    return RedirectResponse("/account", 303)


@door.post("/account/sessions/end", needs=OWN)
async def end_sessions(request: Request) -> Response:
    """End all of one's own sessions, this one too."""
    present = session_of(request)
    await node_of(request).run(staff(request), lambda tx: sign_in.end_own_sessions(tx, present))
    return RedirectResponse("/sign-in", 303)


@door.post("/account/passkey/options", needs=OWN)
async def new_passkey_options(request: Request) -> Response:
    """Give what a browser needs to make a passkey."""
    node = node_of(request)
    return JSONResponse(await node.run(staff(request), lambda tx: passkeys.registration_options(tx, party(node))))


@door.post("/account/passkey", needs=OWN)
async def add_passkey(request: Request) -> Response:
    """Keep a passkey a browser made: JSON with ``label`` and ``answer``."""
    node = node_of(request)
    said = await json_of(request)
    answer, label = said.get("answer"), str(said.get("label") or "Passkey")
    given = answer if isinstance(answer, dict) else {}
    made = await node.run(staff(request), lambda tx: passkeys.register_passkey(tx, party(node), given, label=label))
    return JSONResponse({"passkey": str(made), "next": "/account"}, 201)


@door.post("/account/passkeys/{passkey}/remove", needs=OWN)
async def remove_passkey(request: Request, passkey: str) -> Response:
    """Remove one of one's own passkeys."""
    identity = PasskeyId.parse(passkey)
    await node_of(request).run(staff(request), lambda tx: passkeys.remove_passkey(tx, identity))
    return RedirectResponse("/account", 303)


@door.post("/account/name", needs=OWN)
async def rename(request: Request) -> Response:
    """Change one's own name."""
    name, present = text_in(await request.form(), "name"), session_of(request)
    await node_of(request).run(staff(request), lambda tx: rename_staff(tx, present.staff, name))
    return RedirectResponse("/account", 303)
