"""Forms that did not come from our own pages, and forms that are broken."""

import pytest

from console.console_story import HTML, REMOVE, first_case, flagged, shown_on
from running import Running
from tidegate.console.forms import MOST_BYTES
from tidegate.db.transaction import Transaction
from tidegate.people.model import Role
from tidegate.web.door import Door, Listener, Open


def test_token_of_this_session_is_needed(node: Running) -> None:
    reviewer, other = node.person(Role.REVIEWER), node.person(Role.REVIEWER)
    flagged(node.platform())
    case = first_case(reviewer)
    form = {**REMOVE, "shown": shown_on(reviewer, case)}
    for token in ({}, {"csrf": ""}, {"csrf": "x" * 43}, {"csrf": other.csrf()}):
        answer = reviewer.post(f"/cases/{case}/votes", data={**form, **token}, headers=HTML)
        assert answer.status_code == 403, token
        assert answer.headers["content-type"].startswith("text/html")
    assert 'id="vote"' in reviewer.get(f"/cases/{case}", headers=HTML).text


def test_every_form_of_the_staff_refuses_without_its_sessions_token(node: Running) -> None:
    """None, a wrong one, and a colleague's: refused by every form, before anything is read or changed."""
    everyone = [node.person(Role.AUDITOR), node.sign_in(node.administrators()[0])]
    everyone.append(node.person(Role.SENIOR_REVIEWER, Role.APPEAL_REVIEWER, Role.POLICY_LEAD))
    tokens = {person: person.csrf() for person in everyone}
    posts = [route for route in Door.every if route.listener is Listener.STAFF and route.method == "POST"]
    assert len(posts) > 20
    before = written(node)
    for route in posts:
        if isinstance(route.needs, Open):
            continue
        path = route.path.replace("{", "x").replace("}", "x")
        for person in everyone:
            foreign = next(token for other, token in tokens.items() if other is not person)
            for token in ({}, {"csrf": "x" * 43}, {"csrf": foreign}):
                assert person.post(path, data=token).status_code == 403, (route.path, token)
    assert written(node) == before


def written(node: Running) -> list[int]:
    """Count what any form could have written."""

    async def count(tx: Transaction) -> list[int]:
        rows = await tx.rows(
            """
            SELECT count(*) AS n FROM event UNION ALL SELECT count(*) FROM detail
            UNION ALL SELECT count(*) FROM sign_in_session UNION ALL SELECT count(*) FROM sign_in_link
            UNION ALL SELECT count(*) FROM passkey_challenge UNION ALL SELECT count(*) FROM exposure
            """
        )
        return [int(row["n"]) for row in rows]

    return node.do(count)


def test_sign_in_forms_from_another_site_are_refused(node: Running) -> None:
    client = node.client(node.addresses.staff)
    for path in ("/sign-in/link", "/sign-in/passkey", "/sign-in/passkey/options"):
        for headers in (
            {"origin": "https://elsewhere.example"},
            {"origin": "null"},
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site", "origin": node.addresses.staff},
        ):
            answer = client.post(path, data={"token": "x"}, headers=headers)
            assert answer.status_code == 403, (path, headers)


def test_complaints_from_another_site_are_refused(node: Running) -> None:
    for headers in ({"origin": "https://elsewhere.example"}, {"sec-fetch-site": "cross-site"}):
        answer = node.public().post("/notice/x/complaint", data={"words": "x"}, headers=headers)
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", 422),
        (b"", "multipart/form-data", 422),
        (b"a=1&" * 6000, "application/x-www-form-urlencoded", 422),
        (b"a=" + b"x" * (MOST_BYTES + 1), "application/x-www-form-urlencoded", 413),
        (b"\xff\xfe=\x00", "application/x-www-form-urlencoded", 403),
        (b"{}", "application/json", 403),
    ],
)
def test_broken_forms_are_refused(node: Running, body: bytes, kind: str, status: int) -> None:
    reviewer = node.person(Role.REVIEWER)
    answer = reviewer.post("/sign-out", content=body, headers={"content-type": kind, **HTML})
    assert answer.status_code == status, answer.text
