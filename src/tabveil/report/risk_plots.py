"""How much does each attack show, and what can it not exclude?

A line a component: the attacker's advantage over guessing with its 95 % interval. Where the whole
interval lies right of 0, that attack has shown a leak by itself; the risk also counts how many
attacks were tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from tabveil.report.canvas import BLUE, GREY, INK, VERMILLION, dress, new_figure

_Z95 = 1.959964


@dataclass(frozen=True)
class Bar:
    """An attack's score as an advantage over guessing.

    Attributes:
        name: `<attack>/<score>`.
        value: in [-1, 1]; 0: no better than guessing.
        se: its standard error.
        shown: whether it proves a leak.
    """

    name: str
    value: float
    se: float
    shown: bool


def risks(bars: Sequence[Bar]) -> Figure:
    """Draw the advantages, in the given order from the top."""
    figure = new_figure(7.2, 1.1 + 0.28 * max(3, len(bars)))
    axes = figure.add_subplot()
    dress(axes, x="advantage over guessing, 95 % interval")
    axes.axvline(0, color=GREY, linewidth=1.2, linestyle=":")
    for place, bar in enumerate(bars):
        color, mark = (VERMILLION, "D") if bar.shown else (BLUE, "o")
        reach = [max(-1.0, bar.value - _Z95 * bar.se), min(1.0, bar.value + _Z95 * bar.se)]
        axes.plot(reach, [place] * 2, color=color, linewidth=1.6, marker="|", markersize=7)
        axes.plot(bar.value, place, mark, color=color, markersize=5)
    axes.set_yticks(range(len(bars)), [bar.name for bar in bars], fontsize=8)
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.plot([], [], "D", color=VERMILLION, markersize=5, label="leak shown")
    axes.plot([], [], "o", color=BLUE, markersize=5, label="not shown")
    above = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "ncols": 2}  # covers no line
    axes.legend(**above, fontsize=8, frameon=False, labelcolor=INK)
    return figure
