"""Signing in and out: by one-time link and by passkey.

May decide: nothing about who is let in (``people`` does). Opening a link only shows a button, so that a program that
looks at links in a mailbox uses none up. A sign-in form has no session whose token could guard it, so its origin is
checked instead.
"""

import json
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from tidegate.console.door import Pages
from tidegate.console.forms import body_of, check_same_origin, text_in
from tidegate.console.pages import render
from tidegate.db.transaction import PERSON
from tidegate.kernel.errors import Malformed
from tidegate.node import Node
from tidegate.people import passkeys, sign_in
from tidegate.people.model import SESSION_LIFE, Permission, SessionStart
from tidegate.web.door import Listener, Open, node_of, staff

door = Pages(Listener.STAFF)


@door.get("/sign-in", needs=Open.ANYONE)
async def sign_in_page(request: Request) -> Response:
    """Say how to sign in."""
    return render(request, "staff/sign_in.html")


@door.get("/sign-in/link", needs=Open.LINK)
async def link_page(request: Request) -> Response:
    """Show the button that uses a one-time link up."""
    return render(request, "staff/sign_in_link.html", token=request.query_params.get("token", ""))


@door.post("/sign-in/link", needs=Open.LINK)
async def use_link(request: Request) -> Response:
    """Sign in with a one-time link."""
    check_same_origin(request)
    node = node_of(request)
    token = text_in(await request.form(), "token")
    await _count_attempt(request, node)
    started = await node.run(PERSON, lambda tx: sign_in.sign_in_with_link(tx, token))
    return _signed_in(node, started, RedirectResponse("/", 303))


@door.post("/sign-in/passkey/options", needs=Open.ANYONE)
async def passkey_options(request: Request) -> Response:
    """Give what a browser needs to sign in with a passkey."""
    check_same_origin(request)
    node = node_of(request)
    await _count_attempt(request, node)
    return JSONResponse(await node.run(PERSON, lambda tx: passkeys.authentication_options(tx, party(node))))


@door.post("/sign-in/passkey", needs=Open.ANYONE)
async def use_passkey(request: Request) -> Response:
    """Sign in with a passkey's answer."""
    check_same_origin(request)
    node = node_of(request)
    answer = await json_of(request)
    await _count_attempt(request, node)
    started = await node.run(PERSON, lambda tx: passkeys.sign_in_with_passkey(tx, party(node), answer))
    return _signed_in(node, started, JSONResponse({"next": "/"}))


@door.post("/sign-out", needs=Permission.SEE_OWN_ACCOUNT)
async def sign_out(request: Request) -> Response:
    """End this session."""
    node = node_of(request)
    token = request.cookies.get(node.session_cookie, "")
    await node.run(staff(request), lambda tx: sign_in.sign_out(tx, token))
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(node.session_cookie, secure=_secure(node), httponly=True, samesite="strict")
    return response


def party(node: Node) -> passkeys.RelyingParty:
    """Say whom passkeys are for: the console's address."""
    parts = urlsplit(str(node.settings.staff_url))
    return passkeys.RelyingParty(id=parts.hostname or "", name="Tidegate", origin=f"{parts.scheme}://{parts.netloc}")


async def json_of(request: Request) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        Malformed: it is not one.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Malformed("Send a JSON object.")
    try:
        read = json.loads(await body_of(request))
    except (ValueError, RecursionError) as error:
        raise Malformed("Send a JSON object.") from error
    if not isinstance(read, dict):
        raise Malformed("Send a JSON object.")
    return read


async def _count_attempt(request: Request, node: Node) -> None:
    """Count it in a transaction of its own: a refused sign-in must not undo the count."""
    source = request.client.host if request.client else "unknown"
    await node.run(PERSON, lambda tx: sign_in.count_attempt(tx, source=source))


def _signed_in(node: Node, started: SessionStart, response: Response) -> Response:
    response.set_cookie(
        node.session_cookie,
        started.token,
        max_age=int(SESSION_LIFE.total_seconds()),
        path="/",
        httponly=True,
        samesite="strict",
        secure=_secure(node),
    )
    return response


def _secure(node: Node) -> bool:
    return urlsplit(str(node.settings.staff_url)).scheme == "https"
