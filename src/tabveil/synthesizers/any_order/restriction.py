"""What do conditions leave of each column's codes, and of the places inside its bins?

A level, an atom and a missing value either meet a condition or not: each is decoded and asked. Of a
bin a part may: its share weighs the bin's probability, and places are drawn inside that part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tabveil.errors import ConditionError
from tabveil.synthesizers.any_order.code_columns import CodeColumn, CodeColumns
from tabveil.synthesizers.conditions import Conditions, met, wanted_ranges

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]
Part = tuple[Floats, Floats]
"""For each mode with a width, the least and the greatest place inside it, in [-1, 1]."""


@dataclass(frozen=True)
class Restriction:
    """What is left.

    Attributes:
        columns: the model's.
        allowed: conditioned column -> the share of each of its codes, in [0, 1], not all 0 or 1.
        parts: conditioned numeric column -> where places lie.
    """

    columns: CodeColumns
    allowed: dict[int, Floats]
    parts: dict[int, Part]

    @classmethod
    def of(cls, conditions: Conditions, columns: CodeColumns) -> Restriction:
        """Read conditions that `conditions.parse` has checked.

        Raises ConditionError where no code of a column could meet its condition.
        """
        allowed: dict[int, Floats] = {}
        parts: dict[int, Part] = {}
        restricted = [(j, c) for j, c in enumerate(columns.columns) if c.name in conditions]
        for j, column in restricted:
            shares = _met_codes(conditions, columns, column)
            part = _part(conditions, columns, column)
            if part is not None:
                low, high = part
                shares[: len(low)] = np.maximum(high - low, 0) / 2
                parts[j] = part
            if not shares.any():
                raise ConditionError(
                    f"no row can meet the condition on {column.name!r}: the generator makes no "
                    f"such values"
                )
            if (shares < 1).any():
                allowed[j] = shares
        return cls(columns, allowed, parts)

    def places(self, codes: Codes, rng: np.random.Generator) -> NDArray[Any]:
        """A place inside its mode for each number of `codes`, shape (n, n_scalars)."""
        encoder = self.columns.encoder
        drawn = np.empty((len(codes), len(encoder.scalar_spans)), order="F")
        at = {span: i for i, span in enumerate(encoder.scalar_spans)}
        for j, column in enumerate(self.columns.columns):
            if column.modes not in at:
                continue
            modes, i = encoder.modes[column.modes], at[column.modes]
            if not modes.even:
                drawn[:, i] = np.clip(rng.standard_normal(len(codes)) / 4, -1, 1)
                continue
            drawn[:, i] = rng.random(len(codes))
            if j in self.parts:
                low, high = self.parts[j]
                mine = np.minimum(codes[:, j], len(low) - 1)  # others have no place
                drawn[:, i] = low[mine] + (high - low)[mine] * drawn[:, i]
            else:
                drawn[:, i] = 2 * drawn[:, i] - 1
        return drawn


def _met_codes(conditions: Conditions, columns: CodeColumns, column: CodeColumn) -> Floats:
    """1 for codes whose decoded value, the middle of a bin, meets the condition; shape (width,)."""
    values = columns.values(column.name).to_frame()
    return met(values, {column.name: conditions[column.name]}).astype(np.float64)


def _part(conditions: Conditions, columns: CodeColumns, column: CodeColumn) -> Part | None:
    """Where in its bins a number may lie; None for other columns, and for modes without edges.

    Where the first end is above the second, nowhere.

    A number is rounded after it was drawn: the part is a step wider than asked, and what lies
    beyond is rejected.
    """
    if column.modes is None:
        return None
    modes = columns.encoder.modes[column.modes]
    ranges = wanted_ranges(conditions, columns.encoder.codec).get(column.modes)
    n = modes.n_wide
    if not n or ranges is None:
        return None
    middle, reach = np.array(modes.means[:n]), 4 * np.array(modes.stds[:n])
    # A decoded number is clipped to what the rows held: a bin's outer part gives no other.
    least, most = columns.encoder.bounds[column.modes]
    exactly = wanted_ranges(conditions, columns.encoder.codec, steps=0)[column.modes]
    if not any(low <= most and high >= least for low, high in exactly):
        return np.ones(n), -np.ones(n)
    # Several ranges, which values of a list are: from the first to the last that a bin holds.
    lows = np.full(n, np.inf)
    highs = np.full(n, -np.inf)
    for low, high in ranges:
        inside_low, inside_high = np.maximum(low, middle - reach), np.minimum(high, middle + reach)
        held = inside_low <= inside_high
        lows[held] = np.minimum(lows, inside_low)[held]
        highs[held] = np.maximum(highs, inside_high)[held]
    none = lows > highs
    low_place = np.where(none, 0, (np.where(none, 0, lows) - middle) / reach)
    high_place = np.where(none, 0, (np.where(none, 0, highs) - middle) / reach)
    if not modes.even:
        return None
    return np.clip(low_place, -1, 1), np.clip(high_place, -1, 1)
