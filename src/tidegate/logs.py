"""Log lines: JSON, one a line, with an action and a request id.

May decide: what never gets into a line. Content, hashes, tokens and personal links are dropped by the names they
would have and by their looks, whoever logs them.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

_FORBIDDEN_NAMES = frozenset(
    {
        "sha256",
        "pdq",
        "value",
        "token",
        "password",
        "key",
        "caption",
        "words",
        "url",
        "path",
        "data",
        "uploader",
        "platform_id",
    }
)
#: Sixteen or more hexadecimal bytes in a row, a connection's password, an API key, a link's secret.
_SECRETS = re.compile(r"[0-9a-fA-F]{32,}|(?<=:)[^:@/\s]+(?=@)|tidegate_[A-Za-z0-9_-]{20,}|[A-Za-z0-9_-]{43,}")
_KEPT_AS_THEY_ARE = frozenset({"request_id", "reference", "action", "level", "timestamp"})
_NOT_LOGGED = "[not logged]"


def redact(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop what must never be written."""
    for name in list(line):
        # A leading underscore marks what the formatter itself takes out again.
        if name not in _KEPT_AS_THEY_ARE and not name.startswith("_"):
            line[name] = _cleaned(name, line[name])
    return line


def _cleaned(name: str, value: object) -> object:
    """Clean a value and all that is in it."""
    if name in _FORBIDDEN_NAMES or isinstance(value, (bytes, bytearray, memoryview)):
        return _NOT_LOGGED
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {_SECRETS.sub(_NOT_LOGGED, str(key)): _cleaned(str(key), item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_cleaned("", item) for item in value]
    return _SECRETS.sub(_NOT_LOGGED, str(value))


def configure_logs(level: str) -> None:
    """Write JSON lines to standard error."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(number, logging.WARNING))
