from __future__ import annotations

import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tabveil.data.reading.bounds import Bounds
from tabveil.data.tables import read_table
from tabveil.errors import DataError


def read(folder: Path, table: pa.Table, bounds: Bounds | None = None) -> dict[str, str]:
    pq.write_table(table, folder / "t.parquet")
    found = read_table(folder / "t.parquet", bounds=bounds or Bounds())
    return {str(name): str(dtype) for name, dtype in found.dtypes.items()}


def test_a_date_that_means_open_is_a_date(tmp_path: Path) -> None:
    days = [datetime.date(9999, 12, 31), datetime.date(2020, 1, 2), None]
    assert read(tmp_path, pa.table({"until": days})) == {"until": "datetime64[s]"}


def test_texts_are_dates_by_the_same_rule_as_in_csv(tmp_path: Path) -> None:
    table = pa.table({"a": ["31.12.2020"], "b": ["1.234,5"]})
    assert read(tmp_path, table) == {"a": "datetime64[ns]", "b": "float64"}


def test_a_table_beyond_the_bounds_is_refused(tmp_path: Path) -> None:
    table = pa.table({"a": ["xyz", None], "b": [1, 2]})
    assert read(tmp_path, table, Bounds(rows=2, columns=2, field=3))
    for bounds, message in (
        (Bounds(rows=1), "more than 1 rows"),
        (Bounds(columns=1), "2 columns, more than 1"),
        (Bounds(field=2), "a value of 'a' is longer than 2"),
    ):
        with pytest.raises(DataError, match=message):
            read(tmp_path, table, bounds)


def test_levels_of_bytes_and_types_of_extensions_are_refused(tmp_path: Path) -> None:
    levels = pa.array([b"x", b"y"]).dictionary_encode()
    with pytest.raises(DataError, match="'a' holds binary"):
        read(tmp_path, pa.table({"a": levels}))
    numbers = pa.array([b"x" * 16], pa.uuid())
    with pytest.raises(DataError, match="'a' holds"):
        read(tmp_path, pa.table({"a": numbers}))
