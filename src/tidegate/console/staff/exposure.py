"""What someone looked at, for their own eyes. May decide: nothing; it only reads, and only about the reader."""

from tidegate.db.transaction import Transaction
from tidegate.exposure.rules import ExposurePolicy
from tidegate.exposure.steps import own_exposure
from tidegate.exposure.store import views_of
from tidegate.kernel.ids import StaffId

_MOST = 20


async def own_panel(tx: Transaction, reader: StaffId, policy: ExposurePolicy) -> dict[str, object]:
    """Give what ``staff/exposure.html`` shows: today's budget, breaks, and the latest looks."""
    return {
        "exposure": await own_exposure(tx, reader, policy),
        "looks": await views_of(tx, staff=reader, pictures=True, most=_MOST),
    }
