"""Floor rule 7: nothing is destroyed while it can still be contested; then it is."""

import secrets

from floor.story import appeal_on, complain, counted, judge, make_known, notice_link, picture, reviewers
from running import Browser, Platform, Running
from tidegate.content import store as contents
from tidegate.db.pool import open_pool
from tidegate.db.rebuild import rebuild
from tidegate.db.transaction import Database, Transaction
from tidegate.flow import STORY, VIEWS
from tidegate.kernel.ids import ContentId
from tidegate.people.model import Role


def sealed(node: Running, content: str) -> bytes | None:
    """Open the sealed bytes of a content, if they are there."""

    async def read(tx: Transaction) -> bytes | None:
        loaded = await contents.load(tx, ContentId.parse(content))
        assert loaded is not None
        return await contents.bytes_of(tx, loaded)

    return node.do(read)


def removed(node: Running, platform: Platform, two: list[Browser]) -> str:
    content = make_known(node, platform, picture(1), two)
    put = platform.client.put(f"/v1/content/{content}/bytes", content=picture(1))
    assert put.status_code == 204
    return content


def test_rule_7_neither_platform_nor_user_destroys_what_can_be_contested(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    content = removed(node, platform, two)
    assert platform.client.delete(f"/v1/content/{content}").status_code == 204
    node.clock.forward(days=213)
    node.work()
    assert sealed(node, content) == picture(1)


def test_rule_7_an_open_complaint_keeps_it(node: Running, platform: Platform, two: list[Browser]) -> None:
    content = removed(node, platform, two)
    node.clock.forward(days=183)
    counted(complain(node, notice_link(platform, content)))
    node.clock.forward(days=400)
    node.work()
    assert sealed(node, content) == picture(1)
    for person in reviewers(node, role=Role.APPEAL_REVIEWER):
        counted(judge(person, appeal_on(node, content), "upheld"))
    node.clock.forward(minutes=11)
    node.work()
    assert sealed(node, content) is None


def test_rule_7_after_its_time_it_is_erased_and_the_record_still_folds(
    node: Running, platform: Platform, two: list[Browser]
) -> None:
    content = removed(node, platform, two)
    node.clock.forward(days=215)
    node.work()
    assert sealed(node, content) is None
    kept = node.do(lambda tx: tx.rows("SELECT kind FROM event WHERE kind = 'decision.issued'"))
    assert len(kept) == 1
    owner = node.node.settings.database_owner_url
    assert owner is not None

    async def fold() -> dict[str, int]:
        async with open_pool(owner.get_secret_value(), size=2) as pool:
            keys = node.node.database.keys
            return await rebuild(Database(pool, node.clock, secrets.token_bytes, keys, STORY), VIEWS)

    assert not any(node.loop.run(fold()).values())
