"""Signals: the list without values, importing, and whether look-alikes may be held.

May decide: how an imported list is read. Every row is added unconfirmed (floor rule 15), under labels of the closed
list (floor rule 14), and columns we have no word for are dropped unread (floor rule 10).
"""

import csv
import io
from dataclasses import dataclass

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from tidegate.console.door import Pages
from tidegate.console.forms import text_in
from tidegate.console.pages import render
from tidegate.db.transaction import Transaction
from tidegate.kernel.errors import Malformed, RuleBroken, TidegateError
from tidegate.people import steps as people
from tidegate.people import store as people_store
from tidegate.people.model import Permission, ProposalKind
from tidegate.signal import rules, steps, store
from tidegate.signal.model import FingerprintKind, Label, Provenance
from tidegate.verdict import steps as verdicts
from tidegate.verdict import store as verdict_store
from tidegate.web.door import Listener, node_of, session_of, staff

door = Pages(Listener.STAFF)

MOST_ROWS = 10_000
_NEEDED = ("signal_type", "signal_str", "tags")
#: python-threatexchange names what its list is of; ours are the two kinds of a picture.
_KINDS = {"pdq": "pdq", "sha256": "sha256", "sha-256": "sha256"}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a list that is good to add."""

    kind: FingerprintKind
    value: bytes
    labels: tuple[Label, ...]


@door.get("/signals", needs=Permission.SEE_SIGNALS)
async def signals_page(request: Request) -> Response:
    """List signals, newest change first, never their values."""

    async def read(tx: Transaction) -> dict[str, object]:
        proposals = await people_store.open_proposals(tx)
        return {
            "known": await store.newest(tx),
            "position": await store.position(tx),
            "look_alike_holds": await verdict_store.look_alike_holds(tx),
            "proposals": [
                (proposal, await people_store.name_of(tx, proposal.proposed_by))
                for proposal in proposals
                if proposal.kind is ProposalKind.LOOK_ALIKE_HOLDS_ON
            ],
        }

    added = request.query_params.get("added", "")
    shown = await node_of(request).run(staff(request), read)
    return render(
        request, "staff/signals.html", added=int(added) if added.isdecimal() and len(added) < 7 else None, **shown  # noqa: PLR2004
    )  # fmt: skip


@door.post("/signals/import", needs=Permission.IMPORT_SIGNALS)
async def import_signals(request: Request) -> Response:
    """Add a list of signals, all of it or nothing."""
    form = await request.form()
    rows = read_list(text_in(form, "file") or text_in(form, "text"))

    async def add(tx: Transaction) -> None:
        for row in rows:
            await steps.add(tx, row.kind, row.value, row.labels, Provenance.IMPORT)

    await node_of(request).run(staff(request), add)
    return RedirectResponse(f"/signals?added={len(rows)}", 303)


def read_list(text: str) -> list[Row]:
    """Read a list in the form of python-threatexchange: ``signal_type,signal_str,collab,category,tags``.

    Raises:
        Malformed: a column is missing, a line does not read, or there are none or too many.
        RuleBroken: a label outside the closed list (floor rule 14). Both name the line.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
        if missing:
            raise Malformed(
                f"The first line names the columns signal_type, signal_str and tags: {', '.join(missing)} is missing.",
                reference="text",
            )
        rows = [_row(reader.line_num, line) for line in reader]
    except csv.Error as error:
        raise Malformed(f"Line {reader.line_num} is not CSV.", reference=f"line {reader.line_num}") from error
    if not 0 < len(rows) <= MOST_ROWS:
        raise Malformed(f"A list has 1 to {MOST_ROWS} lines below the first.", reference="text")
    return rows


def _row(number: int, line: dict[str, str | None]) -> Row:
    try:
        words = [
            word.removeprefix("label=") for word in (line["tags"] or "").replace(";", " ").replace(",", " ").split()
        ]
        kind, value = rules.check_value(
            _KINDS.get((line["signal_type"] or "").strip().lower(), ""), (line["signal_str"] or "").strip()
        )
        return Row(kind, value, rules.check_labels(words))
    except TidegateError as error:
        refusal = RuleBroken if isinstance(error, RuleBroken) else Malformed
        raise refusal(f"Line {number}: {error.message}", reference=error.reference or f"line {number}") from error


# --- look-alikes ---


@door.post("/policy/look-alike-holds", needs=Permission.SET_POLICY)
async def switch(request: Request) -> Response:
    """Propose to let machines hold look-alikes, which takes two people, or end it, which takes one."""
    word, by = text_in(await request.form(), "switch"), session_of(request).staff
    if word not in {"on", "off"}:
        raise Malformed('switch is "on" or "off".', reference="switch")

    async def act(tx: Transaction) -> None:
        if word == "on":
            await people.propose(tx, ProposalKind.LOOK_ALIKE_HOLDS_ON)
        else:
            await verdicts.switch_off_look_alike_holds(tx, by)

    await node_of(request).run(staff(request), act)
    return RedirectResponse("/signals", 303)
