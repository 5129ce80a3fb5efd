"""Floor rule 13: private messages are refused in code; closed groups are never held by a machine."""

from floor.story import make_known, picture, refused, reviewers
from running import Running


def test_rule_13_private_is_refused_whatever_it_holds(node: Running) -> None:
    platform = node.platform()
    make_known(node, platform, picture(1), reviewers(node))
    refused(platform.upload(picture(1), platform_id="p", surface="private"), "rule 13")
    refused(platform.upload(picture(2), platform_id="q", surface="private"), "rule 13")
    assert platform.client.get("/v1/instructions").json()["instructions"][-1]["action"] == "remove"


def test_rule_13_a_closed_group_is_looked_at_and_never_held(node: Running) -> None:
    platform = node.platform()
    make_known(node, platform, picture(1), reviewers(node))
    found = platform.verdict(picture(1), platform_id="p", uploader="other", surface="closed_group")
    assert (found["verdict"], found["reason"], found["expires_at"]) == ("review", "closed_group", None)
