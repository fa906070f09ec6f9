"""Notes on columns of which pooling would leave little: nearly all their levels are rare."""

from __future__ import annotations

import pandas as pd

from tabveil.data.schema import Schema

MOSTLY_RARE = 0.25
"""Share of a column's cells without a name of their own from which on it is noted."""


def mostly_rare(
    pool: pd.DataFrame, reference: pd.DataFrame, schema: Schema, *, min_count: int = 5
) -> list[str]:
    """A note on each column that loses much of itself as levels of few rows are not named.

    Args:
        pool: shape (n_pool, n_columns), all rows that a model may be trained on.
        reference: shape (n_reference, n_columns); levels are named by these rows, too.
        schema: of both.
        min_count: as in `pooling`; the default until a configuration is known.
    """
    notes = []
    n = len(pool) + len(reference)
    for name in schema.of_kind("categorical") if n >= min_count else ():
        counts = pd.concat([pool[name], reference[name]]).value_counts()
        rare = counts[counts < min_count]
        share = rare.sum() / max(1, counts.sum())
        if share >= MOSTLY_RARE:
            notes.append(
                f"{name}: {len(rare)} of {len(counts)} levels, {share:.0%} of the cells, are held "
                f"by fewer than {min_count} of {n} rows each (training pool and reference) and "
                f"will not be named in drawn rows; coarser codes (a region, the first digits) or "
                f"a lower pooling.min_count keep more of it"
            )
    return notes
