"""Does the synthetic table repeat a training row's exact values more often than people do?

The attacker holds the synthetic table and a `reference` table of other people from the same
population. They look at a person's row one column at a time and at the very values, not at
classes of them: an income to the cent, a date, a weight. For each they compare how often either
table holds it,

    L(value) = log((n_value in synthetic + ½) / (n_synthetic + 1))
               - log((n_value in reference + ½) / (n_reference + 1))

and add up over the columns. A model that shuffles the columns, or draws each number from the list
of those it was trained on, makes no row that is near anybody and no pair of values too common; but
whose income is listed was there. Values that many share tell of nobody, so the headline is the sum
over those that fewer than 20 people of the reference hold.

References:
    Houssiau et al. 2022, TAPAS (arXiv:2211.06550): attacks that count what a table holds of a
    record's values. The calibration with a reference is that of van Breugel et al. 2023, DOMIAS
    (arXiv:2302.12580): local overfitting is what the population does not explain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tabveil.contracts import Direction, EvalInput, Score
from tabveil.measure.levels import Levels
from tabveil.measure.lineup import Lineup, lineup_of
from tabveil.measure.verdict import judge

Signal = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Values:
    """Membership inference by the frequencies of exact values.

    Attributes:
        rare_below: a value is rare if fewer reference rows hold it.
    """

    rare_below: int = 20

    name: ClassVar[str] = "values"
    direction: ClassVar[Direction] = "minimize"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    threat_model: ClassVar[str] = (
        "Someone who has the released table and a sample of the same population, and asks of a "
        "person whose row they know: are this person's very values too common here?"
    )

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Attack with `rare`; scores as in `measure.verdict`. Raises CannotTell as a lineup."""
        return judge(lineup_of(data), self.signals(data)["rare"], name=self.name)

    def signals(self, data: EvalInput) -> Mapping[str, Signal]:
        """One number per target, shape (n,), high for "member".

        Returns:
            sum: of L over all columns.
            rare: of L over the columns whose value is rare; 0 where none is.
            max: the largest L.
        """
        return data.memo.get(repr(self), lambda: self._signals(lineup_of(data)))

    def _signals(self, lineup: Lineup) -> dict[str, Signal]:
        levels, known = lineup.once(f"{self.name} known", lambda: _known(lineup))
        seen = levels.counts(levels.of_table(lineup.synthetic.encoded))
        excess = _log_rate(seen, len(lineup.synthetic)) - _log_rate(known, len(lineup.reference))
        rare = np.where(known < self.rare_below, excess, 0.0)
        return {"sum": excess.sum(axis=0), "rare": rare.sum(axis=0), "max": excess.max(axis=0)}


def _known(lineup: Lineup) -> tuple[Levels, Counts]:
    """The values, and how many reference rows hold each target's; shape (n_columns, n)."""
    levels = Levels.of(lineup.targets.encoded)
    return levels, levels.counts(levels.of_table(lineup.reference.encoded))


def _log_rate(counts: Counts, n: int) -> Signal:
    """Smoothed, so that tables of different sizes compare and no value is impossible."""
    rates: Signal = np.log((counts + 0.5) / (n + 1))
    return rates
