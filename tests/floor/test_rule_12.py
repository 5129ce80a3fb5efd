"""Floor rule 12: hash lists are sensitive; matching without a record is off, limited and counted in public."""

import hashlib
import json

import pytest

from floor.story import make_known, picture, reviewers
from running import Nodes, Platform, Running
from tidegate.kernel.errors import RuleBroken
from tidegate.people.model import DEFAULT_SCOPES, Scope


def test_rule_12_matching_without_a_record_is_off(node: Running) -> None:
    platform = node.platform()
    assert platform.client.post("/v1/match", content=picture(1)).status_code == 403
    with pytest.raises(RuleBroken) as refusal:
        node.platform(scopes=frozenset({Scope.MATCH}), service=platform.service)
    assert refusal.value.reference == "rule 12"
    assert Scope.MATCH not in DEFAULT_SCOPES


def test_rule_12_switched_off_again_its_keys_open_nothing(nodes: Nodes) -> None:
    node = nodes.start(match_without_record=True)
    platform = node.platform(scopes=frozenset({Scope.MATCH}))
    assert platform.client.post("/v1/match", content=picture(1)).status_code == 200
    node.node.settings = node.node.settings.model_copy(update={"match_without_record": False})
    answer = platform.client.post("/v1/match", content=picture(1))
    assert (answer.status_code, answer.json()["reference"]) == (403, "rule 12")


def test_rule_12_it_is_limited_and_counted_in_public(nodes: Nodes) -> None:
    node = nodes.start(match_without_record=True, match_per_minute=3)
    platform = node.platform(scopes=frozenset({Scope.MATCH}))
    answers = [platform.client.post("/v1/match", content=picture(1)).status_code for _ in range(5)]
    assert answers == [200, 200, 200, 429, 429]
    node.clock.forward(days=1)
    node.work()
    counts = json.loads((node.node.settings.ledger_directory / "counts.json").read_text())
    assert [row["count"] for row in counts["rows"] if row["tallied"] == "match_without_record"] == [3]


def test_rule_12_no_hash_leaves_by_the_api_the_ledger_or_a_log_line(
    node: Running, capfd: pytest.CaptureFixture[str]
) -> None:
    platform: Platform = node.platform(scopes=DEFAULT_SCOPES | {Scope.SIGNAL_READ})
    content = make_known(node, platform, picture(1), reviewers(node))
    platform.verdict(picture(1), platform_id="again", uploader="other")
    node.work()
    values = node.do(lambda tx: tx.rows("SELECT value FROM signal"))
    hidden = {bytes(row["value"]).hex() for row in values} | {hashlib.sha256(picture(1)).hexdigest()}
    assert len(hidden) == 2
    told = platform.client.get("/v1/signals").text + platform.client.get(f"/v1/content/{content}").text
    ledger = b"".join(path.read_bytes() for path in node.node.settings.ledger_directory.rglob("*") if path.is_file())
    lines = capfd.readouterr()
    for value in hidden:
        assert value not in told
        assert value.encode() not in ledger
        assert bytes.fromhex(value) not in ledger
        assert value not in lines.out + lines.err
