"""Can a classifier tell synthetic rows from real ones?

The classifier two-sample test: boosted trees learn to tell `synthetic` from `control`, in equal
numbers, and are scored by AUC on rows they did not train on. It looks at all columns at once and
finds what no marginal or pair shows, but it is severe: a single impossible value in each row
takes the AUC to 1, and most GAN output is near 1. It does not see memorised rows: copies of
training rows are real rows.

References:
    Lopez-Paz and Oquab, Revisiting Classifier Two-Sample Tests, ICLR 2017, arXiv:1610.06545.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tabveil.contracts import Direction, EvalInput, Score
from tabveil.measure.features import Features, encode, predict
from tabveil.measure.intervals import Z95, auc
from tabveil.measure.rows import draw_rows

_N_FOLDS = 3
_CROSS_FIT = 1.3
"""The spread of a cross-fitted AUC is 1.2 to 1.4 times DeLong's: its folds share training rows."""


class Detection:
    """Classifier two-sample AUC of synthetic rows against `control`."""

    name: ClassVar[str] = "detection"
    direction: ClassVar[Direction] = "minimize"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __init__(self, *, max_rows: int = 5_000, n_trees: int = 100) -> None:
        """Store the settings.

        Args:
            max_rows: rows taken of each table.
            n_trees: boosting rounds.
        """
        self.max_rows = max_rows
        self.n_trees = n_trees

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Give `auc` (headline; ½ is best) and `indistinguishability` (1 is best).

        The second is 1 - 2 |auc - ½|: the share of rows in which the classifier is at a loss.
        Below ½ it only mirrors sampling noise, or rows that are in both tables.

        Raises EvaluationError when a table has too few rows.
        """
        n = min(self.max_rows, len(data.control), len(data.synthetic))
        control, synthetic = (
            draw_rows(table, data.schema, n, seed=data.seed, name=name)
            for name, table in (("control", data.control), ("synthetic", data.synthetic))
        )
        features = encode([control, synthetic], list(control.columns))
        scores = _cross_fitted(features, self.n_trees)
        found = auc(members=scores[n:], others=scores[:n])
        half = Z95 * _CROSS_FIT * found.se
        low, high = min(found.low, found.value - half), max(found.high, found.value + half)
        return [
            Score("auc", found.value, low=max(low, 0.0), high=min(high, 1.0)),
            Score("indistinguishability", 1 - 2 * abs(found.value - 0.5)),
        ]


def _cross_fitted(features: Features, n_trees: int) -> NDArray[np.float64]:
    """Chance of being synthetic of each row by a model that did not see it.

    Shape (n_control + n_synthetic,). Rows arrive in canonical, that is in hashed order, so every
    third row is as good as a random third.
    """
    sizes = [len(matrix) for matrix in features.matrices]
    both = np.vstack(features.matrices)
    is_synthetic = np.repeat([0, 1], sizes)
    fold = np.concatenate([np.arange(size) for size in sizes]) % _N_FOLDS
    scores = np.zeros(len(both))
    for held_out in range(_N_FOLDS):
        test = fold == held_out
        chances = predict(
            both[~test],
            is_synthetic[~test],
            both[test],
            categorical=features.categorical,
            n_trees=n_trees,
        )
        scores[test] = chances[:, 1]
    return scores
