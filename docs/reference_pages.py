"""The reference pages, written from the code: settings, commands, the HTTP API, events, the leaf, errors.

May decide: how it reads, and nothing of what it says: every name, number and sentence is asked of the code.
"""  # noqa: INP001 - a part of the script beside it

import dataclasses
import re
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

import click
from fastapi import FastAPI
from pydantic_core import PydanticUndefined

from tidegate.alarms.rules import THRESHOLDS
from tidegate.api.content import Metadata
from tidegate.cli import EXITS, main
from tidegate.console.words import WORDS
from tidegate.kernel.errors import Kind, TidegateError
from tidegate.kernel.event import EVENTS, Event
from tidegate.kernel.ids import Id
from tidegate.ledger.entry import FIELDS, VERSION, Leaf
from tidegate.run import DOORS
from tidegate.settings import Settings
from tidegate.web.door import Listener
from tidegate.web.problems import TABLE

_LIMITS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
_SETTINGS = (
    "Each can stand in `tidegate.toml` under its name, or in the environment. `tidegate config check` reads "
    "them and explains each mistake; a name that is not here is refused. None of them lowers the safeguard "
    "floor."
)
_API = (
    "The platform listener. A running node gives the same as OpenAPI 3.1 at `/openapi.json`. Send the key as "
    "`Authorization: Bearer tidegate_...`; what it needs is its scope. Errors are [problem "
    "documents](errors.md). How these are used together: [platform engineers' how-to](../how-to/platforms.md)."
)
_EVENTS_ARE = (
    "What happened, kept for ever and holding nothing personal: ids, closed words, numbers and times. The "
    "kernel refuses anything else when an event is defined. A `detail` sealed under its own key holds the "
    "rest, and can be erased. Every view of the database is a fold of these; `tidegate db rebuild` proves it."
)
_LEAF_IS = (
    f"Version {VERSION}, fixed for ever. One entry of the public ledger, as RFC 8785 canonical JSON: every "
    "field is always there, and nothing else is. Why these: [What a leaf of the ledger "
    "says](../adr/0003-leaf.md)."
)
_ALARMS_ARE = (
    "The page *Alarms* of the console, the number beside it, and `/metrics` say the same: for each below, "
    "`tidegate_waiting{what=...}` is how many, `tidegate_waiting_seconds{what=...}` how long the oldest has waited "
    "(below 0: until the first is due), and `tidegate_alarm{what=...}` is 0 quiet, 1 to know, 2 look soon, 3 act now. "
    "Counts and times only: no alarm names a content, a hash or a person."
)
_ERRORS_ARE = (
    "One closed list. Over HTTP each is a problem document (RFC 9457, `application/problem+json`) with `type`, "
    "`title`, `status`, `detail`, `kind` and, where there is something to quote, `reference`: a field, a rule "
    "of the floor, or a number to give whoever runs the node. Decide by `kind`; `detail` is for people and may "
    "change."
)


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table."""
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(' --- ' for _ in head)}|"]
    return "\n".join(lines + [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows])


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _prose(text: str | None) -> str:
    """Turn a docstring into Markdown: our docstrings mark code with two ticks."""
    return " ".join((text or "").split("\n\n")[0].replace("``", "`").split())


def settings() -> list[str]:
    """Write what can be set."""
    rows = [
        (
            f"`{name}`",
            f"`TIDEGATE_{name.upper()}`",
            _default(field.default),
            _bounds(field.metadata),
            _prose(field.description),
        )
        for name, field in Settings.model_fields.items()
    ]
    return [
        "# Settings",
        _SETTINGS,
        grid(("name", "in the environment", "default", "limits", "what it is"), rows),
    ]


def _default(value: object) -> str:
    if value is PydanticUndefined:
        return "must be given"
    if value is None or value == ():
        return "none"
    return f"`{value}`"


def _bounds(metadata: Iterable[object]) -> str:
    said = [
        f"{words} {getattr(limit, name):g}"
        for limit in metadata
        for name, words in _LIMITS.items()
        if getattr(limit, name, None) is not None
    ]
    return ", ".join(said) or "-"


def command_line() -> list[str]:
    """Write every command with what it takes."""
    parts = [
        "# Command line",
        f"{_prose(main.help)} Every command says the same with `--help`.",
    ]
    for words, command in _commands(main, ("tidegate",)):
        parts += [f"## {' '.join(words)}", _prose(command.help)]
        taken = [_parameter(parameter) for parameter in command.params]
        if taken:
            parts.append(grid(("takes", "what it is"), taken))
    exits: dict[int, list[str]] = {}
    for kind, status in EXITS.items():
        exits.setdefault(status, []).append(f"`{kind}`")
    parts += [
        "## Exit status",
        "0 when all is well, 1 when an answer is no. Otherwise by the [kind of error](errors.md):",
        grid(("status", "kinds"), [(str(status), ", ".join(kinds)) for status, kinds in sorted(exits.items())]),
    ]
    return parts


def _commands(group: click.Group, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        if isinstance(command, click.Group):
            yield from _commands(command, (*above, name))
        else:
            yield (*above, name), command


def _parameter(parameter: click.Parameter) -> tuple[str, str]:
    if isinstance(parameter, click.Option):
        value = "" if parameter.is_flag else f" {parameter.type.name.upper()}"
        return f"`{', '.join(parameter.opts)}{value}`", parameter.help or "JSON instead of text."
    return f"`{parameter.human_readable_name}`", "several" if parameter.nargs == -1 else "one"


def http_api() -> list[str]:
    """Write every route of the platform listener."""
    application = FastAPI(title="Tidegate", version="1")
    for door in DOORS:
        if door.listener is Listener.PLATFORM:
            application.include_router(door.router)
    document = application.openapi()
    parts = [
        "# HTTP API",
        _API,
    ]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts += [f"## {method.upper()} {path}", _paragraphs(operation["description"])]
            parts.append(f"Needs: `{operation['x-needs']}`. Answers {_answers(operation['responses'])}.")
            parts += _takes(operation, document)
            if path == "/v1/content":
                parts += ["The metadata:", _schema_grid(Metadata.model_json_schema(), {})]
    return parts


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.replace("``", "`").split()) for part in text.split("\n\n"))


def _answers(responses: Mapping[str, Any]) -> str:
    return " or ".join(f"`{status}`" for status in responses if status != "422")


def _takes(operation: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        (f"`{item['name']}`", item["in"], "yes" if item.get("required") else "no", _type(item["schema"], document))
        for item in operation.get("parameters", [])
    ]
    if rows:
        yield grid(("parameter", "in", "needed", "form"), rows)
    if body := operation.get("requestBody"):
        schema = body["content"]["application/json"]["schema"]
        yield "The body, as JSON:"
        yield _schema_grid(_resolved(schema, document), document)


def _schema_grid(schema: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    whole = document or {"components": {"schemas": schema.get("$defs", {})}}
    needed = schema.get("required", [])
    return grid(
        ("field", "needed", "form"),
        [
            (f"`{name}`", "yes" if name in needed else "no", _type(form, whole))
            for name, form in schema["properties"].items()
        ],
    )


def _resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    found: Mapping[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _type(schema: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    schema = _resolved(schema, document)
    if "anyOf" in schema:
        return " or ".join(_type(part, document) for part in schema["anyOf"] if part.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    limits = [
        f"{words} {schema[name]}"
        for name, words in (("minimum", "at least"), ("maximum", "at most"))
        if schema.get(name) is not None
    ]
    return ", ".join([schema.get("format", schema.get("type", "anything")), *limits])


def events() -> list[str]:
    """Write every kind of event and what it holds."""
    parts = [
        "# Events",
        _EVENTS_ARE,
    ]
    by_stage: dict[str, list[type[Event]]] = {}
    for kind, event in sorted(EVENTS.items()):
        by_stage.setdefault(kind.partition(".")[0], []).append(event)
    for stage, kinds in by_stage.items():
        rows = [
            (
                f"`{event.kind}`",
                # A dataclass without a docstring is given its signature.
                "" if (event.__doc__ or "").startswith(f"{event.__name__}(") else _prose(event.__doc__),
                ", ".join(f"`{name}`: {_form(hint)}" for name, hint in _hints(event)),
            )
            for event in kinds
        ]
        parts += [f"## {stage}", grid(("event", "what happened", "holds"), rows)]
    return parts


def _hints(holder: type) -> list[tuple[str, object]]:
    hints = get_type_hints(holder)
    return [(field.name, hints[field.name]) for field in dataclasses.fields(holder)]


def _form(hint: object) -> str:
    """Name a type as a reader of the record would."""
    if get_origin(hint) in {Union, types.UnionType}:
        return " or ".join("none" if part is type(None) else _form(part) for part in get_args(hint))
    if get_origin(hint) is tuple:
        return f"list of {_form(get_args(hint)[0])}"
    if isinstance(hint, type) and issubclass(hint, Id):
        return f"{hint.__name__.removesuffix('Id').lower()} id"
    names: dict[object, str] = {bool: "yes or no", int: "number", datetime: "time", date: "day"}
    return names.get(hint) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", getattr(hint, "__name__", str(hint))).lower()


def leaf() -> list[str]:
    """Write what a public entry may hold."""
    hints = get_type_hints(Leaf)
    parts = [
        "# The ledger's leaf",
        _LEAF_IS,
        grid(("field", "form"), [(f"`{name}`", _leaf_form(name)) for name in FIELDS]),
    ]
    for name, hint in hints.items():
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            parts += [f"## {name}", _prose(hint.__doc__), ", ".join(f"`{word}`" for word in hint) + "."]
    return parts


def _leaf_form(name: str) -> str:
    said = {
        "version": f"the number {VERSION}",
        "leaf": "32 hex digits, random: what a later leaf cites",
        "cites": "the `leaf` that is reversed or answered, or none",
        "account": "32 hex digits, equal for one account within a year, on leaves about accounts only; or none",
        "commitment": "64 hex digits: the root over the separately salted fields that a receipt opens",
        "count": "a whole number from 1; 1 but for tallies",
        "day": "the day, such as 2026-11-24",
    }
    return said.get(name) or f"one word of [{name}](#{name.replace('_', '-')})"


def alarms() -> list[str]:
    """Write every alarm: from when on it is one and why, what to do, and its name in the metrics."""
    words = {alarm: WORDS["alarm"][alarm] for alarm in THRESHOLDS}
    rows = [
        (words[alarm], f"`{alarm}`", _limit(threshold.warning), _limit(threshold.danger), threshold.why)
        for alarm, threshold in THRESHOLDS.items()
    ]
    return [
        "# Alarms",
        _ALARMS_ARE,
        grid(("what", "`what` in the metrics", "look soon", "act now", "why then"), rows),
        "## What to do",
        *(f"**{words[alarm]}.** {WORDS['alarm_do'][alarm]}" for alarm in THRESHOLDS),
    ]


def _limit(length: timedelta | None) -> str:
    """Write from when on, counted from the beginning or from the moment something is due."""
    if length is None:
        return "-"
    if not length:
        return "at once"
    minutes = int(abs(length).total_seconds()) // 60
    number, unit = (minutes // 1440, "d") if minutes % 1440 == 0 else (minutes // 60, "h")
    if minutes % 60:
        number, unit = minutes, "min"
    return f"{number} {unit} before" if length < timedelta() else f"after {number} {unit}"


def error_kinds() -> list[str]:
    """Write every kind of error and what it is answered with."""
    # The plain kinds come first and say it best; what a stage makes of one has words of its own.
    says = {kind.kind: _prose(kind.__doc__) for kind in reversed(TidegateError.__subclasses__())}
    rows = [
        (f"`{kind}`", str(TABLE[kind][0]), TABLE[kind][1], says.get(kind, ""), str(EXITS.get(kind, "-")))
        for kind in Kind
    ]
    return [
        "# Errors",
        _ERRORS_ARE,
        grid(("kind", "status", "title", "what to do", "exit status"), rows),
        "`503` and `429` carry `Retry-After` in seconds. An error that is none of these shows a reference and no text.",
    ]
