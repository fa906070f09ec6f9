"""What do a sweep, a training and an attack look like?

Three pictures: the front of a sweep, the losses of a training, the ROC curves of attacks. Those
of the columns are in `column_plots`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from tabveil.report.canvas import BLUE, GREY, INK, SERIES, VERMILLION, dress, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Point:
    """A trial in the picture of the front.

    Attributes:
        number: of the trial.
        utility: in [0, 1], higher is better.
        risk: in [0, 1], lower is better.
        risk_low, risk_high: confidence bounds of the risk: what has been shown, and what cannot be
            excluded.
        on_front: no other trial beats it on both.
        names: what it is called: `balanced`, `knee`, ….
        family: of its model, where the sweep tries several.
    """

    number: int
    utility: float
    risk: float
    risk_low: float
    risk_high: float
    on_front: bool = False
    names: tuple[str, ...] = ()
    family: str = ""


@dataclass(frozen=True)
class Landmark:
    """Something to compare trials with: independent columns, replayed rows.

    Attributes:
        name: what it is.
        utility: in [0, 1].
        risk: in [0, 1], as the trials' risk is meant.
        shown: the lower bound of the risk.
    """

    name: str
    utility: float
    risk: float
    shown: float


def front(
    points: Sequence[Point], *, landmarks: Sequence[Landmark] = (), title: str = ""
) -> Figure:
    """Draw utility against risk: the front connected, the dominated trials behind it.

    The step line is what the sweep can offer at most, for each risk that one is ready to take.
    Whiskers reach from what has been shown of the front's risks to what cannot be excluded.
    """
    figure = new_figure(7.6, 5.0)
    axes = figure.add_subplot()
    dress(axes, title=title, x="privacy risk (lower is better)", y="utility (higher is better)")
    families = sorted({point.family for point in points})
    several = len(families) > 1
    for i, family in enumerate(families):
        behind = [p for p in points if not p.on_front and p.family == family]
        axes.scatter(
            [p.risk for p in behind],
            [p.utility for p in behind],
            s=26,
            facecolors="none",
            edgecolors=SERIES[i % len(SERIES)] if several else GREY,
            label=f"{family + ', ' if several else ''}dominated trials ({len(behind)})",
        )
    best = sorted((p for p in points if p.on_front), key=lambda p: (p.risk, p.utility))
    colours = {family: SERIES[i % len(SERIES)] for i, family in enumerate(families)}
    _draw_front(axes, best, colours if several else {})
    _set_limits(axes, points)
    for point in points:
        if point.names:
            _ring(axes, point)
    for mark in landmarks:
        _draw_landmark(axes, mark)
    axes.legend(loc="lower right", fontsize=9, frameon=False)
    return figure


def _draw_front(axes: Axes, best: Sequence[Point], colours: Mapping[str, str]) -> None:
    risks, utilities = [p.risk for p in best], [p.utility for p in best]
    for point in best:
        axes.plot(
            [point.risk_low, point.risk_high],
            [point.utility] * 2,
            color=BLUE,
            alpha=0.45,
            linewidth=1.4,
            marker="|",
            zorder=2,
        )
    axes.plot(risks, utilities, drawstyle="steps-post", color=BLUE, linewidth=1.2, zorder=2)
    for family in colours or [""]:
        mine = [p for p in best if not colours or p.family == family]
        axes.scatter(
            [p.risk for p in mine],
            [p.utility for p in mine],
            s=44,
            color=colours.get(family, BLUE),
            zorder=3,
            label=f"{family + ', ' if colours else ''}front ({len(mine)})",
        )


def _ring(axes: Axes, point: Point) -> None:
    """Ring a point and write its names to its upper left, where no trial of the sweep can lie."""
    left, right = axes.get_xlim()
    room = (point.risk - left) / (right - left) > 0.35
    axes.plot(point.risk, point.utility, "o", ms=11, mfc="none", mec=VERMILLION, mew=1.8, zorder=4)
    axes.annotate(
        f"{', '.join(point.names)} (#{point.number})",
        (point.risk, point.utility),
        xytext=(-7 if room else -4, 9 if room else 13),
        textcoords="offset points",
        ha="right" if room else "left",
        fontsize=9,
        color=VERMILLION,
        zorder=2.5,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )


def _set_limits(axes: Axes, points: Sequence[Point]) -> None:
    """Fit the axes to the trials: a landmark far away must not press them together."""
    if not points:
        return
    risks = [p.risk for p in points]
    risks += [r for p in points if p.on_front for r in (p.risk_low, p.risk_high)]
    for values, name, room in (
        (risks, "x", (0.08, 0.1)),
        ([p.utility for p in points], "y", (0.1, 0.2)),
    ):
        low, high = min(values), max(values)
        span = max(high - low, 0.02)
        axes.set(**{f"{name}lim": (low - room[0] * span, high + room[1] * span)})


def _draw_landmark(axes: Axes, mark: Landmark) -> None:
    """Draw a landmark, at the edge and with its numbers if it lies outside."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    x = np.clip(mark.risk, left, right - 0.02 * (right - left))
    y = np.clip(mark.utility, bottom, top)
    inside = (x, y) == (mark.risk, mark.utility)
    text = (
        mark.name if inside else f"{mark.name} (risk {mark.risk:.2f}, utility {mark.utility:.2f})"
    )
    axes.scatter(x, y, marker="x", s=52, color=INK, zorder=4, clip_on=False)
    share = (x - left) / (right - left)
    axes.annotate(
        text,
        (x, y),
        xytext=(-9 if share > 0.5 else 9, 5 if y < top else -13),
        textcoords="offset points",
        ha="right" if share > 0.5 else "left",
        fontsize=9,
        color=INK,
    )


def losses(history: Mapping[str, Sequence[float]]) -> Figure:
    """Draw the losses of a training, epoch by epoch.

    Args:
        history: loss name -> values of epoch 1, 2, ….
    """
    figure = new_figure(6.4, 3.6)
    axes = figure.add_subplot()
    dress(axes, x="epoch", y="loss")
    for i, (name, values) in enumerate(history.items()):
        epochs = np.arange(1, len(values) + 1)
        mark = "o" if len(values) == 1 else ""
        style = ("-", "--", ":", "-.")[i % 4]
        color = SERIES[i % len(SERIES)]
        axes.plot(epochs, values, style, marker=mark, color=color, linewidth=1.5, label=name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if history:
        axes.legend(fontsize=9, frameon=False)
    return figure


def roc(curves: Mapping[str, tuple[ArrayLike, ArrayLike]], *, lowest: float = 1e-3) -> Figure:
    """Draw how many members an attack finds at the price of how many false alarms.

    Both axes are logarithmic: what matters is the left end, where an attacker is seldom wrong.

    Args:
        curves: attack -> (false positive rates, true positive rates), each in [0, 1], rising.
        lowest: the rate at which the axes begin.
    """
    figure = new_figure(5.2, 5.0)
    axes = figure.add_subplot()
    dress(axes, x="false positive rate", y="true positive rate")
    axes.plot([lowest, 1], [lowest, 1], color=GREY, linewidth=1, linestyle=":", label="guessing")
    axes.axvline(0.01, color=GREY, linewidth=0.8)
    axes.annotate("1 %", (0.01, lowest), xytext=(3, 4), textcoords="offset points", fontsize=8)
    for i, (name, (fpr, tpr)) in enumerate(curves.items()):
        style = ("-", "--", "-.")[i % 3]
        color = SERIES[i % len(SERIES)]
        x, y = (np.maximum(np.asarray(rates, dtype=float), lowest / 10) for rates in (fpr, tpr))
        axes.plot(x, y, style, color=color, linewidth=1.6, label=name)
    axes.set(xscale="log", yscale="log", xlim=(lowest, 1), ylim=(lowest, 1.05))
    axes.legend(loc="lower right", fontsize=9, frameon=False)
    return figure
