"""A platform's receiver that misbehaves as it is told."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """Listens for webhooks; ``behave`` says how each is answered."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.behave: Callable[[BaseHTTPRequestHandler, dict[str, Any]], None] = acknowledge
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said = json.loads(self.rfile.read(int(self.headers["content-length"])))
                receiver.got.append(said["data"])
                receiver.behave(self, said["data"])

            def do_GET(self) -> None:
                raise AssertionError("nobody follows a redirect")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def answer(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"content-length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def acknowledge(handler: BaseHTTPRequestHandler, data: dict[str, Any]) -> None:
    answer(
        handler, 200, json.dumps({"acknowledged": data.get("instruction", data.get("ask")), "applied": True}).encode()
    )


def never(handler: BaseHTTPRequestHandler, _data: dict[str, Any]) -> None:
    """Keep the connection open and say nothing, longer than anyone waits."""
    time.sleep(3)
    handler.close_connection = True


def trickle(handler: BaseHTTPRequestHandler, data: dict[str, Any]) -> None:
    """Send a good answer so slowly that no single read times out."""
    body = json.dumps({"acknowledged": data.get("instruction", data.get("ask")), "applied": True}).encode()
    handler.send_response(200)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    try:
        for place in range(len(body)):
            handler.wfile.write(body[place : place + 1])
            time.sleep(0.15)
    except OSError:
        handler.close_connection = True


def endless(handler: BaseHTTPRequestHandler, _data: dict[str, Any]) -> None:
    """Send without end."""
    handler.send_response(200)
    handler.end_headers()
    handler.close_connection = True
    try:
        for _ in range(20_000):
            handler.wfile.write(b" " * 65536)
    except OSError:
        return
