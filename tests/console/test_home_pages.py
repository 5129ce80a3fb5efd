"""The first page by role, the policy beside its floor, and that no role sees more than it should."""

import re

from console.console_story import HTML, complain, first_case, flagged, picture, remove, vote
from running import Browser, Nodes, Running
from tidegate.console.staff.policy import FIXED, NUMBERS
from tidegate.console.words import WORDS
from tidegate.db.transaction import MACHINE
from tidegate.people import steps
from tidegate.people.model import ROLE_PERMISSIONS, Permission, Role
from tidegate.settings import Settings


def page(person: Browser, path: str = "/") -> str:
    answer = person.get(path, headers=HTML)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


def test_each_role_reads_what_waits_for_it(node: Running) -> None:
    platform = node.platform()
    voters = [node.person(Role.REVIEWER), node.person(Role.REVIEWER)]
    content = flagged(platform, caption="Words of a user")
    assert "1 case waits for your vote" in page(voters[0])
    link = remove(node, platform, voters, content)
    assert "0 cases wait for your vote" in page(voters[0])
    assert complain(node, link).status_code == 303
    assert platform.verdict(picture(), platform_id="again", uploader="another")["verdict"] == "hold"
    judge = node.person(Role.APPEAL_REVIEWER)
    assert "1 complaint is open that you have not judged" in page(judge)
    assert "waits for your vote" not in page(judge)
    node.clock.forward(hours=23, minutes=30)
    reviewer = node.sign_in(voters[0].staff)
    assert "1 case waits for your vote" in page(reviewer)
    assert "within the hour" in page(reviewer)
    case = first_case(reviewer)
    assert vote(reviewer, case).status_code == 303
    # What one voted on waits for others.
    assert "0 cases wait for your vote" in page(reviewer)
    node.clock.forward(days=14)
    assert ">late</span>" in page(node.sign_in(judge.staff))
    administrator = node.sign_in(node.administrators()[0])
    for words in ("case waits", "complaint is open", "Words of a user", 'href="/queue', 'href="/appeals'):
        assert words not in page(administrator)
    assert "does not take orders or referrals yet" in page(node.person(Role.LEGAL_OFFICER))
    assert "two administrators give you one" in page(node.sign_in(node.hire()))


def test_proposals_wait_for_the_second_person_only(node: Running) -> None:
    first, second = (node.sign_in(staff) for staff in node.administrators())
    staff = node.hire()
    assert first.submit(f"/people/{staff}/roles", role="reviewer", change="grant").status_code == 303
    assert "as the second person" not in page(first)
    assert "1 proposal waits for you as the second person" in page(second)
    assert "give the role: reviewer" in page(second)
    lead = node.person(Role.POLICY_LEAD)
    assert "as the second person" not in page(lead)
    assert node.person(Role.POLICY_LEAD).submit("/policy/look-alike-holds", switch="on").status_code == 303
    assert "1 proposal waits for you as the second person" in page(lead)
    assert "1 proposal waits" in page(second)


def test_a_new_administrator_is_shown_the_first_steps(node: Running) -> None:
    first = node.sign_in(node.do(lambda tx: steps.bootstrap(tx, "First"), MACHINE))
    shown = page(first)
    assert "First steps" in shown
    assert shown.count(">to do</span>") == len(WORDS["first_step"])
    for path in ("/people", "/keys", "/account"):
        assert f'href="{path}"' in shown


def test_policy_shows_what_holds_and_the_floor(nodes: Nodes) -> None:
    node = nodes.start(wide_reach=5000, undo_seconds=30)
    for role in Role:
        person = node.sign_in(node.administrators()[0]) if role is Role.ADMINISTRATOR else node.person(role)
        allowed = role in {Role.POLICY_LEAD, Role.ADMINISTRATOR, Role.AUDITOR}
        assert person.get("/policy").status_code == (200 if allowed else 403), role
    shown = page(node.person(Role.POLICY_LEAD), "/policy")
    row = shown.partition(WORDS["policy"]["wide_reach"])[2].partition("</tr>")[0]
    assert re.findall(r'<td class="number">([^<]+)</td>', row) == ["5,000", "100,000", "100,000"]
    assert "TIDEGATE_WIDE_REACH" in row
    assert "30 seconds" in shown
    assert "<form" not in shown.partition("<main")[2].partition("</main>")[0]


def test_policy_names_settings_that_are_there() -> None:
    assert {number.setting for number in NUMBERS} <= set(Settings.model_fields)
    assert {number.setting for number in NUMBERS} | {number.word for number in FIXED} == set(WORDS["policy"])
    assert {number.rule for number in (*NUMBERS, *FIXED) if number.rule} <= set(WORDS["floor_rule"])


def test_roles_are_those_of_the_design() -> None:
    """Read it aloud: who sees content, who changes what, who does nothing but read."""
    content = {Permission.SEE_CASE, Permission.SEE_CONTENT_BYTES, Permission.SEE_APPEAL}
    for role in (Role.ADMINISTRATOR, Role.POLICY_LEAD, Role.LEGAL_OFFICER):
        assert not ROLE_PERMISSIONS[role] & content, role
    changing = {
        Permission.VOTE, Permission.JUDGE_APPEAL, Permission.IMPORT_SIGNALS, Permission.SET_POLICY,
        Permission.APPROVE_POLICY, Permission.MANAGE_PEOPLE, Permission.APPROVE_PEOPLE, Permission.MANAGE_KEYS,
    }  # fmt: skip
    assert not ROLE_PERMISSIONS[Role.AUDITOR] & changing
    assert ROLE_PERMISSIONS[Role.LEGAL_OFFICER] == frozenset()
    only = {Permission.VOTE: {Role.REVIEWER, Role.SENIOR_REVIEWER}, Permission.JUDGE_APPEAL: {Role.APPEAL_REVIEWER}}
    for permission, roles in only.items():
        assert {role for role in Role if permission in ROLE_PERMISSIONS[role]} == roles
