"""Whom do the membership attacks ask about, and what may they look at?

A lineup puts members (rows the model saw) among others (rows it never saw), hidden from the
attack, beside the reference and the synthetic table. Every membership attack works on the same
one, so that their numbers can be combined row by row.

What makes the comparison of members with others fair:

- Both are held against the same reference and synthetic rows.
- A target is a distinct row that stands on one side only, and is rarer than every row that stands
  on two (train, control, reference). Where twins were kept together, that is each distinct row.
  Where rows were dealt out one by one, it is each row without a twin anywhere. Where only common
  rows were, it is each row that is not common. How many twins a row has in all three tables
  together is the same whichever side it went to, so the rule favours no side
  (docs/decisions/024).
- Where two tables hold more of the same rows than dealing them out explains, one holds rows of the
  other, and there is no lineup.
- Who is asked, and in which order, depends on contents and seed only; never on who is a member.

Outliers are the decile of targets farthest from the reference: averages overlook them.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.contracts import EvalInput, Limits
from tabveil.errors import CannotTell, DataError
from tabveil.measure.distance import nearest
from tabveil.measure.encode import DistanceEncoder, Encoded
from tabveil.measure.shared_rows import Keys, Twins, check_overlap, twins_of, unshared_keys
from tabveil.memo import Memo
from tabveil.seeding import child_rng

MIN_ROWS = 20
"""Fewer rows on any side and no finding could be told from chance."""
OUTLIER_SHARE = 0.1
WORTH_SAYING = 0.01
"""Share of the rows that nobody asks about, from which on a report says so."""

T = TypeVar("T")
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Rows:
    """Rows of a table, as they came and encoded, in one order."""

    frame: pd.DataFrame
    encoded: Encoded

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, rows: NDArray[Any]) -> Rows:
        """The rows at these positions (or under this mask), in this order."""
        frame = self.frame.iloc[rows].reset_index(drop=True)
        return Rows(frame, self.encoded.take(rows))


@dataclass(frozen=True)
class RowKeys:
    """Rows by key, before any limit, as the exact-copies attack counts them.

    Attributes:
        members, others: each row that may be a target, once.
        shared: each row of train or control that may not, once.
        reference, synthetic: all rows.
    """

    members: Keys
    others: Keys
    shared: Keys
    reference: Keys
    synthetic: Keys


@dataclass(frozen=True)
class Lineup:
    """Targets and the tables they are held against.

    Attributes:
        targets: shape (n,), members and others mixed.
        is_member: shape (n,), the truth; for judging an attack, never for making it.
        in_pool: shape (n,), whether the target might have been a member by a draw of ours; all
            True where membership was not drawn.
        reference, synthetic: the rows to search, at most `limits.max_searched` each, and `added`.
        keys: of all rows, before any limit, for exact copies.
        twins: what may not be a target, and why.
        encoder: of all tables.
        limits: as given.
        seed: of every draw.
        base: the lineup before `added` were added to `synthetic`; None: nothing was.
        added: rows.
    """

    targets: Rows
    is_member: Mask
    in_pool: Mask
    reference: Rows
    synthetic: Rows
    keys: RowKeys
    twins: Twins
    encoder: DistanceEncoder
    limits: Limits
    seed: int
    _shared: Memo
    base: Lineup | None = None
    added: Rows | None = None
    _memo: Memo = field(default_factory=Memo)

    def __len__(self) -> int:
        return len(self.targets)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, kept for every synthetic table with these targets and reference.

        `name` says what it is with all its parameters, such as `repr(attack)`; `make` must not
        look at `synthetic` or `is_member`.
        """
        return self._shared.get((self.digest, name), make)

    @cached_property
    def digest(self) -> str:
        """Of who the targets are, in which order, and of the reference searched."""
        digest = hashlib.sha256(self.targets.encoded.row_keys().tobytes())
        digest.update(b"reference" + self.reference.encoded.row_keys().tobytes())
        for rows in (self.targets, self.reference):  # units are no part of keys
            digest.update(rows.encoded.values.tobytes())
        digest.update(repr((self.seed, len(self.reference))).encode())
        return digest.hexdigest()

    def synthetic_distances(
        self, *, k: int = 1, columns: tuple[str, ...] | None = None, by_value: bool = False
    ) -> NDArray[np.float64]:
        """Distances of the targets to the k nearest synthetic rows; shape (n, k), nearest first.

        Args:
            k: at least 1; of fewer rows all are taken.
            columns: seen through these columns only; None: all.
            by_value: numbers by value instead of by rank.
        """

        def search() -> NDArray[np.float64]:
            if self.base is None or self.added is None:
                return self._distances(self.synthetic, k, columns, by_value=by_value)
            before = self.base.synthetic_distances(k=k, columns=columns, by_value=by_value)
            more = self._distances(self.added, k, columns, by_value=by_value)
            return np.sort(np.hstack([before, more]), axis=1)[:, :k]

        return self._memo.get((k, columns, by_value), search)

    def reference_distances(
        self, *, k: int = 1, columns: tuple[str, ...] | None = None, by_value: bool = False
    ) -> NDArray[np.float64]:
        """The same to reference rows, searched once for every synthetic table."""
        return self.once(
            f"reference distances {k} {columns} {by_value}",
            lambda: self._distances(self.reference, k, columns, by_value=by_value),
        )

    def _distances(
        self, table: Rows, k: int, columns: tuple[str, ...] | None, *, by_value: bool
    ) -> NDArray[np.float64]:
        ours, theirs = (
            rows.encoded if columns is None else rows.encoded.view(columns)
            for rows in (self.targets, table)
        )
        if by_value:
            ours, theirs = ours.by_value(), theirs.by_value()
        k = min(k, len(table))
        return nearest(ours, theirs, k=k, device=self.limits.device).distance

    @cached_property
    def is_outlier(self) -> Mask:
        """The decile of targets farthest from the reference; shape (n,). Ties belong to it."""
        away = self.reference_distances()[:, 0]
        outlying: Mask = away >= np.quantile(away, 1 - OUTLIER_SHARE)
        return outlying


def lineup_of(data: EvalInput) -> Lineup:
    """The lineup of an input, made once.

    Raises:
        CannotTell: fewer than 20 rows of a table, or distinct targets of a side; or a table that
            holds rows of another.
        DataError: a table lacks a column or holds what its kind cannot.
    """
    return data.memo.get("lineup", lambda: _make(data) if data.base is None else _extend(data))


def about_twins(data: EvalInput) -> tuple[str, ...]:
    """What to say of rows that nobody asks about; nothing where they are few, or none is asked."""
    try:
        twins = lineup_of(data).twins
    except CannotTell:  # each attack says so
        return ()
    return (str(twins),) if twins.n_shared >= WORTH_SAYING * twins.n_rows else ()


def _make(data: EvalInput) -> Lineup:
    rng = child_rng(data.seed, "lineup")
    if not data.schema.modelled().columns:
        raise DataError("no column is left to compare rows by: all identify or group them")
    encoder = DistanceEncoder.fit(data.reference, data.schema)
    pool, control, is_member = _sides(data, encoder)
    reference, synthetic = (_read(t, encoder)[0] for t in (data.reference, data.synthetic))
    pool_keys, control_keys, reference_keys, synthetic_keys = (
        rows.encoded.row_keys() for rows in (pool, control, reference, synthetic)
    )
    # Where a part of a pool was learnt from, the rest of it are others.
    others = len(control) + int((~is_member).sum())
    _check_sizes(
        train=len(pool), control=others, reference=len(reference), synthetic=len(synthetic)
    )
    check_overlap(train=pool_keys, control=control_keys, reference=reference_keys)
    most, searched = data.limits.max_targets, data.limits.max_searched
    unshared = unshared_keys(pool_keys, control_keys, reference_keys)
    alone, others_alone = (_alone(keys, unshared) for keys in (pool_keys, control_keys))
    most_ours = most
    if most is not None and not is_member.all():
        # A part of the pool was learnt from; the other stands in for others that are lacking.
        most_ours = 2 * most - min(most, len(others_alone))
    ours, theirs = _choose(alone, most_ours, rng), _choose(others_alone, most, rng)
    member_keys = np.intersect1d(pool_keys[is_member], unshared)
    other_keys = np.setdiff1d(
        np.intersect1d(np.concatenate([pool_keys, control_keys]), unshared), member_keys
    )
    twins = twins_of(pool_keys, control_keys, member_keys, other_keys)
    _check_targets(twins)
    is_asked = np.isin(np.concatenate([pool_keys[ours], control_keys[theirs]]), member_keys)
    mixed = rng.permutation(len(is_asked))
    targets = _join(pool.take(ours), control.take(theirs)).take(mixed)
    in_pool = (np.arange(len(mixed)) < len(ours))[mixed]
    return Lineup(
        targets=targets,
        is_member=is_asked[mixed],
        in_pool=in_pool if data.membership else np.ones(len(mixed), dtype=bool),
        reference=_draw(reference, searched, child_rng(data.seed, "lineup", "reference")),
        synthetic=_draw(synthetic, searched, child_rng(data.seed, "lineup", "synthetic")),
        keys=RowKeys(
            member_keys,
            other_keys,
            np.setdiff1d(np.concatenate([pool_keys, control_keys]), unshared),
            reference_keys,
            synthetic_keys,
        ),
        twins=twins,
        encoder=encoder,
        limits=data.limits,
        seed=data.seed,
        _shared=data.shared,
    )


def _extend(data: EvalInput) -> Lineup:
    """The lineup before rows were added, with as large a part of them as it has of the others."""
    assert data.base is not None
    base, before = lineup_of(data.base), len(data.base.synthetic)
    added, _ = _read(data.synthetic.iloc[before:], base.encoder)
    keys = np.concatenate([base.keys.synthetic, added.encoded.row_keys()])
    part = max(1, round(len(added) * len(base.synthetic) / before))
    added = _draw(added, part, child_rng(data.seed, "lineup", "added"))
    return replace(
        base,
        synthetic=_join(base.synthetic, added),
        keys=replace(base.keys, synthetic=keys),
        base=base,
        added=added,
        _memo=Memo(),
    )


def _sides(data: EvalInput, encoder: DistanceEncoder) -> tuple[Rows, Rows, Mask]:
    """The side that members come from, the other side, and who of the first is a member."""
    if data.membership is None:
        train, _ = _read(data.train, encoder)
        return train, _read(data.control, encoder)[0], np.ones(len(train), dtype=bool)
    given = data.membership
    pool, order = _read(given.rows[given.in_pool], encoder)
    control, _ = _read(given.rows[~given.in_pool], encoder)
    return pool, control, given.is_member[given.in_pool][order]


def _read(table: pd.DataFrame, encoder: DistanceEncoder) -> tuple[Rows, NDArray[np.intp]]:
    """The modelled columns of a table, sorted by content: no draw sees the order of a file."""
    encoded = encoder.transform(table)
    order = np.argsort(encoded.row_keys(), kind="stable")
    return Rows(table[encoder.schema.names], encoded).take(order), order


def _draw(rows: Rows, most: int | None, rng: np.random.Generator) -> Rows:
    if most is None or len(rows) <= most:
        return rows
    return rows.take(np.sort(rng.choice(len(rows), size=most, replace=False)))


def _alone(keys: Keys, unshared: Keys) -> NDArray[np.intp]:
    """Positions of one row of each key that is unshared."""
    first = np.unique(keys, return_index=True)[1]
    return first[np.isin(keys[first], unshared)]


def _choose(
    alone: NDArray[np.intp], most: int | None, rng: np.random.Generator
) -> NDArray[np.intp]:
    n = len(alone) if most is None else min(most, len(alone))
    return np.sort(rng.choice(alone, size=n, replace=False))


def _join(first: Rows, second: Rows) -> Rows:
    one, two = first.encoded, second.encoded
    encoded = Encoded(
        numeric=one.numeric,
        categorical=one.categorical,
        ranks=np.concatenate([one.ranks, two.ranks]),
        missing=np.concatenate([one.missing, two.missing]),
        values=np.concatenate([one.values, two.values]),
        codes=np.concatenate([one.codes, two.codes]),
    )
    with warnings.catch_warnings():  # pandas 2 minds a column that is wholly missing in one
        warnings.simplefilter("ignore", FutureWarning)
        frame = pd.concat([first.frame, second.frame], ignore_index=True)
    return Rows(frame, encoded)


def _check_sizes(**sizes: int) -> None:
    for name, n in sizes.items():
        if n < MIN_ROWS:
            raise CannotTell(
                f"cannot tell: {name} has {n} rows; an attack needs {MIN_ROWS} to tell a leak from "
                f"chance"
            )


def _check_targets(twins: Twins) -> None:
    for name, n in (("train", twins.n_members), ("control", twins.n_others)):
        if n < MIN_ROWS:
            why = "" if n else f" (is {name} a part of another table?)"
            raise CannotTell(
                f"cannot tell: {name} has {n} distinct rows of its own{why}, and an attack needs "
                f"{MIN_ROWS} to tell a leak from chance; {twins}"
            )
