"""What the answers of pages carry so that a browser refuses what we never do.

May decide: what a page may load and who may frame it: our own scripts, style and pictures, and nobody. There is no
inline script or style and nothing from elsewhere, so the policy needs no exception. ``connect-src`` is for passkeys:
their challenge and answer are JSON.
"""

from starlette.responses import Response

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
CONTENT_SECURITY_POLICY = "; ".join(f"{name} {sources}" for name, sources in _POLICY.items())
#: For content itself: whatever a browser makes of it, it may do nothing.
SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"

HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "x-frame-options": "DENY",
}


def protect(response: Response) -> Response:
    """Add the headers a response does not set itself."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
