"""Words before someone's eyes: what matched is marked, nothing can be clicked, and each look is recorded."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.console_story import HOSTILE, HTML, first_case
from running import Browser, Platform, Running
from tidegate.console.staff.reading import MOST_SHOWN, window_of
from tidegate.db.transaction import Transaction
from tidegate.exposure import store as exposure
from tidegate.kernel.ids import StaffId
from tidegate.people.model import Role

KNOWN = (
    "The bridge over the old harbour was built by hand in a single summer, plank by plank, by people who had never "
    "built anything before. Every rope was counted twice, and every nail was paid for by somebody in town."
)


def reported(platform: Platform, data: bytes, kind: str, **metadata: str) -> str:
    """Have someone report words nobody knows, and the platform send them."""
    content = str(platform.verdict(data, kind=kind, **metadata)["content"])
    assert platform.client.post("/v1/flags", json={"content": content, "reporter": "r"}).status_code == 201
    assert platform.client.put(f"/v1/content/{content}/bytes", content=data).status_code == 204
    return content


def looks(node: Running, person: Browser) -> int:
    async def read(tx: Transaction) -> int:
        return len(await exposure.looks_since(tx, StaffId(person.staff.value), tx.now - timedelta(days=1)))

    return node.do(read)


def place_of(person: Browser, content: str) -> str:
    return f"/cases/{first_case(person)}/content/{content}/words"


def test_a_text_is_shown_on_asking_with_what_matched_marked(node: Running) -> None:
    lead, reviewer = node.person(Role.POLICY_LEAD), node.person(Role.REVIEWER)
    list_ = f'signal_type,signal_str,tags\nraw_text,"{KNOWN}",incites\n'
    assert lead.submit("/signals/import", text=list_).status_code == 303
    platform = node.platform()
    disguised = KNOWN.upper().replace("O", "\u041e")
    text = f"{HOSTILE}\n\u0645\u0631\u062d\u0628\u0627 {disguised} \U0001f600 and so on."
    content = platform.verdict(text.encode(), kind="text", platform_id="post", uploader="someone")["content"]
    page = reviewer.get(f"/cases/{first_case(reviewer)}", headers=HTML).text
    assert "HARBOUR" not in page
    assert f"/content/{content}/words" in page
    assert looks(node, reviewer) == 0
    shown = reviewer.get(place_of(reviewer, content), headers=HTML)
    assert shown.status_code == 200
    assert looks(node, reviewer) == 1
    assert f"<mark>{disguised[:-1]}</mark>" in shown.text
    assert 'dir="auto"' in shown.text
    assert "<script>alert" not in shown.text
    assert "&lt;script&gt;alert(1)" in shown.text
    assert "<html" in shown.text
    part = reviewer.get(place_of(reviewer, content), headers={**HTML, "hx-request": "true"})
    assert "<html" not in part.text
    assert "<mark>" in part.text


def test_a_link_is_plain_text_with_its_host_standing_out(node: Running) -> None:
    platform, reviewer = node.platform(), node.person(Role.REVIEWER)
    content = reported(platform, "HTTPS://museum.example@B\u00dcCHER.example/P\u00e4th?q".encode(), "link")
    shown = reviewer.get(place_of(reviewer, content), headers={**HTML, "hx-request": "true"}).text
    assert "https://<strong>xn--bcher-kva.example</strong>/P%C3%A4th?q" in shown
    assert "b\u00fccher.example" in shown
    assert "HTTPS://museum.example@B\u00dcCHER.example/P\u00e4th?q" in shown
    assert "<a" not in shown
    assert "<mark>" not in shown


def test_only_who_may_see_bytes_may_read(node: Running) -> None:
    platform, reviewer = node.platform(), node.person(Role.REVIEWER)
    content = reported(platform, KNOWN.encode(), "text")
    place = place_of(reviewer, content)
    for role in (Role.POLICY_LEAD, Role.LEGAL_OFFICER):
        assert node.person(role).get(place, headers=HTML).status_code == 403
    assert reviewer.get(place.replace("/words", "/words?start=x"), headers=HTML).status_code == 422
    assert reviewer.get(place.replace("/words", "/words?start=99999"), headers=HTML).status_code == 200


def test_who_looked_enough_reads_no_more(node: Running) -> None:
    platform, reviewer = node.platform(), node.person(Role.REVIEWER)
    content = reported(platform, KNOWN.encode(), "text")
    place = place_of(reviewer, content)
    read = 0
    while reviewer.get(place, headers=HTML).status_code == 200:
        read += 1
        assert read < 1000
    assert reviewer.get(place, headers=HTML).status_code == 429
    assert looks(node, reviewer) == read
    part = reviewer.get(place, headers={**HTML, "hx-request": "true"})
    assert "You can look again from" in part.text
    assert "harbour" not in part.text


def test_a_picture_is_not_read_and_words_are_no_picture(node: Running) -> None:
    platform, reviewer = node.platform(), node.person(Role.REVIEWER)
    content = reported(platform, KNOWN.encode(), "text")
    place = place_of(reviewer, content)
    assert reviewer.get(place.replace("/words", "/picture")).status_code == 409
    assert looks(node, reviewer) == 1


def test_what_is_no_text_says_so(node: Running) -> None:
    platform, reviewer = node.platform(), node.person(Role.REVIEWER)
    content = reported(platform, b"caf\xe9 and more", "text")
    answer = reviewer.get(place_of(reviewer, content), headers={**HTML, "hx-request": "true"})
    assert "no text in UTF-8" in answer.text


# --- windows ---


@given(
    st.text(max_size=60),
    st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=4),
    st.one_of(st.none(), st.integers(0, 80)),
)
def test_a_window_shows_every_character_once(text: str, matched: list[tuple[int, int]], start: int | None) -> None:
    window = window_of(text, matched, start)
    assert "".join(part.text for part in window.parts) == text[window.start : window.end]
    at = window.start
    for part in window.parts:
        inside = [any(begin <= place < end for begin, end in matched) for place in range(at, at + len(part.text))]
        assert set(inside) <= {part.marked}
        at += len(part.text)


def test_a_long_text_begins_shortly_before_what_matched() -> None:
    text = "a" * 100_000
    window = window_of(text, [(60_000, 60_100)], None)
    assert window.start < 60_000 < window.end == window.start + MOST_SHOWN
    assert window.before is not None
    assert window.after == window.end
    assert window_of(text, [], None).start == 0
    assert window_of(text, [(10, 20)], None).start == 0
    last = window_of(text, [], 99_999)
    assert (last.end, last.after) == (100_000, None)


@pytest.mark.parametrize("text", ["", "a"])
def test_a_short_text_is_one_window(text: str) -> None:
    window = window_of(text, [(0, 5)], 7)
    assert (window.before, window.after) == (None, None)
