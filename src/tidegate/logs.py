"""Log lines: JSON, one a line, with an action and a request id.

May decide: what never gets into a line. Content, hashes, tokens and personal links are dropped by the names they
would have and by their looks, whoever logs them.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
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
_KEPT_AS_THEY_ARE = frozenset({"request_id", "reference", "action", "event", "level", "timestamp"})


def redact(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop what must never be written."""
    for name in list(line):
        if name in _FORBIDDEN_NAMES:
            line[name] = "[not logged]"
        elif isinstance(line[name], str) and name not in _KEPT_AS_THEY_ARE:
            line[name] = _SECRETS.sub("[not logged]", line[name])
    return line


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
