"""Bodies that are no picture, too large, broken or lying: each has its own clear answer over real HTTP."""

import base64
import hashlib
import http.client
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from acts import ask, make_known, picture
from problems import problem
from running import Nodes, Platform, Running
from tidegate.kernel.ids import ContentId

GOOD = {"kind": "picture", "platform_id": "post-1", "uploader": "user-1", "surface": "public", "reach": 10}
MEBIBYTE = 2**20


def header(metadata: Any) -> dict[str, str]:
    return {"tidegate-metadata": base64.b64encode(json.dumps(metadata).encode()).decode()}


def multipart(*parts: tuple[str, bytes], end: bool = True) -> dict[str, Any]:
    """Write a multipart body by hand, so that it can be wrong."""
    body = b""
    for disposition, content in parts:
        body += b"--edge\r\nContent-Disposition: form-data; " + disposition.encode() + b"\r\n\r\n" + content + b"\r\n"
    body += b"--edge--\r\n" if end else b""
    return {"content": body, "headers": {"content-type": "multipart/form-data; boundary=edge"}}


METADATA = ('name="metadata"', json.dumps(GOOD).encode())
FILE = ('name="file"; filename="a.jpg"', picture(1))


def png_of(width: int, height: int) -> bytes:
    """Make a PNG of a few kilobytes that claims to be this large, and is, once inflated."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = zlib.compress(bytes(1_000_000), 9)
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def taken(node: Running) -> int:
    """Count the uploads that were taken in."""
    (row,) = ask(node, "SELECT (SELECT count(*) FROM clear_upload) + (SELECT count(*) FROM content) AS n")
    count: int = row["n"]
    return count


# --- what cannot be decoded is unchecked, never clear ---


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"not a picture at all", "undecodable"),
        (b"\x00", "undecodable"),
        (picture(1)[: len(picture(1)) // 3], "undecodable"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "undecodable"),
        (picture(1, kind="PNG")[:-40], "undecodable"),
        (b"GIF89a", "undecodable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "undecodable"),
        (b"%PDF-1.7", "undecodable"),
        (png_of(60_000, 60_000), "too_large"),
        (png_of(2**31 - 1, 2**31 - 1), "too_large"),
    ],
    ids=["text", "zero", "cut jpeg", "empty jpeg", "cut png", "gif", "svg", "pdf", "bomb", "largest"],
)
def test_what_cannot_be_decoded_is_unchecked_and_still_known_by_its_bytes(
    node: Running, platform: Platform, data: bytes, reason: str
) -> None:
    assert len(data) < 64 * 1024
    answer = platform.verdict(data)
    assert (answer["verdict"], answer["reason"]) == ("unchecked", reason)
    make_known(node, hashlib.sha256(data).digest())
    again = platform.verdict(data, platform_id="post-2")
    assert (again["verdict"], again["reason"]) == ("hold", "exact_match")


def test_an_empty_body_says_to_send_the_bytes(platform: Platform) -> None:
    problem(platform.upload(b""), 422, "malformed", "send the bytes", reference="file")
    problem(platform.client.post("/v1/content", **multipart(METADATA)), 422, "malformed", "send the bytes")
    empty = multipart(METADATA, ('name="file"; filename="a"', b""))
    problem(platform.client.post("/v1/content", **empty), 422, "malformed", "send the bytes")


# --- size ---


def resident() -> int:
    """Read how much memory this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def zeros(count: int, most: list[int]) -> Iterator[bytes]:
    """Stream so many bytes, noting the most memory held meanwhile."""
    piece = bytes(MEBIBYTE)
    for _ in range(count // MEBIBYTE):
        most[0] = max(most[0], resident())
        yield piece


def test_200_megabytes_are_matched_in_bounded_memory(node: Running, platform: Platform) -> None:
    size = 200 * MEBIBYTE
    whole = hashlib.sha256()
    for piece in zeros(size, [0]):
        whole.update(piece)
    make_known(node, whole.digest())
    before, most = resident(), [0]
    answer = platform.client.post(
        "/v1/content",
        content=zeros(size, most),
        headers={"content-type": "image/jpeg", **header(GOOD)},
        timeout=120,
    )
    assert answer.status_code == 200, answer.text
    assert (answer.json()["verdict"], answer.json()["reason"]) == ("hold", "exact_match")
    assert most[0] - before < 120 * MEBIBYTE
    name = ContentId.parse(answer.json()["content"]).value
    kept = ask(node, "SELECT 1 FROM detail WHERE owner = %s AND part LIKE 'bytes/%%'", name)
    assert not kept, "too many to keep"


def test_more_than_is_decoded_is_unchecked(nodes: Nodes) -> None:
    node = nodes.start(largest_decoded_bytes=MEBIBYTE, largest_body_bytes=4 * MEBIBYTE)
    platform = node.platform()
    answer = platform.verdict(picture(1) + bytes(2 * MEBIBYTE))
    assert (answer["verdict"], answer["reason"]) == ("unchecked", "too_large")


def test_more_than_is_read_is_refused_unread(nodes: Nodes) -> None:
    node = nodes.start(largest_decoded_bytes=MEBIBYTE, largest_body_bytes=2 * MEBIBYTE)
    platform = node.platform()
    at = urlsplit(node.addresses.platform)
    connection = http.client.HTTPConnection(str(at.hostname), at.port, timeout=20)
    connection.putrequest("POST", "/v1/content")
    for name, value in {
        "authorization": platform.client.headers["authorization"],
        "content-type": "image/jpeg",
        "content-length": str(10**12),
        **header(GOOD),
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(b"\xff\xd8")
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    assert (answer.status, body["kind"], body["reference"]) == (413, "too_large", "file")
    assert "at most 2097152 bytes" in body["detail"]
    assert "was not checked" in body["detail"]
    # Without a declared length it is refused where it becomes too much.
    chunked = platform.client.post(
        "/v1/content", content=iter([bytes(MEBIBYTE), bytes(MEBIBYTE), b"x"]), headers=header(GOOD)
    )
    problem(chunked, 413, "too_large", "at most 2097152 bytes")
    assert platform.verdict(picture(1))["verdict"] == "clear"


def test_an_upload_that_breaks_off_leaves_nothing(node: Running, platform: Platform) -> None:
    at = urlsplit(node.addresses.platform)
    connection = http.client.HTTPConnection(str(at.hostname), at.port, timeout=20)
    connection.putrequest("POST", "/v1/content")
    connection.putheader("authorization", platform.client.headers["authorization"])
    connection.putheader("content-length", "100000")
    connection.putheader("tidegate-metadata", header(GOOD)["tidegate-metadata"])
    connection.endheaders()
    connection.send(picture(1)[:500])
    before = taken(node)
    connection.close()
    assert platform.verdict(picture(1))["verdict"] == "clear"
    assert taken(node) == before + 1


# --- metadata ---


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "sound"}, "kind"),
        ({"kind": 1}, "kind"),
        ({"kind": None}, "kind"),
        ({"surface": "somewhere"}, "surface"),
        ({"account_class": "friend"}, "account_class"),
        ({"platform_id": None}, "platform_id"),
        ({"platform_id": 7}, "platform_id"),
        ({"platform_id": ""}, "platform_id"),
        ({"platform_id": "e\u0301"}, "platform_id"),
        ({"platform_id": "x" * 10_240}, "platform_id"),
        ({"platform_id": "a\x00b"}, "platform_id"),
        ({"uploader": ["a"]}, "uploader"),
        ({"uploader": "a\x1b[31m"}, "uploader"),
        ({"uploader": "u\u0308" * 3}, "uploader"),
        ({"reach": -1}, "reach"),
        ({"reach": 10**30}, "reach"),
        ({"reach": 1.5}, "reach"),
        ({"reach": "10"}, "reach"),
        ({"reach": True}, "reach"),
        ({"caption": {}}, "caption"),
        ({"caption": "x" * 20_001}, "caption"),
        ({"caption": "o\u0308"}, "caption"),
        ({"link": 5}, "link"),
        ({"language": "english"}, "language"),
        ({"language": "EN"}, "language"),
        ({"country": "Germany"}, "country"),
        ({"country": "de"}, "country"),
        ({"posted_at": "2026-11-23T12:00:00"}, "posted_at"),
        ({"posted_at": "yesterday"}, "posted_at"),
        ({"religion": "none of our business"}, "religion"),
        ({"ethnicity": ""}, "ethnicity"),
    ],
    ids=str,
)
def test_each_wrong_field_is_named(platform: Platform, change: dict[str, Any], field: str) -> None:
    body = problem(platform.upload(picture(1), **change), 422, "malformed")
    assert field in body["detail"] or field == body.get("reference"), body


@pytest.mark.parametrize("field", ["kind", "platform_id", "uploader", "surface"])
def test_each_missing_field_is_named(platform: Platform, field: str) -> None:
    said = {name: value for name, value in GOOD.items() if name != field}
    answer = platform.client.post("/v1/content", content=picture(1), headers=header(said))
    problem(answer, 422, "malformed", field, "required", reference="metadata")


@pytest.mark.parametrize("said", [None, [], "text", 7, {}])
def test_metadata_that_is_no_object_is_refused(platform: Platform, said: Any) -> None:
    answer = platform.client.post("/v1/content", content=picture(1), headers=header(said))
    problem(answer, 422, "malformed", reference="metadata")


def test_no_metadata_at_all(platform: Platform) -> None:
    problem(platform.client.post("/v1/content", content=picture(1)), 422, "malformed", reference="metadata")
    problem(platform.client.post("/v1/content", **multipart(FILE)), 422, "malformed", reference="metadata")


@pytest.mark.parametrize(
    "text", ["***", "abc", "e30=e30=", "====", base64.b64encode(b"{not json").decode(), "\u00ff\u00fe"]
)
def test_broken_base64_or_json_in_the_header(platform: Platform, text: str) -> None:
    answer = platform.client.post(
        "/v1/content", content=picture(1), headers={b"tidegate-metadata": text.encode("latin-1")}
    )
    problem(answer, 422, "malformed", reference="metadata")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"kind": "picture", "platform_id": "\xff\xfe"}',
        json.dumps({**GOOD, "caption": "\ud800"}).encode(),
        b"[" * 50_000,
        b'{"reach": ' + b"9" * 20_000 + b"}",
        b"\x00",
    ],
    ids=["bad utf-8", "half a character", "deep", "long number", "zero"],
)
def test_hostile_json_is_malformed_and_nothing_more(platform: Platform, raw: bytes) -> None:
    answer = platform.client.post("/v1/content", **multipart(('name="metadata"', raw), FILE))
    problem(answer, 422, "malformed")


def test_rule_13_private_is_refused_by_name(platform: Platform) -> None:
    answer = platform.upload(picture(1), surface="private")
    problem(answer, 403, "rule", "never checked", reference="rule 13")


# --- multipart ---


@pytest.mark.parametrize(
    "body",
    [
        multipart(METADATA, FILE, end=False),
        multipart(METADATA, FILE, FILE),
        multipart(METADATA, METADATA, FILE),
        multipart(METADATA, FILE, ('name="extra"', b"1")),
        multipart(METADATA, ('name="picture"; filename="a"', b"1")),
        multipart(METADATA, ('filename="a"', b"1")),
        multipart(('name="metadata"', b" " * 70_000), FILE),
        multipart(*([METADATA] * 20)),
        {"content": b"no parts", "headers": {"content-type": "multipart/form-data; boundary=edge"}},
        {"content": b"", "headers": {"content-type": "multipart/form-data; boundary=edge"}},
        {"content": b"--\r\n", "headers": {"content-type": "multipart/form-data"}},
        {"content": b"--x", "headers": {"content-type": "multipart/form-data; boundary=" + "x" * 3000}},
        {"content": b"--x", "headers": {"content-type": 'multipart/form-data; boundary="'}},
        {
            "content": b"--edge\r\n" + b"A: b\r\n" * 5000,
            "headers": {"content-type": "multipart/form-data; boundary=edge"},
        },
    ],
    ids=[
        "no end",
        "two files",
        "two metadata",
        "unknown part",
        "other name",
        "no name",
        "long metadata",
        "many parts",
        "no parts",
        "empty",
        "no boundary",
        "long boundary",
        "open quote",
        "many headers",
    ],
)
def test_broken_multipart_is_malformed(node: Running, platform: Platform, body: dict[str, Any]) -> None:
    before = taken(node)
    problem(platform.client.post("/v1/content", **body), 422, "malformed")
    assert taken(node) == before, "nothing was taken in"


def test_good_multipart_is_taken(platform: Platform) -> None:
    for body in (multipart(METADATA, FILE), multipart(FILE, METADATA)):
        answer = platform.client.post("/v1/content", **body)
        assert (answer.status_code, answer.json()["verdict"]) == (200, "clear")


# --- the same again ---


def test_the_same_id_with_other_bytes_is_a_new_revision_with_a_new_verdict(node: Running, platform: Platform) -> None:
    make_known(node, hashlib.sha256(picture(101)).digest())
    first = platform.verdict(picture(101))
    second = platform.verdict(picture(2))
    third = platform.verdict(b"no picture")
    fourth = platform.verdict(picture(101))
    assert len({answer["content"] for answer in (first, second, third, fourth)}) == 1
    assert [answer["revision"] for answer in (first, second, third, fourth)] == [1, 2, 3, 4]
    assert [answer["verdict"] for answer in (first, second, third)] == ["hold", "clear", "unchecked"]
    assert fourth["expires_at"] is None or fourth["expires_at"] <= first["expires_at"]


def test_a_clear_upload_sent_again_with_other_bytes_gets_a_new_verdict(node: Running, platform: Platform) -> None:
    first = platform.verdict(picture(1))
    assert first["verdict"] == "clear"
    make_known(node, hashlib.sha256(picture(102)).digest())
    second = platform.verdict(picture(102))
    assert (second["content"], second["verdict"]) == (first["content"], "hold")


def test_a_held_upload_sent_again_is_answered_the_same(node: Running, platform: Platform) -> None:
    make_known(node, hashlib.sha256(picture(103)).digest())
    first = platform.verdict(picture(103))
    events = ask(node, "SELECT count(*) AS n FROM event")
    node.clock.forward(hours=3)
    again = platform.verdict(picture(103))
    names = ("content", "revision", "verdict", "reason", "expires_at", "case", "instruction", "sequence")
    assert {name: again[name] for name in names} == {name: first[name] for name in names}
    assert ask(node, "SELECT count(*) AS n FROM event") == events
