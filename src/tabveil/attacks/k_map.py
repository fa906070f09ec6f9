"""Does the synthetic table show combinations that point at one person of the training table?

Somebody who knows a few things of a person (age, sex, postcode, job) looks for that combination
in the released table. It points at the person where nobody else among the people in question has
it and hardly anybody in the population does. A synthetic table of ordinary people shows rare
combinations by chance, too. So the attack counts the **people** so exposed among members and among
as many others, whom the model never saw, by the same rule:

    a person is exposed when their combination is held by no other person of their side, by fewer
    than k rows of the reference, and by a row of the synthetic table.

People and not synthetic rows are counted: a generator that repeats one person a hundred times has
exposed one person, and counted a hundred times it would look like a hundred findings.

Numbers and dates are taken in 20 equal shares of the reference, since an acquaintance knows them
roughly and a generator hardly hits them exactly; missing is a share of its own, and so is what
lies beyond the reference. Categories stay as they are. k counts rows of the reference table as it
is, a sample of the population: of a fuller register, a combination would have more.

References:
    Sweeney 2002 (k-anonymity, k-map); El Emam & Dankar 2008: who is unique in a sample need not
    be in the population, hence the count in the reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.contracts import Direction, EvalInput, Score
from tabveil.data.schema import Schema
from tabveil.errors import CannotTell
from tabveil.measure.encode import Encoded
from tabveil.measure.intervals import difference_of_proportions
from tabveil.measure.lineup import Lineup, lineup_of
from tabveil.seeding import child_rng

Keys = NDArray[np.uint64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class KMap:
    """Members' rare quasi-identifier combinations in the synthetic table.

    Attributes:
        k: a combination is rare when fewer rows of the reference hold it.
        n_bins: equal shares of the reference that numbers and dates are taken in.
    """

    k: int = 5
    n_bins: int = 20

    name: ClassVar[str] = "k_map"
    direction: ClassVar[Direction] = "minimize"
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    threat_model: ClassVar[str] = (
        "Someone who has the released table and knows a person's quasi-identifiers, and looks "
        "for a combination that only this person can have brought in."
    )

    @staticmethod
    def applies(schema: Schema) -> bool:
        """Whether the schema names quasi-identifiers."""
        return bool(schema.modelled().quasi_identifiers)

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Count the exposed members and others.

        Returns:
            excess: share of members exposed less that of others, in [-1, 1]. Its detail
            describes the synthetic table: the smallest number of rows that share a combination,
            the share of rows in combinations of fewer than k, and the share of rows that show
            an exposed member. These have no interval and are no risk: a generator of strangers
            has small combinations, too.

        Raises:
            CannotTell: no quasi-identifiers; or as `lineup_of`.
            DataError: a table lacks a column or holds what its kind cannot.
        """
        columns = data.schema.modelled().quasi_identifiers
        if not columns:
            raise CannotTell("cannot tell: k_map needs quasi-identifiers; name them in the dataset")
        lineup = lineup_of(data)
        targets, reference = self._known(lineup, columns)
        synthetic = _combinations(lineup.synthetic.encoded.view(columns), self.n_bins)
        members, others = (targets[side] for side in _equal_sides(lineup, self.name))
        rare = [_unique(side) & (_counts(side, reference) < self.k) for side in (members, others)]
        shown = [np.isin(side, synthetic) for side in (members, others)]
        exposed = [one & two for one, two in zip(rare, shown, strict=True)]
        found = difference_of_proportions(
            members=int(exposed[0].sum()),
            n_members=len(members),
            others=int(exposed[1].sum()),
            n_others=len(others),
        )
        pointing = np.isin(synthetic, members[exposed[0]])
        detail: dict[str, Any] = {
            "quasi_identifiers": list(columns),
            "k": self.k,
            "n_each": len(members),
            "members_exposed": int(exposed[0].sum()),
            "others_exposed": int(exposed[1].sum()),
            "members_rare": int(rare[0].sum()),
            "others_rare": int(rare[1].sum()),
            "rows_pointing_at_a_member": float(pointing.mean()),
            **_anonymity(synthetic, self.k),
        }
        advantage = found.advantage
        return [Score("excess", found.value, found.low, found.high, advantage, detail)]

    def _known(self, lineup: Lineup, columns: tuple[str, ...]) -> tuple[Keys, Keys]:
        """The combinations of the targets and of the reference."""

        def make() -> tuple[Keys, Keys]:
            targets, reference = (
                _combinations(rows.encoded.view(columns), self.n_bins)
                for rows in (lineup.targets, lineup.reference)
            )
            return targets, reference

        return lineup.once(f"{self!r} {columns}", make)


def _equal_sides(lineup: Lineup, name: str) -> tuple[Mask, Mask]:
    """As many members as others: in a larger crowd fewer people are the only ones."""
    sides = np.flatnonzero(lineup.is_member), np.flatnonzero(~lineup.is_member)
    n = min(len(side) for side in sides)
    rng = child_rng(lineup.seed, name)
    drawn = [rng.choice(side, size=n, replace=False) for side in sides]
    members, others = (np.isin(np.arange(len(lineup)), side) for side in drawn)
    return members, others


def _combinations(encoded: Encoded, n_bins: int) -> Keys:
    """A key for each row's combination, shape (n,): equal for equal combinations.

    Ranks in the reference are its quantiles already: below 0 and above 1 lies what it does not
    reach.
    """
    bins = np.where(
        encoded.missing, n_bins + 1, np.floor(encoded.ranks * n_bins).clip(-1, n_bins)
    ).astype(np.int64)
    parts = pd.DataFrame(np.hstack([bins, encoded.codes]))
    return np.asarray(pd.util.hash_pandas_object(parts, index=False), dtype=np.uint64)


def _counts(keys: Keys, table: Keys) -> NDArray[np.int64]:
    """How many rows of `table` hold each key; shape (len(keys),)."""
    ordered = np.sort(table)
    counts: NDArray[np.int64] = np.searchsorted(ordered, keys, "right") - np.searchsorted(
        ordered, keys, "left"
    )
    return counts


def _unique(keys: Keys) -> Mask:
    return np.asarray(_counts(keys, keys) == 1)


def _anonymity(synthetic: Keys, k: int) -> dict[str, float | int]:
    """k-anonymity of the synthetic table itself, as a description."""
    sizes = _counts(synthetic, synthetic)
    return {
        "smallest_combination": int(sizes.min()),
        "rows_in_combinations_below_k": float((sizes < k).mean()),
    }
