"""Doors: every route stands on exactly one listener and says who may use it.

May decide: who gets in. A route that declares no listener and no permission cannot be written. The table of all of
them is generated into ``docs/roles.md`` and every cell is tried by a test.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fastapi import APIRouter, Depends, Request

from tidegate.db.transaction import Actor, ActorKind
from tidegate.kernel.errors import Forbidden, Unauthenticated
from tidegate.node import Node
from tidegate.people.model import Key, Permission, Scope, Session
from tidegate.people.sign_in import check_csrf, require_permission
from tidegate.people.sign_in import session as open_session
from tidegate.people.steps import authenticate_key


class Listener(StrEnum):
    """Where a route stands. Each has its own port, so that a firewall can tell them apart."""

    PUBLIC = "public"
    PLATFORM = "platform"
    STAFF = "staff"


class Open(StrEnum):
    """Who needs no key and no session."""

    ANYONE = "anyone"
    #: The secret in the address is the permission.
    LINK = "link"


class AnyKey(StrEnum):
    """Any valid API key, whatever its scopes."""

    ANY_KEY = "any_key"


Needs = Permission | Scope | Open | AnyKey


@dataclass(frozen=True, slots=True)
class Declared:
    """A row of the role and route table."""

    listener: Listener
    method: str
    path: str
    needs: Needs
    name: str
    #: A page asks by itself, not a person: it does not keep a session alive.
    quiet: bool = False


class Door:
    """The routes of one listener in one module."""

    every: list[Declared] = []  # noqa: RUF012 - one table for the whole program

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.router = APIRouter()

    def route(
        self,
        method: str,
        path: str,
        *,
        needs: Needs,
        quiet: bool = False,
        uploads: bool = False,
        **more: Any,  # noqa: ANN401 - what FastAPI takes
    ) -> Callable[[Callable[..., Awaitable[Any]]], Callable[..., Awaitable[Any]]]:
        """Declare a route: its method, its path and who may use it.

        A quiet one is asked by an open page by itself, which must not pass for a person who is still there. One that
        uploads bytes to be checked is refused while too many are under way.
        """
        guard = _guard(self.listener, method, needs, quiet=quiet)

        def add(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
            Door.every.append(Declared(self.listener, method, path, needs, handler.__name__, quiet))
            self.router.add_api_route(
                path,
                handler,
                methods=[method],
                dependencies=[Depends(_guard_uploads(guard) if uploads else guard)],
                openapi_extra={"x-needs": str(needs)},
                **more,
            )
            return handler

        return add


def _guard(listener: Listener, method: str, needs: Needs, *, quiet: bool) -> Callable[[Request], Awaitable[None]]:
    async def guard(request: Request) -> None:
        if isinstance(needs, Open):
            return
        if listener is Listener.PLATFORM:
            await _let_key_in(request, needs)
        else:
            await _let_person_in(request, method, needs, quiet=quiet)

    return guard


def _guard_uploads(guard: Callable[[Request], Awaitable[None]]) -> Callable[[Request], AsyncIterator[None]]:
    async def guard_uploads(request: Request) -> AsyncIterator[None]:
        # Before anything else: when there is far too much to do, saying so must cost next to nothing.
        with request.app.state.uploads.enter() as upload:
            request.state.upload = upload
            await guard(request)
            yield

    return guard_uploads


async def _let_key_in(request: Request, needs: Needs) -> None:
    """Check an API key and its scope.

    Raises:
        Unauthenticated: no key, or one that is not valid.
        Forbidden: a key without this scope.
        RateLimited: too many requests with it.
    """
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text:
        raise Unauthenticated('Send an API key as "Authorization: Bearer tidegate_...".')
    node = node_of(request)
    async with node.database.glance(Actor(ActorKind.PLATFORM)) as tx:
        key = await authenticate_key(tx, text.strip())
    if isinstance(needs, Scope) and needs not in key.scopes:
        raise Forbidden(
            'This key lacks the scope "%(needs)s": issue one that has it.', values={"needs": needs}, reference=needs
        )
    limit = node.settings.match_per_minute if needs is Scope.MATCH else node.settings.requests_per_minute
    request.app.state.limits.take(f"key/{key.id}/{needs is Scope.MATCH}", limit)
    request.state.key = key


async def _let_person_in(request: Request, method: str, needs: Needs, *, quiet: bool) -> None:
    """Check a session, its permission and, for whatever changes something, its CSRF token.

    Raises:
        Unauthenticated: not signed in.
        Forbidden: no role of theirs allows it, or the CSRF token is missing or another session's.
    """
    node = node_of(request)
    token = request.cookies.get(node.session_cookie, "")
    if not token:
        raise Unauthenticated("Sign in first.")
    async with node.database.transaction(Actor(ActorKind.STAFF)) as tx:
        session = await open_session(tx, token, touch=not quiet)
    request.state.session = session
    if method not in {"GET", "HEAD"}:
        given = request.headers.get("x-csrf-token") or str((await request.form()).get("csrf", ""))
        check_csrf(session, given)
    if isinstance(needs, Permission):
        require_permission(session, needs)


def node_of(request: Request) -> Node:
    """Give the node that serves a request."""
    node = request.app.state.node
    assert isinstance(node, Node)
    return node


def key_of(request: Request) -> Key:
    """Give the API key a request was let in with."""
    key = request.state.key
    assert isinstance(key, Key)
    return key


def session_of(request: Request) -> Session:
    """Give the session a request was let in with."""
    session = request.state.session
    assert isinstance(session, Session)
    return session


def platform(request: Request) -> Actor:
    """Name a platform's key as who acts."""
    return Actor(ActorKind.PLATFORM, key_of(request).service)


def staff(request: Request) -> Actor:
    """Name a member of staff as who acts."""
    return Actor(ActorKind.STAFF, session_of(request).staff)
