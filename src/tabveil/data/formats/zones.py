"""Which zone the offsets of a column's dates are those of."""

from __future__ import annotations

import datetime
import zoneinfo
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.formats.column_format import SHARED_ROWS
from tabveil.data.formats.date_pattern import Dates, Ints, offset_text

_FIRST_TRIED = (
    *("Europe/Berlin", "Europe/London", "America/New_York", "America/Chicago", "America/Denver"),
    *("America/Los_Angeles", "Australia/Sydney", "Europe/Athens", "America/Sao_Paulo"),
)
_LOOKED_AT = 2000


def zone_of(
    dates: Dates, offsets: Ints, counts: NDArray[np.int64]
) -> tuple[str | None, dict[int, float] | None]:
    """The zone of dates with offsets; or, where there is none, the offsets with their shares.

    Args:
        dates: shape (n,), local times.
        offsets: minutes ahead of UTC, shape (n,).
        counts: rows of each, shape (n,).

    Returns:
        A zone's name or an offset, and None; or "UTC" and minutes → share, of the offsets that
        enough rows hold.
    """
    known = np.unique(offsets)
    if len(known) == 1:
        return offset_text(int(known[0])) if known[0] else "UTC", None
    if len(known) <= 3:
        zone = _named(dates, offsets)
        if zone is not None:
            return zone, None
    rows = {int(ahead): int(counts[offsets == ahead].sum()) for ahead in known}
    shared = {ahead: n for ahead, n in rows.items() if n >= SHARED_ROWS} or rows
    total = sum(shared.values())
    return "UTC", {ahead: float(f"{n / total:.3g}") for ahead, n in shared.items()}


def _named(dates: Dates, offsets: Ints) -> str | None:
    chosen = np.linspace(0, len(dates) - 1, min(len(dates), _LOOKED_AT)).astype(np.int64)
    utc = dates[chosen] - offsets[chosen].astype("timedelta64[m]")
    stamps = pd.DatetimeIndex(utc, tz="UTC")
    wanted = offsets[chosen]
    for name in (*_FIRST_TRIED, *_others()):
        local = stamps.tz_convert(name).tz_localize(None)
        ahead = (local - stamps.tz_localize(None)).to_numpy().astype("timedelta64[m]")
        if np.array_equal(ahead.astype(np.int64), wanted):
            return name
    return None


@cache
def _others() -> tuple[str, ...]:
    places = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Pacific/")
    return tuple(
        sorted(
            name
            for name in zoneinfo.available_timezones()
            if name.startswith(places) and name not in _FIRST_TRIED
        )
    )


def zone_text(zone: datetime.tzinfo) -> str:
    """A zone's name that pandas reads back, also where it is a fixed offset of any library."""
    ahead = zone.utcoffset(None)
    if ahead is None:
        return str(zone)
    minutes = int(ahead.total_seconds()) // 60
    return f"UTC{offset_text(minutes)}" if minutes else "UTC"


def dtype_text(values: pd.Series[Any]) -> str:
    """A dtype's name that pandas reads back, also that of a zone which is a fixed offset."""
    if not isinstance(values.dtype, pd.DatetimeTZDtype):
        return str(values.dtype)
    return f"datetime64[{values.dtype.unit}, {zone_text(values.dtype.tz)}]"
