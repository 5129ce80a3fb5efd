"""The rules of people, without a database: who may hold, propose, approve and be shut out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.kernel.errors import Forbidden, Malformed, RuleBroken, TidegateError, WrongState
from tidegate.kernel.ids import KeyId, ProposalId, ServiceId, StaffId
from tidegate.people import key_text, rules
from tidegate.people.model import (
    INCOMPATIBLE,
    KEY_LIFE_MOST,
    PROPOSAL_LIFE,
    PROPOSAL_NEEDS,
    PROPOSAL_STANDINGS,
    ROLE_PERMISSIONS,
    STAFF_STANDINGS,
    Permission,
    Proposal,
    ProposalKind,
    ProposalStanding,
    Role,
    RoleGranted,
    RoleRevoked,
    Scope,
    Staff,
    StaffStanding,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ACTIVE, SUSPENDED = StaffStanding.ACTIVE, StaffStanding.SUSPENDED


def number(which: int) -> StaffId:
    return StaffId(UUID(int=which))


def someone(which: int, *roles: Role, standing: StaffStanding = ACTIVE) -> Staff:
    return Staff(id=number(which), standing=standing, roles=frozenset(roles))


ADA, BEN, CLEO = (someone(which, Role.ADMINISTRATOR) for which in (1, 2, 3))
NEW = someone(9)
ALL = frozenset({ADA.id, BEN.id, CLEO.id})

GRANT = Proposal(
    id=ProposalId(UUID(int=77)),
    kind=ProposalKind.ROLE_GRANT,
    standing=ProposalStanding.OPEN,
    proposed_by=ADA.id,
    staff=NEW.id,
    role=Role.REVIEWER,
    expires_at=NOW + PROPOSAL_LIFE,
)

role_sets = st.frozensets(st.sampled_from(Role))
staffs = st.builds(Staff, id=st.integers(1, 4).map(number), standing=st.sampled_from(StaffStanding), roles=role_sets)


# --- the tables ---


def test_those_who_give_out_access_and_policy_see_no_content() -> None:
    blind = {Role.ADMINISTRATOR, Role.POLICY_LEAD, Role.LEGAL_OFFICER}
    for role in blind:
        assert Permission.SEE_CONTENT_BYTES not in ROLE_PERMISSIONS[role]
    for role in set(Role) - blind:
        assert Permission.SEE_CONTENT_BYTES in ROLE_PERMISSIONS[role]


def test_only_reviewers_vote_and_only_appeal_reviewers_judge_appeals() -> None:
    holders = {
        wanted: {role for role in Role if wanted in ROLE_PERMISSIONS[role]}
        for wanted in (Permission.VOTE, Permission.JUDGE_APPEAL)
    }
    assert holders[Permission.VOTE] == {Role.REVIEWER, Role.SENIOR_REVIEWER}
    assert holders[Permission.JUDGE_APPEAL] == {Role.APPEAL_REVIEWER}


def test_every_role_and_every_kind_of_proposal_has_its_row() -> None:
    assert set(ROLE_PERMISSIONS) == set(Role)
    assert set(PROPOSAL_NEEDS) == set(ProposalKind)
    assert set(STAFF_STANDINGS) == set(StaffStanding)
    assert set(PROPOSAL_STANDINGS) == set(ProposalStanding)


def test_an_auditor_changes_nothing() -> None:
    changing = {
        Permission.VOTE,
        Permission.JUDGE_APPEAL,
        Permission.IMPORT_SIGNALS,
        Permission.SET_POLICY,
        Permission.APPROVE_POLICY,
        Permission.MANAGE_PEOPLE,
        Permission.APPROVE_PEOPLE,
        Permission.MANAGE_KEYS,
    }
    assert not ROLE_PERMISSIONS[Role.AUDITOR] & changing


def test_no_scope_votes_decides_or_confirms() -> None:
    assert {str(scope) for scope in Scope} == {"content", "flag", "signal_read", "instruction", "match"}
    assert not {str(scope) for scope in Scope} & {str(permission) for permission in Permission}
    assert not any(word in scope for scope in Scope for word in ("vote", "deci", "confirm", "approve", "judge"))


@given(role_sets)
def test_roles_go_together_unless_one_excludes_another(roles: frozenset[Role]) -> None:
    clash = any(INCOMPATIBLE.get(role, frozenset()) & roles for role in roles)
    if clash:
        with pytest.raises(RuleBroken) as refused:
            rules.check_roles(roles)
        assert refused.value.reference == "rule 4"
    else:
        rules.check_roles(roles)
        # Whoever gives out access sees no content, also by way of a second role.
        if Role.ADMINISTRATOR in roles:
            assert Permission.SEE_CONTENT_BYTES not in someone(1, *roles).permissions


@given(role_sets)
def test_a_suspended_person_may_do_nothing(roles: frozenset[Role]) -> None:
    assert someone(1, *roles, standing=SUSPENDED).permissions == frozenset()


# --- two people ---


@given(
    by=staffs,
    proposed_by=staffs,
    target=staffs,
    kind=st.sampled_from([ProposalKind.ROLE_GRANT, ProposalKind.ROLE_REVOKE]),
    role=st.sampled_from(Role),
    standing=st.sampled_from(ProposalStanding),
    hours=st.integers(-1, 30),
    let_in=st.lists(st.tuples(st.integers(1, 4).map(number), st.integers(1, 4).map(number)), max_size=3),
)
def test_whatever_comes_an_approval_means_two_people(
    by: Staff,
    proposed_by: Staff,
    target: Staff,
    kind: ProposalKind,
    role: Role,
    standing: ProposalStanding,
    hours: int,
    let_in: list[tuple[StaffId, StaffId]],
) -> None:
    proposal = replace(GRANT, kind=kind, standing=standing, proposed_by=proposed_by.id, staff=target.id, role=role)
    now = proposal.expires_at - PROPOSAL_LIFE + timedelta(hours=hours)
    try:
        approved, effect = rules.approve(
            proposal, by, proposed_by=proposed_by, target=target, administrators=ALL, let_in=let_in, now=now
        )
    except (Forbidden, RuleBroken, WrongState):
        return
    assert approved.approved_by == by.id != approved.proposed_by == proposed_by.id
    assert target.id != by.id
    assert {Role.ADMINISTRATOR} <= by.roles
    assert {Role.ADMINISTRATOR} <= proposed_by.roles
    assert by.standing is proposed_by.standing is ACTIVE
    assert standing is ProposalStanding.OPEN
    assert now < proposal.expires_at
    assert (by.id, proposed_by.id) not in let_in
    assert (proposed_by.id, by.id) not in let_in
    (happened,) = effect
    assert isinstance(happened, RoleGranted | RoleRevoked)
    if isinstance(happened, RoleGranted):
        rules.check_roles(target.roles | {role})


def approve(proposal: Proposal = GRANT, by: Staff = BEN, **changed: object) -> object:
    arguments: dict[str, object] = {
        "proposed_by": ADA,
        "target": NEW,
        "administrators": ALL,
        "let_in": [],
        "now": NOW,
    }
    return rules.approve(proposal, by, **{**arguments, **changed})  # type: ignore[arg-type]


def test_another_administrator_approves() -> None:
    approved, effect = rules.approve(GRANT, BEN, proposed_by=ADA, target=NEW, administrators=ALL, let_in=[], now=NOW)
    assert approved.proposed_by == ADA.id
    assert approved.approved_by == BEN.id
    assert effect == (RoleGranted(staff=NEW.id, role=Role.REVIEWER, proposal=GRANT.id),)


def test_nobody_approves_their_own_proposal() -> None:
    with pytest.raises(RuleBroken, match="someone else") as refused:
        approve(by=ADA)
    assert refused.value.reference == "rule 4"


def test_nobody_approves_a_change_to_their_own_roles() -> None:
    about_ben = replace(GRANT, staff=BEN.id, role=Role.POLICY_LEAD)
    with pytest.raises(RuleBroken, match="about you") as refused:
        approve(about_ben, target=BEN)
    assert refused.value.reference == "rule 4"


@pytest.mark.parametrize(
    "let_in",
    [
        [(BEN.id, ADA.id)],
        [(ADA.id, BEN.id)],
        [(ADA.id, CLEO.id), (BEN.id, CLEO.id)],
        [(CLEO.id, ADA.id), (BEN.id, CLEO.id)],
    ],
    ids=["approver by proposer", "proposer by approver", "both by a third", "in a chain"],
)
def test_two_who_may_be_one_are_not_two(let_in: list[tuple[StaffId, StaffId]]) -> None:
    with pytest.raises(RuleBroken, match="link"):
        approve(let_in=let_in)


def test_a_link_made_by_someone_else_does_not_matter() -> None:
    approve(let_in=[(BEN.id, CLEO.id), (NEW.id, ADA.id)])


@pytest.mark.parametrize("after", [PROPOSAL_LIFE, PROPOSAL_LIFE + timedelta(days=9)])
def test_an_expired_proposal_is_not_approved(after: timedelta) -> None:
    with pytest.raises(WrongState, match="expired"):
        approve(now=NOW + after)


def test_the_last_moment_still_counts() -> None:
    approve(now=NOW + PROPOSAL_LIFE - timedelta(microseconds=1))


@pytest.mark.parametrize("standing", [ProposalStanding.APPROVED, ProposalStanding.DECLINED])
def test_a_decided_proposal_is_not_decided_again(standing: ProposalStanding) -> None:
    decided = replace(GRANT, standing=standing)
    with pytest.raises(WrongState, match=str(standing)):
        approve(decided)
    with pytest.raises(WrongState, match=str(standing)):
        rules.decline(decided, BEN, now=NOW)


@pytest.mark.parametrize(
    "by", [someone(5), someone(5, Role.POLICY_LEAD), someone(2, Role.ADMINISTRATOR, standing=SUSPENDED)]
)
def test_only_an_active_administrator_approves(by: Staff) -> None:
    with pytest.raises(Forbidden):
        approve(by=by)
    with pytest.raises(Forbidden):
        rules.decline(GRANT, by, now=NOW)


def test_a_proposal_falls_with_its_proposers_rights() -> None:
    with pytest.raises(WrongState, match="anew"):
        approve(proposed_by=someone(1))


def test_one_may_take_ones_own_proposal_back_even_without_the_right_to_approve() -> None:
    assert rules.decline(GRANT, someone(1), now=NOW).by == ADA.id


def test_the_roles_are_checked_again_at_approval() -> None:
    with pytest.raises(RuleBroken):
        approve(target=someone(9, Role.ADMINISTRATOR))
    with pytest.raises(WrongState, match="already"):
        approve(target=someone(9, Role.REVIEWER))
    with pytest.raises(WrongState, match="suspended"):
        approve(target=someone(9, standing=SUSPENDED))


def test_two_administrators_always_remain() -> None:
    revoke = replace(GRANT, kind=ProposalKind.ROLE_REVOKE, staff=CLEO.id, role=Role.ADMINISTRATOR)
    approve(revoke, target=CLEO)
    with pytest.raises(WrongState, match="two administrators"):
        approve(revoke, target=CLEO, administrators={ADA.id, CLEO.id})


def test_what_is_not_held_cannot_be_revoked() -> None:
    with pytest.raises(WrongState, match="does not hold"):
        approve(replace(GRANT, kind=ProposalKind.ROLE_REVOKE))


def test_only_the_suspended_are_restored() -> None:
    with pytest.raises(WrongState, match="not suspended"):
        approve(replace(GRANT, kind=ProposalKind.STAFF_RESTORE, role=None))


def propose(by: Staff, kind: ProposalKind, target: Staff | None = None, role: Role | None = None) -> object:
    return rules.propose(by, kind, GRANT.id, target=target, role=role, administrators=ALL, now=NOW)


@pytest.mark.parametrize("kind", list(ProposalKind))
@pytest.mark.parametrize("role", list(Role))
def test_only_those_a_kind_names_propose_it(kind: ProposalKind, role: Role) -> None:
    needs = PROPOSAL_NEEDS[kind]
    by = someone(8, role)
    if needs.propose in by.permissions:
        return
    with pytest.raises(Forbidden) as refused:
        propose(by, kind, NEW if needs.staff else None, Role.REVIEWER if needs.role else None)
    assert refused.value.reference == needs.propose


@pytest.mark.parametrize(
    ("kind", "target", "role"),
    [
        (ProposalKind.ROLE_GRANT, NEW, None),
        (ProposalKind.ROLE_GRANT, None, Role.REVIEWER),
        (ProposalKind.STAFF_RESTORE, None, None),
        (ProposalKind.STAFF_RESTORE, NEW, Role.REVIEWER),
    ],
)
def test_a_proposal_names_what_it_is_about(kind: ProposalKind, target: Staff | None, role: Role | None) -> None:
    with pytest.raises(Malformed):
        propose(ADA, kind, target, role)


def test_a_proposal_that_could_not_be_carried_out_is_refused_at_once() -> None:
    with pytest.raises(RuleBroken):
        propose(ADA, ProposalKind.ROLE_GRANT, BEN, Role.REVIEWER)


# --- the first two, and shutting out ---


def test_the_first_administrator_is_made_only_while_there_is_nobody() -> None:
    assert rules.bootstrap_first(ADA.id, anyone=False).by is None
    with pytest.raises(WrongState):
        rules.bootstrap_first(ADA.id, anyone=True)


def second(
    target: Staff = NEW, *, by: Staff = ADA, administrators: frozenset[StaffId] | None = None, done: int = 1
) -> object:
    return rules.bootstrap_second(by, target, administrators=administrators or {ADA.id}, bootstrapped=done)


def test_the_first_administrator_names_one_second() -> None:
    second()
    with pytest.raises(RuleBroken, match="once") as refused:
        second(done=2)
    assert refused.value.reference == "rule 4"
    with pytest.raises(RuleBroken, match="once"):
        second(administrators=frozenset({ADA.id, BEN.id}))
    with pytest.raises(RuleBroken, match="someone else"):
        second(ADA)
    with pytest.raises(RuleBroken, match="at once"):
        second(someone(9, Role.REVIEWER))
    with pytest.raises(WrongState):
        second(someone(9, standing=SUSPENDED))
    with pytest.raises(Forbidden):
        second(by=someone(1))


def test_one_administrator_suspends_but_not_the_last_one() -> None:
    assert rules.suspend(ADA, BEN, administrators={ADA.id, BEN.id}).by == ADA.id
    with pytest.raises(WrongState, match="last"):
        rules.suspend(ADA, ADA, administrators={ADA.id})
    with pytest.raises(WrongState, match="already"):
        rules.suspend(ADA, someone(9, standing=SUSPENDED), administrators=ALL)
    with pytest.raises(Forbidden):
        rules.suspend(NEW, BEN, administrators=ALL)


# --- keys, names, addresses ---


def issue(*scopes: Scope, life: timedelta = timedelta(days=30), match_allowed: bool = False) -> object:
    return rules.issue_key(
        KeyId(UUID(int=1)),
        ServiceId(UUID(int=2)),
        frozenset(scopes),
        life=life,
        match_allowed=match_allowed,
        by=ADA.id,
        now=NOW,
    )


def test_matching_without_a_record_is_off_unless_allowed_and_a_key_of_its_own() -> None:
    with pytest.raises(RuleBroken) as refused:
        issue(Scope.MATCH)
    assert refused.value.reference == "rule 12"
    issue(Scope.MATCH, match_allowed=True)
    for other in set(Scope) - {Scope.MATCH}:
        with pytest.raises(RuleBroken) as refused:
            issue(Scope.MATCH, other, match_allowed=True)
        assert refused.value.reference == "rule 12"


@pytest.mark.parametrize("life", [timedelta(0), timedelta(seconds=-1), KEY_LIFE_MOST + timedelta(seconds=1)])
def test_a_key_lives_at_most_a_year(life: timedelta) -> None:
    with pytest.raises(Malformed):
        issue(Scope.CONTENT, life=life)


def test_a_key_is_for_something() -> None:
    with pytest.raises(Malformed):
        issue()


@given(st.binary(min_size=32, max_size=32))
def test_a_key_made_is_a_key_read(random: bytes) -> None:
    text = key_text.make(lambda _length: random)
    assert len(text) == 58
    key_text.hash_of(text)


@given(
    st.binary(min_size=32, max_size=32),
    st.integers(0, 57),
    st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcxyz019_-é \n"),
)
def test_a_mistyped_key_is_no_key(random: bytes, where: int, sign: str) -> None:
    text = key_text.make(lambda _length: random)
    changed = text[:where] + sign + text[where + 1 :]
    if changed != text:
        with pytest.raises(TidegateError, match="not an API key"):
            key_text.hash_of(changed)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://example.org/",
        "https://",
        "https:///path",
        "https://user@example.org/",
        "https://user:word@example.org/",
        "https://example.org/#part",
        "https://example.org:99999/",
        "https://example.org:0/",
        "https://exa mple.org/",
        "https://example.org/\n",
        "https://example.org\\@other.example/",
        "https://[::1/",
        "https://bücher.example/",
        "javascript:alert(1)",
        "https://example.org/" + "a" * 2048,
    ],
)
def test_a_webhook_address_is_plain_http(url: str) -> None:
    with pytest.raises(Malformed) as refused:
        rules.check_webhook_url(url)
    assert refused.value.reference == "webhook_url"


@pytest.mark.parametrize("url", ["https://example.org/hook?a=b", "http://10.0.0.5:8080/", "https://[::1]:8443/x"])
def test_a_good_webhook_address_stays_as_it_is(url: str) -> None:
    assert rules.check_webhook_url(url) == url


@given(st.text())
def test_a_name_is_clean_or_refused(text: str) -> None:
    try:
        name = rules.clean_name(text)
    except Malformed:
        return
    assert name
    assert name == name.strip()
    assert len(name) <= 100
    assert not any(sign in name for sign in "\x00\n\u202e\u200b\ufeff")
    assert rules.clean_name(name) == name
