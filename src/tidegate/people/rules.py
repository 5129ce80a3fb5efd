"""What may be done about staff, roles, services and keys, and by whom.

May decide: every refusal of this stage. Pure: state, command and time in, events out, or a typed refusal. Two
people (floor rule 4) means two who are really two: not the same person, not the one whose roles are changed,
and not two of whom one lately let the other in with a sign-in link.
"""

import unicodedata
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from tidegate.kernel.errors import Forbidden, Malformed, RuleBroken, WrongState
from tidegate.kernel.event import Event
from tidegate.kernel.ids import KeyId, ProposalId, ServiceId, SignalId, StaffId
from tidegate.people.model import (
    DEFAULT_SCOPES,
    INCOMPATIBLE,
    KEY_LIFE_MOST,
    PROPOSAL_LIFE,
    PROPOSAL_NEEDS,
    Bootstrapped,
    Key,
    KeyIssued,
    KeyRevoked,
    Permission,
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
    SessionsEnded,
    Staff,
    StaffRestored,
    StaffStanding,
    StaffSuspended,
)

TWO_PEOPLE = "rule 4"
MATCH_WITHOUT_RECORD = "rule 12"
#: With fewer, no change of roles could ever be approved again.
ADMINISTRATORS_LEAST = 2

_NAME_MOST = 100
_URL_MOST = 2048
#: Invisible, but part of how names are written in Persian and in the scripts of India.
_JOINERS = "\u200c\u200d"


def require(staff: Staff, permission: Permission) -> None:
    """Let only those through whose roles allow it.

    Raises:
        Forbidden: no role of theirs does, or they are suspended.
    """
    if permission not in staff.permissions:
        raise Forbidden(reference=permission)


def check_roles(roles: AbstractSet[Role]) -> None:
    """Refuse roles that one person may not hold together.

    Raises:
        RuleBroken: one of them excludes another.
    """
    for role in sorted(roles):
        if clash := INCOMPATIBLE.get(role, frozenset()) & roles:
            raise RuleBroken(
                'Nobody may be "%(role)s" and "%(words)s" at once: revoke the one, then grant the other.',
                values={"role": role, "words": min(clash)},
                reference=TWO_PEOPLE,
            )


def clean_name(text: str) -> str:
    """Give a name as it is kept: normalised, without blanks around it.

    Raises:
        Malformed: empty, longer than 100 characters, or holding control characters.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= _NAME_MOST or not all(sign.isprintable() or sign in _JOINERS for sign in name):
        raise Malformed(
            "A name has 1 to %(most)s characters and no control characters.",
            values={"most": _NAME_MOST},
            reference="name",
        )
    return name


def check_webhook_url(url: str) -> str:
    """Give the address back if instructions can be sent there at all; which hosts is for the one who sends.

    Raises:
        Malformed: not http(s), no host, or a user name, password or fragment in it.
    """
    refusal = Malformed(
        'A webhook address looks like "https://example.org/hook": http(s), a host, no user name, no "#".',
        reference="webhook_url",
    )
    if len(url) > _URL_MOST or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise refusal
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise refusal from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or "@" in parts.netloc or "#" in url:
        raise refusal
    return url


# --- the first two administrators ---


def bootstrap_first(staff: StaffId, *, anyone: bool) -> Bootstrapped:
    """Make the first administrator, once.

    Raises:
        WrongState: there is staff already.
    """
    if anyone:
        raise WrongState("There is staff already: ask an administrator to add you.", reference=TWO_PEOPLE)
    return Bootstrapped(staff=staff, by=None)


def bootstrap_second(
    by: Staff, target: Staff, *, administrators: AbstractSet[StaffId], bootstrapped: int
) -> Bootstrapped:
    """Let the first administrator alone name one other, once; from then on it takes two.

    Raises:
        Forbidden: the one who asks is no administrator.
        RuleBroken: it was done before, there are two already, or they name themselves.
        WrongState: the other is suspended.
    """
    require(by, Permission.MANAGE_PEOPLE)
    if bootstrapped != 1 or administrators != {by.id}:
        raise RuleBroken(
            "Only the first administrator names another alone, and once: propose it, and another approves.",
            reference=TWO_PEOPLE,
        )
    if target.id == by.id:
        raise RuleBroken("The second administrator must be someone else.", reference=TWO_PEOPLE)
    if target.standing is not StaffStanding.ACTIVE:
        raise WrongState("This person is suspended: name someone else.")
    check_roles(target.roles | {Role.ADMINISTRATOR})
    return Bootstrapped(staff=target.id, by=by.id)


# --- what one may do alone: the safe direction ---


def suspend(by: Staff, target: Staff, *, administrators: AbstractSet[StaffId]) -> StaffSuspended:
    """Stop someone from signing in, at once. Restoring them takes two people.

    Raises:
        Forbidden: the one who asks is no administrator.
        WrongState: suspended already, or the last administrator.
    """
    require(by, Permission.MANAGE_PEOPLE)
    if target.standing is not StaffStanding.ACTIVE:
        raise WrongState("This person is suspended already.")
    if administrators == {target.id}:
        raise WrongState("This is the last administrator: nobody could restore them.")
    return StaffSuspended(staff=target.id, by=by.id)


def end_sessions(by: Staff, target: Staff) -> SessionsEnded:
    """End every session of someone, at once: they sign in again, whoever else held one does not.

    Raises:
        Forbidden: the one who asks is no administrator.
    """
    require(by, Permission.MANAGE_PEOPLE)
    return SessionsEnded(staff=target.id, by=by.id)


# --- what takes two ---


def propose(
    by: Staff,
    kind: ProposalKind,
    proposal: ProposalId,
    *,
    target: Staff | None,
    role: Role | None,
    signal: SignalId | None = None,
    administrators: AbstractSet[StaffId],
    now: datetime,
) -> Proposed:
    """Propose what another must approve within 24 hours.

    Raises:
        Forbidden: the one who proposes may not.
        Malformed: what this kind is about is not named, or something it is not about is.
        RuleBroken, WrongState: it could not be carried out as things are.
    """
    needs = PROPOSAL_NEEDS[kind]
    require(by, needs.propose)
    asked = {"staff": needs.staff, "role": needs.role, "signal": needs.signal}
    named = {"staff": target is not None, "role": role is not None, "signal": signal is not None}
    if asked != named:
        raise Malformed(
            'A proposal "%(kind)s" names %(wanted)s.',
            values={
                "kind": kind,
                "wanted": " and ".join(word for word, wanted in asked.items() if wanted) or "neither staff nor role",
            },
            reference="kind",
        )
    made = Proposed(
        proposal=proposal,
        proposal_kind=kind,
        by=by.id,
        staff=None if target is None else target.id,
        role=role,
        expires_at=now + PROPOSAL_LIFE,
        signal=signal,
    )
    _effect(kind, proposal, target=target, role=role, administrators=administrators)
    return made


def approve(
    proposal: Proposal,
    by: Staff,
    *,
    proposed_by: Staff,
    target: Staff | None,
    administrators: AbstractSet[StaffId],
    let_in: Collection[tuple[StaffId, StaffId]],
    now: datetime,
) -> tuple[ProposalApproved, tuple[Event, ...]]:
    """Approve as the second person: what was approved, and what it changes here.

    Args:
        proposal: What was proposed, as it stands now.
        by: Who approves.
        proposed_by: Who proposed, as they stand now.
        target: Whom it is about.
        administrators: All active administrators.
        let_in: The links lately used to sign in: who came in, and who had made the link.
        now: The present time.

    Raises:
        Forbidden: the one who approves may not.
        RuleBroken: it would not be two people, or they are who it is about.
        WrongState: decided, expired, withdrawn with its proposer's rights, or no longer possible.
    """
    needs = PROPOSAL_NEEDS[proposal.kind]
    require(by, needs.approve)
    _check_open(proposal, now)
    if by.id == proposal.proposed_by:
        raise RuleBroken("You proposed this: someone else must approve it.", reference=TWO_PEOPLE)
    if by.id == proposal.staff:
        raise RuleBroken("This is about you: someone else must approve it.", reference=TWO_PEOPLE)
    if not _hands(by.id, let_in).isdisjoint(_hands(proposal.proposed_by, let_in)):
        raise RuleBroken(
            "One of you signed in lately with a link the other made, or both with one person's: nobody "
            "can tell you are two. Let a third approve, use links made at the machine, or wait two days.",
            reference=TWO_PEOPLE,
        )
    if needs.propose not in proposed_by.permissions:
        raise WrongState("Whoever proposed this may no longer do so: propose it anew.")
    approved = ProposalApproved(
        proposal=proposal.id,
        proposal_kind=proposal.kind,
        proposed_by=proposal.proposed_by,
        approved_by=by.id,
        staff=proposal.staff,
        role=proposal.role,
        signal=proposal.signal,
    )
    effect = _effect(proposal.kind, proposal.id, target=target, role=proposal.role, administrators=administrators)
    return approved, effect


def _hands(staff: StaffId, let_in: Collection[tuple[StaffId, StaffId]]) -> set[StaffId]:
    """Give everyone who could be acting under this name: whoever made them a link, and so on."""
    hands = {staff}
    while more := {maker for came_in, maker in let_in if came_in in hands} - hands:
        hands |= more
    return hands


def decline(proposal: Proposal, by: Staff, *, now: datetime) -> ProposalDeclined:
    """Turn a proposal down, or take one's own back: one person is enough.

    Raises:
        Forbidden: neither the proposer nor someone who may approve.
        WrongState: decided or expired.
    """
    if by.id != proposal.proposed_by:
        require(by, PROPOSAL_NEEDS[proposal.kind].approve)
    _check_open(proposal, now)
    return ProposalDeclined(proposal=proposal.id, by=by.id)


def _check_open(proposal: Proposal, now: datetime) -> None:
    if proposal.standing is not ProposalStanding.OPEN:
        raise WrongState(
            "This proposal was %(standing)s already.", values={"standing": proposal.standing}, reference=TWO_PEOPLE
        )
    if now >= proposal.expires_at:
        raise WrongState("This proposal has expired: propose it anew.", reference=TWO_PEOPLE)


def _effect(
    kind: ProposalKind,
    proposal: ProposalId,
    *,
    target: Staff | None,
    role: Role | None,
    administrators: AbstractSet[StaffId],
) -> tuple[Event, ...]:
    """Give what an approval changes in this stage; other stages follow the approval itself."""
    match kind:
        case ProposalKind.ROLE_GRANT:
            assert target is not None
            assert role is not None
            return (_grant(target, role, proposal),)
        case ProposalKind.ROLE_REVOKE:
            assert target is not None
            assert role is not None
            return (_revoke(target, role, proposal, administrators),)
        case ProposalKind.STAFF_RESTORE:
            assert target is not None
            if target.standing is not StaffStanding.SUSPENDED:
                raise WrongState("This person is not suspended.")
            return (StaffRestored(staff=target.id, proposal=proposal),)
        case ProposalKind.PASSKEY_RESET | ProposalKind.LOOK_ALIKE_HOLDS_ON | ProposalKind.DOMAIN_SIGNAL:
            return ()


def _grant(target: Staff, role: Role, proposal: ProposalId) -> RoleGranted:
    if target.standing is not StaffStanding.ACTIVE:
        raise WrongState("This person is suspended: restore them first.")
    if role in target.roles:
        raise WrongState("This person holds the role already.")
    check_roles(target.roles | {role})
    return RoleGranted(staff=target.id, role=role, proposal=proposal)


def _revoke(target: Staff, role: Role, proposal: ProposalId, administrators: AbstractSet[StaffId]) -> RoleRevoked:
    if role not in target.roles:
        raise WrongState("This person does not hold the role.")
    if role is Role.ADMINISTRATOR and len(administrators - {target.id}) < ADMINISTRATORS_LEAST:
        raise WrongState(
            "Fewer than two administrators would be left, and no role could change again: name one first.",
            reference=TWO_PEOPLE,
        )
    return RoleRevoked(staff=target.id, role=role, proposal=proposal)


# --- API keys ---


def issue_key(
    key: KeyId,
    service: ServiceId,
    scopes: AbstractSet[Scope],
    *,
    life: timedelta,
    match_allowed: bool,
    by: StaffId | None,
    now: datetime,
) -> KeyIssued:
    """Make a key for a service. Matching without a record is a key of its own, where it is allowed at all.

    Raises:
        Malformed: no scope, or a life that is not between one minute and one year.
        RuleBroken: the scope ``match`` is switched off, or asked for beside another.
    """
    if not scopes:
        raise Malformed(
            "Name what the key is for: %(words)s are usual.",
            values={"words": ", ".join(sorted(DEFAULT_SCOPES))},
            reference="scopes",
        )
    if not timedelta(minutes=1) <= life <= KEY_LIFE_MOST:
        raise Malformed("A key lives at least a minute and at most a year.", reference="life")
    if Scope.MATCH in scopes and not match_allowed:
        raise RuleBroken(
            "Matching without a record is switched off on this node: use a key that submits content.",
            reference=MATCH_WITHOUT_RECORD,
        )
    if Scope.MATCH in scopes and len(scopes) > 1:
        raise RuleBroken('A key for "match" is for nothing else: issue two keys.', reference=MATCH_WITHOUT_RECORD)
    return KeyIssued(key=key, service=service, scopes=tuple(sorted(scopes)), expires_at=now + life, by=by)


def revoke_key(key: Key, *, by: StaffId | None) -> KeyRevoked:
    """Stop a key, at once and for good.

    Raises:
        WrongState: revoked already.
    """
    if key.revoked:
        raise WrongState("This key is revoked already.")
    return KeyRevoked(key=key.id, by=by)
