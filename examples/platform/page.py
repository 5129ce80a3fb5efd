"""What a visitor sees: the wall and an account's inbox. May decide: nothing; what people wrote is escaped."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from store import Row

_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
ul{list-style:none;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1rem}
li{border:1px solid #c5d0d6;border-radius:.5rem;padding:.75rem}img,video{width:100%;border-radius:.25rem}
.words{overflow-wrap:anywhere;white-space:pre-wrap;max-height:20rem;overflow:auto}
.gone{background:#eef2f4;padding:2rem 1rem;text-align:center}p{margin:.4rem 0}"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; img-src 'self'; media-src 'self'; style-src 'sha256-{_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_WHY = {
    "checking": "This post is being checked.",
    "held": "This post is hidden for now, while people look at it.",
    "removed": "This post was removed.",
    "deleted": "This post was deleted by the one who posted it.",
}


def wall(posts: Sequence[Row], accounts: Sequence[Row]) -> str:
    """Show all posts."""
    people = ", ".join(
        f'<a href="/accounts/{quote(row["id"], safe="")}/inbox?page=1">{escape(row["id"])}</a> ({escape(row["class"])})'
        for row in accounts
    )
    items = "".join(_post(post) for post in posts)
    return _page("The pretend platform", f"<p>Inboxes: {people or 'none yet'}</p><ul>{items}</ul>")


def inbox(account: str, notices: Sequence[Row]) -> str:
    """Show what an account was told."""
    items = "".join(
        f"<li><p>{escape(row['text'])}</p><p>Post: {escape(row['post'])}</p>"
        + (
            f'<p><a href="{escape(row["url"])}" rel="noreferrer">Why, and how to complain</a></p>'
            if _web(row["url"])
            else ""
        )
        + "</li>"
        for row in notices
    )
    return _page(f"Inbox of {account}", f'<p><a href="/">All posts</a></p><ul>{items or "<li>Nothing.</li>"}</ul>')


def _post(post: Row) -> str:
    seen = _seen(post) if post["state"] == "published" else f'<p class="gone">{escape(_WHY[post["state"]])}</p>'
    caption = escape(post["caption"]) if post["state"] == "published" else ""
    return f"<li>{seen}<p>{caption}</p><p>{escape(post['account'])}</p></li>"


def _seen(post: Row) -> str:
    source = f"/posts/{escape(post['id'])}/body"
    if post["kind"] == "video":
        return f'<video src="{source}" controls preload="metadata" aria-label="{escape(post["caption"])}"></video>'
    if post["kind"] in {"text", "link"}:
        return f'<p class="words" dir="auto">{escape(post["words"])}</p>'
    return f'<img src="{source}" alt="{escape(post["caption"])}">'


def _web(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
