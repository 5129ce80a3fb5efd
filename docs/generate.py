"""Writes the generated pages of ``docs`` from the code, so that what is drawn is what runs.

May decide: how it reads. The diagrams are the transition tables of the stages, the story is the two tables of
``flow.py``, and the cells of the role table are asked of the same declarations that guard the routes. A test
fails when a page differs.
"""  # noqa: INP001 - a script beside the pages it writes

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import reference_pages
from reference_pages import grid

import tidegate.run  # noqa: F401 - declares every route
from tidegate.appeal.model import APPEALS
from tidegate.case.model import CASES
from tidegate.content.model import STANDINGS as CONTENT_STANDINGS
from tidegate.decision.model import DECISIONS
from tidegate.enforcement.model import INSTRUCTIONS, RESTRICTIONS
from tidegate.flag.model import FLAGS
from tidegate.flow import AFTER, WITH
from tidegate.notice.model import NOTICES
from tidegate.people.model import (
    EVERYONE,
    INCOMPATIBLE,
    PROPOSAL_NEEDS,
    PROPOSAL_STANDINGS,
    ROLE_PERMISSIONS,
    STAFF_STANDINGS,
    Permission,
    Role,
    Scope,
)
from tidegate.signal.model import STANDINGS as SIGNAL_STANDINGS
from tidegate.verdict.model import HOLDS
from tidegate.web.door import AnyKey, Declared, Door, Listener, Open

Table = Mapping[Any, Mapping[Any, StrEnum]]

WARNING = "<!-- Written by docs/generate.py from the code: change the code, then run `make docs`. -->"
YES, NO = "yes", "-"

#: heading, what it says in plain words, the table
LIVES: tuple[tuple[str, str, Table], ...] = (
    ("Content", "What has become of a content itself, whatever was decided about it.", CONTENT_STANDINGS),
    (
        "Signal",
        "What is known. Only a confirmed one can support a machine's hold; a withdrawn one matches nothing.",
        SIGNAL_STANDINGS,
    ),
    (
        "Hold",
        "A machine's only power. It ends in time, and none of its ends leads back; only people confirm it.",
        HOLDS,
    ),
    ("Flag", "Someone's report. It asks people to look and restricts nothing by itself.", FLAGS),
    (
        "Case",
        "What people look at together. Once decided, it waits for its decision to be issued or undone.",
        CASES,
    ),
    (
        "Decision",
        "Made by votes, issued after the undo time, immutable; it is changed only by a reversal.",
        DECISIONS,
    ),
    (
        "Restriction",
        "What the platform should be doing with a content. Every restriction has a way back to none.",
        RESTRICTIONS,
    ),
    (
        "Instruction",
        "One message to a platform. A dead letter can still be sent again.",
        INSTRUCTIONS,
    ),
    ("Notice", "What the uploader is told. It stands as long as its restriction does.", NOTICES),
    ("Appeal", "A complaint. Only other people's votes decide it.", APPEALS),
    ("Staff", "Suspending takes one administrator, restoring takes two.", STAFF_STANDINGS),
    ("Proposal", "What one person proposes and another must approve.", PROPOSAL_STANDINGS),
)


def diagram(table: Table) -> str:
    """Draw a transition table."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {next(iter(table))}"]
    for state, ways in table.items():
        lines += [f"    {state} --> {following}: {what}" for what, following in ways.items()]
        if not ways:
            lines.append(f"    {state} --> [*]")
    return "\n".join([*lines, "```"])


def story(table: Mapping[type, Sequence[object]]) -> str:
    """Write what follows on each event: the first line of what each follower says of itself."""
    rows = []
    for event, followers in table.items():
        for follower in followers:
            stage = follower.__module__.removeprefix("tidegate.").split(".")[0]
            says = (follower.__doc__ or "").splitlines()[0]
            rows.append((f"`{event.kind}`", stage, says))  # type: ignore[attr-defined]
    return grid(("event", "who follows", "what follows"), rows)


def life() -> str:
    """Write the page of how everything lives."""
    parts = [
        WARNING,
        "# How everything lives",
        "Each picture is a table in the code: what is not an arrow cannot happen, and is refused.",
        "The words on the arrows are the events in the record; at restrictions, what the platform is asked.",
    ]
    for heading, words, table in LIVES:
        parts += [f"## {heading}", words, diagram(table)]
    parts += [
        "## What follows with it",
        "In the same transaction: all of it happens, or none. In this order.",
        story(WITH),
        "## What follows after it",
        "As a job, once the transaction is committed; tried again until it is done.",
        story(AFTER),
    ]
    return "\n\n".join(parts) + "\n"


def may(declared: Declared, who: Role | Scope) -> bool:
    """Say whether a role or a key of one scope gets through a route's guard."""
    needs = declared.needs
    if isinstance(needs, Open):
        return True
    if isinstance(who, Role):
        return isinstance(needs, Permission) and needs in ROLE_PERMISSIONS[who] | EVERYONE
    return needs is AnyKey.ANY_KEY or needs is who


def routes(listener: Listener) -> list[Declared]:
    """Give the routes of a listener, in one order whatever was imported first."""
    return sorted(
        {declared for declared in Door.every if declared.listener is listener},
        key=lambda declared: (declared.path, declared.method),
    )


def cells(listener: Listener, columns: Sequence[Role | Scope]) -> str:
    """Write who gets through which route."""
    rows = [
        [f"`{declared.method} {declared.path}`", str(declared.needs)]
        + [YES if may(declared, who) else NO for who in columns]
        for declared in routes(listener)
    ]
    return grid(["route", "needs", *columns], rows)


def roles() -> str:
    """Write the page of who may do what."""
    parts = [
        WARNING,
        "# Who may do what",
        "Each route stands on one listener and says what it needs; a test tries each cell over HTTP.",
        "## Roles",
        grid(
            ("role", "may", "never together with"),
            [
                (
                    role,
                    ", ".join(sorted(ROLE_PERMISSIONS[role] | EVERYONE)),
                    ", ".join(sorted(_excluded(role))) or "nobody",
                )
                for role in Role
            ],
        ),
        "## What takes two people",
        "One proposes, another approves within 24 hours; nobody approves what is about themselves.",
        grid(
            ("proposal", "who may propose", "who may approve"),
            [(kind, needs.propose, needs.approve) for kind, needs in PROPOSAL_NEEDS.items()],
        ),
        "## Staff listener",
        "Every request that changes something also carries the session's CSRF token.",
        cells(Listener.STAFF, tuple(Role)),
        "## Platform listener",
        "By the scope of an API key. No scope votes, decides or confirms.",
        cells(Listener.PLATFORM, tuple(Scope)),
        "## Public listener",
        "`anyone` needs nothing; with `link` the secret in the address is the permission.",
        grid(
            ("route", "needs"),
            [(f"`{item.method} {item.path}`", str(item.needs)) for item in routes(Listener.PUBLIC)],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _excluded(role: Role) -> set[Role]:
    return set(INCOMPATIBLE.get(role, ())) | {other for other, no in INCOMPATIBLE.items() if role in no}


def _written(parts: Callable[[], list[str]]) -> Callable[[], str]:
    return lambda: "\n\n".join([WARNING, *parts()]) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "life.md": life,
    "roles.md": roles,
    "reference/settings.md": _written(reference_pages.settings),
    "reference/command-line.md": _written(reference_pages.command_line),
    "reference/http-api.md": _written(reference_pages.http_api),
    "reference/events.md": _written(reference_pages.events),
    "reference/leaf.md": _written(reference_pages.leaf),
    "reference/errors.md": _written(reference_pages.error_kinds),
    "reference/alarms.md": _written(reference_pages.alarms),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or say which differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page differs")
    parser.add_argument("--to", type=Path, default=Path(__file__).parent, help="the folder of the pages")
    chosen = parser.parse_args(arguments)
    differing = []
    for name, write in PAGES.items():
        page, text = chosen.to / name, write()
        if page.exists() and page.read_text(encoding="utf-8") == text:
            continue
        differing.append(name)
        if not chosen.check:
            page.parent.mkdir(exist_ok=True)
            page.write_text(text, encoding="utf-8")
    if differing and chosen.check:
        sys.stderr.write(f"{', '.join(differing)}: not what the code says; run python docs/generate.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
