"""How do a million rows get into a file without filling the memory, and all or none of them?

Frames are written as they are drawn, into a hidden file beside the target that takes the
target's place at the end. Types come from the schema and not from each frame, so that a frame
without a missing value looks like one that has some.
"""

from __future__ import annotations

import contextlib
import csv
import glob
import os
import platform
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd
import psutil

from tabveil.contracts import Where
from tabveil.data.schema import Column, Schema
from tabveil.errors import ConfigError
from tabveil.tracking.models import Generator

if TYPE_CHECKING:
    import pyarrow as pa

Write = Callable[[pd.DataFrame], None]
PARTIAL = ".partial"
"""Ends the name of a file, hidden, that has not all its rows yet."""
_HOST = platform.node()
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Writer(Protocol):
    def __call__(self, path: Path, schema: Schema) -> contextlib.AbstractContextManager[Write]: ...


def write_samples(
    generator: Generator,
    path: Path,
    n: int,
    *,
    seed: int,
    where: Where | None = None,
    progress: Callable[[int], None] | None = None,
    escape_formulas: bool = False,
) -> int:
    """Draw `n` rows into a `.parquet`, `.csv` or `.jsonl` file; return the number written.

    An existing file is replaced only when all rows are there. CSV keeps times to the second.

    Args:
        generator: draws the rows.
        path: of the file; its folder must exist.
        n: rows.
        seed: of the draw.
        where: conditions on the rows.
        progress: called with the number of rows written so far.
        escape_formulas: whether texts that a spreadsheet would run begin with an apostrophe.

    Raises:
        ConfigError: the path cannot be written to, its suffix is unknown, or `n` is below 1.
        ConditionError: `where` names nothing that exists, or cannot be met.
    """
    check_target(path)
    frames = generator.iter_sample(n, seed=seed, where=where)
    return write_frames(
        frames, path, generator.schema, progress=progress, escape_formulas=escape_formulas
    )


def write_frames(
    frames: Iterable[pd.DataFrame],
    path: Path,
    schema: Schema,
    *,
    progress: Callable[[int], None] | None = None,
    escape_formulas: bool = False,
) -> int:
    """Write frames of a schema as `write_samples` does; return the number of rows.

    Raises ConfigError when the path cannot be written to.
    """
    writer = check_target(path, escape_formulas=escape_formulas)
    hidden = path.with_name(f".{path.name}.{_HOST}-{os.getpid()}{PARTIAL}")
    try:
        _remove_leftovers(path)
        n_written = _write(frames, writer, hidden, schema, progress)
        hidden.replace(path)
    except OSError as error:
        raise ConfigError(f"out={path} cannot be written: {error.strerror or error}") from error
    finally:
        hidden.unlink(missing_ok=True)
    return n_written


def _remove_leftovers(path: Path) -> None:
    """Remove the hidden files of processes of this host that were killed over the same target."""
    start = f".{path.name}.{_HOST}-"
    for left in path.parent.glob(f"{glob.escape(start)}*{PARTIAL}"):
        number = left.name.removeprefix(start).removesuffix(PARTIAL)
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            left.unlink(missing_ok=True)


def _write(
    frames: Iterable[pd.DataFrame],
    writer: _Writer,
    path: Path,
    schema: Schema,
    progress: Callable[[int], None] | None,
) -> int:
    n_written = 0
    with writer(path, schema) as write:
        for frame in frames:
            write(frame)
            n_written += len(frame)
            if progress is not None:
                progress(n_written)
    return n_written


def check_target(path: Path, *, escape_formulas: bool = False) -> _Writer:
    """How rows get into that file. Raises ConfigError where they cannot."""
    csv_writer = partial(_csv, escape_formulas=escape_formulas)
    writers: dict[str, _Writer] = {".parquet": _parquet, ".csv": csv_writer, ".jsonl": _jsonl}
    if path.suffix not in writers:
        raise ConfigError(f"out={path}: the name must end in {' or '.join(writers)}")
    if path.is_dir():
        raise ConfigError(f"out={path} is a folder; name a file")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"out={path}: there is no folder {path.absolute().parent}; make it first")
    return writers[path.suffix]


@contextlib.contextmanager
def _csv(path: Path, schema: Schema, *, escape_formulas: bool = False) -> Iterator[Write]:
    whole = _whole(schema)
    days = _days(schema)
    with path.open("w", encoding="utf-8", newline="") as file:

        def write(frame: pd.DataFrame) -> None:
            written = frame.astype(whole)
            for name in days:
                written[name] = written[name].dt.strftime("%Y-%m-%d")
            if escape_formulas:
                written = _escaped(written)
            written.to_csv(
                file,
                index=False,
                header=file.tell() == 0,
                date_format="%Y-%m-%d %H:%M:%S",
                quoting=csv.QUOTE_NONNUMERIC if _has_returns(written) else csv.QUOTE_MINIMAL,
            )

        yield write


@contextlib.contextmanager
def _parquet(path: Path, schema: Schema) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = pa.schema([(c.name, _arrow_type(c)) for c in schema.columns])
    with pq.ParquetWriter(path, types) as writer:

        def write(frame: pd.DataFrame) -> None:
            arrays = [_arrow_array(frame[field.name], field.type) for field in types]
            writer.write_table(pa.Table.from_arrays(arrays, schema=types))

        yield write


@contextlib.contextmanager
def _jsonl(path: Path, schema: Schema) -> Iterator[Write]:
    whole = _whole(schema)
    days = _days(schema)
    with path.open("w", encoding="utf-8", newline="") as file:

        def write(frame: pd.DataFrame) -> None:
            written = frame.astype(whole)
            for name in schema.of_kind("datetime"):
                form = "%Y-%m-%d" if name in days else "%Y-%m-%dT%H:%M:%S%z"
                written[name] = written[name].dt.strftime(form)
            lines = written.to_json(
                orient="records", lines=True, force_ascii=False, double_precision=15
            )
            file.write(lines)

        yield write


def _whole(schema: Schema) -> dict[str, str]:
    """Whole-number columns, with the dtype that holds all of them and missing values."""
    return {
        c.name: "UInt64" if c.dtype.lower() == "uint64" else "Int64"
        for c in schema.columns
        if _is_whole(c)
    }


def _days(schema: Schema) -> list[str]:
    return [c.name for c in schema.columns if c.kind == "datetime" and c.form == "date"]


def _escaped(frame: pd.DataFrame) -> pd.DataFrame:
    """Texts and names that a spreadsheet would take for a formula, behind an apostrophe."""

    def safe(text: object) -> object:
        return f"'{text}" if isinstance(text, str) and text.startswith(_FORMULA) else text

    texts = frame.select_dtypes(["object", "string", "category"])
    for name in texts:
        frame[name] = frame[name].astype(object).map(safe)
    return frame.rename(columns=safe)


def _has_returns(frame: pd.DataFrame) -> bool:
    """Whether a name or a text holds a carriage return, which Python 3.11 leaves unquoted."""
    texts = frame.select_dtypes(["object", "string", "category"])
    found = [*frame.columns, *(value for name in texts for value in texts[name].unique())]
    return any("\r" in value for value in found if isinstance(value, str))


def _is_whole(column: Column) -> bool:
    return column.dtype.lower().startswith(("int", "uint"))


def _arrow_type(column: Column) -> pa.DataType:
    """What a column is in Parquet; objects go by their kind, because a frame may hold none."""
    import pyarrow as pa

    dtype = column.dtype.lower()
    if _is_whole(column) or dtype.startswith("float"):
        return pa.type_for_alias(dtype)
    if dtype.startswith("datetime64"):
        return pa.from_numpy_dtype(dtype) if "," not in dtype else _zoned(column.dtype)
    if column.kind == "boolean":
        return pa.bool_()
    return {"numeric": pa.float64(), "datetime": pa.timestamp("ns")}.get(column.kind, pa.string())


def _zoned(dtype: str) -> pa.DataType:
    import pyarrow as pa

    unit, zone = dtype.removeprefix("datetime64[").rstrip("]").split(",")
    return pa.timestamp(unit, zone.strip())


def _arrow_array(values: pd.Series[Any], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_string(kind):
        values = values.astype(object)
        values = values.where(values.isna(), values.astype(str))
    return pa.Array.from_pandas(values, type=kind)
