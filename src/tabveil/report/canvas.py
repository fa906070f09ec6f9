"""How does every picture of this project look, and how is it written?

Figures are made as objects (no pyplot, no global state) and written as SVG and PNG, byte for
byte the same for the same content. Colours are Okabe and Ito's, which people with any colour
vision tell apart; every series also has its own mark or line.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib import rc_context
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY = "#CC79A7", "#56B4E9"
SERIES = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY)
INK, GREY, PALE = "#222222", "#8A8A8A", "#E4E4E4"


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that size in inches, laid out so that no label is cut."""
    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def dress(axes: Axes, *, title: str = "", x: str = "", y: str = "") -> None:
    """Give axes the common look: no box, a pale grid behind, readable labels."""
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    axes.set_xlabel(x, fontsize=10, color=INK)
    axes.set_ylabel(y, fontsize=10, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(labelsize=9, colors=INK, color=GREY)
    axes.grid(color=PALE, linewidth=0.8)
    axes.set_axisbelow(True)


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write `stem`.svg and `stem`.png, making the folder where missing; return both paths."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    # Only the ending is added: a name such as `trial.3` has no suffix to replace.
    svg, png = (stem.with_name(f"{stem.name}.{kind}") for kind in ("svg", "png"))
    with rc_context({"svg.hashsalt": "tabveil"}):
        figure.savefig(svg, metadata={"Date": None, "Creator": None})
        figure.savefig(png, dpi=144, metadata={"Software": None})
    return [svg, png]
