"""A picture before someone's eyes: small, grey and blurred unless asked for otherwise, and recorded.

May decide: how a picture is shown. Bytes of users never reach a browser: the jail decodes them and encodes a new
picture.
"""

from fastapi import Request
from starlette.responses import Response

from tidegate.console.case import member_of
from tidegate.console.door import Pages
from tidegate.console.headers import SANDBOX
from tidegate.content import store as contents
from tidegate.db.transaction import Transaction
from tidegate.fingerprint.picture import preview_in
from tidegate.kernel.errors import NotFound
from tidegate.kernel.ids import CaseId, ContentId
from tidegate.people.exposure import record_view
from tidegate.people.model import Permission
from tidegate.web.door import Listener, node_of, session_of, staff

door = Pages(Listener.STAFF)


@door.get("/cases/{case}/content/{content}/picture", needs=Permission.SEE_CONTENT_BYTES)
async def picture(request: Request, case: str, content: str) -> Response:
    """Show a content's picture; ``?clear=1`` sharp and in colour."""
    node, viewer = node_of(request), session_of(request).staff
    of_case, identity = CaseId.parse(case), ContentId.parse(content)
    clear = request.query_params.get("clear") == "1"

    async def open_bytes(tx: Transaction) -> bytes:
        data = await contents.bytes_of(tx, await member_of(tx, of_case, identity))
        if data is None:
            raise NotFound("The bytes of this content are not kept here, or were erased.")
        # Before it is shown: what was seen must be on record even when this process ends now.
        await record_view(tx, viewer, identity)
        return data

    data = await node.run(staff(request), open_bytes)
    shown = await preview_in(node.jail, data, grey=not clear, blur=not clear)
    headers = {"content-security-policy": SANDBOX, "content-disposition": "inline"}
    return Response(shown, media_type="image/jpeg", headers=headers)
