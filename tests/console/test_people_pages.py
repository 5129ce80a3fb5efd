"""The pages of people and keys: ending sessions at once, roles explained before they are refused, keys that run out."""

import re
from datetime import timedelta

from console.console_story import HTML
from running import Browser, Running
from tidegate.console.staff.people import offers
from tidegate.kernel.errors import RuleBroken
from tidegate.people import sign_in, steps
from tidegate.people.model import Role
from tidegate.people.rules import check_roles


def page(person: Browser, path: str) -> str:
    answer = person.get(path, headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_an_administrator_ends_someones_sessions_at_once(node: Running) -> None:
    administrator = node.sign_in(node.administrators()[0])
    reviewer, other = node.person(Role.REVIEWER, name="Lost Laptop"), node.person(Role.REVIEWER)
    second = node.sign_in(reviewer.staff)
    unused = node.do(lambda tx: sign_in.make_link(tx, reviewer.staff))
    path = f"/people/{reviewer.staff}"
    shown = page(administrator, path)
    assert shown.count("<td>one-time link</td>") == 2
    for browser in (reviewer, second):
        assert browser.cookies[node.node.session_cookie] not in shown
        assert browser.csrf() not in shown
    assert administrator.submit(f"{path}/sessions/end").headers["location"] == path
    assert [browser.get("/").status_code for browser in (reviewer, second, other)] == [401, 401, 200]
    assert "Not signed in just now." in page(administrator, path)
    stranger = node.client(node.addresses.staff)
    assert stranger.post("/sign-in/link", data={"token": unused}).status_code == 401
    # They may sign in again: this takes no role away.
    assert node.sign_in(reviewer.staff).get("/queue").status_code == 200
    record = page(node.person(Role.AUDITOR), f"/record?about={reviewer.staff}")
    assert "people.sessions_ended" in record


def test_only_an_administrator_ends_others_sessions(node: Running) -> None:
    victim = node.person(Role.REVIEWER)
    for role in Role:
        if role is not Role.ADMINISTRATOR:
            assert node.person(role).submit(f"/people/{victim.staff}/sessions/end").status_code == 403, role
            assert node.person(role).get(f"/people/{victim.staff}").status_code == 403, role
    assert victim.get("/").status_code == 200
    administrator = node.sign_in(node.administrators()[0])
    assert administrator.submit(f"/people/staff_{'0' * 26}/sessions/end").status_code == 404


def test_what_a_role_excludes_is_said_before_it_is_refused() -> None:
    """What the page offers is exactly what the rules accept."""
    for held in Role:
        for offer in offers({held}):
            try:
                check_roles({held, offer.role})
            except RuleBroken:
                assert offer.clash is held, (held, offer)
            else:
                assert offer.clash is None, (held, offer)


def test_a_person_says_who_they_are_and_what_was_proposed(node: Running) -> None:
    first, second = (node.sign_in(staff) for staff in node.administrators())
    reviewer = node.hire(Role.REVIEWER, name="Someone New")
    path = f"/people/{reviewer}"
    shown = page(first, path)
    assert "Not together with “reviewer”" in shown
    assert not re.search(r'name="role" value="administrator"', shown)
    assert "approved" in shown
    assert first.submit(f"{path}/roles", role="appeal_reviewer", change="grant").headers["location"] == path
    mine, theirs = page(first, path), page(second, path)
    assert "You proposed it: someone else must approve it." in mine
    assert "/approve" not in mine
    assert re.search(r'action="/people/proposals/proposal_[a-z0-9]{26}/approve"', theirs)
    assert "First administrator" in theirs
    listed = page(first, "/people")
    assert f'href="{path}"' in listed
    assert "Take it back" in listed
    assert first.submit(f"{path}/suspend").status_code == 303
    assert "Propose to restore" in page(first, path)


def test_keys_say_how_they_stand(node: Running) -> None:
    administrator = node.sign_in(node.administrators()[0])
    service = node.do(lambda tx: steps.add_service(tx, "A platform"))

    def issue(label: str, days: int) -> str:
        key, text = node.do(lambda tx: steps.issue_key(tx, service, label=label, life=timedelta(days=days)))
        used = node.client(node.addresses.platform, headers={"authorization": f"Bearer {text}"})
        assert used.get("/v1/instructions").status_code == 200
        return str(key)

    made = {label: issue(label, days) for label, days in (("long", 300), ("soon", 20), ("gone", 5), ("stopped", 300))}
    assert administrator.submit(f"/keys/{made['stopped']}/revoke").status_code == 303
    node.clock.forward(days=10)
    shown = page(node.sign_in(node.administrators()[0]), "/keys")
    for label, words in (("long", "works"), ("soon", "expires soon"), ("gone", "expired"), ("stopped", "revoked")):
        row = shown.partition(f'<tr id="{made[label]}">')[2].partition("</tr>")[0]
        assert f">{words}</span>" in row, label
        assert ("/revoke" in row) is (label != "stopped")
    assert "no webhook" in shown
