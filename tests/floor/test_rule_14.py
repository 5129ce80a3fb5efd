"""Floor rule 14: terrorist content only, by a closed list in code."""

import pytest

from floor.story import case_of, flag, picture, refused, reviewers, vote
from running import Running
from tidegate.people.model import Role

VALUE = "ab" * 32


@pytest.mark.parametrize("label", ["copyright", "nudity", "protest", "blasphemy", "state_secret", ""])
def test_rule_14_no_other_label_is_imported(node: Running, label: str) -> None:
    lead = node.person(Role.POLICY_LEAD)
    text = f"signal_type,signal_str,collab,category,tags\nsha256,{VALUE},list,,{label}\n"
    answer = lead.post(
        "/signals/import", data={"csrf": lead.csrf(), "text": text}, headers={"accept": "application/json"}
    )
    refused(answer, "rule 14")
    assert node.do(lambda tx: tx.rows("SELECT 1 AS one FROM signal")) == []


@pytest.mark.parametrize("label", ["copyright", ""])
def test_rule_14_no_vote_removes_under_another_label(node: Running, label: str) -> None:
    platform, (person, _) = node.platform(), reviewers(node)
    content = str(platform.verdict(picture(1))["content"])
    flag(platform, content)
    assert vote(person, case_of(node, content), label=label).status_code in {403, 422}
    assert node.do(lambda tx: tx.rows("SELECT 1 AS one FROM vote")) == []


def test_rule_14_no_flag_carries_another_label(node: Running) -> None:
    platform = node.platform()
    content = platform.verdict(picture(1))["content"]
    answer = platform.client.post("/v1/flags", json={"content": content, "reporter": "reader", "label": "copyright"})
    assert answer.status_code == 422
