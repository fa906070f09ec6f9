"""Does the synthetic table betray properties that exactly one person of the training table has?

The attacker holds the synthetic table only. They look for predicates that exactly one synthetic
row satisfies ("age ≥ 81 and job = cook and …") and guess that exactly one real person does, too.
Who can say that has singled a person out, without knowing a name (Art. 29 Working Party,
Opinion 05/2014).

    multivariate  a synthetic row is drawn, and n_cols of its columns; the predicate asks for its
                  levels, and for numbers at least as extreme as its own, seen from the median
    univariate    a value that occurs once in its column, or lies beyond all others

The same predicates are held against members and against as many people the model never saw: rare
combinations of a population are rare in both. As many, because whether a predicate isolates
depends on the number of people; and all there are (at most `limits.max_searched`), because to be
alone in a sample is not to be alone, and with a part of the people leaks go unseen. Beside them
stands a baseline of predicates with random columns, comparisons and values of the reference, which
knows nothing of the synthetic table.

Sources: Giomi et al. 2023, A Unified Framework for Quantifying Privacy Risk in Synthetic Data,
arXiv:2211.10459; Cohen & Nissim 2020, arXiv:1904.06009 (predicate singling out). Different from
the authors' package: everything is drawn from the seed; dates are compared like numbers; missing
is a value of its own; univariate predicates are taken from all columns in turn, so that a
column of unique numbers does not crowd the others out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tabveil.contracts import Direction, EvalInput, Score
from tabveil.errors import CannotTell
from tabveil.measure.encode import Encoded
from tabveil.measure.lineup import Lineup, lineup_of
from tabveil.measure.predicates import (
    ANY,
    FIRST,
    MISSING,
    CodedTables,
    Codes,
    Predicates,
    SortedTable,
    code,
)
from tabveil.measure.residual import residual_risk
from tabveil.seeding import child_rng


@dataclass(frozen=True)
class SinglingOut:
    """Guesses that one person alone has certain properties.

    Attributes:
        n_attacks: predicates guessed, of each kind.
        n_cols: columns of a multivariate predicate; a narrower table gives all it has.
        max_draws: predicates drawn for one that singles a synthetic row out, before the attacker
            makes do with fewer guesses.
    """

    n_attacks: int = 1000
    n_cols: int = 4
    max_draws: int = 100

    name: ClassVar[str] = "singling_out"
    direction: ClassVar[Direction] = "minimize"
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    threat_model: ClassVar[str] = (
        "Someone who has the released table alone and looks in it for properties that exactly "
        "one person of the training data has."
    )

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Guess about members and about as many others.

        Returns:
            multivariate, univariate: residual risk in [-1, 1], 0 shows nothing; in the detail
            the share of right guesses about members, about others, and of the baseline about
            members.

        Raises:
            CannotTell: no predicate singles a synthetic row out; or as `lineup_of`.
        """
        rng = child_rng(data.seed, self.name)
        coded = code(*_tables(_everybody(data), rng))
        synthetic, members, others = (SortedTable.of(codes) for codes in coded.tables[:3])
        guesses = {
            "multivariate": self._multivariate(synthetic, coded, rng),
            "univariate": self._univariate(synthetic, coded, rng),
        }
        if not any(map(len, guesses.values())):
            raise CannotTell(
                "cannot tell: no combination of values occurs in one synthetic row alone, so the "
                "singling_out attack has nothing to guess"
            )
        scores = []
        for name, predicates in guesses.items():
            n, n_cols = len(predicates), self.n_cols if name == "multivariate" else 1
            random = _random(coded, n_cols, n, rng)
            ours, theirs = (_times_found(side, predicates) for side in (members, others))
            baseline = float(members.isolates(random).mean()) if n else 0.0
            detail = {"baseline_rate": baseline, "n_people": members.codes.shape[1]}
            times = np.concatenate([ours, theirs])
            scores.append(
                residual_risk(
                    name,
                    members=int(ours.sum()),
                    others=int(theirs.sum()),
                    n=n,
                    repeats=float(np.square(times).sum() / times.sum()) if len(times) else 1.0,
                    detail=detail,
                )
            )
        return scores

    def _multivariate(
        self, synthetic: SortedTable, coded: CodedTables, rng: np.random.Generator
    ) -> Predicates:
        """Different predicates that single out one synthetic row, at most `n_attacks`."""
        found = _none(coded)
        for _ in range(self.max_draws):
            drawn = _like_rows(synthetic.codes, coded.n_numeric, self.n_cols, self.n_attacks, rng)
            alone = drawn.take(synthetic.isolates(drawn))
            found = Predicates.join([found, alone]).distinct()
            if len(found) >= self.n_attacks:
                break
        return found.take(np.arange(min(len(found), self.n_attacks)))

    def _univariate(
        self, synthetic: SortedTable, coded: CodedTables, rng: np.random.Generator
    ) -> Predicates:
        """Values that one synthetic row has alone, at most `n_attacks`, from columns in turn."""
        parts, turns = [_none(coded)], []
        for column, codes in enumerate(synthetic.codes):
            values, counts = np.unique(codes, return_counts=True)
            alone = rng.permutation(values[counts == 1])
            low, high = alone.copy(), alone.copy()
            if column < coded.n_numeric:
                smallest = values[values > MISSING][:1]
                low[np.isin(alone, smallest)] = FIRST
                high[np.isin(alone, values[-1:]) & (alone > MISSING)] = ANY
            parts.append(_on_column(coded, column, low, high))
            turns.append(np.arange(len(alone)))
        order = np.argsort(np.concatenate(turns), kind="stable")
        return Predicates.join(parts).take(order[: self.n_attacks])


def _everybody(data: EvalInput) -> Lineup:
    """The lineup of as many targets as rows may be searched."""
    lineup, most = lineup_of(data), data.limits.max_targets
    n_members = int(lineup.is_member.sum())
    if most is None or max(n_members, len(lineup) - n_members) < most:
        return lineup
    limits = replace(data.limits, max_targets=data.limits.max_searched)
    return lineup_of(replace(data, limits=limits))


def _tables(lineup: Lineup, rng: np.random.Generator) -> tuple[Encoded, ...]:
    """Distinct synthetic rows, as many members as others, and the reference."""
    synthetic = lineup.synthetic.encoded
    first = np.unique(synthetic.row_keys(), return_index=True)[1]
    sides = [np.flatnonzero(lineup.is_member), np.flatnonzero(~lineup.is_member)]
    n = min(map(len, sides))
    people = [lineup.targets.encoded.take(rng.choice(side, n, replace=False)) for side in sides]
    return synthetic.take(first), people[0], people[1], lineup.reference.encoded


def _times_found(table: SortedTable, predicates: Predicates) -> NDArray[np.int64]:
    """How often each person that was singled out was, shape (n_singled_out,)."""
    rows = table.isolated(predicates)
    counts: NDArray[np.int64] = np.unique(rows[rows >= 0], return_counts=True)[1]
    return counts


def _none(coded: CodedTables) -> Predicates:
    empty = np.empty((0, coded.n_columns), dtype=np.int32)
    return Predicates(empty, empty)


def _on_column(coded: CodedTables, column: int, low: Codes, high: Codes) -> Predicates:
    lows = np.full((len(low), coded.n_columns), MISSING, dtype=np.int32)
    highs = np.full((len(low), coded.n_columns), ANY, dtype=np.int32)
    lows[:, column], highs[:, column] = low, high
    return Predicates(lows, highs)


def _like_rows(
    codes: Codes, n_numeric: int, n_cols: int, n: int, rng: np.random.Generator
) -> Predicates:
    """Predicates that rows drawn from a table satisfy, in `n_cols` columns each."""
    values = codes[:, rng.integers(codes.shape[1], size=n)].T
    low, high = values.copy(), values.copy()
    known = [column[column > MISSING] for column in codes[:n_numeric]]
    median = np.array([np.median(column) if len(column) else 0 for column in known])
    numbers = values[:, :n_numeric]
    above = numbers > median
    high[:, :n_numeric][above] = ANY
    low[:, :n_numeric][~above & (numbers > MISSING)] = FIRST
    return _only(low, high, n_cols, rng)


def _random(coded: CodedTables, n_cols: int, n: int, rng: np.random.Generator) -> Predicates:
    """Random comparisons (=, ≥, ≤; levels: =) with random values that the reference holds."""
    reference = coded.tables[3]
    values = np.array(
        [rng.choice(np.unique(column), size=n) for column in reference], dtype=np.int32
    ).T.reshape(n, coded.n_columns)
    low, high = values.copy(), values.copy()
    ordered = (values > MISSING) & (np.arange(coded.n_columns) < coded.n_numeric)
    comparison = rng.integers(3, size=values.shape)
    low[ordered & (comparison == 1)] = FIRST
    high[ordered & (comparison == 2)] = ANY
    return _only(low, high, n_cols, rng)


def _only(low: Codes, high: Codes, n_cols: int, rng: np.random.Generator) -> Predicates:
    """The conditions of `n_cols` columns, drawn for each predicate; the others are dropped."""
    places: NDArray[np.intp] = np.argsort(rng.random(low.shape), axis=1)
    dropped = places >= n_cols
    return Predicates(
        np.where(dropped, np.int32(MISSING), low), np.where(dropped, np.int32(ANY), high)
    )
