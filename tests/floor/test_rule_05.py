"""Floor rule 5: no restriction without a statement of reasons, a notice and a way to complain."""

import httpx2
import pytest

from floor.story import (
    REMOVE,
    actions,
    case_of,
    complain,
    decide,
    flag,
    make_known,
    notice_link,
    picture,
    standing_notices,
    vote,
)
from running import Browser, Platform, Running
from tidegate.web.door import Door


def test_rule_5_each_restriction_has_one_standing_notice(node: Running, platform: Platform, two: list[Browser]) -> None:
    first = make_known(node, platform, picture(1), two)
    held = platform.verdict(picture(1), platform_id="p", uploader="other")["content"]
    assert len(standing_notices(node, first)) == 1
    assert [row["cause"] for row in standing_notices(node, held)] == ["hold"]
    decide(node, held, two[:1])
    assert [row["cause"] for row in standing_notices(node, held)] == ["decision"]


def test_rule_5_the_notice_says_why_and_takes_a_complaint(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    content = make_known(node, platform, picture(1), two)
    link = notice_link(platform, content)
    page = httpx2.get(link, trust_env=False).text
    assert content in page
    assert "Article 2(7)" in page
    assert complain(node, link).status_code == 303


@pytest.mark.parametrize("field", ["notify", "notice", "silent", "delay_notice_until"])
def test_rule_5_no_vote_can_leave_the_notice_out(
    node: Running, platform: Platform, two: list[Browser], field: str
) -> None:
    content = str(platform.verdict(picture(1))["content"])
    flag(platform, content)
    for person in two:
        vote(person, case_of(node, content), REMOVE, **{field: "false"})
    node.clock.forward(seconds=11)
    node.work()
    assert actions(platform, content) == ["remove"]
    assert len(standing_notices(node, content)) == 1


def test_rule_5_no_route_delays_a_notice() -> None:
    """Only a signed order may, and orders have no door here."""
    about = [row for row in Door.every if "notice" in row.path]
    assert {(row.method, row.path) for row in about} == {
        ("GET", "/notice/{token}"),
        ("GET", "/notice/{token}/complaint"),
        ("POST", "/notice/{token}/complaint"),
        ("GET", "/notice/{token}/receipt.json"),
    }


def test_rule_5_a_wrong_link_opens_nothing(node: Running) -> None:
    for token in ("x" * 43, "../../record", "%00", "A" * 4000):
        assert node.public().get(f"/notice/{token}").status_code in {404, 422}
