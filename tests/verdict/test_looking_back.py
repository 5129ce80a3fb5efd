"""A new signal looks back at everything submitted before it; what rested on a withdrawn one is judged again."""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import numpy as np
import psycopg
import pytest

from acts import ask, someone_waits
from floor.story import (
    KEEP,
    actions,
    appeal_on,
    case_of,
    complain,
    counted,
    decide,
    flag,
    in_force,
    instructions,
    judge,
    known_signals,
    life,
    look_alike,
    make_known,
    notice_link,
    picture,
    reviewers,
    sealed_bytes,
    switch_on_look_alike_holds,
)
from receiving import Receiver, acknowledge, answer
from running import Browser, Nodes, Platform, Running
from tidegate.background.look_back import PastUpkeep, find_past, folder_of
from tidegate.content.model import AccountClass, ContentKind, Fingerprints, Look, Submission, Surface
from tidegate.db.transaction import MACHINE, Database
from tidegate.kernel.ids import ContentId, SignalId
from tidegate.match.past.folder import NOTHING
from tidegate.people.model import Role
from tidegate.signal.model import FingerprintKind, Label, Provenance, Signal
from tidegate.signal.model import Standing as SignalStanding
from tidegate.verdict import steps as verdicts
from tidegate.verdict.steps import Upload


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


def old(platform: Platform, data: bytes, **more: str) -> str:
    """Upload something that is clear, for now."""
    verdict = platform.verdict(data, **{"platform_id": "old", "uploader": "old-uploader", **more})
    assert verdict["verdict"] == "clear"
    return str(verdict["content"])


def verdict_on(node: Running, content: str) -> tuple[str, str | None] | None:
    rows = ask(
        node, "SELECT verdict, reason FROM verdict WHERE content = %s ORDER BY revision DESC", content_uuid(content)
    )
    return (rows[0]["verdict"], rows[0]["reason"]) if rows else None


def content_uuid(content: str) -> UUID:
    return ContentId.parse(content).value


def wanted(platform: Platform) -> list[str]:
    said = platform.client.get("/v1/bytes-wanted")
    assert said.status_code == 200
    return [each["content"] for each in said.json()["wanted"]]


def send(platform: Platform, content: str, data: bytes) -> httpx2.Response:
    return platform.client.put(f"/v1/content/{content}/bytes", content=data)


@pytest.fixture(params=["in files", "not in files yet"])
def filed(node: Running, platform: Platform, request: pytest.FixtureRequest) -> Callable[[], None]:
    """Say that what is uploaded next will be in files, or will not be."""
    old(platform, picture(99), platform_id="before", uploader="before")
    into_files(node)
    return (lambda: into_files(node)) if request.param == "in files" else (lambda: None)


def into_files(node: Running) -> None:
    """Let the uploads so far get into the files."""
    node.clock.forward(minutes=11)
    node.work()
    assert list((node.node.settings.data_directory / "past").glob("*.npy"))


# --- a new signal ---


def test_a_look_alike_is_found_and_goes_to_people_and_its_bytes_are_asked_for(
    node: Running, platform: Platform, two: list[Browser], filed: Callable[[], None]
) -> None:
    content = old(platform, look_alike(5))
    unlike = old(platform, picture(6), platform_id="unlike")
    filed()
    make_known(node, platform, picture(5), two)
    node.work()
    assert verdict_on(node, content) == ("review", "look_alike")
    assert verdict_on(node, unlike) is None
    case_of(node, content)
    assert actions(platform, content) == []
    assert wanted(platform) == [content]
    # Other bytes are refused, and asking goes on.
    assert send(platform, content, picture(7)).status_code == 409
    assert wanted(platform) == [content]
    assert send(platform, content, look_alike(5)).status_code == 204
    assert wanted(platform) == []
    assert sealed_bytes(node, content) == look_alike(5)
    assert verdict_on(node, content) == ("review", "look_alike")
    assert send(platform, content, look_alike(5)).status_code == 204, "twice is as good as once"


def test_only_exact_bytes_are_held_looking_back(
    node: Running, platform: Platform, two: list[Browser], filed: Callable[[], None]
) -> None:
    switch_on_look_alike_holds(node)
    alike = old(platform, look_alike(5))
    same = old(platform, picture(5), platform_id="same", uploader="someone")
    press = old(platform, picture(5), platform_id="press", uploader="paper", account_class="press")
    filed()
    make_known(node, platform, picture(5), two)
    node.work()
    assert actions(platform, same) == ["hold"]
    assert verdict_on(node, alike) == ("review", "look_alike")
    assert verdict_on(node, press) == ("review", "protected_account")
    # Nor when the bytes come: it was published long ago.
    assert send(platform, alike, look_alike(5)).status_code == 204
    assert actions(platform, alike) == []
    assert platform.verdict(look_alike(5), platform_id="new", uploader="new")["verdict"] == "hold"


def test_what_is_in_files_is_not_read_from_the_database_again(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    content = old(platform, look_alike(5))
    into_files(node)
    folder = node.node.settings.data_directory / "past"
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.npy")}
    node.work()
    assert {path.name: path.stat().st_mtime_ns for path in folder.glob("*.npy")} == before
    # Were it read from the database it would not be found now.
    with_owner(node, "UPDATE clear_upload SET pdq = ''::bytea")
    make_known(node, platform, picture(5), two)
    node.work()
    assert wanted(platform) == [content]


def test_what_was_deleted_is_not_found_and_leaves_the_files_with_the_next_upkeep(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    gone = old(platform, look_alike(5))
    kept = old(platform, look_alike(5), platform_id="kept", uploader="keeper")
    into_files(node)
    folder = node.node.settings.data_directory / "past"
    assert _in_files(folder) == {gone, kept}
    assert platform.client.delete(f"/v1/content/{gone}").status_code == 204
    node.work()
    assert _in_files(folder) == {kept}
    make_known(node, platform, picture(5), two)
    node.work()
    assert wanted(platform) == [kept]
    node.work()
    assert _in_files(folder) == set(), "what has a recorded life is no clear upload any more"


def _in_files(folder: Path) -> set[str]:
    return {str(ContentId(UUID(bytes=row.tobytes()))) for path in folder.glob("*.ids.npy") for row in np.load(path)}


def test_days_past_their_time_leave_the_files(node: Running, platform: Platform) -> None:
    content = old(platform, picture(5))
    into_files(node)
    folder = node.node.settings.data_directory / "past"
    assert _in_files(folder) == {content}
    node.clock.forward(days=node.node.settings.clear_upload_days + 1)
    node.work()
    assert _in_files(folder) == set()


@pytest.mark.parametrize("damage", ["garbage", "gone", "leads astray", "older layout"])
def test_files_that_are_not_right_hide_nothing_and_are_written_again(
    node: Running, platform: Platform, two: list[Browser], damage: str
) -> None:
    content = old(platform, look_alike(5))
    folder = node.node.settings.data_directory / "past"
    into_files(node)
    if damage == "gone":
        shutil.rmtree(folder)
    elif damage == "leads astray":
        for path in folder.glob("*.ends.npy"):
            np.save(path, np.load(path) + 8)
    elif damage == "older layout":
        told = json.loads((folder / "manifest.json").read_bytes())
        (folder / "manifest.json").write_text(json.dumps(told | {"format": told["format"] - 1}))
    else:
        for path in folder.glob("*.npy"):
            path.write_bytes(b"garbage")
    make_known(node, platform, picture(5), two)
    node.work()
    assert wanted(platform) == [content]
    more = old(platform, picture(9), platform_id="more")
    into_files(node)
    assert _in_files(folder) == {more}, "and what has a recorded life is no clear upload any more"
    folder_of(node.node).verify()
    assert len(folder_of(node.node).open().stretches) == 1


def test_files_found_damaged_by_a_search_are_left_for_the_database_and_begun_anew(
    node: Running, platform: Platform
) -> None:
    """Between two upkeeps, when nobody reads them through."""
    content = old(platform, look_alike(5))
    into_files(node)
    folder = folder_of(node.node)
    (path,) = (node.node.settings.data_directory / "past").glob("*.ends.npy")
    np.save(path, np.load(path) + 8)
    values = ask(node, "SELECT pdq FROM clear_upload")[0]["pdq"]
    signal = Signal(
        id=SignalId(UUID(int=1)),
        kind=FingerprintKind.PDQ,
        value=bytes(values[:32]),
        labels=frozenset({Label.INCITES}),
        provenance=Provenance.OWN,
        standing=SignalStanding.CONFIRMED,
        decision=None,
        own_people=True,
        members=0,
        disputed=False,
        position=10**6,
    )
    upkeep = PastUpkeep(node.node)
    upkeep._verified = True  # as it is in a worker that has run for a while
    found = node.loop.run(find_past(node.node, signal))
    assert [str(each) for each in found] == [content]
    node.loop.run(upkeep.keep_up())
    assert folder.open() == NOTHING, "begun anew"
    node.loop.run(upkeep.keep_up())
    folder.verify()
    assert [str(each) for each in folder.open().search(signal.value)] == [content]


def test_a_database_brought_back_from_a_backup_is_not_searched_by_files_from_after_it(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    old(platform, picture(9), platform_id="lost")
    into_files(node)
    with_owner(node, "DELETE FROM clear_upload")
    with_owner(node, "SELECT setval('clear_upload_number', 1, false)")
    # It has a number that the files know as another's.
    content = old(platform, look_alike(5))
    make_known(node, platform, picture(5), two)
    node.work()
    assert wanted(platform) == [content]
    more = old(platform, picture(10), platform_id="more")
    into_files(node)
    assert _in_files(node.node.settings.data_directory / "past") == {more}


def with_owner(node: Running, statement: str) -> None:
    url = node.node.settings.database_owner_url
    assert url is not None
    with psycopg.connect(url.get_secret_value()) as connection:
        connection.execute(statement.encode())


def test_what_people_decided_stays_decided(node: Running, platform: Platform, two: list[Browser]) -> None:
    content = str(platform.verdict(look_alike(5), platform_id="old", uploader="old")["content"])
    flag(platform, content)
    decide(node, content, two[:1], KEEP)
    make_known(node, platform, picture(5), two)
    node.work()
    assert verdict_on(node, content) is None
    assert wanted(platform) == []


def test_an_upload_that_commits_late_is_missed_by_no_file(node: Running, platform: Platform) -> None:
    """Its number is taken before its row can be seen: the files wait for it, or it would be in neither place."""
    value = bytes(range(32))
    upload = Upload(
        submission=Submission(
            service=platform.service,
            kind=ContentKind.PICTURE,
            platform_id="late",
            uploader="u",
            account_class=AccountClass.ORDINARY,
            surface=Surface.PUBLIC,
            reach=1,
        ),
        fingerprints=Fingerprints(sha256=bytes(32), looks=(Look(pdq=(value,) * 8, quality=100),), quality=100),
        unchecked=None,
        matches=(),
        position=0,
        data=b"",
    )

    async def commit_late() -> ContentId:
        node_ = node.node
        async with node_.database.transaction(MACHINE) as tx:
            answer = await verdicts.submit(tx, upload, node_.settings.hold_policy)
            await tx.connection()  # everything so far is sent
            filing = asyncio.ensure_future(PastUpkeep(node_).keep_up())
            while not filing.done() and not await _somebody_waits(node_.database):  # noqa: ASYNC110 - no event says so
                await asyncio.sleep(0.01)
            assert not filing.done(), "it must wait for what is not committed yet"
        await filing
        return answer.content

    content = node.loop.run(commit_late())
    kept = folder_of(node.node).open()
    assert kept.closed_to
    assert kept.search(value) == [content]


async def _somebody_waits(database: Database) -> bool:
    async with database.glance(MACHINE) as tx:
        return await someone_waits(tx)


# --- asking for bytes ---


def test_the_platform_is_asked_by_a_signed_webhook_until_it_acknowledges(
    node: Running, two: list[Browser], receiver: Receiver
) -> None:
    platform = node.platform(webhook_url=receiver.url)
    content = old(platform, look_alike(5))
    asked: list[dict[str, Any]] = []

    def behave(handler: BaseHTTPRequestHandler, data: dict[str, Any]) -> None:
        if "ask" in data:
            asked.append(data)
            if len(asked) == 1:
                answer(handler, 200, b"{}")
                return
        acknowledge(handler, data)

    receiver.behave = behave
    make_known(node, platform, picture(5), two)
    node.work()
    assert asked[0]["content"] == content
    assert asked[0]["platform_id"] == "old"
    assert asked[0]["kind"] == "picture"
    assert asked[0]["send_to"] == f"/v1/content/{content}/bytes"
    for _ in range(100):
        if len(asked) > 1:
            break
        node.work()
    assert asked[1] == asked[0], "asked again, for it did not acknowledge"
    node.work()
    assert len(asked) == 2, "and no more once it did"
    assert wanted(platform) == [content], "though they are not here yet"


def test_a_platform_that_has_them_no_more_says_so(node: Running, two: list[Browser], receiver: Receiver) -> None:
    platform = node.platform(webhook_url=receiver.url)
    content = old(platform, look_alike(5))

    def gone(handler: BaseHTTPRequestHandler, data: dict[str, Any]) -> None:
        applied = b"false" if "ask" in data else b"true"
        said = str(data.get("instruction", data.get("ask"))).encode()
        answer(handler, 200, b'{"acknowledged":"' + said + b'","applied":' + applied + b"}")

    receiver.behave = gone
    make_known(node, platform, picture(5), two)
    node.work()
    assert wanted(platform) == []
    case_of(node, content)  # people look all the same


def test_nobody_else_sees_what_is_wanted_or_may_send_it(node: Running, platform: Platform, two: list[Browser]) -> None:
    content = old(platform, look_alike(5))
    make_known(node, platform, picture(5), two)
    node.work()
    other = node.platform()
    assert wanted(other) == []
    assert send(other, content, look_alike(5)).status_code == 404
    assert wanted(platform) == [content]


def test_bytes_too_large_to_keep_are_not_asked_for_for_ever(nodes: Nodes) -> None:
    node = nodes.start(largest_decoded_bytes=2**16)
    platform, two = node.platform(), reviewers(node)
    content = old(platform, look_alike(5))
    make_known(node, platform, picture(5), two)
    node.work()
    assert wanted(platform) == [content]
    node.node.settings = node.node.settings.model_copy(update={"largest_decoded_bytes": 100})
    assert send(platform, content, look_alike(5)).status_code == 204
    assert wanted(platform) == []


# --- a withdrawn signal ---


def test_what_nobody_decided_about_is_judged_again_without_a_withdrawn_signal(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    first = make_known(node, platform, picture(5), two)
    held = str(platform.verdict(picture(5), platform_id="held", uploader="h")["content"])
    alike = str(platform.verdict(look_alike(5), platform_id="alike", uploader="a")["content"])
    left_up = str(platform.verdict(look_alike(5), platform_id="left", uploader="l", caption="news")["content"])
    decide(node, left_up, two[:1], KEEP)
    assert actions(platform, held) == ["hold"]
    assert verdict_on(node, alike) == ("review", "look_alike")
    before = life(platform, left_up)
    complain(node, notice_link(platform, first))
    for judging in reviewers(node, role=Role.APPEAL_REVIEWER):
        counted(judge(judging, appeal_on(node, first), "not_terrorist"))
    node.work()
    assert {signal.standing for signal in known_signals(node)} == {"withdrawn"}
    assert actions(platform, first) == ["remove", "restore"]
    assert actions(platform, held) == ["hold", "release"]
    assert instructions(platform, held)[-1]["cause"] == "decision"
    assert verdict_on(node, held) == ("clear", None)
    assert verdict_on(node, alike) == ("clear", None)
    cases = ask(node, 'SELECT state, size FROM "case" WHERE state <> %s', "closed")
    assert cases == [], cases
    assert life(platform, left_up) == before
    assert in_force(node, left_up) is not None
    # And it is not held again.
    assert platform.verdict(picture(5), platform_id="again", uploader="h")["verdict"] == "clear"
