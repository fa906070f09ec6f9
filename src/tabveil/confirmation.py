"""What is a candidate worth on people that its sweep never touched?

A sweep of fifty trials picks, in part, the luckiest. So a candidate is trained again under fresh
seeds, each model is attacked with the members it learnt from against the rows of `release`, and
utility is measured there. What the models say together (measure/over_seeds.py) goes to the gate.

The model that may be released is the first one, whatever the others turn out to be: the best of
them would be lucky again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.contracts import Advantage, EvalInput, Metric
from tabveil.controls import Suite, run_controls
from tabveil.data.schema import Schema
from tabveil.errors import CannotTell, EvaluationError
from tabveil.evaluate import evaluate
from tabveil.evidence import Evidence, Known
from tabveil.gate import Gate, Verdict
from tabveil.measure.over_seeds import OverSeeds, jackknife
from tabveil.pipeline import UNKNOWN, Parts, Trial
from tabveil.protections.protected import described
from tabveil.seeding import child_rng

PARTS = 5
"""Of the release rows; utility is measured again without each, for its error over rows."""


@dataclass(frozen=True)
class Attempt:
    """What one model of a candidate gave; JSON-able.

    Attributes:
        trial: number of the candidate in its sweep.
        index: of the model, from 0; the first may be released.
        seed: of its membership, training and sample.
        run_id: of its tracking run.
        saved: whether the run holds its generator.
        utility: of the objective, on `release`.
        risks: `<attack>/<score>` → advantage over guessing.
        missing: attack that makes the risk → why it gave no number.
        skipped: attacks that had nothing to look at.
        first: what is measured of the first model only.
    """

    trial: int
    index: int
    seed: int
    run_id: str
    saved: bool
    utility: float
    risks: Mapping[str, Advantage]
    missing: Mapping[str, str] = field(default_factory=dict)
    skipped: Sequence[str] = ()
    first: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able data; `from_dict` gives an equal attempt back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Attempt:
        """Read `to_dict`'s data. Raises TypeError, KeyError or ValueError when it is not that."""
        risks = {key: Advantage(**told) for key, told in data["risks"].items()}
        return cls(**{**data, "risks": risks, "skipped": tuple(data["skipped"])})


@dataclass(frozen=True)
class Confirmed:
    """A candidate, its models, and what the gate says of them.

    Attributes:
        trial: number of the candidate in its sweep.
        attempts: in the order of their indices.
        risks, utility: over the models.
        verdict: of the gate.
        flattery: `utility` and `risk`: how much better the sweep saw it.
    """

    trial: int
    attempts: tuple[Attempt, ...]
    risks: Mapping[str, OverSeeds]
    utility: OverSeeds
    verdict: Verdict
    flattery: Mapping[str, float]

    @property
    def risk(self) -> float:
        """The largest advantage, by its mean over the models; at least 0."""
        return largest(self.risks, 0.95)[1]

    def risk_high(self, confidence: float) -> float:
        """The largest upper bound of an advantage: it bounds the largest true one."""
        return largest(self.risks, confidence)[2]

    def risk_low(self, confidence: float) -> float:
        """What has been shown, corrected for the number of advantages."""
        return largest(self.risks, confidence)[0]


def largest(risks: Mapping[str, OverSeeds], confidence: float) -> tuple[float, float, float]:
    """Of several advantages together: what is shown, the largest mean, the largest upper bound."""
    found = risks.values()
    return (
        max([0.0, *(one.shown(len(risks), confidence) for one in found)]),
        max([0.0, *(one.mean for one in found)]),
        min(1.0, max([0.0, *(one.upper(confidence) for one in found)])),
    )


def attempt(
    trial: Trial,
    parts: Parts,
    gate: Gate,
    *,
    groups: NDArray[np.intp],
    number: int,
    index: int,
    seed: int,
    run_id: str,
) -> Attempt:
    """What a model trained for the confirmation gave.

    Args:
        trial: of `pipeline.run_trial` on splits whose `control` is the release split.
        parts: what it was made of.
        gate: says what else is looked at of the first model.
        groups: whose each release row is, shape (n_release,).
        number: of the candidate.
        index: of this model.
        seed: that `run_trial` was given.
        run_id: of its tracking run.
    """
    suite = Suite(parts.attacks, parts.objectives)
    advantages = suite.advantages(trial.evaluation)
    privacy = [result for result in trial.evaluation.results if result.kind == "privacy"]
    missing = {result.name: result.reason for result in suite.failed(trial.evaluation)}
    if trial.utility.component.startswith(UNKNOWN):
        missing["utility"] = trial.utility.component
    return Attempt(
        trial=number,
        index=index,
        seed=seed,
        run_id=run_id,
        saved=False,
        utility=trial.utility.value,
        risks=advantages,
        missing=missing,
        skipped=tuple(result.name for result in privacy if result.skipped),
        first=None if index else _of_the_first(trial, parts, suite, gate, groups),
    )


def _of_the_first(
    trial: Trial, parts: Parts, suite: Suite, gate: Gate, groups: NDArray[np.intp]
) -> dict[str, Any]:
    data, evaluation = trial.data, trial.evaluation
    n_tried = len(suite.advantages(evaluation))
    try:
        controls = run_controls(data, suite, found=True, n_tried=n_tried)
    except CannotTell:
        controls = ()
    sample = data.synthetic.head(len(data.train))
    scores = {
        f"{result.name}/{score.name}": score.value
        for result in evaluation.results
        if result.kind == "utility"
        for score in result.scores
    }
    return {
        "scores": scores,
        "controls": [asdict(Known.of(control)) for control in controls],
        "utility_without": utility_without(data, parts, groups),
        "below_k": below_k(sample, data.schema.quasi_identifiers, gate.k),
        "rare_levels": rare_levels(sample, data.train, data.schema, gate.rare_below),
        "protection": described(parts.protections),
        "notes": list(trial.notes),
        "rows": {
            "train": len(data.train),
            "release": len(data.control),
            "reference": len(data.reference),
            "synthetic": len(data.synthetic),
        },
    }


def utility_without(data: EvalInput, parts: Parts, groups: NDArray[np.intp]) -> list[float]:
    """The utility against `control` without each of some equal parts of it; none if it fails.

    Parts are of people, not of rows, `groups` saying whose each row is, shape (n_control,): a
    person's rows say the same twice, and would make the error too small.
    """
    metrics: Mapping[str, Metric] = parts.metrics
    people = child_rng(data.seed, "jackknife").permutation(np.unique(groups))
    found = []
    for part in np.array_split(people, PARTS):
        left = np.flatnonzero(~np.isin(groups, part))
        smaller = replace(data, control=data.control.iloc[left].reset_index(drop=True))
        evaluation = evaluate(smaller, metrics=metrics, attacks={})
        try:
            found.append(parts.objectives.utility(evaluation).value)
        except EvaluationError:
            return []
    return found


def below_k(sample: pd.DataFrame, quasi_identifiers: Sequence[str], k: int) -> float | None:
    """Share of rows that share their quasi-identifiers with fewer than `k` - 1 others."""
    names = [name for name in quasi_identifiers if name in sample]
    if not names:
        return None
    sizes = sample.groupby(names, dropna=False, observed=True)[names[0]].transform("size")
    return float((sizes < k).mean())


def rare_levels(
    sample: pd.DataFrame, train: pd.DataFrame, schema: Schema, count: int
) -> dict[str, int]:
    """Column → levels in the sample that some training rows hold, but fewer than `count`."""
    found = {}
    for name in schema.of_kind("categorical"):
        held = train[name].value_counts()
        rare = set(held.index[held < count])
        n = sum(level in rare for level in sample[name].dropna().unique())
        if n:
            found[name] = n
    return found


def conclude(
    attempts: Sequence[Attempt],
    gate: Gate,
    *,
    sweep_utility: float,
    sweep_risks: Mapping[str, float],
    failed_before: Sequence[str] = (),
) -> Confirmed:
    """Put a candidate's models together and hold them against the gate.

    Args:
        attempts: one a model, the first among them.
        gate: the policy.
        sweep_utility: what the sweep measured.
        sweep_risks: likewise, `<attack>/<score>` → advantage.
        failed_before: when other models of the candidate failed this gate.
    """
    ordered = tuple(sorted(attempts, key=lambda one: one.index))
    first = ordered[0].first or {}
    every = dict.fromkeys(key for one in ordered for key in one.risks)
    keys = [key for key in every if all(key in one.risks for one in ordered)]
    risks = {key: OverSeeds.of([one.risks[key] for one in ordered]) for key in keys}
    without = first["utility_without"]
    row_se = jackknife(without) if without else 1.0  # nothing is known of it
    utility = OverSeeds(
        tuple(one.utility for one in ordered), (row_se,) * len(ordered), row_df=PARTS - 1
    )
    missing = {key: "gave no number in some model" for key in every if key not in keys}
    missing |= {name: reason for one in ordered for name, reason in one.missing.items()}
    evidence = Evidence(
        risks,
        utility,
        missing,
        ordered[0].skipped,
        tuple(Known(**control) for control in first["controls"]),
        first["below_k"],
        first["rare_levels"],
        failed_before=failed_before,
    )
    both = [key for key in risks if key in sweep_risks]
    flattery = {"utility": sweep_utility - utility.mean}
    if both:
        confirmed = max([0.0, *(risks[key].mean for key in both)])
        flattery["risk"] = confirmed - max([0.0, *(sweep_risks[key] for key in both)])
    return Confirmed(ordered[0].trial, ordered, risks, utility, gate.judge(evidence), flattery)
