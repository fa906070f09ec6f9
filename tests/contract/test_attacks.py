"""Does every attack in conf/attack flag a replay, clear fresh rows and keep its contract?"""

from __future__ import annotations

import importlib
import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from numpy.typing import NDArray
from zoo import ZOO, schema_of

from tabveil.contracts import Attack, Combination, EvalInput, MembershipAttack, Score
from tabveil.data.schema import Schema, infer_schema
from tabveil.errors import EvaluationError
from tabveil.measure.distance import nearest
from tabveil.measure.encode import DistanceEncoder
from tabveil.measure.lineup import lineup_of

CONF = Path(__file__).parents[2] / "conf" / "attack"
NAMES = sorted(path.stem for path in CONF.glob("*.yaml"))
EVERY = pytest.mark.parametrize("name", NAMES)
N = 600


def make(name: str) -> Attack:
    """The attack as configured; one that combines others combines all of them."""
    made = configured(name)
    if isinstance(made, Combination):
        made = made.combining({other: configured(other) for other in NAMES})
    return made


def configured(name: str) -> Attack:
    """The attack of a config, which is nested under its own name."""
    (key, params), *others = yaml.safe_load((CONF / f"{name}.yaml").read_text("utf-8")).items()
    assert (key, others) == (name, [])
    module, _, class_name = params.pop("_target_").rpartition(".")
    made = getattr(importlib.import_module(module), class_name)(**params)
    assert isinstance(made, Attack)
    return made


def people(n: int, seed: int) -> pd.DataFrame:
    """Rows of one population: every kind, gaps, heavy tails, columns that depend on each other."""
    rng = np.random.default_rng(seed)
    age, wealth = rng.integers(18, 90, n), rng.normal(size=n)
    well = rng.random(n) < 1 / (1 + np.exp(age / 15 - 4 - wealth))
    income = np.exp(9 + 0.6 * wealth).round(2)
    return pd.DataFrame(
        {
            "age": age,
            "income (€)": np.where(rng.random(n) < 0.1, np.nan, income),
            "losses": np.where(rng.random(n) < 0.9, 0, rng.integers(1, 5000, n)),
            "größe 身長": rng.normal(170, 10, n),
            "state": rng.choice(["NY", "São Paulo", "日本", None], n, p=[0.5, 0.3, 0.15, 0.05]),
            "visits": rng.poisson(np.where(well, 1, 6)),
            "healthy": well,
            "since": pd.Timestamp("2010-01-01") + pd.to_timedelta(rng.integers(0, 4000, n), "D"),
        }
    )


@cache
def schema() -> Schema:
    return infer_schema(people(N, 0)).with_roles(
        target=None,
        sensitive=("healthy", "losses"),
        quasi_identifiers=("age", "state", "visits", "since"),
    )


def leaking(synthetic: pd.DataFrame, base: int = 0, seed: int = 0) -> EvalInput:
    """An input whose three splits are fresh draws, and whose critic knows the synthetic rows."""
    train, control, reference = (people(N, base + i) for i in (1, 2, 3))
    encoder = DistanceEncoder.fit(reference, schema())
    known = encoder.transform(synthetic)

    def critic(rows: pd.DataFrame) -> NDArray[np.float64]:
        return -nearest(encoder.transform(rows), known).distance[:, 0]

    return EvalInput(train, control, reference, synthetic, schema(), seed, critic=critic)


def copycat(base: int = 0) -> pd.DataFrame:
    return people(N, base + 1).sample(N, replace=True, random_state=0).reset_index(drop=True)


@cache
def scores_of(name: str, *, replayed: bool, base: int = 0) -> tuple[Score, ...]:
    synthetic = copycat(base) if replayed else people(N, base + 4)
    return tuple(make(name).evaluate(leaking(synthetic, base)))


@EVERY
def test_it_says_who_attacks_and_what_it_measures(name: str) -> None:
    attack = make(name)
    assert attack.name == name
    assert attack.direction == "minimize"
    assert len(attack.threat_model) > 20
    low, high = attack.bounds
    headline = scores_of(name, replayed=True)[0]
    assert low <= headline.value <= high


@EVERY
def test_replayed_training_rows_are_flagged(name: str) -> None:
    advantages = [score.advantage for score in scores_of(name, replayed=True)]
    assert max(a.value - 1.645 * a.se for a in advantages if a) > 0


@EVERY
@pytest.mark.parametrize("base", [0, 10, 20])
def test_nothing_is_found_in_fresh_rows(name: str, base: int) -> None:
    """At three standard errors, which chance passes in one of a thousand per component."""
    advantages = [score.advantage for score in scores_of(name, replayed=False, base=base)]
    assert max(a.value - 3 * a.se for a in advantages if a) <= 0


@EVERY
@pytest.mark.parametrize("replayed", [True, False])
def test_every_score_has_an_interval_around_it_that_is_not_a_point(
    name: str, replayed: bool
) -> None:
    for score in scores_of(name, replayed=replayed):
        assert score.low is not None
        assert score.high is not None
        assert score.low <= score.value <= score.high
        assert score.low < score.high
        assert score.advantage is None or score.advantage.se > 0
        json.dumps(dict(score.detail), allow_nan=False)


@EVERY
def test_the_order_of_rows_and_columns_does_not_matter(name: str) -> None:
    given = leaking(copycat())
    rng = np.random.default_rng(5)

    def shuffled(table: pd.DataFrame) -> pd.DataFrame:
        columns = list(rng.permutation(table.columns))
        return table.iloc[rng.permutation(len(table))][columns]

    tables = (given.train, given.control, given.reference, given.synthetic)
    other = EvalInput(
        *(shuffled(table) for table in tables), given.schema, given.seed, critic=given.critic
    )
    for one, two in zip(scores_of(name, replayed=True), make(name).evaluate(other), strict=True):
        assert two.name == one.name
        assert (two.value, two.low, two.high) == pytest.approx((one.value, one.low, one.high))


@EVERY
def test_the_same_seed_gives_the_same_scores_and_no_input_changes(name: str) -> None:
    given = leaking(copycat())
    tables = (given.train, given.control, given.reference, given.synthetic)
    before = [table.copy(deep=True) for table in tables]
    np.random.seed(1)
    assert tuple(make(name).evaluate(given)) == scores_of(name, replayed=True)
    for table, copy in zip(tables, before, strict=True):
        pd.testing.assert_frame_equal(table, copy)


@EVERY
def test_its_signals_are_a_finite_number_for_every_target(name: str) -> None:
    attack, given = make(name), leaking(copycat())
    if not isinstance(attack, MembershipAttack):
        return
    signals = attack.signals(given)
    assert signals
    for values in signals.values():
        assert values.shape == (len(lineup_of(given)),)
        assert np.isfinite(values).all()


def scores_or_message(name: str, given: EvalInput) -> list[Score] | str:
    try:
        return make(name).evaluate(given)
    except EvaluationError as error:
        return str(error)


@EVERY
@pytest.mark.parametrize("table_name", ZOO)
def test_on_every_table_of_the_zoo_it_scores_or_says_that_it_cannot_tell(
    name: str, table_name: str
) -> None:
    table = ZOO[table_name]()
    train, control, reference = (
        table.sample(min(len(table), 50), random_state=i) for i in range(3)
    )
    given = EvalInput(train, control, reference, train, schema_of(table), seed=0)
    found = scores_or_message(name, given)
    if isinstance(found, str):
        assert "cannot tell" in found
        return
    for score in found:
        assert np.isfinite([score.low, score.value, score.high]).all()
        assert score.low <= score.value <= score.high


@EVERY
def test_from_a_handful_of_rows_it_cannot_tell(name: str) -> None:
    few = people(5, 1)
    given = EvalInput(few, people(5, 2), people(5, 3), few, schema(), seed=0)
    assert "cannot tell" in scores_or_message(name, given)
