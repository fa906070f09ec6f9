"""Which levels go together in a table, more than chance would have it?

A combination is proposed when knowing the one column leaves at most a tenth of the doubt about
the other that there is without it: if 99.5 % of rows hold one value anyway, a rule that gives it
says nothing. A placement is proposed when two sets of rows are the same one, row by row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.levels import Level
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.relations import FixedCombination, level_codes
from tabveil.data.rules.thresholds import LASTING, LEAST_SHARE
from tabveil.data.rules.when import When, missing_in
from tabveil.data.schema import Kind, Schema

Codes = NDArray[np.int64]
_LEVELS: tuple[Kind, ...] = ("categorical", "boolean")
_DOUBT_LEFT = 0.1
"""Of the rows whose value one would get wrong by naming the commonest: see above."""
_MOST_LEVELS = 1000
"""Of a determining column; with more, most levels are rare, and rare levels are never stored."""
_SHARED = 5
"""Rows that must hold a level for it to show anything."""
_SEVERAL = 0.5
"""Rows that must hold such a level: levels of single rows determine every other column."""
_MOST_PLACED = 12
"""Levels looked at in each column, the commonest."""


def combinations(rows: pd.DataFrame, schema: Schema) -> Iterator[tuple[FixedCombination, str]]:
    """Propose that one column's levels determine another's, smaller tables of levels first."""
    codes = {name: level_codes(rows[name]) for name in schema.names}
    sizes = {name: int(code.max()) + 1 for name, code in codes.items()}
    given = [n for n in schema.of_kind(*_LEVELS) if 1 < sizes[n] <= _MOST_LEVELS]
    given = [name for name in given if _mostly_shared(codes[name])]
    found: dict[tuple[str, str], bool] = {}
    for a in given:
        for b in schema.names:
            if a != b and 1 < sizes[b] <= sizes[a]:
                found[a, b] = _determines(codes[a], codes[b])
    pairs = [pair for pair, holds in found.items() if holds]
    both = {frozenset(pair) for pair in pairs if _one_to_one(codes[pair[0]], codes[pair[1]])}
    # The target is not given by another column where that column may be given by the target.
    pairs.sort(key=lambda p: (frozenset(p) not in both, sizes[p[0]], p[1] == schema.target))
    for a, b in pairs:
        one = frozenset((a, b)) in both
        yield FixedCombination(a, b, one_to_one=one), f"{sizes[a]} levels go with {sizes[b]} values"


def placements(rows: pd.DataFrame, schema: Schema) -> Iterator[tuple[LevelWhen, str]]:
    """Propose that a level stands exactly where another column's level does.

    Of several sets of rows that are the same, the first column that is not missing there speaks
    for the others.
    """
    sets = list(_level_sets(rows, schema))
    if not sets:
        return
    matrix = np.array([members for _, _, members in sets], dtype=np.float32)
    n_both = matrix @ matrix.T
    n_each = n_both.diagonal()
    n_any = n_each[:, None] + n_each[None, :] - n_both
    order = sorted(range(len(sets)), key=lambda i: (sets[i][1] is None, i))
    spoken: set[int] = set()
    for share in (1.0, LEAST_SHARE):  # who agrees in every row speaks for each other first
        for i, j in _speakers(n_both >= share * n_any, order, spoken):
            (column, level, _), (other, placed, _) = sets[i], sets[j]
            if other != column:
                rule = LevelWhen(other, placed, When(column, (level,)))
                yield rule, f"{int(n_both[i, j])} of {len(rows)} rows hold both"


def _speakers(
    same: NDArray[np.bool_], order: list[int], spoken: set[int]
) -> Iterator[tuple[int, int]]:
    """Pairs of a set and one that it speaks for, which is added to `spoken`."""
    for i in order:
        if i not in spoken:
            for j in np.flatnonzero(same[i]).tolist():
                if j != i and j not in spoken:
                    spoken.add(j)
                    yield i, j


def lasts(rule: FixedCombination, table: pd.DataFrame) -> bool:
    """Whether most rows hold levels that a part of the table will still show, to be looked up."""
    return _mostly_shared(level_codes(table[rule.determining]), LASTING)


def _mostly_shared(codes: Codes, least: int = _SHARED) -> bool:
    counts = np.bincount(codes)
    return bool(counts[counts >= least].sum() >= _SEVERAL * len(codes))


def _determines(a: Codes, b: Codes) -> bool:
    """Whether the levels `a`, those that several rows hold, tell nearly all of `b`."""
    shared = np.bincount(a)[a] >= _SHARED
    a, b = a[shared], b[shared]
    base = int(b.max()) + 1
    pairs, counts = _pairs(a, b, base)
    firsts = np.unique(pairs // base, return_index=True)[1]
    n_right = int(np.maximum.reduceat(counts, firsts).sum())
    n_without = int(np.bincount(b).max())
    n_wrong, n_doubted = len(b) - n_right, len(b) - n_without
    return (
        n_wrong <= (1 - LEAST_SHARE) * len(b)
        and n_doubted > 0
        and n_wrong <= _DOUBT_LEFT * n_doubted
    )


def _pairs(a: Codes, b: Codes, base: int) -> tuple[Codes, Codes]:
    """The pairs of codes that occur, `a * base + b`, in order, and their counts."""
    if (int(a.max()) + 1) * base <= 100_000:  # counting beats sorting
        counts = np.bincount(a * base + b)
        pairs = np.flatnonzero(counts)
        return pairs, counts[pairs]
    distinct, n = np.unique(a * base + b, return_counts=True)
    return distinct, n


def _one_to_one(a: Codes, b: Codes) -> bool:
    return _determines(a, b) and _determines(b, a)


def _level_sets(
    rows: pd.DataFrame, schema: Schema
) -> Iterator[tuple[str, Level, NDArray[np.bool_]]]:
    """Yield column, level, and the rows that hold it, for levels that neither few nor most hold."""
    least = max(LASTING, len(rows) // 200)
    for column in schema.columns:
        values = rows[column.name]
        missing = missing_in(values)
        if least <= missing.sum() <= len(rows) - least:
            yield column.name, None, missing
        if column.kind == "datetime":
            continue
        counts = values.value_counts()
        common = counts[(counts >= least) & (counts <= len(rows) - least)].iloc[:_MOST_PLACED]
        if column.kind == "numeric":
            common = common[common.index == 0].iloc[:1]  # 0 says "none"; others are just numbers
        for level in common.index:
            yield column.name, _plain(level), (values == level).fillna(False).to_numpy(dtype=bool)


def _plain(level: Any) -> Level:
    native: Level = level.item() if isinstance(level, np.generic) else level
    return native
