"""How is somebody's secret guessed, when is it right, and what does it tell of members?

A level is right when it is the level, missing when it is missing. A number or a date need not be
hit exactly: it is right when it is as near as matters in that column,

    |guess - secret| <= tolerance * max(spread, |secret - middle|)

with the median of `reference` as the middle and its interquartile range as the spread. Measured
from the middle, so that the rule is the same in any unit and from any zero: five per cent of a
year such as 2015 would be a century. A secret far from all others, such as a great fortune, is
guessed well enough when its size is; it is the secret's size that counts, never the guess's,
and never its sign.

Where one value fills more than half of a column (no capital gains), the interquartile range is
often 0. The spread then is the median distance from that value to the others: next to a typical
gain, a twentieth of it is as good as none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tabveil.data.schema import Column
from tabveil.measure.cells import numbers
from tabveil.measure.features import from_encoded, predict
from tabveil.measure.intervals import Z95, Estimate, difference_of_proportions
from tabveil.measure.lineup import Rows

_ROUNDING = 1e-6
"""Spread of a constant column, as a share of its value: room for rounding only."""
_MAX_CLASSES = 20
"""Levels that trees learn to guess, the most common ones: each costs trees of its own."""

_FEWEST_DIFFER = 3
"""Guesses by which two attackers who agree on everyone may still differ (the rule of three)."""

Mask = NDArray[np.bool_]
Values = NDArray[np.float64] | NDArray[np.int64]
"""Numbers with NaN for missing, or the codes of levels, where missing has a code."""


@dataclass(frozen=True)
class Secret:
    """A column that nobody should be able to guess, and how near is near enough.

    Attributes:
        column: the column.
        tolerance: as a share of `spread` or of the secret's distance to `middle`.
        middle, spread: of the column in `reference`; unused for levels.
    """

    column: Column
    tolerance: float
    middle: float = 0.0
    spread: float = 0.0

    @classmethod
    def fit(cls, reference: Rows, column: Column, *, tolerance: float) -> Self:
        """Learn the column's middle and spread from `reference`."""
        if column.kind not in ("numeric", "datetime"):
            return cls(column, tolerance)
        values = numbers(reference.frame[column.name], column)
        return cls(column, tolerance, *_middle_and_spread(values[~np.isnan(values)]))

    @property
    def is_number(self) -> bool:
        """Whether the secret is a number or a date, and not a level."""
        return self.column.kind in ("numeric", "datetime")

    def values(self, rows: Rows) -> Values:
        """What the column holds, shape (n,)."""
        if self.is_number:
            return numbers(rows.frame[self.column.name], self.column)
        codes: NDArray[np.int64] = rows.encoded.codes
        return codes[:, rows.encoded.categorical.index(self.column.name)]

    def right(self, guesses: Values, secrets: Values) -> NDArray[np.bool_]:
        """Whether each guess is right; all of shape (n,)."""
        if not self.is_number:
            return np.asarray(guesses == secrets)
        near = self.tolerance * np.maximum(self.spread, np.abs(secrets - self.middle))
        both_missing = np.isnan(guesses) & np.isnan(secrets)
        return np.asarray(both_missing | (np.abs(guesses - secrets) <= near))

    def guess(self, table: Rows, known: Sequence[str], persons: Rows, *, n_trees: int) -> Values:
        """What boosted trees that learnt from `table` guess of the secrets of `persons`.

        Args:
            table: the rows to learn from, at least one.
            known: the columns to guess from.
            persons: rows whose other columns are known.
            n_trees: trees in all; several levels share them.

        Returns:
            Shape (n_persons,). Numbers are guessed by their rank, which heavy tails cannot pull
            away, and are always one of the table's own values.
        """
        coded = from_encoded([rows.encoded.view(known) for rows in (table, persons)])
        learnt, asked = coded.matrices
        learner = _Trees(learnt, asked, coded.categorical, n_trees)
        values = self.values(table)
        if not self.is_number:
            return learner.level(values.astype(np.int64))
        ranks = table.encoded.ranks[:, table.encoded.numeric.index(self.column.name)]
        return learner.number(values.astype(np.float64), ranks)


def _middle_and_spread(values: NDArray[np.float64]) -> tuple[float, float]:
    if not len(values):
        return 0.0, _ROUNDING
    low, middle, high = (float(q) for q in np.quantile(values, [0.25, 0.5, 0.75]))
    if high > low:
        return middle, high - low
    away: NDArray[Any] = np.abs(values[values != middle] - middle)
    if len(away):
        return middle, float(np.median(away))
    return middle, _ROUNDING * (abs(middle) or 1.0)


def _most_common(codes: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """The most common codes, ascending."""
    found, counts = np.unique(codes, return_counts=True)
    return np.sort(found[np.argsort(-counts, kind="stable")[:most]])


@dataclass(frozen=True)
class _Trees:
    """Rows to learn from and rows to answer for, in one coding."""

    table: NDArray[np.float64]
    persons: NDArray[np.float64]
    is_code: NDArray[np.bool_]
    n_trees: int

    def level(self, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """The likeliest level for each person, among the most common ones."""
        levels = _most_common(codes, _MAX_CLASSES)
        if len(levels) == 1:
            return np.full(len(self.persons), levels[0])
        learnt = np.isin(codes, levels)
        answers = np.searchsorted(levels, codes[learnt]).astype(np.int64)
        rounds = self.n_trees if len(levels) == 2 else max(1, self.n_trees // len(levels))
        likeliest: NDArray[np.int64] = levels[self._predict(learnt, answers, rounds).argmax(axis=1)]
        return likeliest

    def number(
        self, values: NDArray[np.float64], ranks: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The value whose rank is nearest the expected one; NaN where that is likelier."""
        present = ~np.isnan(values)
        if not present.any():
            return np.full(len(self.persons), np.nan)
        known, first = np.unique(ranks[present], return_index=True)
        guesses = np.full(len(self.persons), values[present][first[0]])
        if len(known) > 1:
            expected = self._predict(present, ranks[present], self.n_trees)
            guesses = values[present][first][_nearest_to(expected, known)]
        if not present.all():
            gaps = self._predict(np.ones_like(present), (~present).astype(np.int64), self.n_trees)
            guesses = np.where(gaps[:, 1] > 0.5, np.nan, guesses)
        return guesses

    def _predict(
        self, learnt: NDArray[np.bool_], answers: NDArray[Any], rounds: int
    ) -> NDArray[np.float64]:
        return predict(
            self.table[learnt], answers, self.persons, categorical=self.is_code, n_trees=rounds
        )


def _nearest_to(numbers: NDArray[np.float64], ascending: NDArray[np.float64]) -> NDArray[np.intp]:
    """Position of the entry of `ascending` (two or more) nearest to each number."""
    above = np.searchsorted(ascending, numbers).clip(1, len(ascending) - 1)
    nearer_below = numbers - ascending[above - 1] <= ascending[above] - numbers
    at: NDArray[np.intp] = above - nearer_below
    return at


def adjusted_difference(*, right: Mask, expected: Mask, is_member: Mask) -> Estimate:
    """Share of members with `right` less that of others, adjusted for `expected`.

    `expected` is something about the same people that cannot depend on who is a member. What it
    differs by between the sides is chance, and so is the part of `right` that follows it: both
    are taken off. The interval is Newcombe's, narrowed by what `expected` explains; never by
    everything, since few guesses in which the two differ would be luck.

    Args:
        right: shape (n,).
        expected: shape (n,).
        is_member: shape (n,), some of either.
    """
    plain = difference(right, is_member)
    sides = (is_member, ~is_member)
    apart = [np.zeros(len(right)) for _ in range(2)]
    for side in sides:
        for values, centred in zip((right, expected), apart, strict=True):
            centred[side] = values[side] - values[side].mean()
    total, covered = float(apart[0] @ apart[0]), float(apart[1] @ apart[1])
    if total == 0 or covered == 0:
        return plain
    slope = float(apart[0] @ apart[1]) / covered
    left = apart[0] - slope * apart[1]
    narrower = min(1.0, float(np.sqrt((left @ left + _FEWEST_DIFFER) / total)))
    luck = slope * (expected[is_member].mean() - expected[~is_member].mean())
    value = float(np.clip(plain.value - luck, -1, 1))
    below, above = narrower * (plain.value - plain.low), narrower * (plain.high - plain.value)
    return Estimate(
        value, low=max(-1.0, value - below), high=min(1.0, value + above), se=below / Z95
    )


def difference(right: Mask, is_member: Mask) -> Estimate:
    """Share of members with `right` less that of others, both shape (n,)."""
    return difference_of_proportions(
        members=int(right[is_member].sum()),
        n_members=int(is_member.sum()),
        others=int(right[~is_member].sum()),
        n_others=int((~is_member).sum()),
    )
