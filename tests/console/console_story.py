"""Moves that the tests of pages share: a held or flagged picture, the page of its case, a notice's link."""

import io
import re
from dataclasses import dataclass
from typing import Any

import httpx2
import numpy as np
from PIL import Image

from running import Browser, Platform, Running


@dataclass
class Removed:
    """A removed picture and those around it."""

    platform: Platform
    voters: list[Browser]
    content: str
    link: str


HTML = {"accept": "text/html"}
REMOVE = {
    "measure": "remove",
    "exempt": "none",
    "ground": "law",
    "provision": "tco_2_7_d",
    "label": "instructs",
    "words": "It explains how, step by step.",
}
#: Words as someone hostile would write them.
HOSTILE = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> \u202egnp.exe\u2066 {{ 7*7 }} %(x)s javascript:alert(3)"
)


def picture(seed: int = 0) -> bytes:
    """Draw something harmless with enough detail to be fingerprinted."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    out = io.BytesIO()
    coarse.resize((192, 192), Image.Resampling.BICUBIC).save(out, "JPEG", quality=90)
    return out.getvalue()


def flagged(platform: Platform, seed: int = 0, **metadata: Any) -> str:
    """Upload a picture nobody knows and have someone report it; give the content's id."""
    content = str(platform.verdict(picture(seed), **metadata)["content"])
    words = metadata.get("caption", "Please look.")
    answer = platform.client.post("/v1/flags", json={"content": content, "reporter": "reader-1", "words": words})
    assert answer.status_code == 201, answer.text
    if answer.json()["bytes_wanted"]:
        sent = platform.client.put(
            f"/v1/content/{content}/bytes", content=picture(seed), headers={"content-type": "image/jpeg"}
        )
        assert sent.status_code == 204, sent.text
    return content


def first_case(person: Browser) -> str:
    """Find the first case of the queue, as a person would."""
    page = person.get("/queue", headers=HTML)
    assert page.status_code == 200, page.text
    found = re.search(r'href="/cases/(case_[a-z0-9]+)"', page.text)
    assert found, page.text
    return found[1]


def shown_on(person: Browser, case: str) -> list[str]:
    """Read what a case's form would send as seen."""
    page = person.get(f"/cases/{case}", headers=HTML)
    assert page.status_code == 200, page.text
    return re.findall(r'name="shown" value="([^"]+)"', page.text)


def vote(person: Browser, case: str, **other: Any) -> httpx2.Response:
    """Vote to remove all that is in view, or otherwise."""
    return person.submit(f"/cases/{case}/votes", **{**REMOVE, "shown": shown_on(person, case), **other})


def remove(node: Running, platform: Platform, people: list[Browser], content: str) -> str:
    """Have two people remove a flagged content; give the notice's address."""
    case = first_case(people[0])
    for person in people:
        answer = vote(person, case)
        assert answer.status_code == 303, answer.text
    node.clock.forward(seconds=11)
    node.work()
    return notice_link(platform, content)


def notice_link(platform: Platform, content: str) -> str:
    """Read the newest notice's address, as the platform passes it on."""
    stream = platform.client.get("/v1/instructions", params={"limit": 1000}).json()["instructions"]
    return [str(item["notice_url"]) for item in stream if item["content"] == content and item["notice_url"]][-1]


def complain(node: Running, link: str, words: str = "This is my news report.") -> httpx2.Response:
    """Send the form behind a notice's link."""
    return node.public().post(
        f"{link}/complaint", data={"words": words}, headers={"origin": node.addresses.public, **HTML}
    )
