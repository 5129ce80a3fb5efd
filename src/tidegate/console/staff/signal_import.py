"""Importing signals: a list in a file or pasted, all of it or nothing.

May decide: how many lines a page takes, and that one wrong line refuses the list. How lists are read is decided in
``signal/formats.py``: unconfirmed (floor rule 15), under labels of the closed list (floor rule 14), other columns
dropped unread (floor rule 10). A list that is refused comes back as it was, with what is wrong in each line.
"""

import io
from dataclasses import dataclass
from itertools import islice

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from tidegate.console.door import Pages
from tidegate.console.forms import choice_in, text_in
from tidegate.console.pages import explained, render
from tidegate.db.transaction import Transaction
from tidegate.kernel.errors import Malformed, RuleBroken, TidegateError
from tidegate.people.model import Permission
from tidegate.signal import formats, rules, steps
from tidegate.signal.formats import Reading, Row, Skipped, Wrong
from tidegate.signal.links import in_canonical_form
from tidegate.signal.model import Label, ListFormat, Provenance
from tidegate.signal.steps import Imported
from tidegate.web.door import Listener, node_of, staff
from tidegate.web.problems import TABLE

door = Pages(Listener.STAFF)

MOST_ROWS = 10_000
_MOST_MISTAKES = 100
#: More than this does not come back in the field: the file it came from is still there.
_MOST_GIVEN_BACK = 500_000


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a line, or with the list as a whole."""

    line: int | None
    error: TidegateError


@door.get("/signals/import", needs=Permission.IMPORT_SIGNALS)
async def import_page(request: Request) -> Response:
    """Show the form."""
    return _form(request, FormData(), "", [])


@door.post("/signals/import", needs=Permission.IMPORT_SIGNALS)
async def import_signals(request: Request) -> Response:
    """Add a list of signals, all of it or nothing."""
    form = await request.form()
    text = text_in(form, "file") or text_in(form, "text")
    mistakes: list[Mistake] = []
    try:
        how = _reading(form)
        rows, left_out = read_list(text, how, mistakes)
        rows = _all_good(await in_canonical_form(node_of(request).jail, rows), mistakes)
    except TidegateError as error:
        if "text/html" not in request.headers.get("accept", ""):
            raise
        response = _form(request, form, text, mistakes or [Mistake(None, error)])
        response.status_code = TABLE[error.kind][0]
        return response

    async def add(tx: Transaction) -> None:
        wanted = [(row.kind, row.value, row.labels) for row in rows]
        added = await steps.add_many(tx, wanted, Provenance.IMPORT)
        became = Imported(added=added, known=len(rows) - added)
        became.left_out.update(skipped.why for skipped in left_out)
        await steps.record_import(tx, how.format, became, {})

    await node_of(request).run(staff(request), add)
    return RedirectResponse(f"/signals?added={len(rows)}&left_out={len(left_out)}", 303)


def _reading(form: FormData) -> Reading:
    labels = [str(word) for word in form.getlist("label")]
    return Reading(
        format=choice_in(form, "format", ListFormat) or ListFormat.CSV,
        labels=rules.check_labels(labels) if labels else (),
        labels_in_tags=not labels,
        signal_type=text_in(form, "signal_type") or None,
    )


def _form(request: Request, given: FormData, text: str, mistakes: list[Mistake]) -> Response:
    return render(
        request,
        "staff/signal_import.html",
        text=text if len(text) <= _MOST_GIVEN_BACK else "",
        too_long=len(text) > _MOST_GIVEN_BACK,
        mistakes=[(mistake.line, explained(request, mistake.error)) for mistake in mistakes],
        most_mistakes=_MOST_MISTAKES,
        most_rows=MOST_ROWS,
        labels=list(Label),
        chosen=set(given.getlist("label")),
        formats=list(ListFormat),
        format=text_in(given, "format") or ListFormat.CSV,
        signal_type=text_in(given, "signal_type"),
    )


def read_list(text: str, how: Reading, mistakes: list[Mistake] | None = None) -> tuple[list[Row], list[Skipped]]:
    """Read a whole list; give what is good to add, and what is left out.

    Args:
        text: the list.
        how: how to read it.
        mistakes: is given what is wrong with each line, up to a hundred; the first is raised in any case.

    Raises:
        Malformed: a column is missing, a line does not read, or there are none or too many.
        RuleBroken: a label outside the closed list (floor rule 14). Both name the line.
    """
    found: list[Mistake] = [] if mistakes is None else mistakes
    rows: list[Row] = []
    left_out: list[Skipped] = []
    lines = formats.lines_of(io.BytesIO(text.encode()))
    for result in islice(formats.read_list(lines, how), MOST_ROWS + 1):
        if isinstance(result, Row):
            rows.append(result)
        elif isinstance(result, Wrong):
            found.append(Mistake(result.line, result.error))
            if len(found) >= _MOST_MISTAKES:
                break
        else:
            left_out.append(result)
    if found:
        raise _named(found[0])
    if not 0 < len(rows) + len(left_out) <= MOST_ROWS:
        raise Malformed("A list has 1 to %(most)s lines of signals.", values={"most": MOST_ROWS}, reference="text")
    return rows, left_out


def _all_good(results: list[Row | Wrong], mistakes: list[Mistake]) -> list[Row]:
    mistakes += [Mistake(result.line, result.error) for result in results if isinstance(result, Wrong)]
    if mistakes:
        raise _named(mistakes[0])
    return [result for result in results if isinstance(result, Row)]


def _named(mistake: Mistake) -> TidegateError:
    """Give the error with its line named."""
    error = mistake.error
    refusal = RuleBroken if isinstance(error, RuleBroken) else Malformed
    return refusal(
        "Line %(line)s: %(message)s",
        values={"line": mistake.line, "message": error.message},
        reference=error.reference or f"line {mistake.line}",
    )
