"""Talking to the node. May decide: which failures are worth another try and which will never get better."""

import json
from typing import Any

import httpx2

#: The request itself is wrong: sending it again changes nothing. Everything else may get better.
_HOPELESS = frozenset({400, 404, 409, 410, 413, 415, 422})


class NodeError(Exception):
    """The node could not be told, or not be asked."""


class NodeDownError(NodeError):
    """The node did not answer, or not as it should: try again later."""


class NodeRefusedError(NodeError):
    """The node understood and refused: trying again is useless, someone must look at it."""


class Node:
    """The node's platform listener."""

    def __init__(self, url: str, key: str, *, timeout: float) -> None:
        self._client = httpx2.AsyncClient(
            base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=timeout, trust_env=False
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def submit(self, metadata: dict[str, Any], body: bytes, key: str) -> dict[str, Any]:
        """Show a post before it is published; ``key`` makes trying again harmless."""
        files = {
            "metadata": (None, json.dumps(metadata).encode(), "application/json"),
            "file": ("post", body, "application/octet-stream"),
        }
        return await self._ask("POST", "/v1/content", files=files, headers={"idempotency-key": key})

    async def flag(self, flag: dict[str, Any], key: str) -> dict[str, Any]:
        """Pass on what someone reports."""
        return await self._ask("POST", "/v1/flags", json=flag, headers={"idempotency-key": key})

    async def read_flag(self, flag: str) -> dict[str, Any]:
        """Read what came of a flag."""
        return await self._ask("GET", f"/v1/flags/{flag}")

    async def give_bytes(self, content: str, body: bytes) -> None:
        """Send the bytes the node asked for, so that people can look at what was flagged."""
        await self._ask("PUT", f"/v1/content/{content}/bytes", content=body)

    async def read(self, content: str) -> dict[str, Any]:
        """Read what became of a post's content."""
        return await self._ask("GET", f"/v1/content/{content}")

    async def delete(self, content: str) -> None:
        """Say that the uploader deleted it."""
        await self._ask("DELETE", f"/v1/content/{content}")

    async def instructions(self, after: int) -> tuple[list[dict[str, Any]], int]:
        """Read the stream of instructions after a position."""
        answer = await self._ask("GET", "/v1/instructions", params={"after": after})
        try:
            return list(answer["instructions"]), int(answer["next"])
        except (KeyError, TypeError, ValueError) as error:
            raise NodeDownError("the stream of instructions has another form") from error

    async def bytes_wanted(self) -> list[dict[str, Any]]:
        """Read which posts the node wants to see again."""
        wanted = (await self._ask("GET", "/v1/bytes-wanted")).get("wanted", [])
        return [each for each in wanted if isinstance(each, dict)]

    async def acknowledge(self, instruction: str, *, applied: bool) -> None:
        """Say that an instruction read from the stream was carried out."""
        path = f"/v1/instructions/{instruction}/acknowledgement"
        await self._ask("POST", path, json={"applied": applied})

    async def webhook_keys(self) -> list[str]:
        """Read the public keys webhooks are signed with."""
        return [str(key) for key in (await self._ask("GET", "/v1/webhook-key")).get("keys", [])]

    async def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - what httpx2 takes
        try:
            answer = await self._client.request(method, path, **more)
        except httpx2.HTTPError as error:
            raise NodeDownError(type(error).__name__) from error
        if answer.status_code in _HOPELESS:
            raise NodeRefusedError(f"{answer.status_code}: {answer.text[:300]}")
        if not answer.is_success:
            raise NodeDownError(f"status {answer.status_code}")
        try:
            read = answer.json() if answer.content else {}
        except ValueError as error:
            raise NodeDownError("the answer is not JSON") from error
        if not isinstance(read, dict):
            raise NodeDownError("the answer is not an object")
        return read
