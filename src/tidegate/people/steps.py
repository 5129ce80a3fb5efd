"""Staff, proposals, services, keys: lock, load, ask the rules, append. May decide: nothing; never commits."""

from collections.abc import Set as AbstractSet
from datetime import timedelta

from tidegate.db.sealing import write_detail
from tidegate.db.transaction import ActorKind, Transaction
from tidegate.kernel.errors import Forbidden, NotFound, Unauthenticated
from tidegate.kernel.ids import KeyId, ProposalId, ServiceId, SignalId, StaffId
from tidegate.people import key_text, rules, sign_in_store, store
from tidegate.people.model import (
    DEFAULT_SCOPES,
    LET_IN_WINDOW,
    Key,
    PasskeyRemoved,
    Permission,
    Proposal,
    ProposalApproved,
    ProposalKind,
    Role,
    Scope,
    ServiceAdded,
    ServiceChanged,
    Staff,
    StaffAdded,
    StaffRenamed,
    StaffStanding,
)

# --- who acts ---


async def acting(tx: Transaction) -> Staff:
    """Give the member of the staff this transaction was opened for, as they stand now.

    Raises:
        Forbidden: it was opened for something else, or they are suspended.
    """
    identity = tx.actor.id
    staff = None
    if tx.actor.kind is ActorKind.STAFF and isinstance(identity, StaffId):
        staff = await store.load_staff(tx, identity)
    if staff is None or staff.standing is not StaffStanding.ACTIVE:
        raise Forbidden
    return staff


async def acting_or_machine(tx: Transaction, permission: Permission) -> StaffId | None:
    """Give who acts if they hold the permission; None for a command at the machine itself, which may.

    Raises:
        Forbidden: someone else, or the permission is lacking.
    """
    if tx.actor.kind is ActorKind.MACHINE:
        return None
    by = await acting(tx)
    rules.require(by, permission)
    return by.id


async def staff_of(tx: Transaction, staff: StaffId, *, lock: bool = False) -> Staff:
    """Load someone on the staff.

    Raises:
        NotFound: there is no such person.
    """
    found = await store.load_staff(tx, staff, lock=lock)
    if found is None:
        raise NotFound("There is nobody on the staff under this id.")
    return found


# --- staff ---


async def bootstrap(tx: Transaction, name: str) -> StaffId:
    """Make the first administrator: at the machine itself, and only while there is nobody.

    Raises:
        Forbidden: not a command at the machine.
        WrongState: there is staff already.
    """
    if tx.actor.kind is not ActorKind.MACHINE:
        raise Forbidden('The first administrator is made by a command at the machine: "tidegate people bootstrap".')
    await store.lock_changes(tx)
    everyone, _ = await store.count_staff(tx)
    staff = tx.new(StaffId)
    made = rules.bootstrap_first(staff, anyone=everyone > 0)
    await _add(tx, staff, name, None)
    await tx.append(made)
    return staff


async def bootstrap_second(tx: Transaction, staff: StaffId) -> None:
    """Make someone the second administrator, by the first alone and once.

    Raises:
        Forbidden, RuleBroken, WrongState: see ``rules.bootstrap_second``.
    """
    await store.lock_changes(tx)
    by = await acting(tx)
    _, bootstrapped = await store.count_staff(tx)
    made = rules.bootstrap_second(
        by,
        await staff_of(tx, staff, lock=True),
        administrators=await store.administrators(tx),
        bootstrapped=bootstrapped,
    )
    await tx.append(made)
    await sign_in_store.end_all_sessions(tx, staff)


async def add_staff(tx: Transaction, name: str) -> StaffId:
    """Add someone without any role.

    Raises:
        Forbidden: the one who asks is no administrator.
    """
    await store.lock_changes(tx)
    by = await acting(tx)
    rules.require(by, Permission.MANAGE_PEOPLE)
    staff = tx.new(StaffId)
    await _add(tx, staff, name, by.id)
    return staff


async def _add(tx: Transaction, staff: StaffId, name: str, by: StaffId | None) -> None:
    await write_detail(tx, staff, store.NAME_PART, {"name": rules.clean_name(name)})
    await tx.append(StaffAdded(staff=staff, by=by))


async def rename_staff(tx: Transaction, staff: StaffId, name: str) -> None:
    """Change someone's name: an administrator may, and they themselves.

    Raises:
        Forbidden, NotFound: see above.
    """
    by = await acting(tx)
    if by.id != staff:
        rules.require(by, Permission.MANAGE_PEOPLE)
    await staff_of(tx, staff, lock=True)
    await write_detail(tx, staff, store.NAME_PART, {"name": rules.clean_name(name)})
    await tx.append(StaffRenamed(staff=staff, by=by.id))


async def suspend_staff(tx: Transaction, staff: StaffId) -> None:
    """Stop someone from signing in, and end their sessions, at once.

    Raises:
        Forbidden, NotFound, WrongState: see ``rules.suspend``.
    """
    await store.lock_changes(tx)
    by = await acting(tx)
    target = await staff_of(tx, staff, lock=True)
    await tx.append(rules.suspend(by, target, administrators=await store.administrators(tx)))
    await sign_in_store.end_all_sessions(tx, staff)
    await sign_in_store.void_links(tx, staff)


async def end_sessions(tx: Transaction, staff: StaffId) -> None:
    """End every session of someone and make their unused links worthless, at once: the safe direction takes one.

    Raises:
        Forbidden, NotFound: see ``rules.end_sessions``.
    """
    by = await acting(tx)
    target = await staff_of(tx, staff, lock=True)
    await tx.append(rules.end_sessions(by, target))
    await sign_in_store.end_all_sessions(tx, staff)
    await sign_in_store.void_links(tx, staff)


# --- two people ---


async def propose(
    tx: Transaction,
    kind: ProposalKind,
    *,
    staff: StaffId | None = None,
    role: Role | None = None,
    signal: SignalId | None = None,
) -> ProposalId:
    """Propose what another must approve within 24 hours.

    Raises:
        Forbidden, Malformed, NotFound, RuleBroken, WrongState: see ``rules.propose``.
    """
    await store.lock_changes(tx)
    by = await acting(tx)
    proposal = tx.new(ProposalId)
    made = rules.propose(
        by,
        kind,
        proposal,
        target=None if staff is None else await staff_of(tx, staff),
        role=role,
        signal=signal,
        administrators=await store.administrators(tx),
        now=tx.now,
    )
    await tx.append(made)
    return proposal


async def propose_role(tx: Transaction, staff: StaffId, role: Role, kind: ProposalKind) -> ProposalId:
    """Propose to grant or revoke a role (``ROLE_GRANT`` or ``ROLE_REVOKE``)."""
    return await propose(tx, kind, staff=staff, role=role)


async def approve(tx: Transaction, proposal: ProposalId) -> ProposalApproved:
    """Approve as the second person. What belongs to this stage is carried out; other stages follow the event.

    Raises:
        Forbidden, NotFound, RuleBroken, WrongState: see ``rules.approve``.
    """
    await store.lock_changes(tx)
    by = await acting(tx)
    found = await _proposal(tx, proposal)
    approved, effect = rules.approve(
        found,
        by,
        proposed_by=await staff_of(tx, found.proposed_by),
        target=None if found.staff is None else await staff_of(tx, found.staff, lock=True),
        administrators=await store.administrators(tx),
        let_in=await sign_in_store.links_used(tx, tx.now - LET_IN_WINDOW),
        now=tx.now,
    )
    await tx.append(approved, *effect)
    if found.staff is not None:
        await sign_in_store.end_all_sessions(tx, found.staff)
        if found.kind is ProposalKind.PASSKEY_RESET:
            await sign_in_store.void_links(tx, found.staff)
            await _remove_passkeys(tx, found.staff, by.id)
    return approved


async def decline(tx: Transaction, proposal: ProposalId) -> None:
    """Turn a proposal down, or take one's own back.

    Raises:
        Forbidden, NotFound, WrongState: see ``rules.decline``.
    """
    await store.lock_changes(tx)
    by = await acting(tx)
    await tx.append(rules.decline(await _proposal(tx, proposal), by, now=tx.now))


async def _proposal(tx: Transaction, proposal: ProposalId) -> Proposal:
    found = await store.load_proposal(tx, proposal, lock=True)
    if found is None:
        raise NotFound("There is no such proposal.")
    return found


async def _remove_passkeys(tx: Transaction, staff: StaffId, by: StaffId) -> None:
    """Remove every passkey of someone, so that an administrator can let them in with a link again."""
    for passkey in await sign_in_store.passkeys_of(tx, staff):
        await sign_in_store.remove_passkey(tx, staff, passkey.id)
        await tx.append(PasskeyRemoved(passkey=passkey.id, staff=staff, by=by))


# --- services ---


async def add_service(tx: Transaction, name: str, webhook_url: str | None = None) -> ServiceId:
    """Add a platform's service.

    Raises:
        Forbidden: the one who asks may not manage keys.
        Malformed: the name or the webhook's address.
    """
    by = await acting_or_machine(tx, Permission.MANAGE_KEYS)
    service = tx.new(ServiceId)
    await _write_facts(tx, service, name, webhook_url)
    await tx.append(ServiceAdded(service=service, by=by))
    return service


async def change_service(tx: Transaction, service: ServiceId, name: str, webhook_url: str | None) -> None:
    """Change a service's name, or where its instructions go.

    Raises:
        Forbidden, Malformed, NotFound: see above.
    """
    by = await acting_or_machine(tx, Permission.MANAGE_KEYS)
    await _check_service(tx, service)
    await _write_facts(tx, service, name, webhook_url)
    await tx.append(ServiceChanged(service=service, by=by))


async def _write_facts(tx: Transaction, service: ServiceId, name: str, webhook_url: str | None) -> None:
    url = None if webhook_url is None else rules.check_webhook_url(webhook_url)
    await write_detail(tx, service, store.FACTS_PART, {"name": rules.clean_name(name), "webhook_url": url})


async def _check_service(tx: Transaction, service: ServiceId) -> None:
    if not await store.has_service(tx, service):
        raise NotFound("There is no such service.")


# --- API keys ---


async def issue_key(
    tx: Transaction,
    service: ServiceId,
    *,
    label: str,
    life: timedelta,
    scopes: AbstractSet[Scope] = DEFAULT_SCOPES,
    match_allowed: bool = False,
) -> tuple[KeyId, str]:
    """Make an API key; its text is shown once and stored nowhere.

    Raises:
        Forbidden, Malformed, NotFound, RuleBroken: see ``rules.issue_key``.
    """
    by = await acting_or_machine(tx, Permission.MANAGE_KEYS)
    await _check_service(tx, service)
    key = tx.new(KeyId)
    made = rules.issue_key(key, service, scopes, life=life, match_allowed=match_allowed, by=by, now=tx.now)
    text = key_text.make(tx.randomness)
    detail = {"label": rules.clean_name(label), "hash": key_text.hash_of(text).hex()}
    await write_detail(tx, key, store.KEY_PART, detail)
    await tx.append(made)
    return key, text


async def revoke_key(tx: Transaction, key: KeyId) -> None:
    """Stop a key at once.

    Raises:
        Forbidden, NotFound, WrongState: see ``rules.revoke_key``.
    """
    by = await acting_or_machine(tx, Permission.MANAGE_KEYS)
    found = await store.load_key(tx, key, lock=True)
    if found is None:
        raise NotFound("There is no such key.")
    await tx.append(rules.revoke_key(found, by=by))


async def authenticate_key(tx: Transaction, text: str) -> Key:
    """Find the key a platform's server sent.

    Raises:
        Unauthenticated: malformed, unknown, revoked or expired; the message says which and no more.
    """
    found = await store.key_with_hash(tx, key_text.hash_of(text))
    if found is None:
        raise Unauthenticated("This API key is unknown here: is it another node's?")
    if found.revoked:
        raise Unauthenticated("This API key was revoked: ask an administrator for a new one.")
    if tx.now >= found.expires_at:
        raise Unauthenticated("This API key has expired: ask an administrator for a new one.")
    today = tx.now.date()
    if found.last_used is None or found.last_used < today:  # one write a day, not one a request
        await store.note_use(tx, found.id, today)
    return found


def require_scope(key: Key, scope: Scope) -> None:
    """Let only keys through that were made for this.

    Raises:
        Forbidden: the key lacks the scope.
    """
    if scope not in key.scopes:
        raise Forbidden(
            'This API key is not for "%(scope)s": use one that is.', values={"scope": scope}, reference=scope
        )
