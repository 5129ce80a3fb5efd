"""Signing in by one-time link, sessions, and what guards them.

May decide: whether someone is let in. Tokens are 256 random bits of which only a hash is stored. An
administrator makes links for people who hold no passkey yet; for one who does, two administrators reset the
passkeys first (``ProposalKind.PASSKEY_RESET``), else a link would be a way to act as someone else.

A refused sign-in undoes its transaction, so ``count_attempt`` belongs in one of its own, committed before.
"""

import hmac
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta

from tidegate.db.transaction import Transaction
from tidegate.kernel.errors import Forbidden, Malformed, NotFound, RateLimited, Unauthenticated, WrongState
from tidegate.kernel.ids import StaffId
from tidegate.kernel.keys import token_hash
from tidegate.people import sign_in_store
from tidegate.people.model import (
    EVERYONE,
    LET_IN_WINDOW,
    LINK_LIFE,
    LINK_LIFE_MOST,
    ROLE_PERMISSIONS,
    LinkMade,
    Permission,
    Session,
    SessionId,
    SessionStart,
    SignedIn,
    SignInMethod,
    StaffStanding,
)
from tidegate.people.rules import TWO_PEOPLE
from tidegate.people.steps import acting_or_machine, staff_of

#: A session's last use is written at most this often.
_TOUCH_EVERY = timedelta(minutes=1)

ATTEMPT_WINDOW = timedelta(minutes=15)
ATTEMPTS_BY_SOURCE = 60
ATTEMPTS_ON_ACCOUNT = 20
_ATTEMPTS_KEPT = timedelta(days=1)

_TOKEN_LENGTH = 43


def new_token(tx: Transaction) -> str:
    """Make a secret of 256 random bits that fits a URL or a cookie."""
    return urlsafe_b64encode(tx.randomness(32)).rstrip(b"=").decode()


def _hash(token: str) -> bytes | None:
    """Give what a token is known by; None when it was never one of ours."""
    if len(token) != _TOKEN_LENGTH or not token.isascii():
        return None
    return token_hash(token.encode())


# --- links ---


async def make_link(tx: Transaction, staff: StaffId, *, life: timedelta = LINK_LIFE) -> str:
    """Make a one-time sign-in token for someone; the web layer builds the link around it.

    Raises:
        Forbidden: by no administrator, nor at the machine itself.
        Malformed: a life longer than a day.
        NotFound: there is no such person.
        WrongState: for oneself, someone suspended, or someone who holds a passkey.
    """
    by = await acting_or_machine(tx, Permission.MANAGE_PEOPLE)
    if not timedelta(0) < life <= LINK_LIFE_MOST:
        raise Malformed("A sign-in link lives at most a day.", reference="life")
    target = await staff_of(tx, staff, lock=True)
    if target.standing is not StaffStanding.ACTIVE:
        raise WrongState("This person is suspended: restore them first.")
    if by == staff:
        raise WrongState("You are signed in: register a passkey, or ask another administrator for a link.")
    if by is not None and await sign_in_store.passkeys_of(tx, staff):
        raise WrongState(
            "This person signs in with a passkey. If it is lost, propose to reset it: that takes two people.",
            reference=TWO_PEOPLE,
        )
    token = new_token(tx)
    await sign_in_store.add_link(tx, token_hash(token.encode()), staff, by, tx.now + life)
    await tx.append(LinkMade(staff=staff, by=by))
    return token


async def sign_in_with_link(tx: Transaction, token: str) -> SessionStart:
    """Use a one-time link up and open a session.

    Raises:
        Unauthenticated: unknown, used or expired (one message for all), or its owner is suspended.
    """
    refusal = Unauthenticated("This sign-in link was used, has expired or never was: ask for a new one.")
    hash_ = _hash(token)
    staff = None if hash_ is None else await sign_in_store.owner_of_link(tx, hash_)
    if hash_ is None or staff is None:
        raise refusal
    # Locked before the link, as a suspension does: that either waits and ends the session, or is seen here.
    await lock_active(tx, staff)
    if not await sign_in_store.use_link(tx, hash_):
        raise refusal
    return await start_session(tx, staff, SignInMethod.LINK)


# --- sessions ---


async def lock_active(tx: Transaction, staff: StaffId) -> None:
    """Keep someone from being suspended until the commit.

    Raises:
        Unauthenticated: they are suspended already.
    """
    if (await staff_of(tx, staff, lock=True)).standing is not StaffStanding.ACTIVE:
        raise Unauthenticated("This account is suspended: ask an administrator.")


async def start_session(tx: Transaction, staff: StaffId, method: SignInMethod) -> SessionStart:
    """Open a session for someone who has shown who they are and is locked as active."""
    session, token = tx.new(SessionId), new_token(tx)
    await sign_in_store.add_session(tx, session, token_hash(token.encode()), staff, method)
    await tx.append(SignedIn(staff=staff, session=session, method=method))
    return SessionStart(token=token, staff=staff, session=session)


async def session(tx: Transaction, token: str, *, touch: bool = True) -> Session:
    """Find who is signed in; at most half an hour idle, twelve hours in all.

    What a page asks by itself does not ``touch`` it: a page left open must not pass for a person who is there.

    It may write that the session was used: give it a transaction of its own, committed before the request's.

    Raises:
        Unauthenticated: there is no such session, or no longer.
    """
    hash_ = _hash(token)
    row = None if hash_ is None else await sign_in_store.live_session(tx, hash_)
    if row is None or hash_ is None:
        raise Unauthenticated("Your session has ended: sign in again.")
    identity = SessionId(row["id"])
    if touch and tx.now - row["seen_at"] >= _TOUCH_EVERY:
        await sign_in_store.touch_session(tx, identity)
    roles = sign_in_store.roles_in(row)
    return Session(
        id=identity,
        staff=StaffId(row["staff"]),
        roles=roles,
        permissions=EVERYONE.union(*(ROLE_PERMISSIONS[role] for role in roles)),
        method=SignInMethod(row["method"]),
        started_at=row["started_at"],
        seen_at=row["seen_at"],
        csrf_token=_csrf_token(tx, hash_),
    )


def require_permission(present: Session, permission: Permission) -> None:
    """Let only those through whose roles allow it.

    Raises:
        Forbidden: no role of theirs does.
    """
    if permission not in present.permissions:
        raise Forbidden(reference=permission)


async def sign_out(tx: Transaction, token: str) -> None:
    """End the session this token opens; nothing happens when there is none."""
    hash_ = _hash(token)
    if hash_ is not None:
        await sign_in_store.end_with_token(tx, hash_)


async def sessions_of(tx: Transaction, staff: StaffId) -> list[tuple[SessionId, SignInMethod, datetime, datetime]]:
    """List someone's live sessions, newest first: id, method, started, last seen."""
    return await sign_in_store.sessions_of(tx, staff)


async def end_session(tx: Transaction, present: Session, other: SessionId) -> None:
    """End one of one's own sessions.

    Raises:
        NotFound: it has ended, or is someone else's.
    """
    if not await sign_in_store.end_session(tx, present.staff, other):
        raise NotFound("You have no such session.")


async def end_own_sessions(tx: Transaction, present: Session) -> None:
    """End all of one's own sessions, this one too."""
    await sign_in_store.end_all_sessions(tx, present.staff)


# --- against forged requests ---


def _csrf_token(tx: Transaction, session_hash: bytes) -> str:
    """Derive a session's token with the node's key: bound to it, stored nowhere, useless elsewhere."""
    return urlsafe_b64encode(tx.keys.lookup("csrf", session_hash)).rstrip(b"=").decode()


def check_csrf(present: Session, token: str) -> None:
    """Refuse a form that did not come from our own page of this session.

    Raises:
        Forbidden: the token is missing or another session's.
    """
    if not hmac.compare_digest(present.csrf_token.encode(), token.encode()):
        raise Forbidden("This form is out of date: reload the page and send it again.", reference="csrf")


# --- attempts ---


async def count_attempt(tx: Transaction, *, source: str, account: StaffId | None = None) -> None:
    """Count an attempt to sign in, before it is looked at. Sources and accounts are kept as keyed digests.

    Raises:
        RateLimited: too many from this source or on this account within a quarter of an hour.
    """
    seconds = int(ATTEMPT_WINDOW.total_seconds())
    started = tx.now.timestamp() // seconds * seconds
    counted = [(tx.keys.lookup("sign-in-source", source), ATTEMPTS_BY_SOURCE)]
    if account is not None:
        counted.append((tx.keys.lookup("sign-in-account", account.value.bytes), ATTEMPTS_ON_ACCOUNT))
    for bucket, most in sorted(counted):
        if await sign_in_store.count_attempt(tx, bucket, datetime.fromtimestamp(started, tx.now.tzinfo)) > most:
            raise RateLimited(
                "Too many attempts to sign in: wait, then try again.",
                retry_after=max(1, int(started + seconds - tx.now.timestamp())),
            )


async def forget_old(tx: Transaction) -> None:
    """Remove what sign-in no longer needs; run it daily. Links stay while they count against two people."""
    await sign_in_store.forget_before(
        tx, links=tx.now - LET_IN_WINDOW - LINK_LIFE_MOST, attempts=tx.now - _ATTEMPTS_KEPT
    )
