"""What the node must be told, until it has been: uploads, flags, deletions, and the reading of its stream.

May decide: what happens when the node is down. This platform **fails open**: a post is published
and shown to the node later, with the same idempotency key. A platform that would rather wait
changes ``_gave_up_waiting``.
"""

import asyncio
import json
import logging
import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from node_client import Node, NodeDownError, NodeError, NodeRefusedError
from receiver import receive
from standing import Instruction, NotAnInstructionError
from store import Row, Store

log = logging.getLogger("platform")
_LONGEST_PAUSE = 60.0


class Errands:
    """Runs what is due."""

    def __init__(self, store: Store, node: Node) -> None:
        self._store, self._node = store, node
        self._under_way: set[int] = set()

    async def run(self, number: int) -> None:
        """Try one errand now, unless an earlier one about its post still waits; when it fails it waits its turn."""
        if number in self._under_way or number not in self._store.due_errands(time.time()):
            return
        self._under_way.add(number)
        try:
            errand = self._store.row("SELECT * FROM errand WHERE number = ? AND state = 'waiting'", number)
            if errand is not None:
                await self._try(errand)
        finally:
            self._under_way.discard(number)

    async def run_due(self) -> None:
        """Try every errand whose time has come."""
        for number in self._store.due_errands(time.time()):
            await self.run(number)

    async def _try(self, errand: Row) -> None:
        do = {"upload": self._upload, "flag": self._flag, "delete": self._delete, "bytes": self._bytes}[errand["kind"]]
        try:
            answer = await do(errand, json.loads(errand["body"]))
        except NodeDownError as error:
            pause = min(_LONGEST_PAUSE, 0.5 * 2 ** min(errand["attempts"], 10))
            log.warning("%s waits %.1f s: the node is down (%s)", errand["kind"], pause, error)
            self._store.run(
                "UPDATE errand SET attempts = attempts + 1, due_at = ? WHERE number = ?",
                time.time() + pause,
                errand["number"],
            )
            self._gave_up_waiting(errand)
        except NodeRefusedError as error:
            log.error("the node refused: %s %s", errand["kind"], error)
            self._end(errand, "refused", {"problem": str(error)})
            self._gave_up_waiting(errand)
        else:
            self._end(errand, "done", answer)

    def _end(self, errand: Row, state: str, answer: Row) -> None:
        self._store.run(
            "UPDATE errand SET state = ?, answer = ? WHERE number = ?",
            state,
            json.dumps(answer),
            errand["number"],
        )

    def _gave_up_waiting(self, errand: Row) -> None:
        if errand["kind"] == "upload":
            publish(self._store, errand["post"], time.time())

    async def _upload(self, errand: Row, metadata: Row) -> Row:
        answer = await self._node.submit(metadata, self._store.body(errand["post"]), errand["key"])
        content, verdict = answer.get("content"), answer.get("verdict")
        if not isinstance(content, str) or not isinstance(verdict, str):
            raise NodeDownError("the verdict has another form")
        self._store.run("UPDATE post SET content = ? WHERE id = ?", content, errand["post"])
        if verdict == "checking":
            # A video that takes longer: the verdict comes as a webhook, or is asked for.
            return {"content": content, "verdict": verdict}
        judged(self._store, errand["post"], verdict, answer.get("reason"))
        if answer.get("removed") is True:
            # People removed it, and that stands: what it is to be, the next instruction says.
            return {"content": content, "verdict": verdict}
        if verdict == "hold":
            # A hold is an instruction like any other, only that it came with the answer.
            with suppress(NotAnInstructionError):
                hold = Instruction.read({**answer, "action": "hold", "platform_id": errand["post"], "position": 0})
                receive(self._store, hold, time.time())
        publish(self._store, errand["post"], time.time())
        return {"content": content, "verdict": verdict}

    async def ask_for_verdicts(self) -> None:
        """Ask what became of posts that are still being checked: a webhook may be lost."""
        for post in self._store.rows(
            "SELECT id, content FROM post WHERE content IS NOT NULL AND verdict IS NULL AND state != 'deleted'"
        ):
            with suppress(NodeRefusedError):
                life = await self._node.read(post["content"])
                if life.get("verdict") not in {None, "checking"}:
                    judged(self._store, post["id"], life["verdict"], life.get("reason"))
                    publish(self._store, post["id"], time.time())

    async def _flag(self, errand: Row, flag: Row) -> Row:
        answer = await self._node.flag({**flag, "content": self._content(errand["post"])}, errand["key"])
        if answer.get("bytes_wanted"):
            await self._node.give_bytes(self._content(errand["post"]), self._store.body(errand["post"]))
        return answer

    def note_wanted(self, content: Any, post: Any) -> bool:  # noqa: ANN401 - JSON
        """Note that the node wants the bytes of a post, once; say whether they are here."""
        found = self._store.post(post) if isinstance(post, str) else None
        if found is None or found["content"] != content or found["state"] == "deleted":
            return False
        with self._store.transaction():
            if not self._store.row(
                "SELECT 1 FROM errand WHERE post = ? AND kind = 'bytes' AND state = 'waiting'", post
            ):
                self._store.add_errand("bytes", found["id"], {}, secrets.token_hex(16), time.time())
        return True

    async def _bytes(self, errand: Row, _body: Row) -> Row:
        await self._node.give_bytes(self._content(errand["post"]), self._store.body(errand["post"]))
        return {}

    async def _delete(self, errand: Row, _body: Row) -> Row:
        await self._node.delete(self._content(errand["post"]))
        return {}

    def _content(self, post: str) -> str:
        found = self._store.post(post)
        if found is None or found["content"] is None:
            raise NodeRefusedError("the node never saw this post")
        return str(found["content"])

    # --- the stream ---

    async def catch_up(self) -> None:
        """Read the node's keys, every instruction that was missed, and which bytes it still waits for."""
        keys = await self._node.webhook_keys()
        if keys:
            self._store.save_setting("webhook_keys", json.dumps(keys))
        while True:
            after = int(self._store.setting("position") or 0)
            page, following = await self._node.instructions(after)
            for data in page:
                await self._take(data)
            if following <= after:
                break
            self._store.save_setting("position", str(following))
        for wanted in await self._node.bytes_wanted():
            self.note_wanted(wanted.get("content"), wanted.get("platform_id"))

    async def _take(self, data: Any) -> None:  # noqa: ANN401 - JSON
        try:
            instruction = Instruction.read(data)
        except NotAnInstructionError as error:
            log.error("skipped: %s", error)
            return
        applied = receive(self._store, instruction, time.time())
        with suppress(NodeRefusedError):
            await self._node.acknowledge(instruction.id, applied=applied)

    async def for_ever(self, *, tick: float, pull: float) -> None:
        """Let holds lapse, try what waits, and read the stream now and then, until the platform stops."""
        pull_at = 0.0
        while True:
            try:
                self._store.lapse(time.time())
                if time.monotonic() >= pull_at:
                    pull_at = time.monotonic() + min(pull, 5.0)
                    await self.catch_up()
                    await self.ask_for_verdicts()
                    pull_at = time.monotonic() + pull
                await self.run_due()
            except NodeError as error:
                log.warning("the stream could not be read (%s)", error)
            except Exception:
                # Whatever it was, holds must go on lapsing.
                log.exception("a turn of the background work failed")
            await asyncio.sleep(tick)


def judged(store: Store, post: str, verdict: str, reason: str | None) -> None:
    """Write down the node's verdict on a post."""
    store.run("UPDATE post SET verdict = ?, reason = ? WHERE id = ?", verdict, reason, post)


def publish(store: Store, post: str, now: float) -> None:
    """Publish a post that was waiting for its verdict; one that is held, removed or deleted stays so."""
    with store.transaction():
        if store.row("SELECT 1 FROM post WHERE id = ? AND state = 'checking'", post):
            store.run("UPDATE post SET state = 'published' WHERE id = ?", post)
            store.happened(post, "published", now)


def moment(at: float | None) -> str | None:
    """Write a time as others read it."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()
