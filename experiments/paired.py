"""What do experiments share that train the same model with something and without it?

`rules/`, `missing/` and `calendar/` put this folder on their path and import it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from tabveil.config.build import build_parts
from tabveil.config.compose import compose_command
from tabveil.seeding import child_rng


def parts_of(table: pd.DataFrame, rows: int, seed: int) -> list[pd.DataFrame]:
    """Rows to learn from, and half as many each for control and reference.

    At most half of the table's rows are learnt from.
    """
    order = child_rng(seed, "rows").permutation(len(table))
    n = min(rows, len(table) // 2)
    ends = (slice(0, n), slice(n, n + n // 2), slice(n + n // 2, n + 2 * (n // 2)))
    return [table.iloc[order[end]].reset_index(drop=True) for end in ends]


def built(target: str | None, epochs: int) -> Any:
    """The default parts of a trial, with the metrics of utility; TSTR where there is a target."""
    metrics = ["quality", "pairs", "detection", *(["tstr"] if target else [])]
    words = [
        f"dataset.target={target or 'null'}",
        f"synthesizer.epochs={epochs}",
        f"metric=[{','.join(metrics)}]",
    ]
    return build_parts(compose_command("train", words))


def summary(runs: list[dict[str, Any]], switch: str) -> dict[str, Any]:
    """Number → mean without and with what `switch` tells, and the difference paired by seed.

    `half_width` is half of the difference's 95 % interval (t over seeds).
    """
    told = {}
    for name in [key for key in runs[0] if key not in ("seed", switch)]:
        without, with_it = (
            np.array([r[name] for r in runs if r[switch] == which and name in r])
            for which in (False, True)
        )
        change = with_it - without
        half = stats.t.ppf(0.975, len(change) - 1) * change.std(ddof=1) / np.sqrt(len(change))
        told[name] = {
            "without": round(float(without.mean()), 4),
            "with": round(float(with_it.mean()), 4),
            "difference": round(float(change.mean()), 4),
            "half_width": round(float(half), 4),
        }
    return told
