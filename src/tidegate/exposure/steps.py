"""Giving a picture out, and taking word of how long it was looked at. May decide: nothing; the rules do."""

from datetime import timedelta

from tidegate.db.transaction import Transaction
from tidegate.exposure import store as exposure
from tidegate.exposure.model import LookId
from tidegate.exposure.rules import COUNTED_FOR, Exposure, ExposurePolicy, believed, exposure_of, may_look
from tidegate.kernel.errors import NotFound
from tidegate.kernel.ids import Id, StaffId


async def begin_look(tx: Transaction, staff: StaffId, what: Id, severity: int, policy: ExposurePolicy) -> LookId:
    """Record that a picture is about to be shown; until this is committed, it must not be.

    Raises:
        LookRefused: they looked enough for now.
    """
    await exposure.lock_looks(tx, staff)
    may_look(await exposure.looks_since(tx, staff, tx.now - COUNTED_FOR), policy, tx.now)
    return await exposure.add_look(tx, staff, what, severity)


async def end_look(tx: Transaction, staff: StaffId, what: Id, look: LookId, claimed: timedelta) -> None:
    """Take word of how long a picture was shown; a second word about the same look changes nothing.

    Raises:
        NotFound: this picture was not given to this person under this id.
    """
    given = await exposure.given_at(tx, staff, what, look)
    if given is None:
        raise NotFound("This picture was not given to you under this id.")
    await exposure.add_seconds(tx, look, believed(claimed, tx.now - given))


async def own_exposure(tx: Transaction, staff: StaffId, policy: ExposurePolicy) -> Exposure:
    """Give someone what they looked at, added up; for nobody else's eyes."""
    return exposure_of(await exposure.looks_since(tx, staff, tx.now - COUNTED_FOR), policy, tx.now)
