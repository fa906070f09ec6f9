"""Which rows may the model see, and which are kept to judge it?

`train` is the pool: each trial of a sweep learns from a random part of it, and has the rest as non-
members and utility test; a confirmation learns from all of it. `control`, where a share is given to
it, is a fixed such test that no model ever learns from. `reference` is what an attacker may know of
the population; `release` stays closed until a candidate is confirmed. Every row's chance of each
split is that split's share, whatever its target or its place in the file; only the seed and the
rows themselves decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.schema import Schema
from tabveil.data.twins import (
    COMMON,
    Codes,
    Units,
    group_codes,
    link,
    straddling,
    twin_codes,
)
from tabveil.errors import DataError
from tabveil.seeding import child_rng

NAMES = ("train", "control", "reference", "release")
_FEWEST = 5  # units in the smallest split: below that no attack or test on it says anything


@dataclass(frozen=True)
class Shares:
    """The part of the rows that each split gets; together 1, that of `control` alone may be 0."""

    train: float = 0.65
    control: float = 0.0
    reference: float = 0.15
    release: float = 0.2

    def __post_init__(self) -> None:
        """Raise DataError unless the shares are positive, `control` at least 0, and sum to 1."""
        shares = astuple(self)
        needed = (self.train, self.reference, self.release)
        if min(needed) <= 0 or self.control < 0 or abs(sum(shares) - 1) > 1e-9:
            raise DataError(
                f"the shares of the splits must be positive and sum to 1 (control may be 0): "
                f"{asdict(self)}"
            )

    @property
    def smallest(self) -> float:
        """Of those that are not 0."""
        return float(min(share for share in astuple(self) if share))


@dataclass(frozen=True)
class Splits:
    """The four parts of a table, modelled columns only, each with a fresh RangeIndex.

    `report` is JSON-able: n_rows, n_<split>, n_units (what was dealt out), group, n_groups,
    stratified_on, n_twin_rows (rows identical to another), n_common_rows (of them, those of which
    so many are identical that they were dealt out one by one), n_twin_rows_parted (those with a
    twin in another split), n_twin_rows_parted_if_unlinked (the same without
    `keep_twins_together`), n_rows_unlinked, and note (None, or why twins were parted).
    `groups` gives each row of each split the number of its group: the same person, the same
    number; without a group column every row has its own.
    """

    train: pd.DataFrame
    control: pd.DataFrame
    reference: pd.DataFrame
    release: pd.DataFrame
    groups: Mapping[str, NDArray[np.intp]]
    report: dict[str, Any]


def split(
    table: pd.DataFrame,
    schema: Schema,
    *,
    seed: int,
    shares: Shares = Shares(),
    keep_twins_together: bool = True,
) -> Splits:
    """Divide a table into train, control, reference and release.

    Rows of one group stay together, and by default identical rows (over the modelled columns,
    missing equal to missing), unless that leaves too few or too large units to deal out; the
    report says so. Rows that `twins.COMMON` rows or more share are dealt out one by one, each
    split its share of them. Stratified on a categorical or boolean target. The order of the rows
    in `table` does not matter.

    Raises:
        DataError: the table has no modelled column, too few rows (or groups) for the smallest
            split, or one group too large for it.
    """
    if not schema.modelled().columns:
        raise DataError("nothing to model: every column is an identifier or the group")
    rows, hashes, groups = _canonical(table, schema)
    group, twin = group_codes(groups, len(rows)), twin_codes(hashes)
    smallest = shares.smallest
    fewest = int(np.ceil(_FEWEST / smallest - 1e-9))
    _check_size(group, schema.group, fewest)
    common = np.bincount(twin)[twin] >= COMMON
    units = link(
        group,
        twin if keep_twins_together else None,
        most_rows=max(smallest * len(rows), 1),
        fewest_units=fewest,
        common=common,
    )
    strata, stratified_on = _strata(rows, schema, fewest=int(np.ceil(1 / smallest)))
    strata = _number_apart(strata, twin, common)
    side = _deal(units.unit, strata, shares, child_rng(seed, "split"))
    alone = _deal(group, strata, shares, child_rng(seed, "split")) if keep_twins_together else side
    _check_sides(side, shares, schema.group)
    report: dict[str, Any] = {
        "n_rows": len(rows),
        **{f"n_{name}": int((side == i).sum()) for i, name in enumerate(NAMES)},
        "n_units": int(units.unit.max()) + 1,
        "group": schema.group,
        "n_groups": int(group.max()) + 1 if schema.group else None,
        "stratified_on": stratified_on,
        **_report_twins(twin, common, units, side, alone, kept=keep_twins_together),
    }
    order = child_rng(seed, "split", "order").permutation(len(rows))
    chosen = {name: order[side[order] == i] for i, name in enumerate(NAMES)}
    return Splits(
        **{name: rows.iloc[taken].reset_index(drop=True) for name, taken in chosen.items()},
        groups={name: group[taken] for name, taken in chosen.items()},
        report=report,
    )


def _canonical(
    table: pd.DataFrame, schema: Schema
) -> tuple[pd.DataFrame, NDArray[np.uint64], pd.Series[Any] | None]:
    """Modelled rows, their hashes and their groups, in an order that only contents decide."""
    rows = schema.modelled().restore(table)
    hashes = _hashes(rows)
    if schema.group is None:
        order = np.argsort(hashes, kind="stable")
        return rows.iloc[order].reset_index(drop=True), hashes[order], None
    groups = table[schema.group].reset_index(drop=True)
    order = np.lexsort((_hashes(groups), hashes))
    return rows.iloc[order].reset_index(drop=True), hashes[order], groups.iloc[order]


def _hashes(rows: pd.DataFrame | pd.Series[Any]) -> NDArray[np.uint64]:
    return np.asarray(pd.util.hash_pandas_object(rows, index=False), dtype=np.uint64)


def _strata(rows: pd.DataFrame, schema: Schema, *, fewest: int) -> tuple[Codes, str | None]:
    """Number the target's levels; levels of fewer than `fewest` rows form one stratum."""
    target = schema.target
    if target is None or schema[target].kind not in ("categorical", "boolean"):
        return np.zeros(len(rows), dtype=np.intp), None
    codes = pd.factorize(rows[target].astype(str), sort=True)[0]
    rare = np.bincount(codes)[codes] < fewest
    return pd.factorize(np.where(rare, -1, codes), sort=True)[0], target


def _number_apart(strata: Codes, twin: Codes, common: NDArray[np.bool_]) -> Codes:
    """Make a stratum of each different common row, so that each split gets its share of it."""
    return pd.factorize(np.where(common, strata.max() + 1 + twin, strata), sort=True)[0]


def _deal(unit: Codes, strata: Codes, shares: Shares, rng: np.random.Generator) -> NDArray[np.intp]:
    """Give each row the number of its split, shape (n,).

    In each stratum the units stand in random order on a circle, each as long as it has rows, and
    the circle, turned at random, is cut by the shares: systematic sampling, so that sizes come
    out right and every unit's chance of a split is exactly its share. A unit lies in the stratum
    of its first row, and goes where its middle lies.
    """
    size = np.bincount(unit)
    stratum = np.empty(len(size), dtype=np.intp)
    stratum[unit[::-1]] = strata[::-1]
    order = np.lexsort((rng.random(len(size)), stratum))
    length = np.bincount(stratum, weights=size)
    start = np.concatenate([[0], np.cumsum(length)[:-1]])
    middle = np.cumsum(size[order]) - size[order] / 2
    of = stratum[order]
    turn = rng.random(len(length))
    position = ((middle - start[of]) / np.maximum(length[of], 1) + turn[of]) % 1
    side = np.empty(len(size), dtype=np.intp)
    side[order] = np.searchsorted(np.cumsum(astuple(shares))[:-1], position, side="right")
    return side[unit]


def _check_size(group: Codes, name: str | None, fewest: int) -> None:
    n = int(group.max()) + 1
    if n < fewest:
        what = f"different values of the group column {name!r}" if name else "rows"
        raise DataError(
            f"the table is too small to split: {n} {what}, and at least {fewest} are needed to "
            f"have {_FEWEST} in the smallest split; bring more rows"
        )


def _check_sides(side: NDArray[np.intp], shares: Shares, group: str | None) -> None:
    """Refuse a split that got less than a third of its share: a unit is too large."""
    counts = np.bincount(side, minlength=len(NAMES))
    short = [
        n
        for n, count, share in zip(NAMES, counts, astuple(shares), strict=True)
        if count < share * len(side) / 3
    ]
    if short:
        why = (
            f"some values of the group column {group!r} hold too large a part of the rows"
            if group
            else "some rows and their copies are too large a part of it to be kept on one side, "
            "as they are without split.keep_twins_together=false"
        )
        raise DataError(
            f"the table cannot be split: too little is left for {', '.join(short)}; {why}"
        )


def _report_twins(
    twin: Codes,
    common: NDArray[np.bool_],
    units: Units,
    side: NDArray[np.intp],
    alone: NDArray[np.intp],
    *,
    kept: bool,
) -> dict[str, Any]:
    n_unlinked, n_common = int(units.unlinked.sum()), int(common.sum())
    notes = []
    if not kept:
        notes.append("identical rows were not kept on one side, as asked")
    elif n_common:
        notes.append(
            f"{n_common} of {len(twin)} rows were dealt out one by one, since {COMMON} or more are "
            f"identical: what so many share is nobody's secret, and no attack asks about them"
        )
    if n_unlinked > (n_common if kept else 0):
        notes.append(
            f"identical rows were not kept on one side for {n_unlinked} of {len(twin)} rows: "
            f"together they are too many for the smallest split"
        )
    return {
        "n_twin_rows": int((np.bincount(twin)[twin] > 1).sum()),
        "n_common_rows": n_common,
        "n_twin_rows_parted": int(straddling(side, twin).sum()),
        "n_twin_rows_parted_if_unlinked": int(straddling(alone, twin).sum()),
        "n_rows_unlinked": n_unlinked,
        "note": "; ".join(notes) or None,
    }
