"""The files pages load: style and scripts, the same on both listeners. May decide: nothing."""

from fastapi import Request
from starlette.responses import Response

from tidegate.console.door import Pages
from tidegate.console.pages import static_files
from tidegate.kernel.errors import NotFound
from tidegate.web.door import Listener, Open

staff_door = Pages(Listener.STAFF)
public_door = Pages(Listener.PUBLIC)

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@staff_door.get("/static/{name}", needs=Open.ANYONE)
@public_door.get("/static/{name}", needs=Open.ANYONE)
async def static_file(_request: Request, name: str) -> Response:
    """Give a file by its exact name; there is no path to walk."""
    data = static_files().get(name)
    kind = _TYPES.get(name[name.rfind(".") :])
    if data is None or kind is None:
        raise NotFound("There is no such file.")
    return Response(data, media_type=kind, headers={"cache-control": "public, max-age=31536000, immutable"})
