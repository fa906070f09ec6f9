"""Rare levels and extreme values: kept out of the model, put back by their shares afterwards.

A level that few rows hold, or an income at the end of its range, points at a person. Before
training, rare levels become one pooled level and numbers and dates are clipped to an inner
quantile range. After sampling, each column's levels come at the shares that they have in the
training pool and the reference together: a cell whose level the model draws too often is given
one that it draws too rarely, or not at all, independently of the rest of its row. So no level
loses its share, whatever the model could not learn.

A level is named only where `min_count` rows of the training pool hold it, the members and those
left out alike; shares have three digits. All other levels together are one made-up level,
`other`. The ranges are learnt from the reference, so they say nothing about the pool.

What it costs and gives was measured in experiments/protections; docs/pooling.md sums it up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.levels import Level, find_levels, positions_of, read_levels, values_of
from tabveil.data.numbers import dtype_bounds, to_floats
from tabveil.data.rounding import on_step, step_for, to_digits
from tabveil.data.schema import MADE, Column, Schema
from tabveil.errors import ConfigError, DataError
from tabveil.seeding import child_rng

POOLED = "(rare)"
"""The pooled level, as only the model sees it; brackets are added until no level is named so."""
OTHER = "other"
"""The made-up level of drawn rows; brackets are added until no level is named so."""
CLIP_PARTS = 200
"""A clipping bound is rounded to a step of at least a 200th of the inner range."""
MEASURED_ROWS = 20_000
"""Rows of a model that show at which shares it draws levels: to .7 points (2 standard errors)."""
MOSTLY_RARE = 0.25
"""Share of a column's cells in rare levels from which on it is told."""
_NUMBER = re.compile(r"[+-]?(0|[1-9]\d*)([.,]\d+)?")
"""Texts that most readers take for numbers: beside "other" they no longer would."""

Shares = NDArray[np.float64]


@dataclass(frozen=True)
class PooledColumn:
    """The levels of one column: those that the model draws, and those that drawn rows hold.

    Attributes:
        label: what a rare level becomes in training; None where no training row holds one.
        learnt: what the model draws: levels that stay, `label`, and None, the missing one, last.
        drawn: their shares in what the model draws.
        levels: what drawn rows hold, of which `min_count` rows of the pool hold each; the
            made-up level for the rest of them; None, the missing one, last.
        shares: their shares in the pool and the reference, positive.
    """

    name: str
    label: str | None
    learnt: tuple[Level, ...]
    drawn: tuple[float, ...]
    levels: tuple[Level, ...]
    shares: tuple[float, ...]

    @property
    def kept(self) -> tuple[Level, ...]:
        """The levels that training rows keep, without the missing one."""
        return tuple(level for level in self.learnt if level not in (None, self.label))

    def share_of(self, level: Level) -> float:
        """The share of a level in drawn rows, in [0, 1]; 0: it never comes."""
        if level not in self.levels:
            return 0.0
        return self.shares[self.levels.index(level)] / sum(self.shares)

    def restricted(self, wanted: Sequence[Level]) -> tuple[list[Level], Self]:
        """The column of rows in which it is one of `wanted`, all of them in `levels`.

        Returns:
            Levels to ask the model for; none: it draws no wanted level, and no condition helps.
            And the column that turns what the model then draws into `wanted`, by their shares.
        """
        levels = tuple(level for level in self.levels if level in wanted)
        shares = tuple(self.share_of(level) for level in levels)
        useful = set(levels)
        if self.label is not None and not useful <= set(self.learnt):
            useful.add(self.label)
        asked = {
            level: share
            for level, share in zip(self.learnt, self.drawn, strict=True)
            if share > 0 and level in useful
        }
        column = replace(self, levels=levels, shares=shares)
        if asked:
            drawn = tuple(share / sum(asked.values()) for share in asked.values())
            column = replace(column, learnt=tuple(asked), drawn=drawn)
        return list(asked), column


@dataclass(frozen=True)
class ClippedColumn:
    """The range that a numeric or datetime column is clipped to; a date as ISO text."""

    name: str
    low: float | str
    high: float | str


@dataclass(frozen=True)
class PoolingRule:
    """What `Pooling.learn` found: which levels to pool, which ranges to clip to.

    Attributes:
        min_count: rows that hold each level that is named.
    """

    schema: Schema
    min_count: int
    pooled: tuple[PooledColumn, ...]
    clipped: tuple[ClippedColumn, ...]

    def apply(self, table: pd.DataFrame) -> pd.DataFrame:
        """Pool and clip a table with the rule's schema; `table` is not changed.

        A level that the rule does not know is rare.
        """
        changed = table.copy()
        for pooled in self.pooled:
            if pooled.label is not None:
                changed[pooled.name] = _pool(table[pooled.name], pooled)
        for clipped in self.clipped:
            column = self.schema[clipped.name]
            changed[clipped.name] = _clip(table[clipped.name], clipped, column)
        return changed

    def apply_schema(self) -> Schema:
        """The schema of what `apply` returns: columns with a pooled level hold text."""
        names = {column.name for column in self.pooled if column.label is not None}
        columns = tuple(
            replace(c, kind="categorical", dtype="object") if c.name in names else c
            for c in self.schema.columns
        )
        return replace(self.schema, columns=columns)

    def for_training(self, train: pd.DataFrame, *, min_count: int = 1) -> Self:
        """The rule for a model that learns from `train`, shape (n_train, n_columns).

        Levels that fewer than `min_count` training rows hold are pooled, too (a target's two
        commonest are not), since the model would not learn them.
        """
        least = max(self.min_count, min_count)
        columns = tuple(
            _for_training(train[c.name], c, least, n_sure=2 if c.name == self.schema.target else 0)
            for c in self.pooled
        )
        return replace(self, pooled=columns)

    def measured(self, sampled: pd.DataFrame) -> Self:
        """The rule with the shares at which a model draws levels, of rows that it drew.

        A share within two standard errors of what it should be passes for right.
        """
        columns = tuple(_measured(sampled[column.name], column) for column in self.pooled)
        return replace(self, pooled=columns)

    def undo(self, table: pd.DataFrame, *, seed: int) -> pd.DataFrame:
        """Give the cells of a sampled table levels at their shares; no pooled one is left.

        As few cells are changed as the difference of the shares demands (a maximal coupling).
        Cells are drawn in row order, so the first rows of a longer table get the same levels.
        """
        restored = table.reset_index(drop=True)
        for column in self.pooled:
            uniform = child_rng(seed, "undo", column.name).random(len(table))
            dtype = self.schema[column.name].dtype
            restored[column.name] = _unpool(restored[column.name], column, uniform, dtype)
        return self.schema.restore(restored).set_axis(table.index)

    def to_dict(self) -> dict[str, Any]:
        """The rule as JSON-able data; `from_dict` gives an equal rule back."""
        return {
            "schema": self.schema.to_json(),
            "min_count": self.min_count,
            "pooled": [asdict(column) for column in self.pooled],
            "clipped": [asdict(column) for column in self.clipped],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_dict`'s data. Raises DataError when it is not that."""
        try:
            schema = Schema.from_json(data["schema"])
            min_count = int(data["min_count"])
            pooled = tuple(_pooled_from_dict(entry) for entry in data["pooled"])
            clipped = tuple(ClippedColumn(**entry) for entry in data["clipped"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"not a pooling rule: {type(error).__name__}: {error}") from error
        for name in [*(p.name for p in pooled), *(c.name for c in clipped)]:
            schema[name]  # raises when there is no such column
        return cls(schema, min_count, pooled, clipped)


@dataclass(frozen=True)
class Pooling:
    """How strongly to pool and clip; zeros and a `min_count` of 1 change nothing.

    Args:
        min_rate: levels of a smaller share are pooled, in [0, 0.5).
        clip: numbers and dates are clipped to the [clip, 1 - clip] quantiles, in [0, 0.5).
        min_count: rows of the training pool that must hold a level for it to be named, at
            least 1. With 1, and a `min_rate` of 0, levels are the model's own affair.
        other: what stands in drawn rows for levels that fewer hold: `label`, a made-up level, or
            `commonest`, the column's commonest one.
    """

    min_rate: float = 0.01
    clip: float = 0.01
    min_count: int = 5
    other: Literal["label", "commonest"] = "label"

    def learn(self, pool: pd.DataFrame, reference: pd.DataFrame, schema: Schema) -> PoolingRule:
        """Learn the rule: levels from both tables, ranges from the reference.

        At least two levels of the target are kept: a pooled target could not be predicted.

        Args:
            pool: shape (n_pool, n_columns), all rows that a model may be trained on.
            reference: shape (n_reference, n_columns).
            schema: of both.

        Raises:
            ConfigError: a parameter out of its range.
            DataError: `reference` has no rows.
        """
        for name, value in (("min_rate", self.min_rate), ("clip", self.clip)):
            if not 0 <= value < 0.5:
                raise ConfigError(f"pooling.{name}={value}: must be in [0, 0.5)")
        if self.min_count < 1:
            raise ConfigError(f"pooling.min_count={self.min_count}: must be at least 1")
        if self.other not in ("label", "commonest"):
            raise ConfigError(f"pooling.other={self.other}: must be label or commonest")
        if not len(reference):
            raise DataError("pooling needs reference rows, and the reference split has none")
        names = schema.of_kind("categorical", "boolean")
        if not self.min_rate and self.min_count == 1:
            names = []
        levels = [schema[name] for name in names if schema[name].form != MADE]
        numbers = schema.of_kind("numeric", "datetime") if self.clip else []
        pooled = [
            self._learn_levels(pool[c.name], reference[c.name], c, c.name == schema.target)
            for c in levels
        ]
        clipped = [self._learn_range(reference[name], schema[name]) for name in numbers]
        return PoolingRule(
            schema,
            self.min_count,
            tuple(column for column in pooled if column is not None),
            # A target clipped to one value could not be predicted.
            tuple(c for c in clipped if c and not (c.low == c.high and c.name == schema.target)),
        )

    def _learn_levels(
        self, pool: pd.Series[Any], reference: pd.Series[Any], column: Column, is_target: bool
    ) -> PooledColumn | None:
        both = pd.concat([pool, reference], ignore_index=True).rename(column.name)
        levels = [level for level in find_levels(both) if level is not None]
        if not levels:
            return None
        held, counts = _counts(pool, levels), _counts(both, levels)
        by_count = np.lexsort((np.arange(len(levels)), -counts))
        is_named = held >= self.min_count
        if is_target:
            is_named[by_count[:2]] = True
        holds_label = column.kind == "categorical" and not _are_numbers(levels)
        has_other = held[~is_named].sum() >= self.min_count
        if not is_named.any() and not (holds_label and has_other):
            # Fewer rows than min_count have nothing to hide among; numbers need a level.
            is_named = counts == counts.max() if len(pool) < self.min_count else is_named
            is_named[by_count[0]] = True
        is_wide = counts >= (self.min_rate * len(both) if column.kind == "categorical" else 0)
        if is_target:
            is_wide[by_count[:2]] = True
        shares: dict[Level, float] = {levels[i]: counts[i] for i in by_count if is_named[i]}
        if has_other and holds_label:
            commonest = self.other == "commonest" and is_named.any()
            label = levels[by_count[0]] if commonest else _unused(OTHER, levels)
            shares[label] = shares.get(label, 0) + counts[~is_named].sum()
        n_missing = int(both.isna().sum())
        if pool.isna().sum() >= self.min_count:
            shares[None] = n_missing
        kept = [i for i in by_count if is_named[i] and is_wide[i]]
        drawn = [*counts[kept], counts.sum() - counts[kept].sum(), *([n_missing] * (n_missing > 0))]
        pooled_label = _unused(POOLED, levels)
        return PooledColumn(
            column.name,
            pooled_label,
            (*(levels[i] for i in kept), pooled_label, *([None] * (n_missing > 0))),
            tuple(to_digits(np.array(drawn) / len(both))),
            tuple(shares),
            tuple(to_digits(np.array(list(shares.values())) / len(both))),
        )

    def _learn_range(self, values: pd.Series[Any], column: Column) -> ClippedColumn | None:
        present = values.dropna()
        if present.empty:
            return None
        clip = min(max(self.clip, self.min_count / len(present)), 0.49)  # nobody's value alone
        if column.kind == "datetime":
            low, high = _round_dates(*present.quantile([clip, 1 - clip], interpolation="nearest"))
            return ClippedColumn(column.name, low.isoformat(), high.isoformat())
        floats = to_floats(present, column)
        ends = np.quantile(floats, [clip, 1 - clip], method="nearest")
        if ends[0] < ends[1]:
            step = step_for(ends[1] - ends[0], CLIP_PARTS)
            grain = 0.0 if column.decimals is None else 10.0**-column.decimals
            ends = np.array([on_step(end, max(step, grain)) for end in ends.tolist()])
        return ClippedColumn(column.name, *dtype_bounds(column, float(ends[0]), float(ends[1])))


def mostly_rare(pool: pd.DataFrame, schema: Schema, *, min_count: int = 5) -> list[str]:
    """A note on each column that loses much of itself when levels of few rows are not named.

    Args:
        pool: shape (n_pool, n_columns), all rows that a model may be trained on.
        schema: of `pool`.
        min_count: as in `Pooling`.
    """
    notes = []
    for name in schema.of_kind("categorical"):
        counts = pool[name].value_counts()
        rare = counts[counts < min_count]
        share = rare.sum() / max(1, counts.sum())
        if share >= MOSTLY_RARE and len(pool) >= min_count:
            notes.append(
                f"{name}: {len(rare)} of {len(counts)} levels, {share:.0%} of the cells, are held "
                f"by fewer than {min_count} of {len(pool)} training rows each and will not be "
                f"named in drawn rows; coarser codes (a region, the first digits) or a lower "
                f"pooling.min_count keep more of it"
            )
    return notes


def _round_dates(low: pd.Timestamp, high: pd.Timestamp) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Round two dates outwards to a coarse unit of the time between them."""
    for unit in ("D", "h", "min", "s"):
        if high - low >= CLIP_PARTS * pd.Timedelta(1, unit):
            wall = low.tz_localize(None).floor(unit), high.tz_localize(None).ceil(unit)
            low, high = (
                date.tz_localize(low.tz, ambiguous=True, nonexistent="shift_forward")
                for date in wall
            )
            break
    return low, high


def _counts(values: pd.Series[Any], levels: Sequence[Level]) -> NDArray[np.int64]:
    positions = positions_of(values, levels)
    return np.bincount(positions[positions >= 0], minlength=len(levels))


def _are_numbers(levels: Sequence[Level]) -> bool:
    """Whether a text among the levels would change what the column is read as."""
    return all(not isinstance(level, str) or _NUMBER.fullmatch(level) for level in levels)


def _unused(label: str, levels: Sequence[Level]) -> str:
    """`label` in as many brackets as no level has, in whatever case."""
    texts = {str(level).strip().casefold() for level in levels}
    while label.casefold() in texts:
        label = f"({label})"
    return label


def _pool(values: pd.Series[Any], column: PooledColumn) -> pd.Series[Any]:
    stays = (positions_of(values, column.kept) >= 0) | values.isna().to_numpy()
    return values.astype(object).where(stays, column.label)


def _clip(values: pd.Series[Any], clipped: ClippedColumn, column: Column) -> pd.Series[Any]:
    if isinstance(clipped.low, str):
        low, high = pd.Timestamp(clipped.low), pd.Timestamp(clipped.high)
        return values.mask(values < low, low).mask(values > high, high)
    floats = to_floats(values, column)
    ends = [clipped.low, float(clipped.high)]
    if column.decimals == 0:
        ends = [int(end) for end in ends]
    return values.mask(floats < ends[0], ends[0]).mask(floats > ends[1], ends[1])


def _for_training(
    values: pd.Series[Any], column: PooledColumn, least: int, *, n_sure: int
) -> PooledColumn:
    """The first `n_sure` of the levels that were kept, commonest first, stay whoever holds them."""
    counts = _counts(values, column.kept)
    n_missing = int(values.isna().sum())
    is_kept = counts >= np.where(np.arange(len(counts)) < n_sure, 1, least)
    held: dict[Level, int] = {
        level: int(n) for level, n, k in zip(column.kept, counts, is_kept, strict=True) if k
    }
    n_pooled = len(values) - n_missing - sum(held.values())
    label = column.label if n_pooled else None
    if label is not None:
        held[label] = n_pooled
    if n_missing:
        held[None] = n_missing
    drawn = to_digits(np.array(list(held.values())) / len(values))
    return replace(column, label=label, learnt=tuple(held), drawn=tuple(drawn))


def _measured(values: pd.Series[Any], column: PooledColumn) -> PooledColumn:
    counts = _counts(values, column.learnt)
    wanted = np.array([column.share_of(level) for level in column.learnt])
    errors = np.sqrt(wanted * (1 - wanted) / len(values))
    shares = counts / len(values)
    drawn = np.where(np.abs(shares - wanted) <= 2 * errors, wanted, shares)
    return replace(column, drawn=tuple(to_digits(drawn)))


def _unpool(
    values: pd.Series[Any], column: PooledColumn, uniform: NDArray[np.float64], dtype: str
) -> Any:
    named = (*(level for level in column.levels if level is not None), None)
    wanted = np.array([column.share_of(level) for level in named])
    places = np.array([named.index(level) if level in named else -1 for level in column.learnt])
    stays, lacking = _coupling(np.array(column.drawn), places, wanted)
    learnt = positions_of(values, column.learnt)
    stay = np.append(stays, 1.0)[learnt]  # -1, the last: a gap that the model did not learn
    codes = np.append(places, len(named) - 1)[learnt]
    moved = np.flatnonzero(uniform >= stay)
    again = (uniform[moved] - stay[moved]) / (1 - stay[moved])
    edges = np.cumsum(lacking)
    codes[moved] = np.searchsorted(edges[:-1], again * edges[-1], side="right")
    return values_of(codes, named, dtype)


def _coupling(drawn: Shares, places: NDArray[np.int64], wanted: Shares) -> tuple[Shares, Shares]:
    """How drawn levels become wanted ones with as few changes as can be.

    Args:
        drawn: shape (n_learnt,), shares at which the model draws its levels.
        places: shape (n_learnt,), where each of them stands in `wanted`; -1: nowhere.
        wanted: shape (n_levels,), shares that add up to 1.

    Returns:
        Shape (n_learnt,), the chance that a cell keeps its level; shape (n_levels,), weights of
        the levels that it is given else.
    """
    aims = np.where(places < 0, 0.0, wanted[places])
    stays = np.where(drawn > aims, aims / np.where(drawn > 0, drawn, 1.0), aims > 0)
    lacking = wanted.copy()
    lacking[places[places >= 0]] -= np.minimum(drawn, aims)[places >= 0]
    return stays, lacking if lacking.sum() > 1e-9 else wanted


def _pooled_from_dict(entry: Mapping[str, Any]) -> PooledColumn:
    label = None if entry["label"] is None else str(entry["label"])
    learnt, levels = read_levels(entry["learnt"]), read_levels(entry["levels"])
    drawn, shares = (tuple(map(float, entry[key])) for key in ("drawn", "shares"))
    if (len(learnt), len(levels)) != (len(drawn), len(shares)) or not levels:
        raise ValueError("a share for each level is needed")
    if not np.isfinite([*drawn, *shares]).all() or min(drawn, default=0) < 0 or min(shares) <= 0:
        raise ValueError("shares are positive numbers")
    if label is not None and label not in learnt:
        raise ValueError("the model draws the pooled level")
    return PooledColumn(str(entry["name"]), label, learnt, drawn, levels, shares)
