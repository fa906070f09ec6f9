"""When do two cells hold the same thing, in tables from different files?

Decided once for every measure: numbers and dates as float64, levels as text. A whole number, its
float and a truth value of that size are the same level: one table may hold 1 where another, from
a column with gaps, holds 1.0 or True.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.numbers import Clock, to_floats
from tabveil.data.schema import Column

_MICROSECONDS = Clock(unit="us", ticks=1, zone=None)


def numbers(values: pd.Series[Any], column: Column) -> NDArray[np.float64]:
    """A numeric or datetime column as float64, shape (n,); dates in µs, missing as NaN.

    Raises:
        DataError: it holds infinities or what its kind cannot be.
    """
    clock = _MICROSECONDS if column.kind == "datetime" else None
    return to_floats(values, column, clock) + 0.0  # -0.0 would hash unlike 0.0


def level_text(level: Any) -> str:
    """The text that stands for a level that is not missing.

    >>> level_text(1.0) == level_text(True) == level_text("1")
    True
    """
    is_number = isinstance(level, bool | np.bool_ | int | float | np.number)
    return str(int(level)) if is_number and float(level).is_integer() else str(level)
