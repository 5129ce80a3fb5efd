"""Pictures sent with a complaint: what is taken in, what is refused and how, who sees it, and what becomes of it."""

import io
import re
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image

from console.console_story import HTML, Removed, first_case, notice_link, picture, vote
from fingerprint.test_decoder import png_of
from running import Running
from tidegate.appeal import store as appeals
from tidegate.appeal.rules import MOST_EVIDENCE, MOST_WORDS
from tidegate.console.public import complaint
from tidegate.db.transaction import Actor, ActorKind, Transaction
from tidegate.kernel.ids import AppealId, ContentId
from tidegate.people import steps
from tidegate.people.model import ProposalKind, Role

WORDS = "Dies ist mein Pressebericht. هذا تقريري."
HIDDEN = b"GPS 47.0001 8.0001 - nobody may read this"
JPEG = b"\xff\xd8\xff"


def photo(kind: str = "JPEG", seed: int = 9, **more: Any) -> bytes:
    random = np.random.default_rng(seed)
    image = Image.fromarray(random.integers(0, 256, (12, 12, 3), dtype=np.uint8)).resize((640, 480))
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def send(node: Running, link: str, *files: bytes, words: str = WORDS, name: str = "card.jpg") -> httpx2.Response:
    """Send the form as a browser does, with files."""
    parts = [("files", (name, data, "image/jpeg")) for data in files] or [("files", ("", b"", "image/jpeg"))]
    return node.public().post(
        f"{link}/complaint", data={"words": words}, files=parts, headers={"origin": node.addresses.public, **HTML}
    )


def appeal_of(node: Running, content: str) -> AppealId | None:
    async def find(tx: Transaction) -> AppealId | None:
        found = await appeals.of_content(tx, ContentId.parse(content))
        return found[-1].id if found else None

    return node.do(find)


def parts_kept(node: Running, content: str) -> dict[str, bytes]:
    """Open everything sealed of the pictures sent about a content."""
    from tidegate.db.sealing import read_bytes

    async def find(tx: Transaction) -> dict[str, bytes]:
        owner = ContentId.parse(content)
        rows = await tx.rows(
            "SELECT part FROM detail WHERE owner = %(owner)s AND part LIKE %(like)s", owner=owner, like="evidence/%"
        )
        return {row["part"]: await read_bytes(tx, owner, row["part"]) or b"" for row in rows}

    return node.do(find)


def said(page: str) -> str:
    """Read a page as text."""
    import html

    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


# --- taken in ---


def test_pictures_reach_the_judges_drawn_anew(node: Running, removed: Removed) -> None:
    exif = Image.Exif()
    exif[0x010E] = HIDDEN.decode()
    sent = [photo(exif=exif), photo("PNG", 2), photo("WEBP", 3), photo("GIF", 4), photo(seed=5) + HIDDEN]
    answer = send(node, removed.link, *sent)
    assert answer.status_code == 303, said(answer.text)
    kept = parts_kept(node, removed.content)
    appeal = appeal_of(node, removed.content)
    assert set(kept) == {f"evidence/{appeal}/{number}" for number in range(1, 6)}
    for data in kept.values():
        assert data.startswith(JPEG)
        assert HIDDEN not in data
        assert data not in sent
        with Image.open(io.BytesIO(data)) as image:
            assert image.size == (640, 480)
            assert not image.getexif()
    judge = node.person(Role.APPEAL_REVIEWER)
    page = judge.get(f"/appeals/{appeal}", headers=HTML)
    assert WORDS in page.text
    for number in range(1, 6):
        address = f"/appeals/{appeal}/evidence/{number}"
        assert address in page.text
        shown = judge.get(address)
        assert shown.status_code == 200
        assert shown.headers["content-type"] == "image/jpeg"
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in shown.headers["content-security-policy"]
        assert shown.content.startswith(JPEG)
        assert shown.content not in kept.values()
    assert "5 pictures came with it." in node.public().get(removed.link, headers=HTML).text


def test_a_large_photograph_stays_legible_and_no_larger(node: Running, removed: Removed) -> None:
    big = Image.fromarray(np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8)).resize((4000, 3000))
    out = io.BytesIO()
    big.save(out, "JPEG", quality=95)
    assert send(node, removed.link, out.getvalue()).status_code == 303
    (kept,) = parts_kept(node, removed.content).values()
    with Image.open(io.BytesIO(kept)) as image:
        assert image.size == (2048, 1536)


def test_no_file_is_needed(node: Running, removed: Removed) -> None:
    assert send(node, removed.link).status_code == 303
    assert parts_kept(node, removed.content) == {}


# --- refused, and nothing lost ---


def html_named_jpg() -> bytes:
    return b"<!doctype html><script>alert(1)</script>" + HIDDEN


def pdf_with_a_picture_in_it() -> bytes:
    return b"%PDF-1.7\n" + photo() + HIDDEN


def svg() -> bytes:
    return b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>' + HIDDEN


def script_that_begins_like_a_gif() -> bytes:
    return b"GIF89a/*" + HIDDEN + b"*/=1;alert(1)"


REFUSED = {
    "an HTML page": (html_named_jpg, 422, "could not be read as a picture"),
    "an SVG": (svg, 422, "could not be read as a picture"),
    "a PDF": (pdf_with_a_picture_in_it, 422, "could not be read as a picture"),
    "a polyglot": (script_that_begins_like_a_gif, 422, "could not be read as a picture"),
    "nothing": (bytes, 422, "could not be read as a picture"),
    "half a picture": (lambda: photo()[:2000], 422, "could not be read as a picture"),
    "too many pixels": (lambda: png_of(60_000, 60_000), 413, "more than 50 million pixels"),
    "too large": (lambda: photo() + bytes(11 * 2**20), 413, "larger than 10 MiB"),
}


@pytest.mark.parametrize("which", REFUSED)
def test_what_is_no_picture_is_refused_and_the_words_stay(node: Running, removed: Removed, which: str) -> None:
    make, status, sentence = REFUSED[which]
    answer = send(node, removed.link, photo(), make(), name="<b>x</b>.jpg")
    assert answer.status_code == status, said(answer.text)
    page = answer.text
    assert sentence in said(page)
    assert "File 2" in page
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;.jpg" in page
    assert re.search(rf"<textarea[^>]*>{re.escape(WORDS)}</textarea>", page)
    assert re.search(r'id="files"[^>]*aria-describedby="files-hint files-wrong"[^>]*aria-invalid="true"', page)
    assert "<script" not in page
    assert appeal_of(node, removed.content) is None
    assert parts_kept(node, removed.content) == {}
    # And the same person mends it.
    assert send(node, removed.link, photo()).status_code == 303


def test_six_files_are_refused(node: Running, removed: Removed) -> None:
    answer = send(node, removed.link, *[photo(seed=number) for number in range(6)])
    assert answer.status_code == 413
    assert "At most 5 pictures" in said(answer.text)
    assert WORDS in answer.text
    assert appeal_of(node, removed.content) is None


def test_a_body_without_end_is_answered_and_not_kept(
    node: Running, removed: Removed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(complaint, "_MOST_READ", 2**20)
    answer = send(node, removed.link, bytes(2 * 2**20))
    assert answer.status_code == 413
    assert "more than can be sent at once" in said(answer.text)
    assert WORDS in answer.text
    assert appeal_of(node, removed.content) is None


@pytest.mark.parametrize("cut", [40, 400, -3])
def test_a_broken_form_gives_back_the_words_it_had(node: Running, removed: Removed, cut: int) -> None:
    head = f'--x\r\nContent-Disposition: form-data; name="words"\r\n\r\n{WORDS}\r\n--x\r\n'.encode()
    file = b'Content-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n' + photo() + b"\r\n--x--\r\n"
    body = (head + file)[:cut]
    answer = node.public().post(
        f"{removed.link}/complaint",
        content=body,
        headers={"content-type": "multipart/form-data; boundary=x", "origin": node.addresses.public, **HTML},
    )
    assert answer.status_code == 422
    assert "broken or breaks off" in said(answer.text)
    assert (WORDS in answer.text) is (cut != 40)
    assert appeal_of(node, removed.content) is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("", "A sentence is enough."),
        (" \r\n ", "A sentence is enough."),
        ("x" * (MOST_WORDS + 1), "longer than 5,000 characters"),
        ("a\x00b", "invisible control characters"),
    ],
)
def test_words_that_cannot_be_taken_stand_in_the_form_again(
    node: Running, removed: Removed, words: str, sentence: str
) -> None:
    answer = send(node, removed.link, photo(), words=words)
    assert answer.status_code == 422
    assert sentence in said(answer.text)
    assert re.search(r'id="words"[^>]*aria-describedby="words-hint words-wrong"[^>]*aria-invalid="true"', answer.text)
    assert words.strip()[:5000] in answer.text
    assert appeal_of(node, removed.content) is None


def test_the_longest_words_are_taken(node: Running, removed: Removed) -> None:
    assert send(node, removed.link, words="\U0001f309" * MOST_WORDS).status_code == 303


def test_sentences_say_the_limits_that_hold() -> None:
    assert f"At most {MOST_EVIDENCE} " in complaint.TOO_MANY
    assert f"{MOST_WORDS:,} characters" in complaint.TOO_MANY_WORDS
    assert f"{complaint.MOST_FILE_BYTES >> 20} MiB" in complaint.TOO_LARGE


def test_trying_too_often_is_refused_with_the_words_kept(node: Running, removed: Removed) -> None:
    answers = [send(node, removed.link, b"no picture", words="Please.") for _ in range(12)]
    assert [answer.status_code for answer in answers[:10]] == [422] * 10
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "tried too often" in said(answers[-1].text)
    assert re.search(r"<textarea[^>]*>Please.</textarea>", answers[-1].text)
    node_other = node.person(Role.APPEAL_REVIEWER)
    assert node_other.get("/appeals", headers=HTML).status_code == 200


def test_another_sites_form_is_refused_unread(node: Running, removed: Removed) -> None:
    answer = node.public().post(
        f"{removed.link}/complaint",
        data={"words": WORDS},
        files=[("files", ("a.jpg", photo(), "image/jpeg"))],
        headers={"origin": "https://elsewhere.example", **HTML},
    )
    assert answer.status_code == 403
    assert appeal_of(node, removed.content) is None


def test_a_program_gets_a_problem_document(node: Running, removed: Removed) -> None:
    answer = node.public().post(
        f"{removed.link}/complaint",
        data={"words": WORDS},
        files=[("files", ("a.jpg", b"no picture", "image/jpeg"))],
        headers={"origin": node.addresses.public, "accept": "application/json"},
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_where_a_form_was_answered_leads_back_to_the_notice(node: Running, removed: Removed) -> None:
    answer = node.public().get(f"{removed.link}/complaint", params={"lang": "zh"}, headers=HTML)
    assert answer.status_code == 303
    assert removed.link.endswith(answer.headers["location"].removesuffix("?lang=zh"))
    assert node.public().get("/notice/x/complaint", headers=HTML).status_code == 404


def test_other_forms_keep_their_own_limit(node: Running) -> None:
    judge = node.person(Role.APPEAL_REVIEWER)
    answer = judge.post(
        "/sign-out", data={"csrf": judge.csrf()}, files=[("files", ("a", bytes(9 * 2**20), "image/jpeg"))]
    )
    assert answer.status_code == 413


# --- who sees it, and what becomes of it ---


def test_who_voted_and_who_does_not_judge_see_nothing_that_was_sent(node: Running, removed: Removed) -> None:
    assert send(node, removed.link, photo()).status_code == 303
    appeal = appeal_of(node, removed.content)
    address = f"/appeals/{appeal}/evidence/1"
    first, second = node.administrators()
    both = removed.voters[0].staff
    proposal = node.do(
        lambda tx: steps.propose(tx, ProposalKind.ROLE_GRANT, staff=both, role=Role.APPEAL_REVIEWER),
        Actor(ActorKind.STAFF, first),
    )
    node.do(lambda tx: steps.approve(tx, proposal), Actor(ActorKind.STAFF, second))
    voted = node.sign_in(both)
    refused = voted.get(address, headers={"accept": "application/json"})
    assert refused.status_code == 403
    assert refused.json()["reference"] == "rule 6"
    page = voted.get(f"/appeals/{appeal}", headers=HTML).text
    assert "/evidence/" not in page
    assert 'name="outcome"' not in page
    others = [node.person(role) for role in (Role.REVIEWER, Role.POLICY_LEAD, Role.LEGAL_OFFICER)]
    for person in [*others, node.sign_in(first)]:
        assert person.get(address, headers={"accept": "application/json"}).status_code == 403
    assert node.client(node.addresses.staff).get(address).status_code == 401
    assert node.public().get(address).status_code == 404
    assert node.public().get(f"{removed.link}/evidence/1").status_code == 404
    assert removed.platform.client.get(address).status_code == 404
    judge, auditor = node.person(Role.APPEAL_REVIEWER), node.person(Role.AUDITOR)
    for person in (judge, auditor):
        assert person.get(address).status_code == 200
    for wrong in ("0", "2", "01", "-1", "1.0", "\u0661", "x"):
        assert judge.get(f"/appeals/{appeal}/evidence/{wrong}", headers=HTML).status_code == 404, wrong


def test_looking_is_recorded(node: Running, removed: Removed) -> None:
    from tidegate.exposure.store import views_of

    assert send(node, removed.link, photo()).status_code == 303
    appeal = appeal_of(node, removed.content)
    assert appeal is not None
    judge = node.person(Role.APPEAL_REVIEWER)
    judge.get(f"/appeals/{appeal}/evidence/1")
    views = node.do(lambda tx: views_of(tx, staff=judge.staff, what=appeal))
    assert len(views) == 1


def test_what_was_sent_is_erased_with_the_content(node: Running, removed: Removed) -> None:
    assert send(node, removed.link, photo()).status_code == 303
    appeal = appeal_of(node, removed.content)
    for judge in [node.person(Role.APPEAL_REVIEWER) for _ in range(2)]:
        judge.submit(f"/appeals/{appeal}/judgements", outcome="upheld", words="It instructs.")
    node.clock.forward(days=184 + 31)
    for _ in range(3):
        node.work()
    assert parts_kept(node, removed.content) == {}
    auditor = node.person(Role.AUDITOR)
    assert auditor.get(f"/appeals/{appeal}/evidence/1", headers=HTML).status_code == 404
    page = auditor.get(f"/appeals/{appeal}", headers=HTML)
    assert page.status_code == 200
    assert "erased" in page.text
    assert WORDS not in page.text
    notice = node.public().get(removed.link, headers=HTML)
    assert notice.status_code == 200
    assert "The reasons were erased" in notice.text
    assert WORDS not in notice.text


def test_a_hold_can_be_contested_with_pictures(node: Running, removed: Removed) -> None:
    held = removed.platform.verdict(picture(), platform_id="again", uploader="another")
    link = notice_link(removed.platform, held["content"])
    assert send(node, link, photo()).status_code == 303
    appeal = appeal_of(node, held["content"])
    judge = node.person(Role.APPEAL_REVIEWER)
    page = said(judge.get(f"/appeals/{appeal}", headers=HTML).text)
    assert "The machine's hold ends: the content is shown again." in page
    # Whoever votes on it meanwhile does not judge it.
    voter = removed.voters[0]
    vote(voter, first_case(voter), words="Still.")
    assert judge.get(f"/appeals/{appeal}/evidence/1").status_code == 200
