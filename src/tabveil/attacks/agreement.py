"""Does some synthetic row share more of a person's rare values than any stranger's row does?

The attacker holds the synthetic table and a `reference` table of other people from the same
population. They lay a person's row x beside a row z and count the cells that are exactly equal,
each by how rare its value is, and keep the best row of a table:

    A(x, table) = max over rows z of sum over columns j of [x_j = z_j] · (-log p(x_j))

with p from the reference, smoothed. The signal is A(x, synthetic) - A(x, reference). A copy of
which some cells were blanked, redrawn or made absurd is far from its original by any distance that
adds up differences; it agrees with it in all the others, and nobody else does in that many.

Rows are not compared all with all. A target's few rarest values are looked up in the table, alone
where few of the reference hold them, else two at a time; only rows found so are compared.

References:
    Record linkage by agreement, weighted by how rare the agreeing value is: Fellegi and Sunter
    1969, A Theory for Record Linkage (JASA 64). With a few values known, most rows are unique:
    Narayanan and Shmatikov 2008 (arXiv:cs/0610105), whose scoring weighs by rarity as well. The
    calibration with a reference is that of van Breugel et al. 2023, DOMIAS (arXiv:2302.12580).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tabveil.contracts import Direction, EvalInput, Score
from tabveil.measure.levels import Levels
from tabveil.measure.lineup import Lineup, lineup_of
from tabveil.measure.verdict import judge

_CHUNK = 2**15
"""Pairs of rows compared at once: keeps the arrays in the cache of a CPU."""

Signal = NDArray[np.float64]
Numbers = NDArray[np.int64]
Key = tuple[tuple[int, ...], Numbers]
"""Columns, and the targets to look up by their values there."""


@dataclass(frozen=True)
class Agreement:
    """Membership inference by exact agreement, weighted by rarity.

    Attributes:
        n_keys: rarest values of a target that it is looked up by, alone or in pairs.
        max_matches: a value, or a pair, is looked up if at most so many reference rows hold it;
            of more rows that hold it in the table searched, the first are compared.
    """

    n_keys: int = 4
    max_matches: int = 50

    name: ClassVar[str] = "agreement"
    direction: ClassVar[Direction] = "minimize"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    threat_model: ClassVar[str] = (
        "Someone who has the released table and a sample of the same population, and asks of a "
        "person whose row they know: does a row here share what hardly anybody shares with them?"
    )

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Attack with `agreement`; scores as in `measure.verdict`. Raises as a lineup."""
        return judge(lineup_of(data), self.signals(data)["agreement"], name=self.name)

    def signals(self, data: EvalInput) -> Mapping[str, Signal]:
        """One number per target, shape (n,), high for "member".

        Returns:
            agreement: A(x, synthetic) - A(x, reference); A is 0 where no row is found to compare.
        """
        return data.memo.get(repr(self), lambda: self._signals(lineup_of(data)))

    def _signals(self, lineup: Lineup) -> dict[str, Signal]:
        search, known = lineup.once(repr(self), lambda: self._known(lineup))
        seen = search.best(search.levels.of_table(lineup.synthetic.encoded))
        return {"agreement": seen - known}

    def _known(self, lineup: Lineup) -> tuple[_Search, Signal]:
        """What to look up, and the best agreement with a reference row; shape (n,)."""
        levels = Levels.of(lineup.targets.encoded)
        reference = levels.of_table(lineup.reference.encoded)
        counts = levels.counts(reference)
        weights = -np.log((counts + 0.5) / (reference.shape[1] + 1))
        keys = list(_keys(levels, reference, counts, self.n_keys, self.max_matches))
        search = _Search(levels, np.ascontiguousarray(weights.T), keys, self.max_matches)
        return search, search.best(reference)


@dataclass(frozen=True)
class _Search:
    """What the targets are looked up by.

    Attributes:
        levels: the values of the targets.
        weights: shape (n_targets, n_columns), of each target's values.
        keys: what to look up.
        most: rows compared for a target and key, at most.
    """

    levels: Levels
    weights: Signal
    keys: list[Key]
    most: int

    def best(self, table: Numbers) -> Signal:
        """The best weighted agreement of each target with a row of `table`; shape (n_targets,).

        Args:
            table: as `Levels.of_table` gives it.
        """
        found = np.zeros(len(self.weights))
        mine = np.ascontiguousarray(self.levels.of_targets.T, dtype=np.int32)
        theirs = np.ascontiguousarray(table.T, dtype=np.int32)
        for columns, targets in self.keys:
            first, counts, rows = _look_up(self.levels, columns, targets, table)
            counts = counts.clip(max=self.most)
            some = counts > 0
            for part in _parts(targets[some], first[some], counts[some]):
                asked, starts, sizes = part
                offsets = np.cumsum(sizes) - sizes
                place = np.arange(sizes.sum()) + np.repeat(starts - offsets, sizes)
                who = np.repeat(asked, sizes)
                equal = mine[who] == theirs[rows[place]]
                agreement = np.einsum("ij,ij->i", equal, self.weights[who])
                best = np.maximum.reduceat(agreement, offsets)
                found[asked] = np.maximum(found[asked], best)
        return found


def _parts(*arrays: Numbers) -> Iterator[tuple[Numbers, ...]]:
    """Targets in runs that have about `_CHUNK` rows to compare in all; the last array counts."""
    if len(arrays[-1]):
        runs = np.cumsum(arrays[-1]) // _CHUNK
        cuts = np.flatnonzero(np.diff(runs)) + 1
        yield from zip(*(np.split(array, cuts) for array in arrays), strict=True)


def _keys(
    levels: Levels, reference: Numbers, counts: Numbers, n_keys: int, most: int
) -> Iterator[Key]:
    """Each target's `n_keys` rarest values: alone where rare enough, the others in pairs."""
    n_columns, n = counts.shape
    rank = np.argsort(counts, axis=0, kind="stable")[:n_keys]  # of equally rare ones the first
    chosen = np.zeros((n_columns, n), dtype=bool)
    np.put_along_axis(chosen, rank, values=True, axis=0)
    alone = chosen & (counts <= most)
    for column in range(n_columns):
        if alone[column].any():
            yield (column,), np.flatnonzero(alone[column])
    together = chosen & ~alone
    for pair in combinations(range(n_columns), 2):
        targets = np.flatnonzero(together[pair[0]] & together[pair[1]])
        if len(targets):
            held = _look_up(levels, pair, targets, reference)[1]
            if (held <= most).any():
                yield pair, targets[held <= most]


def _look_up(
    levels: Levels, columns: tuple[int, ...], targets: Numbers, table: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """The rows of `table` that share the targets' values in these columns.

    Returns:
        For each target the first place in the list of rows, and how many; and that list, in
        which rows of equal values keep their order.
    """
    wanted, held = np.zeros(len(targets), np.int64), np.zeros(table.shape[1], np.int64)
    for column in columns:
        size = len(levels.known[column]) + 1
        wanted = wanted * size + levels.of_targets[column][targets]
        held = held * size + table[column]
    asked, which = np.unique(wanted, return_inverse=True)
    place = np.searchsorted(asked, held).clip(max=len(asked) - 1)
    rows = np.flatnonzero(asked[place] == held)
    place = place[rows]
    counts = np.bincount(place, minlength=len(asked))
    first = np.cumsum(counts) - counts
    return first[which], counts[which], rows[np.argsort(place, kind="stable")]
