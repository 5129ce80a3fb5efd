"""How the routes for HMA clients are declared, and the shape their errors have.

May decide: nothing of who may come in. An error is ``{"message": ...}`` here and nowhere else, a parameter that is
missing or of another form is a 422 with a list, and what we call malformed is their 400.
"""

from collections.abc import Awaitable, Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.responses import Response

from tidegate.kernel.errors import Kind
from tidegate.people.model import Scope
from tidegate.web.door import Door, Listener, Needs
from tidegate.web.problems import problem_of

#: Their clients' base URL; some drop the path of it, so that the same routes stand at the root too.
PREFIXES = ("/hma", "")


class _Route(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Answer as ever, and every error in their shape."""
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except RequestValidationError as error:
                return JSONResponse([_mistake(item) for item in error.errors()], HTTPStatus.UNPROCESSABLE_ENTITY)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told in their shape
                problem = problem_of(error)
                status = HTTPStatus.BAD_REQUEST if problem.kind == Kind.MALFORMED else problem.status
                return JSONResponse({"message": problem.detail}, status, problem.headers)

        return answer


def _mistake(item: dict[str, Any]) -> dict[str, Any]:
    # FastAPI says first where the parameter was: theirs says only which. What was sent is not sent back.
    return {"type": item["type"], "loc": list(item["loc"][1:]), "msg": item["msg"]}


class HmaDoor(Door):
    """The routes of one noun, under each prefix."""

    def __init__(self) -> None:
        super().__init__(Listener.PLATFORM)
        self.router.route_class = _Route

    def answer(
        self,
        method: str,
        path: str,
        *,
        needs: Needs = Scope.MATCH,
        **more: Any,  # noqa: ANN401 - what FastAPI takes
    ) -> Callable[[Callable[..., Awaitable[Any]]], Callable[..., Awaitable[Any]]]:
        """Declare a route of theirs."""

        def add(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
            for prefix in PREFIXES:
                self.route(method, prefix + path, needs=needs, tags=["hma"], **more)(handler)
            return handler

        return add
