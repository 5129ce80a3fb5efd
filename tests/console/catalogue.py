"""What the pages say: every text marked for translation, found as gettext tools find it."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from babel.messages.extract import extract_from_dir

_OPTIONS = {"**.html": {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"}}
_METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]


def marked() -> Iterator[tuple[str, str]]:
    """Give each text (the singular where there are two), and the file it stands in."""
    folder = Path(str(files("tidegate.console")))
    found = extract_from_dir(
        folder, _METHODS, _OPTIONS, keywords={"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
    )
    for name, _line, text, _comments, _context in found:
        yield (text if isinstance(text, str) else text[0]), name
