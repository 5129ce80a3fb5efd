"""The report: the published counts in words, charts and tables, each number recomputed by anyone from the ledger.

May decide: how counts are laid out, and what stands beside a share so that it is not taken for more than it is. It
reads the exported files and nothing else, so that it can say nothing they do not.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from babel.dates import format_date, format_skeleton
from fastapi import Request
from starlette.responses import Response

from tidegate.console.door import Pages
from tidegate.console.language import language_of
from tidegate.console.pages import explained, locale_of, render, translated
from tidegate.console.public.published import Published, address_of, may_be_kept, published
from tidegate.console.words import N_
from tidegate.kernel.errors import Malformed, NotFound
from tidegate.ledger.entry import LeafKind, Tallied
from tidegate.ledger.note import Verifier
from tidegate.report.model import Period, What
from tidegate.report.rules import GIVEN_BACK, JUDGED, TAKEN, Bucket, Strand, Summary
from tidegate.web.door import Listener, Open, node_of
from tidegate.web.problems import TABLE

door = Pages(Listener.PUBLIC)

#: Offered beside the form: this many days up to the last one counted.
_PRESETS = (31, 366)
_JSON, _CSV = "application/json", "text/csv; charset=utf-8"


@door.get("/report", needs=Open.ANYONE)
async def report_page(request: Request) -> Response:
    """Show the counts, of all time or of a period."""
    node = node_of(request)
    period, wrong = _period(request)
    shown = await published(node)
    if shown is None:
        return may_be_kept(render(request, "public/report.html", report=None))
    # Adding up the counts of years takes a moment, in which others must not wait.
    report = await asyncio.to_thread(lambda: _Report(shown, shown.summary(period), shown.summary(Period())))
    response = render(
        request,
        "public/report.html",
        report=report,
        period=period,
        wrong=None if wrong is None else explained(request, wrong),
        address=address_of(node),
        key=Verifier.of(node.settings.ledger_origin, node.database.keys.ledger).vkey,
        buckets=[bucket_names(request, report.summary.bucket, start) for start in report.summary.starts],
    )
    if wrong is not None:
        response.status_code, _ = TABLE[wrong.kind]
    return may_be_kept(response)


@door.get("/report/counts.json", needs=Open.ANYONE)
async def counts_file(request: Request) -> Response:
    """Give the counts as they were published, byte by byte."""
    return await _file(request, _JSON, lambda shown: shown.counts_file)


@door.get("/report/counts.csv", needs=Open.ANYONE)
async def counts_sheet(request: Request) -> Response:
    """Give the same rows for a spreadsheet."""
    return await _file(request, _CSV, lambda shown: shown.sheet)


async def _file(request: Request, kind: str, of: Callable[[Published], bytes]) -> Response:
    shown = await published(node_of(request))
    if shown is None:
        raise NotFound("Nothing was published yet.")
    name = request.url.path.rpartition("/")[2]
    return Response(
        await asyncio.to_thread(of, shown),
        media_type=kind,
        headers={
            "cache-control": "no-cache",
            "access-control-allow-origin": "*",
            "cross-origin-resource-policy": "cross-origin",
            "content-disposition": f'inline; filename="{name}"',
        },
    )


def _period(request: Request) -> tuple[Period, Malformed | None]:
    """Read the period asked about; a mistake is shown on the page, which then covers all time."""
    asked = request.query_params
    try:
        return Period.parse(asked.get("from", ""), asked.get("to", "")), None
    except Malformed as mistake:
        return Period(), mistake


@dataclass(frozen=True)
class _Report:
    """What the page says, still without words."""

    published: Published
    summary: Summary
    #: Of all time, for choosing another period.
    whole: Summary

    @property
    def counts(self) -> Any:  # noqa: ANN401 - the template names what it shows
        return self.published.counts

    @property
    def presets(self) -> list[tuple[int, date, date]]:
        """Offer periods up to the last day counted."""
        first, last = self.whole.first, self.whole.last
        if first is None or last is None:
            return []
        return [(days, last - timedelta(days=days - 1), last) for days in _PRESETS if (last - first).days >= days]

    @property
    def taken(self) -> list[Strand]:
        return self._seen(TAKEN)

    @property
    def given_back(self) -> list[Strand]:
        return self._seen(GIVEN_BACK)

    @property
    def judged(self) -> list[Strand]:
        return self._seen(JUDGED)

    def series(self, strands: list[Strand]) -> list[tuple[int, ...]]:
        return [self.summary.series(strand) for strand in strands]

    @property
    def most(self) -> tuple[int, int] | None:
        """Find the bucket with the most restrictions: its place and the count; None where there are none."""
        sums = [sum(counts) for counts in zip(*self.series(self.taken), strict=True)]
        return (sums.index(max(sums)), max(sums)) if any(sums) else None

    @property
    def kinds(self) -> list[tuple[What, int]]:
        """Count what happened, the most frequent first; answers to platforms are another matter."""
        return _largest_first([(kind, count) for kind, count in self.summary.by("kind") if kind != (LeafKind.TALLY,)])

    @property
    def removals_by_basis(self) -> list[tuple[What, int]]:
        return _largest_first(self.summary.by("basis", kind=LeafKind.REMOVAL))

    @property
    def answers(self) -> list[tuple[str, int]]:
        """Count the answers about content, in the order of what they lead to."""
        found = {word: count for (word,), count in self.summary.by("tallied", kind=LeafKind.TALLY)}
        return [(word, found.get(word, 0)) for word in (Tallied.CLEAR, Tallied.REVIEW, Tallied.HOLD, Tallied.UNCHECKED)]

    @property
    def without_record(self) -> int:
        return self.summary.of(kind=LeafKind.TALLY, tallied=Tallied.MATCH_WITHOUT_RECORD)

    def _seen(self, strands: tuple[Strand, ...]) -> list[Strand]:
        return [strand for strand in strands if self.summary.along(strand)]


def _largest_first(counts: Iterable[tuple[What, int]]) -> list[tuple[What, int]]:
    return sorted(counts, key=lambda pair: (-pair[1], pair[0]))


_SKELETONS = {Bucket.DAY: ("yMMMd", "MMMd"), Bucket.WEEK: ("yMMMd", "MMMd"), Bucket.MONTH: ("yMMMM", "yMMM")}


def bucket_names(request: Request, bucket: Bucket, start: date) -> tuple[str, str]:
    """Name a bucket of time in the reader's language: in full, and short beside an axis."""
    locale = locale_of(language_of(request))
    if bucket is Bucket.YEAR:
        return (format_date(start, "y", locale=locale),) * 2
    at = datetime(start.year, start.month, start.day, tzinfo=UTC)
    full, short = (format_skeleton(skeleton, at, locale=locale) for skeleton in _SKELETONS[bucket])
    if bucket is Bucket.WEEK:
        full = translated(request, N_("week from %(day)s")) % {"day": full}
    return full, short
