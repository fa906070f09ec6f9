"""Rows that come one by one, as columns that are each of one kind.

JSON lines, databases and workbooks give Python values. They are kept as Arrow arrays, ten thousand
rows at a time, so that a long table never lies in memory as objects. A column that changes its kind
on the way is said with its row: any repair would be a guess.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa

from tabveil.data.reading.bounds import Bounds, shown
from tabveil.errors import DataError

_AT_ONCE = 10_000

_KINDS: dict[Any, str] = {
    str: "text",
    UUID: "text",
    bool: "truth value",
    int: "number",
    float: "number",
    Decimal: "number",
    datetime.date: "date",
    datetime.datetime: "date",
    datetime.time: "time of day",
    datetime.timedelta: "duration",
}
_NAMES: dict[Any, str] = {dict: "an object", list: "a list", bytes: "bytes", memoryview: "bytes"}
_MOST_DECIMALS = 38


class Rows:
    """Rows come in, columns go out."""

    def __init__(self, source: str, bounds: Bounds, *, unit: str) -> None:
        """Wait for rows.

        Args:
            source: what messages call the source, without a password.
            bounds: how large the table may be.
            unit: what messages count: line or row.
        """
        self._source, self._bounds, self._unit = source, bounds, unit
        self._open: list[tuple[int, Mapping[str, Any]]] = []
        self._names: dict[str, None] = {}
        self._kinds: dict[str, str] = {}
        self._scales: dict[str, int] = {}
        self._blocks: list[dict[str, pa.Array]] = []
        self._sizes: list[int] = []

    def add(self, number: int, row: Mapping[str, Any]) -> None:
        """Take the row of that line or number; a name that it lacks is a missing value.

        Raises DataError for a value of no known kind or of another kind than its column's.
        """
        self._open.append((number, row))
        self._names.update(dict.fromkeys(row))
        if len(self._names) > self._bounds.columns:
            self._bounds.check_columns(len(self._names), self._source)
        if len(self._open) == _AT_ONCE:
            self._close_block()

    def columns(self) -> dict[str, pa.ChunkedArray]:
        """All rows. Raises DataError as `add`, and for a column without a name."""
        self._close_block()
        if any(not name.strip() for name in self._names):
            raise DataError(f"{self._source}: a column has no name; name it")
        return {name: self._column(name) for name in self._names}

    def _close_block(self) -> None:
        if not self._open:
            return
        self._sizes.append(len(self._open))
        self._bounds.check_rows(sum(self._sizes), self._source)
        self._blocks.append({})
        for name in self._names:
            values = [row.get(name) for _, row in self._open]
            if kind := self._kind(name, values):
                self._blocks[-1][name] = self._array(name, kind, values)
        self._open = []

    def _kind(self, name: str, values: list[Any]) -> str | None:
        """The column's kind; None while every value is missing."""
        known = {self._kinds.get(name)}
        for type_ in dict.fromkeys(map(type, values)):
            if type_ is type(None):
                continue
            kind = _KINDS.get(type_)
            where = self._where(next(i for i, v in enumerate(values) if type(v) is type_))
            if kind is None:
                raise DataError(
                    f"{where}: {shown(name)} holds {_NAMES.get(type_, type_.__name__)}; only "
                    f"numbers, texts, dates, times and truth values make a table"
                )
            if known - {kind, None}:
                raise DataError(
                    f"{where}: {shown(name)} holds a {kind} here and a {(known - {None}).pop()} "
                    f"elsewhere; give the column one kind"
                )
            known = {kind}
            self._kinds[name] = kind
        return self._kinds.get(name)

    def _array(self, name: str, kind: str, values: list[Any]) -> pa.Array:
        if kind == "number":
            return self._numbers(name, values)
        if kind == "text":
            texts = [None if value is None else str(value) for value in values]
            lengths = [len(text or "") for text in texts]
            longest = max(range(len(lengths)), key=lengths.__getitem__)
            self._bounds.check_field(lengths[longest], self._where(longest), name)
            return pa.array(texts, pa.string())
        if kind == "date":
            return _dates(values)
        types = {
            "truth value": pa.bool_(),
            "time of day": pa.time64("us"),
            "duration": pa.duration("us"),
        }
        return pa.array(values, types[kind])

    def _numbers(self, name: str, values: list[Any]) -> pa.Array:
        present = [value for value in values if value is not None]
        if all(type(value) is int for value in present):
            try:
                return pa.array(values, pa.int64())
            except (OverflowError, pa.ArrowInvalid):  # digits that no number holds: a code
                self._bounds.check_digits(max(map(abs, present)), self._source, name)
                if max(map(abs, present)) < 10**_MOST_DECIMALS:
                    whole = [None if v is None else Decimal(v) for v in values]
                    return pa.array(whole, pa.decimal128(_MOST_DECIMALS, 0))
                return pa.array([None if v is None else str(v) for v in values], pa.string())
        scales = [-int(v.as_tuple().exponent) for v in present if isinstance(v, Decimal)]
        if len(scales) == len(present):
            self._scales[name] = max([0, self._scales.get(name, 0), *scales])
        else:
            self._scales[name] = _MOST_DECIMALS + 1
        try:
            return pa.array([None if v is None else float(v) for v in values], pa.float64())
        except OverflowError:
            raise DataError(
                f"{self._source}: {shown(name)} holds a number beyond 1e308; cap it"
            ) from None

    def _column(self, name: str) -> pa.ChunkedArray:
        types = [block[name].type for block in self._blocks if name in block]
        type_ = _common(types)
        parts = [
            _as(block[name], type_) if name in block else pa.nulls(size, type_)
            for block, size in zip(self._blocks, self._sizes, strict=True)
        ]
        scale = self._scales.get(name, _MOST_DECIMALS + 1)
        if type_ == pa.float64() and scale <= 15:
            decimal = pa.decimal128(_MOST_DECIMALS, scale)
            return pa.chunked_array([part.cast(decimal, safe=False) for part in parts], decimal)
        return pa.chunked_array(parts, type_)

    def _where(self, i: int) -> str:
        return f"{self._source}, {self._unit} {self._open[i][0]}"


def _common(types: list[pa.DataType]) -> pa.DataType:
    """The type that holds the values of all blocks."""
    known = list(dict.fromkeys(types))
    if not known:
        return pa.null()
    if len(known) == 1:
        return known[0]
    if pa.string() in known:
        return pa.string()
    wide = [t for t in known if pa.types.is_decimal(t)]
    if wide and set(known) <= {*wide, pa.int64()}:
        return wide[0]
    if pa.float64() in known:
        return pa.float64()
    return next(t for t in known if pa.types.is_timestamp(t))


def _as(part: pa.Array, type_: pa.DataType) -> pa.Array:
    return part if part.type == type_ else part.cast(type_, safe=False)


def _dates(values: list[Any]) -> pa.Array:
    """Days, or times; those with an offset in UTC."""
    present = [value for value in values if value is not None]
    if not any(isinstance(value, datetime.datetime) for value in present):
        return pa.array(values, pa.date32())
    zoned = any(isinstance(v, datetime.datetime) and v.tzinfo for v in present)
    whole = [
        datetime.datetime.combine(v, datetime.time())
        if v is not None and not isinstance(v, datetime.datetime)
        else v
        for v in values
    ]
    if not zoned:
        return pa.array(whole, pa.timestamp("us"))
    utc = [
        v
        if v is None
        else v.astimezone(datetime.UTC)
        if v.tzinfo
        else v.replace(tzinfo=datetime.UTC)
        for v in whole
    ]
    return pa.array(utc, pa.timestamp("us", "UTC"))


def _in_utc(value: datetime.datetime) -> datetime.datetime:
    utc = datetime.UTC
    return value.astimezone(utc) if value.tzinfo else value.replace(tzinfo=utc)
