"""Are training rows released word for word?

The attacker holds the synthetic table and looks a person's row up in it. Some real rows occur by
chance, because they are common; so the rows of people whom the model never saw are looked up too,
and only the excess counts. All rows are counted, not only those that the other attacks ask about:
one copy in a thousand moves no average, but is a person's row in the open.

With a `reference` table of the same population, the attacker also knows how common a row is:

    exact(x) = log((copies of x in synthetic + ½) / (n_synthetic + 1))
             - log((copies of x in reference + ½) / (n_reference + 1))

References:
    Newcombe 1998, method 10: the interval of a difference of proportions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tabveil.contracts import Advantage, Direction, EvalInput, Score
from tabveil.measure.intervals import Z95, Estimate, difference_of_proportions
from tabveil.measure.lineup import Lineup, lineup_of

BEYOND_CHANCE = 1e-3
"""Where Fisher's p-value is smaller, Newcombe's bound, which tells how large a leak is, will do."""

Keys = NDArray[np.uint64]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Copies:
    """Membership inference by exact copies."""

    name: ClassVar[str] = "copies"
    direction: ClassVar[Direction] = "minimize"
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    threat_model: ClassVar[str] = (
        "Someone who has the released table and knows a person's whole row, and looks it up there"
    )

    def signals(self, data: EvalInput) -> Mapping[str, Values]:
        """`exact`: how much more common the row is in `synthetic` than in `reference`."""
        return data.memo.get(repr(self), lambda: {"exact": _exact(lineup_of(data))})

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Count the rows of `train` and of others that stand in `synthetic`.

        Returns:
            excess: share of members with an exact copy in `synthetic` minus that of others, in
                [-1, 1], over all rows.

        Raises:
            CannotTell: the lineup cannot be made.
        """
        keys = lineup_of(data).keys
        released = np.unique(keys.synthetic)
        members, others = (
            int(_found(side, released).sum()) for side in (keys.members, keys.others)
        )
        found = excess(
            members=members, n_members=len(keys.members), others=others, n_others=len(keys.others)
        )
        detail = {
            "members_rate": members / len(keys.members),
            "others_rate": others / len(keys.others),
            "members_copied": members,
            "others_copied": others,
            "n_members": len(keys.members),
            "n_others": len(keys.others),
            "n_synthetic": len(keys.synthetic),
        }
        advantage = _either_way(found)
        return [Score("excess", found.value, found.low, found.high, advantage, detail)]


def _either_way(found: Estimate) -> Advantage:
    """As a component of the risk: members who are missing beyond chance are told by that.

    A filter of exact copies leaves them out; whoever is not there was in the training table.
    """
    plain = found.advantage
    return Advantage(-plain.value, plain.above, plain.se) if found.high < 0 else plain


def excess(*, members: int, n_members: int, others: int, n_others: int) -> Estimate:
    """Share of members minus share of others: Newcombe's, but of few copies Fisher's exact test.

    Newcombe's lower bound promises too much of a handful of copies when the others are many: one
    copy among 600 members and none among 6,000 others happens to safe tables in 1 case of 11.
    """
    found = difference_of_proportions(
        members=members, n_members=n_members, others=others, n_others=n_others
    )
    chance = stats.hypergeom.sf(members - 1, n_members + n_others, members + others, n_members)
    if found.value <= 0 or chance < BEYOND_CHANCE:
        return found
    se = max(found.se, found.value / max(float(stats.norm.isf(chance)), 1.0))
    return Estimate(found.value, max(min(found.low, found.value - Z95 * se), -1.0), found.high, se)


def _exact(lineup: Lineup) -> Values:
    keys = lineup.targets.encoded.row_keys()
    known = lineup.once("copies in reference", lambda: _log_rate(keys, lineup.keys.reference))
    return _log_rate(keys, lineup.keys.synthetic) - known


def _log_rate(keys: Keys, table: Keys) -> Values:
    """Log of the smoothed share of rows of `table` equal to each key; shape (n_keys,)."""
    levels, counts = np.unique(table, return_counts=True)
    place = np.searchsorted(levels, keys).clip(max=len(levels) - 1)
    copies = np.where(levels[place] == keys, counts[place], 0)
    rate: Values = np.log((copies + 0.5) / (len(table) + 1))
    return rate


def _found(keys: Keys, released: Keys) -> NDArray[np.bool_]:
    found: NDArray[Any] = np.isin(keys, released)
    return found
