"""Uploads over HTTP from one cheap process: raw sockets, connections kept alive, bodies made beforehand.

In a closed loop each connection sends its next request when the one before is answered: that finds the most a node
answers. In an open loop requests have a time at which they are to be sent, whatever became of those before; latency
counts from that time, so a node that stalls is charged for everything that had to wait (no coordinated omission).
"""

import asyncio
import base64
import json
import random
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import cast

import numpy as np
from PIL import Image

Request = tuple[bytes, bytes, bytes]


def picture(seed: int, *, width: int = 640, height: int = 480, size: int = 110_000) -> bytes:
    """Draw a JPEG of about this many bytes: clouds with grain, nothing anyone could mind."""
    chance = np.random.default_rng(seed)
    total = np.zeros((height, width, 3))
    for side, weight in ((4, 0.45), (16, 0.3), (64, 0.15)):
        coarse = Image.fromarray(chance.integers(0, 256, (side, side, 3), dtype=np.uint8))
        total += weight * np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    total += chance.normal(12, 9, (height, width, 1))
    image = Image.fromarray(np.clip(total, 0, 255).astype(np.uint8))
    low, high, best = 10, 98, b""
    while low <= high:
        quality = (low + high) // 2
        out = BytesIO()
        image.save(out, "JPEG", quality=quality)
        if out.tell() <= size:
            low, best = quality + 1, out.getvalue()
        else:
            high = quality - 1
    return best


def requests(path: str, key: str, pictures: list[bytes], *, record: bool, words: bool = False) -> Iterator[Request]:
    """Make requests without end: no two have the same bytes or the same post, nor the same words beside, if any."""
    lengths = {len(data) for data in pictures}
    every = {length: heads(path, key, length + _COMMENT_BYTES, record=record, words=words) for length in lengths}
    number = 0
    while True:
        data = pictures[number % len(pictures)]
        # A comment in the file makes the bytes another's, as they are for every upload of its own.
        yield next(every[len(data)]), b"\xff\xd8\xff\xfe\x00\x12" + secrets.token_bytes(16), data[2:]
        number += 1


#: Of the comment's mark and length, and what it says.
_COMMENT_BYTES = 20


def heads(
    path: str, key: str, length: int, *, record: bool, accounts: int = 1000, words: bool = False
) -> Iterator[bytes]:
    """Make the heads of requests without end: a post of its own for each, and so many accounts."""
    begins = (
        f"POST {path} HTTP/1.1\r\nhost: node\r\nauthorization: Bearer {key}\r\ncontent-type: image/jpeg\r\n"
        f"content-length: {length}\r\n"
    )
    run, number = secrets.token_hex(4), 0
    while True:
        lines = ""
        if record:
            metadata = {
                "kind": "picture", "platform_id": f"{run}-{number}", "uploader": f"user-{number % accounts}",
                "surface": "public", "reach": 10,
            }  # fmt: skip
            if words:
                metadata |= {
                    "caption": f"Seen from the bridge this morning, number {number}: fog over the river, two boats and "
                    f"the chairs of the old harbour office. More at harbour-{run}.example/days/{number}, in colour.",
                    "link": f"https://pictures-{run}.example/{number}",
                }
            lines = f"tidegate-metadata: {base64.b64encode(json.dumps(metadata).encode()).decode()}\r\n"
        yield f"{begins}{lines}\r\n".encode()
        number += 1


class _Connection(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.open = cast("asyncio.Transport", transport), True

    def connection_lost(self, _error: Exception | None) -> None:
        self.open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((0, b""))

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0 or self._answer is None or self._answer.done():
            return
        head = bytes(self._received[:end]).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(self._received) < end + 4 + length:
            return
        body = bytes(self._received[end + 4 : end + 4 + length])
        status = int(head.split(b" ", 2)[1])
        self._received.clear()
        if b"connection: close" in head or status >= 400:
            self.close()
        self._answer.set_result((status, body))

    def ask(self, request: Request) -> "asyncio.Future[tuple[int, bytes]]":
        """Send a request; status 0 when the connection broke."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.writelines(request)
        return self._answer

    def close(self) -> None:
        self.open = False
        if self._transport is not None:
            self._transport.abort()


@dataclass
class Measured:
    """What came of many requests: seconds of those answered 200, and how many ended in which status."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    took: float = 0.0
    #: Due while every connection was busy: never sent.
    not_sent: int = 0
    unlike: int = 0

    def report(self) -> dict[str, object]:
        """Give the figures."""
        at = np.percentile(self.seconds or [0.0], [50, 99, 100]) * 1000
        return {
            "answered_per_second": round(self.statuses[200] / self.took, 1),
            "p50_ms": round(float(at[0]), 1),
            "p99_ms": round(float(at[1]), 1),
            "longest_ms": round(float(at[2]), 1),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
        } | ({"not_sent": self.not_sent} if self.not_sent else {})


@dataclass
class Client:
    """Sends requests to one port."""

    port: int
    requests: Iterator[Request]
    #: Says whether an answer is the one expected.
    expected: Callable[[bytes], bool]

    async def connect(self) -> _Connection:
        """Open one more connection."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, "127.0.0.1", self.port)
        return connection

    async def closed(self, connections: int, seconds: float) -> Measured:
        """Send as fast as answers come."""
        measured, began = Measured(), time.perf_counter()

        async def one() -> None:
            connection = await self.connect()
            while time.perf_counter() - began < seconds:
                if not connection.open:
                    connection = await self.connect()
                sent = time.perf_counter()
                status, body = await connection.ask(next(self.requests))
                self.note(measured, status, body, time.perf_counter() - sent)
            connection.close()

        await asyncio.gather(*(one() for _ in range(connections)))
        measured.took = time.perf_counter() - began
        return measured

    async def paced(
        self,
        rate: float,
        seconds: float,
        *,
        most_connections: int = 256,
        random_arrivals: bool = False,
        drop: bool = False,
    ) -> Measured:
        """Send at a rate, whatever is answered.

        Args:
            rate: requests a second.
            seconds: for how long.
            most_connections: more are not opened; what is due then waits, on the clock.
            random_arrivals: exponential gaps between requests instead of even ones.
            drop: what is due while every connection is busy is not sent at all.
        """
        chance, began = random.Random(1), time.perf_counter()
        sending = _Paced(self, most_connections, drop=drop)
        due = began
        while due < began + seconds:
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            sending.take(due)
            due += chance.expovariate(rate) if random_arrivals else 1 / rate
        await sending.end()
        sending.measured.took = time.perf_counter() - began
        return sending.measured

    def note(self, measured: Measured, status: int, body: bytes, seconds: float) -> None:
        """Count an answer."""
        measured.statuses[status] += 1
        if status == 200:
            measured.seconds.append(seconds)
            measured.unlike += not self.expected(body)


class _Paced:
    """Requests that were due and are not answered yet, on as many connections as it takes."""

    def __init__(self, client: Client, most: int, *, drop: bool) -> None:
        self.measured = Measured()
        self._client, self._most, self._drop = client, most, drop
        self._idle: deque[_Connection] = deque()
        self._waiting: deque[float] = deque()
        self._under_way: set[asyncio.Task[None]] = set()

    def take(self, due: float) -> None:
        """Send what is due now, or as soon as there is a connection for it."""
        if len(self._under_way) < self._most:
            task = asyncio.ensure_future(self._send(due))
            self._under_way.add(task)
            task.add_done_callback(self._done)
        elif self._drop:
            self.measured.not_sent += 1
        else:
            self._waiting.append(due)

    async def end(self) -> None:
        """Wait for every answer."""
        while self._under_way:
            await asyncio.wait(list(self._under_way))
        for connection in self._idle:
            connection.close()

    async def _send(self, due: float) -> None:
        connection = self._idle.popleft() if self._idle else await self._client.connect()
        if not connection.open:
            connection = await self._client.connect()
        status, body = await connection.ask(next(self._client.requests))
        self._client.note(self.measured, status, body, time.perf_counter() - due)
        if connection.open:
            self._idle.append(connection)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if self._waiting:
            self.take(self._waiting.popleft())
