"""The machine's clock is set back an hour: nothing is stretched, nothing ends early, nothing stops."""

from datetime import datetime, timedelta

from acts import ask, held
from running import Running
from tidegate.ledger.verifier import verify
from tidegate.people.model import Role

DAY = timedelta(hours=24)


def test_a_hold_is_neither_stretched_nor_cut_short(node: Running) -> None:
    platform = node.platform()
    began = node.clock.now
    data, first = held(node, platform, 1)
    assert datetime.fromisoformat(first["expires_at"]) == began + DAY
    node.clock.forward(hours=10)
    node.work()
    node.clock.forward(hours=-1)
    node.work()
    again = platform.verdict(data)
    assert (again["verdict"], again["expires_at"]) == ("hold", first["expires_at"])
    other = platform.verdict(data, platform_id="post-2")
    assert datetime.fromisoformat(other["expires_at"]) <= began + DAY, "the same uploader, the same bytes"
    assert platform.client.get(f"/v1/content/{first['content']}").json()["restriction"] == "held"
    node.clock.now = began + DAY - timedelta(seconds=1)
    node.work()
    assert platform.client.get(f"/v1/content/{first['content']}").json()["restriction"] == "held"
    node.clock.forward(seconds=1)
    node.work()
    for name in (first["content"], other["content"]):
        assert platform.client.get(f"/v1/content/{name}").json()["restriction"] == "none"
    after = platform.verdict(data)
    assert (after["verdict"], after["reason"]) == ("review", "hold_used_up")


def test_a_clock_set_back_before_a_hold_began_gives_no_more_than_a_day(node: Running) -> None:
    platform = node.platform()
    data, first = held(node, platform, 1)
    node.clock.forward(hours=-1)
    other = platform.verdict(data, platform_id="post-2")
    assert other["verdict"] == "hold"
    assert datetime.fromisoformat(other["expires_at"]) <= node.clock.now + DAY
    assert other["expires_at"] <= first["expires_at"]


def test_the_sweep_goes_on_and_the_ledger_is_published(node: Running) -> None:
    platform = node.platform()
    held(node, platform, 1)
    node.work()
    size = verify(str(node.node.settings.ledger_directory)).size
    assert size
    node.clock.forward(hours=-1)
    held(node, platform, 2, platform_id="post-2", uploader="user-2")
    node.loop.run(node.node.publisher.publish())
    report = verify(str(node.node.settings.ledger_directory))
    assert report.verified
    assert report.size is not None
    assert report.size > size


def test_one_sweeper_keeps_sweeping(node: Running) -> None:
    """The same sweeper, as in a worker that runs on while the clock is mended."""
    from tidegate.background.sweeps import Sweeper

    platform, sweeper = node.platform(), Sweeper(node.node)
    node.loop.run(sweeper.once())
    node.clock.forward(hours=-1)
    _, verdict = held(node, platform, 1)
    node.loop.run(sweeper.once())
    assert ask(node, "SELECT count(*) AS n FROM ledger_pending") == [{"n": 0}]
    node.clock.forward(hours=24)
    node.loop.run(sweeper.once())
    assert platform.client.get(f"/v1/content/{verdict['content']}").json()["restriction"] == "none"


def test_sessions_and_keys_live_no_longer(node: Running) -> None:
    began = node.clock.now
    platform = node.platform()
    browser = node.person(Role.REVIEWER)
    token = browser.cookies[node.node.session_cookie]

    def signed_in() -> bool:
        from tidegate.kernel.errors import Unauthenticated
        from tidegate.people import sign_in

        try:
            node.do(lambda tx: sign_in.session(tx, token))
        except Unauthenticated:
            return False
        return True

    node.clock.forward(hours=-1)
    assert signed_in()
    assert platform.client.get("/v1/instructions").status_code == 200
    node.clock.now = began + timedelta(hours=12, minutes=1)
    assert not signed_in()
    node.clock.now = began + timedelta(days=365)
    answer = platform.client.get("/v1/instructions")
    assert (answer.status_code, answer.json()["kind"]) == (401, "unauthenticated")
