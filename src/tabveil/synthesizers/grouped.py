"""How are whole persons drawn: several rows each, the same in what belongs to the person?

`Grouped` is a synthesizer around another: the inner one learns single rows and, beside them, how
many rows their person has. What it draws is put together again (`matching.py`): rows that say `k`
are divided into groups of `k` alike. So no row is drawn in vain, persons with many rows are not
drawn too often, and single rows are distributed as the inner synthesizer draws them. Then the
columns of the person are overwritten with those of one of its rows, at random, and its rows are
sorted (`persons.py` in `data` says by what).

It stands outermost. Where the inner one obeys rules, rows obey them again after that; a person of
whom one row cannot is left out, and others come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.contracts import Critic, HasCritic, OnEpoch, Synthesizer, Where
from tabveil.data.frames import with_columns
from tabveil.data.persons import PersonRule
from tabveil.data.rules.learnt import LearntRules
from tabveil.data.schema import Schema
from tabveil.data.within_persons import Codes
from tabveil.errors import ArtifactError, ConditionError, DataError
from tabveil.seeding import child_rng
from tabveil.synthesizers.chunks import CHUNK_ROWS, concat, take
from tabveil.synthesizers.conditions import PATIENCE_ROWS, near
from tabveil.synthesizers.loading import (
    load_synthesizer,
    read_json,
    reading,
    save_synthesizer,
    write_json,
)
from tabveil.synthesizers.matching import Places, gather
from tabveil.synthesizers.ruled import Ruled
from tabveil.synthesizers.tidying import check_unique, obeying, tidied

_FILE = "persons.json"
_INNER = "inner"
_FIRST_ASKED = 256
"""Rows that are first put together where a condition makes each of them dear; later ever more."""


@dataclass
class Grouped:
    """A synthesizer of whole persons.

    Args:
        inner: the synthesizer that learns rows.
        rule: learnt from the training table.
        persons: whose each training row is, shape (n_train,); forgotten after `fit`.
    """

    inner: Synthesizer
    rule: PersonRule
    persons: Codes | None = field(default=None, repr=False)

    def fit(
        self, train: pd.DataFrame, schema: Schema, *, seed: int, on_epoch: OnEpoch | None = None
    ) -> None:
        """Let the inner synthesizer learn the rows, and how many their persons have.

        Of a person with more rows than any that is drawn, that many rows at random are learnt.

        Raises DataError when the rule was learnt for other columns, or a rule of the table forbids
        that a person's rows are alike.
        """
        if schema.columns != self.rule.schema.columns:
            raise DataError("the rule of persons was learnt for a table with other columns")
        if self.persons is None or len(self.persons) != len(train):
            raise DataError("it is not said whose each training row is")
        check_unique(self.rules, self.rule)
        counted = self.rule.apply(train, self.persons)
        rows = _at_most(self.persons, self.rule.most, child_rng(seed, "rows of a person"))
        self.persons = None
        counted = counted.iloc[rows].reset_index(drop=True)
        self.inner.fit(counted, self.rule.apply_schema(), seed=seed, on_epoch=on_epoch)

    @property
    def rules(self) -> LearntRules | None:
        """What every row obeys, if anything."""
        return self.inner.rules if isinstance(self.inner, Ruled) else None

    @property
    def critic(self) -> Critic | None:
        """The inner synthesizer's critic, of the number of rows that suits a row best.

        A row alone does not say how many its person has.
        """
        critic = self.inner.critic if isinstance(self.inner, HasCritic) else None
        if critic is None:
            return None

        def opinion(rows: pd.DataFrame) -> NDArray[np.float64]:
            labels = self.rule.labels
            opinions = [critic(self.rule.with_count(rows, label)) for label in labels]
            return np.asarray(np.max(opinions, axis=0), dtype=np.float64)

        return opinion

    def sample(self, n: int, *, seed: int, where: Where | None = None) -> pd.DataFrame:
        """Draw `n` rows of whole persons; the last person may be cut, so that `n` rows come."""
        return concat(list(self.iter_sample(n, seed=seed, where=where)))

    def iter_sample(
        self, n: int, *, seed: int, where: Where | None = None
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows of `sample(n)` in frames of bounded size. Raises as `iter_persons`."""
        return (frame for frame, _ in self.iter_persons(n, seed=seed, where=where))

    def iter_persons(
        self, n: int, *, seed: int, where: Where | None = None
    ) -> Iterator[tuple[pd.DataFrame, Codes]]:
        """Yield the frames of `iter_sample`, and whose each row is, persons numbered from 0.

        Raises:
            ConditionError: `where` names nothing or a column that differs within persons, or no
                person meets it.
            DataError: the rules hold in too few persons to go on.
        """
        self._check_where(where)
        if n == 0:
            return iter([(self._finished(self.inner.sample(0, seed=seed)), np.arange(0))])
        frames = take(self._persons(n, seed, where), n)
        number = self.rule.count
        return ((frame.drop(columns=number), frame[number].to_numpy()) for frame in frames)

    def _persons(self, n: int, seed: int, where: Where | None) -> Iterator[pd.DataFrame]:
        """Yield persons without end; in the place of their rows' number stands their own."""
        n_persons = n_seen = n_given = 0
        left: pd.DataFrame | None = None
        for i, pool in enumerate(self._pools(n, seed, where)):
            n_seen += len(pool)
            rng = child_rng(seed, "persons", i)
            rows = pool if left is None else concat([left, pool])
            groups, rest = self._divide(rows, rng)
            left = rows.iloc[rest] if len(rest) else None
            if groups:
                made = self._put_together(rows, groups, rng)
                made[self.rule.count] += n_persons
                n_persons += len(groups)
                n_given += len(made)
                yield made
            if n_given < n and n_seen >= PATIENCE_ROWS and n_given < n_seen / 1000:
                raise DataError(
                    f"only {n_given} of {n_seen} rows could be made persons that obey the rules; "
                    f"give up a rule between columns of the person and others"
                )

    def _pools(self, n: int, seed: int, where: Where | None) -> Iterator[pd.DataFrame]:
        """Yield rows to be put together, without end; which they are does not depend on `n`."""
        size, waiting, n_waiting = _FIRST_ASKED if where else CHUNK_ROWS, list[pd.DataFrame](), 0
        for frame in self._rows(n, seed, where):
            waiting.append(frame)
            n_waiting += len(frame)
            while n_waiting >= size:
                joined = concat(waiting)
                yield joined.iloc[:size].reset_index(drop=True)
                waiting, n_waiting = [joined.iloc[size:]], n_waiting - size
                size = min(2 * size, CHUNK_ROWS)

    def _rows(self, n: int, seed: int, where: Where | None) -> Iterator[pd.DataFrame]:
        """Yield the inner synthesizer's rows without end, of ever longer samples.

        A longer sample begins with the shorter one, which is skipped. Frames are drawn when they
        are needed: only where a condition makes rows dear the first sample is a short one.
        """
        n_seen, size = 0, max(n, _FIRST_ASKED) if where else 2 * (n + CHUNK_ROWS)
        while True:
            n_drawn = 0
            for frame in self.inner.iter_sample(size, seed=seed, where=where):
                skipped = min(max(n_seen - n_drawn, 0), len(frame))
                n_drawn += len(frame)
                if skipped < len(frame):
                    yield frame.iloc[skipped:]
            n_seen, size = size, 2 * size

    def _divide(self, rows: pd.DataFrame, rng: np.random.Generator) -> tuple[list[Codes], Codes]:
        """Groups of rows, one a person, in random order; and the rows that were too few for one."""
        groups: list[Codes] = []
        rest = []
        places = Places.of(rows, self.rule, rng)
        labels = rows[self.rule.count].to_numpy(dtype=object)
        for label, (low, high) in zip(self.rule.labels, self.rule.ranges, strict=True):
            level = rng.permutation(np.flatnonzero(labels == label))
            sizes = rng.integers(low, high + 1, size=len(level) // low)
            sizes = sizes[np.cumsum(sizes) <= len(level)]
            used, over = np.split(level, [int(sizes.sum())])
            groups += [used[group] for group in gather(places.take(used), sizes.tolist())]
            rest.append(over)
        order = rng.permutation(len(groups))
        return [groups[i] for i in order], np.sort(np.concatenate(rest))

    def _put_together(
        self, rows: pd.DataFrame, groups: list[Codes], rng: np.random.Generator
    ) -> pd.DataFrame:
        """The rows of each group as one person's; without those that cannot obey the rules."""
        sizes = np.array([len(group) for group in groups])
        whose = np.repeat(np.arange(len(groups)), sizes)
        drawn = rows.iloc[np.concatenate(groups)].reset_index(drop=True)
        leads = np.cumsum(sizes) - 1 - rng.integers(sizes)  # of each, one of its rows
        leading = drawn.iloc[leads[whose]].reset_index(drop=True)
        constant = list(self.rule.constant)
        drawn[constant] = leading[constant]
        obeys = np.ones(len(drawn), dtype=bool)
        if self.rules is not None:  # what a rule gives follows the person; then rows get in order
            drawn, obeys = obeying(drawn, self.rules, constant)
        tidy = tidied(drawn, whose, self.rule)
        if self.rules is not None:
            tidy, again = obeying(tidy, self.rules, self.rule.fixed)
            obeys &= again
        whole = np.ones(len(groups), dtype=bool)
        whole[whose[~obeys]] = False
        kept = whole[whose]
        finished = self._finished(tidy[kept].reset_index(drop=True))
        return with_columns(finished, {self.rule.count: whose[kept]})

    def _finished(self, rows: pd.DataFrame) -> pd.DataFrame:
        return self.rule.schema.restore(rows)

    def _check_where(self, where: Where | None) -> None:
        if where is None:
            return
        if not isinstance(where, Mapping):
            raise ConditionError(
                f"where must map columns to values, like {{age: 30}}; got {where!r}"
            )
        names = self.rule.schema.names
        for name in where:
            if name not in names:
                raise ConditionError(f"where names {name!r}, which is no column{near(name, names)}")
            if name not in self.rule.constant:
                raise ConditionError(
                    f"where.{name}: {name!r} differs between the rows of one person, and whole "
                    f"persons are drawn; name a column of the person "
                    f"({', '.join(self.rule.constant) or 'there is none'}), or draw without this "
                    f"condition and choose rows afterwards"
                )

    def save(self, directory: Path) -> None:
        """Write the rule, and the inner synthesizer into a folder of its own."""
        inner = directory / _INNER
        inner.mkdir()
        save_synthesizer(self.inner, inner)
        write_json(directory / _FILE, self.rule.to_dict())

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote. Raises ArtifactError when a file is missing or altered."""
        path = directory / _FILE
        data = read_json(path)
        with reading(path):
            rule = PersonRule.from_dict(data)
        inner = load_synthesizer(directory / _INNER)
        if isinstance(inner, Grouped):
            raise ArtifactError(f"{directory}: a grouped generator inside a grouped one")
        with reading(path):  # the rule speaks of the columns that the inner one draws
            drawn = inner.sample(9, seed=0)
            if list(drawn.columns) != rule.apply_schema().names:
                raise ValueError("the inner generator draws other columns")
            if not set(drawn[rule.count]) <= set(rule.labels):
                raise ValueError("the inner generator draws other numbers of rows")
            loaded = cls(inner, rule)
            groups = [np.array([i]) for i in range(len(drawn))]
            loaded._put_together(drawn, groups, np.random.default_rng(0))
        return loaded


def _at_most(persons: Codes, most: int, rng: np.random.Generator) -> Codes:
    """Positions of at most so many random rows of each person, ascending."""
    order = rng.permutation(len(persons))
    nth = pd.Series(order).groupby(persons[order]).cumcount().to_numpy()
    return np.sort(order[nth < most])
