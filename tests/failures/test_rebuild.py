"""Every view is a fold of the events: after a long story with everything in it, a rebuild gives the same tables."""

from typing import Any

from acts import ask, by, decide, held, picture, vote
from running import Running
from tidegate.appeal import steps as appeals
from tidegate.appeal.model import Outcome
from tidegate.case import steps as cases
from tidegate.content import store as contents
from tidegate.db.pool import open_pool
from tidegate.db.rebuild import rebuild
from tidegate.db.transaction import Database
from tidegate.decision import steps as decisions
from tidegate.decision.model import Measure
from tidegate.enforcement import steps as enforcement
from tidegate.flow import STORY, VIEWS
from tidegate.kernel.event import EVENTS
from tidegate.kernel.ids import CaseId, ContentId, InstructionId, StaffId
from tidegate.notice import store as notices
from tidegate.people import steps as people
from tidegate.people.model import ProposalKind, Role
from tidegate.signal import steps as signals
from tidegate.signal.model import FingerprintKind, Label, Provenance


def differences(node: Running) -> dict[str, int]:
    """Fold all events again, as the owner of the database."""
    owner = node.node.settings.database_owner_url
    assert owner is not None

    async def fold() -> dict[str, int]:
        async with open_pool(owner.get_secret_value(), size=4) as pool:
            present = node.node.database
            return await rebuild(Database(pool, present.clock, present.randomness, present.keys, STORY), VIEWS)

    return {view: count for view, count in node.loop.run(fold()).items() if count}


def complain(node: Running, content: str, outcome: Outcome, *judges: StaffId) -> None:
    """Complain about the notice that stands on a content, and have other people judge it."""

    async def file(tx: Any) -> Any:
        (notice,) = await notices.standing_on(tx, ContentId.parse(content))
        return await appeals.file(tx, notice, "This was news.", evidence=(b"one picture", b"another"))

    appeal = node.do(file)
    for judge in judges:
        node.do(lambda tx, judge=judge: appeals.judge(tx, appeal, judge, outcome, "We read it again."), by(judge))  # type: ignore[misc]


async def let_go(tx: Any, case: CaseId, person: StaffId) -> None:
    await cases.let_go(tx, await cases.load_locked(tx, case), person)


def play(node: Running) -> None:  # noqa: PLR0915 - one story, read from top to bottom
    """Let everything happen that can happen."""
    platform = node.platform(webhook_url="http://127.0.0.1:9/hook")
    one, two, three = (node.hire(Role.REVIEWER) for _ in range(3))
    senior = node.hire(Role.SENIOR_REVIEWER)
    judges = [node.hire(Role.APPEAL_REVIEWER) for _ in range(2)]

    def upload(seed: int, **more: Any) -> dict[str, Any]:
        return platform.verdict(picture(seed), platform_id=f"post-{seed}", uploader=f"user-{seed}", **more)

    def flagged(seed: int, **more: Any) -> tuple[str, str]:
        content = upload(seed, **more)["content"]
        flag = platform.client.post("/v1/flags", json={"content": content, "reporter": "reader", "words": "Look."})
        assert flag.status_code == 201, flag.text
        wanted = platform.client.put(f"/v1/content/{content}/bytes", content=picture(seed))
        assert wanted.status_code == 204, wanted.text
        (case,) = ask(node, 'SELECT "case" FROM case_member WHERE content = %s', ContentId.parse(content).value)
        return content, str(CaseId(case["case"]))

    # Two people find something; it becomes known; the same bytes come back, are held, and lapse.
    removed, case = flagged(1)
    decide(node, case, Measure.REMOVE, one, two)
    back = platform.verdict(picture(1), platform_id="post-1b", uploader="user-1b")
    assert back["verdict"] == "hold"
    node.clock.forward(hours=25)
    node.work()
    # A decision undone, disagreement, a third vote; one that leaves it up; an account; words and reach that change.
    kept, case = flagged(2)
    claimed = CaseId.parse(case)
    node.do(lambda tx: decisions.claim(tx, claimed, two, senior=False), by(two))
    node.do(lambda tx: decisions.claim_next(tx, one, senior=False), by(one))
    node.do(lambda tx: let_go(tx, claimed, two), by(two))
    node.do(lambda tx: decisions.claim(tx, claimed, one, senior=False), by(one))
    decision = vote(node, case, one, Measure.KEEP)
    assert decision is not None
    node.do(lambda tx: decisions.undo(tx, decision, one), by(one))
    assert vote(node, case, two, Measure.REMOVE) is None
    assert vote(node, case, three, Measure.KEEP) is None
    assert vote(node, case, senior, Measure.KEEP, senior=True) is not None
    node.clock.forward(seconds=11)
    node.work()
    assert platform.client.patch(f"/v1/content/{kept}", json={"reach": 500, "caption": "New words"}).status_code == 200
    account, case = flagged(3, account_class="press", caption="Words")
    decide(node, case, Measure.SUSPEND_ACCOUNT, one, two)
    # Held, other bytes under the same id, deleted by its user; held, and let go by people.
    data, held_ = held(node, platform, 4, platform_id="post-4", uploader="user-4")
    assert platform.verdict(picture(40), platform_id="post-4", uploader="user-4")["revision"] == 2
    assert platform.client.delete(f"/v1/content/{held_['content']}").status_code == 204
    assert platform.verdict(data, platform_id="post-4", uploader="user-4")["revision"] == 3
    _, freed = held(node, platform, 5, platform_id="post-5", uploader="user-5")
    decide(node, freed["case"], Measure.KEEP, one)
    # What cannot be read; what was imported; look-alike holds on and off.
    assert platform.verdict(b"no picture", platform_id="post-6")["verdict"] == "unchecked"
    node.do(lambda tx: signals.add(tx, FingerprintKind.SHA256, b"i" * 32, (Label.THREATENS,), Provenance.IMPORT))
    leads = [node.hire(Role.POLICY_LEAD) for _ in range(2)]
    wish = node.do(lambda tx: people.propose(tx, ProposalKind.LOOK_ALIKE_HOLDS_ON), by(leads[0]))
    node.do(lambda tx: people.approve(tx, wish), by(leads[1]))
    # Complaints: upheld, allowed, and altogether wrong, which takes the signal back.
    complain(node, account, Outcome.UPHELD, *judges)
    complain(node, removed, Outcome.NOT_TERRORIST, *judges)
    _, contested = held(node, platform, 7, platform_id="post-7", uploader="user-7")
    complain(node, contested["content"], Outcome.USE_ALLOWED, judges[0])
    # A dead letter sent again and acknowledged; someone leaves; a key ends.
    _, last = held(node, platform, 8, platform_id="post-8", uploader="user-8")
    name = InstructionId.parse(last["instruction"])
    node.do(lambda tx: enforcement.mark_undelivered(tx, name))
    assert platform.client.post(f"/v1/instructions/{name}/resend").status_code == 202
    assert platform.client.post(f"/v1/instructions/{name}/acknowledgement", json={"applied": True}).status_code == 204
    node.do(lambda tx: people.suspend_staff(tx, three), by(node.administrators()[0]))
    node.work()


def test_a_rebuild_after_a_whole_story_is_equal(node: Running) -> None:
    play(node)
    happened = {row["kind"] for row in ask(node, "SELECT DISTINCT kind FROM event")}
    assert happened <= set(EVENTS)
    assert len(happened) > 35, sorted(set(EVENTS) - happened)
    assert differences(node) == {}
    # Forgetting destroys keys, never events: it still folds to the same.
    node.clock.forward(days=500)
    for _ in range(3):
        node.work()
    erased = ask(node, "SELECT count(*) AS n FROM content WHERE standing = 'erased'")
    assert erased[0]["n"]
    assert differences(node) == {}


def test_a_changed_view_is_found(node: Running) -> None:
    held(node, node.platform(), 1)
    assert differences(node) == {}
    ask_to_change = "UPDATE content SET reach = reach + 1 RETURNING 1"
    assert ask(node, ask_to_change)
    assert differences(node) == {"content": 2}, "one row that should not be there, and one that should"
    assert "content" in contents.VIEWS
