"""How well does an attacker do who has learnt which signals give members away?

The attacker holds the synthetic table and a reference, computes every signal that the other
membership attacks know (copies, distances through many views, rare combinations, densities), and
also knows of *some* people whether they were in the training table: themselves, colleagues,
customers. From those they learn how to weigh the signals
(`measure/combine.py`), and ask about everybody else. This is the strongest attack of the suite,
and the one whose tail, bulk and outliers enter the risk.

It also reports the best single signal, bounded for having been picked among so many.

References:
    Shokri et al. 2017 (arXiv:1610.05820); Houssiau et al. 2022, TAPAS (arXiv:2211.06550);
    Yao et al. 2025, The DCR Delusion (arXiv:2505.01524): why no distance alone will do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from tabveil.contracts import Attack, Direction, EvalInput, MembershipAttack, Score
from tabveil.errors import EvaluationError
from tabveil.measure.combine import cross_fit
from tabveil.measure.intervals import Z95, auc
from tabveil.measure.lineup import Lineup, lineup_of
from tabveil.measure.verdict import judge, too_few
from tabveil.seeding import child_seed


@dataclass(frozen=True)
class Learnt:
    """A cross-fitted combination of the signals of other membership attacks.

    Attributes:
        leave_out: attacks not to combine: those that take what no receiver of a table has.
        parts: the attacks whose signals are combined, by name; `combining` fills them in.
    """

    leave_out: Sequence[str] = ("critic",)
    parts: Mapping[str, MembershipAttack] = field(default_factory=dict)

    name: ClassVar[str] = "learnt"
    direction: ClassVar[Direction] = "minimize"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    threat_model: ClassVar[str] = (
        "Someone who has the released table, a sample of the same population, and knows of some "
        "people whether they were in the training data, and asks it of everybody else"
    )

    def combining(self, attacks: Mapping[str, Attack]) -> Self:
        """The same attack, with all of `attacks` that give signals as its parts."""
        parts = {
            name: attack
            for name, attack in attacks.items()
            if isinstance(attack, MembershipAttack)
            and not isinstance(attack, Learnt)
            and name not in self.leave_out
        }
        return replace(self, parts=parts)

    def signals(self, data: EvalInput) -> Mapping[str, NDArray[np.float64]]:
        """The signals of all parts, as `<attack>/<signal>`, each shape (n_targets,)."""
        return {
            f"{name}/{signal}": values
            for name, part in sorted(self.parts.items())
            for signal, values in part.signals(data).items()
        }

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Attack the lineup's targets.

        Returns:
            The scores of `measure.verdict.judge`, `auc` first, with intervals widened for
            cross-fitting; then `best_auc` and `best_auc_outliers`: the highest AUC of any one
            signal, its interval holding for all of them at once. The latter two are no part of
            the risk.

        Raises:
            EvaluationError: no attack with signals was selected beside it.
            CannotTell: as `measure.lineup.lineup_of`.
        """
        signals = self.signals(data)
        if not signals:
            raise EvaluationError(
                "learnt has no signals to combine; select an attack that gives some beside it, "
                "such as attack=[distance,tuples,learnt]"
            )
        lineup = lineup_of(data)
        features = np.column_stack(list(signals.values()))
        seed = child_seed(data.seed, self.name)
        scores = cross_fit(features, lineup.is_member, seed=seed)
        return [
            *judge(lineup, scores, name=self.name, cross_fitted=True),
            _best("best_auc", signals, lineup, np.ones(len(lineup), dtype=bool)),
            _best("best_auc_outliers", signals, lineup, lineup.is_outlier),
        ]


def _best(
    name: str,
    signals: Mapping[str, NDArray[np.float64]],
    lineup: Lineup,
    among: NDArray[np.bool_],
) -> Score:
    """The signal with the highest AUC; Bonferroni over the signals."""
    members, others = among & lineup.is_member, among & ~lineup.is_member
    if too_few(members, others):
        return Score(name, 0.5, 0.0, 1.0)
    found = {
        signal: auc(members=values[members], others=values[others])
        for signal, values in signals.items()
    }
    best = max(found, key=lambda signal: found[signal].value)
    stretch = float(norm.isf(0.025 / len(found))) / Z95
    area = found[best]
    return Score(
        name,
        area.value,
        max(0.0, area.value - stretch * (area.value - area.low)),
        min(1.0, area.value + stretch * (area.high - area.value)),
        detail={"signal": best, "n_signals": len(found)},
    )
