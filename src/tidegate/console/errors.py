"""Errors as pages. May decide: nothing; the status and the words are those of ``web.problems``."""

from starlette.requests import Request
from starlette.responses import Response

from tidegate.console.pages import explained, render, translated
from tidegate.kernel.errors import Kind, RateLimited, TidegateError, Unavailable
from tidegate.web.problems import RETRY_SECONDS, TABLE


def render_error(request: Request, error: TidegateError) -> Response | None:
    """Answer a person with a page of the same status; None where a program asked, or the text must not be shown."""
    status, title = TABLE[error.kind]
    hidden = status >= 500 and error.kind is not Kind.UNAVAILABLE  # noqa: PLR2004 - where errors of ours begin
    if hidden or "text/html" not in request.headers.get("accept", ""):
        return None
    response = render(
        request,
        "error.html",
        status=status,
        title=translated(request, title),
        message=explained(request, error),
        reference=error.reference,
        sign_in=error.kind is Kind.UNAUTHENTICATED,
        wait=error.retry_after if isinstance(error, RateLimited) else None,
    )
    response.status_code = status
    if isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(error.retry_after)
    elif isinstance(error, Unavailable):
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response
