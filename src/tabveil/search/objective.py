"""What are the two numbers that a sweep trades against each other?

Utility is a weighted mean of scores that each lie in [0, 1]. Risk is the largest advantage over
guessing that any attack has, with both of its bounds. Neither ever skips a part that failed.

    estimate   max(0, max over components i of cᵢ)
    low = J    max(0, max over i of (cᵢ - z SEᵢ)): what has been shown
    high       max over i of (cᵢ + 1.645 SEᵢ): what cannot be excluded

z grows with the number of components (Bonferroni): the largest of a dozen exceeds its own 5 %
bound far more often than in 5 % of tables that leak nothing (experiments/calibration). `high` needs
no such correction: it bounds the component that truly is the largest. A sweep minimises J: trials
in which nothing is shown tie at 0 and utility orders them, so that noise does not draw the front
(docs/decisions/005).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from scipy.stats import norm

from tabveil.contracts import Advantage
from tabveil.errors import CannotTell, ConfigError, EvaluationError
from tabveil.evaluate import Evaluation, Result


@dataclass(frozen=True)
class Objective:
    """One objective of a trial.

    Attributes:
        value: what the sweep optimises, in [0, 1].
        low: one-sided lower bound; of the utility, the value itself.
        high: one-sided upper bound; of the utility, the value itself.
        component: the score to look at: the attack score that gives the risk, the weakest score
            of the utility.
        parts: for each score that enters, its own number: a utility in [0, 1], or cᵢ.
    """

    value: float
    low: float
    high: float
    component: str
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Objectives:
    """How an evaluation becomes a utility and a risk.

    Attributes:
        weights: `<metric>/<score>` → weight. The scores lie in [0, 1], 1 is best. Weights need
            not sum to one. The weight of a metric that the schema or the real rows give nothing
            to look at is spread over the others, in all trials of a sweep alike.
        risk_by: what a sweep minimises: "shown" (J), "estimate" or "at_most" (`high`).
        confidence: of the risk's one-sided bounds, in (0.5, 1).
        risk_from: the attacks whose advantages are components of the risk; the others only
            report. None: every attack that states one. Those not selected do not count.
    """

    weights: Mapping[str, float]
    risk_by: Literal["at_most", "estimate", "shown"] = "shown"
    confidence: float = 0.95
    risk_from: Sequence[str] | None = None

    def utility(self, evaluation: Evaluation) -> Objective:
        """The weighted mean of the weighted scores.

        Raises:
            ConfigError: the weights are unusable, or name a metric or score that is not there.
            EvaluationError: a needed metric failed; it is named, with the reason.
        """
        by_name = {r.name: r for r in evaluation.results if r.kind == "utility"}
        weights = {key: weight for key, weight in self.weights.items() if weight}
        if not all(math.isfinite(w) and w > 0 for w in weights.values()):
            raise ConfigError(f"objective.weights must be 0 or more: {dict(self.weights)}")
        parts = {key: _part(by_name, key) for key in weights}
        found = {key: value for key, value in parts.items() if value is not None}
        if not found:
            raise ConfigError("objective.weights names no metric that fits this table")
        total = sum(weights[key] for key in found)
        value = sum(weights[key] * part for key, part in found.items()) / total
        lowest = min(found, key=lambda key: found[key])
        return Objective(value, value, value, component=lowest, parts=found)

    def risk(self, evaluation: Evaluation) -> Objective:
        """The largest advantage that any attack has, with its bounds; `low` is J.

        Raises:
            EvaluationError: no attack that makes the risk ran, one failed, or none states an
                advantage. CannotTell: one says that it cannot tell.
        """
        return self.risk_of(self.advantages(evaluation))

    def components(self, names: Iterable[str]) -> list[str]:
        """Those of these attacks that make the risk."""
        return [name for name in names if not self.risk_from or name in self.risk_from]

    def advantages(self, evaluation: Evaluation) -> dict[str, Advantage]:
        """The components of the risk, as `<attack>/<score>`. Raises EvaluationError as `risk`."""
        attacks = [
            result
            for result in evaluation.results
            if result.kind == "privacy" and self.components([result.name])
        ]
        for attack in attacks:
            if attack.error:
                kind = CannotTell if attack.cannot_tell else EvaluationError
                raise kind(f"attack {attack.name} failed: {attack.reason}")
        return {
            f"{attack.name}/{score.name}": score.advantage
            for attack in attacks
            for score in attack.scores
            if score.advantage is not None
        }

    def risk_of(
        self, advantages: Mapping[str, Advantage], *, n_tried: int | None = None
    ) -> Objective:
        """The risk that components make together, corrected for `n_tried` of them, or for all.

        Raises EvaluationError when there is none.
        """
        if not 0.5 < self.confidence < 1:
            raise ConfigError(f"objective.confidence={self.confidence} must be in (0.5, 1)")
        if not advantages:
            raise EvaluationError(
                f"no selected attack is a component of the risk; select one of "
                f"{', '.join(self.risk_from or ['those with an advantage'])} under attack, or "
                f"name yours in objective.risk_from"
            )
        alpha = 1 - self.confidence
        z_all, z_one = norm.isf(alpha / (n_tried or len(advantages))), norm.isf(alpha)
        parts = {key: one.value for key, one in advantages.items()}
        lows = {key: one.value - z_all * one.se for key, one in advantages.items()}
        highs = {key: one.value + z_one * one.above for key, one in advantages.items()}
        ranked = {"at_most": highs, "estimate": parts, "shown": lows}[self.risk_by]
        return Objective(
            value=_clip(max(ranked.values())),
            low=_clip(max(lows.values())),
            high=_clip(max(highs.values())),
            component=max(ranked, key=lambda key: ranked[key]),
            parts=parts,
        )


def _part(by_name: Mapping[str, Result], key: str) -> float | None:
    """The number of `<metric>/<score>`; None where the metric was skipped."""
    name, _, score_name = key.partition("/")
    if name not in by_name:
        raise ConfigError(
            f"objective.weights needs {key}, but metric {name} is not selected; "
            f"select it under metric, or set the weight to 0"
        )
    result = by_name[name]
    if result.skipped:
        return None
    if result.error:
        raise EvaluationError(f"metric {name} failed: {result.reason}")
    values = {score.name: score.value for score in result.scores}
    if score_name not in values:
        raise ConfigError(f"objective.weights: {name} gave no {key}; it gave {', '.join(values)}")
    if not 0 <= values[score_name] <= 1:
        raise ConfigError(f"objective.weights: {key} does not lie in [0, 1] and cannot be weighed")
    return values[score_name]


def _clip(number: float) -> float:
    return float(min(1.0, max(0.0, number)))
