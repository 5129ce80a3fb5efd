"""Draws the state diagrams of these pages as SVG: a column for each state, a row for each arrow.

The pages carry them as Mermaid's ``stateDiagram-v2``, as ``generate.py`` writes it; of that language this reads arrows
and no more. Every arrow has a row of its own, so that nothing ever overlaps and the order is the table's.
"""  # noqa: INP001 - a Sphinx extension beside the pages

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

_ARROW = re.compile(r"(\S+) --> (\S+?)(?:: (.+))?")
_EDGE = "[*]"
_ROW, _HEAD, _MARGIN, _LETTER = 34, 34, 12, 7.6


@dataclass(frozen=True)
class Arrow:
    """From one state to another, and what happened."""

    source: str
    target: str
    what: str


def read(lines: Sequence[str]) -> tuple[list[str], list[Arrow], set[str]]:
    """Read a diagram: its states in order, its arrows, and the states that are an end."""
    states: dict[str, None] = {}
    arrows, ends = [], set()
    for line in lines:
        if not (found := _ARROW.fullmatch(line.strip())):
            continue
        source, target, what = found[1], found[2], found[3] or ""
        states |= dict.fromkeys(state for state in (source, target) if state != _EDGE)
        if target == _EDGE:
            ends.add(source)
        elif source != _EDGE:
            arrows.append(Arrow(source, target, what))
    return list(states), arrows, ends


def draw(lines: Sequence[str]) -> str:
    """Draw a diagram."""
    states, arrows, ends = read(lines)
    # Neighbours stand so far apart that the longest word on an arrow between them fits.
    widest = max([len(arrow.what) for arrow in arrows] + [len(state) for state in states])
    step = max(widest * _LETTER, 60) + 24
    at = {state: _MARGIN + step / 2 + step * number for number, state in enumerate(states)}
    width, height = _MARGIN * 2 + step * len(states), _HEAD + _ROW * len(arrows) + _MARGIN + 14
    parts = [
        _column(state, at[state], height, first=number == 0, end=state in ends) for number, state in enumerate(states)
    ]
    parts += [_row(arrow, at, _HEAD + _ROW * (number + 1)) for number, arrow in enumerate(arrows)]
    said = "; ".join(f"{arrow.source} to {arrow.target} by {arrow.what}" for arrow in arrows)
    return (
        f'<div class="states" tabindex="0" role="img" aria-label="{escape(f"States: {chr(44).join(states)}. {said}")}">'
        f'<svg viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}" aria-hidden="true">'
        f"{''.join(parts)}</svg></div>"
    )


def _column(state: str, x: float, height: float, *, first: bool, end: bool) -> str:
    half = len(state) * _LETTER / 2 + 10
    kind = "state" + " first" * first + " end" * end
    mark = f'<circle cx="{x:.0f}" cy="{height - 8}" r="5"/>' if end else ""
    return (
        f'<g class="{kind}"><line x1="{x:.0f}" x2="{x:.0f}" y1="{_HEAD}" y2="{height - 8}"/>'
        f'<rect x="{x - half:.0f}" y="4" width="{half * 2:.0f}" height="26" rx="6"/>'
        f'<text x="{x:.0f}" y="21">{escape(state)}</text>{mark}</g>'
    )


def _row(arrow: Arrow, at: dict[str, float], y: int) -> str:
    start, end = at[arrow.source], at[arrow.target]
    if arrow.source == arrow.target:
        end = start + 26
        line = f'<path d="M{start:.0f} {y - 8} H{end:.0f} V{y + 4} H{start + 8:.0f}"/>'
        tip, way = start, -1
        text = f'<text class="beside" x="{end + 6:.0f}" y="{y}">{escape(arrow.what)}</text>'
    else:
        way = 1 if end > start else -1
        line = f'<path d="M{start:.0f} {y} H{end - 8 * way:.0f}"/>'
        tip = end
        text = f'<text x="{(start + end) / 2:.0f}" y="{y - 5}">{escape(arrow.what)}</text>'
    level = y + 4 if arrow.source == arrow.target else y
    head = f'<path class="head" d="M{tip:.0f} {level} l{-9 * way} -4.5 v9 z"/>'
    return f'<g class="arrow">{line}{head}{text}</g>'


class Mermaid(SphinxDirective):
    """A fence called ``mermaid``."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Put the drawing in the place of the fence."""
        return [nodes.raw("", draw(list(self.content)), format="html")]


def setup(app: Any) -> dict[str, bool]:  # noqa: ANN401 - Sphinx's own application
    """Tell Sphinx of the fence."""
    app.add_directive("mermaid", Mermaid)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
