"""Importing signals: a list in a file or pasted, all of it or nothing.

May decide: how an imported list is read. Every row is added unconfirmed (floor rule 15), under labels of the closed
list (floor rule 14), and columns we have no word for are dropped unread (floor rule 10). A list that is refused comes
back as it was, with what is wrong in each line.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from tidegate.console.door import Pages
from tidegate.console.forms import text_in
from tidegate.console.pages import explained, render
from tidegate.db.transaction import Transaction
from tidegate.kernel.errors import Malformed, RuleBroken, TidegateError
from tidegate.people.model import Permission
from tidegate.signal import rules, steps
from tidegate.signal.model import FingerprintKind, Label, Provenance
from tidegate.web.door import Listener, node_of, staff
from tidegate.web.problems import TABLE

door = Pages(Listener.STAFF)

MOST_ROWS = 10_000
_MOST_MISTAKES = 100
#: More than this does not come back in the field: the file it came from is still there.
_MOST_GIVEN_BACK = 500_000
_NEEDED = ("signal_type", "signal_str", "tags")
#: python-threatexchange names what its list is of; ours are the two kinds of a picture.
_KINDS = {"pdq": "pdq", "sha256": "sha256", "sha-256": "sha256"}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a list that is good to add."""

    kind: FingerprintKind
    value: bytes
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a line, or with the list as a whole."""

    line: int | None
    error: TidegateError


@door.get("/signals/import", needs=Permission.IMPORT_SIGNALS)
async def import_page(request: Request) -> Response:
    """Show the form."""
    return _form(request, "", [])


@door.post("/signals/import", needs=Permission.IMPORT_SIGNALS)
async def import_signals(request: Request) -> Response:
    """Add a list of signals, all of it or nothing."""
    form = await request.form()
    text = text_in(form, "file") or text_in(form, "text")
    mistakes: list[Mistake] = []
    try:
        rows = read_list(text, mistakes)
    except TidegateError as error:
        if "text/html" not in request.headers.get("accept", ""):
            raise
        response = _form(request, text, mistakes or [Mistake(None, error)])
        response.status_code = TABLE[error.kind][0]
        return response

    async def add(tx: Transaction) -> None:
        for row in rows:
            await steps.add(tx, row.kind, row.value, row.labels, Provenance.IMPORT)

    await node_of(request).run(staff(request), add)
    return RedirectResponse(f"/signals?added={len(rows)}", 303)


def _form(request: Request, text: str, mistakes: list[Mistake]) -> Response:
    return render(
        request,
        "staff/signal_import.html",
        text=text if len(text) <= _MOST_GIVEN_BACK else "",
        too_long=len(text) > _MOST_GIVEN_BACK,
        mistakes=[(mistake.line, explained(request, mistake.error)) for mistake in mistakes],
        most_mistakes=_MOST_MISTAKES,
        most_rows=MOST_ROWS,
        labels=list(Label),
    )


def read_list(text: str, mistakes: list[Mistake] | None = None) -> list[Row]:
    """Read a list in the form of python-threatexchange: ``signal_type,signal_str,collab,category,tags``.

    Args:
        text: the list.
        mistakes: is given what is wrong with each line, up to a hundred; the first is raised in any case.

    Raises:
        Malformed: a column is missing, a line does not read, or there are none or too many.
        RuleBroken: a label outside the closed list (floor rule 14). Both name the line.
    """
    found: list[Mistake] = [] if mistakes is None else mistakes
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
        if missing:
            raise Malformed(
                "The first line names the columns signal_type, signal_str and tags: %(words)s is missing.",
                values={"words": ", ".join(missing)},
                reference="text",
            )
        rows = list(_rows(reader, found))
    except csv.Error as error:
        raise Malformed(
            "Line %(line)s is not CSV.", values={"line": reader.line_num}, reference=f"line {reader.line_num}"
        ) from error
    if found:
        raise _named(found[0])
    if not 0 < len(rows) <= MOST_ROWS:
        raise Malformed("A list has 1 to %(most)s lines below the first.", values={"most": MOST_ROWS}, reference="text")
    return rows


def _rows(reader: "csv.DictReader[str]", mistakes: list[Mistake]) -> Iterator[Row]:
    for number, line in enumerate(reader, start=1):
        if len(mistakes) >= _MOST_MISTAKES or number > MOST_ROWS + 1:
            return
        try:
            yield _row(line)
        except TidegateError as error:
            mistakes.append(Mistake(reader.line_num, error))


def _row(line: dict[str, str | None]) -> Row:
    words = [word.removeprefix("label=") for word in (line["tags"] or "").replace(";", " ").replace(",", " ").split()]
    kind, value = rules.check_value(
        _KINDS.get((line["signal_type"] or "").strip().lower(), ""), (line["signal_str"] or "").strip()
    )
    return Row(kind, value, rules.check_labels(words))


def _named(mistake: Mistake) -> TidegateError:
    """Give the error with its line named."""
    error = mistake.error
    refusal = RuleBroken if isinstance(error, RuleBroken) else Malformed
    return refusal(
        "Line %(line)s: %(message)s",
        values={"line": mistake.line, "message": error.message},
        reference=error.reference or f"line {mistake.line}",
    )
