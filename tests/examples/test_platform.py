"""The example platform: what a platform beside Tidegate must do, tried on the process itself."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pretend_platform import FOLDER, PretendPlatform, SmallNode, running_platform, until
from tidegate.enforcement.platform_check import check_platform
from tidegate.enforcement.signing import public_text

README_BEFORE = """
import base64, json, sys, time
from datetime import UTC, datetime
import httpx2
sys.path.insert(0, sys.argv[1])
from standing import Instruction, Standing, State, carry_out
from webhook import NotBelievedError, believe, read_key
"""
README_AFTER = """
from http.server import BaseHTTPRequestHandler, HTTPServer

class Door(BaseHTTPRequestHandler):
    posts, answers = {}, {}
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            status, said = 200, on_webhook([read_key(sys.argv[3])], self.posts, self.answers, self.headers, body)
        except NotBelievedError:
            status, said = 401, {}
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(said).encode())
    def log_message(self, *_):
        pass

with httpx2.Client(base_url=sys.argv[2]) as node:
    try:
        print(before_publishing(node, "post-1", "ada", b"picture").state, flush=True)
    except Exception as error:
        print(repr(error), flush=True)
server = HTTPServer(("127.0.0.1", 0), Door)
print(f"http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
"""


def soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


@pytest.fixture
def small_node() -> Iterator[SmallNode]:
    made = SmallNode()
    yield made
    made.served.stop()


@pytest.fixture
def platform(small_node: SmallNode, tmp_path: Path) -> Iterator[PretendPlatform]:
    with running_platform(tmp_path / "platform", small_node.served.url) as running:
        yield running


def happenings(platform: PretendPlatform, post: dict[str, Any]) -> list[str]:
    listed = platform.get("/published.json").json()["happenings"]
    return [entry["what"] for entry in listed if entry["post"] == post["id"]]


def test_it_needs_nothing_of_tidegate() -> None:
    """It is the model others copy from: only the standard library and five kept packages."""
    ours = {path.stem for path in FOLDER.glob("*.py")}
    kept = {"starlette", "uvicorn", "httpx2", "cryptography", "multipart"}
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.split(".")[0]
                assert top in ours | kept or top in sys.stdlib_module_names, f"{path.name} imports {name}"


def test_the_twenty_lines_of_the_readme_keep_the_contract(small_node: SmallNode, tmp_path: Path) -> None:
    """Someone will copy them: they are run here as they stand, and checked as any receiver is."""
    script = tmp_path / "twenty_lines.py"
    code = re.findall(r"```python\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
    assert len(code) == 1
    script.write_text(README_BEFORE + code[0] + README_AFTER)
    small_node.verdict = "hold"
    command = [
        sys.executable,
        str(script),
        str(FOLDER),
        small_node.served.url,
        public_text(small_node.key.public_key()),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        url = process.stdout.readline().strip()
        checks = check_platform(url, small_node.key)
        process.terminate()
    assert [check for check in checks if not check.passed] == []


# --- before publishing ---


@pytest.mark.parametrize("verdict", ["clear", "review", "unchecked"])
def test_what_is_not_held_is_published(platform: PretendPlatform, small_node: SmallNode, verdict: str) -> None:
    small_node.verdict = verdict
    post = platform.publish(b"\xff\xd8\xff the bytes")
    assert (post["state"], post["verdict"]) == ("published", verdict)
    picture = platform.get(f"/posts/{post['id']}/body")
    assert (picture.status_code, picture.content) == (200, b"\xff\xd8\xff the bytes")
    assert happenings(platform, post) == ["published"]


def test_the_node_is_told_what_it_needs_and_no_more(platform: PretendPlatform, small_node: SmallNode) -> None:
    platform.put("/accounts/gazette", json={"class": "press"})
    post = platform.publish(account="gazette", reach="2000")
    _, authorization, metadata = small_node.uploads[0]
    assert authorization == "Bearer tidegate_example"
    assert metadata.pop("posted_at")
    assert metadata == {
        "kind": "picture",
        "platform_id": post["id"],
        "uploader": "gazette",
        "account_class": "press",
        "surface": "public",
        "reach": 2000,
        "caption": "A bridge",
    }


def test_a_hold_hides_a_post_and_its_webhook_brings_the_notice(
    platform: PretendPlatform, small_node: SmallNode
) -> None:
    small_node.verdict = "hold"
    post = platform.publish()
    assert post["state"] == "held"
    assert platform.get(f"/posts/{post['id']}/body").status_code == 404
    first = small_node.send(platform, small_node.stream[0])
    again = small_node.send(platform, small_node.stream[0])
    assert first.json() == again.json() == {"acknowledged": small_node.stream[0]["instruction"], "applied": True}
    assert [notice["url"] for notice in platform.inbox_of("ada")] == [small_node.stream[0]["notice_url"]]
    assert happenings(platform, post) == ["held"]


def test_a_post_that_people_removed_before_is_not_published_meanwhile(
    platform: PretendPlatform, small_node: SmallNode
) -> None:
    """As when a platform was brought back from a backup, and shows the node again what it forgot."""
    small_node.removed = True
    post = platform.publish()
    assert platform.get(f"/posts/{post['id']}/body").status_code == 404
    small_node.send(platform, small_node.instruction(post, 2, "remove"))
    assert platform.state(post) == "removed"
    assert happenings(platform, post) == ["removed"]


def test_a_held_post_comes_back_by_itself_although_the_node_is_dead(
    platform: PretendPlatform, small_node: SmallNode
) -> None:
    small_node.verdict, small_node.hold_seconds = "hold", 1.5
    post = platform.publish()
    assert post["state"] == "held"
    small_node.served.stop()
    until(lambda: platform.state(post) == "published")
    assert datetime.now(UTC) >= datetime.fromisoformat(post["held_until"])
    assert platform.get(f"/posts/{post['id']}/body").status_code == 200
    assert happenings(platform, post) == ["held", "lapsed"]
    small_node.served.start()


def test_a_release_after_the_hold_has_lapsed_is_applied_but_is_nothing_new(
    platform: PretendPlatform, small_node: SmallNode
) -> None:
    small_node.verdict, small_node.hold_seconds = "hold", 0.5
    post = platform.publish()
    until(lambda: platform.state(post) == "published")
    assert small_node.send(platform, small_node.instruction(post, 2, "release")).json()["applied"] is True
    assert happenings(platform, post) == ["held", "lapsed"]


def test_a_hold_that_ends_while_the_platform_is_off_is_over_when_it_starts(
    small_node: SmallNode, tmp_path: Path
) -> None:
    small_node.verdict, small_node.hold_seconds = "hold", 1.0
    with running_platform(tmp_path, small_node.served.url) as platform:
        post = platform.publish()
    until(lambda: datetime.now(UTC) > datetime.fromisoformat(post["held_until"]))
    with running_platform(tmp_path, "http://127.0.0.1:1", wait_for_key=False) as platform:
        assert platform.state(post) == "published"


def test_when_the_node_is_down_a_post_is_published_and_shown_to_the_node_later(
    platform: PretendPlatform, small_node: SmallNode
) -> None:
    small_node.served.stop()
    post = platform.publish()
    assert (post["state"], post["upload_waiting"], post["verdict"]) == ("published", True, None)
    small_node.verdict = "hold"
    small_node.served.start()
    until(lambda: platform.state(post) == "held")
    assert platform.get(f"/posts/{post['id']}").json()["upload_waiting"] is False
    assert happenings(platform, post) == ["published", "held"]


def test_trying_again_uses_the_same_idempotency_key(platform: PretendPlatform, small_node: SmallNode) -> None:
    small_node.status = 503
    first = platform.publish()
    second = platform.publish()
    small_node.status = 200
    until(lambda: platform.get("/health").json()["errands_waiting"] == 0)
    keys = {metadata["platform_id"]: key for key, _, metadata in small_node.uploads}
    assert set(keys) == {first["id"], second["id"]}
    assert len(set(keys.values())) == 2


def test_an_upload_cut_off_by_a_kill_is_tried_again_with_its_key(small_node: SmallNode, tmp_path: Path) -> None:
    small_node.status = 503
    with running_platform(tmp_path, small_node.served.url) as platform:
        post = platform.publish()
        platform.process.kill()
    small_node.status = 200
    with running_platform(tmp_path, small_node.served.url) as platform:
        until(lambda: platform.get(f"/posts/{post['id']}").json()["verdict"] == "clear")
    assert len(small_node.uploads) == 1


def test_what_the_node_refuses_for_good_is_published_and_not_tried_again(
    platform: PretendPlatform, small_node: SmallNode
) -> None:
    small_node.status = 413
    post = platform.publish()
    assert (post["state"], post["upload_waiting"]) == ("published", False)


# --- instructions ---


def test_removal_and_return(platform: PretendPlatform, small_node: SmallNode) -> None:
    post = platform.publish()
    remove = small_node.instruction(post, 1, "remove", notice_url="https://node.example/notice/a")
    assert small_node.send(platform, remove).json()["applied"] is True
    assert platform.get(f"/posts/{post['id']}/body").status_code == 451
    assert small_node.send(platform, small_node.instruction(post, 2, "restore")).json()["applied"] is True
    assert platform.get(f"/posts/{post['id']}/body").status_code == 200
    assert happenings(platform, post) == ["published", "removed", "restored"]
    assert [notice["url"] for notice in platform.inbox_of("ada")] == ["https://node.example/notice/a"]


def test_an_overtaken_instruction_changes_nothing(platform: PretendPlatform, small_node: SmallNode) -> None:
    post = platform.publish()
    remove, restore = small_node.instruction(post, 1, "remove"), small_node.instruction(post, 2, "restore")
    assert small_node.send(platform, restore).json()["applied"] is True
    assert small_node.send(platform, remove).json() == {"acknowledged": remove["instruction"], "applied": False}
    assert platform.state(post) == "published"


def test_a_hold_without_an_end_or_already_over_is_not_carried_out(
    platform: PretendPlatform, small_node: SmallNode
) -> None:
    post = platform.publish()
    for sequence, expires_at in ((1, None), (2, soon(-1))):
        hold = small_node.instruction(post, sequence, "hold", expires_at=expires_at)
        assert small_node.send(platform, hold).json()["applied"] is False
    assert platform.state(post) == "published"


def test_a_hold_of_more_than_a_day_is_cut_to_a_day(platform: PretendPlatform, small_node: SmallNode) -> None:
    post = platform.publish()
    small_node.send(platform, small_node.instruction(post, 1, "hold", expires_at=soon(90 * 86_400)))
    until_text = platform.get(f"/posts/{post['id']}").json()["held_until"]
    assert datetime.fromisoformat(until_text) <= datetime.now(UTC) + timedelta(hours=24)


def test_a_suspended_account_cannot_post_until_it_is_reinstated(
    platform: PretendPlatform, small_node: SmallNode
) -> None:
    post, other = platform.publish(), platform.publish()
    small_node.send(platform, small_node.instruction(post, 1, "suspend_account"))
    assert (platform.state(post), platform.state(other)) == ("removed", "published")
    form = {"account": "ada", "caption": "", "reach": "1"}
    assert platform.post("/posts", data=form, files={"file": ("p", b"x", "image/png")}).status_code == 403
    small_node.send(platform, small_node.instruction(post, 2, "reinstate_account"))
    assert platform.state(post) == "published"
    platform.publish()


def test_instructions_missed_while_it_was_off_are_read_from_the_stream(small_node: SmallNode, tmp_path: Path) -> None:
    with running_platform(tmp_path, small_node.served.url) as platform:
        posts = [platform.publish() for _ in range(3)]
    missed = [
        small_node.instruction(post, 1, "remove", notice_url=f"https://node.example/{post['id']}") for post in posts
    ]
    with running_platform(tmp_path, small_node.served.url) as platform:
        until(lambda: all(platform.state(post) == "removed" for post in posts))
        until(lambda: small_node.acknowledged == {made["instruction"]: True for made in missed})
        assert len(platform.inbox_of("ada")) == 3
        # The same by webhook afterwards is the same instruction, not a second one.
        assert small_node.send(platform, missed[0]).json()["applied"] is True
        assert happenings(platform, posts[0]) == ["published", "removed"]


def test_an_instruction_on_an_unknown_post_is_acknowledged_but_not_applied(
    platform: PretendPlatform, small_node: SmallNode
) -> None:
    unknown = small_node.instruction({"id": "post-x", "account": "x", "content": None}, 1, "remove")
    answer = small_node.send(platform, unknown)
    assert (answer.status_code, answer.json()["applied"]) == (200, False)


def test_content_whose_names_the_node_erased_is_found_by_its_id(
    platform: PretendPlatform, small_node: SmallNode
) -> None:
    post = platform.publish()
    small_node.send(platform, small_node.instruction(post, 1, "remove", platform_id=None))
    assert platform.state(post) == "removed"


# --- who is believed ---


def test_what_the_node_did_not_sign_is_refused(platform: PretendPlatform, small_node: SmallNode) -> None:
    post = platform.publish()
    remove = small_node.instruction(post, 1, "remove")
    small_node.stream.clear()
    stranger = Ed25519PrivateKey.generate()
    altered = json.dumps({"type": "instruction", "data": {**remove, "sequence": 9}}).encode()
    attempts: list[dict[str, Any]] = [
        {"key": stranger},
        {"body": altered},
        {"shift": -301},
        {"shift": 302},
    ]
    for how in attempts:
        assert small_node.send(platform, remove, **how).status_code == 401, how
    assert platform.post("/tidegate", content=b"{}").status_code == 401
    assert platform.state(post) == "published"


def test_an_instruction_under_another_webhook_id_is_refused(platform: PretendPlatform, small_node: SmallNode) -> None:
    post = platform.publish()
    remove = small_node.instruction(post, 1, "remove")
    small_node.stream.clear()
    assert small_node.send(platform, remove, identity="instruction_other").status_code == 400
    assert platform.state(post) == "published"


def test_before_the_node_s_key_is_known_nothing_is_believed(small_node: SmallNode, tmp_path: Path) -> None:
    with running_platform(tmp_path, "http://127.0.0.1:1", wait_for_key=False) as platform:
        post = platform.publish()
        assert small_node.send(platform, small_node.instruction(post, 1, "remove")).status_code == 503
        assert platform.state(post) == "published"


@pytest.mark.parametrize(
    "change",
    [{"sequence": "1"}, {"sequence": True}, {"sequence": -1}, {"action": None}, {"expires_at": "2026-11-24T00:00:00"}],
)
def test_a_signed_message_of_another_form_is_refused_and_does_no_harm(
    platform: PretendPlatform, small_node: SmallNode, change: dict[str, Any]
) -> None:
    post = platform.publish()
    broken = {**small_node.instruction(post, 1, "remove"), **change}
    small_node.stream.clear()
    assert small_node.send(platform, broken).status_code == 400
    assert platform.state(post) == "published"


def test_a_type_it_does_not_know_is_answered_politely(platform: PretendPlatform, small_node: SmallNode) -> None:
    answer = small_node.send(platform, {"content": "content_1"}, type="bytes_wanted")
    assert (answer.status_code, answer.json()) == (200, {"ignored": True})


# --- reports, deletion, pages ---


def test_asked_for_bytes_by_webhook_it_sends_them_once(platform: PretendPlatform, small_node: SmallNode) -> None:
    post = platform.publish(b"\xff\xd8\xff these bytes")
    said = {"ask": "ask_1", "content": post["content"], "platform_id": post["id"], "send_to": "/"}
    for _ in range(2):
        answer = small_node.send(platform, said, type="content.bytes_wanted", identity="ask_1")
        assert answer.json() == {"acknowledged": "ask_1", "applied": True}
    until(lambda: small_node.given)
    assert small_node.given[0] == (post["content"], b"\xff\xd8\xff these bytes")
    answer = small_node.send(platform, said, type="content.bytes_wanted", identity="ask_2")
    assert answer.status_code == 400


def test_it_says_that_it_has_no_bytes_of_what_it_does_not_know(
    platform: PretendPlatform, small_node: SmallNode
) -> None:
    post = platform.publish()
    for content, name in ((post["content"], "nothing"), ("content_other", post["id"]), (post["content"], None)):
        said = {"ask": "ask_1", "content": content, "platform_id": name}
        answer = small_node.send(platform, said, type="content.bytes_wanted", identity="ask_1")
        assert answer.json() == {"acknowledged": "ask_1", "applied": False}
    platform.delete(f"/posts/{post['id']}")
    said = {"ask": "ask_1", "content": post["content"], "platform_id": post["id"]}
    answer = small_node.send(platform, said, type="content.bytes_wanted", identity="ask_1")
    assert answer.json() == {"acknowledged": "ask_1", "applied": False}


def test_it_reads_by_itself_which_bytes_are_wanted(platform: PretendPlatform, small_node: SmallNode) -> None:
    post = platform.publish(b"\xff\xd8\xff those bytes")
    small_node.wanted = [{"ask": "ask_1", "content": post["content"], "platform_id": post["id"]}]
    until(lambda: small_node.given)
    assert small_node.given[0] == (post["content"], b"\xff\xd8\xff those bytes")


def test_a_report_reaches_the_node_with_the_bytes_it_asks_for(platform: PretendPlatform, small_node: SmallNode) -> None:
    post = platform.publish(b"\xff\xd8\xff these bytes")
    report = {"reporter": "eve", "words": "look at this", "label": "instructs"}
    answer = platform.post(f"/posts/{post['id']}/flag", json=report)
    assert answer.status_code == 201
    assert (answer.json()["flag"], answer.json()["outcome"]) == ("flag_1", "removed")
    assert small_node.flags == [{**report, "content": post["content"]}]
    assert small_node.given == [(post["content"], b"\xff\xd8\xff these bytes")]
    assert platform.get(f"/flags/{answer.json()['number']}").json()["outcome"] == "removed"
    assert platform.state(post) == "published"


def test_a_report_of_a_post_the_node_has_not_seen_waits_for_the_upload(
    platform: PretendPlatform, small_node: SmallNode
) -> None:
    small_node.served.stop()
    post = platform.publish()
    platform.post(f"/posts/{post['id']}/flag", json={"reporter": "eve", "words": ""})
    small_node.served.start()
    until(lambda: small_node.flags)
    assert small_node.flags[0]["content"] == f"content_{post['id']}"


def test_the_node_learns_of_a_deletion_and_cannot_undo_it(platform: PretendPlatform, small_node: SmallNode) -> None:
    post = platform.publish()
    assert platform.delete(f"/posts/{post['id']}").status_code == 204
    until(lambda: small_node.deleted == [post["content"]])
    assert small_node.send(platform, small_node.instruction(post, 1, "restore")).json()["applied"] is False
    assert platform.state(post) == "deleted"


def test_the_wall_shows_captions_as_text_and_allows_no_script(platform: PretendPlatform, small_node: SmallNode) -> None:
    platform.publish(caption="<script>alert(1)</script>", account='"><img src=x>')
    small_node.verdict = "hold"
    held = platform.publish(caption="held words")
    page = platform.get("/")
    assert "<script" not in page.text
    assert "<img src=x" not in page.text
    assert "held words" not in page.text
    assert held["id"] not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none';")


def test_the_inbox_page_links_only_to_the_web(platform: PretendPlatform, small_node: SmallNode) -> None:
    post = platform.publish()
    for sequence, url in enumerate(("https://node.example/notice/a", "javascript:alert(1)"), start=1):
        small_node.send(platform, small_node.instruction(post, sequence, "remove", notice_url=url))
    page = platform.get("/accounts/ada/inbox", params={"page": "1"}).text
    assert re.findall(r'href="([^"]+)"', page) == ["/", "https://node.example/notice/a"]


def test_its_own_list_names_no_account_and_no_caption(platform: PretendPlatform) -> None:
    post = platform.publish(account="ada-lovelace", caption="very private words")
    listed = platform.get("/published.json")
    assert listed.json()["posts"] == [{"post": post["id"], "content": post["content"], "state": "published"}]
    assert "ada-lovelace" not in listed.text
    assert "private" not in listed.text


def test_a_broken_form_is_refused(platform: PretendPlatform) -> None:
    kind = {"content-type": "multipart/form-data; boundary=x"}
    assert platform.post("/posts", content=b"nonsense", headers=kind).status_code in {400, 422}
    assert platform.post("/posts", content=b"{}", headers={"content-type": "application/json"}).status_code == 415
    assert platform.post("/posts", data={"account": "a"}, files={"other": b"x"}).status_code == 422


def test_words_are_shown_as_words(platform: PretendPlatform) -> None:
    words = "<script>alert(1)</script> https://example.org/a"
    form = {"account": "ada", "caption": "", "reach": "1", "kind": "text"}
    post = platform.post("/posts", data=form, files={"file": ("p", words.encode())}).raise_for_status().json()
    body = platform.get(f"/posts/{post['id']}/body")
    assert (body.text, body.headers["content-type"]) == (words, "text/plain; charset=utf-8")
    wall = platform.get("/").text
    assert "<script>alert" not in wall
    assert "&lt;script&gt;alert(1)&lt;/script&gt; https://example.org/a" in wall
    assert 'href="https://example.org' not in wall


def test_an_unknown_kind_of_post_is_refused(platform: PretendPlatform) -> None:
    form = {"account": "ada", "caption": "", "reach": "1", "kind": "song"}
    assert platform.post("/posts", data=form, files={"file": ("p", b"x")}).status_code == 422
