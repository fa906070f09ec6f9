"""How does a Parquet file become a table of plain columns?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from tabveil.data.reading.bounds import Bounds, check_names, shown
from tabveil.errors import DataError


def read_parquet(path: Path, *, bounds: Bounds) -> pd.DataFrame:
    """Read a Parquet file.

    Args:
        path: the file.
        bounds: how large it may be.

    Raises:
        DataError: it is none, or holds columns that are neither numbers, texts, dates nor truth
            values.
    """
    import pyarrow as pa

    try:
        read = _checked(path, bounds)
        table: pd.DataFrame = read.to_pandas()
    # A damaged file may say anything of its sizes and letters.
    except (pa.ArrowException, ValueError, OverflowError, MemoryError) as error:
        raise _unreadable(path, error) from error
    except OSError as error:
        if error.errno is not None:  # the disk's trouble, not the file's
            raise
        raise _unreadable(path, error) from error
    table = table.reset_index(drop=isinstance(table.index, pd.RangeIndex))
    table.columns = table.columns.map(str)
    for field in read.schema:
        if field.name in table:
            table[field.name] = _plain(table[field.name], field.type)
    return table


def _checked(path: Path, bounds: Bounds) -> Any:
    """The Arrow table, once its outline is known to be fine."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        schema, n_rows = file.schema_arrow, file.metadata.num_rows
    bounds.check_rows(n_rows, str(path))
    bounds.check_columns(len(schema.names), str(path))
    check_names(schema.names, str(path))
    for field in schema:
        _check_kind(field.type, field.name, path)
    read = pq.read_table(path, partitioning=None)  # a folder named a=1 adds no column a
    for name, column in zip(read.schema.names, read.columns, strict=True):
        bounds.check_field(_longest(column), str(path), name)
    return read


def _check_kind(kind: Any, name: str, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.types as types

    if types.is_dictionary(kind):
        kind = kind.value_type
    refused = (
        types.is_nested,
        types.is_duration,
        types.is_time,
        types.is_binary,
        types.is_large_binary,
        types.is_fixed_size_binary,
        types.is_binary_view,
    )
    if isinstance(kind, pa.BaseExtensionType) or any(test(kind) for test in refused):
        raise DataError(
            f"{path}: column {shown(name)} holds {kind} values; turn them into numbers, texts or "
            f"dates, or leave the column out"
        )


def _longest(column: Any) -> int:
    """Characters of the longest text; 0 for a column of no texts."""
    import pyarrow.compute as pc
    import pyarrow.types as types

    if not (types.is_string(column.type) or types.is_large_string(column.type)):
        return 0
    return pc.max(pc.utf8_length(column)).as_py() or 0


def _plain(values: pd.Series[Any], kind: Any) -> pd.Series[Any]:
    """Give a Parquet column a type that the rest of the house knows."""
    import pyarrow.types as types

    if types.is_decimal(kind):
        return values.astype(float)
    if types.is_date(kind):
        try:
            return pd.to_datetime(values)
        except pd.errors.OutOfBoundsDatetime:  # the year 9999, which means "open"
            return values.astype("datetime64[s]")
    return values


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path} is not a readable Parquet file ({type(error).__name__}); copy or export it again"
    )
