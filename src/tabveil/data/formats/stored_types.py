"""Columns of a source's own types: what Arrow holds becomes values, and values become Arrow."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as types
from numpy.typing import NDArray

from tabveil.data.formats.cells import Cells
from tabveil.data.formats.column_format import TEXT, Format
from tabveil.data.formats.conversion import present_texts, to_texts, to_values
from tabveil.data.formats.dates_in_digits import is_of_days
from tabveil.data.formats.format_inference import Told, infer_format
from tabveil.data.formats.number_spelling import MOST_DIGITS, Spelling

_MOST = 10**MOST_DIGITS
_SAMPLED = 1000
_SECONDS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_FAR = (pd.Timestamp("1678-01-01"), pd.Timestamp("2262-01-01"))


def from_stored(column: pa.ChunkedArray, told: Told) -> tuple[Any, Format, str]:
    """Values and format of a column that is not of texts, and why where that is not plain.

    Raises DataError, without the column's name, where its values are not of the kind given.
    """
    type_, stored = column.type, str(column.type)
    if types.is_dictionary(type_):
        column = column.cast(type_.value_type)
        values, format, why = from_stored(column, told)  # noqa: A001
        return values, format.stored_as(stored), why
    if types.is_boolean(type_):
        return _truths(column), Format("truth", stored=stored), ""
    if types.is_integer(type_):
        return _whole(column, told)
    if types.is_decimal(type_):
        floats = column.cast(pa.float64()).to_pandas()
        largest = np.nanmax(np.abs(floats.to_numpy()), initial=0) * 10.0 ** max(type_.scale, 0)
        if largest >= _MOST and told.kind != "numeric":
            why = f"more than {MOST_DIGITS} digits: a code, not a number"
            return _objects(column.cast(pa.string())), Format("code", stored=stored), why
        spelling = Spelling(places=(type_.scale, type_.scale))
        return floats, Format("decimal", stored=stored, spelling=spelling), ""
    if types.is_floating(type_):
        return _floats(column)
    if types.is_date(type_) or types.is_timestamp(type_):
        zone = getattr(type_, "tz", None)
        return _dates(column), Format("datetime", stored=stored, zone=zone), ""
    if types.is_time(type_):
        return _seconds(column, "time")
    if types.is_duration(type_):
        return _seconds(column, "duration")
    return np.full(len(column), np.nan), Format(stored=stored), ""


def _truths(column: pa.ChunkedArray) -> Any:
    return column.to_pandas().to_numpy() if not column.null_count else _objects(column)


def _objects(column: pa.ChunkedArray) -> NDArray[Any]:
    values = np.array(column.to_pylist(), dtype=object)
    values[np.asarray(column.is_null())] = np.nan
    return values


def _whole(column: pa.ChunkedArray, told: Told) -> tuple[Any, Format, str]:
    stored = str(column.type)
    ends = pc.min_max(column).as_py()
    low, high = ends["min"], ends["max"]
    if high is not None and max(abs(low), abs(high)) >= _MOST and told.kind != "numeric":
        texts = _objects(column.cast(pa.string()))
        why = f"more than {MOST_DIGITS} digits: a code, not a number"
        return texts, Format("code", stored=stored), why
    if told.kind == "datetime" or (told.kind is None and high is not None and _may_be_days(high)):
        cells = Cells.from_arrow(column.cast(pa.string()))
        digits = np.ones(len(cells.texts), dtype=bool)
        sample = cells.texts[:_SAMPLED].to_pylist()
        n = cells.rows(digits)
        if told.kind == "datetime" or is_of_days(sample, cells, digits, n):
            found = infer_format(cells, Told(kind="datetime", pattern=told.pattern))
            return to_values(cells, found.formats[0]), found.formats[0].stored_as(stored), ""
    if column.null_count:
        return column.cast(pa.float64()).to_pandas(), Format("whole", stored=stored), ""
    return column.to_pandas(), Format("whole", stored=stored), ""


def _may_be_days(high: int) -> bool:
    return 190_001 <= high <= 210_012 or 19_000_101 <= high <= 99_991_231


def _floats(column: pa.ChunkedArray) -> tuple[Any, Format, str]:
    values = column.to_pandas()
    present = values.to_numpy()[~np.isnan(values.to_numpy())]
    finite = np.isfinite(present)
    is_whole = len(present) > 0 and finite.all() and not (present % 1).any()
    is_whole = bool(is_whole and np.abs(present).max(initial=0) < _MOST)
    return values, Format("whole" if is_whole else "decimal", stored=str(column.type)), ""


def _dates(column: pa.ChunkedArray) -> Any:
    """Dates in the source's unit; days in nanoseconds where these hold them, else in seconds."""
    zone = getattr(column.type, "tz", None)
    if types.is_date(column.type):
        column = column.cast(pa.timestamp("s"))
    values = column.to_pandas()
    unit = np.datetime_data(values.dt.tz_localize(None).dtype if zone else values.dtype)[0]
    if unit != "ns":
        bare = values.dt.tz_localize(None) if zone else values
        if not len(bare.dropna()) or (bare.min() >= _FAR[0] and bare.max() < _FAR[1]):
            return values.dt.as_unit("ns")
    return values


def _seconds(column: pa.ChunkedArray, sort: Any) -> tuple[Any, Format, str]:
    unit = column.type.unit
    wide = column.cast(pa.int64() if column.type.bit_width == 64 else pa.int32())
    ticks = wide.cast(pa.int64())
    n_a_second = _SECONDS[unit]
    whole = np.asarray(ticks.drop_null())
    step = int(np.gcd.reduce(whole)) if len(whole) and whole.any() else n_a_second
    usual = (3600, 1800, 900, 600, 300, 60, 1)
    grain = next((s for s in usual if step % (s * n_a_second) == 0), None)
    per_unit = grain * n_a_second if grain else 1
    format = Format(sort, stored=str(column.type), unit=per_unit / n_a_second)  # noqa: A001
    units = pc.divide(ticks, per_unit)
    if units.null_count:
        return units.cast(pa.float64()).to_pandas(), format, ""
    return units.to_pandas(), format, ""


# --- values become Arrow -------------------------------------------------------------------------


def arrow_type(format: Format, dtype: str) -> pa.DataType:  # noqa: A002
    """The Arrow type in which a column is stored: its source's, else the one that its sort has.

    Args:
        format: of the column.
        dtype: of the values, as pandas names it.
    """
    if format.stored != TEXT:
        return type_named(format.stored)
    if format.sort == "whole":
        is_whole = dtype.lower().startswith(("int", "uint"))
        return pa.type_for_alias(dtype.lower()) if is_whole else pa.int64()
    if format.sort == "truth":
        return pa.bool_()
    if format.sort == "decimal":
        return pa.float32() if dtype == "float32" else pa.float64()
    if format.sort == "datetime":
        dates: Any = pd.api.types.pandas_dtype(dtype)
        zone = format.zone if isinstance(dates, pd.DatetimeTZDtype) else None
        unit = dates.unit if zone else np.datetime_data(dates)[0]
        return pa.timestamp(unit, zone)
    return pa.string()


def type_named(name: str) -> pa.DataType:
    """The Arrow type of that name. Raises ValueError for a name that no column can have."""
    if found := re.fullmatch(r"timestamp\[(s|ms|us|ns), tz=([\w/+:\-]+)\]", name):
        return pa.timestamp(found[1], found[2])
    if found := re.fullmatch(r"decimal(32|64|128|256)\((\d+), (-?\d+)\)", name):
        make = getattr(pa, f"decimal{found[1]}")
        type_: pa.DataType = make(int(found[2]), int(found[3]))
        return type_
    if found := re.fullmatch(r"dictionary<values=(.+), indices=(\w+), ordered=([01])>", name):
        return pa.dictionary(pa.type_for_alias(found[2]), type_named(found[1]), found[3] == "1")
    names = {"double": "float64", "float": "float32", "halffloat": "float16"}
    plain: pa.DataType = pa.type_for_alias(names.get(name, name))
    return plain


def to_stored(
    values: pd.Series[Any],
    format: Format,  # noqa: A002
    type_: pa.DataType,
    rows: NDArray[np.int64] | None = None,
) -> pa.Array:
    """Values as an Arrow array of that type, shape (n,).

    Args:
        values: shape (n,).
        format: of the column.
        type_: of the array; texts may hold words for missing, all others are null there.
        rows: the place of each row in the whole sample, as `to_texts` needs it.
    """
    if types.is_null(type_):
        return pa.nulls(len(values))
    if types.is_dictionary(type_):
        plain = to_stored(values, format, type_.value_type, rows)
        return plain.dictionary_encode().cast(type_)
    there = values.notna().to_numpy()
    if types.is_string(type_) or types.is_large_string(type_) or types.is_string_view(type_):
        places = np.arange(len(values)) if rows is None else rows
        return to_texts(values, format, places).cast(type_)
    if types.is_integer(type_):
        if format.sort in ("code", "datetime", "text") or values.dtype == object:
            texts = present_texts(values[there], format, np.flatnonzero(there))
            return _placed(texts, there, type_)
        numbers = np.where(there, values.to_numpy(dtype=float, na_value=0), 0)
        if pd.api.types.is_integer_dtype(values):
            return pa.array(values.astype("int64" if type_ != pa.uint64() else "uint64"), type_)
        held = np.clip(np.rint(numbers), *_ends(type_))
        return pa.array(held.astype(np.int64), mask=~there).cast(type_)
    if types.is_decimal(type_) and values.dtype == object:
        texts = present_texts(values[there], format, np.flatnonzero(there))
        return _placed(texts, there, type_)
    if types.is_decimal(type_):
        texts = Spelling(places=(0, type_.scale)).write(values[there].to_numpy(dtype=float))
        return _placed(texts, there, type_)
    if types.is_time(type_) or types.is_duration(type_):
        ticks = values.to_numpy(dtype=float, na_value=0) * format.unit * _SECONDS[type_.unit]
        if types.is_time(type_):
            ticks = np.clip(ticks, 0, 86_400 * _SECONDS[type_.unit] - 1)
        whole = pa.array(np.rint(np.where(there, ticks, 0)).astype(np.int64), mask=~there)
        return whole.cast(pa.int32() if type_.bit_width == 32 else pa.int64()).cast(type_)
    if types.is_boolean(type_):
        truths = [bool(value) if here else None for value, here in zip(values, there, strict=True)]
        return pa.array(truths, type_)
    if types.is_date(type_) or types.is_timestamp(type_):
        return pa.Array.from_pandas(values).cast(type_, safe=False)
    return pa.Array.from_pandas(values, type=type_)


def _ends(type_: pa.DataType) -> tuple[float, float]:
    ends = np.iinfo(type_.to_pandas_dtype())
    return float(ends.min), float(np.nextafter(float(ends.max), 0) if ends.bits == 64 else ends.max)


def _placed(present: pa.Array, there: NDArray[np.bool_], type_: pa.DataType) -> pa.Array:
    """Values that are there in their places; texts are read as the type says."""
    places = np.cumsum(there) - 1
    indices = pa.array(np.where(there, places, 0), mask=~there)
    return present.cast(type_).take(indices) if len(present) else pa.nulls(len(there), type_)
