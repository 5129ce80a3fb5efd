"""What a person sent with a complaint, before a judge's eyes: as small, grey and blurred as other pictures, recorded.

May decide: who sees it. Only who judges complaints, and auditors; nobody who voted on what the complaint is about:
they do not judge it, and what someone sends to prove them wrong (a press card, a letter) is not for them.
"""

from fastapi import Request
from starlette.responses import Response

from tidegate.appeal import store
from tidegate.appeal.model import Appeal
from tidegate.console.door import Pages
from tidegate.console.staff.appeals import contested, is_involved, loaded
from tidegate.console.staff.picture import give_picture, take_seconds
from tidegate.db.sealing import read_bytes
from tidegate.db.transaction import Transaction
from tidegate.kernel.errors import NotFound, RuleBroken
from tidegate.kernel.ids import AppealId, StaffId
from tidegate.people.model import Permission
from tidegate.people.sign_in import require_permission
from tidegate.signal.severity import UNKNOWN_SEVERITY
from tidegate.web.door import Listener, session_of

door = Pages(Listener.STAFF)


@door.get("/appeals/{appeal}/evidence/{number}", needs=Permission.SEE_APPEAL)
async def evidence(request: Request, appeal: str, number: str) -> Response:
    """Show a picture sent with a complaint: ``?filter=blur|lines|grey|clear&size=small|large``."""
    viewer, identity = session_of(request), AppealId.parse(appeal)
    require_permission(viewer, Permission.SEE_CONTENT_BYTES)

    async def opens(tx: Transaction) -> tuple[bytes, int]:
        return await _open(tx, identity, number, viewer.staff), UNKNOWN_SEVERITY

    # Drawn anew once already when it came in: whatever may be wrong with what is kept, a browser never gets it.
    return await give_picture(request, identity, opens)


@door.post("/appeals/{appeal}/evidence/{number}/looked", needs=Permission.SEE_APPEAL)
async def looked(request: Request, appeal: str, number: str) -> Response:  # noqa: ARG001 - a look names its picture
    """Take word of how long a picture sent with a complaint was shown."""
    return await take_seconds(request, AppealId.parse(appeal))


async def _open(tx: Transaction, identity: AppealId, number: str, viewer: StaffId) -> bytes:
    appeal = await loaded(tx, identity)
    if await is_involved(tx, appeal, await contested(tx, appeal), viewer):
        raise RuleBroken(
            "You voted on what this complaint is about: only those who judge it see what was sent.", reference="rule 6"
        )
    data = await read_bytes(tx, appeal.content, store.evidence_part(identity, _number(appeal, number)))
    if data is None:
        raise NotFound("This picture was erased.")
    return data


def _number(appeal: Appeal, number: str) -> int:
    if number not in map(str, range(1, appeal.evidence + 1)):
        raise NotFound("No such picture came with this complaint.")
    return int(number)
