"""Can `control` be rows that the generator never saw?

Rows of every table stand in the synthetic one by chance, because they are common. Rows of
`control` stand there as often as those of `reference`, and no more often than those of `train`;
else they were copied, or the files were swapped, and every attack would measure the wrong thing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.contracts import EvalInput
from tabveil.measure.encode import DistanceEncoder
from tabveil.measure.intervals import Estimate, difference_of_proportions
from tabveil.measure.lineup import lineup_of
from tabveil.seeding import child_rng

FAR = 4.0
"""Standard errors beyond which a difference is no chance: one table in 30,000 lies so far out."""
_CONCLUSION = "the generator has seen control; are train and control swapped?"

Keys = NDArray[np.uint64]


def control_was_seen(data: EvalInput) -> str:
    """Why `control` cannot be rows that the generator never saw; empty where it can.

    Raises:
        CannotTell: as `measure.lineup.lineup_of`.
    """
    return _more_than_reference(data) or _more_than_train(data)


def _more_than_reference(data: EvalInput) -> str:
    """Compare different rows that are not in train, of as many rows of either table.

    The more rows a table has, the rarer are the last of its different ones.
    """
    encoder = DistanceEncoder.fit(data.reference, data.schema)
    others = data.control
    if data.membership is not None:
        others = data.membership.rows[~data.membership.is_member]
    control, reference, train, synthetic = (
        _keys(table, encoder) for table in (others, data.reference, data.train, data.synthetic)
    )
    n = min(len(control), len(reference))
    rng = child_rng(data.seed, "control was seen")
    sides = [
        np.setdiff1d(rng.choice(side, size=n, replace=False), train)
        for side in (control, reference)
    ]
    if not min(map(len, sides)):
        return ""
    found = [int(np.isin(side, synthetic).sum()) for side in sides]
    if not _far(_gap(found, sides)):
        return ""
    return (
        f"{found[0] / len(sides[0]):.1%} of the control rows that are not in train stand in the "
        f"synthetic table, and only {found[1] / len(sides[1]):.1%} of those of reference: "
        f"{_CONCLUSION}"
    )


def _more_than_train(data: EvalInput) -> str:
    """Compare all rows, as the attack that counts copies does: its finding, the wrong way round."""
    keys = lineup_of(data).keys
    sides = [keys.others, keys.members]
    found = [int(np.isin(side, keys.synthetic).sum()) for side in sides]
    if not _far(_gap(found, sides)):
        return ""
    return (
        f"{found[0] / len(sides[0]):.1%} of the rows of control stand in the synthetic table, and "
        f"only {found[1] / len(sides[1]):.1%} of those of train, so copies of train were taken "
        f"out of it, or {_CONCLUSION}"
    )


def _keys(table: pd.DataFrame, encoder: DistanceEncoder) -> Keys:
    """Of the rows, sorted: no draw sees the order of a file."""
    return np.sort(encoder.transform(table).row_keys())


def _gap(found: list[int], sides: list[Keys]) -> Estimate:
    return difference_of_proportions(
        members=found[0], n_members=len(sides[0]), others=found[1], n_others=len(sides[1])
    )


def _far(gap: Estimate) -> bool:
    return gap.value - FAR * gap.se > 0
