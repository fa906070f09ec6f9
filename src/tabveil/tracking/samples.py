"""Rows are drawn into a file, at bounded memory, and all or none of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tabveil.contracts import Where
from tabveil.data.writing.rows_out import check_target, write_frames
from tabveil.tracking.given_rows import Given, fill
from tabveil.tracking.models import Generator


def write_samples(
    generator: Generator,
    path: Path,
    n: int,
    *,
    seed: int,
    where: Where | None = None,
    given: Given | None = None,
    progress: Callable[[int], None] | None = None,
    escape_formulas: bool = False,
) -> int:
    """Draw `n` rows into a file in the form of the table that was learnt; return their number.

    An existing file is replaced only when all rows are there.

    Args:
        generator: draws the rows.
        path: of the file, whose name says its format (`data.writing.rows_out.WRITERS`); its folder
            must exist.
        n: rows; where some are given, for each of them.
        seed: of the draw.
        where: conditions on the rows.
        given: rows to be filled in.
        progress: called with the number of rows written so far.
        escape_formulas: whether texts that a spreadsheet would run begin with an apostrophe.

    Raises:
        ConfigError: the path cannot be written to, its name ends in no format, or `n` is below 1.
        ConditionError: `where` names nothing that exists, or cannot be met.
    """
    check_target(path, n=n)
    if given is None:
        frames = generator.iter_sample(n, seed=seed, where=where)
    else:
        frames = fill(generator, given, n, seed=seed, where=where)
    return write_frames(
        frames, path, generator.schema, progress=progress, escape_formulas=escape_formulas
    )
