"""How does any synthesizer learn from a pooled table and still sample the whole one?

`Pooled` is a synthesizer around another: it applies a `PoolingRule` (see `data/pooling`) to the
training table, lets the inner one learn that, and undoes the pooling in what it samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import pandas as pd

from tabveil.contracts import Critic, HasCritic, OnEpoch, Synthesizer, Where
from tabveil.data.pooling import PooledColumn, PoolingRule
from tabveil.data.schema import Schema
from tabveil.errors import ArtifactError, DataError
from tabveil.seeding import stream_seed
from tabveil.synthesizers.chunks import concat
from tabveil.synthesizers.conditions import parse
from tabveil.synthesizers.loading import (
    load_synthesizer,
    read_json,
    reading,
    save_synthesizer,
    write_json,
)

_FILE = "rule.json"
_INNER = "inner"


@dataclass
class Pooled:
    """A synthesizer that never sees a rare level or an extreme value.

    Args:
        inner: the synthesizer that learns.
        rule: learnt from the reference split.
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
        pooled = self.rule.apply(train)
        self.inner.fit(pooled, self.rule.apply_schema(), seed=seed, on_epoch=on_epoch)
        least = getattr(self.inner, "min_count", 1)
        self.rule = self.rule.for_trained(pooled, min_count=least)

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

    Raises ConditionError for a level that is neither kept nor one a pooled cell may become.
    """
    if not isinstance(where, Mapping):
        return where, rule
    inner: dict[str, Any] = dict(where)
    columns = []
    for column in rule.pooled:
        if column.name in where:
            inner[column.name], column = _split_column(where[column.name], column, rule.schema)
        columns.append(column)
    return inner, replace(rule, pooled=tuple(columns))


def _split_column(
    wanted: Any, column: PooledColumn, schema: Schema
) -> tuple[list[Any], PooledColumn]:
    known = (*dict.fromkeys((*column.kept, *column.rare)), None)
    levels = parse({column.name: wanted}, schema, {column.name: known})[column.name]
    assert isinstance(levels, tuple)
    rare = [
        (level, rate)
        for level, rate in zip(column.rare, column.rates, strict=True)
        if level in levels
    ]
    inner = [level for level in levels if level is None or level in column.kept]
    if rare:
        inner.append(column.label)
        column = replace(column, rare=tuple(r[0] for r in rare), rates=tuple(r[1] for r in rare))
    return inner, column
