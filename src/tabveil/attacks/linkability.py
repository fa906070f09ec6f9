"""Can two tables about the same people be joined with the help of the synthetic one?

The attacker holds some columns of people in one table and other columns of the same people in
another, both without names: a customer file and a health survey, say. For a person's row in the
first table they find the nearest synthetic rows by its columns, and for each row of the second
table by its columns. Two rows that share a nearest synthetic row are taken for the same person.

We ask of each target whether its own two parts find each other so. The same is asked about members
and about as many people the model never saw: what works for both is how well any such table
can be joined. The baseline is two draws of synthetic rows at random.

Equally near synthetic rows are chosen among at random, for each part by itself: a choice by
position would link parts that nothing but the order of the table connects.

Distances are those of `measure/distance.py`, but of numbers as such instead of their ranks, in
units of the reference's range between its 1 % and 99 % points: rows whose numbers were moved a
little stay near each other even where many people share a value, such as 0. (On a table of
training rows with 2 % noise, ranks found half as many links.)

Source: Giomi et al. 2023, A Unified Framework for Quantifying Privacy Risk in Synthetic Data,
arXiv:2211.10459. Different from the authors' package: missing equals missing, squared instead of
absolute differences, one extreme value does not set the scale, draws come from the seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tabveil.contracts import Direction, EvalInput, Score
from tabveil.data.schema import Schema
from tabveil.errors import CannotTell, ConfigError
from tabveil.measure.cells import numbers
from tabveil.measure.distance import Device, nearest
from tabveil.measure.encode import Encoded
from tabveil.measure.lineup import Lineup, Rows, lineup_of
from tabveil.measure.residual import residual_risk
from tabveil.seeding import child_rng

Columns = tuple[str, ...]

RANGE = (0.01, 0.99)
"""Quantiles of the reference that set the unit of a number."""


@dataclass(frozen=True)
class Linkability:
    """Joins two parts of people's rows through the synthetic rows nearest to each.

    Attributes:
        k: nearest synthetic rows looked at for each part.
        n_attacks: at most so many members, and as many others, are attacked.
        columns: the two parts: "halves" of the columns, drawn from the seed;
            "quasi_identifiers" of the schema against all other columns; or two lists of names.
    """

    k: int = 1
    n_attacks: int = 2000
    columns: str | Sequence[Sequence[str]] = "halves"

    name: ClassVar[str] = "linkability"
    direction: ClassVar[Direction] = "minimize"
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    threat_model: ClassVar[str] = (
        "Someone who has two tables about the same people with different columns, neither with "
        "names, and joins them through the released table."
    )

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Link the parts of members, and of as many others.

        Returns:
            risk: residual risk in [-1, 1], 0 shows nothing; in the detail the share of members
            and of others whose parts were linked, that of the baseline, and the columns.

        Raises:
            CannotTell: fewer than two columns; or as `lineup_of`.
            ConfigError: the columns of a part are unknown, none, or in both.
        """
        lineup = lineup_of(data)
        rng = child_rng(data.seed, self.name)
        parts = self._parts(lineup, data.schema, rng)
        people, n = _targets(lineup, self.n_attacks, rng)
        targets, synthetic = (
            _by_value(rows, lineup.reference, data.schema) for rows in (people, lineup.synthetic)
        )
        k = min(self.k, len(synthetic))
        first, second = (
            _nearest_rows(
                targets.view(part), synthetic.view(part), k, device=data.limits.device, rng=rng
            )
            for part in parts
        )
        linked = (first[:, :, None] == second[:, None, :]).any(axis=(1, 2))
        by_chance = 1 - stats.hypergeom.pmf(0, len(synthetic), k, k)
        detail = {"baseline_rate": float(by_chance), "columns": [list(part) for part in parts]}
        members, others = int(linked[:n].sum()), int(linked[n:].sum())
        return [residual_risk("risk", members=members, others=others, n=n, detail=detail)]

    def _parts(
        self, lineup: Lineup, schema: Schema, rng: np.random.Generator
    ) -> tuple[Columns, Columns]:
        encoded = lineup.synthetic.encoded
        names = sorted({*encoded.numeric, *encoded.categorical})
        if len(names) < 2:
            raise CannotTell(
                f"cannot tell: linkability needs two columns to link, the table has {len(names)}"
            )
        if self.columns == "halves":
            mixed = [names[i] for i in rng.permutation(len(names))]
            return tuple(mixed[::2]), tuple(mixed[1::2])
        if self.columns == "quasi_identifiers":
            known = schema.quasi_identifiers
            ours, rest = (
                [x for x in names if (x in known) == is_ours] for is_ours in (True, False)
            )
            return _checked((tuple(ours), tuple(rest)), names)
        if isinstance(self.columns, str) or len(self.columns) != 2:
            raise ConfigError(
                f"attack.linkability.columns={self.columns!r}: give halves, quasi_identifiers or "
                f"two lists of columns"
            )
        one, two = self.columns
        return _checked((tuple(one), tuple(two)), names)


def _checked(parts: tuple[Columns, Columns], names: list[str]) -> tuple[Columns, Columns]:
    unknown = sorted({*parts[0], *parts[1]} - set(names))
    both = sorted(set(parts[0]) & set(parts[1]))
    for wrong, what in ((unknown, "are not columns of the table"), (both, "are in both parts")):
        if wrong:
            raise ConfigError(f"attack.linkability.columns: {wrong} {what}; it has {names}")
    if not all(parts):
        raise ConfigError(
            "attack.linkability.columns: a part has no column; for quasi_identifiers, the schema "
            "must name some (dataset.quasi_identifiers) and leave others"
        )
    return parts


def _targets(lineup: Lineup, most: int, rng: np.random.Generator) -> tuple[Rows, int]:
    """`n` members, then `n` others."""
    sides = [np.flatnonzero(lineup.is_member), np.flatnonzero(~lineup.is_member)]
    n = min(most, *map(len, sides))
    chosen = [rng.choice(side, n, replace=False) for side in sides]
    return lineup.targets.take(np.concatenate(chosen)), n


def _by_value(rows: Rows, reference: Rows, schema: Schema) -> Encoded:
    """The rows with numbers in units of the reference's range instead of ranks; ½ if missing."""
    ranks = np.full(rows.encoded.ranks.shape, 0.5)
    for j, name in enumerate(rows.encoded.numeric):
        values, known = (numbers(side.frame[name], schema[name]) for side in (rows, reference))
        known = known[~np.isnan(known)]
        if not len(known):
            known = np.zeros(1)
        low, high = np.quantile(known, RANGE)
        if low == high:
            low, high = known.min(), known.max()
        with np.errstate(over="ignore"):
            scaled = ((values - low) / ((high - low) or abs(high) or 1.0)).clip(-1e300, 1e300)
        # Beyond the range distances grow as a logarithm, so that no extreme value counts for all.
        beyond = np.log1p((scaled - 1).clip(0)) - np.log1p((-scaled).clip(0))
        ranks[:, j] = np.where(np.isnan(values), 0.5, scaled.clip(0, 1) + beyond)
    return replace(rows.encoded, ranks=ranks)


def _nearest_rows(
    queries: Encoded, table: Encoded, k: int, *, device: Device, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Positions of the `k` nearest rows of each query, shape (n, k); equal rows at random.

    Few columns make many equal rows: each is searched once, and for each query once.
    """
    distinct, first, alike, copies = np.unique(
        table.row_keys(), return_index=True, return_inverse=True, return_counts=True
    )
    asked, which = np.unique(queries.row_keys(), return_index=True, return_inverse=True)[1:]
    groups = nearest(
        queries.take(asked), table.take(first), k=min(k, len(distinct)), device=device
    ).index[which]
    members = np.lexsort((rng.random(len(alike)), alike))
    starts = np.cumsum(copies) - copies
    upto = copies[groups].cumsum(axis=1)
    begin = rng.integers(copies[groups])
    rows = np.empty((len(queries), k), dtype=np.intp)
    everyone = np.arange(len(queries))
    for i in range(k):
        slot = (upto > i).argmax(axis=1)
        group = groups[everyone, slot]
        within = i - upto[everyone, slot] + copies[group]
        turned = (begin[everyone, slot] + within) % copies[group]
        rows[:, i] = members[starts[group] + turned]
    return rows
