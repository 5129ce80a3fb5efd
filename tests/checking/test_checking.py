"""A video over HTTP: acknowledged and durable, checked part by part, judged, told, and known when people found it."""

import hashlib
import io
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from acts import ask, decide, make_known
from benchmarks.scenes import encoded, scene, smaller
from floor.story import switch_on_look_alike_holds
from receiving import Receiver, answer
from running import Nodes, Platform, Running
from tidegate.background.check_video import check_video
from tidegate.checking.steps import check_left_alone
from tidegate.content import store
from tidegate.decision.model import Measure
from tidegate.fingerprint.video import reading as video_reading
from tidegate.fingerprint.video.frames import read_part
from tidegate.flow import know_frames
from tidegate.kernel.ids import CaseId, ContentId, DecisionId
from tidegate.people.model import Role, Scope
from tidegate.verdict import steps as verdicts

SIZE = (160, 120)


def video(seed: int, seconds: float = 6, **options: Any) -> bytes:
    return encoded(scene(seed, seconds, size=SIZE), **options)


ONE, OTHER = video(1, 10), video(2)
#: The clip coarser and smaller, in the middle of something else.
AGAIN = encoded(
    [
        smaller(frame)
        for part in (scene(7, 8, size=SIZE), scene(1, 10, size=SIZE), scene(8, 6, size=SIZE))
        for frame in part
    ],
    crf="32",
    keys_every=3,
)


@pytest.fixture
def patient(nodes: Nodes) -> Running:
    """A node that answers once it has checked."""
    return nodes.start(video_patience_seconds=30.0)


@pytest.fixture
def prompt(nodes: Nodes) -> Running:
    """A node that answers at once, and checks afterwards."""
    return nodes.start(video_patience_seconds=0.0)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made.behave = lambda handler, _data: answer(handler, 204, b"")
    yield made
    made.stop()


def show(platform: Platform, data: bytes, **metadata: Any) -> Any:
    return platform.upload(data, kind="video", **metadata)


def life(platform: Platform, content: str) -> Any:
    return platform.client.get(f"/v1/content/{content}").json()


def kept(node: Running, content: str) -> int:
    """Count the sealed parts of a content."""
    return len(ask(node, "SELECT 1 AS one FROM detail WHERE owner = %s", name(content)))


def name(content: str) -> UUID:
    return ContentId.parse(content).value


def test_a_short_video_gets_its_verdict_with_the_answer(patient: Running) -> None:
    platform = patient.platform()
    said = show(platform, ONE)
    assert said.status_code == 200, said.text
    assert said.json()["verdict"] == "clear"
    content = said.json()["content"]
    assert life(platform, content)["checking"] is None
    # Of what is clear only fingerprints stay.
    assert kept(patient, content) == 0
    (row,) = ask(patient, "SELECT frames, position FROM clear_upload WHERE id = %s", name(content))
    assert len(row["frames"]) % 38 == 0
    assert len(row["frames"]) >= 2 * 38
    # The same again is the same content, and is not checked again.
    again = show(platform, ONE)
    assert (again.status_code, again.json()["content"], again.json()["verdict"]) == (200, content, "clear")


def test_a_video_is_acknowledged_checked_later_and_told(prompt: Running, receiver: Receiver) -> None:
    platform = prompt.platform(webhook_url=receiver.url)
    said = show(platform, ONE)
    assert said.status_code == 202, said.text
    content, link = said.json()["content"], said.json()["link"]
    assert said.json()["verdict"] == "checking"
    assert said.headers["location"] == link == f"/v1/content/{content}"
    waits = platform.client.get(link).json()
    assert waits["standing"] == "checking"
    assert waits["checking"]["checked_seconds"] == 0
    assert kept(prompt, content) > 0
    # Sent again while it waits it is the same upload.
    assert show(platform, ONE).json()["content"] == content
    assert len(ask(prompt, "SELECT 1 AS one FROM checking")) == 1
    prompt.work()
    prompt.work()
    assert life(platform, content) | {"life": []} == {
        "content": content,
        "revision": 1,
        "standing": "shown",
        "verdict": "clear",
        "reason": None,
        "restriction": "none",
        "sequence": 0,
        "held_until": None,
        "bytes_kept": False,
        "checking": None,
        "words_unchecked": None,
        "life": [],
    }
    assert kept(prompt, content) == 0
    (told,) = receiver.got
    assert (told["content"], told["verdict"], told["platform_id"]) == (content, "clear", "post-1")


def test_nobody_else_sees_an_upload_that_waits(prompt: Running) -> None:
    content = show(prompt.platform(), ONE).json()["content"]
    other = prompt.platform()
    assert other.client.get(f"/v1/content/{content}").status_code == 404
    assert other.client.delete(f"/v1/content/{content}").status_code == 404
    assert len(ask(prompt, "SELECT 1 AS one FROM checking")) == 1


def test_what_its_user_deletes_is_forgotten_before_it_is_checked(prompt: Running) -> None:
    platform = prompt.platform()
    content = show(platform, ONE).json()["content"]
    assert platform.client.delete(f"/v1/content/{content}").status_code == 204
    assert kept(prompt, content) == 0
    assert platform.client.get(f"/v1/content/{content}").status_code == 404
    prompt.work()
    assert ask(prompt, "SELECT 1 AS one FROM clear_upload") == []


def test_other_bytes_under_the_same_id_replace_what_waits(prompt: Running) -> None:
    platform = prompt.platform()
    content = show(platform, ONE).json()["content"]
    assert show(platform, OTHER).json()["content"] == content
    prompt.work()
    (row,) = ask(prompt, "SELECT sha256 FROM clear_upload WHERE id = %s", name(content))
    assert bytes(row["sha256"]) == hashlib.sha256(OTHER).digest()


def test_exact_bytes_are_held_at_once(prompt: Running) -> None:
    make_known(prompt, hashlib.sha256(ONE).digest())
    said = show(prompt.platform(), ONE)
    assert (said.status_code, said.json()["verdict"], said.json()["reason"]) == (200, "hold", "exact_match")
    assert ask(prompt, "SELECT 1 AS one FROM checking") == []
    assert bytes_of(prompt, said.json()["content"]) == ONE


def bytes_of(node: Running, content: str) -> bytes | None:
    async def read(tx: Any) -> bytes | None:
        loaded = await store.load(tx, ContentId.parse(content))
        assert loaded is not None
        return await store.bytes_of(tx, loaded)

    return node.do(read)


@pytest.mark.parametrize(
    ("data", "settings", "reason"),
    [
        (b"no video at all", {}, "undecodable"),
        (ONE[: len(ONE) // 2], {}, "undecodable"),
        (ONE, {"largest_video_bytes": 2**16, "largest_decoded_bytes": 2**16}, "too_large"),
        (encoded(scene(1, 70, size=(64, 48), rate=5), rate=5), {"longest_video_minutes": 1}, "too_large"),
    ],
)
def test_what_cannot_be_checked_is_never_clear(
    nodes: Nodes, data: bytes, settings: dict[str, Any], reason: str
) -> None:
    if reason == "too_large" and "largest_video_bytes" in settings:
        data += bytes(2**17)
    node = nodes.start(video_patience_seconds=30.0, **settings)
    said = show(node.platform(), data)
    assert (said.status_code, said.json()["verdict"], said.json()["reason"]) == (200, "unchecked", reason)
    assert ask(node, "SELECT 1 AS one FROM clear_upload") == []


def test_a_check_goes_on_where_another_process_left_it(prompt: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    long = encoded(scene(3, 60, size=SIZE, rate=10), rate=10, keys_every=2)
    platform = prompt.platform()
    content = show(platform, long).json()["content"]
    parts: list[int] = []

    async def dies(jail: Any, data: bytes, part: Any) -> Any:
        parts.append(part.start)
        if len(parts) == 3:
            raise KeyboardInterrupt
        return await read_part(jail, data, part)

    monkeypatch.setattr(video_reading, "_BUDGET", 1)
    monkeypatch.setattr(video_reading, "read_part", dies)

    async def killed() -> None:
        try:
            await check_video(prompt.node, ContentId.parse(content))
        except KeyboardInterrupt:
            return
        raise AssertionError

    prompt.loop.run(killed())
    reached = life(platform, content)["checking"]
    assert 0 < reached["checked_seconds"] < reached["of_seconds"] == 60
    # Whoever had it is dead; until that is sure, nobody else takes it.
    prompt.work()
    assert life(platform, content)["standing"] == "checking"
    prompt.clock.forward(minutes=2)
    first = len(parts)
    prompt.loop.run(check_video(prompt.node, ContentId.parse(content)))
    assert life(platform, content)["standing"] == "shown"
    assert parts[first] == parts[2], "it begins where the last one was written down"
    (row,) = ask(prompt, "SELECT frames FROM clear_upload")
    assert len(row["frames"]) // 38 == 30


def test_an_upload_whose_job_was_lost_is_checked_all_the_same(prompt: Running) -> None:
    platform = prompt.platform()
    content = show(platform, ONE).json()["content"]
    ask(prompt, "DELETE FROM procrastinate_jobs RETURNING 1 AS one")
    prompt.clock.forward(minutes=3)
    prompt.work()
    assert life(platform, content)["standing"] == "shown"


def test_an_upload_has_one_job_however_long_it_waits(prompt: Running) -> None:
    platform = prompt.platform()
    show(platform, ONE)
    prompt.clock.forward(minutes=3)
    for _ in range(3):
        prompt.do(check_left_alone)
    assert len(ask(prompt, "SELECT 1 AS one FROM procrastinate_jobs WHERE task_name = 'check_video'")) == 1


def found(node: Running, platform: Platform) -> str:
    """Have two people find a video, and let the worker make it known."""
    content: str = show(platform, ONE, platform_id="first").json()["content"]
    said = platform.client.post(
        "/v1/flags", json={"content": content, "label": "incites", "reporter": "someone", "words": "look"}
    )
    assert said.status_code in {200, 201}, said.text
    if said.json().get("bytes_wanted"):
        assert platform.client.put(f"/v1/content/{content}/bytes", content=ONE).status_code == 204
    (case,) = ask(node, 'SELECT id FROM "case"')
    decide(node, str(CaseId(case["id"])), Measure.REMOVE, node.hire(Role.REVIEWER), node.hire(Role.REVIEWER))
    node.work()
    return content


def test_what_people_found_is_known_by_its_frames_wherever_it_comes_back(patient: Running) -> None:
    platform = patient.platform()
    assert show(platform, AGAIN, platform_id="before", uploader="early").json()["verdict"] == "clear"
    found(patient, platform)
    kinds = sorted(row["kind"] for row in ask(patient, "SELECT kind FROM signal WHERE standing = 'confirmed'"))
    assert kinds == ["sha256", "video"]
    said = show(platform, AGAIN, platform_id="again", uploader="user-2")
    assert (said.status_code, said.json()["verdict"], said.json()["reason"]) == (200, "review", "look_alike")
    (match,) = said.json()["matches"]
    assert match["kind"] == "video"
    assert match["span"]["start"] == pytest.approx(8_000, abs=800)
    assert match["span"]["known_start"] == pytest.approx(0, abs=800)
    assert match["span"]["end"] - match["span"]["start"] > 5_000
    # What was clear before is looked at again.
    patient.work()
    assert len(ask(patient, "SELECT 1 AS one FROM verdict WHERE verdict = 'review'")) == 2


def test_a_reversed_decision_is_not_made_known_by_a_late_job(patient: Running) -> None:

    platform = patient.platform()
    content = show(platform, ONE).json()["content"]

    async def late(tx: Any) -> None:
        clear = await store.find_clear(tx, ContentId.parse(content))
        assert clear is not None
        await verdicts.admit(tx, clear.id, 1, clear.submission, clear.fingerprints, clear.words)
        loaded = await store.load(tx, clear.id)
        assert loaded is not None
        await know_frames(tx, tx.new(DecisionId), loaded, clear.fingerprints.frames)

    patient.do(late)
    assert ask(patient, "SELECT 1 AS one FROM signal") == []


def test_matching_without_record_takes_videos_too(nodes: Nodes) -> None:
    node = nodes.start(match_without_record=True)
    make_known(node, hashlib.sha256(ONE).digest())
    platform = node.platform(scopes=frozenset({Scope.MATCH}))
    said = platform.client.post("/v1/match", params={"kind": "video"}, content=ONE)
    assert said.status_code == 200, said.text
    assert [match["kind"] for match in said.json()["matches"]] == ["sha256"]


def test_people_look_at_pictures_of_the_part_that_matched(patient: Running) -> None:
    platform = patient.platform()
    found(patient, platform)
    show(platform, AGAIN, platform_id="again", uploader="user-2")
    (row,) = ask(
        patient,
        "SELECT m.\"case\", v.content FROM verdict v JOIN case_member m USING (content) WHERE v.verdict = 'review'",
    )
    place = f"/cases/{CaseId(row['case'])}/content/{ContentId(row['content'])}"
    reviewer = patient.person(Role.REVIEWER)
    page = reviewer.get(f"/cases/{CaseId(row['case'])}")
    assert "of the known video" in page.text
    # What is shown is named: no picture was sent.
    assert "Hold to look at pictures of the video" in page.text
    assert "The picture is shown" not in page.text
    for wanted in ("blur", "lines", "grey", "clear"):
        sheet = reviewer.get(f"{place}/picture", params={"filter": wanted, "size": "large"})
        assert sheet.status_code == 200, sheet.text
        with Image.open(io.BytesIO(sheet.content)) as picture:
            assert (picture.format, picture.width) == ("JPEG", 3 * 106)
    # It was recorded before it was shown.
    assert len(ask(patient, "SELECT 1 AS one FROM exposure WHERE subject = %s", row["content"])) == 4


def test_a_look_alike_is_held_only_where_two_people_switched_that_on(patient: Running) -> None:
    platform = patient.platform()
    found(patient, platform)
    switch_on_look_alike_holds(patient)
    said = show(platform, AGAIN, platform_id="again", uploader="user-2").json()
    assert (said["verdict"], said["reason"]) == ("hold", "look_alike")
    assert said["expires_at"]


def test_a_video_published_long_ago_is_not_held_for_looking_alike(patient: Running) -> None:
    platform = patient.platform()
    early = show(platform, AGAIN, platform_id="before", uploader="early").json()["content"]
    switch_on_look_alike_holds(patient)
    found(patient, platform)
    patient.work()
    assert life(platform, early)["verdict"] == "review"
    # People must look, so its bytes are wanted; checked anew, it is held no more than before.
    assert platform.client.put(f"/v1/content/{early}/bytes", content=AGAIN).status_code == 204
    patient.work()
    patient.work()
    shown = life(platform, early)
    assert (shown["verdict"], shown["bytes_kept"], shown["checking"]) == ("review", True, None)
    assert shown["restriction"] == "none"


def test_what_changes_before_the_verdict_counts(prompt: Running) -> None:
    make_known(prompt, hashlib.sha256(OTHER).digest())
    platform = prompt.platform()
    content = show(platform, ONE, reach=10).json()["content"]
    changed = platform.client.patch(f"/v1/content/{content}", json={"reach": 5_000, "caption": "other words"})
    assert (changed.status_code, changed.json()["standing"]) == (200, "checking")
    assert platform.client.patch(f"/v1/content/{content}", json={"reach": -1}).status_code == 422
    prompt.work()
    (row,) = ask(prompt, "SELECT reach FROM clear_upload WHERE id = %s", name(content))
    assert row["reach"] == 5_000


def test_a_video_of_several_pieces_is_kept_whole(patient: Running) -> None:
    # Free boxes after the film make it larger than a piece; players skip them.
    padded = ONE + b"".join(((1 << 20).to_bytes(4) + b"free" + bytes((1 << 20) - 8)) for _ in range(9))
    make_known(patient, hashlib.sha256(padded).digest())
    content = show(patient.platform(), padded).json()["content"]
    assert (
        len(ask(patient, "SELECT 1 AS one FROM detail WHERE owner = %s AND part LIKE 'bytes/%%'", name(content))) == 3
    )
    assert bytes_of(patient, content) == padded
