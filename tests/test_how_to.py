"""Every block of code in the how-to for platform engineers runs against a real node, in the order of the page."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from acts import ask, make_known
from console.console_story import first_case, flagged, picture, vote
from running import Platform, Running
from tidegate.enforcement.signing import sign
from tidegate.kernel.ids import ContentId
from tidegate.people.model import Role

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "platforms.md"


def blocks(language: str) -> list[str]:
    """Give the page's blocks in a language."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert found
    return found


@pytest.fixture
def platform(node: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Platform]:
    """A platform whose engineer followed the page's first lines, with a picture to post."""
    made = node.platform()
    monkeypatch.setenv("NODE", node.addresses.platform)
    monkeypatch.setenv("KEY", made.client.headers["authorization"].removeprefix("Bearer "))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "picture.jpg").write_bytes(picture(70))
    yield made
    for name in ("NODE", "KEY"):
        monkeypatch.delenv(name)


def run_python() -> dict[str, Any]:
    """Run all the page's Python as one program; give its names."""
    names: dict[str, Any] = {}
    exec(compile("\n".join(blocks("python")), str(PAGE), "exec"), names)  # noqa: S102 - our own page
    return names


def test_the_python_of_the_page_works(node: Running, platform: Platform) -> None:
    reviewers = [node.person(Role.REVIEWER), node.person(Role.SENIOR_REVIEWER)]
    flagged(platform, 71, platform_id="removed-before")
    case = first_case(reviewers[0])
    for reviewer in reviewers:
        assert vote(reviewer, case).status_code == 303
    node.clock.forward(seconds=11)
    node.work()
    names = run_python()
    assert names["verdict"]["verdict"] == "clear"
    assert names["posts"]["removed-before"]["state"] == "removed"
    assert "/notice/" in names["posts"]["removed-before"]["tell_the_uploader"]
    assert names["position"] > 0

    held = names["show"]("post-2", "account-8", picture(71))
    assert held["verdict"] == "hold"
    post = {"sequence": 0}
    names["act_on"](held, post)
    assert post["sequence"] == held["sequence"] > 0
    assert "published" not in post
    _check_webhook(node, names, held)
    _check_bytes_wanted(node, platform, names)
    names["node"].close()


def _check_webhook(node: Running, names: dict[str, Any], held: dict[str, Any]) -> None:
    """Believe what the node signed, carry it out once, and believe nothing else."""
    page = names["node"].get("/v1/instructions", params={"after": 0}).json()["instructions"]
    body = json.dumps({"type": "instruction", "data": page[-1]}).encode()
    identity = page[-1]["instruction"]
    stamp = int(time.time())

    def headers(at: int) -> dict[str, str]:
        signature = sign(node.node.database.keys.webhook, identity, at, body)
        return {"webhook-id": identity, "webhook-timestamp": str(at), "webhook-signature": signature}

    keys, posts, answers = names["read_keys"](), dict[str, Any](), dict[str, bool]()
    assert names["on_webhook"](keys, headers(stamp), body + b" ", posts, answers)[0] == 401
    assert names["on_webhook"](keys, headers(stamp - 400), body, posts, answers)[0] == 401
    assert not posts
    for _ in range(2):
        answer = names["on_webhook"](keys, headers(stamp), body, posts, answers)
        assert answer == (200, {"acknowledged": identity, "applied": True})
    assert posts["post-2"]["hidden_until"] == held["expires_at"]


def _check_bytes_wanted(node: Running, platform: Platform, names: dict[str, Any]) -> None:
    """Ask for the bytes of what was clear until something like it became known."""
    data = picture(72)
    content = platform.verdict(data, platform_id="long-ago")["content"]
    values = ask(
        node, "SELECT substr(pdq, 1, 32) AS pdq FROM clear_upload WHERE id = %s", ContentId.parse(content).value
    )
    make_known(node, b"0" * 32, bytes(values[0]["pdq"]))
    node.work()
    names["send_wanted"]({"another": b"..."})
    assert set(names["wanted_posts"]) == {"long-ago"}
    names["send_wanted"]({"long-ago": data})
    assert not names["wanted_posts"]
    assert platform.client.get("/v1/bytes-wanted").json() == {"wanted": []}
    asked = {"ask": "ask_1", "platform_id": "long-ago", "send_to": "/v1/content/x/bytes"}
    assert names["note_wanted"](asked, {"long-ago": {}})
    assert not names["note_wanted"](asked, {})


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing")
@pytest.mark.usefixtures("platform")
def test_the_curl_of_the_page_works() -> None:
    _, *commands = blocks("sh")
    answers = [
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            env=os.environ | {"no_proxy": "*"},
            capture_output=True,
            text=True,
            check=False,
        )
        for command in commands
    ]
    assert [done.returncode for done in answers] == [0] * len(commands), answers
    assert json.loads(answers[1].stdout)["verdict"] == "clear"
    assert json.loads(answers[2].stdout)["instructions"] == []
