"""How are many rows drawn at bounded memory, the same rows for the same seed?

Every synthesizer draws in chunks of fixed sizes, chunk `i` from the child seed
`(seed, "chunk", i)`. So the first rows of a long sample are the rows of a short one, and no chunk
waits for another.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from tabveil.errors import DataError
from tabveil.seeding import child_rng

CHUNK_ROWS = 10_000
"""Rows drawn at once: large enough for fast array work, small enough for caches."""


def draw_chunks(
    draw: Callable[[int, np.random.Generator], pd.DataFrame],
    seed: int,
    *,
    first: int = CHUNK_ROWS,
) -> Iterator[pd.DataFrame]:
    """Yield chunk after chunk of `draw(n_rows, rng)`, without end; `first` rows in the first."""
    for i in itertools.count():
        yield draw(CHUNK_ROWS if i else first, child_rng(seed, "chunk", i))


def take(chunks: Iterator[pd.DataFrame], n: int) -> Iterator[pd.DataFrame]:
    """Yield the first `n` rows of `chunks` in frames of at most CHUNK_ROWS, indexed from 0 on.

    At least one frame is yielded, so that `n = 0` gives the columns and dtypes.

    Raises DataError when `n` is negative.
    """
    if n < 0:
        raise DataError(f"n={n}: the number of rows cannot be negative")
    waiting: list[pd.DataFrame] = []
    n_given = n_waiting = 0
    while True:
        chunk = next(chunks)
        waiting.append(chunk)
        n_waiting += len(chunk)
        size = min(CHUNK_ROWS, n - n_given)
        if n_waiting < size:
            continue
        joined = concat(waiting)
        frame, left = joined, joined.iloc[size:]
        if n_waiting > size:
            frame = joined.iloc[:size].copy()
        frame.index = pd.RangeIndex(n_given, n_given + size)
        yield frame
        n_given += size
        if n_given == n:
            return
        waiting, n_waiting = [left], n_waiting - size


def concat(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Join frames of equal columns and dtypes, indexed from 0."""
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
