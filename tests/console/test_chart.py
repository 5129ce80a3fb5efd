"""Charts: marks stand where the numbers say, and what is drawn is sound SVG that names itself."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.console import chart
from tidegate.console.pages import environment

COUNTS = st.integers(0, 10**12)
SVG = "{http://www.w3.org/2000/svg}"


@st.composite
def stacks(draw: st.DrawFn) -> tuple[list[list[int]], list[list[int]]]:
    buckets = draw(st.integers(1, 12))
    series = st.lists(COUNTS, min_size=buckets, max_size=buckets)
    return draw(st.lists(series, min_size=1, max_size=4)), draw(st.lists(series, max_size=3))


@given(stacks(), st.booleans())
def test_columns_are_as_high_as_their_counts(series: tuple[list[list[int]], list[list[int]]], mirrored: bool) -> None:
    up, down = series
    drawn = chart.columns(up, down, mirrored=mirrored)
    every = [*up, *down]
    shown = {(mark.series, mark.place): mark for mark in drawn.marks}
    assert {key: mark.count for key, mark in shown.items()} == {
        (number, place): count for number, counts in enumerate(every) for place, count in enumerate(counts) if count
    }
    heights = [mark.height / mark.count for mark in drawn.marks]
    assert all(height == pytest.approx(heights[0]) for height in heights)
    for mark in drawn.marks:
        assert 0 <= mark.x <= mark.x + mark.width <= 100 + 1e-9
        assert chart.TOP - 1e-6 <= mark.y <= mark.y + mark.height <= chart.TOP + chart.HEIGHT + 1e-6
        if mark.series < len(up):
            assert mark.y + mark.height <= drawn.zero + 1e-6
        else:
            assert mark.y >= drawn.zero - 1e-6


@given(stacks())
def test_stacked_marks_touch_and_never_overlap(series: tuple[list[list[int]], list[list[int]]]) -> None:
    up, _ = series
    drawn = chart.columns(up)
    for place in range(len(up[0])):
        pile = [mark for mark in drawn.marks if mark.place == place]
        floor = drawn.zero
        for mark in pile:
            assert mark.y + mark.height == pytest.approx(floor, abs=1e-6)
            floor = mark.y


@given(st.lists(COUNTS, min_size=1, max_size=20))
def test_rows_are_as_long_as_their_counts(counts: list[int]) -> None:
    plain, turned = chart.rows(counts), chart.rows(counts, mirrored=True)
    assert [mark.count for mark in plain] == counts
    largest = max(counts)
    for mark, other in zip(plain, turned, strict=True):
        assert mark.width * largest == pytest.approx(plain[counts.index(largest)].width * mark.count)
        assert (other.width, other.x) == pytest.approx((mark.width, 100 - mark.width))


@given(st.integers(0, 10**15))
def test_an_axis_has_few_round_steps(largest: int) -> None:
    step = chart.nice_step(largest)
    assert largest <= 4 * step
    assert str(step).strip("0") in {"1", "2", "5"}
    assert step == 1 or largest > 1.59 * step, "a finer step would still do"


@given(st.floats(0, 1), st.floats(0, 1))
def test_places_along_a_scale_keep_their_order(one: float, other: float) -> None:
    assert (one <= other) is (chart.along(one) <= chart.along(other)) or chart.along(one) == chart.along(other)
    assert chart.along(one) == pytest.approx(100 - chart.along(one, mirrored=True))
    assert 0 < chart.along(-3) < chart.along(7) < 100


def macro(name: str, *values: object, direction: str = "ltr") -> ET.Element:
    """Draw with a macro as a page does and read what comes out."""
    source = f'{{% from "chart.html" import {name} with context %}}{{{{ {name}(*values) }}}}'
    text = environment("en").from_string(source).render(values=values, direction=direction)
    assert "style=" not in text
    assert "<script" not in text
    return ET.fromstring(text.strip().replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))  # noqa: S314 - our own text


@pytest.mark.parametrize(("distance", "percent"), [(0, 2.0), (31, 98.0), (12, 2 + 96 * 12 / 31)])
def test_distance_scale_marks_the_distance(distance: int, percent: float) -> None:
    drawn = macro("distance_scale", distance, 31)
    assert drawn.get("role") == "img"
    assert drawn.get("aria-label") == f"Distance {distance} of at most 31; 0 is no difference"
    point = drawn.find(f"{SVG}circle")
    assert point is not None
    assert float(point.get("cx", "").rstrip("%")) == pytest.approx(percent, abs=0.001)
    turned = macro("distance_scale", distance, 31, direction="rtl").find(f"{SVG}circle")
    assert turned is not None
    assert float(turned.get("cx", "").rstrip("%")) == pytest.approx(100 - percent, abs=0.001)


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_charts_name_themselves_and_escape_every_word(direction: str) -> None:
    hostile = "<script>&\"'"
    drawn = [
        macro(
            "column_chart",
            "a",
            hostile,
            hostile,
            [[3, 0]],
            [[1, 2]],
            [hostile, "b"],
            [(hostile, hostile), ("2", "2")],
            direction=direction,
        ),
        macro("bar_chart", "a", hostile, hostile, [(hostile, 3), ("y", 0)], direction=direction),
        macro(
            "rate_chart",
            "a",
            hostile,
            hostile,
            [(hostile, "", (0.5, 0.1, 0.9)), ("", "", (None, 0, 1))],
            direction=direction,
        ),
    ]
    for svg in drawn:
        names = {element.get("id"): element.text for element in svg}
        assert svg.get("role") == "img"
        assert names[svg.get("aria-labelledby")] == hostile
        assert names[svg.get("aria-describedby")] == hostile
