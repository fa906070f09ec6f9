"""Does the learnt attack combine what it is given, and say so when that is nothing?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from tabveil.attacks.learnt import Learnt
from tabveil.contracts import EvalInput, MembershipAttack, Score
from tabveil.data.schema import infer_schema
from tabveil.errors import EvaluationError
from tabveil.measure.lineup import lineup_of


class Oracle:
    """An attack whose signal is the truth plus noise of a given size."""

    name = "oracle"
    direction = "minimize"
    bounds = (0.0, 1.0)
    threat_model = "somebody who knows the answers, nearly"

    def __init__(self, noise: float, effect: float = 1.0) -> None:
        self.noise, self.effect = noise, effect

    def signals(self, data: EvalInput) -> Mapping[str, NDArray[np.float64]]:
        lineup = lineup_of(data)
        rng = np.random.default_rng(int(self.noise * 100))
        return {"truth": self.effect * lineup.is_member + self.noise * rng.normal(size=len(lineup))}

    def evaluate(self, data: EvalInput) -> list[Score]:
        return []


class Blind:
    """An attack without signals."""

    name, direction, bounds, threat_model = "blind", "minimize", (0.0, 1.0), "nobody"

    def evaluate(self, data: EvalInput) -> list[Score]:
        return []


def data(n: int = 500) -> EvalInput:
    rng = np.random.default_rng(0)
    tables = [pd.DataFrame({"x": rng.normal(size=n), "y": rng.normal(size=n)}) for _ in range(4)]
    return EvalInput(*tables, schema=infer_schema(tables[0]), seed=0)


def scores(attack: Learnt) -> dict[str, Score]:
    return {score.name: score for score in attack.evaluate(data())}


def test_it_takes_the_attacks_that_give_signals_and_not_itself() -> None:
    assert isinstance(Oracle(1), MembershipAttack)
    parts = Learnt().combining({"a": Oracle(1), "b": Blind(), "learnt": Learnt()}).parts
    assert set(parts) == {"a"}


def test_two_weak_signals_make_a_stronger_one() -> None:
    one = scores(Learnt().combining({"a": Oracle(2.0)}))
    two = scores(Learnt().combining({"a": Oracle(2.0), "b": Oracle(2.1)}))
    assert one["auc"].value < two["auc"].value
    assert two["auc"].advantage.value > 0.2
    assert set(Learnt().combining({"a": Oracle(2.0)}).signals(data())) == {"a/truth"}


def test_the_best_signal_is_named_and_its_interval_pays_for_the_choice() -> None:
    attacks = {f"noise {i}": Oracle(3 + i / 100, effect=0) for i in range(20)}
    best = scores(Learnt().combining(attacks))["best_auc"]
    assert best.detail["n_signals"] == 20
    assert best.low < 0.5 < best.value
    found = scores(Learnt().combining({**attacks, "truth": Oracle(0.5)}))["best_auc"]
    assert found.detail["signal"] == "truth/truth"
    assert found.low > 0.8


def test_the_best_signal_is_no_component_of_the_risk() -> None:
    found = scores(Learnt().combining({"a": Oracle(0.5)}))
    assert found["best_auc"].advantage is None
    assert found["best_auc_outliers"].advantage is None


def test_alone_it_says_what_to_select() -> None:
    with pytest.raises(EvaluationError, match=r"attack=\[distance,tuples,learnt\]"):
        Learnt().evaluate(data())
