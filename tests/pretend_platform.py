"""The example platform as a process of its own, and a small node for it to talk to, both over real HTTP."""

import base64
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tidegate.enforcement.signing import public_text, sign

FOLDER = Path(__file__).parents[1] / "examples" / "platform"


def until(what: Callable[[], Any], *, seconds: float = 20) -> Any:
    """Poll until something is true, with a deadline."""
    deadline = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


class Served:
    """An application on a port of this machine, that can be stopped and started again on the same port."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._server = uvicorn.Server(uvicorn.Config(self._app, log_level="error", timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()
        until(lambda: self._server.started)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()


class SmallNode:
    """Answers as the platform API says a node answers, and remembers what it was told."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.verdict = "clear"
        self.hold_seconds = 60.0
        self.removed = False
        self.status = 200
        self.bytes_wanted = True
        self.uploads: list[tuple[str, str, dict[str, Any]]] = []
        self.flags: list[dict[str, Any]] = []
        self.given: list[tuple[str, bytes]] = []
        self.wanted: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self.stream: list[dict[str, Any]] = []
        self.acknowledged: dict[str, bool] = {}
        self.served = Served(
            Starlette(
                routes=[
                    Route("/v1/content", self._content, methods=["POST"]),
                    Route("/v1/content/{content}", self._delete, methods=["DELETE"]),
                    Route("/v1/content/{content}/bytes", self._bytes, methods=["PUT"]),
                    Route("/v1/bytes-wanted", self._wanted, methods=["GET"]),
                    Route("/v1/flags", self._raise_flag, methods=["POST"]),
                    Route("/v1/flags/{flag}", self._read_flag),
                    Route("/v1/instructions", self._instructions),
                    Route("/v1/instructions/{instruction}/acknowledgement", self._acknowledge, methods=["POST"]),
                    Route("/v1/webhook-key", self._keys),
                ]
            )
        )

    def instruction(self, post: dict[str, Any], sequence: int, action: str, **more: Any) -> dict[str, Any]:
        """Make an instruction about a post, and put it into the stream."""
        made = {
            "instruction": f"instruction_{len(self.stream) + 1}_{action}",
            "position": len(self.stream) + 1,
            "sequence": sequence,
            "content": post["content"] or "content_unknown",
            "platform_id": post["id"],
            "uploader": post["account"],
            "kind": "picture",
            "action": action,
            "cause": "decision",
            "given_at": datetime.now(UTC).isoformat(),
            "expires_at": None,
            "notice_url": None,
            "decision": None,
            **more,
        }
        self.stream.append(made)
        return made

    def send(self, platform: httpx2.Client, data: dict[str, Any], **how: Any) -> httpx2.Response:
        """Send an instruction as a signed webhook."""
        raw = json.dumps({"type": how.get("type", "instruction"), "data": data}).encode()
        now = int(time.time()) + how.get("shift", 0)
        identity = how.get("identity", data.get("instruction", "message_1"))
        headers = {
            "webhook-id": identity,
            "webhook-timestamp": str(now),
            "webhook-signature": sign(how.get("key", self.key), identity, now, raw),
        }
        return platform.post("/tidegate", content=how.get("body", raw), headers=headers)

    async def _content(self, request: Request) -> Response:
        if self.status != 200:
            return JSONResponse({"title": "no"}, status_code=self.status)
        body = await request.body()
        encoded = request.headers.get("tidegate-metadata")
        text = base64.b64decode(encoded) if encoded else body[body.index(b"{") :]
        metadata = json.JSONDecoder().raw_decode(text.decode("latin-1"))[0]
        self.uploads.append((request.headers["idempotency-key"], request.headers.get("authorization", ""), metadata))
        content = f"content_{metadata['platform_id']}"
        answer: dict[str, Any] = {"content": content, "revision": 1, "verdict": self.verdict, "reason": None}
        if self.removed:
            answer |= {"verdict": "hold", "instruction": None, "sequence": 1, "expires_at": None, "removed": True}
        elif self.verdict == "hold":
            ends = datetime.now(UTC) + timedelta(seconds=self.hold_seconds)
            post = {"id": metadata["platform_id"], "account": metadata["uploader"], "content": content}
            held = self.instruction(
                post, 1, "hold", expires_at=ends.isoformat(), notice_url=f"https://node.example/notice/{content}"
            )
            answer |= {key: held[key] for key in ("instruction", "sequence", "expires_at")}
        return JSONResponse(answer)

    async def _delete(self, request: Request) -> Response:
        self.deleted.append(request.path_params["content"])
        return Response(status_code=204)

    async def _bytes(self, request: Request) -> Response:
        self.given.append((request.path_params["content"], await request.body()))
        return Response(status_code=204)

    async def _wanted(self, _request: Request) -> Response:
        return JSONResponse({"wanted": self.wanted})

    async def _raise_flag(self, request: Request) -> Response:
        self.flags.append(await request.json())
        return JSONResponse(
            {"flag": "flag_1", "content": self.flags[-1]["content"], "bytes_wanted": self.bytes_wanted}, status_code=201
        )

    async def _read_flag(self, _request: Request) -> Response:
        return JSONResponse({"flag": "flag_1", "state": "answered", "outcome": "removed"})

    async def _instructions(self, request: Request) -> Response:
        after = int(request.query_params["after"])
        # Two at a time, so that reading on is tried, too.
        page = [made for made in self.stream if made["position"] > after][:2]
        return JSONResponse({"instructions": page, "next": page[-1]["position"] if page else after})

    async def _acknowledge(self, request: Request) -> Response:
        self.acknowledged[request.path_params["instruction"]] = (await request.json())["applied"]
        return Response(status_code=204)

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [public_text(self.key.public_key())]})


class PretendPlatform(httpx2.Client):
    """The process, and a visitor's client to it."""

    process: subprocess.Popen[str]

    def publish(self, picture: bytes = b"\xff\xd8\xff picture", **fields: Any) -> dict[str, Any]:
        """Post a picture."""
        whole = {"account": "ada", "caption": "A bridge", "reach": "10", **fields}
        answer = self.post("/posts", data=whole, files={"file": ("picture.jpg", picture, "image/jpeg")})
        assert answer.status_code == 201, answer.text
        read: dict[str, Any] = answer.json()
        return read

    def state(self, post: dict[str, Any]) -> str:
        """Say where a post stands."""
        return str(self.get(f"/posts/{post['id']}").json()["state"])

    def inbox_of(self, account: str) -> list[dict[str, Any]]:
        """Read what an account was told."""
        return list(self.get(f"/accounts/{account}/inbox").json()["notices"])


@contextmanager
def running_platform(
    data: Path, node_url: str, *, key: str = "tidegate_example", wait_for_key: bool = True
) -> Iterator[PretendPlatform]:
    """Run the example platform until the end of the block."""
    data.mkdir(parents=True, exist_ok=True)
    key_file = data / "api.key"
    key_file.write_text(f"{key}\n")
    command = [sys.executable, str(FOLDER), "--port", "0", "--data", str(data), "--node", node_url]
    command += ["--key-file", str(key_file), "--tick", "0.05", "--pull", "0.5", "--node-timeout", "5"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip().rpartition(" ")[2]
        with PretendPlatform(base_url=url, timeout=20, trust_env=False) as platform:
            platform.process = process
            if wait_for_key:
                until(lambda: platform.get("/health").json()["can_check_webhooks"])
            yield platform
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
