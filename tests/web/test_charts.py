"""Charts: what is drawn where, and what a name may hold."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from tabveil.web import charts
from tabveil.web.progress import Landmark, TrialSeen

FRONT = [
    TrialSeen(0, "complete", 0.5, 0.0, 0.0, 0.2, on_front=True, aliases=("most-private",)),
    TrialSeen(1, "complete", 0.8, 0.1, 0.1, 0.3, on_front=True, aliases=("most-useful",)),
    TrialSeen(2, "complete", 0.4, 0.2, 0.2, 0.4),
    TrialSeen(3, "fail", error="x"),
]


def points(svg: str) -> dict[int, ET.Element]:
    found = ET.fromstring(svg)
    return {int(one.attrib["id"].removeprefix("point-")): one for one in found.iter("a")}


def dot(point: ET.Element, kind: str) -> tuple[float, float]:
    circle = next(one for one in point.iter("circle") if one.attrib["class"] == kind)
    return float(circle.attrib["cx"]), float(circle.attrib["cy"])


def test_more_useful_is_higher_and_riskier_is_further_right() -> None:
    drawn = points(charts.front(FRONT, link=str))
    private, useful = dot(drawn[0], "best"), dot(drawn[1], "best")
    assert private[0] < useful[0]
    assert private[1] > useful[1]
    assert set(drawn) == {0, 1, 2}


def test_the_front_is_a_stop_of_the_keyboard_and_says_its_numbers() -> None:
    drawn = points(charts.front(FRONT, link=lambda n: f"/trials/{n}"))
    assert "tabindex" not in drawn[1].attrib
    assert drawn[2].attrib["tabindex"] == "-1"
    assert drawn[1].attrib["href"] == "/trials/1"
    assert drawn[1].attrib["aria-label"] == (
        "Trial 1, most useful: utility 0.800, risk shown 0.100, at most 0.300"
    )


def test_whiskers_reach_from_what_was_shown_to_what_was_not_excluded() -> None:
    svg = charts.front(FRONT, link=str)
    whiskers = re.findall(r'class="whisker" x1="([\d.]+)" x2="([\d.]+)"', svg)
    assert len(whiskers) == 2
    low, high = map(float, whiskers[0])
    assert low == dot(points(svg)[0], "best")[0]
    assert high == dot(points(svg)[2], "beaten")[0]  # both at 0.2


def test_a_landmark_far_away_does_not_squeeze_the_trials() -> None:
    far = charts.front(FRONT, [Landmark("copycat", 0.99, 1.0)], link=str)
    assert "copycat (0.99 at risk 1.00)" in far
    near = charts.front(FRONT, link=str)
    assert dot(points(far)[1], "best") == dot(points(near)[1], "best")


def test_without_a_finished_trial_there_is_no_picture() -> None:
    assert charts.front([FRONT[3]]) == ""
    assert charts.losses({}, label="x") == ""
    assert charts.interval(None, None, None, label="x") == ""


def test_names_cannot_leave_the_text() -> None:
    bad = '<script>"&'
    svg = charts.front(FRONT, [Landmark(bad, 0.5, 0.1)], link=lambda n: f'/"><x {n}')
    ET.fromstring(svg)
    assert "<script>" not in svg
    svg = charts.losses({bad: [(1, 1.0), (2, 0.5), (3, math.nan)]}, label=bad)
    ET.fromstring(svg)
    assert "nan" not in svg
    assert "style=" not in svg


@given(st.floats(0, 1), st.floats(1e-6, 1))
def test_ticks_are_few_and_lie_within(low: float, width: float) -> None:
    found = charts.ticks(low, low + width)
    assert 2 <= len(found) <= 7
    assert all(low - 1e-6 <= one <= low + width + 1e-6 for one in found)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_every_trial_lies_inside_the_picture(seen: list[tuple[float, float]]) -> None:
    trials = [TrialSeen(k, "complete", u, r, 0.0, 1.0) for k, (u, r) in enumerate(seen)]
    for point in points(charts.front(trials, link=str)).values():
        x, y = dot(point, "beaten")
        assert 0 < x < charts.WIDTH
        assert 0 < y < charts.HEIGHT
