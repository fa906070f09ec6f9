r"""Does the upper bound that a confirmation states cover the true risk as often as it says?

    python experiments/confirmation/coverage.py --out experiments/confirmation/coverage.json

Nothing is trained: attacks' signals are drawn, so that the truth is known. A repetition is one
confirmation of k models on one set of people. Of model s, members' signals lie higher than those
of others by shift + N(0, spread), twice as much among the outliers; half of a signal's variance is
the person's own and the same for all models, as it is where the same people are attacked k times.
Exact copies are drawn beside them. The judging is the program's own: `judge_among`, `excess`,
`confirmation.conclude`. Of each setting: how often the stated upper bound of the risk covers the
largest true advantage, of the mean model and of the first; how often each component's does.
"""

from __future__ import annotations

import argparse
import json
from itertools import product
from pathlib import Path

import numpy as np
from scipy.stats import norm

from tabveil.attacks.copies import excess
from tabveil.confirmation import Attempt, Confirmed, conclude
from tabveil.gate import Gate
from tabveil.measure.verdict import judge_among

GATE = Gate("open", "nothing: a simulation", {"*": 1.0}, planted=())
FIRST = {"controls": [], "utility_without": [0.5] * 5, "below_k": None, "rare_levels": {}}
TAIL = norm.isf(0.01)
COPIED, BY_CHANCE = 0.02, 0.005


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--models", type=int, default=3)
    parser.add_argument("--members", type=int, default=2_000)
    parser.add_argument("--others", type=int, default=1_200)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    found = []
    for shift, spread in product((0.0, 0.05, 0.2), (0.0, 0.05, 0.15)):
        rng = np.random.default_rng([int(1000 * shift), int(1000 * spread)])
        covered = [
            repetition(rng, shift, spread, given.models, given.members, given.others)
            for _ in range(given.repetitions)
        ]
        line = {
            "shift": shift,
            "spread": spread,
            **{key: float(np.mean([one[key] for one in covered])) for key in covered[0]},
        }
        found.append(line)
        print(line, flush=True)
    settings = {key: value for key, value in vars(given).items() if key != "out"}
    given.out.write_text(json.dumps({"settings": settings, "found": found}, indent=1) + "\n")


def repetition(
    rng: np.random.Generator, shift: float, spread: float, k: int, n_members: int, n_others: int
) -> dict[str, bool]:
    n = n_members + n_others
    is_member = np.arange(n) < n_members
    is_outlier = rng.random(n) < 0.1
    person = rng.normal(0, np.sqrt(0.5), n)
    of_models = shift + spread * rng.standard_normal(k)
    attempts = []
    for s, own in enumerate(of_models):
        moved = np.where(is_outlier, 2 * own, own) * is_member
        signal = person + rng.normal(0, np.sqrt(0.5), n) + moved
        scores = judge_among(signal, is_member=is_member, is_outlier=is_outlier, rng=rng)
        risks = {f"learnt/{score.name}": score.advantage for score in scores if score.advantage}
        copied = excess(
            members=int(rng.binomial(n_members, COPIED)),
            n_members=n_members,
            others=int(rng.binomial(n_others, BY_CHANCE)),
            n_others=n_others,
        )
        risks["copies/excess"] = copied.advantage
        first = None if s else FIRST
        attempts.append(Attempt(0, s, s, "", False, 0.5, risks, first=first))
    found = conclude(attempts, GATE, sweep_utility=0.5, sweep_risks={})
    return judged(found, truths(shift, spread), truths(of_models[0], 0.0))


def truths(shift: float, spread: float) -> dict[str, float]:
    """Each component's true advantage, averaged over models."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(41)
    weights = weights / weights.sum()
    own = shift + spread * nodes
    auc = 0.9 * 0.9 * _auc(own, 0) + 0.1 * 0.9 * _auc(2 * own, 0)
    auc += 0.9 * 0.1 * _auc(own, 0) + 0.1 * 0.1 * _auc(2 * own, 0)
    tpr = 0.9 * norm.sf(TAIL - own) + 0.1 * norm.sf(TAIL - 2 * own)
    return {
        "learnt/auc": float(weights @ (2 * auc - 1)),
        "learnt/auc_outliers": float(weights @ (2 * _auc(2 * own, 0) - 1)),
        "learnt/tpr_at_1pct_fpr": float(weights @ (tpr - 0.01)),
        "copies/excess": COPIED - BY_CHANCE,
    }


def _auc(member: np.ndarray, other: float) -> np.ndarray:
    return norm.cdf((member - other) / np.sqrt(2))


def judged(
    found: Confirmed, of_the_mean: dict[str, float], of_the_first: dict[str, float]
) -> dict[str, bool]:
    risk = found.risk_high(GATE.confidence)
    return {
        "risk_of_the_mean": risk >= max(of_the_mean.values()),
        "risk_of_the_first": risk >= max(of_the_first.values()),
        **{
            f"{key} of the mean": found.risks[key].upper() >= truth
            for key, truth in of_the_mean.items()
        },
        **{
            f"{key} of the first": found.risks[key].upper() >= truth
            for key, truth in of_the_first.items()
        },
        "shown too much": found.risk_low(GATE.confidence)
        > max(*of_the_mean.values(), *of_the_first.values()),
    }


if __name__ == "__main__":
    main()
