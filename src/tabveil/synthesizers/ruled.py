"""How does a synthesizer draw only rows that obey the rules of a table?

`Ruled` is a synthesizer around another: the inner one learns a table without what the rules give
(see `data/rules`), and what it draws is given that back. Rows that still break a rule (a value
seen before, two rules in each other's way) are rejected, with bounded effort: rules that the inner
one cannot meet end in an error that names them.

It stands outermost: rare levels that pooling puts back come before the rules are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.contracts import Critic, HasCritic, OnEpoch, Synthesizer, Where
from tabveil.data.rules.learnt import LearntRules
from tabveil.data.rules.limits import Unique
from tabveil.data.rules.when import missing_in
from tabveil.data.schema import Schema
from tabveil.errors import ArtifactError, ConditionError, DataError
from tabveil.synthesizers.asked import split_where
from tabveil.synthesizers.chunks import CHUNK_ROWS, concat, take
from tabveil.synthesizers.conditions import (
    PATIENCE_PER_ACCEPTED,
    PATIENCE_ROWS,
    Conditions,
    met,
)
from tabveil.synthesizers.loading import (
    load_synthesizer,
    read_json,
    reading,
    save_synthesizer,
    write_json,
)

_FILE = "rules.json"
_INNER = "inner"
_CONDITION = "the condition"


@dataclass
class Ruled:
    """A synthesizer of which every row obeys the rules.

    Args:
        inner: the synthesizer that learns.
        rules: learnt from the training table.
    """

    inner: Synthesizer
    rules: LearntRules

    def fit(
        self, train: pd.DataFrame, schema: Schema, *, seed: int, on_epoch: OnEpoch | None = None
    ) -> None:
        """Take out of `train` what the rules give and let the inner synthesizer learn the rest.

        Raises DataError when the rules were learnt for other columns.
        """
        if schema.columns != self.rules.schema.columns:
            raise DataError("the rules were learnt for a table with other columns")
        applied = self.rules.apply(train)
        self.inner.fit(applied, self.rules.apply_schema(), seed=seed, on_epoch=on_epoch)

    @property
    def critic(self) -> Critic | None:
        """The inner synthesizer's critic, shown rows changed as the training rows were."""
        critic = self.inner.critic if isinstance(self.inner, HasCritic) else None
        return critic and (lambda rows: critic(self.rules.apply(rows)))

    def sample(self, n: int, *, seed: int, where: Where | None = None) -> pd.DataFrame:
        """Draw `n` rows that obey every rule and meet `where`."""
        return concat(list(self.iter_sample(n, seed=seed, where=where)))

    def iter_sample(
        self, n: int, *, seed: int, where: Where | None = None
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows of `sample(n)` in frames of bounded size.

        A condition on a column that a rule gives is asked of the columns it is given by, where
        the rule can be turned round; else the rows that miss it are rejected.

        Raises:
            ConditionError: `where` names nothing, or no row that obeys the rules meets it.
            DataError: the rules hold in too few rows to go on; they are named.
        """
        conditions, inner_where = split_where(where, self.rules)
        sieve = _Sieve(self.rules, conditions, n)
        return take(self._accepted(n, seed, inner_where, sieve), n)

    def _accepted(
        self, n: int, seed: int, where: Where | None, sieve: _Sieve
    ) -> Iterator[pd.DataFrame]:
        """Yield accepted rows without end, of ever longer samples of the inner synthesizer.

        A longer sample begins with the shorter one, which is skipped: so rows do not depend on
        `n`, and no more than four times what is needed is drawn.
        """
        n_seen, size = 0, n if n <= CHUNK_ROWS else 2 * n
        while True:
            n_drawn = 0
            for frame in self.inner.iter_sample(size, seed=seed, where=where):
                skipped = min(max(n_seen - n_drawn, 0), len(frame))
                n_drawn += len(frame)
                if skipped < len(frame) or not size:
                    yield sieve.kept(self.rules.undo(frame.iloc[skipped:]))
            n_seen, size = size, 4 * size

    def save(self, directory: Path) -> None:
        """Write the rules, and the inner synthesizer into a folder of its own."""
        inner = directory / _INNER
        inner.mkdir()
        save_synthesizer(self.inner, inner)
        write_json(directory / _FILE, self.rules.to_dict())

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote. Raises ArtifactError when a file is missing or altered."""
        path = directory / _FILE
        data = read_json(path)
        with reading(path):
            rules = LearntRules.from_dict(data)
        inner = load_synthesizer(directory / _INNER)
        if isinstance(inner, Ruled):
            raise ArtifactError(f"{directory}: a ruled generator inside a ruled one")
        with reading(path):  # the rules speak of the columns that the inner one draws
            drawn = inner.sample(1, seed=0)
            if list(drawn.columns) != rules.apply_schema().names:
                raise ValueError("the inner generator draws other columns")
            rules.obeyed(rules.undo(drawn))
        return cls(inner, rules)


@dataclass
class _Sieve:
    """Which rows are kept of one sample, and how often each rule held so far."""

    rules: LearntRules
    conditions: Conditions
    n: int
    n_drawn: int = 0
    n_kept: int = 0
    n_since: int = 0
    held: Counter[str] = field(default_factory=Counter)
    seen: dict[str, set[int]] = field(default_factory=dict)

    def kept(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows that obey and are wanted. Raises when they are too rare to go on."""
        masks = self.rules.obeyed(table)
        if self.conditions:
            masks[_CONDITION] = met(table, self.conditions)
        rows = np.logical_and.reduce([np.ones(len(table), dtype=bool), *masks.values()])
        self.held.update({name: int(mask.sum()) for name, mask in masks.items()})
        uniques = [rule for rule in self.rules.rules if isinstance(rule, Unique)]
        for rule in uniques:
            fresh = _fresh(table, rule, rows, self.seen.setdefault(rule.name, set()))
            self.held[rule.name] += int(np.count_nonzero(fresh))
            rows &= fresh
        kept = table[rows]
        self._count(len(table), len(kept))
        return self.rules.schema.restore(kept)

    def _count(self, n_drawn: int, n_kept: int) -> None:
        self.n_drawn += n_drawn
        self.n_kept += n_kept
        self.n_since = 0 if n_kept else self.n_since + n_drawn
        if self.n_kept >= self.n:
            return
        limit = PATIENCE_ROWS + PATIENCE_PER_ACCEPTED * self.n_kept
        if self.n_drawn >= limit or self.n_since >= PATIENCE_ROWS:
            raise self._refusal()

    def _refusal(self) -> DataError:
        rates = {name: count / self.n_drawn for name, count in self.held.items()}
        weak = sorted((rate, name) for name, rate in rates.items() if rate < 1)
        said = ", ".join(
            f"{name if name == _CONDITION else repr(name)} in {100 * rate:.3g} %"
            for rate, name in weak
        )
        kind = ConditionError if self.conditions else DataError
        return kind(
            f"only {self.n_kept} of {self.n} rows obeyed the rules after {self.n_drawn} draws; "
            f"held: {said}; loosen or give up the first, or ask for fewer rows"
        )


def _fresh(
    table: pd.DataFrame, rule: Unique, rows: NDArray[np.bool_], seen: set[int]
) -> NDArray[np.bool_]:
    """Which of `rows` hold what none before them held; they are added to `seen`."""
    hashes = pd.util.hash_pandas_object(table[list(rule.of)], index=False).to_numpy()
    fresh = np.any([missing_in(table[name]) for name in rule.of], axis=0)
    for i in np.flatnonzero(rows & ~fresh).tolist():
        value = int(hashes[i])
        if value not in seen:
            seen.add(value)
            fresh[i] = True
    return np.asarray(fresh, dtype=bool)
