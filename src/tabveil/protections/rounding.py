"""No drawn number is more exact than its use needs.

A value to the last digit is a name tag. Steps are 1, 2 or 5 times a power of ten (of days, hours or
less for dates), learnt from the range in which nearly all of `reference` lies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.contracts import Filter, Source, Stage
from tabveil.data.numbers import Clock, clock_of, from_floats, to_floats
from tabveil.data.rounding import SHARED_ROWS, step_for
from tabveil.data.schema import Schema
from tabveil.errors import ConfigError

_SPIKE = 0.05
_TAIL = 0.01
"""Share of the reference's values beyond either end of the range."""


@dataclass(frozen=True)
class RoundNumbers:
    """Round numbers and dates to a grid.

    Args:
        parts: steps in a column's range, at most; at least 1.
    """

    name: ClassVar[str] = "rounding"
    stage: ClassVar[Stage] = "values"
    names_people: ClassVar[bool] = False
    parts: int = 50

    def __post_init__(self) -> None:
        if self.parts < 1:
            raise ConfigError(f"protection.rounding.parts={self.parts} must be at least 1")

    def against(self, source: Source) -> Filter:
        """A filter that rounds the columns whose grid is coarser than their values."""
        steps = self.steps(source.reference, source.schema)

        def round_all(rows: pd.DataFrame) -> pd.DataFrame:
            changed: dict[str, Any] = {
                name: rows[name].reset_index(drop=True) for name in source.schema.names
            }
            for name, (step, clock, kept) in steps.items():
                floats = to_floats(changed[name], source.schema[name], clock)
                rounded = np.where(np.isin(floats, kept), floats, _on_grid(floats, step))
                changed[name] = from_floats(rounded, clock)
            return source.schema.restore(changed).set_axis(rows.index)

        return round_all

    def steps(
        self, reference: pd.DataFrame, schema: Schema
    ) -> Mapping[str, tuple[float, Clock | None, NDArray[np.float64]]]:
        """Column → its step, what a step of 1 means where it is a date, and values left alone.

        Those are values that many share, such as a code for "never": rounded they would say
        something else, and they point at nobody.
        """
        found = {}
        for name in schema.of_kind("numeric", "datetime"):
            column = schema[name]
            clock = clock_of(reference[name]) if column.kind == "datetime" else None
            floats = to_floats(reference[name], column, clock)
            floats = floats[~np.isnan(floats)]
            if not len(floats):
                continue
            low, high = np.quantile(floats, [_TAIL, 1 - _TAIL])
            decimals = 0 if clock else column.decimals
            finest = 0.0 if decimals is None else 10.0**-decimals
            step = step_for(high - low, self.parts) if high > low else 0.0
            if step > finest:
                found[name] = (step, clock, _shared(floats))
        return found


def _shared(floats: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values that one row in twenty holds each, and five rows at least."""
    values, counts = np.unique(floats, return_counts=True)
    shared: NDArray[np.float64] = values[counts >= max(SHARED_ROWS, _SPIKE * len(floats))]
    return shared


def _on_grid(floats: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """The nearest multiples of `step`, without the noise of binary fractions."""
    digits = max(0, -int(np.floor(np.log10(step))))
    multiples: NDArray[np.float64] = np.round(np.round(floats / step) * step, digits)
    return multiples
