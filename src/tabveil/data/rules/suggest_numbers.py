"""Which numbers and dates are computed from others, or never lie above them?

An order is proposed when it is no matter of scale: with the rows of one column shuffled, it must
break in at least one row of twenty, and twenty times as often as it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, islice
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.numbers import to_floats
from tabveil.data.rules.relations import Derived, Inequality, Operation
from tabveil.data.rules.thresholds import FEW_ROWS, LEAST_SHARE
from tabveil.data.schema import Schema
from tabveil.seeding import child_rng

Floats = NDArray[np.float64]
_BROKEN_BY_CHANCE = 0.05
"""On real tables .02 still proposes orders between columns of different meaning."""
_TIMES = 20.0
"""Chance breaks it so many times as often: an order that hardly matters is no rule."""
_SCREENED = 16
"""Rows in which every computation is tried, of those with the fewest gaps and zeros."""
_FIRST = 4
"""Rows in which all computations are tried at once; most end there."""
_MOST_COMPUTED = 500
"""Candidates tried in all rows."""
_INFORMATIVE = 0.02
"""Rows in which no number is zero: 0 = 0 + 0 shows nothing."""
_TRIED: tuple[tuple[Operation, bool], ...] = (
    ("sum", False),
    ("difference", True),
    ("product", False),
    ("ratio", True),
)
"""Operations that are tried, and whether the order of the two terms counts."""


def orders(rows: pd.DataFrame, schema: Schema) -> Iterator[tuple[Inequality, str]]:
    """Propose orders between two numbers, or two dates; one that follows from two is left out."""
    for names, values in (_numbers(rows, schema), _dates(rows, schema)):
        if len(names) < 2:
            continue
        broken = _broken(values, values)
        chance = np.zeros(broken.shape)
        for i, j in np.argwhere((broken <= 1 - LEAST_SHARE) & ~np.eye(len(names), dtype=bool)):
            chance[i, j] = _broken_by_chance(values[:, i], values[:, j])
        told = (chance >= _BROKEN_BY_CHANCE) & (_TIMES * broken <= chance)
        told &= ~np.tril(told.T)  # of two columns that are the same, one order of the two
        for i, j in _direct(told):
            why = f"broken in {100 * chance[i, j]:.0f} % of rows if one column is shuffled"
            yield Inequality(names[i], names[j]), why


def date_orders(table: pd.DataFrame, schema: Schema) -> tuple[Inequality, ...]:
    """The orders between dates that hold in every row, to be kept without being declared.

    Shown by at least 20 rows that hold both dates. One that follows from two others is left out.
    """
    modelled = schema.modelled()
    names, values = _dates(modelled.restore(table), modelled)
    if len(names) < 2:
        return ()
    present = (~np.isnan(values)).astype(np.float32)
    always = np.logical_and(_broken(values, values) == 0, present.T @ present >= FEW_ROWS)
    # Of two dates that are always equal: one order of the two, and of one date none.
    always = np.logical_and(always, ~np.tril(always & always.T))
    return tuple(Inequality(names[i], names[j]) for i, j in _direct(always))


def computations(rows: pd.DataFrame, schema: Schema) -> Iterator[tuple[Derived, str]]:
    """Propose that a number is a copy, a sum, a difference, a product or a ratio of others."""
    names, values = _numbers(rows, schema)
    varied = [j for j in range(len(names)) if np.nanmin(values[:, j]) < np.nanmax(values[:, j])]
    names, values = [names[j] for j in varied], values[:, varied]
    if len(names) < 2:
        return
    units = np.array([_unit(schema[name].decimals) for name in names])
    n_told = (~np.isnan(values) & (values != 0)).sum(axis=1)
    rich = np.flatnonzero(n_told >= np.quantile(n_told, 0.75))
    rng = child_rng(0, "suggest", "computations")
    few = values[rng.permutation(rich)[:_SCREENED]]
    for rule in _screened(names, few, units):
        column, terms = names.index(rule.column), [names.index(term) for term in rule.of]
        told = (values[:, [column, *terms]] != 0).all(axis=1) & ~np.isnan(values[:, column])
        bound = Derived(rule.column, rule.operation, rule.of, schema[rule.column].decimals)
        if told.mean() >= _INFORMATIVE and bound.holds(rows[told]).mean() >= LEAST_SHARE:
            yield bound, f"computed to the last decimal in {int(told.sum())} rows without zeros"


def _screened(names: list[str], few: Floats, units: Floats) -> Iterator[Derived]:
    """Computations that hold in every one of a few rows."""
    for i, j in combinations(range(len(names)), 2):
        if _agree(few[:, i], few[:, j], units[i]):
            yield Derived(names[j], "sum", (names[i],))
    found = (
        Derived(names[k], operation, (names[i], names[j]))
        for operation, ordered in _TRIED
        for i in range(len(names))
        for j, k in _results(few, units, operation, i)
        if ordered or i < j
    )
    yield from islice(found, _MOST_COMPUTED)


def _results(few: Floats, units: Floats, operation: Operation, i: int) -> list[list[int]]:
    """The pairs j, k of columns where k holds what i and j give."""
    a = few[:, [i]]
    with np.errstate(over="ignore"):  # what no float can hold no column holds
        if operation == "ratio":
            computed = np.divide(a, few, out=np.full(few.shape, np.nan), where=few != 0)
        elif operation == "product":
            computed = a * few
        else:
            computed = a + few if operation == "sum" else a - few
    computed[np.isinf(computed)] = np.nan
    likely = np.argwhere(_agree(few[:_FIRST, None, :], computed[:_FIRST, :, None], units, 0))
    others = (likely[:, 0] != i) & (likely[:, 1] != i) & (likely[:, 0] != likely[:, 1])
    j, k = likely[others].T
    found = _agree(few[:, k], computed[:, j], units[k])
    pairs: list[list[int]] = likely[others][found].tolist()
    return pairs


def _agree(few: Floats, computed: Floats, units: Any, least: float = 0.5) -> Any:
    """Whether columns hold what was computed, where both are there: `least` of the rows."""
    apart = np.abs(few - computed)
    close = apart <= units + 1e-9 * np.abs(computed)
    return (close.sum(axis=0) >= least * len(few)) & np.all(close | np.isnan(apart), axis=0)


def _unit(decimals: int | None) -> float:
    return 0.0 if decimals is None else 0.5 * 10.0**-decimals * (1 + 1e-6)


def _broken(low: Floats, high: Floats) -> Floats:
    """Share of rows in which column i of `low` lies above column j of `high`, shape (k, k).

    Of the rows that hold both; 1 where fewer than 20 do.
    """
    n_columns = low.shape[1]
    broken = np.ones((n_columns, n_columns))
    with np.errstate(invalid="ignore"):
        for i in range(n_columns):
            one = low[:, i : i + 1]
            n_both = (~np.isnan(one) & ~np.isnan(high)).sum(axis=0)
            share = (one > high).sum(axis=0) / np.maximum(n_both, 1)
            broken[i] = np.where(n_both >= FEW_ROWS, share, 1.0)
    return broken


def _broken_by_chance(low: Floats, high: Floats) -> float:
    """Share of rows that would break the order if the columns knew nothing of each other."""
    both = np.flatnonzero(~np.isnan(low) & ~np.isnan(high))
    shuffled = child_rng(0, "suggest", "orders").permutation(both)
    return float(np.mean(low[both] > high[shuffled]))


def _direct(holds: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The pairs of an order that do not follow from two others."""
    holds = holds.copy()
    np.fill_diagonal(holds, val=False)
    steps = holds.astype(np.float32)
    return [(int(i), int(j)) for i, j in np.argwhere(holds & (steps @ steps == 0))]


def _numbers(rows: pd.DataFrame, schema: Schema) -> tuple[list[str], Floats]:
    names = [name for name in schema.of_kind("numeric") if rows[name].notna().any()]
    columns = [to_floats(rows[name], schema[name]) for name in names]
    return names, np.array(columns).T.reshape(len(rows), len(names))


def _dates(rows: pd.DataFrame, schema: Schema) -> tuple[list[str], Floats]:
    """Dates as microseconds; of columns with and without a time zone, the more numerous."""
    zoned: dict[bool, list[str]] = {True: [], False: []}
    for name in schema.of_kind("datetime"):
        if rows[name].notna().any():
            zoned[getattr(rows[name].dtype, "tz", None) is not None].append(name)
    names = max(zoned.values(), key=len)
    columns = []
    for name in names:
        dates = (
            rows[name].dt.tz_convert("UTC").dt.tz_localize(None)
            if names is zoned[True]
            else rows[name]
        )
        micros = dates.to_numpy().astype("datetime64[us]")
        columns.append(np.where(np.isnat(micros), np.nan, micros.astype(np.int64).astype(float)))
    return names, np.array(columns).T.reshape(len(rows), len(names))
