"""The only SQL that names the tables of sign-in: links, sessions, passkeys, challenges, attempts.

May decide: nothing. These are plain tables, not views: what they hold (hashes, public keys, counters) is in
no event, and a rebuild leaves them alone.
"""

from datetime import datetime

from tidegate.db.transaction import Row, Transaction
from tidegate.kernel.ids import StaffId
from tidegate.people.model import (
    SESSION_IDLE,
    SESSION_LIFE,
    Passkey,
    PasskeyId,
    Role,
    SessionId,
    SignInMethod,
)

# --- links ---


async def add_link(
    tx: Transaction, hash_: bytes, staff: StaffId, made_by: StaffId | None, expires_at: datetime
) -> None:
    """Keep the hash of a one-time link."""
    await tx.execute(
        """
        INSERT INTO sign_in_link (hash, staff, made_by, expires_at)
        VALUES (%(hash)s, %(staff)s, %(made_by)s, %(expires_at)s)
        """,
        hash=hash_,
        staff=staff,
        made_by=made_by,
        expires_at=expires_at,
    )


async def owner_of_link(tx: Transaction, hash_: bytes) -> StaffId | None:
    """Say whose link this is, whether or not it still works."""
    row = await tx.row("SELECT staff FROM sign_in_link WHERE hash = %(hash)s", hash=hash_)
    return None if row is None else StaffId(row["staff"])


async def use_link(tx: Transaction, hash_: bytes) -> bool:
    """Use up a link; say whether it still worked. Of two at once, one gets it."""
    used = await tx.execute(
        """
        UPDATE sign_in_link SET used_at = %(now)s
        WHERE hash = %(hash)s AND used_at IS NULL AND NOT void AND expires_at > %(now)s
        """,
        hash=hash_,
        now=tx.now,
    )
    return used == 1


async def void_links(tx: Transaction, staff: StaffId) -> None:
    """Make unused links worthless."""
    await tx.execute("UPDATE sign_in_link SET void = true WHERE staff = %(staff)s AND used_at IS NULL", staff=staff)


async def links_used(tx: Transaction, since: datetime) -> list[tuple[StaffId, StaffId]]:
    """List who signed in with a link since then, and who of the staff had made it."""
    rows = await tx.rows(
        "SELECT staff, made_by FROM sign_in_link WHERE used_at >= %(since)s AND made_by IS NOT NULL",
        since=since,
    )
    return [(StaffId(row["staff"]), StaffId(row["made_by"])) for row in rows]


# --- sessions ---


async def add_session(tx: Transaction, session: SessionId, hash_: bytes, staff: StaffId, method: SignInMethod) -> None:
    """Keep the hash of a session's token."""
    await tx.execute(
        """
        INSERT INTO sign_in_session (id, hash, staff, method, started_at, seen_at)
        VALUES (%(id)s, %(hash)s, %(staff)s, %(method)s, %(now)s, %(now)s)
        """,
        id=session,
        hash=hash_,
        staff=staff,
        method=method,
        now=tx.now,
    )


async def live_session(tx: Transaction, hash_: bytes) -> Row | None:
    """Find a session that was neither idle nor lasted too long, with its owner's roles as they are now."""
    return await tx.row(
        """
        SELECT sign_in_session.id, sign_in_session.staff, method, started_at, seen_at,
            ARRAY(SELECT role FROM staff_role WHERE staff_role.staff = staff.id) AS roles
        FROM sign_in_session JOIN staff ON staff.id = sign_in_session.staff
        WHERE hash = %(hash)s AND standing = 'active'
          AND seen_at > %(now)s - %(idle)s AND started_at > %(now)s - %(life)s
        """,
        hash=hash_,
        now=tx.now,
        idle=SESSION_IDLE,
        life=SESSION_LIFE,
    )


async def touch_session(tx: Transaction, session: SessionId) -> None:
    """Remember that a session was just used."""
    await tx.execute("UPDATE sign_in_session SET seen_at = %(now)s WHERE id = %(id)s", id=session, now=tx.now)


async def sessions_of(tx: Transaction, staff: StaffId) -> list[tuple[SessionId, SignInMethod, datetime, datetime]]:
    """List someone's live sessions, newest first: id, method, started, last seen."""
    rows = await tx.rows(
        """
        SELECT id, method, started_at, seen_at FROM sign_in_session
        WHERE staff = %(staff)s AND seen_at > %(now)s - %(idle)s AND started_at > %(now)s - %(life)s
        ORDER BY started_at DESC, id DESC
        """,
        staff=staff,
        now=tx.now,
        idle=SESSION_IDLE,
        life=SESSION_LIFE,
    )
    return [(SessionId(row["id"]), SignInMethod(row["method"]), row["started_at"], row["seen_at"]) for row in rows]


async def owner_of_session(tx: Transaction, session: SessionId) -> StaffId | None:
    """Say whose session this is, while it lives."""
    row = await tx.row(
        """
        SELECT staff FROM sign_in_session
        WHERE id = %(id)s AND seen_at > %(now)s - %(idle)s AND started_at > %(now)s - %(life)s
        """,
        id=session,
        now=tx.now,
        idle=SESSION_IDLE,
        life=SESSION_LIFE,
    )
    return None if row is None else StaffId(row["staff"])


async def ways_in(tx: Transaction) -> dict[StaffId, tuple[int, int]]:
    """Say of everyone who has any how many live sessions and how many passkeys they have."""
    rows = await tx.rows(
        """
        SELECT staff, sum(sessions)::int AS sessions, sum(passkeys)::int AS passkeys FROM (
            SELECT staff, 1 AS sessions, 0 AS passkeys FROM sign_in_session
            WHERE seen_at > %(now)s - %(idle)s AND started_at > %(now)s - %(life)s
            UNION ALL SELECT staff, 0, 1 FROM passkey
        ) AS ways GROUP BY staff
        """,
        now=tx.now,
        idle=SESSION_IDLE,
        life=SESSION_LIFE,
    )
    return {StaffId(row["staff"]): (row["sessions"], row["passkeys"]) for row in rows}


async def end_session(tx: Transaction, staff: StaffId, session: SessionId) -> bool:
    """End one of someone's sessions; say whether it was theirs."""
    ended = await tx.execute(
        "DELETE FROM sign_in_session WHERE id = %(id)s AND staff = %(staff)s", id=session, staff=staff
    )
    return ended == 1


async def end_with_token(tx: Transaction, hash_: bytes) -> None:
    """End the session this token opens, if there is one."""
    await tx.execute("DELETE FROM sign_in_session WHERE hash = %(hash)s", hash=hash_)


async def end_all_sessions(tx: Transaction, staff: StaffId) -> None:
    """End every session of someone."""
    await tx.execute("DELETE FROM sign_in_session WHERE staff = %(staff)s", staff=staff)


# --- passkeys and their challenges ---


async def add_challenge(tx: Transaction, hash_: bytes, staff: StaffId | None, expires_at: datetime) -> None:
    """Keep the hash of a challenge: to register (for someone) or to sign in (for nobody yet)."""
    await tx.execute(
        """
        INSERT INTO passkey_challenge (hash, staff, expires_at)
        VALUES (%(hash)s, %(staff)s, %(expires_at)s)
        """,
        hash=hash_,
        staff=staff,
        expires_at=expires_at,
    )


async def use_challenge(tx: Transaction, hash_: bytes, staff: StaffId | None) -> bool:
    """Use up a challenge made for this purpose; say whether there was one."""
    used = await tx.execute(
        """
        DELETE FROM passkey_challenge
        WHERE hash = %(hash)s AND staff IS NOT DISTINCT FROM %(staff)s AND expires_at > %(now)s
        """,
        hash=hash_,
        staff=staff,
        now=tx.now,
    )
    return used == 1


async def add_passkey(tx: Transaction, passkey: Passkey) -> bool:
    """Keep a passkey; say whether its credential was new."""
    added = await tx.execute(
        """
        INSERT INTO passkey (id, staff, credential_id, public_key, sign_count)
        VALUES (%(id)s, %(staff)s, %(credential_id)s, %(public_key)s, %(sign_count)s)
        ON CONFLICT (credential_id) DO NOTHING
        """,
        id=passkey.id,
        staff=passkey.staff,
        credential_id=passkey.credential_id,
        public_key=passkey.public_key,
        sign_count=passkey.sign_count,
    )
    return added == 1


async def owner_of_credential(tx: Transaction, credential_id: bytes) -> StaffId | None:
    """Say whose passkey this is."""
    row = await tx.row("SELECT staff FROM passkey WHERE credential_id = %(id)s", id=credential_id)
    return None if row is None else StaffId(row["staff"])


async def lock_passkey(tx: Transaction, credential_id: bytes) -> Passkey | None:
    """Find a passkey by its credential and lock it: its counter is checked and moved by one at a time."""
    row = await tx.row("SELECT * FROM passkey WHERE credential_id = %(id)s FOR UPDATE", id=credential_id)
    return None if row is None else _passkey(row)


async def passkeys_of(tx: Transaction, staff: StaffId) -> list[Passkey]:
    """List someone's passkeys, oldest first."""
    return [
        _passkey(row) for row in await tx.rows("SELECT * FROM passkey WHERE staff = %(staff)s ORDER BY id", staff=staff)
    ]


async def note_passkey_use(tx: Transaction, passkey: PasskeyId, sign_count: int) -> None:
    """Move a passkey's counter and its last day."""
    await tx.execute(
        "UPDATE passkey SET sign_count = %(count)s, last_used = %(day)s WHERE id = %(id)s",
        id=passkey,
        count=sign_count,
        day=tx.now.date(),
    )


async def remove_passkey(tx: Transaction, staff: StaffId, passkey: PasskeyId) -> bool:
    """Remove one of someone's passkeys; say whether it was theirs."""
    removed = await tx.execute("DELETE FROM passkey WHERE id = %(id)s AND staff = %(staff)s", id=passkey, staff=staff)
    return removed == 1


def _passkey(row: Row) -> Passkey:
    return Passkey(
        id=PasskeyId(row["id"]),
        staff=StaffId(row["staff"]),
        credential_id=bytes(row["credential_id"]),
        public_key=bytes(row["public_key"]),
        sign_count=row["sign_count"],
        last_used=row["last_used"],
    )


def roles_in(row: Row) -> frozenset[Role]:
    """Read the roles of a session's owner."""
    return frozenset(Role(role) for role in row["roles"])


# --- attempts ---


async def count_attempt(tx: Transaction, bucket: bytes, started: datetime) -> int:
    """Count one attempt; give how many there were in this window."""
    row = await tx.row(
        """
        INSERT INTO sign_in_attempt (bucket, started, count) VALUES (%(bucket)s, %(started)s, 1)
        ON CONFLICT (bucket, started) DO UPDATE SET count = sign_in_attempt.count + 1
        RETURNING count
        """,
        bucket=bucket,
        started=started,
    )
    assert row is not None
    return int(row["count"])


async def forget_before(tx: Transaction, links: datetime, attempts: datetime) -> None:
    """Remove what no longer serves: old links and attempts, expired challenges, sessions that have ended."""
    await tx.execute("DELETE FROM sign_in_link WHERE expires_at < %(links)s", links=links)
    await tx.execute("DELETE FROM sign_in_attempt WHERE started < %(attempts)s", attempts=attempts)
    await tx.execute("DELETE FROM passkey_challenge WHERE expires_at <= %(now)s", now=tx.now)
    await tx.execute(
        "DELETE FROM sign_in_session WHERE seen_at <= %(now)s - %(idle)s OR started_at <= %(now)s - %(life)s",
        now=tx.now,
        idle=SESSION_IDLE,
        life=SESSION_LIFE,
    )
