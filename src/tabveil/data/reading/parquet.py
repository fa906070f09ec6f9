"""Parquet files as Arrow columns of plain types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as types

from tabveil.data.reading.bounds import Bounds, check_names, shown
from tabveil.data.reading.raw import Dialect, RawTable
from tabveil.errors import DataError


def read_parquet(path: Path, *, bounds: Bounds) -> RawTable:
    """Read a Parquet file.

    Args:
        path: the file.
        bounds: how large it may be.

    Raises:
        DataError: it is none, or holds columns that are neither numbers, texts, dates, times nor
            truth values, or a data frame's index or levels of names that have no place in a table.
    """
    try:
        read, notes = _checked(path, bounds)
    # A damaged file may say anything of its sizes and letters.
    except (pa.ArrowException, ValueError, OverflowError, MemoryError) as error:
        raise _unreadable(path, error) from error
    except OSError as error:
        if error.errno is not None:  # the disk's trouble, not the file's
            raise
        raise _unreadable(path, error) from error
    columns = dict(zip(read.column_names, read.columns, strict=True))
    return RawTable(columns, Dialect("parquet"), notes=notes)


def _checked(path: Path, bounds: Bounds) -> tuple[pa.Table, tuple[str, ...]]:
    """The Arrow table, once its outline is known to be fine."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        schema, n_rows = file.schema_arrow, file.metadata.num_rows
    bounds.check_rows(n_rows, str(path))
    bounds.check_columns(len(schema.names), str(path))
    check_names(schema.names, str(path))
    for field in schema:
        _check_kind(field, path)
    names, notes = _names(schema, path)
    read = pq.read_table(path, columns=list(names), partitioning=None)  # a=1/ adds no column a
    read = read.rename_columns([names[name] for name in read.column_names])
    read.validate(full=True)
    for name, column in zip(read.column_names, read.columns, strict=True):
        bounds.check_field(_longest(column), str(path), name)
    return read, notes


def _names(schema: pa.Schema, path: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """Column in the file → its name in the table: pandas keeps an index under names of its own.

    Raises DataError for an index that is named as a column is, and for names in several levels.
    """
    told = _of_pandas(schema)
    if len(told.get("column_indexes") or []) > 1:
        raise DataError(
            f"{path}: its columns have names in {len(told['column_indexes'])} levels; join them to "
            f"one name each before saving"
        )
    by_field = {c.get("field_name"): c.get("name") for c in told.get("columns") or []}
    index = [name for name in told.get("index_columns") or [] if isinstance(name, str)]
    names, notes = {}, []
    for name in schema.names:
        own = by_field.get(name, name) if name in index else name
        if name in index and (own is None or str(own).startswith("__index_level_")):
            notes.append("an index without a name was passed over")
            continue
        if own != name and own in schema.names:
            raise DataError(
                f"{path}: the index and a column are both named {shown(str(own))}; rename one, or "
                f"save with index=False"
            )
        names[name] = str(own)
    if not names:
        raise DataError(f"{path} holds an index and no column")
    return names, tuple(dict.fromkeys(notes))


def _of_pandas(schema: pa.Schema) -> dict[str, Any]:
    try:
        told = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _check_kind(field: pa.Field, path: Path) -> None:
    kind = field.type
    # pandas' own types are known to Arrow only where pandas was imported before.
    extension = (field.metadata or {}).get(b"ARROW:extension:name", b"").decode()
    extension = getattr(kind, "extension_name", extension)
    if types.is_dictionary(kind):
        kind = kind.value_type
    refused = (
        types.is_nested,
        types.is_binary,
        types.is_large_binary,
        types.is_fixed_size_binary,
        types.is_binary_view,
        types.is_interval,
    )
    if extension or isinstance(kind, pa.BaseExtensionType) or any(test(kind) for test in refused):
        raise DataError(
            f"{path}: column {shown(field.name)} holds {extension or kind} values; turn them into "
            f"numbers, texts or dates, or leave the column out"
        )


def _longest(column: pa.ChunkedArray) -> int:
    """Characters of the longest text; 0 for a column of no texts."""
    if types.is_dictionary(column.type):
        chunks = [chunk.dictionary for chunk in column.chunks]
    else:
        chunks = column.chunks
    lengths = [
        pc.max(pc.utf8_length(chunk)).as_py() or 0
        for chunk in chunks
        if types.is_string(chunk.type) or types.is_large_string(chunk.type)
    ]
    return max(lengths, default=0)


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path} is not a readable Parquet file ({type(error).__name__}); copy or export it again"
    )
