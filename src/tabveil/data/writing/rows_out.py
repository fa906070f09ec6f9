"""Writers of rows: which file is written how, and all of it or nothing.

Frames are written as they are drawn, into a hidden file beside the target that takes the target's
place at the end. Forms come from the schema and not from each frame, so that a frame without a
missing value looks like one that has some.
"""

from __future__ import annotations

import contextlib
import glob
import os
import platform
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import pandas as pd
import psutil

from tabveil.data.schema import Schema
from tabveil.data.writing.delimited_out import write_delimited
from tabveil.data.writing.json_out import write_json_lines
from tabveil.data.writing.parquet_out import write_parquet
from tabveil.data.writing.workbook_out import check_rows, write_workbook
from tabveil.errors import ConfigError

Write = Callable[[pd.DataFrame], None]
PARTIAL = ".partial"
"""Ends the name of a file, hidden, that has not all its rows yet."""
_HOST = platform.node()


class Writer(Protocol):
    """Opens a file for rows of a schema."""

    def __call__(
        self, path: Path, schema: Schema, *, escape_formulas: bool = False
    ) -> contextlib.AbstractContextManager[Write]:
        """Give a function that takes frames."""


WRITERS: dict[str, Writer] = {
    ".csv": write_delimited,
    ".tsv": write_delimited,
    ".csv.gz": write_delimited,
    ".tsv.gz": write_delimited,
    ".jsonl": write_json_lines,
    ".ndjson": write_json_lines,
    ".jsonl.gz": write_json_lines,
    ".parquet": write_parquet,
    ".pq": write_parquet,
    ".xlsx": write_workbook,
}
"""The end of a name → what writes such a file."""


def write_frames(
    frames: Iterable[pd.DataFrame],
    path: Path,
    schema: Schema,
    *,
    progress: Callable[[int], None] | None = None,
    escape_formulas: bool = False,
) -> int:
    """Write frames of a schema into a file; return the number of rows.

    An existing file is replaced only when all rows are there.

    Args:
        frames: of rows; the index says the place of each in the whole sample.
        path: of the file; its folder must exist.
        schema: with the formats of the columns and the dialect of the source.
        progress: called with the number of rows written so far.
        escape_formulas: whether texts that a spreadsheet would run begin with an apostrophe.

    Raises:
        ConfigError: the path cannot be written to, or its name ends in none of `WRITERS`.
    """
    writer = check_target(path)
    hidden = path.with_name(f".{path.name}.{_HOST}-{os.getpid()}{PARTIAL}")
    try:
        _remove_leftovers(path)
        n_written = 0
        with writer(hidden, schema, escape_formulas=escape_formulas) as write:
            for frame in frames:
                write(frame)
                n_written += len(frame)
                if progress is not None:
                    progress(n_written)
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


def check_target(path: Path, *, n: int = 0) -> Writer:
    """How `n` rows get into that file. Raises ConfigError where they cannot."""
    name = path.name.lower()
    ends = [end for end in WRITERS if name.endswith(end)]
    if not ends:
        raise ConfigError(f"out={path}: the name must end in {' or '.join(WRITERS)}")
    if path.is_dir():
        raise ConfigError(f"out={path} is a folder; name a file")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"out={path}: there is no folder {path.absolute().parent}; make it first")
    writer = WRITERS[max(ends, key=len)]
    if writer is write_workbook:
        check_rows(n, path)
    return writer
