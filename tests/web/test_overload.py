"""Far too many uploads at once: refused before their bytes are read, with a time to come back, and nothing is lost."""

import base64
import json
import socket
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx2

from acts import ask, picture
from running import Nodes, Platform


def _half_sent(platform: Platform, stack: ExitStack) -> socket.socket:
    """Begin an upload and stop in the middle."""
    address = urlsplit(str(platform.client.base_url))
    opened = stack.enter_context(socket.create_connection((address.hostname, address.port), timeout=10))
    metadata = {"kind": "picture", "platform_id": "slow", "uploader": "u", "surface": "public"}
    head = (
        "POST /v1/content HTTP/1.1\r\nhost: node\r\ncontent-length: 1000000\r\n"
        f"authorization: {platform.client.headers['authorization']}\r\n"
        f"tidegate-metadata: {base64.b64encode(json.dumps(metadata).encode()).decode()}\r\n\r\n"
    )
    opened.sendall(head.encode() + b"x" * 1000)
    return opened


def test_one_too_many_is_told_when_to_come_back_and_the_node_recovers_by_itself(nodes: Nodes) -> None:
    node = nodes.start(jail_children=1, uploads_per_child=1)
    platform = node.platform()
    with ExitStack() as stack:
        # Eight may be arriving for each that may be checked.
        for _ in range(8):
            _half_sent(platform, stack)
        refused = platform.upload(picture(1), platform_id="refused")
        for _ in range(200):
            if refused.status_code == 503:
                break
            refused = platform.upload(picture(1), platform_id="early")
        assert refused.status_code == 503, refused.text
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["kind"] == "unavailable"
        # Only uploads are refused.
        assert platform.client.get("/v1/instructions").status_code == 200
        assert platform.client.get("/health/ready").status_code == 200
    answer = platform.upload(picture(1), platform_id="afterwards")
    for _ in range(200):
        if answer.status_code == 200:
            break
        answer = platform.upload(picture(1), platform_id="afterwards")
    assert answer.json()["verdict"] == "clear"
    assert not ask(node, "SELECT 1 FROM verdict WHERE verdict = 'unchecked'")


def test_saying_so_costs_neither_a_body_nor_a_look_at_the_key(nodes: Nodes) -> None:
    node = nodes.start(jail_children=1, uploads_per_child=1)
    platform = node.platform()
    stranger = node.client(node.addresses.platform, headers={"authorization": "Bearer nonsense"})
    with ExitStack() as stack:
        for _ in range(8):
            _half_sent(platform, stack)
        _until(503, stranger)
    _until(401, stranger)


def _until(status: int, stranger: httpx2.Client) -> None:
    said = 0
    for _ in range(200):
        said = stranger.post("/v1/content", content=b"x").status_code
        if said == status:
            break
    assert said == status


def test_large_uploads_at_once_are_told_to_come_back_before_memory_ends(nodes: Nodes) -> None:
    node = nodes.start(uploads_bytes=20_000)
    platform = node.platform()
    with ExitStack() as stack:
        _half_sent(platform, stack).sendall(bytes(19_000))
        large = picture(1, side=400)
        assert len(large) < 20_000
        refused = platform.upload(large, platform_id="large")
        for _ in range(200):
            if refused.status_code == 503:
                break
            refused = platform.upload(large, platform_id="large")
        assert refused.status_code == 503, refused.text
    answer = platform.upload(large, platform_id="large")
    for _ in range(200):
        if answer.status_code == 200:
            break
        answer = platform.upload(large, platform_id="large")
    assert answer.json()["verdict"] == "clear"
