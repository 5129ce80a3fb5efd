"""A running node for tests: three listeners over real HTTP, a clock moved by hand, people who sign in.

Nothing here goes around the system: staff hold roles that two administrators gave them, uploads go through the jail,
jobs run as the worker runs them. Only time is ours.
"""

import asyncio
import base64
import json
import re
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx2

from tidegate.background.worker import run_jobs_once
from tidegate.db.transaction import MACHINE, Actor, ActorKind, Transaction
from tidegate.fingerprint.video.jail import VideoJail
from tidegate.jail import Jail
from tidegate.kernel.ids import ServiceId, StaffId
from tidegate.node import Node, open_node
from tidegate.people import sign_in, steps
from tidegate.people.model import DEFAULT_SCOPES, ProposalKind, Role, Scope
from tidegate.run import DOORS, show_error
from tidegate.settings import Settings
from tidegate.web.serve import Addresses, listening

Result = TypeVar("Result")


@dataclass(frozen=True)
class Urls:
    """One database, as the application's role and as its owner."""

    app: str
    owner: str


@dataclass
class ManualClock:
    """A clock that only moves when told to."""

    now: datetime = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


class Hasty:
    """What ``asyncio`` is to a server of the tests: nothing sleeps for long."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))


class Loop:
    """An event loop in a thread of its own, for servers that must answer while a test waits."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)

    def enter(self, context: AbstractAsyncContextManager[Result]) -> Result:
        return self.run(context.__aenter__())

    def leave(self, context: AbstractAsyncContextManager[Any]) -> None:
        self.run(context.__aexit__(None, None, None))

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


class Browser(httpx2.Client):
    """Someone on the staff at the console, signed in."""

    staff: StaffId

    def csrf(self) -> str:
        """Read the token out of a page, as a browser's form would carry it."""
        page = self.get("/account", headers={"accept": "text/html"})
        found = re.search(r'name="csrf" value="([^"]+)"', page.text)
        assert found, page.text[:500]
        return found[1]

    def submit(self, path: str, **form: Any) -> httpx2.Response:
        """Post a form with the session's token."""
        return self.post(path, data={"csrf": self.csrf(), **form})


@dataclass
class Platform:
    """A platform's servers, with a key."""

    service: ServiceId
    client: httpx2.Client

    def upload(self, data: bytes, *, headers: dict[str, str] | None = None, **metadata: Any) -> httpx2.Response:
        """Show the node a picture."""
        whole = {
            "kind": "picture",
            "platform_id": "post-1",
            "uploader": "user-1",
            "surface": "public",
            "reach": 10,
        }
        whole |= metadata
        encoded = base64.b64encode(json.dumps(whole).encode()).decode()
        return self.client.post(
            "/v1/content",
            content=data,
            headers={"content-type": "image/jpeg", "tidegate-metadata": encoded, **(headers or {})},
        )

    def verdict(self, data: bytes, **metadata: Any) -> dict[str, Any]:
        """Show the node a picture and read its verdict."""
        answer = self.upload(data, **metadata)
        assert answer.status_code == 200, answer.text
        read: dict[str, Any] = answer.json()
        return read


@dataclass
class Running:
    """A node that is up."""

    loop: Loop
    node: Node
    addresses: Addresses
    clock: ManualClock
    _administrators: list[StaffId] = field(default_factory=list)
    _open: list[httpx2.Client] = field(default_factory=list)

    def do(self, action: Callable[[Transaction], Awaitable[Result]], actor: Actor = MACHINE) -> Result:
        """Run steps in a transaction of the node."""
        return self.loop.run(self.node.run(actor, action))

    def work(self) -> None:
        """Let the worker do everything that is due now."""
        self.loop.run(run_jobs_once(self.node))

    # --- people ---

    def administrators(self) -> tuple[StaffId, StaffId]:
        """Give the first two administrators, making them if need be."""
        if not self._administrators:
            first = self.do(lambda tx: steps.bootstrap(tx, "First administrator"))
            as_first = Actor(ActorKind.STAFF, first)
            second = self.do(lambda tx: steps.add_staff(tx, "Second administrator"), as_first)
            self.do(lambda tx: steps.bootstrap_second(tx, second), as_first)
            self._administrators = [first, second]
        return self._administrators[0], self._administrators[1]

    def hire(self, *roles: Role, name: str = "Someone") -> StaffId:
        """Put someone on the staff; two administrators give each role."""
        first, second = self.administrators()
        by_first, by_second = Actor(ActorKind.STAFF, first), Actor(ActorKind.STAFF, second)
        staff = self.do(lambda tx: steps.add_staff(tx, name), by_first)
        for role in roles:
            self._give(staff, role, by_first, by_second)
        return staff

    def _give(self, staff: StaffId, role: Role, by_first: Actor, by_second: Actor) -> None:
        proposal = self.do(lambda tx: steps.propose(tx, ProposalKind.ROLE_GRANT, staff=staff, role=role), by_first)
        self.do(lambda tx: steps.approve(tx, proposal), by_second)

    def sign_in(self, staff: StaffId) -> Browser:
        """Sign someone in with a one-time link made at the machine."""

        async def start(tx: Transaction) -> str:
            return (await sign_in.sign_in_with_link(tx, await sign_in.make_link(tx, staff))).token

        browser = Browser(base_url=self.addresses.staff, timeout=30, trust_env=False)
        browser.staff = staff
        browser.cookies.set(self.node.session_cookie, self.do(start))
        self._open.append(browser)
        return browser

    def person(self, *roles: Role, name: str = "Someone") -> Browser:
        """Put someone on the staff and sign them in."""
        return self.sign_in(self.hire(*roles, name=name))

    # --- platforms ---

    def platform(
        self,
        *,
        scopes: frozenset[Scope] = DEFAULT_SCOPES,
        webhook_url: str | None = None,
        service: ServiceId | None = None,
    ) -> Platform:
        """Let a platform in."""
        owner = service or self.do(lambda tx: steps.add_service(tx, "A platform", webhook_url))
        allowed = self.node.settings.match_without_record
        _, text = self.do(
            lambda tx: steps.issue_key(
                tx, owner, label="test", life=timedelta(days=365), scopes=scopes, match_allowed=allowed
            )
        )
        return Platform(owner, self.client(self.addresses.platform, headers={"authorization": f"Bearer {text}"}))

    def client(self, base_url: str, **more: Any) -> httpx2.Client:
        """Open a client that is closed with the node."""
        made = httpx2.Client(base_url=base_url, timeout=30, trust_env=False, **more)
        self._open.append(made)
        return made

    def public(self) -> httpx2.Client:
        """Be anyone."""
        return self.client(self.addresses.public)

    def close(self) -> None:
        for client in self._open:
            client.close()


class Nodes:
    """Starts and stops nodes on one loop with one jail."""

    def __init__(
        self, loop: Loop, jail: Jail, settings: Settings, clock: ManualClock, videos: VideoJail | None = None
    ) -> None:
        self._loop, self._jail, self._videos, self._settings, self._clock = loop, jail, videos, settings, clock
        self._open: list[tuple[Running, list[AbstractAsyncContextManager[Any]]]] = []

    def start(self, **settings: Any) -> Running:
        """Start a node, with other settings where a test needs them."""
        chosen = self._settings.model_copy(update=settings)
        node_context = open_node(chosen, clock=self._clock, jail=self._jail, videos=self._videos)
        node = self._loop.enter(node_context)
        listening_context = listening(node, DOORS, show_error)
        addresses = self._loop.enter(listening_context)
        node.settings = chosen.model_copy(
            update={"public_url": httpx2.URL(addresses.public), "staff_url": chosen.staff_url}
        )
        running = Running(self._loop, node, addresses, self._clock)
        self._open.append((running, [listening_context, node_context]))
        return running

    def origins(self) -> set[str]:
        """Give the addresses of every listener that is up."""
        every = [running.addresses for running, _ in self._open]
        return {address for up in every for address in (up.public, up.platform, up.staff)}

    def stop_all(self) -> None:
        for running, contexts in reversed(self._open):
            running.close()
            for context in contexts:
                self._loop.leave(context)
        self._open.clear()
