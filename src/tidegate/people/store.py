"""The only SQL that names the views of people: staff, proposals, services, API keys. May decide: nothing."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from tidegate.db.sealing import read_detail
from tidegate.db.transaction import Projection, Row, Transaction
from tidegate.kernel.backlog import Backlog
from tidegate.kernel.event import Event
from tidegate.kernel.ids import Id, KeyId, ProposalId, ServiceId, SignalId, StaffId
from tidegate.people.model import (
    Bootstrapped,
    Key,
    KeyIssued,
    KeyRevoked,
    Proposal,
    ProposalApproved,
    ProposalDeclined,
    ProposalKind,
    ProposalStanding,
    Proposed,
    Role,
    RoleGranted,
    RoleRevoked,
    Scope,
    ServiceAdded,
    ServiceFacts,
    Staff,
    StaffAdded,
    StaffRestored,
    StaffStanding,
    StaffSuspended,
)

#: Changes of staff, roles and proposals are rare and depend on each other (how many administrators are left?)
#: so they happen one at a time.
_CHANGE_LOCK = 7_421_031

NAME_PART = "name"
FACTS_PART = "facts"
KEY_PART = "key"


async def lock_changes(tx: Transaction) -> None:
    """Let one transaction at a time change staff, roles or proposals, until its commit."""
    await tx.execute("SELECT pg_advisory_xact_lock(%(key)s)", key=_CHANGE_LOCK)


# --- staff ---


async def load_staff(tx: Transaction, staff: StaffId, *, lock: bool = False) -> Staff | None:
    """Load someone on the staff with their roles, locked until the commit if asked."""
    if lock:
        row = await tx.row("SELECT * FROM staff WHERE id = %(id)s FOR UPDATE", id=staff)
    else:
        row = await tx.row("SELECT * FROM staff WHERE id = %(id)s", id=staff)
    if row is None:
        return None
    roles = await tx.rows("SELECT role FROM staff_role WHERE staff = %(id)s", id=staff)
    return Staff(
        id=StaffId(row["id"]),
        standing=StaffStanding(row["standing"]),
        roles=frozenset(Role(role["role"]) for role in roles),
    )


async def all_staff(tx: Transaction) -> list[Staff]:
    """List everyone who was ever added, in that order."""
    rows = await tx.rows(
        """
        SELECT id, standing, ARRAY(SELECT role FROM staff_role WHERE staff = staff.id) AS roles
        FROM staff ORDER BY id
        """
    )
    return [
        Staff(
            id=StaffId(row["id"]),
            standing=StaffStanding(row["standing"]),
            roles=frozenset(Role(role) for role in row["roles"]),
        )
        for row in rows
    ]


async def name_of(tx: Transaction, staff: StaffId) -> str | None:
    """Open a name; None when it was erased."""
    detail: dict[str, Any] | None = await read_detail(tx, staff, NAME_PART)
    return None if detail is None else str(detail["name"])


async def administrators(tx: Transaction) -> frozenset[StaffId]:
    """Give all active administrators."""
    rows = await tx.rows(
        """
        SELECT id FROM staff JOIN staff_role ON staff_role.staff = staff.id
        WHERE role = 'administrator' AND standing = 'active'
        """
    )
    return frozenset(StaffId(row["id"]) for row in rows)


async def count_staff(tx: Transaction) -> tuple[int, int]:
    """Count everyone ever added, and those who became administrators without a second person."""
    row = await tx.row("SELECT count(*) AS everyone, count(*) FILTER (WHERE bootstrapped) AS first FROM staff")
    assert row is not None
    return int(row["everyone"]), int(row["first"])


# --- proposals ---


async def load_proposal(tx: Transaction, proposal: ProposalId, *, lock: bool = False) -> Proposal | None:
    """Load a proposal, locked until the commit if asked."""
    if lock:
        row = await tx.row("SELECT * FROM proposal WHERE id = %(id)s FOR UPDATE", id=proposal)
    else:
        row = await tx.row("SELECT * FROM proposal WHERE id = %(id)s", id=proposal)
    return None if row is None else _proposal(row)


async def open_proposals(tx: Transaction) -> list[Proposal]:
    """List what waits for a second person, oldest first."""
    rows = await tx.rows(
        "SELECT * FROM proposal WHERE standing = 'open' AND expires_at > %(now)s ORDER BY id", now=tx.now
    )
    return [_proposal(row) for row in rows]


async def proposals_backlog(tx: Transaction) -> Backlog:
    """Count what waits for a second person; ``since`` is when the first expires."""
    return await tx.backlog(
        """
        SELECT count(*) AS n, min(expires_at) AS since FROM proposal
        WHERE standing = 'open' AND expires_at > %(now)s
        """,
        now=tx.now,
    )


async def newest_proposals(tx: Transaction, most: int = 200) -> list[Proposal]:
    """List proposals, decided or not, newest first."""
    rows = await tx.rows("SELECT * FROM proposal ORDER BY id DESC LIMIT %(most)s", most=most)
    return [_proposal(row) for row in rows]


async def proposals_about(tx: Transaction, staff: StaffId, most: int = 50) -> list[Proposal]:
    """List proposals about someone, newest first."""
    rows = await tx.rows(
        "SELECT * FROM proposal WHERE staff = %(staff)s ORDER BY id DESC LIMIT %(most)s", staff=staff, most=most
    )
    return [_proposal(row) for row in rows]


def _proposal(row: Row) -> Proposal:
    return Proposal(
        id=ProposalId(row["id"]),
        kind=ProposalKind(row["kind"]),
        standing=ProposalStanding(row["standing"]),
        proposed_by=StaffId(row["proposed_by"]),
        staff=row["staff"] and StaffId(row["staff"]),
        role=row["role"] and Role(row["role"]),
        expires_at=row["expires_at"],
        decided_by=row["decided_by"] and StaffId(row["decided_by"]),
        signal=row["signal"] and SignalId(row["signal"]),
    )


# --- services and keys ---


async def has_service(tx: Transaction, service: ServiceId) -> bool:
    """Say whether there is such a service."""
    return await tx.row("SELECT 1 AS one FROM service WHERE id = %(id)s", id=service) is not None


async def all_services(tx: Transaction) -> list[ServiceId]:
    """List the services in the order they were added."""
    return [ServiceId(row["id"]) for row in await tx.rows("SELECT id FROM service ORDER BY id")]


async def service_facts(tx: Transaction, service: ServiceId) -> ServiceFacts | None:
    """Open a service's name and webhook address; None when erased or never there."""
    detail: dict[str, Any] | None = await read_detail(tx, service, FACTS_PART)
    return None if detail is None else ServiceFacts(name=detail["name"], webhook_url=detail["webhook_url"])


async def load_key(tx: Transaction, key: KeyId, *, lock: bool = False) -> Key | None:
    """Load a key by its id, locked until the commit if asked."""
    if lock:
        await tx.execute("SELECT 1 FROM api_key WHERE id = %(id)s FOR UPDATE", id=key)
    row = await tx.row(
        "SELECT * FROM api_key LEFT JOIN api_key_use ON key = id WHERE id = %(id)s",
        id=key,
    )
    return None if row is None else _key(row)


async def key_with_hash(tx: Transaction, hash_: bytes) -> Key | None:
    """Find a key by the hash of its text."""
    row = await tx.row("SELECT * FROM api_key LEFT JOIN api_key_use ON key = id WHERE hash = %(hash)s", hash=hash_)
    return None if row is None else _key(row)


async def keys_of(tx: Transaction, service: ServiceId) -> list[Key]:
    """List a service's keys, newest first."""
    rows = await tx.rows(
        "SELECT * FROM api_key LEFT JOIN api_key_use ON key = id WHERE service = %(id)s ORDER BY id DESC",
        id=service,
    )
    return [_key(row) for row in rows]


async def keys_expiring(tx: Transaction, before: datetime) -> Backlog:
    """Count the keys in use that expire until then; ``since`` is when the first does.

    A key used within the last month is in use; one that nobody uses may expire unmissed.
    """
    return await tx.backlog(
        """
        SELECT count(*) AS n, min(expires_at) AS since FROM api_key JOIN api_key_use ON key = id
        WHERE NOT revoked AND expires_at > %(now)s AND expires_at <= %(before)s AND day > %(now)s::date - 30
        """,
        now=tx.now,
        before=before,
    )


async def key_label(tx: Transaction, key: KeyId) -> str | None:
    """Open what a key is called; None when erased."""
    detail: dict[str, Any] | None = await read_detail(tx, key, KEY_PART)
    return None if detail is None else str(detail["label"])


async def note_use(tx: Transaction, key: KeyId, day: date) -> None:
    """Remember the last day a key was used."""
    await tx.execute(
        """
        INSERT INTO api_key_use (key, day) VALUES (%(key)s, %(day)s)
        ON CONFLICT (key) DO UPDATE SET day = EXCLUDED.day WHERE api_key_use.day < EXCLUDED.day
        """,
        key=key,
        day=day,
    )


def _key(row: Row) -> Key:
    return Key(
        id=KeyId(row["id"]),
        service=ServiceId(row["service"]),
        scopes=frozenset(Scope(scope) for scope in row["scopes"]),
        expires_at=row["expires_at"],
        revoked=row["revoked"],
        last_used=row["day"],
    )


# --- the views: a rebuild calls these and nothing else; they ask the transaction for no time and no actor ---


async def _staff_added(tx: Transaction, happened: StaffAdded) -> None:
    await tx.execute(
        "INSERT INTO staff (id, standing, bootstrapped) VALUES (%(id)s, 'active', false)", id=happened.staff
    )


async def _bootstrapped(tx: Transaction, happened: Bootstrapped) -> None:
    await tx.execute("UPDATE staff SET bootstrapped = true WHERE id = %(id)s", id=happened.staff)
    await _add_role(tx, happened.staff, Role.ADMINISTRATOR)


async def _suspended(tx: Transaction, happened: StaffSuspended) -> None:
    await tx.execute("UPDATE staff SET standing = 'suspended' WHERE id = %(id)s", id=happened.staff)


async def _restored(tx: Transaction, happened: StaffRestored) -> None:
    await tx.execute("UPDATE staff SET standing = 'active' WHERE id = %(id)s", id=happened.staff)


async def _role_granted(tx: Transaction, happened: RoleGranted) -> None:
    await _add_role(tx, happened.staff, happened.role)


async def _add_role(tx: Transaction, staff: StaffId, role: Role) -> None:
    await tx.execute("INSERT INTO staff_role (staff, role) VALUES (%(staff)s, %(role)s)", staff=staff, role=role)


async def _role_revoked(tx: Transaction, happened: RoleRevoked) -> None:
    await tx.execute(
        "DELETE FROM staff_role WHERE staff = %(staff)s AND role = %(role)s",
        staff=happened.staff,
        role=happened.role,
    )


async def _proposed(tx: Transaction, happened: Proposed) -> None:
    await tx.execute(
        """
        INSERT INTO proposal (id, kind, standing, proposed_by, staff, role, expires_at, signal)
        VALUES (%(id)s, %(kind)s, 'open', %(by)s, %(staff)s, %(role)s, %(expires_at)s, %(signal)s)
        """,
        id=happened.proposal,
        kind=happened.proposal_kind,
        by=happened.by,
        staff=happened.staff,
        role=happened.role,
        expires_at=happened.expires_at,
        signal=happened.signal,
    )


async def _approved(tx: Transaction, happened: ProposalApproved) -> None:
    await _decided(tx, happened.proposal, ProposalStanding.APPROVED, happened.approved_by)


async def _declined(tx: Transaction, happened: ProposalDeclined) -> None:
    await _decided(tx, happened.proposal, ProposalStanding.DECLINED, happened.by)


async def _decided(tx: Transaction, proposal: ProposalId, standing: ProposalStanding, by: Id) -> None:
    await tx.execute(
        "UPDATE proposal SET standing = %(standing)s, decided_by = %(by)s WHERE id = %(id)s",
        id=proposal,
        standing=standing,
        by=by,
    )


async def _service_added(tx: Transaction, happened: ServiceAdded) -> None:
    await tx.execute("INSERT INTO service (id) VALUES (%(id)s)", id=happened.service)


async def _key_issued(tx: Transaction, happened: KeyIssued) -> None:
    detail: dict[str, Any] | None = await read_detail(tx, happened.key, KEY_PART)
    await tx.execute(
        """
        INSERT INTO api_key (id, service, scopes, expires_at, revoked, hash)
        VALUES (%(id)s, %(service)s, %(scopes)s, %(expires_at)s, false, %(hash)s)
        """,
        id=happened.key,
        service=happened.service,
        scopes=list(happened.scopes),
        expires_at=happened.expires_at,
        hash=None if detail is None else bytes.fromhex(detail["hash"]),
    )


async def _key_revoked(tx: Transaction, happened: KeyRevoked) -> None:
    await tx.execute("UPDATE api_key SET revoked = true WHERE id = %(id)s", id=happened.key)


VIEWS: Sequence[str] = ("staff", "staff_role", "proposal", "service", "api_key")
PROJECTIONS: dict[type[Event], Projection] = {
    StaffAdded: _staff_added,
    Bootstrapped: _bootstrapped,
    StaffSuspended: _suspended,
    StaffRestored: _restored,
    RoleGranted: _role_granted,
    RoleRevoked: _role_revoked,
    Proposed: _proposed,
    ProposalApproved: _approved,
    ProposalDeclined: _declined,
    ServiceAdded: _service_added,
    KeyIssued: _key_issued,
    KeyRevoked: _key_revoked,
}
