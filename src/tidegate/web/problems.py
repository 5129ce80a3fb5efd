"""Problem documents (RFC 9457): one table from kinds of error to what a reader is told.

May decide: which status a kind has. An error that is not ours shows a reference and no text; its text goes to the log.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg import InterfaceError, OperationalError
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tidegate.kernel.errors import Busy, Kind, NotFound, RateLimited, TidegateError, Unavailable

log = structlog.get_logger()

#: kind -> (status, title)
TABLE: dict[Kind, tuple[int, str]] = {
    Kind.MALFORMED: (422, "The request is not well formed"),
    Kind.NOT_FOUND: (404, "Not found"),
    Kind.UNAUTHENTICATED: (401, "Not signed in"),
    Kind.FORBIDDEN: (403, "Not allowed"),
    Kind.RULE: (403, "Forbidden by the safeguard floor"),
    Kind.STATE: (409, "No longer possible"),
    Kind.CONFLICT: (409, "Conflict"),
    Kind.TOO_LARGE: (413, "Too large"),
    Kind.RATE_LIMITED: (429, "Too many requests"),
    Kind.REST: (429, "Enough looking for now"),
    Kind.UNAVAILABLE: (503, "Not available just now"),
    Kind.CONFIGURATION: (500, "The node is set up wrongly"),
    Kind.INTEGRITY: (500, "A record does not read back"),
}

RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """What a reader is told of an error, whatever shape their program expects it in."""

    status: int
    title: str
    detail: str
    kind: str
    reference: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def document(self) -> JSONResponse:
        """Give it as a problem document."""
        body = {
            "type": f"https://tidegate.example/problems/{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        body |= {"kind": self.kind} | ({"reference": self.reference} if self.reference else {})
        return JSONResponse(body, self.status, self.headers, media_type="application/problem+json")


def problem_of(error: Exception) -> Problem:
    """Say what a reader is told of any error; of one we do not know, a reference and no text."""
    known = as_error(error)
    if known is None:
        reference = uuid4().hex[:12]
        log.error("failed", action="problem", reference=reference, error=type(error).__name__, exc_info=error)
        detail = f"Quote this reference: {reference}."
        return Problem(500, "Something went wrong here", detail, kind="internal", reference=reference)
    status, title = TABLE[known.kind]
    headers: dict[str, str] = {}
    if isinstance(known, RateLimited):
        headers["Retry-After"] = str(known.retry_after)
    if known.kind is Kind.UNAVAILABLE:
        headers["Retry-After"] = str(known.retry_after if isinstance(known, Busy) else RETRY_SECONDS)
    if known.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = 'Bearer realm="tidegate"'
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and known.kind is not Kind.UNAVAILABLE:
        reference = uuid4().hex[:12]
        log.error("failed", action="problem", reference=reference, kind=known.kind, error=type(known).__name__)
        return Problem(status, title, f"Quote this reference: {reference}.", kind=known.kind, reference=reference)
    return Problem(status, title, known.message, kind=known.kind, reference=known.reference, headers=headers)


def as_error(error: Exception) -> TidegateError | None:
    """Give the error of ours that another library's error means, if it means one."""
    if isinstance(error, TidegateError):
        return error
    if isinstance(error, (PoolTimeout, OperationalError, InterfaceError)):
        return Unavailable()
    return None


def of_any(error: Exception) -> JSONResponse:
    """Make the problem document of any error."""
    return problem_of(error).document()


#: Shows a person an error as a page; None where a program asked.
AsPage = Callable[[Request, TidegateError], Response | None]


def install(application: FastAPI, as_page: AsPage) -> None:
    """Answer every error with a problem document, or a page where a person asked for an address there is not."""

    async def on_ours(_request: Request, error: Exception) -> Response:
        return of_any(error)

    async def on_form(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        mistakes = [
            f"{'.'.join(str(part) for part in mistake['loc'][1:]) or mistake['loc'][0]}: {mistake['msg']}"
            for mistake in error.errors()
        ]
        return Problem(422, TABLE[Kind.MALFORMED][1], "; ".join(mistakes), kind=Kind.MALFORMED).document()

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        page = as_page(request, NotFound(_HTTP_DETAIL[404])) if error.status_code == HTTPStatus.NOT_FOUND else None
        if page is not None:
            return page
        kind = {404: Kind.NOT_FOUND, 405: Kind.NOT_FOUND}.get(error.status_code, Kind.MALFORMED)
        return Problem(
            error.status_code,
            str(error.detail),
            _HTTP_DETAIL.get(error.status_code, str(error.detail)),
            kind=kind,
            headers=dict(error.headers or {}),  # "Allow" on 405 (RFC 9110 section 15.5.6)
        ).document()

    handlers: dict[Any, Any] = {
        TidegateError: on_ours,
        PoolTimeout: on_ours,
        OperationalError: on_ours,
        InterfaceError: on_ours,
        RequestValidationError: on_form,
        HTTPException: on_http,
    }
    for kind, handler in handlers.items():
        application.add_exception_handler(kind, handler)


_HTTP_DETAIL = {
    404: "There is nothing at this address on this listener.",
    405: "This address does not take this method.",
}
