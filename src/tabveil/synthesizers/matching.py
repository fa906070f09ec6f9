"""Which drawn rows make up a person?

All rows that say that their person has `k` rows are divided into groups of `k`: the row that lies
farthest out is taken with those nearest to it, again and again, so that those that are hard to
match have the choice (MDAV: Domingo-Ferrer and Mateo-Sanz 2002, doi:10.1109/69.979982). Near means:
equal in the columns of the person, and as alike in the other columns as real persons' rows are.
Those get noise before they are compared, so much that rows which then lie together are as alike as
they should be: of numbers with a share `s` of their variance between persons, noise of variance
(1 - s) / s leaves that correlation among rows that agree; levels are compared in √s of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from tabveil.data.persons import PersonRule
from tabveil.data.within_persons import Codes, Floats, as_codes, as_floats

_LEVEL = 4.0
"""Squared distance of two levels of a person's column: as much as two standard deviations."""
_ALIKE = 0.95
"""Likeness beyond which columns count no more: what is stored is rounded to a twentieth."""
_NEARBY = 16
"""Rows looked at, for each that is wanted, before all are, to find some of different order."""


@dataclass(frozen=True)
class Places:
    """Where rows lie.

    Attributes:
        numbers: shape (n, n_numbers).
        codes: shape (n, n_levels); equal or not.
        weights: squared distance of different codes, shape (n_levels,).
        order: numbers of the values that should differ within a person, shape (n,); None: none.
    """

    numbers: NDArray[np.float32]
    codes: NDArray[np.int32]
    weights: NDArray[np.float32]
    order: Codes | None

    @classmethod
    def of(cls, rows: pd.DataFrame, rule: PersonRule, rng: np.random.Generator) -> Places:
        """Place rows, shape (n, n_columns), by the columns of the person and by likeness."""
        numeric = rule.schema.of_kind("numeric", "datetime")
        numbers: list[Floats] = []
        codes: list[Codes] = []
        weights: list[float] = []
        for name, likeness in (*((n, 1.0) for n in rule.constant), *rule.likeness):
            if name not in numeric:
                levels = as_codes(rows[name])
                codes.append(_blurred(levels, likeness, rng))
                weights.append(_LEVEL * likeness)
                continue
            values = as_floats(rows[name])
            missing = np.isnan(values)
            scores = _normal_scores(values, missing)
            scores = scores + rng.normal(0, np.sqrt(1 / likeness - 1), len(scores))
            scores = scores * np.sqrt(likeness)  # a unit of variance again
            weight = 1.0 if name in rule.constant else _weight(likeness)
            numbers.append(np.where(missing, 0.0, weight * scores))
            if missing.any():
                codes.append(missing.astype(np.intp))
                weights.append(_LEVEL * likeness)
        order = as_codes(rows[rule.order]) if rule.order and rule.distinct else None
        n = len(rows)
        return cls(
            np.array(numbers, dtype=np.float32).reshape(-1, n).T.copy(),
            np.array(codes, dtype=np.int32).reshape(-1, n).T.copy(),
            np.array(weights, dtype=np.float32),
            order,
        )

    def take(self, rows: Codes) -> Places:
        """The places of some rows."""
        order = None if self.order is None else self.order[rows]
        return Places(self.numbers[rows], self.codes[rows], self.weights, order)

    def outlying(self) -> Floats:
        """How far out each row lies, in squared distances, shape (n,)."""
        far = ((self.numbers - self.numbers.mean(axis=0)) ** 2).sum(axis=1).astype(np.float64)
        for j, weight in enumerate(self.weights):
            far += weight * (1 - np.bincount(self.codes[:, j])[self.codes[:, j]] / len(far))
        return np.asarray(far, dtype=np.float64)

    def distances(self, one: int, rows: Codes) -> NDArray[np.float32]:
        """Squared distances of rows to one of them."""
        apart = ((self.numbers[rows] - self.numbers[one]) ** 2).sum(axis=1)
        differs = self.codes[rows] != self.codes[one]
        return np.asarray(apart + differs @ self.weights, dtype=np.float32)


def gather(places: Places, sizes: Sequence[int]) -> list[Codes]:
    """Divide rows into groups of these sizes, which together are as many; positions of each."""
    if max(sizes, default=1) == 1:
        return [np.array([i]) for i in range(len(places.numbers))]
    left = np.argsort(-places.outlying(), kind="stable")
    groups = []
    for size in sizes:
        lead, others = int(left[0]), left[1:]
        near = _nearest(places, lead, others, size - 1)
        groups.append(np.array([lead, *others[near]]))
        left = np.delete(others, near)
    return groups


def _nearest(places: Places, lead: int, others: Codes, wanted: int) -> Codes:
    """Positions in `others` of the nearest rows: of different order, while there are such."""
    if wanted >= len(others):
        return np.arange(len(others))
    if not wanted:
        return np.arange(0)
    apart = places.distances(lead, others)
    if places.order is None:
        return np.argpartition(apart, wanted - 1)[:wanted]
    looked_at = min(_NEARBY * wanted, len(others))
    close = np.argpartition(apart, looked_at - 1)[:looked_at]
    found = _different(places.order, lead, others, close[np.argsort(apart[close])], wanted)
    if len(found) < wanted and looked_at < len(others):
        found = _different(places.order, lead, others, np.argsort(apart), wanted)
    if len(found) < wanted:  # no more of different order: the nearest of the rest
        rest = np.setdiff1d(np.argsort(apart), found, assume_unique=True)
        found = np.concatenate([found, rest[: wanted - len(found)]])
    return found


def _different(order: Codes, lead: int, others: Codes, nearest: Codes, wanted: int) -> Codes:
    """The first of `nearest` of each value, without the lead's."""
    values = order[others[nearest]]
    first = np.sort(np.unique(values, return_index=True)[1])
    first = first[values[first] != order[lead]]
    return np.asarray(nearest[first[:wanted]], dtype=np.intp)


def _normal_scores(values: Floats, missing: NDArray[np.bool_]) -> Floats:
    """Ranks as quantiles of the normal distribution; 0 where missing."""
    scores = np.zeros(len(values))
    present = pd.Series(values[~missing]).rank().to_numpy()
    scores[~missing] = ndtri((present - 0.5) / max(len(present), 1))
    return scores


def _weight(likeness: float) -> float:
    """Of a column that is not overwritten: the more, the less a person's rows differ in it."""
    return float(likeness / np.sqrt(1 - min(likeness, _ALIKE)))


def _blurred(levels: Codes, likeness: float, rng: np.random.Generator) -> Codes:
    """Levels, replaced by any row's level where they shall not be compared."""
    if likeness == 1 or not len(levels):
        return levels
    kept = rng.random(len(levels)) < np.sqrt(likeness)
    return np.where(kept, levels, rng.choice(levels, len(levels)))
