"""Words as someone hostile would write them, and reading a page as a browser does to see what became of them."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

#: What every hostile text carries besides its mark: tags, quotes, template braces, formats, entities, things that mean
#: nothing somewhere.
_POISON = (
    "<script>alert(1)</script><hostile-tag onclick=alert(2)>\"'`><img src=x onerror=alert(3)></textarea></title>"
    "<svg/onload=alert(4)>{{ 7*7 }}{% raw %}${7*7}#{7*7}%(x)s%s%n &lt;b&gt;&#x3c;i&#62; null undefined None NaN "
    "javascript:alert(5)"
)
#: What turns the direction of text; names refuse these, words of users may hold them.
_TURNS = " \u202egnp.exe\u2066 \u200f\u061c\u0301"

_VOID = {"meta", "link", "input", "br", "img", "hr", "wbr", "path", "rect", "line", "circle", "use"}
_OURS = {"value", "title", "aria-label", "alt", "label", "content", "href", "data-key-name"}


def hostile(mark: str, *, most: int | None = None, turns: bool = True) -> str:
    """Make a hostile text that is known again by its mark; cut to what its field takes."""
    text = f"qz-{mark} {_POISON}{_TURNS if turns else ''}"
    return text[:most]


def long(mark: str) -> str:
    """Make one of five thousand characters."""
    return (hostile(mark) + " ").ljust(5000, "W")


@dataclass
class Seen(HTMLParser):
    """What a browser would make of a page."""

    problems: list[str] = field(default_factory=list)
    marks: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in {"hostile-tag", "iframe", "object", "embed", "base"} or (tag == "svg" and "onload" in given):
            self.problems.append(f"<{tag}> came through")
        if tag == "script" and not given.get("src", "").startswith("/static/"):
            self.problems.append("a script that is not ours")
        for name, value in given.items():
            self._attribute(tag, name, value)
        if tag not in _VOID:
            self._open.append((tag, given))

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on") or name in {"style", "srcdoc"}:
            self.problems.append(f"<{tag} {name}>")
        if name in {"href", "src", "action", "formaction", "hx-get", "data-picture"} and (
            not value.startswith(("/", "#", "?", "http://127.0.0.1", "https://example.org/"))
            or value.startswith("//")
            or "javascript:" in value.partition("?")[0]
        ):
            self.problems.append(f'<{tag} {name}="{value[:60]}">')
        if "qz-" in value and (found := re.findall(r"qz-[a-z]+", value)):
            self.marks.update(found)
            if name not in _OURS:
                self.problems.append(f"{found[0]} in <{tag} {name}>")

    def handle_endtag(self, tag: str) -> None:
        for place in range(len(self._open) - 1, -1, -1):
            if self._open[place][0] == tag:
                del self._open[place:]
                return

    def handle_data(self, data: str) -> None:
        for found in re.findall(r"qz-[a-z]+", data):
            self.marks.add(found)
            tags = [tag for tag, _ in self._open]
            own = any(tag == "bdi" or given.get("dir") == "auto" for tag, given in self._open)
            if not own and not {"title", "option", "textarea", "pre"} & set(tags):
                hidden = any("visually-hidden" in given.get("class", "") for _, given in self._open)
                if not hidden:
                    self.problems.append(f"{found} without a direction of its own in {'>'.join(tags[-4:])}")
        if "\u202e" in data and not any(
            tag in {"bdi", "textarea", "option", "title"} or given.get("dir") == "auto" for tag, given in self._open
        ):
            self.problems.append("a turn of direction outside an element of its own")


def seen(page: str) -> Seen:
    """Read a page as a browser does."""
    reader = Seen()
    reader.feed(page)
    reader.close()
    for raw in re.findall(r"<(?:script|img|hostile-tag|svg)[^>]*alert\(\d\)", page):
        reader.problems.append(f"raw {raw[:40]}")
    return reader
