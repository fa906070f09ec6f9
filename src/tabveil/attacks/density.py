"""Is the synthetic table denser than the population just where this person stands?

The attacker holds the synthetic table and a `reference` table of other people from the same
population. They learn to tell the two apart and ask their classifier about a person's row: where
it says "synthetic", the model draws more than the population explains, and it may have learnt
that from this very person. No target is shown to the classifier; it can know one only through
what the synthetic table copied. So, unlike elsewhere, learning by heart is wanted, and how deep
its trees grow is not a matter of cross-validation, which would ask how well *other* synthetic
rows are told apart. Two classifiers, for two kinds of leak:

    forest   trees of random splits grown until every leaf is of one table: in how many does the
             target fall among synthetic rows? Follows copies and near-copies. The headline.
    logit    boosted trees of moderate depth: the log of the ratio of densities at large, where
             a model that draws some kinds of people too often has drawn too close to its own

Boosting to any depth finds few copies, since it sees numbers in 255 bins only. Random splits beat
chosen ones: those go into what separates the two tables everywhere.

References:
    Hayes et al. 2019, LOGAN (arXiv:1705.07663): black-box attack by a second discriminator; here
    with the reference as its other class. van Breugel et al. 2023, DOMIAS (arXiv:2302.12580):
    the ratio of densities. Geurts et al. 2006: extremely randomised trees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tabveil.contracts import Direction, EvalInput, Score
from tabveil.measure.encode import Encoded
from tabveil.measure.features import Features, from_encoded, predict
from tabveil.measure.lineup import Lineup, Rows, lineup_of
from tabveil.measure.verdict import judge
from tabveil.seeding import child_rng, child_seed

_SURE = 1e-9
"""Chances are kept this far from 0 and 1: a logit beyond ±21 means no more than that."""
_MISSING = -1.0
"""Below every rank and level: random trees get no NaN."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Density:
    """Membership inference by classifiers that tell synthetic rows from the population's.

    Attributes:
        n_random_trees: trees of the forest.
        n_boosted_trees: trees of the boosted classifier.
        max_rows: at most so many synthetic and so many reference rows the forest learns from.
        max_boosted: likewise the boosted trees, which need fewer: they see kinds of people, not
            single ones.
    """

    n_random_trees: int = 20
    n_boosted_trees: int = 60
    max_rows: int = 20_000
    max_boosted: int = 4_000

    name: ClassVar[str] = "density"
    direction: ClassVar[Direction] = "minimize"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    threat_model: ClassVar[str] = (
        "Someone who has the released table and a sample of the same population, learns to tell "
        "the two apart, and asks of a person whose row they know: does it look synthetic?"
    )

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Attack with `forest`; scores as in `measure.verdict`. Raises CannotTell as a lineup."""
        return judge(lineup_of(data), self.signals(data)["forest"], name=self.name)

    def signals(self, data: EvalInput) -> Mapping[str, Values]:
        """`forest` and `logit` of each target, shape (n,), high for "member"."""
        return data.memo.get(repr(self), lambda: self._signals(lineup_of(data)))

    def _signals(self, lineup: Lineup) -> dict[str, Values]:
        return {
            "forest": self._forest(
                self._features(lineup, self.max_rows),
                child_seed(lineup.seed, self.name, "forest"),
            ),
            "logit": self._boosted(self._features(lineup, self.max_boosted)),
        }

    def _features(self, lineup: Lineup, most: int) -> Features:
        """Of the targets, and of at most so many reference and synthetic rows."""
        learnt = {"reference": lineup.reference, "synthetic": lineup.synthetic}
        tables = [self._draw(rows, most, lineup.seed, name) for name, rows in learnt.items()]
        return from_encoded((lineup.targets.encoded, *tables))

    def _draw(self, rows: Rows, most: int, seed: int, table: str) -> Encoded:
        if len(rows) <= most:
            return rows.encoded
        rng = child_rng(seed, self.name, table)
        return rows.encoded.take(np.sort(rng.choice(len(rows), most, replace=False)))

    def _forest(self, features: Features, seed: int) -> Values:
        from sklearn.ensemble import ExtraTreesClassifier

        targets, *tables = (
            np.nan_to_num(matrix, nan=_MISSING).astype(np.float32) for matrix in features.matrices
        )
        forest = ExtraTreesClassifier(
            n_estimators=self.n_random_trees,
            max_features=1,
            class_weight="balanced",
            random_state=seed,
        )
        forest.fit(np.vstack(tables), _answers(features))
        chances: Values = forest.predict_proba(targets)[:, 1]
        return chances

    def _boosted(self, features: Features) -> Values:
        # Unequal numbers of rows only move all logits together.
        targets, *tables = features.matrices
        chances = predict(
            np.vstack(tables),
            _answers(features),
            targets,
            categorical=features.categorical,
            n_trees=self.n_boosted_trees,
        )[:, 1].clip(_SURE, 1 - _SURE)
        logits: Values = np.log(chances) - np.log1p(-chances)
        return logits


def _answers(features: Features) -> NDArray[np.int64]:
    """0 for the rows of `reference`, 1 for synthetic ones."""
    _, reference, synthetic = features.matrices
    return np.repeat([0, 1], [len(reference), len(synthetic)]).astype(np.int64)
