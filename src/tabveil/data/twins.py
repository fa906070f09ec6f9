"""Which rows must stay on one side of a split?

The rows of one person (`schema.group`), and identical rows: with a twin on the other side, an
attack "finds" a member that the model never gave away. Both are links between rows; a unit is
what hangs together by them, and a split deals out whole units. Common rows are tied to nobody:
what so many share is nobody's secret, and each side needs its part of them to look like the table
(docs/decisions/024).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Codes = NDArray[np.intp]

COMMON = 20
"""Identical rows from which on they are dealt out one by one. Each split of the default shares gets
three or more of them; an attacker who finds such a row in a table learns of nobody."""


@dataclass(frozen=True)
class Units:
    """Rows tied together.

    Attributes:
        unit: shape (n,), 0 … n_units - 1; rows with the same number stay together.
        unlinked: shape (n,), True where a row is not tied to its twins.
    """

    unit: Codes
    unlinked: NDArray[np.bool_]


def twin_codes(hashes: NDArray[np.uint64]) -> Codes:
    """Number the different rows, shape (n,): identical rows (equal hash) share a number."""
    return pd.factorize(hashes)[0]


def group_codes(groups: pd.Series[Any] | None, n: int) -> Codes:
    """Number the groups, shape (n,). Without groups, or where it is missing, a row is its own."""
    if groups is None:
        return np.arange(n)
    codes = pd.factorize(groups)[0]
    alone = codes < 0
    codes[alone] = codes.max(initial=-1) + 1 + np.arange(alone.sum())
    return codes


def link(
    group: Codes,
    twin: Codes | None,
    *,
    most_rows: float,
    fewest_units: int,
    common: NDArray[np.bool_] | None = None,
) -> Units:
    """Tie groups and, as far as a split allows, twins together.

    Args:
        group: shape (n,), rows with one number are never parted.
        twin: shape (n,), rows with one number are identical; None: ties nothing.
        most_rows: twin links that chain more rows into one unit are given up.
        fewest_units: where twin links leave fewer units, all of them are given up.
        common: shape (n,), rows that are tied to no twin.
    """
    nowhere = np.zeros(len(group), dtype=bool)
    if twin is None:
        return Units(_number(group), nowhere)
    loose = nowhere if common is None else common
    unit = _connected(group, np.where(loose, twin.max() + 1 + np.arange(len(twin)), twin))
    chained = np.bincount(unit)[unit] > most_rows
    unit = _number(np.where(chained, unit.max() + 1 + group, unit))
    if unit.max() + 1 < fewest_units:
        return Units(_number(group), ~nowhere)
    return Units(unit, chained | loose)


def straddling(side: NDArray[np.integer[Any]], twin: Codes) -> NDArray[np.bool_]:
    """Which rows, shape (n,), have a twin on another side."""
    low = np.full(twin.max() + 1, np.iinfo(np.int64).max)
    high = np.full(twin.max() + 1, -1)
    np.minimum.at(low, twin, side)
    np.maximum.at(high, twin, side)
    parted: NDArray[np.bool_] = (low != high)[twin]
    return parted


def _connected(group: Codes, twin: Codes) -> Codes:
    """Number the connected parts of the graph whose nodes are groups and different rows."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    group, twin = _number(group), _number(twin)
    n_groups = group.max() + 1
    n_nodes = n_groups + twin.max() + 1
    edges = coo_array((np.ones(len(group)), (group, n_groups + twin)), shape=(n_nodes, n_nodes))
    part: Codes = connected_components(edges, directed=False)[1][group]
    return _number(part)


def _number(codes: Codes) -> Codes:
    """Renumber codes without gaps, in order of first appearance."""
    return pd.factorize(codes)[0]
