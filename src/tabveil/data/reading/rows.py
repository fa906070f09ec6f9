"""How do rows that come one by one become a table whose columns are each of one kind?

JSON lines and databases give Python values. They are kept as arrays, ten thousand rows at a time,
so that a long table never lies in memory as objects. A column that changes its kind on the way is
said with its row: any repair would be a guess.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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
}
_NAMES: dict[Any, str] = {dict: "an object", list: "a list", bytes: "bytes", memoryview: "bytes"}
_MISSING = {"number": np.nan, "text": np.nan, "truth value": np.nan, "date": np.datetime64("NaT")}


class Rows:
    """Rows come in, a table goes out."""

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
        self._blocks: list[dict[str, NDArray[Any]]] = []
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

    def table(self) -> pd.DataFrame:
        """All rows: int64, float64, bool, datetime64 or object columns, as `read_csv` has them.

        Raises DataError as `add`, and for a column without a name.
        """
        self._close_block()
        if any(not name.strip() for name in self._names):
            raise DataError(f"{self._source}: a column has no name; name it")
        return pd.DataFrame({name: self._column(name) for name in self._names}, copy=False)

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
                    f"numbers, texts, dates and truth values make a table"
                )
            if known - {kind, None}:
                raise DataError(
                    f"{where}: {shown(name)} holds a {kind} here and a {(known - {None}).pop()} "
                    f"elsewhere; give the column one kind"
                )
            known = {kind}
            self._kinds[name] = kind
        return self._kinds.get(name)

    def _array(self, name: str, kind: str, values: list[Any]) -> NDArray[Any]:
        if kind == "number":
            return self._numbers(name, values)
        if kind == "date":
            return _dates(values)
        if kind == "text":
            values = [None if value is None else str(value) for value in values]
            lengths = [len(value or "") for value in values]
            longest = int(np.argmax(lengths))
            self._bounds.check_field(lengths[longest], self._where(longest), name)
        return np.array([np.nan if value is None else value for value in values], dtype=object)

    def _numbers(self, name: str, values: list[Any]) -> NDArray[Any]:
        try:
            if all(type(value) is int for value in values):
                return np.array(values, dtype=np.int64)
        except OverflowError:
            pass  # as floats, which are not exact there, as CSV has it
        try:
            return np.array([np.nan if v is None else float(v) for v in values], dtype=float)
        except OverflowError:
            raise DataError(
                f"{self._source}: {shown(name)} holds a number beyond 1e308; cap it"
            ) from None

    def _column(self, name: str) -> Any:
        kind = self._kinds.get(name)
        if kind is None:
            return np.full(sum(self._sizes), np.nan)
        like = next(block[name] for block in self._blocks if name in block).dtype
        dtype = float if kind == "number" else like
        parts = [
            block[name] if name in block else np.full(size, _MISSING[kind], dtype=dtype)
            for block, size in zip(self._blocks, self._sizes, strict=True)
        ]
        whole = np.concatenate(parts)
        if kind == "truth value" and not pd.isna(whole).any():
            return whole.astype(bool)
        return _in_nanoseconds(whole) if kind == "date" else whole

    def _where(self, i: int) -> str:
        return f"{self._source}, {self._unit} {self._open[i][0]}"


def _dates(values: list[Any]) -> NDArray[Any]:
    """Dates and times without a zone; those with an offset are turned into UTC."""
    plain = [
        value.astimezone(datetime.UTC).replace(tzinfo=None)
        if isinstance(value, datetime.datetime) and value.tzinfo
        else value
        for value in values
    ]
    return np.array(plain, dtype="datetime64[us]")


def _in_nanoseconds(dates: NDArray[Any]) -> NDArray[Any]:
    """The house's unit, where it can hold them: not in the year 9999, which means "open"."""
    try:
        return pd.Series(dates).astype("datetime64[ns]").to_numpy()
    except pd.errors.OutOfBoundsDatetime:
        return dates
