"""Does the synthetic table hold a training row's rare combinations more often than people do?

The attacker holds the synthetic table and a `reference` table of other people from the same
population. They look at a person's row two columns at a time: a cell is a pair of values, numbers
and dates in 20 classes of equal frequency, and for each cell they compare how often either table
holds it,

    L(cell) = log((n_cell in synthetic + ½) / (n_synthetic + 1))
              - log((n_cell in reference + ½) / (n_reference + 1))

and add up over the pairs. A model that never comes near a training row as a whole may still have
picked up that somebody combines these two values. That shows where few others do, so the headline
is the sum over the cells that fewer than 20 people of the reference share; cells of ordinary
people only add noise to it. Two whole columns are the smallest thing that can be peculiar to one
person in a table of thousands, and the largest whose frequency two tables can tell.

References:
    Houssiau et al. 2022, TAPAS (arXiv:2211.06550): attacks that count what a table holds of a
    record's values. Meeus et al. 2023 (arXiv:2306.10308): whoever is unlike the others is the
    most exposed. The calibration with a reference is that of van Breugel et al. 2023, DOMIAS
    (arXiv:2302.12580): local overfitting is what the population does not explain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tabveil.contracts import Direction, EvalInput, Score
from tabveil.measure.encode import Encoded
from tabveil.measure.lineup import Lineup, lineup_of
from tabveil.measure.verdict import judge
from tabveil.seeding import child_rng

_MAX_TABLE = 2**18
"""Possible cells of a pair that are counted in an array; of more only those seen are kept."""

Values = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Tuples:
    """Membership inference by the frequencies of pairs of values.

    Attributes:
        n_bins: classes of a numeric or datetime column, of equal frequency in the reference.
        rare_below: a cell is rare if fewer reference rows hold it.
        max_pairs: at most so many pairs of columns, drawn by seed.
    """

    n_bins: int = 20
    rare_below: int = 20
    max_pairs: int = 300

    name: ClassVar[str] = "tuples"
    direction: ClassVar[Direction] = "minimize"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    threat_model: ClassVar[str] = (
        "Someone who has the released table and a sample of the same population, and asks of a "
        "person whose row they know: are this person's rare combinations too common here?"
    )

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Attack with `rare`; scores as in `measure.verdict`. Raises CannotTell as a lineup."""
        return judge(lineup_of(data), self.signals(data)["rare"], name=self.name)

    def signals(self, data: EvalInput) -> Mapping[str, Values]:
        """One number per target, shape (n,), high for "member".

        Returns:
            sum: of L over all pairs.
            rare: of L over the pairs whose cell is rare; 0 where none is.
            max: the largest L.
        """
        return data.memo.get(repr(self), lambda: self._signals(lineup_of(data)))

    def _signals(self, lineup: Lineup) -> dict[str, Values]:
        grid, known = lineup.once(repr(self), lambda: self._known(lineup))
        seen = grid.counts(lineup.synthetic.encoded)
        excess = _log_rate(seen, len(lineup.synthetic)) - _log_rate(known, len(lineup.reference))
        rare = np.where(known < self.rare_below, excess, 0.0)
        return {"sum": excess.sum(axis=1), "rare": rare.sum(axis=1), "max": excess.max(axis=1)}

    def _known(self, lineup: Lineup) -> tuple[_Grid, Counts]:
        """The cells, and how many reference rows hold each target's; shape (n, n_pairs)."""
        targets, reference = lineup.targets.encoded, lineup.reference.encoded
        rng = child_rng(lineup.seed, self.name, "pairs")
        pairs = _pairs(targets.n_columns, self.max_pairs, rng)
        grid = _Grid.of(targets, reference, self.n_bins, pairs)
        return grid, grid.counts(reference)


def _pairs(n_columns: int, most: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Pairs of columns by position; a single column stands for itself."""
    if n_columns == 1:
        return [(0, 0)]
    pairs = list(combinations(range(n_columns), 2))
    if len(pairs) <= most:
        return pairs
    return [pairs[i] for i in np.sort(rng.choice(len(pairs), size=most, replace=False))]


def _log_rate(counts: Counts, n: int) -> Values:
    """Smoothed, so that tables of different sizes compare and no cell is impossible."""
    rates: Values = np.log((counts + 0.5) / (n + 1))
    return rates


@dataclass(frozen=True)
class _Grid:
    """The cells of the targets: the only ones that any table is asked for.

    Attributes:
        edges: per numeric column, the inner borders of its classes, ascending.
        levels: per categorical column, the levels of the targets, ascending.
        pairs: positions of the columns, numeric ones first.
        codes: shape (n_columns, n), class or level of each target.
    """

    edges: list[Values]
    levels: list[Counts]
    pairs: list[tuple[int, int]]
    codes: Counts

    @classmethod
    def of(
        cls, targets: Encoded, reference: Encoded, n_bins: int, pairs: list[tuple[int, int]]
    ) -> _Grid:
        edges = [
            np.unique(np.quantile(known[~gaps], np.linspace(0, 1, n_bins + 1)[1:-1]))
            if not gaps.all()
            else np.empty(0)
            for known, gaps in zip(reference.ranks.T, reference.missing.T, strict=True)
        ]
        levels = [np.unique(column) for column in targets.codes.T]
        return cls(edges, levels, pairs, _codes(targets, edges, levels))

    def counts(self, table: Encoded) -> Counts:
        """How many rows of `table` share each target's cells; shape (n, n_pairs)."""
        theirs = _codes(table, self.edges, self.levels)
        sizes = [len(e) + 2 for e in self.edges] + [len(known) + 1 for known in self.levels]
        return np.column_stack(list(self._counted(theirs, sizes)))

    def _counted(self, theirs: Counts, sizes: list[int]) -> Iterator[Counts]:
        for a, b in self.pairs:
            wanted, held = (codes[a] * sizes[b] + codes[b] for codes in (self.codes, theirs))
            if sizes[a] * sizes[b] <= _MAX_TABLE:
                yield np.bincount(held, minlength=sizes[a] * sizes[b])[wanted]
            else:
                cells, frequency = np.unique(held, return_counts=True)
                place = np.searchsorted(cells, wanted).clip(max=len(cells) - 1)
                yield np.where(cells[place] == wanted, frequency[place], 0)


def _codes(rows: Encoded, edges: list[Values], levels: list[Counts]) -> Counts:
    """Class or level of each cell, shape (n_columns, n), from 0.

    Missing numbers are a class of their own, and so are all levels that no target has.
    """
    codes = []
    for ranks, gaps, borders in zip(rows.ranks.T, rows.missing.T, edges, strict=True):
        codes.append(np.where(gaps, len(borders) + 1, np.searchsorted(borders, ranks, "right")))
    for column, known in zip(rows.codes.T, levels, strict=True):
        place = np.searchsorted(known, column).clip(max=len(known) - 1)
        codes.append(np.where(known[place] == column, place, len(known)))
    return np.array(codes, dtype=np.int64)
