"""Carrying out instructions, from wherever they come: a webhook, the stream, or the answer to an upload.

May decide: nothing beyond ``standing.carry_out``. An instruction is carried out once, whichever way it came.
"""

from datetime import UTC, datetime

from standing import ON_ACCOUNTS, Instruction, Standing, State, carry_out
from store import Row, Store, standing_of

#: Posts with such an id do not exist: ``tidegate platform check`` uses them, so as to harm no real post.
IMAGINARY = "tidegate-check-"
_KEEP_IMAGINARY_SECONDS = 3600

_DONE = {
    "hold": "held",
    "release": "released",
    "remove": "removed",
    "restore": "restored",
    "suspend_account": "account_suspended",
    "terminate_account": "account_terminated",
    "reinstate_account": "account_reinstated",
}
_TOLD = {
    "hold": "Your post is hidden for now, while people look at it.",
    "release": "Your post is visible again.",
    "remove": "Your post was removed.",
    "restore": "Your post is visible again.",
    "suspend_account": "Your account is suspended and your post was removed.",
    "terminate_account": "Your account is closed and your post was removed.",
    "reinstate_account": "Your account is open again and your post is visible.",
}


def receive(store: Store, instruction: Instruction, now: float) -> bool:
    """Carry out an instruction and say whether it was applied; a second time changes nothing."""
    if (instruction.platform_id or "").startswith(IMAGINARY):
        return _imagine(store, instruction, now)
    store.lapse(now)
    with store.transaction():
        post = _post_of(store, instruction)
        before = store.row("SELECT applied FROM instruction WHERE id = ?", instruction.id)
        if before is not None:
            applied = bool(before["applied"])
        else:
            applied = post is not None and _apply(store, post, instruction, now)
            store.remember(instruction, now, applied=applied)
        if post is not None and applied and instruction.notice_url:
            # Also the second time: the answer to an upload carries the hold, the webhook brings its notice.
            store.run(
                "INSERT OR IGNORE INTO inbox (account, post, at, text, url) VALUES (?, ?, ?, ?, ?)",
                post["account"],
                post["id"],
                now,
                _TOLD[instruction.action],
                instruction.notice_url,
            )
    return applied


def _apply(store: Store, post: Row, instruction: Instruction, now: float) -> bool:
    before = standing_of(post)
    standing, applied = carry_out(before, instruction, datetime.fromtimestamp(now, UTC))
    store.set_standing(post["id"], standing)
    if applied and (standing.state is not before.state or instruction.action in ON_ACCOUNTS):
        # What changed nothing anyone could see, such as a release after the hold had lapsed, did not happen here.
        store.happened(post["id"], _DONE[instruction.action], now, instruction.id)
    if applied and instruction.action in ON_ACCOUNTS:
        if instruction.action == "reinstate_account":
            store.run("DELETE FROM measure WHERE account = ? AND post = ?", post["account"], post["id"])
        else:
            store.run(
                "INSERT OR REPLACE INTO measure (account, post, action) VALUES (?, ?, ?)",
                post["account"],
                post["id"],
                instruction.action,
            )
    return applied


def _post_of(store: Store, instruction: Instruction) -> Row | None:
    if instruction.platform_id is not None:
        return store.post(instruction.platform_id)
    # The node has erased the names that belong to this content; we may still know which post it was.
    found = store.row("SELECT id FROM post WHERE content = ?", instruction.content)
    return store.post(found["id"]) if found else None


def _imagine(store: Store, instruction: Instruction, now: float) -> bool:
    """Do everything as for a post, except that there is none."""
    with store.transaction():
        store.run("DELETE FROM imaginary WHERE at < ?", now - _KEEP_IMAGINARY_SECONDS)
        store.run(
            "DELETE FROM instruction WHERE id LIKE ? AND at < ?",
            f"{IMAGINARY}%",
            now - _KEEP_IMAGINARY_SECONDS,
        )
        before = store.row("SELECT applied FROM instruction WHERE id = ?", instruction.id)
        if before is not None:
            return bool(before["applied"])
        row = store.row("SELECT * FROM imaginary WHERE id = ?", instruction.platform_id)
        standing = standing_of(row) if row else Standing(State.PUBLISHED)
        standing, applied = carry_out(standing, instruction, datetime.fromtimestamp(now, UTC))
        store.run(
            "INSERT OR REPLACE INTO imaginary VALUES (?, ?, ?, ?, ?)",
            instruction.platform_id,
            standing.state,
            None if standing.held_until is None else standing.held_until.timestamp(),
            standing.last_sequence,
            now,
        )
        store.remember(instruction, now, applied=applied)
        return applied
