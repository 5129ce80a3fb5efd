"""Moves that the tests of the floor share: everything by a platform's key or by someone signed in, over HTTP.

Nothing here knows a rule. What only a reader of the database could know (which case, which complaint) is looked up
there and never written.
"""

import io
import re
from collections.abc import Sequence
from typing import Any

import httpx2
import numpy as np
from PIL import Image

from running import Browser, Platform, Running
from tidegate.appeal import store as appeals
from tidegate.case import store as cases
from tidegate.content import store as contents
from tidegate.db.transaction import Actor, ActorKind, Row, Transaction
from tidegate.decision import store as decisions
from tidegate.kernel.ids import AppealId, CaseId, ContentId, DecisionId
from tidegate.notice import store as notices
from tidegate.people import steps as people_steps
from tidegate.people.model import ProposalKind, Role
from tidegate.signal import store as signals
from tidegate.signal.model import Signal

UNDO_OVER = 11
LAST_FOR = 24 * 3600

#: A vote to remove, with all that must be said.
REMOVE = {
    "measure": "remove",
    "exempt": "none",
    "ground": "law",
    "provision": "tco_2_7_d",
    "label": "instructs",
    "words": "It explains how, step by step.",
}
KEEP = {"measure": "keep", "exempt": "news", "ground": "", "provision": "", "label": "", "words": "It reports."}


def picture(seed: int = 0, *, kind: str = "JPEG", quality: int = 90, side: int = 192) -> bytes:
    """Draw something like a photograph: soft shapes, an edge, nothing anybody could mind."""
    random = np.random.default_rng(seed)
    total = np.zeros((side, side, 3))
    for size, weight in ((3, 0.5), (9, 0.3), (27, 0.2)):
        coarse = Image.fromarray(random.integers(0, 256, (size, size, 3), dtype=np.uint8))
        total += weight * np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC))
    total[side // 3 : side // 2, side // 4 : side // 2] += 60
    image = Image.fromarray(np.clip(total, 0, 255).astype(np.uint8))
    out = io.BytesIO()
    image.save(out, kind, **({"quality": quality} if kind == "JPEG" else {}))
    return out.getvalue()


def look_alike(seed: int = 0) -> bytes:
    """Give other bytes that look the same."""
    return picture(seed, quality=60)


# --- platform ---


def flag(platform: Platform, content: str, **more: Any) -> str:
    """Report a content; give the flag's id."""
    answer = platform.client.post("/v1/flags", json={"content": content, "reporter": "reader-1", **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["flag"])


def instructions(platform: Platform, content: str | None = None) -> list[dict[str, Any]]:
    """Read the whole stream of instructions, or those about one content."""
    answer = platform.client.get("/v1/instructions", params={"limit": 1000})
    assert answer.status_code == 200, answer.text
    every: list[dict[str, Any]] = answer.json()["instructions"]
    return [item for item in every if content is None or item["content"] == content]


def actions(platform: Platform, content: str) -> list[str]:
    """Say what the platform was asked about a content, in order."""
    return [item["action"] for item in instructions(platform, content)]


def life(platform: Platform, content: str) -> dict[str, Any]:
    """Read what became of a content."""
    answer = platform.client.get(f"/v1/content/{content}")
    assert answer.status_code == 200, answer.text
    read: dict[str, Any] = answer.json()
    return read


def refused(answer: httpx2.Response, rule: str, status: int = 403) -> None:
    """Demand that an answer is a refusal that names its rule."""
    assert answer.status_code == status, answer.text
    assert rule in answer.text, answer.text


# --- people ---


def anew(node: Running, person: Browser) -> Browser:
    """Let someone sign in again, as they must after hours."""
    return node.sign_in(person.staff)


def case_of(node: Running, content: str) -> CaseId:
    """Find the case people look at a content in."""

    async def find(tx: Transaction) -> CaseId:
        case = await cases.of_content(tx, ContentId.parse(content))
        assert case is not None
        return case.id

    return node.do(find)


def shown_on(person: Browser, case: CaseId | str) -> list[str]:
    """Read what the case's page puts before someone, as its form would send it."""
    page = person.get(f"/cases/{case}", headers={"accept": "text/html"})
    assert page.status_code == 200, page.text
    found = re.findall(r'value="(content_[^":]+:\d+)"', page.text)
    assert found, page.text[:2000]
    return list(dict.fromkeys(found))


def vote(person: Browser, case: CaseId | str, choice: dict[str, str] | None = None, **other: Any) -> httpx2.Response:
    """Vote as the form would; what is given replaces a field, None leaves it out."""
    form: dict[str, Any] = {**(choice or REMOVE), **other}
    if "shown" not in form:
        form["shown"] = shown_on(person, case)
    sent = {name: value for name, value in form.items() if value is not None}
    return person.post(
        f"/cases/{case}/votes",
        data={"csrf": person.csrf(), **sent},
        headers={"accept": "application/json", "origin": str(person.base_url).rstrip("/")},
    )


def counted(answer: httpx2.Response) -> None:
    """Demand that a form was accepted."""
    assert answer.status_code == 303, answer.text


def reviewers(node: Running, many: int = 2, role: Role = Role.REVIEWER) -> list[Browser]:
    """Hire people and sign them in."""
    return [node.person(role, name=f"{role} {number}") for number in range(many)]


def wait_out_undo(node: Running) -> None:
    """Let the undo time pass, and the worker issue."""
    node.clock.forward(seconds=UNDO_OVER)
    node.work()


def decide(
    node: Running, content: str, people: Sequence[Browser], choice: dict[str, str] = REMOVE, **other: Any
) -> DecisionId:
    """Have people vote alike on a content's case, and wait until the decision is issued."""
    case = case_of(node, content)
    for person in people:
        counted(vote(person, case, choice, **other))
    wait_out_undo(node)
    return decision_on(node, content)


def decision_on(node: Running, content: str) -> DecisionId:
    """Find the decision in force about a content."""
    found = in_force(node, content)
    assert found is not None
    return found


def in_force(node: Running, content: str) -> DecisionId | None:
    """Find the decision in force about a content, if there is one."""
    return node.do(lambda tx: decisions.in_force(tx, ContentId.parse(content)))


def make_known(node: Running, platform: Platform, data: bytes, people: Sequence[Browser], **choice: Any) -> str:
    """Have people find a picture to be terrorist content for the first time; give that content's id."""
    content = str(platform.verdict(data, platform_id="first", uploader="first-uploader")["content"])
    flag(platform, content)
    decide(node, content, people, **choice)
    assert actions(platform, content) == ["remove"]
    return content


def known_signals(node: Running) -> list[Signal]:
    """List the signals there are."""
    return node.do(signals.newest)


def switch_on_look_alike_holds(node: Running) -> None:
    """Have two policy leads switch look-alike holds on."""
    first, second = node.hire(Role.POLICY_LEAD), node.hire(Role.POLICY_LEAD)
    proposal = node.do(
        lambda tx: people_steps.propose(tx, ProposalKind.LOOK_ALIKE_HOLDS_ON), Actor(ActorKind.STAFF, first)
    )
    node.do(lambda tx: people_steps.approve(tx, proposal), Actor(ActorKind.STAFF, second))


# --- the person whose content it is ---


def notice_link(platform: Platform, content: str) -> str:
    """Read the newest notice's address, as the platform passes it on."""
    links = [item["notice_url"] for item in instructions(platform, content) if item["notice_url"]]
    assert links
    return str(links[-1])


def complain(node: Running, link: str, words: str = "This is my news report.") -> httpx2.Response:
    """Complain by the form behind a notice's link."""
    return node.public().post(
        f"{link}/complaint",
        data={"words": words},
        headers={"origin": node.addresses.public, "accept": "application/json"},
    )


def appeal_on(node: Running, content: str) -> AppealId:
    """Find the newest complaint about a content."""

    async def find(tx: Transaction) -> AppealId:
        return (await appeals.of_content(tx, ContentId.parse(content)))[-1].id

    return node.do(find)


def judge(
    person: Browser, appeal: AppealId | str, outcome: str, words: str = "The news report shows it."
) -> httpx2.Response:
    """Judge a complaint as the form would."""
    return person.post(
        f"/appeals/{appeal}/judgements",
        data={"csrf": person.csrf(), "outcome": outcome, "words": words},
        headers={"accept": "application/json", "origin": str(person.base_url).rstrip("/")},
    )


# --- looking behind ---


def standing_notices(node: Running, content: str) -> list[Row]:
    """List the notices of restrictions that are not over."""
    return node.do(lambda tx: notices.standing_on(tx, ContentId.parse(content)))


def sealed_bytes(node: Running, content: str) -> bytes | None:
    """Open what is sealed of a content; None when it was erased."""

    async def read(tx: Transaction) -> bytes | None:
        loaded = await contents.load(tx, ContentId.parse(content))
        assert loaded is not None
        return await contents.bytes_of(tx, loaded)

    return node.do(read)


def leaves(node: Running) -> list[dict[str, Any]]:
    """Publish what is queued and read the public counts: one row for each kind of entry."""
    node.loop.run(node.node.publisher.publish())
    counts = (node.node.settings.ledger_directory / "counts.json").read_bytes()
    import json

    document = json.loads(counts)
    rows: list[dict[str, Any]] = document["rows"]
    return rows
