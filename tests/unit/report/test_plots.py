from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from tabveil.report.canvas import save
from tabveil.report.plots import Landmark, Point, front, losses, roc

POINTS = [
    Point(0, 0.50, 0.00, 0.00, 0.03, on_front=True, names=("most-private",)),
    Point(1, 0.70, 0.05, 0.02, 0.08, on_front=True, names=("balanced",)),
    Point(2, 0.80, 0.20, 0.10, 0.25, on_front=True, names=("most-useful",)),
    Point(3, 0.60, 0.10, 0.00, 0.15),
]


def _texts(figure: Figure) -> str:
    return " | ".join(text.get_text() for axes in figure.axes for text in axes.texts)


def test_the_front_names_its_aliases_and_counts_what_it_shows() -> None:
    figure = front(POINTS, title="study")
    assert "most-private (#0)" in _texts(figure)
    assert "balanced (#1)" in _texts(figure)
    (axes,) = figure.axes
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "dominated trials (1)",
        "front (3)",
    ]


def test_the_step_line_goes_from_the_most_private_to_the_most_useful() -> None:
    (axes,) = front([POINTS[2], POINTS[0], POINTS[3], POINTS[1]]).axes
    (line,) = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    assert list(np.asarray(line.get_xdata())) == [0.00, 0.05, 0.20]
    assert list(np.asarray(line.get_ydata())) == [0.50, 0.70, 0.80]


def test_a_far_landmark_does_not_press_the_trials_together() -> None:
    figure = front(
        POINTS, landmarks=[Landmark("copycat", 0.9, 1.0, 0.9), Landmark("near", 0.7, 0.1, 0.0)]
    )
    (axes,) = figure.axes
    assert axes.get_xlim()[1] < 0.3
    assert "copycat (risk 1.00, utility 0.90)" in _texts(figure)
    assert "near (" not in _texts(figure)


@pytest.mark.parametrize("points", [[], POINTS[:1], POINTS[3:], [POINTS[0], POINTS[0]]])
def test_a_small_front_can_be_drawn(points: list[Point], tmp_path: Path) -> None:
    save(front(points), tmp_path / "front")


def test_losses_are_counted_from_epoch_one() -> None:
    (axes,) = losses({"generator": [3.0, 2.0], "discriminator": [1.0]}).axes
    assert [list(np.asarray(line.get_xdata())) for line in axes.lines] == [[1, 2], [1]]
    assert losses({}).axes


def test_a_roc_curve_that_starts_at_zero_fits_on_logarithmic_axes(tmp_path: Path) -> None:
    figure = roc({"distance": ([0, 0.5, 1], [0, 0.7, 1])})
    (axes,) = figure.axes
    assert axes.get_xscale() == axes.get_yscale() == "log"
    save(figure, tmp_path / "roc")


def test_the_same_picture_is_the_same_file(tmp_path: Path) -> None:
    first = save(front(POINTS), tmp_path / "new folder" / "trial.3")
    second = save(front(POINTS), tmp_path / "again")
    assert [path.name for path in first] == ["trial.3.svg", "trial.3.png"]
    assert [a.read_bytes() == b.read_bytes() for a, b in zip(first, second, strict=True)] == [
        True,
        True,
    ]


def test_families_have_colours_and_lines_in_the_legend_of_their_own() -> None:
    families = ("ctgan", "autoregressive", "autoregressive", "ctgan")
    points = [replace(point, family=name) for point, name in zip(POINTS, families, strict=True)]
    (axes,) = front(points).axes
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "autoregressive, dominated trials (0)",
        "ctgan, dominated trials (1)",
        "autoregressive, front (2)",
        "ctgan, front (1)",
    ]
