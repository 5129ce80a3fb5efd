"""Floor rule 15: imported signals are unconfirmed until people confirm them; until then they hold nothing."""

import hashlib

from floor.story import actions, decide, picture, reviewers
from running import Running
from tidegate.people.model import Role


def test_rule_15_an_imported_hash_shows_and_never_holds(node: Running) -> None:
    platform, lead = node.platform(), node.person(Role.POLICY_LEAD)
    value = hashlib.sha256(picture(1)).hexdigest()
    text = f"signal_type,signal_str,collab,category,tags\nsha256,{value},list,,instructs\n"
    answer = lead.post("/signals/import", data={"csrf": lead.csrf(), "text": text})
    assert answer.status_code in {200, 303}, answer.text
    found = platform.verdict(picture(1), platform_id="p")
    assert (found["verdict"], found["reason"]) == ("review", "unconfirmed_signal")
    assert actions(platform, found["content"]) == []
    decide(node, found["content"], reviewers(node))
    assert platform.verdict(picture(1), platform_id="q", uploader="other")["verdict"] == "hold"
