"""Ways a hash could get out or in (floor rules 12, 14 and 15): pages, answers, lines before they are redacted,
lists.
"""

import base64
import hashlib
import json
import logging
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog

from floor.story import (
    appeal_on,
    case_of,
    complain,
    counted,
    decide,
    in_force,
    instructions,
    judge,
    known_signals,
    leaves,
    life,
    look_alike,
    make_known,
    notice_link,
    picture,
    refused,
    reviewers,
)
from running import Running
from tidegate.content import store as contents
from tidegate.db.transaction import Transaction
from tidegate.kernel.ids import ContentId
from tidegate.people.model import DEFAULT_SCOPES, Role, Scope


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Every line of ours as the code wrote it, before anything is redacted."""
    written: list[str] = []

    def note(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        written.append(repr(dict(line)))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[structlog.processors.format_exc_info, note], cache_logger_on_first_use=False)
    yield written
    structlog.configure(**before)


def spellings(value: bytes) -> set[str]:
    """Give every way a value is usually written."""
    plain = {value.hex(), base64.b64encode(value).decode().rstrip("="), repr(value)[2:-1]}
    return plain | {value.hex().upper(), base64.urlsafe_b64encode(value).decode().rstrip("=")}


def values_of(node: Running, content: str) -> set[bytes]:
    """Give all fingerprints of a content."""

    async def read(tx: Transaction) -> set[bytes]:
        loaded = await contents.load(tx, ContentId.parse(content))
        assert loaded is not None
        assert loaded.fingerprints is not None
        return {loaded.fingerprints.sha256, *loaded.fingerprints.looks[0].pdq}

    return node.do(read)


def test_rule_12_no_hash_gets_out_in_a_whole_story(
    node: Running, lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    platform = node.platform(scopes=DEFAULT_SCOPES | {Scope.SIGNAL_READ})
    content = make_known(node, platform, picture(1), reviewers(node))
    held = str(platform.verdict(picture(1), platform_id="again", uploader="other")["content"])
    alike = platform.verdict(look_alike(1), platform_id="alike", uploader="third")
    said = [json.dumps(alike)]
    people = [node.person(role) for role in Role if role is not Role.ADMINISTRATOR]
    people.append(node.sign_in(node.administrators()[0]))
    decision = in_force(node, content)
    pages = [
        "/",
        "/queue",
        "/appeals",
        "/signals",
        "/instructions",
        "/people",
        "/keys",
        "/record",
        f"/decisions/{decision}",
    ]
    pages += [f"/cases/{case_of(node, each)}" for each in (content, held, alike["content"])]
    pages += [f"/record?id={content}", f"/record?id={known_signals(node)[0].id}"]
    opened = 0
    for person in people:
        for page in pages:
            answer = person.get(page, headers={"accept": "text/html"})
            opened += answer.status_code == 200
            said.append(answer.text)
    assert opened > 20
    decide(node, held, reviewers(node, 1))
    link = notice_link(platform, held)
    counted(complain(node, link))
    counted(judge(node.person(Role.APPEAL_REVIEWER), appeal_on(node, held), "not_terrorist"))
    leaves(node)
    public = node.public()
    paths = [link, f"{link}/receipt.json", "/", "/report", "/report/counts.json", "/report/counts.csv", "/ledger"]
    paths += ["/ledger/checkpoint", "/ledger/entries/0", "/ledger/entries/1"]
    said += [public.get(path, headers={"accept": "text/html"}).text for path in paths]
    said += [str(life(platform, each)) for each in (content, held, alike["content"])]
    said += [str(instructions(platform)), platform.client.get("/v1/signals").text]
    said += [public.get("/health/ready").text, node.client(node.addresses.platform).get("/metrics").text]
    assert len(lines) > 50
    told = "\n".join([*said, *lines, caplog.text])
    files = b"".join(path.read_bytes() for path in node.node.settings.ledger_directory.rglob("*") if path.is_file())
    hidden = set.union(*(values_of(node, each) for each in (content, held, alike["content"])))
    assert len(hidden) >= 10
    for value in hidden:
        assert value not in files
        for spelling in spellings(value):
            assert spelling not in told
            assert spelling.encode() not in files


def test_rule_12_no_secret_of_a_notice_gets_into_a_line(node: Running, lines: list[str]) -> None:
    platform = node.platform()
    content = make_known(node, platform, picture(1), reviewers(node))
    link = notice_link(platform, content)
    for path in (link, f"{link}/receipt.json", f"{link}x", f"{link}/nothing"):
        node.public().get(path)
    counted(complain(node, link))
    assert len(lines) > 5
    secret = link.rsplit("/", 1)[1]
    assert not [line for line in lines if secret[:20] in line]


def test_rule_12_a_platform_cannot_ask_which_hashes_are_known(node: Running) -> None:
    platform = node.platform(scopes=DEFAULT_SCOPES | {Scope.SIGNAL_READ})
    make_known(node, platform, picture(1), reviewers(node))
    digest = hashlib.sha256(picture(1)).hexdigest()
    for path in (f"/v1/signals/{digest}", f"/v1/match/{digest}", f"/v1/content?sha256={digest}"):
        assert platform.client.get(path).status_code in {404, 405}
    everything = platform.client.get("/v1/signals", params={"value": digest, "sha256": digest}).json()["signals"]
    assert {name for signal in everything for name in signal} <= {
        "signal", "kind", "labels", "owner", "standing", "disputed", "position",
    }  # fmt: skip


def test_rule_12_a_key_for_matching_does_nothing_else(node: Running) -> None:
    node.node.settings = node.node.settings.model_copy(update={"match_without_record": True})
    administrator = node.sign_in(node.administrators()[0])
    service = node.platform().service
    answer = administrator.post(
        f"/services/{service}/keys",
        data={"csrf": administrator.csrf(), "label": "both", "days": "10", "scopes": ["match", "content"]},
        headers={"accept": "application/json"},
    )
    refused(answer, "rule 12")


def test_rule_14_a_list_with_one_foreign_label_adds_nothing_of_it(node: Running) -> None:
    lead = node.person(Role.POLICY_LEAD)
    good = "\n".join(f"sha256,{number:064x},list,,instructs" for number in range(3))
    text = f"signal_type,signal_str,collab,category,tags\n{good}\nsha256,{'ab' * 32},list,,instructs copyright\n"
    data = {"csrf": lead.csrf(), "text": text}
    answer = lead.post("/signals/import", data=data, headers={"accept": "application/json"})
    refused(answer, "Line 5")
    assert "rule 14" in answer.text
    assert known_signals(node) == []


def test_rule_15_importing_the_same_list_twice_confirms_nothing(node: Running) -> None:
    lead, platform = node.person(Role.POLICY_LEAD), node.platform()
    value = hashlib.sha256(picture(1)).hexdigest()
    for _ in range(3):
        text = f"signal_type,signal_str,collab,category,tags\nsha256,{value},list,,instructs\n"
        counted(node.sign_in(lead.staff).submit("/signals/import", text=text))
    for number in range(3):
        answer = platform.verdict(picture(1), platform_id=f"post-{number}", uploader=f"user-{number}")
        assert (answer["verdict"], answer["reason"]) == ("review", "unconfirmed_signal")
    assert len(known_signals(node)) == 1


def test_rule_15_importing_what_was_withdrawn_does_not_bring_it_back(node: Running) -> None:
    platform, lead = node.platform(), node.person(Role.POLICY_LEAD)
    content = make_known(node, platform, picture(1), reviewers(node))
    counted(complain(node, notice_link(platform, content)))
    for person in reviewers(node, 2, Role.APPEAL_REVIEWER):
        counted(judge(person, appeal_on(node, content), "not_terrorist"))
    value = hashlib.sha256(picture(1)).hexdigest()
    text = f"signal_type,signal_str,collab,category,tags\nsha256,{value},list,,instructs\n"
    counted(lead.submit("/signals/import", text=text))
    answer = platform.verdict(picture(1), platform_id="second", uploader="someone-else")
    assert answer["verdict"] == "clear"
