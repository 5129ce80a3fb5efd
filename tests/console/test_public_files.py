"""The report and the ledger's files as anyone reads them."""

import json
import socket
from urllib.parse import urlsplit

import pytest

from console.console_story import flagged, remove
from running import Running
from tidegate.ledger.verifier import verify
from tidegate.people.model import Role


@pytest.fixture
def published(node: Running) -> Running:
    platform = node.platform()
    people = [node.person(Role.REVIEWER), node.person(Role.REVIEWER)]
    remove(node, platform, people, flagged(platform))
    node.loop.run(node.node.publisher.publish())
    return node


def test_nothing_published_yet(node: Running) -> None:
    public = node.public()
    assert public.get("/ledger/checkpoint").status_code == 404


def test_files_are_the_export_and_verify(published: Running) -> None:
    public, folder = published.public(), published.node.settings.ledger_directory
    files = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    served = [name for name in files if not name.startswith(".") and not name.endswith((".tmp", "lock"))]
    assert {"checkpoint", "counts.json", "key"} <= set(served)
    assert any(name.startswith("tile/entries/") for name in served)
    for name in served:
        answer = public.get(f"/ledger/{name}")
        assert answer.status_code == 200, name
        assert answer.content == (folder / name).read_bytes()
        assert answer.headers["x-content-type-options"] == "nosniff"
        kept = "immutable" in answer.headers["cache-control"]
        assert kept is name.startswith("tile/")
    report = verify(f"{published.addresses.public}/ledger")
    assert json.loads(json.dumps(report.document()))["verified"] is True


@pytest.mark.parametrize(
    "path",
    [
        "../keys/ledger.key",
        "..%2fkeys%2fledger.key",
        "%2e%2e/keys/node.key",
        "tile/../../keys/node.key",
        "tile/entries/../../../keys/node.key",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "checkpoint%00",
        "checkpoint/",
        "tile/0/\u0660\u0660\u0660",
        ".lock",
        "lock",
        "",
    ],
)
def test_nothing_else_is_served(published: Running, path: str) -> None:
    """By a bare socket: a client would tidy the path up before it asks."""
    address = urlsplit(published.addresses.public)
    assert address.hostname
    assert address.port
    with socket.create_connection((address.hostname, address.port), 10) as connection:
        connection.sendall(f"GET /ledger/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    status = int(answer.split(b" ", 2)[1])
    assert status in {400, 404, 307}, answer
