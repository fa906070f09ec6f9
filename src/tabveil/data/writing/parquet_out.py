"""Rows as Parquet, in the types of their source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tabveil.data.formats.stored_types import arrow_type, to_stored
from tabveil.data.schema import Column, Schema
from tabveil.data.writing.cell_texts import format_of


@contextmanager
def write_parquet(
    path: Path, schema: Schema, *, escape_formulas: bool = False
) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Open a file for rows; see `rows_out.write_frames`. No program runs what stands in Parquet."""
    del escape_formulas
    types = _arrow_schema(schema)
    with pq.ParquetWriter(path, types) as writer:

        def write(frame: pd.DataFrame) -> None:
            rows = frame.index.to_numpy(dtype=np.int64)
            arrays = [
                to_stored(frame[c.name].reset_index(drop=True), format_of(c), field.type, rows)
                for c, field in zip(schema.columns, types, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=types))

        yield write


def _arrow_schema(schema: Schema) -> pa.Schema:
    """The types, and what pandas is told of them: whole numbers with gaps stay whole."""
    fields = [pa.field(c.name, arrow_type(format_of(c), c.dtype)) for c in schema.columns]
    like = pd.DataFrame(
        {c.name: _pandas_like(c, f.type) for c, f in zip(schema.columns, fields, strict=True)}
    )
    told = pa.Schema.from_pandas(like, preserve_index=False).metadata or {}
    return pa.schema(fields, metadata=told)


def _pandas_like(column: Column, type_: pa.DataType) -> pd.Series[Any]:
    if pa.types.is_integer(type_) and not column.dtype.lower().startswith(("int", "uint")):
        name = str(type_).replace("int", "Int").replace("uInt", "UInt")
        return pd.Series([], dtype=name)
    if pa.types.is_boolean(type_) and column.dtype != "bool":
        return pd.Series([], dtype="boolean")
    empty: pd.Series[Any] = pa.array([], type_).to_pandas()
    return empty
