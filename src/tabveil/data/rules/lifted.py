"""How is an order between two columns kept where a model broke it?

`high` is drawn again, at `low` plus a gap from the training table's own gaps; nothing else in the
row changes. The gap's place among the gaps comes from a hash of the row, so that a row is put
right in the same way wherever it stands. Stored are evenly spaced quantiles of the gaps, of at
least five rows each, rounded as a baseline's are (see `data/rounding`).

Measured beside its rivals (docs/rules.md): rejecting rows moves every other column, moving `high`
up to `low` makes ties, swapping the two spoils `low`, learning the gap in place of `high` spoils
`high`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.frames import with_columns
from tabveil.data.numbers import Clock, clock_of, from_floats, to_floats
from tabveil.data.rounding import SHARED_ROWS, on_step, outer_bounds, step_for
from tabveil.data.rules.relations import Inequality
from tabveil.data.schema import Column, Schema

_MOST_KNOTS = 100
"""As many as a baseline keeps of a column by default."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lifted:
    """The gaps that `high` is drawn from, in its own unit.

    Attributes:
        knots: evenly spaced quantiles of `high - low`, rising; at least two.
        top: the largest value of `high`, rounded outwards.
        clock: of dates: what one unit is.
        low, high: the two columns.
    """

    rule: Inequality
    knots: tuple[float, ...]
    top: float
    clock: Clock | None
    low: Column
    high: Column

    @classmethod
    def learn(cls, train: pd.DataFrame, rule: Inequality, schema: Schema, min_count: int) -> Self:
        """Learn the gaps of the rows that obey. Too few of them: one gap, of nothing."""
        shared = max(min_count, SHARED_ROWS)
        low, high = schema[rule.low], schema[rule.high]
        clock = clock_of(train[rule.high]) if high.kind == "datetime" else None
        empty = cls(rule, (0.0, 0.0), 0.0, clock, low, high)
        lows, highs = empty._floats(train)
        known = ~np.isnan(highs - lows)
        gaps = (highs - lows)[known & (highs >= lows)]
        if len(gaps) < shared:
            return empty
        top = outer_bounds(highs[known], shared)[1]
        return cls(rule, _knots(gaps, shared), top, clock, low, high)

    def redraw(self, table: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Nothing to redraw."""
        del seed
        return table

    def restore(self, table: pd.DataFrame) -> pd.DataFrame:
        """Draw `high` again where the order is broken."""
        broken = np.flatnonzero(~self.rule.holds(table))
        if not len(broken):
            return table
        rows = table.iloc[broken]
        lows, _ = self._floats(rows)
        drawn = self._on_grid(lows, self._gaps(self.top - lows, _places(rows)))
        values = table[self.high.name].copy()
        lifted = from_floats(drawn, self.clock)
        if self.clock is not None:
            # Ticks of a nanosecond since 2000 are more than a float can count.
            lows_again = rows[self.low.name].reset_index(drop=True).astype(values.dtype)
            lifted = lifted.where(lifted >= lows_again, lows_again)
        elif self.high.decimals == 0:
            lifted = lifted.astype(values.dtype)
        values.iloc[broken] = lifted.array
        return with_columns(table, {self.high.name: values})

    def hide(self, hidden: pd.DataFrame, whole: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Nothing to hide: the model learns both columns."""
        del whole, seed
        return hidden

    def to_dict(self) -> dict[str, Any]:
        """The gaps."""
        clock = None if self.clock is None else asdict(self.clock)
        return {"knots": list(self.knots), "top": self.top, "clock": clock}

    @classmethod
    def from_dict(cls, rule: Inequality, data: Mapping[str, Any], schema: Schema) -> Self:
        """Read `to_dict`'s data. Raises ValueError, KeyError or TypeError when it is not that."""
        low, high = schema[rule.low], schema[rule.high]
        knots, top = tuple(map(float, data["knots"])), float(data["top"])
        clock = Clock.from_dict(data["clock"]) if data["clock"] is not None else None
        if len(knots) < 2 or not np.isfinite([*knots, top]).all() or np.any(np.diff(knots) < 0):
            raise ValueError("gaps are two or more rising numbers")
        if (clock is None) != (high.kind != "datetime") or max(map(abs, knots)) > 1e150:
            raise ValueError("the gaps are not the column's")
        return cls(rule, knots, top, clock, low, high)

    def _floats(self, table: pd.DataFrame) -> tuple[Floats, Floats]:
        lows, highs = table[self.low.name], table[self.high.name]
        if self.clock is not None and self.clock.zone is not None:
            lows = lows.dt.tz_convert(self.clock.zone)
        return to_floats(lows, self.low, self.clock), to_floats(highs, self.high, self.clock)

    def _gaps(self, room: Floats, places: Floats) -> Floats:
        """Gaps at `places`, shape (n,), in [0, 1), of those that leave `high` in its range."""
        knots = np.array(self.knots)
        shares = np.linspace(0, 1, len(knots))
        below = np.searchsorted(knots, room, side="right")
        share = np.where(below == len(knots), 1.0, np.interp(room, knots, shares))
        share = np.maximum(share, shares[np.maximum(below - 1, 0)])  # of equal knots, the last
        return np.asarray(np.interp(places * share, shares, knots), dtype=np.float64)

    def _on_grid(self, lows: Floats, gaps: Floats) -> Floats:
        decimals = 0 if self.clock is not None else self.high.decimals
        if decimals is None:
            return lows + gaps
        unit = 10.0**-decimals
        # Up to the grid: rounding must not break the order again.
        least = np.ceil(lows / unit - 1e-6) * unit
        if self.rule.strict:
            least = np.where(least <= lows, least + unit, least)
        return np.maximum(np.round(lows + gaps, decimals), np.round(least, decimals))


def _knots(gaps: Floats, shared: int) -> tuple[float, ...]:
    """Evenly spaced quantiles, rounded to a tenth of the room around each, ends outwards."""
    n_parts = max(1, min(_MOST_KNOTS, len(gaps) // shared))
    knots = np.quantile(gaps, np.linspace(0, 1, n_parts + 1))
    low, high = outer_bounds(gaps, shared)
    inner = [
        on_step(knot, step_for(room / 2, 10)) if room > 0 else knot
        for knot, room in zip(knots[1:-1].tolist(), (knots[2:] - knots[:-2]).tolist(), strict=True)
    ]
    rising = np.maximum.accumulate([max(low, 0.0), *inner, high])
    return tuple(float(knot) for knot in rising)


def _places(rows: pd.DataFrame) -> Floats:
    """A number in [0, 1) for each row, from what it holds, shape (n,)."""
    plain = rows.astype(dict.fromkeys(rows.select_dtypes("category").columns, object))
    hashes = pd.util.hash_pandas_object(plain, index=False).to_numpy(dtype=np.uint64)
    return np.asarray((hashes >> np.uint64(11)).astype(np.float64) / 2.0**53, dtype=np.float64)
