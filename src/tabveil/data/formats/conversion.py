"""Cells become the values of a column, and values become cells, by the column's format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tabveil.data.formats import durations
from tabveil.data.formats.cells import Cells
from tabveil.data.formats.column_format import QUOTED_EMPTY, Format
from tabveil.data.formats.date_pattern import DatePattern, Dates, Ints
from tabveil.data.formats.number_spelling import Spelling

_END_OF_INT64 = 2.0**63
_STORED_PLACES = (1, 17)
"""Of numbers from a source that stores no spelling: 3.0, 0.25, 0.1."""


def to_values(cells: Cells, format: Format, *, missing: Sequence[str] | None = None) -> Any:  # noqa: A002
    """The values of a column of texts: int64, float64, bool, datetime64 or objects, shape (n,).

    What is no value of the format is missing.

    Args:
        cells: the column.
        format: of it.
        missing: words that a person named; None: none.
    """
    n_gaps = int((cells.codes < 0).sum())
    if format.sort in ("whole", "decimal"):
        assert format.spelling is not None
        numbers = _numbers(cells, format.spelling)
        return _whole(numbers) if format.sort == "whole" else numbers
    if format.sort in ("time", "duration"):
        return _whole(np.rint(cells.spread(_seconds(cells.texts, format) / format.unit, np.nan)))
    if format.sort == "datetime":
        return _dates(cells, format)
    gone = cells.is_blank | (cells.among(missing) if missing else False)
    if format.sort == "truth":
        assert format.truths is not None
        truths = np.array(
            [
                {format.truths[1]: True, format.truths[0]: False}.get(t, np.nan)
                for t in cells.texts.to_pylist()
            ],
            dtype=object,
        )
        spread = cells.spread(truths, np.nan)
        known = not n_gaps and not pd.isna(truths[cells.counts > 0]).any()
        return spread.astype(bool) if known else spread
    texts = np.array(cells.texts.to_pylist(), dtype=object)
    texts[gone] = np.nan
    return cells.spread(texts, np.nan)


def _numbers(cells: Cells, spelling: Spelling) -> NDArray[np.float64]:
    numbers = cells.once(spelling, spelling.read)
    return cells.spread(numbers, np.nan)


def _whole(numbers: NDArray[np.float64]) -> NDArray[Any]:
    is_large = np.abs(numbers).max(initial=0) >= _END_OF_INT64
    if is_large or np.isnan(numbers).any():
        return numbers
    return np.rint(numbers).astype(np.int64)


def _seconds(texts: pa.Array, format: Format) -> NDArray[np.float64]:  # noqa: A002
    if format.sort == "duration":
        return durations.read_durations(texts, format.pattern or "")
    dates = format.dates.read(texts).dates
    fraction = dates.astype("datetime64[us]").astype(np.int64) / 1e6
    return np.where(np.isnat(dates), np.nan, fraction % 86_400)


def _dates(cells: Cells, format: Format) -> Any:  # noqa: A002
    read = cells.once(format.dates, format.dates.read)
    dates = read.dates
    if read.offsets is not None:
        dates = dates - read.offsets.astype("timedelta64[m]")
    spread = cells.spread(dates, np.datetime64("NaT"))
    if format.zone is None:
        return spread
    stamps = pd.Series(spread)
    if read.offsets is not None or format.zone == "UTC":
        return stamps.dt.tz_localize("UTC").dt.tz_convert(zone_name(format.zone)).array
    return stamps.dt.tz_localize(zone_name(format.zone)).array


def zone_name(zone: str) -> str:
    """A zone as pandas names it.

    >>> zone_name("+02:00"), zone_name("Europe/Berlin")
    ('UTC+02:00', 'Europe/Berlin')
    """
    return f"UTC{zone}" if zone[:1] in "+-" else zone


def read_one(text: str, format: Format) -> Any:  # noqa: A002
    """The value of one cell; None where it is none of the format, or says that one is missing."""
    values = pd.Series(to_values(Cells.from_arrow(pa.array([text], pa.string())), format))
    return None if values.isna().iloc[0] else values.iloc[0]


# --- values become cells -------------------------------------------------------------------------


def to_texts(values: pd.Series[Any], format: Format, rows: NDArray[np.int64]) -> pa.Array:  # noqa: A002
    """The cells of a column as texts, shape (n,), null where they are left empty.

    Args:
        values: shape (n,), as `to_values` gives them; texts are taken as they are.
        format: of the column.
        rows: the place of each row in the whole sample; it decides where one of several words for
            missing, or of several offsets, is written.
    """
    values = values.reset_index(drop=True)
    there = values.notna().to_numpy()
    present = values[there]
    written = present_texts(present, format, rows[there])
    if there.all():
        return written
    places = np.full(len(values), -1)
    places[there] = np.arange(len(present))
    gaps = _gaps(format.missing or {}, rows[~there])
    whole = written.take(pa.array(np.where(places < 0, 0, places))) if len(written) else None
    filled = np.full(len(values), None, dtype=object)
    filled[~there] = gaps
    others = pa.array(filled, pa.string())
    return others if whole is None else pc.if_else(pa.array(there), whole, others)


def present_texts(present: pd.Series[Any], format: Format, rows: NDArray[np.int64]) -> pa.Array:  # noqa: A002
    """The texts of values that are there, shape (n,)."""
    if format.sort in ("text", "code") or _is_text(present):
        return pa.array([str(_plain(value)) for value in present], pa.string())
    if format.sort in ("whole", "decimal"):
        return _number_texts(present, format)
    if format.sort == "truth":
        false, true = format.truths or ("False", "True")
        return pc.if_else(pa.array(present.astype(bool).to_numpy()), true, false)
    if format.sort == "datetime":
        return _date_texts(present, format, rows)
    return _clock_texts(present.to_numpy(dtype=float) * format.unit, format)


def _is_text(present: pd.Series[Any]) -> bool:
    return bool(len(present)) and isinstance(present.iloc[0], str)


def _plain(value: Any) -> Any:
    """A whole number as one, whatever it is stored as."""
    is_whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return int(value) if is_whole else value


def _number_texts(present: pd.Series[Any], format: Format) -> pa.Array:  # noqa: A002
    spelling = format.spelling or Spelling(
        places=(0, 0) if format.sort == "whole" else _STORED_PLACES
    )
    if format.stored == "float" and format.spelling is None:  # Arrow's name of float32
        texts = [str(number) for number in present.to_numpy(dtype=np.float32)]
        return pa.array(texts, pa.string())
    if format.sort == "whole":
        if pd.api.types.is_integer_dtype(present):
            return spelling.write(
                present.to_numpy(dtype=np.int64 if present.dtype != "uint64" else np.uint64)
            )
        whole = np.rint(present.to_numpy(dtype=float))
        is_large = np.abs(whole).max(initial=0) >= _END_OF_INT64
        return spelling.write(whole if is_large else whole.astype(np.int64))
    return spelling.write(present.to_numpy(dtype=float))


def _date_texts(present: pd.Series[Any], format: Format, rows: NDArray[np.int64]) -> pa.Array:  # noqa: A002
    pattern = format.dates if format.pattern else stored_pattern(present)
    offsets: Ints | None = None
    zone = getattr(present.dtype, "tz", None)
    local = present
    if zone is not None:
        utc = present.dt.tz_convert("UTC").dt.tz_localize(None)
        if format.offsets:
            offsets = _drawn(format.offsets, rows)
            local = utc + pd.to_timedelta(offsets, unit="m").to_numpy()
        else:
            local = present.dt.tz_localize(None)
            ahead = (local - utc).to_numpy().astype("timedelta64[m]")
            offsets = ahead.astype(np.int64)
    return pattern.write(local.to_numpy(), offsets)


def stored_pattern(present: pd.Series[Any], *, separator: str = " ") -> DatePattern:
    """How dates are written that come from a source without texts: as short as they can be told."""
    zone = getattr(present.dtype, "tz", None)
    local: Dates = (present.dt.tz_localize(None) if zone is not None else present).to_numpy()
    text = "%Y-%m-%d"
    if zone is None and not (local != local.astype("datetime64[D]")).any():
        return DatePattern(text)
    text += f"{separator}%H:%M:%S"
    for digits, unit in ((3, "ms"), (6, "us"), (9, "ns")):
        if (local != local.astype("datetime64[s]")).any() and not (
            local != local.astype(f"datetime64[{unit}]")
        ).any():
            text += f".%{digits}f"
            break
    return DatePattern(text + ("%z" if zone is not None else ""))


def _clock_texts(seconds: NDArray[np.float64], format: Format) -> pa.Array:  # noqa: A002
    if format.sort == "duration":
        finer = "" if format.unit >= 1 else ".fff" if format.unit >= 1e-3 else ".ffffff"
        return durations.write_durations(seconds, format.pattern or f"D days HH:MM:SS{finer}")
    digits = 0 if format.unit >= 1 else 3 if format.unit >= 1e-3 else 6
    finer = f".%{digits}f" if digits else ""
    pattern_of_times = DatePattern(format.pattern or f"%H:%M:%S{finer}")
    held = np.clip(seconds, 0, 86_400 - 1e-6)
    dates = (held * 1e6).round().astype(np.int64).astype("datetime64[us]")
    return pattern_of_times.write(dates)


def _gaps(words: Mapping[str, float], rows: NDArray[np.int64]) -> NDArray[Any]:
    """What is written where nothing is: None for an empty cell."""
    if not words:
        return np.full(len(rows), None, dtype=object)
    drawn = _drawn(dict(enumerate(words.values())), rows)
    texts = ["" if word == QUOTED_EMPTY else word or None for word in words]
    return np.array(texts, dtype=object)[drawn]


def _drawn(shares: Mapping[int, float], rows: NDArray[np.int64]) -> Ints:
    """For each row one of the keys, at their shares; the same row, the same key."""
    edges = np.cumsum(list(shares.values()))
    uniform = pd.util.hash_array(rows.astype(np.int64)).astype(np.float64) / 2.0**64
    picked = np.searchsorted(edges[:-1] / edges[-1], uniform, side="right")
    return np.array(list(shares), dtype=np.int64)[picked]
