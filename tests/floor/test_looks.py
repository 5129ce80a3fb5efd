"""How a picture looks, over HTTP: what the second hash doubts is never held, and records rest on the full size."""

import hashlib
import io
from itertools import combinations

import numpy as np
import pytest
from PIL import Image, ImageOps

from acts import ask
from benchmarks.made_pictures import again, cropped, encoded, of_template, photograph
from fingerprint.pictures import distance
from floor.story import actions, decide, flag, known_signals, make_known, reviewers, switch_on_look_alike_holds
from running import Nodes, Platform, Running
from tidegate import flow
from tidegate.commands.scan import described
from tidegate.content.model import AccountClass, ContentKind, LookKind, Submission, Surface
from tidegate.fingerprint.pdq import pdq
from tidegate.fingerprint.picture import decoder
from tidegate.fingerprint.picture.reading import FULL_SIZE, PictureFingerprint
from tidegate.fingerprint.picture.second import SECOND_RADIUS
from tidegate.kernel.ids import ContentId, ServiceId
from tidegate.match.model import PDQ_RADIUS, QUALITY_FLOOR
from tidegate.node import upload_of
from tidegate.people.model import Scope
from tidegate.signal.model import FingerprintKind
from tidegate.verdict import steps as verdicts


def looks(data: bytes) -> PictureFingerprint:
    return PictureFingerprint.unpack(decoder.fingerprint(data, FULL_SIZE))


def of_one_make() -> tuple[bytes, bytes]:
    """Give two cards of one template that PDQ takes for one picture and that say different things."""
    files = [encoded(of_template("gradient", layout, content), 90) for layout in range(3) for content in range(6)]
    for one, other in combinations(files, 2):
        first, second = looks(one).looks[0], looks(other).looks[0]
        if min(first.quality, second.quality) >= QUALITY_FLOOR and distance(first.pdq[0], second.pdq[0]) <= PDQ_RADIUS:
            return one, other
    raise AssertionError("no two of one template look alike")


def large(seed: int = 0, *, quality: int = 90) -> bytes:
    """Draw a picture large enough to be decoded smaller."""
    return encoded(photograph(1500, 1100, seed), quality)


def known_look(node: Running) -> list[bytes]:
    return [signal.value for signal in known_signals(node) if signal.kind is FingerprintKind.PDQ]


def make_known_with_bytes(node: Running, platform: Platform, data: bytes) -> None:
    content = str(platform.verdict(data, platform_id="first", uploader="first-uploader")["content"])
    flag(platform, content)
    assert platform.client.put(f"/v1/content/{content}/bytes", content=data).status_code == 204
    decide(node, content, reviewers(node))
    node.work()


# --- the second hash ---


def test_what_the_second_hash_doubts_goes_to_people_and_is_never_held(node: Running, platform: Platform) -> None:
    known, other = of_one_make()
    make_known(node, platform, known, reviewers(node))
    switch_on_look_alike_holds(node)
    answer = platform.verdict(other, platform_id="other", uploader="someone-else")
    (match,) = [match for match in answer["matches"] if match["kind"] == "pdq"]
    assert match["distance"] <= PDQ_RADIUS
    assert match["second_distance"] > SECOND_RADIUS
    assert (answer["verdict"], answer["reason"], answer["expires_at"]) == ("review", "look_alike", None)
    assert answer["case"] is not None
    assert actions(platform, answer["content"]) == []
    # However often it is sent, and by whomever.
    again_ = platform.verdict(other, platform_id="other-2", uploader="another")
    assert again_["verdict"] == "review"
    # It counts as far in the queue, however near PDQ says it is.
    rows = ask(node, "SELECT distance FROM case_member WHERE content = %s", ContentId.parse(answer["content"]).value)
    assert [row["distance"] for row in rows] == [PDQ_RADIUS]


def test_programs_that_act_on_whatever_they_are_told_are_not_told_of_it_unasked(nodes: Nodes) -> None:
    node = nodes.start(match_without_record=True)
    known, other = of_one_make()
    make_known(node, node.platform(), known, reviewers(node))
    hma = node.platform(scopes=frozenset({Scope.MATCH})).client

    def banks(data: bytes, **asked: str) -> list[str]:
        said = hma.post("/hma/m/lookup", params={"types": "pdq", **asked}, files={"photo": ("a", data)})
        assert said.status_code == 200, said.text
        return list(said.json()["pdq"])

    assert banks(known) == ["INSTRUCTS"]
    assert banks(other) == []
    assert banks(other, banks="INSTRUCTS,UNCONFIRMED") == ["UNCONFIRMED"]
    # A scan is read by people: it is told, and how far the second hash is.
    checked = node.loop.run(node.node.check(ContentKind.PICTURE, hashlib.sha256(other).digest(), other, full_size=True))
    (match,) = node.do(lambda tx: described(tx, list(checked.matches), checked.fingerprints))
    assert match["second_distance"] > SECOND_RADIUS


def test_the_same_picture_edited_is_not_doubted_and_held(node: Running, platform: Platform) -> None:
    """Otherwise the test above would prove nothing."""
    known, _ = of_one_make()
    make_known(node, platform, known, reviewers(node))
    switch_on_look_alike_holds(node)
    edited = encoded(again(Image.open(io.BytesIO(known)).resize((500, 500)), 70), 80)
    answer = platform.verdict(edited, platform_id="edited", uploader="someone-else")
    assert (answer["verdict"], answer["reason"]) == ("hold", "look_alike")
    (match,) = answer["matches"]
    assert match["second_distance"] <= SECOND_RADIUS


def test_nothing_within_the_radius_is_hidden_from_who_asks_without_a_record(nodes: Nodes) -> None:
    node = nodes.start(match_without_record=True)
    known, other = of_one_make()
    make_known(node, node.platform(), known, reviewers(node))
    asking = node.platform(scopes=frozenset({Scope.MATCH}))
    (match,) = asking.client.post("/v1/match", content=other).json()["matches"]
    assert match["second_distance"] > SECOND_RADIUS


# --- full size ---


def test_what_is_recorded_was_looked_at_at_full_size(node: Running, platform: Platform) -> None:
    """The signal is the reference's value bit for bit, and the distance is that of the full sizes."""
    make_known_with_bytes(node, platform, large())
    (value,) = known_look(node)
    assert value == pdq(np.asarray(Image.open(io.BytesIO(large())).convert("RGB"))).value
    edited = encoded(cropped(photograph(1500, 1100, 0), 0.004), 70)
    answer = platform.verdict(edited, platform_id="edited", uploader="someone-else")
    (match,) = answer["matches"]
    assert match["distance"] == distance(looks(edited).looks[0].pdq[0], value)
    assert match["second_distance"] is not None
    (row,) = ask(node, "SELECT reduced FROM content WHERE id = %s", ContentId.parse(answer["content"]).value)
    assert row["reduced"] is False


def test_of_a_smaller_look_alone_no_signal_is_made(node: Running, platform: Platform) -> None:
    """The bytes were not kept, so only these very bytes are known."""
    make_known(node, platform, large(), reviewers(node))
    node.work()
    assert [signal.kind for signal in known_signals(node)] == [FingerprintKind.SHA256]


def test_a_decision_that_does_not_stand_makes_no_look_known(node: Running, platform: Platform) -> None:
    """The job that looks at full size may come after another decision."""
    two = reviewers(node)
    content = make_known(node, platform, large(), two)
    other = str(platform.verdict(large(1), platform_id="other", uploader="other")["content"])
    flag(platform, other)
    decision = decide(node, other, two)
    found = looks(large()).looks
    node.do(lambda tx: flow.make_looks_known(tx, decision, ContentId.parse(content), found))
    assert known_look(node) == []


def test_a_signal_that_becomes_known_meanwhile_asks_for_the_full_size(node: Running, platform: Platform) -> None:
    """Between search and verdict a signal may commit; its distance is not taken from a smaller look."""
    data = large(quality=70)
    sha256 = hashlib.sha256(data).digest()
    checked = node.loop.run(node.node.check(ContentKind.PICTURE, sha256, data))
    assert checked.fingerprints.reduced
    assert not checked.matches
    make_known_with_bytes(node, platform, large())
    (signal,) = [signal for signal in known_signals(node) if signal.kind is FingerprintKind.PDQ]
    services = ask(node, "SELECT service FROM content LIMIT 1")
    submission = Submission(
        service=ServiceId(services[0]["service"]),
        kind=ContentKind.PICTURE,
        platform_id="meanwhile",
        uploader="someone-else",
        account_class=AccountClass.ORDINARY,
        surface=Surface.PUBLIC,
        reach=1,
    )
    upload = upload_of(submission, checked, data)
    with pytest.raises(verdicts.NotAtFullSize):
        node.do(lambda tx: verdicts.submit(tx, upload, node.node.settings.hold_policy))
    # Looked at at full size, it is judged.
    full = node.loop.run(node.node.check(ContentKind.PICTURE, sha256, data, full_size=True))
    again_ = upload_of(submission, full, data)
    answer = node.do(lambda tx: verdicts.submit(tx, again_, node.node.settings.hold_policy))
    assert [match.signal for match in answer.verdict.matches] == [signal.id]
    assert not any(match.reduced for match in answer.verdict.matches)


# --- borders and frames ---


def test_what_was_known_with_a_border_is_found_without_it_and_in_another(node: Running, platform: Platform) -> None:
    picture = photograph(700, 500, 3)
    make_known(node, platform, encoded(ImageOps.expand(picture, 35, "white"), 90), reviewers(node))
    assert len(known_look(node)) == 2
    for name, data in {
        "plain": encoded(picture, 80),
        "black": encoded(ImageOps.expand(picture, (10, 90), "black"), 80),
    }.items():
        answer = platform.verdict(data, platform_id=name, uploader=name)
        assert (answer["verdict"], answer["reason"]) == ("review", "look_alike"), name
        assert answer["matches"][0]["look"] == (LookKind.AS_STORED if name == "plain" else LookKind.WITHOUT_BORDER)


def moving() -> bytes:
    frames = [photograph(240, 180, 20 + number) for number in range(5)]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], duration=200)
    return out.getvalue()


def test_a_known_still_is_found_in_a_moving_picture(node: Running, platform: Platform) -> None:
    make_known(node, platform, encoded(photograph(240, 180, 23), 90), reviewers(node))
    answer = platform.verdict(moving(), platform_id="moving", uploader="someone-else")
    assert (answer["verdict"], answer["reason"]) == ("review", "look_alike")
    assert [match["look"] for match in answer["matches"]] == [LookKind.FRAME]


def test_a_known_moving_picture_is_found_by_its_stills(node: Running, platform: Platform) -> None:
    make_known(node, platform, moving(), reviewers(node))
    assert len(known_look(node)) == 5
    for number in range(5):
        still = encoded(photograph(240, 180, 20 + number), 80)
        answer = platform.verdict(still, platform_id=f"still-{number}", uploader="someone-else")
        assert (answer["verdict"], answer["reason"]) == ("review", "look_alike")


def test_a_moving_picture_looked_at_in_part_is_never_clear(node: Running, platform: Platform) -> None:
    """More frames than are looked at: what was seen is matched, and the rest was not checked."""
    black, white = (Image.new("RGB", (2400, 2400), colour) for colour in ("black", "white"))
    out = io.BytesIO()
    black.save(out, "GIF", save_all=True, append_images=[white, black] * 10, duration=100)
    answer = platform.verdict(out.getvalue(), platform_id="long", uploader="someone")
    assert (answer["verdict"], answer["reason"]) == ("unchecked", "too_large")
    assert node is not None
