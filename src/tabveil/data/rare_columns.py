"""Notes on columns of which pooling would leave little: nearly all their levels are rare."""

from __future__ import annotations

import pandas as pd

from tabveil.data.schema import Schema

MOSTLY_RARE = 0.25
"""Share of a column's cells without a name of their own from which on it is noted."""


def mostly_rare(pool: pd.DataFrame, schema: Schema, *, min_count: int = 5) -> list[str]:
    """A note on each column that loses much of itself as levels of few rows are not named.

    Args:
        pool: shape (n_pool, n_columns), all rows that a model may be trained on.
        schema: of `pool`.
        min_count: as in `pooling`; the default until a configuration is known.
    """
    notes = []
    for name in schema.of_kind("categorical") if len(pool) >= min_count else ():
        counts = pool[name].value_counts()
        rare = counts[counts < min_count]
        share = rare.sum() / max(1, counts.sum())
        if share >= MOSTLY_RARE:
            notes.append(
                f"{name}: {len(rare)} of {len(counts)} levels, {share:.0%} of the cells, are held "
                f"by fewer than {min_count} of {len(pool)} training rows each and will not be "
                f"named in drawn rows; coarser codes (a region, the first digits) or a lower "
                f"pooling.min_count keep more of it"
            )
    return notes
