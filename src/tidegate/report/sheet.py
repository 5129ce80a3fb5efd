"""The published counts as CSV (RFC 4180, UTF-8): one line per row of the counts, for whoever opens them in a sheet.

May decide: nothing. A cell is a word of a closed list, a day or a whole number, so none of them can be a formula.
"""

import csv
import io

from tidegate.ledger import counts
from tidegate.report.model import Counts

HEADER = (*counts.COLUMNS, "count")


def written(document: Counts) -> bytes:
    """Write the counts as a sheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADER)
    writer.writerows((*row.what, row.day.isoformat(), row.amount) for row in document.rows)
    return out.getvalue().encode()
