"""The pretend platform's own pages and API, and the door for the node's webhooks.

May decide: who may post. It has no sign-in, because it is only pretended: keep it on this machine.
"""

import asyncio
import io
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import multipart
from errands import Errands, judged, moment, publish
from node_client import Node, NodeError
from page import POLICY, inbox, wall
from receiver import IMAGINARY, receive
from standing import Instruction, NotAnInstructionError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from store import Row, Store
from webhook import NotBelievedError, believe, read_key

CLASSES = ("ordinary", "press", "research", "parliament", "protected")
LARGEST_POST = 64 * 2**20
LARGEST_MESSAGE = 64 * 2**10
_MAGIC = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
    b"\x1a\x45\xdf\xa3": "video/webm",
}
KINDS = ("picture", "video", "text", "link")


class Platform:
    """The routes."""

    def __init__(self, store: Store, node: Node, errands: Errands) -> None:
        self.store, self.node, self.errands = store, node, errands

    # --- what visitors do ---

    async def home(self, _request: Request) -> Response:
        """Show the wall."""
        self.store.lapse(time.time())
        accounts = self.store.rows("SELECT id, class FROM account ORDER BY id")
        posts = self.store.posts()
        for post in posts:
            if post["kind"] in {"text", "link"}:
                post["words"] = self.store.body(post["id"]).decode("utf-8", "replace")
        return _html(wall(posts, accounts))

    async def add_post(self, request: Request) -> Response:
        """Take a post, show it to the node, and publish it unless the node says hold."""
        fields, body = _form(request, await _body(request, LARGEST_POST))
        name, reach, kind = fields.get("account", ""), fields.get("reach", "0"), fields.get("kind", "picture")
        if not name or not body or not reach.isascii() or not reach.isdigit() or kind not in KINDS:
            raise HTTPException(422, f"send account, caption, file, reach (a number) and kind ({', '.join(KINDS)})")
        self.store.set_account(name, None)
        account = self.store.account(name)
        assert account is not None
        if account["state"] != "active":
            raise HTTPException(403, f"this account is {account['state']}")
        post = f"post-{secrets.token_hex(8)}"
        errand = self._insert(post, account, kind, fields.get("caption", ""), int(reach), body)
        await self.errands.run(errand)
        return JSONResponse(self._show(self._find(post)), status_code=201)

    def _insert(self, post: str, account: Row, kind: str, caption: str, reach: int, body: bytes) -> int:
        """Write the post and what the node must be told, together: a crash between the two loses neither."""
        now = time.time()
        metadata = {
            "kind": kind,
            "platform_id": post,
            "uploader": account["id"],
            "account_class": account["class"],
            "surface": "public",
            "reach": reach,
            "caption": caption,
            "posted_at": moment(now),
        }
        with self.store.transaction():
            self.store.run(
                "INSERT INTO post (id, account, caption, reach, kind, body, media_type, posted_at, state)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'checking')",
                post,
                account["id"],
                caption,
                reach,
                kind,
                body,
                _media_type(kind, body),
                now,
            )
            return self.store.add_errand("upload", post, metadata, secrets.token_hex(16), now)

    async def posts(self, _request: Request) -> Response:
        """List all posts."""
        self.store.lapse(time.time())
        return JSONResponse({"posts": [self._show(post) for post in self.store.posts()]})

    async def post(self, request: Request) -> Response:
        """Show where one post stands."""
        return JSONResponse(self._show(self._find(request.path_params["post"])))

    async def body(self, request: Request) -> Response:
        """Show what was posted, if it is published; 451 when it was removed, 404 in every other case."""
        post = self._find(request.path_params["post"])
        if post["state"] != "published":
            raise HTTPException(451 if post["state"] == "removed" else 404, f"this post is {post['state']}")
        return Response(
            self.store.body(post["id"]),
            media_type=post["media_type"],
            headers={"x-content-type-options": "nosniff", "cache-control": "no-store"},
        )

    async def flag(self, request: Request) -> Response:
        """Pass on what a visitor reports; if the node is down it is passed on later."""
        post = self._find(request.path_params["post"])
        said = await _json(request)
        flag: Row = {"reporter": str(said.get("reporter", "")), "words": str(said.get("words", ""))}
        if said.get("label") is not None:
            flag["label"] = str(said["label"])
        if said.get("trusted") is True:
            flag["trusted"] = True
        number = self.store.add_errand("flag", post["id"], flag, secrets.token_hex(16), time.time())
        await self.errands.run(number)
        return JSONResponse(await self._show_flag(number), status_code=201)

    async def read_flag(self, request: Request) -> Response:
        """Show what came of a report."""
        return JSONResponse(await self._show_flag(request.path_params["number"]))

    async def delete(self, request: Request) -> Response:
        """Let the one who posted it delete it, and tell the node."""
        post = self._find(request.path_params["post"])
        if post["state"] != "deleted":
            now = time.time()
            with self.store.transaction():
                self.store.run("UPDATE post SET state = 'deleted', held_until = NULL WHERE id = ?", post["id"])
                self.store.happened(post["id"], "deleted", now)
                number = self.store.add_errand("delete", post["id"], {}, secrets.token_hex(16), now)
            await self.errands.run(number)
        return Response(status_code=204)

    # --- accounts ---

    async def set_account(self, request: Request) -> Response:
        """Open an account or change its class."""
        account_class = (await _json(request)).get("class", "ordinary")
        if account_class not in CLASSES:
            raise HTTPException(422, f"class is one of {', '.join(CLASSES)}")
        self.store.set_account(request.path_params["account"], account_class)
        return JSONResponse(self.store.account(request.path_params["account"]))

    async def account(self, request: Request) -> Response:
        """Show an account."""
        found = self.store.account(request.path_params["account"])
        if found is None:
            raise HTTPException(404, "there is no such account")
        return JSONResponse(found)

    async def inbox(self, request: Request) -> Response:
        """Show what an account was told, as JSON, or as a page with ``?page=1``."""
        account = request.path_params["account"]
        notices = self.store.rows("SELECT post, at, text, url FROM inbox WHERE account = ? ORDER BY number", account)
        if "page" in request.query_params:
            return _html(inbox(account, notices))
        shown = [{**notice, "at": moment(notice["at"])} for notice in notices]
        return JSONResponse({"account": account, "notices": shown}, headers={"cache-control": "no-store"})

    # --- for others ---

    async def published(self, _request: Request) -> Response:
        """List what was published and taken down, and when, for whoever recounts the ledger."""
        now = time.time()
        self.store.lapse(now)
        posts = self.store.rows("SELECT id AS post, content, state FROM post ORDER BY posted_at, id")
        happenings = self.store.rows(
            "SELECT at, happening.post, content, what, instruction"
            " FROM happening JOIN post ON post.id = happening.post ORDER BY number"
        )
        for happening in happenings:
            happening["at"] = moment(happening["at"])
        return JSONResponse({"written_at": moment(now), "posts": posts, "happenings": happenings})

    async def health(self, _request: Request) -> Response:
        """Say how the platform is."""
        waiting = self.store.row("SELECT count(*) AS number FROM errand WHERE state = 'waiting'")
        assert waiting is not None
        return JSONResponse(
            {"status": "ok", "errands_waiting": waiting["number"], "can_check_webhooks": bool(self._keys())}
        )

    # --- the node ---

    async def webhook(self, request: Request) -> Response:
        """Receive what the node says: check the signature over the raw bytes, do it, acknowledge it."""
        body = await _body(request, LARGEST_MESSAGE)
        keys = self._keys()
        if not keys:
            raise HTTPException(503, "the node's public key is not known yet")
        try:
            identity = believe([read_key(key) for key in keys], request.headers, body, time.time())
        except NotBelievedError as error:
            raise HTTPException(401, str(error)) from error
        message = _object(body)
        if message.get("type") == "content.judged":
            return self._judged(message.get("data"))
        if message.get("type") == "content.bytes_wanted":
            return self._bytes_wanted(identity, message.get("data"))
        if message.get("type") != "instruction":
            return JSONResponse({"ignored": True})
        try:
            instruction = Instruction.read(message.get("data"))
        except NotAnInstructionError as error:
            raise HTTPException(400, str(error)) from error
        if instruction.id != identity:
            raise HTTPException(400, "webhook-id is not the id of the instruction")
        applied = receive(self.store, instruction, time.time())
        return JSONResponse({"acknowledged": instruction.id, "applied": applied})

    def _judged(self, news: Any) -> Response:  # noqa: ANN401 - JSON
        """Take the verdict on a post whose check took longer."""
        if not isinstance(news, dict) or not isinstance(news.get("verdict"), str):
            raise HTTPException(400, "a verdict is missing")
        post = self.store.post(str(news.get("platform_id")))
        if post is not None and post["content"] == news.get("content"):
            judged(self.store, post["id"], news["verdict"], news.get("reason"))
            publish(self.store, post["id"], time.time())
        return JSONResponse({"taken": post is not None})

    def _bytes_wanted(self, identity: str, said: Any) -> Response:  # noqa: ANN401 - JSON
        """Note that the node wants to see a post again; it is sent beside, for that may take longer than an answer."""
        if not isinstance(said, dict) or said.get("ask") != identity:
            raise HTTPException(400, "webhook-id is not the id of what is asked")
        has = self.errands.note_wanted(said.get("content"), said.get("platform_id"))
        return JSONResponse({"acknowledged": identity, "applied": has})

    def _keys(self) -> list[str]:
        return list(json.loads(self.store.setting("webhook_keys") or "[]"))

    # --- showing ---

    def _find(self, post: str) -> Row:
        self.store.lapse(time.time())
        found = None if post.startswith(IMAGINARY) else self.store.post(post)
        if found is None:
            raise HTTPException(404, "there is no such post")
        return found

    def _show(self, post: Row) -> Row:
        waiting = self.store.row(
            "SELECT 1 FROM errand WHERE post = ? AND kind = 'upload' AND state = 'waiting'", post["id"]
        )
        return {
            **post,
            "posted_at": moment(post["posted_at"]),
            "held_until": moment(post["held_until"]),
            "upload_waiting": waiting is not None,
        }

    async def _show_flag(self, number: int) -> Row:
        errand = self.store.row("SELECT * FROM errand WHERE number = ? AND kind = 'flag'", number)
        if errand is None:
            raise HTTPException(404, "there is no such report")
        answer = json.loads(errand["answer"] or "{}")
        if errand["state"] == "done":
            with suppress(NodeError):
                answer = await self.node.read_flag(answer["flag"])
        return {
            "number": number,
            "post": errand["post"],
            "sent": errand["state"],
            "flag": answer.get("flag"),
            "state": answer.get("state"),
            "outcome": answer.get("outcome"),
            "problem": answer.get("problem"),
        }


def make_app(store: Store, node: Node, *, tick: float, pull: float) -> Starlette:
    """Put the platform together."""
    errands = Errands(store, node)
    platform = Platform(store, node, errands)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        background = asyncio.create_task(errands.for_ever(tick=tick, pull=pull))
        yield
        background.cancel()
        with suppress(asyncio.CancelledError):
            await background
        await node.close()
        store.close()

    def route(method: str, path: str, endpoint: Callable[..., Any]) -> Route:
        return Route(path, endpoint, methods=[method])

    return Starlette(
        lifespan=lifespan,
        exception_handlers={HTTPException: _refusal},
        routes=[
            route("GET", "/", platform.home),
            route("POST", "/posts", platform.add_post),
            route("GET", "/posts", platform.posts),
            route("GET", "/posts/{post}", platform.post),
            route("DELETE", "/posts/{post}", platform.delete),
            route("GET", "/posts/{post}/body", platform.body),
            route("POST", "/posts/{post}/flag", platform.flag),
            route("GET", "/flags/{number:int}", platform.read_flag),
            route("GET", "/accounts/{account}", platform.account),
            route("PUT", "/accounts/{account}", platform.set_account),
            route("GET", "/accounts/{account}/inbox", platform.inbox),
            route("GET", "/published.json", platform.published),
            route("GET", "/health", platform.health),
            route("POST", "/tidegate", platform.webhook),
        ],
    )


async def _refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"problem": error.detail}, status_code=error.status_code)


def _html(text: str) -> Response:
    return HTMLResponse(
        text,
        headers={
            "content-security-policy": POLICY,
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
        },
    )


async def _body(request: Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise HTTPException(413, f"at most {most} bytes")
    return bytes(body)


def _object(body: bytes) -> Row:
    try:
        said = json.loads(body)
    except ValueError as error:
        raise HTTPException(400, "the body is not JSON") from error
    if not isinstance(said, dict):
        raise HTTPException(400, "the body is not an object")
    return said


async def _json(request: Request) -> Row:
    return _object(await _body(request, LARGEST_MESSAGE))


def _media_type(kind: str, body: bytes) -> str:
    """Say what a browser may take a body for; words are never more than words."""
    if kind in {"text", "link"}:
        return "text/plain; charset=utf-8"
    if kind == "video" and body[4:8] == b"ftyp":
        return "video/mp4"
    return next((found for magic, found in _MAGIC.items() if body.startswith(magic)), "application/octet-stream")


def _form(request: Request, body: bytes) -> tuple[dict[str, str], bytes]:
    """Read the fields and the file of a post."""
    kind, options = multipart.parse_options_header(request.headers.get("content-type", ""))
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise HTTPException(415, "send multipart/form-data")
    fields: dict[str, str] = {}
    body_of_post = b""
    try:
        parser = multipart.MultipartParser(
            io.BytesIO(body),
            options["boundary"],
            len(body),
            part_limit=16,
            memory_limit=LARGEST_POST,
            spool_limit=LARGEST_POST,
        )
        for part in parser:
            if part.name == "file":
                body_of_post = part.raw
            else:
                fields[part.name] = part.value
    except (multipart.MultipartError, UnicodeDecodeError) as error:
        raise HTTPException(400, "the form is broken") from error
    return fields, body_of_post
