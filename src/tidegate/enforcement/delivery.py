"""Carrying an instruction, or news, to a platform: Standard Webhooks, signed with Ed25519.

May decide: whether an answer is an acknowledgement. Of an instruction only the platform's own word counts: status 200
and ``{"acknowledged": id}``. Anything else, a bare 200 with garbage included, is tried again. News ask for nothing.
"""

import asyncio
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from httpx2 import AsyncClient, HTTPError, InvalidURL, TimeoutException, UnsupportedProtocol

from tidegate.content import store as contents
from tidegate.content.model import BytesWanted, Content
from tidegate.db.transaction import Transaction
from tidegate.enforcement.model import Instruction, Problem
from tidegate.enforcement.signing import sign
from tidegate.kernel.ids import NoticeId

#: An answer longer than this is no acknowledgement.
_LONGEST_ANSWER = 4096


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of one attempt; ``applied`` is None when the platform did not acknowledge.

    ``ignored`` says that it does not know this type of message, and need not be sent it again.
    """

    applied: bool | None
    problem: Problem | None = None
    status: int | None = None
    ignored: bool = False


async def payload(tx: Transaction, instruction: Instruction, public_url: str) -> dict[str, Any]:
    """Describe an instruction to its platform; names are missing once the content was erased."""
    content = await contents.load(tx, instruction.content)
    facts = await contents.facts(tx, content) if isinstance(content, Content) else None
    return {
        "instruction": str(instruction.id),
        "position": instruction.position,
        "sequence": instruction.sequence,
        "content": str(instruction.content),
        "platform_id": facts["platform_id"] if facts else None,
        "uploader": facts["uploader"] if facts else None,
        "kind": content.kind if content else None,
        "action": instruction.action,
        "cause": instruction.cause,
        "given_at": instruction.given_at.isoformat(),
        "expires_at": instruction.expires_at.isoformat() if instruction.expires_at else None,
        "notice_url": notice_url(tx, instruction.notice, public_url) if instruction.notice else None,
        "decision": str(instruction.decision) if instruction.decision else None,
    }


async def wanted_payload(tx: Transaction, wanted: BytesWanted) -> dict[str, Any]:
    """Describe to a platform which bytes are wanted, and where to send them."""
    content = await contents.load(tx, wanted.content)
    facts = await contents.facts(tx, content) if content is not None else None
    return {
        "ask": str(wanted.ask),
        "content": str(wanted.content),
        "revision": wanted.revision,
        "platform_id": facts["platform_id"] if facts else None,
        "kind": content.kind if content else None,
        "asked_at": wanted.asked_at.isoformat(),
        "send_to": f"/v1/content/{wanted.content}/bytes",
    }


def notice_url(tx: Transaction, notice: NoticeId, public_url: str) -> str:
    """Make the secret link of a notice, for the platform to pass on; it is stored nowhere."""
    return f"{public_url.rstrip('/')}/notice/{tx.keys.link_text(notice)}"


async def attempt(
    client: AsyncClient,
    url: str,
    key: Ed25519PrivateKey,
    identity: str,
    body: dict[str, Any],
    now_seconds: int,
) -> Delivery:
    """Send an instruction once and read the answer."""
    status, said = await _send(client, url, key, identity, body, now_seconds)
    return Delivery(None, status) if isinstance(status, Problem) else read_answer(status, said, identity)


async def tell(
    client: AsyncClient,
    url: str,
    key: Ed25519PrivateKey,
    identity: str,
    body: dict[str, Any],
    now_seconds: int,
) -> bool:
    """Send news, which ask for nothing, once; say whether they were taken: any status of success will do."""
    status, _ = await _send(client, url, key, identity, body, now_seconds)
    return not isinstance(status, Problem) and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


async def _send(
    client: AsyncClient,
    url: str,
    key: Ed25519PrivateKey,
    identity: str,
    body: dict[str, Any],
    now_seconds: int,
) -> tuple[int | Problem, bytes]:
    """Send once; give the status and the answer, or why there is none."""
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "webhook-id": identity,
        "webhook-timestamp": str(now_seconds),
        "webhook-signature": sign(key, identity, now_seconds, raw),
    }
    said = b""
    try:
        # The client's clock is for each read; an answer that only trickles must not keep us for ever either.
        async with (
            asyncio.timeout(client.timeout.read),
            client.stream("POST", url, content=raw, headers=headers) as answer,
        ):
            async for chunk in answer.aiter_raw():
                said += chunk
                if len(said) > _LONGEST_ANSWER:
                    break
    except (TimeoutException, TimeoutError):
        return Problem.TOO_SLOW, b""
    except (InvalidURL, UnsupportedProtocol, ValueError):
        return Problem.NO_ADDRESS, b""
    except HTTPError:
        return Problem.NO_ANSWER, b""
    return answer.status_code, said


def read_answer(status: int, content: bytes, identity: str) -> Delivery:
    """Say whether an answer acknowledges this instruction."""
    if status != HTTPStatus.OK:
        return Delivery(None, Problem.OTHER_STATUS, status)
    try:
        said = json.loads(content[:_LONGEST_ANSWER])
    except (ValueError, RecursionError):
        return Delivery(None, Problem.NO_ACKNOWLEDGEMENT, status)
    if said == {"ignored": True}:
        return Delivery(None, Problem.NO_ACKNOWLEDGEMENT, status, ignored=True)
    if not isinstance(said, dict) or said.get("acknowledged") != identity or not isinstance(said.get("applied"), bool):
        return Delivery(None, Problem.NO_ACKNOWLEDGEMENT, status)
    return Delivery(bool(said["applied"]))
