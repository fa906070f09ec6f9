"""The levels of one column: which of them a model learns, which drawn rows hold, at which shares.

A level is *named* where `min_count` rows of the training pool and the reference together hold it. A
model learns those named levels that are not rare; the others are one level to it, `(rare)`. In what
it draws, a cell whose level comes too often is given one that comes too rarely, or that the model
does not know: a maximal coupling of the shares that it draws and those of the same rows, so that no
more cells are changed than need be. Levels that are not named come back as one made-up level,
`other`. Where a text cannot stand (numbers, truth values), the named ones share their part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.levels import Level, find_levels, positions_of, read_levels, values_of
from tabveil.data.rounding import to_digits
from tabveil.data.schema import Column

POOLED = "(rare)"
"""The pooled level, as only the model sees it; brackets are added until no level is named so."""
OTHER = "other"
"""The made-up level of drawn rows; brackets are added until no level is named so."""
MEASURED_ROWS = 20_000
"""Rows of a model that show at which shares it draws levels: to .7 points (2 standard errors)."""
_NUMBER = re.compile(r"[+-]?(0|[1-9]\d*)([.,]\d+)?")
"""Texts that most readers take for numbers: beside "other" they no longer would."""

Stands = Literal["label", "commonest"]
"""What stands for levels that are not named: a made-up level, or the column's commonest one."""
Shares = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class PooledColumn:
    """The levels that a model draws in one column, and those that drawn rows hold.

    Attributes:
        label: what a rare level becomes in training; None where no training row holds one.
        learnt: what the model draws: levels that stay, `label`, and None, the missing one, last.
        drawn: their shares in what the model draws.
        levels: what drawn rows hold: named levels, the made-up one, and None, the missing one,
            last.
        shares: their shares in the pool and the reference together, positive.
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

    def pool(self, values: pd.Series[Any]) -> pd.Series[Any]:
        """Cells with `label` in the place of levels that are not kept; gaps stay."""
        stays = (positions_of(values, self.kept) >= 0) | values.isna().to_numpy()
        return values.astype(object).where(stays, self.label)

    def for_training(self, values: pd.Series[Any], least: int, *, n_sure: int) -> Self:
        """The column of a model that learns from `values`, shape (n_train,).

        Levels that fewer than `least` of them hold are pooled, too; the commonest `n_sure` stay.
        """
        counts = count_levels(values, self.kept)
        is_kept = counts >= np.where(np.arange(len(counts)) < n_sure, 1, least)
        held: dict[Level, int] = {
            level: int(n) for level, n, k in zip(self.kept, counts, is_kept, strict=True) if k
        }
        n_missing = int(values.isna().sum())
        n_pooled = len(values) - n_missing - sum(held.values())
        label = self.label if n_pooled else None
        if label is not None:
            held[label] = n_pooled
        if n_missing:
            held[None] = n_missing
        drawn = to_digits(np.array(list(held.values())) / max(1, len(values)))
        return replace(self, label=label, learnt=tuple(held), drawn=tuple(drawn))

    def measured(self, sampled: pd.Series[Any]) -> Self:
        """The column with the shares of `sampled`, shape (n,), which the model drew.

        A share within two standard errors of what it should be passes for right.
        """
        wanted = np.array([self.share_of(level) for level in self.learnt])
        errors = np.sqrt(wanted * (1 - wanted) / len(sampled))
        shares = count_levels(sampled, self.learnt) / len(sampled)
        drawn = np.where(np.abs(shares - wanted) <= 2 * errors, wanted, shares)
        return replace(self, drawn=tuple(to_digits(drawn)))

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

    def restore(self, values: pd.Series[Any], uniform: Shares, dtype: str) -> Any:
        """Drawn cells, shape (n,), with levels at their shares.

        Args:
            values: shape (n,), as the model drew them.
            uniform: shape (n,), a random number in [0, 1) for each.
            dtype: of the column in drawn rows.
        """
        named = (*(level for level in self.levels if level is not None), None)
        wanted = np.array([self.share_of(level) for level in named])
        places = np.array([named.index(lev) if lev in named else -1 for lev in self.learnt])
        stays, lacking = couple(np.array(self.drawn), places, wanted)
        learnt = positions_of(values, self.learnt)
        stay = np.append(stays, 1.0)[learnt]  # -1, the last: a gap that the model did not learn
        codes = np.append(places, len(named) - 1)[learnt]
        moved = np.flatnonzero(uniform >= stay)
        again = (uniform[moved] - stay[moved]) / (1 - stay[moved])
        edges = np.cumsum(lacking)
        codes[moved] = np.searchsorted(edges[:-1], again * edges[-1], side="right")
        return values_of(codes, named, dtype)

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """Read `dataclasses.asdict`'s data. Raises ValueError, KeyError or TypeError otherwise."""
        label = None if entry["label"] is None else str(entry["label"])
        learnt, levels = read_levels(entry["learnt"]), read_levels(entry["levels"])
        drawn, shares = (tuple(map(float, entry[key])) for key in ("drawn", "shares"))
        if (len(learnt), len(levels)) != (len(drawn), len(shares)) or not levels:
            raise ValueError("a share for each level is needed")
        if not np.isfinite([*drawn, *shares]).all() or min((0, *drawn)) < 0 or min(shares) <= 0:
            raise ValueError("shares are positive numbers")
        if label is not None and label not in learnt:
            raise ValueError("the model draws the pooled level")
        return cls(str(entry["name"]), label, learnt, drawn, levels, shares)


def learn_levels(
    values: pd.Series[Any],
    column: Column,
    *,
    min_rate: float,
    min_count: int,
    other: Stands,
    n_sure: int,
) -> PooledColumn | None:
    """Learn which levels of a column are named and kept; None where it has no level.

    Args:
        values: shape (n,), all rows that a model may be trained on, and the reference.
        column: of the schema.
        min_rate: named levels of a smaller share are rare, except truth values.
        min_count: rows that must hold a level for it to be named.
        other: what stands for the levels that are not.
        n_sure: so many of the commonest levels are named and kept whoever holds them.
    """
    levels = [level for level in find_levels(values) if level is not None]
    if not levels:
        return None
    counts = count_levels(values, levels)
    order = np.argsort(-counts, kind="stable")
    levels, counts = [levels[i] for i in order], counts[order]
    is_named = (counts >= min_count) | (np.arange(len(levels)) < n_sure)
    holds_label = not are_numbers(levels) if column.format is None else column.format.holds_text
    has_label = column.kind == "categorical" and holds_label
    has_label &= counts[~is_named].sum() >= min_count
    if not is_named.any() and not has_label:
        # Fewer rows than min_count have nothing to hide among; else one level has to be there.
        is_named = counts == counts[0] if len(values) < min_count else np.arange(len(levels)) == 0
    shares = _of(levels, counts, is_named)
    if has_label:
        stands = next(iter(shares)) if other == "commonest" and shares else unused(OTHER, levels)
        shares[stands] = shares.get(stands, 0) + int(counts[~is_named].sum())
    is_wide = counts >= (min_rate * len(values) if column.kind == "categorical" else 0)
    is_kept = is_named & (is_wide | (np.arange(len(levels)) < n_sure))
    learnt = _of(levels, counts, is_kept)
    label = unused(POOLED, levels)
    learnt[label] = int(counts[~is_kept].sum())
    n_missing = int(values.isna().sum())
    if n_missing:
        learnt[None] = n_missing
    if n_missing >= min_count:
        shares[None] = n_missing
    return PooledColumn(
        column.name,
        label,
        tuple(learnt),
        tuple(to_digits(np.array(list(learnt.values())) / len(values))),
        tuple(shares),
        tuple(to_digits(np.array(list(shares.values())) / len(values))),
    )


def couple(drawn: Shares, places: Counts, wanted: Shares) -> tuple[Shares, Shares]:
    """How drawn levels become wanted ones with as few changes as can be.

    Args:
        drawn: shape (n_learnt,), shares at which a model draws its levels.
        places: shape (n_learnt,), where each of them stands in `wanted`; -1: nowhere.
        wanted: shape (n_levels,), shares that add up to 1.

    Returns:
        Shape (n_learnt,), the chance that a cell keeps its level; shape (n_levels,), weights of
        the levels that it is given else.

    >>> couple(np.array([0.6, 0.4]), np.array([0, 1]), np.array([0.3, 0.5, 0.2]))
    (array([0.5, 1. ]), array([0. , 0.1, 0.2]))
    """
    aims = np.where(places < 0, 0.0, wanted[places])
    stays = np.where(drawn > aims, aims / np.where(drawn > 0, drawn, 1.0), aims > 0)
    lacking = wanted.copy()
    lacking[places[places >= 0]] -= np.minimum(drawn, aims)[places >= 0]
    return stays, lacking if lacking.sum() > 1e-9 else wanted


def count_levels(values: pd.Series[Any], levels: Sequence[Level]) -> Counts:
    """How many cells hold each of `levels`."""
    positions = positions_of(values, levels)
    return np.bincount(positions[positions >= 0], minlength=len(levels))


def are_numbers(levels: Sequence[Level]) -> bool:
    """Whether a word among the levels would change what the column is read as.

    >>> are_numbers(["1", "2.5"]), are_numbers(["01234"]), are_numbers([True, False])
    (True, False, True)
    """
    return all(not isinstance(level, str) or _NUMBER.fullmatch(level) for level in levels)


def unused(label: str, levels: Sequence[Level]) -> str:
    """`label` in so many brackets that no level is named so, in whatever case."""
    texts = {str(level).strip().casefold() for level in levels}
    while label.casefold() in texts:
        label = f"({label})"
    return label


def _of(levels: Sequence[Level], counts: Counts, chosen: NDArray[np.bool_]) -> dict[Level, int]:
    return {levels[i]: int(counts[i]) for i in np.flatnonzero(chosen).tolist()}
