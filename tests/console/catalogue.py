"""What the pages say: every text marked for translation, found as gettext tools find it, and every refusal's words."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from babel.messages.extract import extract_from_dir

import tidegate.run  # noqa: F401 - every error there is, is known once everything is imported
from tidegate.kernel.errors import Kind, TidegateError

_OPTIONS = {"**.html": {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"}}
_METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
_MARKS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
#: Their text is shown to nobody: a page gives a reference instead.
HIDDEN = frozenset({Kind.CONFIGURATION, Kind.INTEGRITY})
#: What is raised here reaches programs, or people at the machine itself, and no page.
_NO_PAGE = (
    "api/", "cli.py", "commands/records.py", "db/", "demonstration/", "enforcement/platform_check.py",
    "enforcement/signing.py", "jail/", "kernel/canonical.py", "ledger/", "settings.py", "supervisor.py",
    "web/idempotency.py",
)  # fmt: skip


def marked() -> Iterator[tuple[str, str]]:
    """Give each text (the singular where there are two), and the file it stands in."""
    for text, name in _extracted():
        yield (text if isinstance(text, str) else text[0]), name
    for kind in _errors(TidegateError):
        # Of the plain kinds the docstring is the message where none is given.
        if kind.kind not in HIDDEN and kind.__doc__ and kind.__module__ == TidegateError.__module__:
            yield kind.__doc__.strip(), kind.__module__


def marked_with_form() -> Iterator[tuple[str, bool]]:
    """Give each text, and whether it is the singular of two forms."""
    for text, _ in _extracted():
        yield (text, False) if isinstance(text, str) else (text[0], True)


def _extracted() -> Iterator[tuple[str | tuple[str, ...], str]]:
    refusals = {kind.__name__: None for kind in _errors(TidegateError) if kind.kind not in HIDDEN}
    folder = Path(str(files("tidegate")))
    found = extract_from_dir(folder, _METHODS, _OPTIONS, keywords=_MARKS | refusals | {"refusal": None})
    for name, _line, text, _comments, _context in found:
        if not name.startswith(_NO_PAGE):
            yield text, name


def _errors(base: type[TidegateError]) -> Iterator[type[TidegateError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _errors(kind)
