"""Reading problem documents: what every refusal must look like."""

from typing import Any

import httpx2


def problem(answer: httpx2.Response, status: int, kind: str, *words: str, reference: str | None = None) -> Any:
    """See that a refusal is a whole problem document that says what to do, and leaks nothing."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert {"type", "title", "status", "detail", "kind"} <= set(body)
    assert (body["status"], body["kind"]) == (status, kind), body
    assert body["type"].endswith(f"/{kind}")
    for word in words:
        assert word.lower() in body["detail"].lower(), body
    if reference is not None:
        assert body["reference"] == reference, body
    assert "traceback" not in answer.text.lower()
    assert "psycopg" not in answer.text.lower()
    return body
