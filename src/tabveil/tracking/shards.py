"""How are more rows drawn than one process can, the same rows however many draw?

A sample is cut into shards of a fixed number of rows. Shard `i` is drawn from the wide seed of
`(seed, "shard", i)`, so it needs no other shard and does not depend on who draws it; the rows of a
shorter sample are the first rows of a longer one. Made-up identifiers are numbered over the whole
sample: one that must not repeat does not repeat in another shard either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tabveil.contracts import DrawsPersons, Where
from tabveil.data.writing.rows_out import write_frames
from tabveil.errors import DataError
from tabveil.seeding import wide_seed
from tabveil.tracking.manifest import Part, measure_part
from tabveil.tracking.models import Generator


@dataclass(frozen=True)
class Shard:
    """Rows `start` to `start + n` of a sample."""

    number: int
    start: int
    n: int

    @property
    def file(self) -> str:
        """Its name in the folder."""
        return f"part-{self.number:05d}.parquet"


def shards_of(n: int, shard_rows: int) -> list[Shard]:
    """Cut `n` rows into shards; the last may be shorter.

    >>> [(shard.file, shard.start, shard.n) for shard in shards_of(5, 3)]
    [('part-00000.parquet', 0, 3), ('part-00001.parquet', 3, 2)]
    """
    starts = enumerate(range(0, n, shard_rows))
    return [Shard(i, start, min(shard_rows, n - start)) for i, start in starts]


def write_shard(
    generator: Generator, folder: Path, shard: Shard, *, seed: int, where: Where | None = None
) -> Part:
    """Draw one shard into its file, at bounded memory.

    Args:
        generator: draws the rows.
        folder: where the file comes to lie; it takes its place when all rows are there.
        shard: which rows.
        seed: of the whole sample.
        where: conditions on the rows.

    Raises:
        ConfigError: the file cannot be written, or protections would take whole persons apart.
        ConditionError: `where` names nothing that exists, or cannot be met.
    """
    path = folder / shard.file
    rows = write_frames(_draw(generator, shard, seed, where), path, generator.schema)
    return measure_part(path, rows)


def check_room(generator: Generator, n: int) -> None:
    """Raise DataError, before anything is drawn, where made-up identifiers end before `n` rows."""
    for name, mask in generator.masking.masks.items():
        if mask.unique and n > mask.room:
            raise DataError(
                f"n={n}: the column {name!r} has {mask.room} made-up values that do not repeat; "
                f"draw fewer rows, or prepare with dataset.masks={{{name}: drop}}"
            )


def _draw(
    generator: Generator, shard: Shard, seed: int, where: Where | None
) -> Iterator[pd.DataFrame]:
    """The shard's rows, indexed as in the whole sample."""
    masking, drawer = generator.masking, generator.synthesizer
    own_seed = wide_seed(seed, "shard", shard.number)
    seed = wide_seed(seed, "masks")  # one for all shards: what must not repeat does not
    if not masking.of_persons:
        for frame in drawer.iter_sample(shard.n, seed=own_seed, where=where):
            yield masking.apply(_moved(frame, shard), seed=seed)
        return
    assert isinstance(drawer, DrawsPersons), "what takes persons apart was refused before"
    for frame, persons in drawer.iter_persons(shard.n, seed=own_seed, where=where):
        # Nobody knows how many persons came before; as many as rows is the most.
        yield masking.apply(_moved(frame, shard), seed=seed, persons=persons + shard.start)


def _moved(frame: pd.DataFrame, shard: Shard) -> pd.DataFrame:
    return frame.set_axis(frame.index + shard.start)
