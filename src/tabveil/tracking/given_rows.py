"""Rows of a file, some of whose cells are given: the others are drawn.

    tabveil sample model=models:/adult@balanced given=rows.csv n=3 out=filled.csv

Each row of the file becomes the conditions of `n` drawn rows: its cells as they are typed. An empty
cell is filled with a value; a column that the file has not is drawn as in any row, a missing value
among what may come. A number that the model never makes, though it makes such as are near, counts
as those and is kept. The rows come out in the file's order, `n` for each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tabveil.contracts import Where
from tabveil.data.opening import Wishes
from tabveil.data.schema import Column
from tabveil.data.tables import Place
from tabveil.errors import ConditionError, DataError
from tabveil.seeding import stream_seed
from tabveil.synthesizers.chunks import CHUNK_ROWS, concat
from tabveil.synthesizers.conditions import near
from tabveil.synthesizers.ruled import Ruled
from tabveil.tracking.models import Generator

_CLOSE = 1e-9
"""Of a number that the table does not round: a drawn one is never equal to it, but so near."""
_SHOWN = 5
"""Rows that a message names."""
_REACHES = (0.02, 0.1, 0.5)
"""How far from a number that no drawn row can hold others stand for it, as a share of it."""


@dataclass(frozen=True)
class Given:
    """What a file gives.

    Attributes:
        title: of the file, for messages.
        rows: of each row, column → its cell; None: empty, to be filled.
    """

    title: str
    rows: Sequence[Mapping[str, Any]]

    @classmethod
    def read(cls, path: Path, generator: Generator, where: Where | None) -> Given:
        """Read a table in any format that `prepare` reads.

        Raises:
            DataError: it cannot be read, has no rows, or a column that the model does not draw.
            ConditionError: a column has cells and a condition.
        """
        schema, masks = generator.schema, generator.masking.masks
        # As texts: how a cell is to be read is the schema's matter, not this file's.
        wishes = Wishes(kinds=dict.fromkeys(schema.names, "categorical"))
        table = Place(path=path).open(wishes).table
        for name in table:
            if name in masks:
                raise DataError(
                    f"{path}: {name!r} is masked, and made up anew in every drawn row: the model "
                    f"has nothing to say of whom it names. Leave the column out"
                )
            if name not in schema.names:
                modelled = [known for known in schema.names if known not in masks]
                raise DataError(f"{path}: {name!r} is no column{near(name, modelled)}")
            if where and name in where:
                raise ConditionError(f"{name!r} has cells in {path} and a condition in where=")
        cells = {str(name): _cells(table[name], schema[str(name)]) for name in table}
        rows = [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]
        return cls(str(path), rows)


def fill(
    generator: Generator, given: Given, n: int, *, seed: int, where: Where | None = None
) -> Iterator[pd.DataFrame]:
    """Yield `n` rows for each given one, in frames of bounded size, with made-up identifiers.

    Raises ConditionError, when all were tried, with the rows of the file that cannot be met.
    """
    unmet: list[str] = []
    waiting: list[pd.DataFrame] = []
    n_waiting = start = 0
    for i, row in enumerate(given.rows):
        try:
            drawn = _drawn(generator, row, n, stream_seed(seed, "given", i), where)
        except ConditionError as error:
            unmet.append(f"row {i + 1}: {error}")
            continue
        waiting.append(drawn)
        n_waiting += len(drawn)
        if n_waiting >= CHUNK_ROWS or i == len(given.rows) - 1:
            frame = concat(waiting)
            frame.index = pd.RangeIndex(start, start + len(frame))
            yield generator.masking.apply(frame, seed=seed)
            start, waiting, n_waiting = start + len(frame), [], 0
    if unmet:
        more = f"; and {len(unmet) - _SHOWN} more" if len(unmet) > _SHOWN else ""
        raise ConditionError(
            f"{given.title}: {len(unmet)} of {len(given.rows)} rows cannot be met, and nothing was "
            f"written. {'; '.join(unmet[:_SHOWN])}{more}. Empty those cells, or leave the rows out"
        )


def _drawn(
    generator: Generator, row: Mapping[str, Any], n: int, seed: int, where: Where | None
) -> pd.DataFrame:
    """Rows that hold what is given; numbers that no drawn row can hold by the nearest it can."""
    numbers = {
        name: value
        for name, cell in row.items()
        if generator.schema[name].kind == "numeric" and (value := _as_float(cell)) is not None
    }
    unrounded = {name for name in numbers if generator.schema[name].decimals is None}
    asked = dict(where or {})
    asked |= {name: {"missing": False} if cell is None else cell for name, cell in row.items()}
    asked |= {name: _around(numbers[name], _CLOSE) for name in unrounded}
    exact: Collection[str] = unrounded
    for reach in (*_REACHES, None):
        try:
            drawn = concat(list(generator.synthesizer.iter_sample(n, seed=seed, where=asked)))
        except ConditionError:
            # Where rules give columns from others, other numbers would not belong to them.
            if reach is None or not numbers or isinstance(generator.synthesizer, Ruled):
                raise
            asked |= {name: _around(value, reach) for name, value in numbers.items()}
            exact = numbers
        else:
            break
    given = {name: numbers[name] for name in exact}
    return drawn.assign(**given).astype(drawn.dtypes) if given else drawn


def _around(value: float, reach: float) -> dict[str, float]:
    return {
        "min": value - reach * max(1.0, abs(value)),
        "max": value + reach * max(1.0, abs(value)),
    }


def _cells(values: pd.Series[Any], column: Column) -> list[Any]:
    """A column's cells, plain; None where they are empty, or hold the column's word for missing."""
    words = set(column.format.missing or {}) if column.format is not None else set()
    return [
        None
        if pd.isna(value) or (isinstance(value, str) and value.strip() in {"", *words})
        else (value.item() if isinstance(value, np.generic) else value)
        for value in values
    ]


def _as_float(cell: Any) -> float | None:
    """A number as programs write it; None: the column's own spelling, which conditions read."""
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None
