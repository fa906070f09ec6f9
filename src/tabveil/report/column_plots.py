"""Do the synthetic columns look like the real ones?

One small picture a column, shares of the real rows beside shares of the synthetic ones. A
picture is published more easily than a table, so it shows aggregates only: numbers without both
tails of the real rows (an axis that ends at the maximum gives a row away), and by name only
levels that at least five real rows share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tabveil.data.schema import Column, Schema
from tabveil.report.canvas import BLUE, ORANGE, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FEWEST_ROWS = 5
"""A level that fewer real rows share could name a person; the usual small-cell rule."""

_MOST_LEVELS = 8
_MOST_BINS = 24
_PER_ROW = 4
_LABEL_LENGTH = 16


def columns(real: pd.DataFrame, synthetic: pd.DataFrame, schema: Schema) -> Figure:
    """Draw each modelled column of both tables.

    Args:
        real: shape (n_real, n_columns), train or control.
        synthetic: shape (n_synthetic, n_columns).
        schema: of both tables.
    """
    modelled = schema.modelled().columns
    n_lines = -(-len(modelled) // _PER_ROW)
    height = 2.4 * n_lines + 0.5
    figure = Figure(figsize=(13, height), facecolor="white")
    grid = figure.subplots(n_lines, _PER_ROW, squeeze=False).ravel()
    # Fixed margins in inches: an automatic layout of this many axes takes seconds.
    figure.subplots_adjust(
        left=0.08, right=0.99, bottom=0.3 / height, top=1 - 0.7 / height, wspace=0.42, hspace=0.42
    )
    for axes, column in zip(grid, modelled, strict=False):
        dress(axes, title=_short(column.name, 30))
        axes.grid(visible=False)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        draw = _draw_numbers if column.kind in ("numeric", "datetime") else _draw_levels
        draw(axes, real[column.name], synthetic[column.name], column)
    for axes in grid[len(modelled) :]:
        axes.set_axis_off()
    keys = [Patch(color=BLUE, label="real"), Patch(color=ORANGE, label="synthetic")]
    figure.legend(handles=keys, loc="upper right", ncols=2, fontsize=10, frameon=False)
    return figure


def _draw_levels(
    axes: Axes, real: pd.Series[Any], synthetic: pd.Series[Any], column: Column
) -> None:
    del column
    counts = real.astype(object).dropna().value_counts()
    shown = list(counts[counts >= _FEWEST_ROWS].index[:_MOST_LEVELS])
    labels = [_short(str(level), _LABEL_LENGTH) for level in shown]
    shares = [_level_shares(values, shown) for values in (real, synthetic)]
    used = np.maximum(*shares) > 0
    used[: len(shown)] = True
    labels = [text for text, keep in zip([*labels, "others", "missing"], used, strict=True) if keep]
    places = np.arange(len(labels))
    axes.barh(places - 0.2, shares[0][used], 0.4, color=BLUE)
    axes.barh(places + 0.2, shares[1][used], 0.4, color=ORANGE)
    axes.set_yticks(places, labels, fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.locator_params(axis="x", nbins=4)


def _level_shares(values: pd.Series[Any], shown: list[Any]) -> NDArray[np.float64]:
    """Shares of the shown levels, of all other levels, and of missing values."""
    shares = values.astype(object).value_counts(normalize=True, dropna=False)
    named = [float(shares.get(level, 0.0)) for level in shown]
    missing = float(values.isna().mean())
    others = max(0.0, 1.0 - sum(named) - missing)
    return np.array([*named, others if others > 1e-9 else 0.0, missing])


def _draw_numbers(
    axes: Axes, real: pd.Series[Any], synthetic: pd.Series[Any], column: Column
) -> None:
    tables = [_numbers(values, column) for values in (real, synthetic)]
    if np.isfinite(tables[0]).sum() < 2 * _FEWEST_ROWS:
        axes.set_xticks([])
        axes.text(0.5, 0.5, "too few real values", transform=axes.transAxes, ha="center")
        return
    edges = _edges(tables[0], column)
    heights = [_bin_shares(values, edges) for values in tables]
    axes.stairs(heights[1], edges, fill=True, color=ORANGE, alpha=0.75)
    axes.stairs(heights[0], edges, color=BLUE, linewidth=1.6)
    axes.set_ylim(0, max(1e-9, *heights[0], *heights[1]) * 1.12)
    rates = [f"{np.isnan(values).mean():.0%}" if len(values) else "–" for values in tables]
    if rates != ["0%", "0%"]:
        text = f"missing {rates[0]} / {rates[1]}"
        axes.text(1, 1, text, transform=axes.transAxes, fontsize=8, ha="right", va="top")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=column.decimals == 0))
    if column.kind == "datetime":
        axes.xaxis.set_major_formatter(lambda day, _: str(np.datetime64(int(day), "D")))
        axes.locator_params(axis="x", nbins=3)


def _numbers(values: pd.Series[Any], column: Column) -> NDArray[Any]:
    """Values as floats, dates as days since 1970, missing as NaN."""
    if column.kind == "numeric":
        return pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)
    dates = pd.to_datetime(values, utc=True)
    return ((dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)).to_numpy(float)


def _edges(real: NDArray[np.float64], column: Column) -> NDArray[Any]:
    """Bin edges with at least 1 % of the real rows, and five, beyond each end.

    Whole numbers sit in the middle of a bin.
    """
    present = real[np.isfinite(real)]
    tail = max(0.01, _FEWEST_ROWS / max(1, len(present)))
    low, high = np.quantile(present, [tail, 1 - tail]) if tail < 0.5 else (0.0, 1.0)
    if column.decimals == 0:
        low, high = np.floor(low), np.ceil(high)
        width = max(1.0, np.ceil((high - low) / _MOST_BINS))
        return np.arange(low, high + 1 + width, width) - 0.5
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, _MOST_BINS + 1)


def _bin_shares(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[Any]:
    counts, _ = np.histogram(values[np.isfinite(values)], edges)
    return counts / max(1, len(values))


def _short(text: str, length: int) -> str:
    """The text without characters that matplotlib would take for mathematics, cut to length."""
    text = text.replace("$", r"\$")
    return text if len(text) <= length else text[: length - 1] + "…"
