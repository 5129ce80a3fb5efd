"""Checking that a platform's receiver keeps the contract, without harming a real post.

May decide: whether a receiver passed. It sends signed webhooks about content whose ids begin with
``tidegate-check-``, which a receiver treats like any other, except that there is no post behind them. It reads only
the receiver's own answers.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from httpx2 import Client, HTTPError, InvalidURL, Response

from tidegate.enforcement.signing import TOLERANCE, sign
from tidegate.kernel.ids import Randomness

#: Content and posts with such an id are imaginary.
PREFIX = "tidegate-check-"
#: Seconds a receiver may take to answer.
LONGEST_ANSWER = 5.0

_REFUSALS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Check:
    """What was checked, and what to do if it did not pass."""

    name: str
    passed: bool
    explanation: str


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a receiver said; ``problem`` when it said nothing."""

    status: int
    said: dict[str, Any]
    seconds: float
    problem: str = ""

    def __str__(self) -> str:
        shown = {key: self.said[key] for key in ("acknowledged", "applied", "ignored") if key in self.said}
        return self.problem or f"status {self.status} with {json.dumps(shown)}"


class _Sender:
    """Sends to one receiver, rightly signed unless told otherwise."""

    def __init__(
        self, client: Client, url: str, key: Ed25519PrivateKey, clock: Callable[[], float], randomness: Randomness
    ) -> None:
        self._client, self._url, self._key = client, url, key
        self._clock, self.randomness = clock, randomness

    def content(self) -> str:
        """Make up a content that nobody has seen."""
        return PREFIX + self.randomness(12).hex()

    def instruction(self, content: str, sequence: int, action: str, ends_in: float | None = None) -> dict[str, Any]:
        """Make an instruction about an imaginary content."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        return {
            "instruction": PREFIX + self.randomness(12).hex(),
            "position": 0,
            "sequence": sequence,
            "content": content,
            "platform_id": content,
            "uploader": PREFIX + "nobody",
            "kind": "picture",
            "action": action,
            "cause": "decision",
            "given_at": now.isoformat(),
            "expires_at": None if ends_in is None else (now + timedelta(seconds=ends_in)).isoformat(),
            "notice_url": None,
            "decision": None,
        }

    def send(
        self,
        data: dict[str, Any],
        *,
        kind: str = "instruction",
        key: Ed25519PrivateKey | None = None,
        shift: int = 0,
        altered: dict[str, Any] | None = None,
    ) -> _Answer:
        """Send one webhook; ``altered`` is what is sent in place of what was signed."""
        body = _encode(kind, data)
        identity = str(data.get("instruction", data.get("ask", PREFIX + "message")))
        moment = int(self._clock()) + shift
        headers = {
            "content-type": "application/json",
            "webhook-id": identity,
            "webhook-timestamp": str(moment),
            "webhook-signature": sign(key or self._key, identity, moment, body),
        }
        begun = time.monotonic()
        try:
            answer = self._client.post(
                self._url, content=body if altered is None else _encode(kind, altered), headers=headers
            )
        except (HTTPError, InvalidURL) as error:
            return _Answer(0, {}, time.monotonic() - begun, f"no answer ({type(error).__name__})")
        return _Answer(answer.status_code, _object(answer), time.monotonic() - begun)

    def accepted(self, data: dict[str, Any], *, applied: bool) -> tuple[bool, _Answer]:
        """Send an instruction and say whether it was acknowledged with that ``applied``."""
        answer = self.send(data)
        right = (
            answer.status == HTTPStatus.OK
            and answer.said.get("acknowledged") == data["instruction"]
            and answer.said.get("applied") is applied
        )
        return right, answer


def check_platform(
    url: str,
    private_key: Ed25519PrivateKey,
    *,
    clock: Callable[[], float] = time.time,
    randomness: Randomness = secrets.token_bytes,
    longest_answer: float = LONGEST_ANSWER,
) -> list[Check]:
    """Check a receiver of webhooks; it must know the public half of this key."""
    with Client(timeout=longest_answer, trust_env=False) as client:
        sender = _Sender(client, url, private_key, clock, randomness)
        return [check for part in _PARTS for check in part(sender)]


def _signatures(sender: _Sender) -> Iterator[Check]:
    content = sender.content()
    right, answer = sender.accepted(sender.instruction(content, 1, "remove"), applied=True)
    yield Check(
        "accepts a signed instruction",
        right,
        f'must answer 200 {{"acknowledged": id, "applied": true}}; answered {answer}',
    )
    yield Check("answers in time", not answer.problem, f"must answer within seconds; took {answer.seconds:.1f} s")
    stranger = Ed25519PrivateKey.from_private_bytes(sender.randomness(32))
    two, three, four = (sender.instruction(content, sequence, "restore") for sequence in (2, 3, 4))
    yield _refused("refuses a stranger's signature", sender.send(two, key=stranger), "check the signature")
    yield _refused(
        "refuses an old signature",
        sender.send(three, shift=-2 * TOLERANCE),
        f"compare webhook-timestamp with your clock, {TOLERANCE} s either way",
    )
    yield _refused(
        "refuses a changed body",
        sender.send(four, altered={**four, "sequence": 9}),
        "check the signature over the raw body, before reading it",
    )


def _order(sender: _Sender) -> Iterator[Check]:
    content = sender.content()
    newer, older = sender.instruction(content, 5, "restore"), sender.instruction(content, 4, "remove")
    first, _ = sender.accepted(newer, applied=True)
    second, answer = sender.accepted(newer, applied=True)
    yield Check(
        "answers a repeated instruction alike",
        first and second,
        f"the same id again must be acknowledged as before; answered {answer}",
    )
    ignored, answer = sender.accepted(older, applied=False)
    yield Check(
        "ignores a lower sequence",
        first and ignored,
        f"must acknowledge with applied false, because a higher sequence was carried out; answered {answer}",
    )


def _holds(sender: _Sender) -> Iterator[Check]:
    over, answer = sender.accepted(sender.instruction(sender.content(), 1, "hold", ends_in=-60), applied=False)
    yield Check(
        "does not carry out a hold that is over",
        over,
        f"a hold whose expires_at has passed must be acknowledged with applied false; answered {answer}",
    )
    live, answer = sender.accepted(sender.instruction(sender.content(), 1, "hold", ends_in=60), applied=True)
    yield Check(
        "carries out a hold that has an end", live, f"must be acknowledged with applied true; answered {answer}"
    )


def _bytes(sender: _Sender) -> Iterator[Check]:
    content = sender.content()
    data = {"ask": PREFIX + sender.randomness(12).hex(), "content": content, "platform_id": content, "kind": "picture"}
    answer = sender.send(data, kind="content.bytes_wanted")
    acknowledged = answer.said.get("acknowledged") == data["ask"] and isinstance(answer.said.get("applied"), bool)
    yield Check(
        "answers when asked for bytes",
        answer.status == HTTPStatus.OK and (acknowledged or answer.said.get("ignored") is True),
        'must answer 200 {"acknowledged": ask, "applied": whether you have them}, or {"ignored": true} if you read '
        f"GET /v1/bytes-wanted instead; answered {answer}",
    )


def _strangeness(sender: _Sender) -> Iterator[Check]:
    answer = sender.send({"content": sender.content(), "platform_id": None}, kind="tidegate_check_unknown_type")
    yield Check(
        "answers unknown types politely",
        answer.status == HTTPStatus.OK and answer.said.get("ignored") is True,
        f'must answer 200 {{"ignored": true}}, so that a newer node can say more; answered {answer}',
    )


_PARTS: tuple[Callable[[_Sender], Iterator[Check]], ...] = (_signatures, _order, _holds, _bytes, _strangeness)


def _refused(name: str, answer: _Answer, advice: str) -> Check:
    return Check(name, answer.status in _REFUSALS, f"must answer 401 or 400: {advice}; answered {answer}")


def _encode(kind: str, data: dict[str, Any]) -> bytes:
    stamp = data.get("given_at")
    return json.dumps({"type": kind, "timestamp": stamp, "data": data}, separators=(",", ":")).encode()


def _object(answer: Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
