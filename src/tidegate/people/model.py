"""People: staff and their roles, proposals that need two, services and their API keys.

May decide: which roles there are, what each may do, which exclude each other, and what an API key can be made
for. These are tables for people to read; ``rules.py`` applies them. No scope votes, decides or confirms, and
only the roles that judge or audit see content's bytes.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from tidegate.kernel.event import Event, event
from tidegate.kernel.ids import Id, KeyId, ProposalId, ServiceId, SignalId, StaffId


class PasskeyId(Id):
    word = "passkey"


class SessionId(Id):
    """A session's id, by which its owner finds and ends it; not the token that opens it."""

    word = "session"


class Role(StrEnum):
    REVIEWER = "reviewer"
    SENIOR_REVIEWER = "senior_reviewer"
    APPEAL_REVIEWER = "appeal_reviewer"
    POLICY_LEAD = "policy_lead"
    LEGAL_OFFICER = "legal_officer"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """What a route or a step may ask for."""

    SEE_CASE = "see_case"
    SEE_CONTENT_BYTES = "see_content_bytes"
    VOTE = "vote"
    SEE_APPEAL = "see_appeal"
    JUDGE_APPEAL = "judge_appeal"
    SEE_SIGNALS = "see_signals"
    IMPORT_SIGNALS = "import_signals"
    SET_POLICY = "set_policy"
    APPROVE_POLICY = "approve_policy"
    MANAGE_PEOPLE = "manage_people"
    APPROVE_PEOPLE = "approve_people"
    MANAGE_KEYS = "manage_keys"
    SEE_INSTRUCTIONS = "see_instructions"
    READ_RECORD = "read_record"
    SEE_POLICY = "see_policy"
    #: Counts and times of what waits or stands still; no content, no hash, no person.
    SEE_ALARMS = "see_alarms"
    SEE_OWN_ACCOUNT = "see_own_account"


#: Everyone on the staff.
EVERYONE = frozenset({Permission.SEE_OWN_ACCOUNT})

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.REVIEWER: frozenset({Permission.SEE_CASE, Permission.SEE_CONTENT_BYTES, Permission.VOTE}),
    Role.SENIOR_REVIEWER: frozenset(
        {
            Permission.SEE_CASE,
            Permission.SEE_CONTENT_BYTES,
            Permission.VOTE,
            Permission.SEE_SIGNALS,
            Permission.SEE_ALARMS,
        }
    ),
    Role.APPEAL_REVIEWER: frozenset(
        {Permission.SEE_CASE, Permission.SEE_CONTENT_BYTES, Permission.SEE_APPEAL, Permission.JUDGE_APPEAL}
    ),
    Role.POLICY_LEAD: frozenset(
        {
            Permission.SEE_SIGNALS,
            Permission.IMPORT_SIGNALS,
            Permission.SET_POLICY,
            Permission.APPROVE_POLICY,
            Permission.SEE_ALARMS,
            Permission.SEE_POLICY,
        }
    ),
    Role.LEGAL_OFFICER: frozenset(),
    Role.ADMINISTRATOR: frozenset(
        {
            Permission.MANAGE_PEOPLE,
            Permission.APPROVE_PEOPLE,
            Permission.MANAGE_KEYS,
            Permission.SEE_INSTRUCTIONS,
            Permission.SEE_ALARMS,
            Permission.SEE_POLICY,
        }
    ),
    Role.AUDITOR: frozenset(
        {
            Permission.SEE_CASE,
            Permission.SEE_CONTENT_BYTES,
            Permission.SEE_APPEAL,
            Permission.SEE_SIGNALS,
            Permission.SEE_INSTRUCTIONS,
            Permission.READ_RECORD,
            Permission.SEE_ALARMS,
            Permission.SEE_POLICY,
        }
    ),
}

#: Who gives out access sees no content; who checks others does nothing else. Applied in both directions.
INCOMPATIBLE: dict[Role, frozenset[Role]] = {
    Role.ADMINISTRATOR: frozenset({Role.REVIEWER, Role.SENIOR_REVIEWER, Role.APPEAL_REVIEWER}),
    Role.AUDITOR: frozenset(Role) - {Role.AUDITOR},
}


class StaffStanding(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


#: state -> what may happen to it -> next state
STAFF_STANDINGS: dict[StaffStanding, dict[str, StaffStanding]] = {
    StaffStanding.ACTIVE: {"people.staff_suspended": StaffStanding.SUSPENDED},
    StaffStanding.SUSPENDED: {"people.staff_restored": StaffStanding.ACTIVE},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Someone on the staff, without the name."""

    id: StaffId
    standing: StaffStanding
    roles: frozenset[Role]

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the roles allow together; nothing while suspended."""
        if self.standing is not StaffStanding.ACTIVE:
            return frozenset()
        return EVERYONE.union(*(ROLE_PERMISSIONS[role] for role in self.roles))


class ProposalKind(StrEnum):
    """What one person proposes and another must approve (floor rule 4)."""

    ROLE_GRANT = "role_grant"
    ROLE_REVOKE = "role_revoke"
    STAFF_RESTORE = "staff_restore"
    PASSKEY_RESET = "passkey_reset"
    LOOK_ALIKE_HOLDS_ON = "look_alike_holds_on"
    DOMAIN_SIGNAL = "domain_signal"


@dataclass(frozen=True, slots=True)
class ProposalNeeds:
    """Who may propose and approve, and what must be named."""

    propose: Permission
    approve: Permission
    staff: bool = False
    role: bool = False
    signal: bool = False


#: A kind that another stage acts on needs only its row here: that stage follows ``people.proposal_approved``.
PROPOSAL_NEEDS: dict[ProposalKind, ProposalNeeds] = {
    ProposalKind.ROLE_GRANT: ProposalNeeds(Permission.MANAGE_PEOPLE, Permission.APPROVE_PEOPLE, staff=True, role=True),
    ProposalKind.ROLE_REVOKE: ProposalNeeds(Permission.MANAGE_PEOPLE, Permission.APPROVE_PEOPLE, staff=True, role=True),
    ProposalKind.STAFF_RESTORE: ProposalNeeds(Permission.MANAGE_PEOPLE, Permission.APPROVE_PEOPLE, staff=True),
    ProposalKind.PASSKEY_RESET: ProposalNeeds(Permission.MANAGE_PEOPLE, Permission.APPROVE_PEOPLE, staff=True),
    ProposalKind.LOOK_ALIKE_HOLDS_ON: ProposalNeeds(Permission.SET_POLICY, Permission.APPROVE_POLICY),
    ProposalKind.DOMAIN_SIGNAL: ProposalNeeds(Permission.SET_POLICY, Permission.APPROVE_POLICY, signal=True),
}

PROPOSAL_LIFE = timedelta(hours=24)


class ProposalStanding(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"


PROPOSAL_STANDINGS: dict[ProposalStanding, dict[str, ProposalStanding]] = {
    ProposalStanding.OPEN: {
        "people.proposal_approved": ProposalStanding.APPROVED,
        "people.proposal_declined": ProposalStanding.DECLINED,
    },
    ProposalStanding.APPROVED: {},
    ProposalStanding.DECLINED: {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    id: ProposalId
    kind: ProposalKind
    standing: ProposalStanding
    proposed_by: StaffId
    staff: StaffId | None
    role: Role | None
    expires_at: datetime
    decided_by: StaffId | None = None
    signal: SignalId | None = None


class Scope(StrEnum):
    """What an API key may be used for. None votes, decides or confirms: that is for people who signed in."""

    CONTENT = "content"
    FLAG = "flag"
    SIGNAL_READ = "signal_read"
    INSTRUCTION = "instruction"
    MATCH = "match"


#: What a platform's servers need to work with the node.
DEFAULT_SCOPES = frozenset({Scope.CONTENT, Scope.FLAG, Scope.INSTRUCTION})

KEY_LIFE_MOST = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """What is sealed of a service."""

    name: str
    webhook_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An API key as the view knows it: never the key itself."""

    id: KeyId
    service: ServiceId
    scopes: frozenset[Scope]
    expires_at: datetime
    revoked: bool
    last_used: date | None


class SignInMethod(StrEnum):
    LINK = "link"
    PASSKEY = "passkey"


LINK_LIFE = timedelta(minutes=15)
LINK_LIFE_MOST = timedelta(hours=24)
CHALLENGE_LIFE = timedelta(minutes=5)
SESSION_IDLE = timedelta(minutes=30)
SESSION_LIFE = timedelta(hours=12)

#: How long after A's link let B in the two do not count as two people: a session opened by it can last until
#: the proposal is made, and the proposal until it is approved.
LET_IN_WINDOW = SESSION_LIFE + PROPOSAL_LIFE


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStart:
    """Someone signed in. The token goes into a cookie, once, and is stored nowhere."""

    token: str = field(repr=False)
    staff: StaffId
    session: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who is signed in, with what they may do at this moment."""

    id: SessionId
    staff: StaffId
    roles: frozenset[Role]
    permissions: frozenset[Permission]
    method: SignInMethod
    started_at: datetime
    seen_at: datetime
    csrf_token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A passkey as its owner sees it."""

    id: PasskeyId
    staff: StaffId
    credential_id: bytes
    public_key: bytes
    sign_count: int
    last_used: date | None


# --- what happened ---


@event("people.staff_added")
class StaffAdded(Event):
    """Their name is sealed. They hold no role yet."""

    staff: StaffId
    by: StaffId | None


@event("people.renamed")
class StaffRenamed(Event):
    staff: StaffId
    by: StaffId


@event("people.bootstrapped")
class Bootstrapped(Event):
    """Became an administrator without a second person: the first ever, or the second, named by the first."""

    staff: StaffId
    by: StaffId | None


@event("people.staff_suspended")
class StaffSuspended(Event):
    staff: StaffId
    by: StaffId


@event("people.staff_restored")
class StaffRestored(Event):
    staff: StaffId
    proposal: ProposalId


@event("people.proposed")
class Proposed(Event):
    proposal: ProposalId
    proposal_kind: ProposalKind
    by: StaffId
    staff: StaffId | None
    role: Role | None
    expires_at: datetime
    signal: SignalId | None = None


@event("people.proposal_approved")
class ProposalApproved(Event):
    """Two people want it. Stages that own what was proposed follow this event."""

    proposal: ProposalId
    proposal_kind: ProposalKind
    proposed_by: StaffId
    approved_by: StaffId
    staff: StaffId | None
    role: Role | None
    signal: SignalId | None = None


@event("people.proposal_declined")
class ProposalDeclined(Event):
    proposal: ProposalId
    by: StaffId


@event("people.role_granted")
class RoleGranted(Event):
    staff: StaffId
    role: Role
    proposal: ProposalId


@event("people.role_revoked")
class RoleRevoked(Event):
    staff: StaffId
    role: Role
    proposal: ProposalId


@event("people.service_added")
class ServiceAdded(Event):
    """Its name and the address of its webhook are sealed."""

    service: ServiceId
    by: StaffId | None


@event("people.service_changed")
class ServiceChanged(Event):
    service: ServiceId
    by: StaffId | None


@event("people.key_issued")
class KeyIssued(Event):
    """The hash it is known by and its label are sealed."""

    key: KeyId
    service: ServiceId
    scopes: tuple[Scope, ...]
    expires_at: datetime
    by: StaffId | None


@event("people.key_revoked")
class KeyRevoked(Event):
    key: KeyId
    by: StaffId | None


@event("people.link_made")
class LinkMade(Event):
    """A one-time link was made, by an administrator, or at the machine itself (``by`` is empty)."""

    staff: StaffId
    by: StaffId | None


@event("people.signed_in")
class SignedIn(Event):
    staff: StaffId
    session: SessionId
    method: SignInMethod


@event("people.sessions_ended")
class SessionsEnded(Event):
    """An administrator ended every session of someone, and made their unused links worthless."""

    staff: StaffId
    by: StaffId


@event("people.passkey_registered")
class PasskeyRegistered(Event):
    passkey: PasskeyId
    staff: StaffId


@event("people.passkey_removed")
class PasskeyRemoved(Event):
    passkey: PasskeyId
    staff: StaffId
    by: StaffId
