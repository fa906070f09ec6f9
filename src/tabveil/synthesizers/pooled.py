"""A synthesizer around another that pools rare levels before training and puts them back after.

`Pooled` applies a `PoolingRule` (see `data/pooling`) to the training table, lets the inner
synthesizer learn that, measures at which shares it draws each column's levels, and mends them in
what it samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import pandas as pd

from tabveil.contracts import Critic, HasCritic, OnEpoch, Synthesizer, Where
from tabveil.data.pooled_levels import MEASURED_ROWS, PooledColumn
from tabveil.data.pooling import PoolingRule
from tabveil.data.schema import Schema
from tabveil.errors import ArtifactError, DataError
from tabveil.seeding import child_seed, stream_seed
from tabveil.synthesizers.chunks import concat
from tabveil.synthesizers.conditions import parse
from tabveil.synthesizers.loading import (
    load_synthesizer,
    read_json,
    reading,
    save_synthesizer,
    write_json,
)
from tabveil.synthesizers.params import least_rows

_FILE = "rule.json"
_INNER = "inner"


@dataclass
class Pooled:
    """A synthesizer that never sees a rare level or an extreme value.

    Args:
        inner: the synthesizer that learns.
        rule: learnt from the training pool and the reference split.
    """

    inner: Synthesizer
    rule: PoolingRule

    def fit(
        self, train: pd.DataFrame, schema: Schema, *, seed: int, on_epoch: OnEpoch | None = None
    ) -> None:
        """Pool `train` and let the inner synthesizer learn it.

        Raises DataError when the rule was learnt for other columns.
        """
        if schema.columns != self.rule.schema.columns:
            raise DataError("the pooling rule was learnt for a table with other columns")
        least = least_rows(getattr(self.inner, "min_count", 1), len(train))
        self.rule = self.rule.for_training(train, min_count=least)
        schema = self.rule.apply_schema()
        self.inner.fit(self.rule.apply(train), schema, seed=seed, on_epoch=on_epoch)
        if self.rule.pooled:
            sampled = self.inner.sample(MEASURED_ROWS, seed=child_seed(seed, "shares"))
            self.rule = self.rule.measured(sampled)

    @property
    def critic(self) -> Critic | None:
        """The inner synthesizer's critic, shown rows pooled as the training rows were."""
        critic = self.inner.critic if isinstance(self.inner, HasCritic) else None
        return critic and (lambda rows: critic(self.rule.apply(rows)))

    def sample(self, n: int, *, seed: int, where: Where | None = None) -> pd.DataFrame:
        """Draw `n` rows. A condition on a rare level is met by a pooled cell given that level."""
        return concat(list(self.iter_sample(n, seed=seed, where=where)))

    def iter_sample(
        self, n: int, *, seed: int, where: Where | None = None
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows of `sample(n)` in frames of bounded size."""
        inner_where, rule = _split(where, self.rule)
        frames = self.inner.iter_sample(n, seed=seed, where=inner_where)
        return (
            rule.undo(frame, seed=stream_seed(seed, "pooled", i)) for i, frame in enumerate(frames)
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
            rule = PoolingRule.from_dict(data)
        inner = load_synthesizer(directory / _INNER)
        if isinstance(inner, Pooled):
            raise ArtifactError(f"{directory}: a pooled generator inside a pooled one")
        with reading(path):  # the rule speaks of the columns that the inner one draws
            rule.undo(inner.sample(0, seed=0), seed=0)
        return cls(inner, rule)


def _split(where: Where | None, rule: PoolingRule) -> tuple[Where | None, PoolingRule]:
    """Say `where` in the inner synthesizer's levels, and the rule that undoes only to those.

    Raises ConditionError for a level that no drawn row holds.
    """
    if not isinstance(where, Mapping):
        return where, rule
    inner: dict[str, Any] = dict(where)
    columns = []
    for column in rule.pooled:
        if column.name in where:
            asked, column = _restricted(where[column.name], column, rule.schema)
            inner[column.name] = asked
            if not asked:
                del inner[column.name]
        columns.append(column)
    # What is asked for is not moved: a row would no longer meet its condition.
    clipped = tuple(column for column in rule.clipped if column.name not in where)
    return inner, replace(rule, pooled=tuple(columns), clipped=clipped)


def _restricted(
    wanted: Any, column: PooledColumn, schema: Schema
) -> tuple[list[Any], PooledColumn]:
    levels = parse({column.name: wanted}, schema, {column.name: column.levels})[column.name]
    assert isinstance(levels, tuple)
    return column.restricted(levels)
