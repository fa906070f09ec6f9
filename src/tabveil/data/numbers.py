"""Numbers and dates become floats, and come back exactly.

A date is counted in steps of the coarsest unit that every date of the column is a multiple of
(days for plain dates), from 2000-01-01 in local time, so that a float holds it exactly and a
sampled date falls on the same grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.formats.zones import zone_text
from tabveil.data.schema import Column
from tabveil.errors import DataError

EPOCH = "2000-01-01"
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_STEPS_PER_DAY = {"D": 1, "h": 24, "min": 1440, "s": 86_400, "ms": 86_400_000, "us": 86_400_000_000}
_INT64 = np.iinfo(np.int64)
_HALF = 2.0**62
_LARGEST = 1e150
"""Beyond it the square of a number overflows, and with it every variance."""


@dataclass(frozen=True)
class Clock:
    """What one step of an encoded date means.

    Attributes:
        unit: numpy datetime unit of the column: s, ms, us or ns.
        ticks: units in one step.
        zone: time zone of the column, None where it has none.
    """

    unit: str
    ticks: int
    zone: str | None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `dataclasses.asdict`'s data. Raises ValueError when it is not that."""
        clock = cls(**data)
        if clock.unit not in _UNITS or not isinstance(clock.ticks, int) or clock.ticks < 1:
            raise ValueError("not a clock")
        return clock


def clock_of(values: pd.Series[Any]) -> Clock:
    """The coarsest clock that tells every date of the column exactly."""
    dates, zone = _local(values)
    unit = np.datetime_data(dates.dtype)[0]
    present = dates[~np.isnat(dates)].astype(np.int64)  # the epoch is a midnight, as theirs is
    per_day = 86_400 * _UNITS[unit]
    for steps in _STEPS_PER_DAY.values():
        if steps <= per_day and not (present % (per_day // steps)).any():
            return Clock(unit, per_day // steps, zone)
    return Clock(unit, 1, zone)


def to_floats(
    values: pd.Series[Any], column: Column, clock: Clock | None = None
) -> NDArray[np.float64]:
    """Numbers, or dates by `clock`, as floats, shape (n,); missing values are NaN.

    Raises DataError for text, for infinite numbers and for numbers beyond 1e150.
    """
    if clock is not None:
        dates, _ = _local(values, clock.unit)
        steps = _steps(dates, clock)
        steps[np.isnat(dates)] = np.nan
        return steps
    try:
        numbers = pd.to_numeric(values).astype("Float64")
        floats = np.asarray(numbers.to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"column {column.name!r} is numeric but holds values that are no numbers; clean them, "
            f"or set its kind to categorical under dataset.kinds"
        ) from error
    if (np.abs(floats) > _LARGEST).any():
        raise DataError(
            f"column {column.name!r} holds infinite values or values beyond {_LARGEST:g}; "
            f"make them missing or cap them"
        )
    return floats


def from_floats(floats: NDArray[np.float64], clock: Clock | None = None) -> pd.Series[Any]:
    """Undo `to_floats`: floats, or dates by `clock` with the column's time zone."""
    if clock is None:
        return pd.Series(floats)
    missing = np.isnan(floats)
    dates = _dates(np.where(missing, 0, np.rint(floats)), clock)
    dates[missing] = np.datetime64("NaT")
    local = pd.Series(dates)
    if clock.zone is None:
        return local
    # Both hours of an autumn night read as summer time; the hour that spring skips moves on.
    summer = np.ones(len(local), dtype=bool)
    return local.dt.tz_localize(clock.zone, ambiguous=summer, nonexistent="shift_forward")


def dtype_bounds(column: Column, low: float, high: float) -> tuple[float, float]:
    """Hold bounds that were rounded outwards inside what the column's dtype can store."""
    if column.kind == "datetime":
        return low, high
    stored: Any = pd.api.types.pandas_dtype(column.dtype)
    dtype = getattr(stored, "numpy_dtype", stored)  # nullable dtypes wrap a numpy one
    if dtype.kind not in "iuf":
        return low, high
    info: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    least, most = float(info.min), float(info.max)
    if dtype.kind in "iu" and int(most) > int(info.max):
        most = float(np.nextafter(most, 0))  # 2**63 - 1 as a float is 2**63: one too many
    return max(low, least), min(high, most)


def _local(values: pd.Series[Any], unit: str | None = None) -> tuple[NDArray[Any], str | None]:
    """Dates as numpy datetimes in local time, and their zone."""
    try:
        dates = pd.to_datetime(values)
        zone = zone_text(dates.dt.tz) if dates.dt.tz is not None else None
        local = dates.dt.tz_localize(None)
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(
            f"column {values.name!r} is a datetime but holds values that are no dates"
        ) from error
    array = local.to_numpy()
    return (array.astype(f"datetime64[{unit}]") if unit else array), zone


def _steps(dates: NDArray[Any], clock: Clock) -> NDArray[np.float64]:
    """Steps since the epoch; a missing date gives some number, to be masked.

    In nanoseconds the years before 1708 lie further from the epoch than whole numbers reach: of
    such dates the difference is taken as a float.
    """
    whole, rest = np.divmod(dates.astype(np.int64), clock.ticks)
    epoch = _epoch(clock)
    near = whole >= _INT64.min + epoch
    steps = np.where(near, np.where(near, whole, 0) - epoch, whole.astype(np.float64) - epoch)
    return np.asarray(steps + rest / clock.ticks, dtype=np.float64)


def _dates(steps: NDArray[np.float64], clock: Clock) -> NDArray[Any]:
    """Undo `_steps`, of whole steps; what lies beyond all that the unit counts is held inside."""
    epoch = _epoch(clock)
    most = int(_INT64.max) // clock.ticks
    low, high = _inwards(-most - epoch), _inwards(most - epoch)
    held = np.clip(steps, low, high)
    near = np.clip(held, -_HALF, _HALF)  # in two parts, of which none overflows
    since = near.astype(np.int64) + epoch + (held - near).astype(np.int64)
    return (since * clock.ticks).astype(f"datetime64[{clock.unit}]")


def _epoch(clock: Clock) -> int:
    """Steps from numpy's epoch to ours."""
    epoch: Any = np.array(EPOCH, dtype=f"datetime64[{clock.unit}]")
    return int(epoch.astype(np.int64)) // clock.ticks


def _inwards(bound: int) -> float:
    """The nearest float that is no further from zero."""
    nearest = float(bound)
    return nearest if abs(int(nearest)) <= abs(bound) else float(np.nextafter(nearest, 0))
