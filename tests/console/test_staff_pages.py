"""What the other pages of the console do: importing signals, policy, people, keys, instructions, the record."""

import html
import re

import pytest

from console.console_story import HOSTILE, HTML, flagged, picture, remove
from receiving import Receiver, answer
from running import Browser, Running
from tidegate.background.telling import deliver, make_client
from tidegate.console.staff.signal_import import read_list
from tidegate.db.transaction import MACHINE
from tidegate.enforcement import steps as enforcement
from tidegate.enforcement import store as instructions
from tidegate.kernel.errors import Malformed, RuleBroken
from tidegate.kernel.ids import InstructionId
from tidegate.people import steps
from tidegate.people.model import Role
from tidegate.signal import store as signals
from tidegate.signal.formats import Reading
from tidegate.signal.model import Label, Provenance, Standing
from tidegate.verdict import store as verdicts

HEAD = "signal_type,signal_str,collab,category,tags\n"
ONE, TWO = "ab" * 32, "cd" * 32


def page(person: Browser, path: str) -> str:
    answer = person.get(path, headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


# --- signals ---


def test_imported_signals_are_unconfirmed_and_their_values_never_shown(node: Running) -> None:
    lead = node.person(Role.POLICY_LEAD)
    text = HEAD + f"pdq,{ONE},Some list,media,label=instructs\nsha256,{TWO.upper()},Some list,media,incites glorifies\n"
    answer = lead.post(
        "/signals/import", data={"csrf": lead.csrf()}, files={"file": ("list.csv", ("\ufeff" + text).encode())}
    )
    assert answer.status_code == 303, answer.text
    known = node.do(signals.newest)
    assert {signal.value.hex() for signal in known} == {ONE, TWO}
    assert {signal.standing for signal in known} == {Standing.UNCONFIRMED}
    assert {signal.provenance for signal in known} == {Provenance.IMPORT}
    shown = page(lead, str(answer.headers["location"]))
    assert "2 lines were read" in shown
    for value in (ONE, TWO):
        assert value not in shown.lower()
    # The same list again adds nothing; one that is known keeps its standing.
    assert lead.submit("/signals/import", text=text).status_code == 303
    assert len(node.do(signals.newest)) == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"pdq,{TWO},c,media,label=copyright", "Terrorist content only"),
        (f"pdq,{TWO},c,media,instructs copyright", "Terrorist content only"),
        (f"pdq,{TWO},c,media,", "Terrorist content only"),
        (f"pdq,{TWO[:-1]},c,media,instructs", "64 hexadecimal digits"),
        (f"pdq,{'zz' * 32},c,media,instructs", "64 hexadecimal digits"),
        (f"PrivateHash,{TWO},c,media,instructs", "sha256 or pdq"),
    ],
)
def test_a_list_with_a_bad_line_is_refused_whole_naming_the_line(node: Running, line: str, words: str) -> None:
    lead = node.person(Role.POLICY_LEAD)
    answer = lead.submit("/signals/import", text=HEAD + f"pdq,{ONE},c,media,instructs\n{line}\n")
    assert answer.status_code in {403, 422}
    assert "Line 3:" in answer.text
    assert words in answer.text
    # What the value was is in no answer.
    assert TWO[:-1] not in answer.text
    assert node.do(signals.newest) == []


def test_a_refused_list_comes_back_with_every_mistake(node: Running) -> None:
    """Nothing someone pasted is lost, and they need not send it once for each mistake."""
    lead = node.person(Role.POLICY_LEAD)
    text = HEAD + f"pdq,{ONE},c,media,instructs\npdq,short,c,media,instructs\npdq,{TWO},c,media,copyright </textarea>\n"
    answer = lead.post("/signals/import", data={"csrf": lead.csrf(), "text": text}, headers=HTML)
    assert answer.status_code == 422
    for line, words in (("3", "64 hexadecimal digits"), ("4", "Terrorist content only")):
        assert re.search(rf"<strong>Line {line}:</strong> [^<]*{words}", answer.text), line
    assert "Line 2:" not in answer.text
    kept = re.search(r"<textarea[^>]*>(.*?)</textarea>", answer.text, re.DOTALL)
    assert kept
    assert html.unescape(kept[1]).strip() == text.strip()
    assert node.do(signals.newest) == []
    many = HEAD + "pdq,x,c,media,instructs\n" * 500
    assert (
        lead.post("/signals/import", data={"csrf": lead.csrf(), "text": many}, headers=HTML).text.count("<strong>")
        == 100
    )
    whole = lead.post("/signals/import", data={"csrf": lead.csrf(), "text": "a,b\n1,2"}, headers=HTML)
    assert "signal_type, signal_str, tags is missing" in whole.text


def test_signals_are_filtered_and_paged_by_their_position(node: Running) -> None:
    lead = node.person(Role.POLICY_LEAD)
    rows = "".join(
        f"{('pdq', 'sha256')[n % 2]},{n:064x},c,media,{('instructs', 'incites')[n % 2]}\n" for n in range(205)
    )
    assert lead.submit("/signals/import", text=HEAD + rows).status_code == 303

    def shown(path: str) -> list[str]:
        return re.findall(r'href="/signals/(signal_[a-z0-9]{26})"', page(lead, path))

    seen: list[str] = []
    path = "/signals"
    while path:
        text = page(lead, path)
        assert "205 signals pass." in text
        seen += re.findall(r'href="/signals/(signal_[a-z0-9]{26})"', text)
        older = re.findall(r'href="(/signals\?[^"]*before=\d+)">Older', text)
        path = html.unescape(older[0]) if older else ""
    assert len(seen) == len(set(seen)) == 205
    assert seen == [str(signal.id) for signal in node.do(lambda tx: signals.newest(tx, 300))]
    assert "103 signals pass." in page(lead, "/signals?kind=pdq")
    assert "103 signals pass." in page(
        lead, "/signals?label=instructs&standing=unconfirmed&provenance=import&disputed=no"
    )
    assert shown("/signals?disputed=yes") == []
    assert "No signal passes" in page(lead, "/signals?label=incites&kind=pdq")
    older = re.findall(r'href="(/signals\?[^"]*before=\d+)"', page(lead, "/signals?kind=pdq&label=instructs"))
    assert "kind=pdq" in older[0]
    assert "label=instructs" in older[0]
    for bad in ("kind=md5", "before=x", "before=-1", "disputed=perhaps", "label=copyright", f"before={'9' * 30}"):
        assert lead.get(f"/signals?{bad}", headers=HTML).status_code == 422, bad


def test_a_signals_page_says_what_it_rests_on_and_never_its_value(node: Running) -> None:
    platform = node.platform()
    reviewers = [node.person(Role.REVIEWER), node.person(Role.SENIOR_REVIEWER)]
    content = flagged(platform)
    remove(node, platform, reviewers, content)
    held = platform.verdict(picture(), platform_id="again", uploader="another")
    assert held["verdict"] == "hold"
    exact = next(signal for signal in node.do(signals.newest) if signal.kind == "sha256")
    senior, lead = reviewers[1], node.person(Role.POLICY_LEAD)
    text = page(senior, f"/signals/{exact.id}")
    assert f'href="/decisions/{exact.decision}"' in text
    assert "<dt>of them held by a machine</dt><dd>1</dd>" in text
    assert "added" in text
    assert "confirmed by our people" in text
    for reader in (senior, lead, node.person(Role.AUDITOR)):
        text = page(reader, f"/signals/{exact.id}")
        assert exact.value.hex() not in text.lower()
        assert ("/cases/" in text) is (reader is not lead)
        assert ("/record?about=" in text) is (reader not in {senior, lead})
    assert reviewers[0].get(f"/signals/{exact.id}").status_code == 403
    assert lead.get(f"/signals/signal_{'0' * 26}", headers=HTML).status_code == 404
    assert lead.get("/signals/nonsense", headers=HTML).status_code == 422


def test_other_columns_are_dropped_unread() -> None:
    text = f"tags,religion,signal_str,signal_type,uploader\nincites,whatever,{ONE},PDQ,someone\n"
    (row,), _ = read_list(text, Reading(labels_in_tags=True))
    assert row.labels == (Label.INCITES,)
    assert not hasattr(row, "religion")


@pytest.mark.parametrize("text", ["", "signal_type,signal_str\n", HEAD, HEAD + 'pdq,"' + ONE, HEAD + f"pdq,{ONE}\n"])
def test_lists_that_do_not_read(text: str) -> None:
    with pytest.raises((Malformed, RuleBroken)):
        read_list(text, Reading(labels_in_tags=True))


def test_only_a_policy_lead_imports(node: Running) -> None:
    for role in (Role.SENIOR_REVIEWER, Role.AUDITOR):
        person = node.person(role)
        assert "/signals/import" not in page(person, "/signals")
        assert person.get("/signals/import").status_code == 403
        assert person.submit("/signals/import", text=HEAD).status_code == 403


def test_look_alike_holds_take_two_on_and_one_off(node: Running) -> None:
    first, second = node.person(Role.POLICY_LEAD, name="First"), node.person(Role.POLICY_LEAD, name="Second")

    def is_on() -> bool:
        return node.do(lambda tx: tx.answer(verdicts.look_alike_holds()))

    assert first.submit("/policy/look-alike-holds", switch="on").status_code == 303
    assert not is_on()
    proposal = re.findall(r"proposal_[a-z0-9]{26}", page(second, "/signals"))[0]
    assert f'action="/policy/proposals/{proposal}/approve"' not in page(first, "/signals")
    assert first.submit(f"/policy/proposals/{proposal}/approve").status_code == 403
    assert node.sign_in(node.administrators()[0]).submit(f"/people/proposals/{proposal}/approve").status_code == 403
    assert not is_on()
    assert second.submit(f"/policy/proposals/{proposal}/approve").status_code == 303
    assert is_on()
    assert "Machines may hold look-alikes" in page(first, "/signals")
    assert second.submit("/policy/look-alike-holds", switch="off").status_code == 303
    assert not is_on()
    assert second.submit("/policy/look-alike-holds", switch="maybe").status_code == 422


# --- people ---


def test_first_administrator_makes_the_second_and_then_it_takes_two(node: Running) -> None:
    first_id = node.do(lambda tx: steps.bootstrap(tx, "First"), MACHINE)
    first = node.sign_in(first_id)
    assert first.submit("/people", name="Second").status_code == 303
    shown = page(first, "/people")
    second_id = next(staff for staff in re.findall(r"staff_[a-z0-9]{26}", shown) if staff != str(first_id))
    assert "You are the only administrator" in shown
    assert f'action="/people/{second_id}/administrator"' in page(first, f"/people/{second_id}")
    assert first.submit(f"/people/{second_id}/administrator").status_code == 303
    assert "/administrator" not in page(first, f"/people/{second_id}")
    linked = first.submit(f"/people/{second_id}/link")
    token = re.findall(r"token=([A-Za-z0-9_-]{43})", linked.text)[0]
    second = node.client(node.addresses.staff)
    assert second.post("/sign-in/link", data={"token": token}).status_code == 303
    assert "People" in second.get("/", headers=HTML).text
    assert token not in page(first, "/people")

    first.submit("/people", name="Third")
    everyone = set(re.findall(r"staff_[a-z0-9]{26}", page(first, "/people")))
    (third_id,) = everyone - {str(first_id), second_id}
    assert first.submit(f"/people/{third_id}/roles", role="reviewer", change="grant").status_code == 303
    proposal = re.findall(r"proposal_[a-z0-9]{26}", page(first, "/people"))[0]
    assert first.submit(f"/people/proposals/{proposal}/approve").status_code == 403
    assert "reviewer" in page(first, "/people")


def test_roles_are_given_by_two_and_taken_by_two(node: Running) -> None:
    first, second = (node.sign_in(staff) for staff in node.administrators())
    someone = node.hire(name=HOSTILE[:40])
    assert "<script>alert" not in page(first, "/people")
    for change in ("grant", "revoke"):
        assert first.submit(f"/people/{someone}/roles", role="auditor", change=change).status_code == 303
        proposal = re.findall(r"proposals/(proposal_[a-z0-9]{26})/approve", page(second, "/people"))[0]
        assert second.submit(f"/people/proposals/{proposal}/approve").status_code == 303
    first.submit(f"/people/{someone}/roles", role="reviewer", change="grant")
    proposal = re.findall(r"proposals/(proposal_[a-z0-9]{26})/decline", page(second, "/people"))[0]
    assert second.submit(f"/people/proposals/{proposal}/decline").status_code == 303
    assert second.submit(f"/people/proposals/{proposal}/approve").status_code == 409
    assert first.submit(f"/people/{someone}/suspend").status_code == 303
    assert first.submit(f"/people/{someone}/link").status_code == 409
    assert first.submit(f"/people/{someone}/restore").status_code == 303
    assert first.submit(f"/people/{someone}/roles", role="king", change="grant").status_code == 422


# --- keys ---


def test_key_is_shown_once_and_opens_the_api(node: Running) -> None:
    administrator = node.sign_in(node.administrators()[0])
    added = administrator.submit("/services", name="A <i>platform</i>", webhook_url="https://example.org/hook")
    assert added.status_code == 303
    shown = page(administrator, "/keys")
    assert "A &lt;i&gt;platform&lt;/i&gt;" in shown
    service = re.findall(r"service_[a-z0-9]{26}", shown)[0]
    issued = administrator.submit(
        f"/services/{service}/keys", label="First", days="30", scopes=["content", "instruction"]
    )
    text = re.findall(r'<code id="new-key">(tidegate_[^<]+)</code>', issued.text)[0]
    assert issued.headers["cache-control"] == "no-store"
    assert text not in page(administrator, "/keys")
    api = node.client(node.addresses.platform, headers={"authorization": f"Bearer {text}"})
    assert api.get("/v1/instructions").status_code == 200
    key = re.findall(r"/keys/(key_[a-z0-9]{26})/revoke", page(administrator, "/keys"))[0]
    assert administrator.submit(f"/keys/{key}/revoke").status_code == 303
    assert api.get("/v1/instructions").status_code == 401
    changed = administrator.submit(f"/services/{service}", name="Renamed", webhook_url="")
    assert changed.status_code == 303
    for bad in (
        {"days": "x"},
        {"days": "0"},
        {"days": "9999"},
        {"scopes": "everything"},
        {"scopes": "match"},
        {"scopes": ""},
    ):
        form = {"label": "x", "days": "30", "scopes": "content", **bad}
        assert administrator.submit(f"/services/{service}/keys", **form).status_code in {403, 422}, bad
    assert administrator.submit("/services", name="x", webhook_url="javascript:alert(1)").status_code == 422


# --- instructions ---


def test_dead_letter_is_sent_again_by_those_who_look_after_services(node: Running) -> None:
    platform = node.platform()
    people = [node.person(Role.REVIEWER), node.person(Role.REVIEWER)]
    remove(node, platform, people, flagged(platform))
    (given,) = node.do(instructions.newest)
    node.do(lambda tx: enforcement.mark_undelivered(tx, given.id))
    administrator, auditor = node.sign_in(node.administrators()[0]), node.person(Role.AUDITOR)
    assert 'id="dead-letters"' in page(auditor, "/instructions")
    assert "/resend" not in page(auditor, "/instructions")
    assert auditor.submit(f"/instructions/{given.id}/resend").status_code == 403
    assert f'action="/instructions/{given.id}/resend"' in page(administrator, "/instructions")
    assert administrator.submit(f"/instructions/{given.id}/resend").status_code == 303
    assert 'id="dead-letters"' not in page(administrator, "/instructions")
    # Pressed twice, it is sent once.
    assert administrator.submit(f"/instructions/{given.id}/resend").status_code == 303
    events = node.do(lambda tx: tx.rows("SELECT 1 FROM event WHERE kind = 'enforcement.resent'"))
    assert len(events) == 1


async def carried(node: Running, instruction: InstructionId) -> None:
    """Try once to deliver, as the worker's job does."""
    async with make_client(node.node) as client:
        await deliver(node.node, client, instruction)


def test_dead_letters_say_why_and_are_sent_again_together(node: Running) -> None:
    """The worker tries for three days; then people see what the platform answered."""
    receiver = Receiver()
    receiver.behave = lambda handler, _data: answer(handler, 503, b"")
    try:
        platform, other = node.platform(webhook_url=receiver.url), node.platform()
        people = [node.person(Role.REVIEWER), node.person(Role.REVIEWER)]
        first = flagged(platform)
        remove(node, platform, people, first)
        (given,) = node.do(instructions.newest)
        node.clock.forward(days=3, hours=1)
        node.loop.run(carried(node, given.id))
    finally:
        receiver.stop()
    administrator, auditor = node.sign_in(node.administrators()[0]), node.person(Role.AUDITOR)
    text = page(administrator, "/instructions")
    assert "it answered with another status than 200 (503)" in text
    assert "tried 2 times" in text
    (letter,) = node.do(instructions.dead_letters)
    shown = page(auditor, f"/instructions/{letter.id}")
    assert "not yet" in shown
    assert first in shown
    assert "/notice/" not in shown
    assert auditor.submit(f"/services/{platform.service}/resend").status_code == 403
    assert administrator.submit(f"/services/{other.service}/resend").headers["location"] == "/instructions?resent=0"
    assert administrator.submit(f"/services/{platform.service}/resend").headers["location"] == "/instructions?resent=1"
    assert administrator.submit(f"/services/{platform.service}/resend").headers["location"] == "/instructions?resent=0"
    assert administrator.submit(f"/services/service_{'0' * 26}/resend").status_code == 404
    platform.client.post(f"/v1/instructions/{letter.id}/acknowledgement", json={"applied": True})
    assert "the platform says it did it" in page(auditor, f"/instructions/{letter.id}")


def test_instructions_are_filtered_and_paged(node: Running) -> None:
    platform = node.platform()
    people = [node.person(Role.REVIEWER), node.person(Role.REVIEWER)]
    remove(node, platform, people, flagged(platform))
    for number in range(3):
        platform.verdict(picture(), platform_id=f"again-{number}", uploader=f"user-{number}")
    auditor = node.person(Role.AUDITOR)

    def shown(query: str) -> int:
        table = page(auditor, f"/instructions?{query}").partition('aria-label="Instructions"')[2]
        return len(re.findall(r'<a href="/instructions/instruction_', table))

    assert shown("") == 4
    assert shown("action=hold") == 3
    assert shown("action=remove&state=waiting") == 1
    assert shown(f"service={platform.service}&state=waiting") == 4
    assert shown("state=undelivered") == 0
    assert shown("before=3") == 2
    for bad in ("state=lost", "action=x", "service=x", "before=x"):
        assert auditor.get(f"/instructions?{bad}", headers=HTML).status_code == 422, bad
