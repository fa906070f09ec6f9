"""Does the inference attack see secrets that only copies give away, and nothing in fresh rows?"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabveil.attacks.inference import Inference, Learner
from tabveil.contracts import EvalInput, Limits, Score
from tabveil.data.schema import Schema, infer_schema
from tabveil.errors import CannotTell
from tabveil.measure.secrets import Secret

GOLDEN = Path(__file__).parents[3].parent / "shared" / "golden"
KNOWN = ("age", "town")


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, n)
    wealth = rng.normal(size=n)
    return pd.DataFrame(
        {
            "age": age,
            "height": rng.normal(170, 10, n),
            "town": rng.choice(["north", "south", "east"], n),
            "wealth": wealth,
            "sick": np.where(rng.random(n) < 1 / (1 + np.exp(3 - age / 20)), "yes", "no"),
            "pay": np.where(rng.random(n) < 0.2, np.nan, np.exp(8 + wealth + rng.normal(size=n))),
            "gains": np.where(rng.random(n) < 0.9, 0, rng.integers(100, 9000, n)),
            "since": pd.Timestamp("2010-01-01") + pd.to_timedelta(rng.integers(0, 4000, n), "D"),
        }
    )


def given(
    synthetic: pd.DataFrame,
    *,
    secrets: tuple[str, ...] = ("sick",),
    quasi_identifiers: tuple[str, ...] = (),
    n: int = 1000,
    change: dict[str, object] | None = None,
) -> EvalInput:
    tables = [people(n, i) for i in (1, 2, 3)]
    if change:
        tables = [table.assign(**change) for table in tables]
        synthetic = synthetic.assign(**change)
    schema = infer_schema(pd.concat(tables)).with_roles(
        target=None, sensitive=secrets, quasi_identifiers=quasi_identifiers
    )
    train, control, reference = tables
    return EvalInput(train, control, reference, synthetic, schema, 0, Limits(device="cpu"))


def attack(data: EvalInput, attacker: Inference | None = None) -> dict[str, Score]:
    return {score.name: score for score in (attacker or Inference()).evaluate(data)}


def z(score: Score) -> float:
    assert score.advantage
    return score.advantage.value / score.advantage.se


def with_copies(share: float, n: int = 1000) -> pd.DataFrame:
    n_copied = int(share * n)
    return pd.concat([people(n, 1).iloc[:n_copied], people(n - n_copied, 4)], ignore_index=True)


@pytest.mark.parametrize("secret", ["sick", "pay", "gains", "since", "height"])
def test_replayed_people_lose_every_kind_of_secret(secret: str) -> None:
    score = attack(given(people(1000, 1), secrets=(secret,)))[secret]
    assert z(score) > 3
    assert score.detail["members_rate"] > 0.97


@pytest.mark.parametrize("secret", ["sick", "pay", "gains", "since", "height"])
def test_fresh_rows_give_nothing_away(secret: str) -> None:
    score = attack(given(people(1000, 4), secrets=(secret,)))[secret]
    assert score.low <= 0.01
    assert z(score) < 3
    assert abs(score.detail["members_rate"] - score.detail["others_rate"]) < 0.07


def test_a_tenth_of_copies_is_seen_though_trees_alone_see_none() -> None:
    data = given(with_copies(0.1, 3000), secrets=("pay",), n=3000)
    auto, trees = (
        attack(data, Inference(learner=learner))["pay"] for learner in ("auto", "boosting")
    )
    assert z(auto) > 5
    assert auto.value == pytest.approx(0.09, abs=0.03)
    assert z(trees) < 3
    assert auto.detail["members_rate_by_nearest"] > auto.detail["others_rate_by_nearest"] + 0.05


def test_trees_are_relied_on_where_the_nearest_row_is_better_by_chance_only(monkeypatch) -> None:
    """One more hit or one less, as another processor's rounding gives, changes no learner."""
    data = given(people(1000, 4), secrets=("pay",))
    right = Secret.right
    for extra in range(-2, 3):
        seen = []

        def rounded(self, guesses, secrets, extra=extra, seen=seen):
            hits = right(self, guesses, secrets)
            if not seen:  # the nearest row's guesses on the first half
                hits[np.flatnonzero(~hits)[: max(extra, 0)]] = True
                hits[np.flatnonzero(hits)[: max(-extra, 0)]] = False
            seen.append(1)
            return hits

        monkeypatch.setattr(Secret, "right", rounded)
        assert attack(data)["pay"].detail["learner"] == "boosting"


def test_the_nearest_row_is_relied_on_where_it_is_plainly_better() -> None:
    """Who lives where is known house by house: trees of few leaves cannot learn it."""

    def owners(seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        house = rng.integers(0, 200, 1000)
        return pd.DataFrame(
            {
                "house": [f"number {n}" for n in house],
                "since": rng.uniform(1900, 2000, 1000),
                "owner": [f"owner {n * 7 % 19}" for n in house],
            }
        )

    tables = [owners(seed) for seed in range(4)]
    schema = infer_schema(pd.concat(tables)).with_roles(target=None, sensitive=("owner",))
    score = attack(EvalInput(*tables, schema, 0, Limits(device="cpu")))["owner"]
    assert score.detail["learner"] == "nearest"
    assert score.detail["others_rate"] > 0.9


@pytest.mark.parametrize("learner", ["nearest", "boosting"])
def test_one_learner_alone_is_used_when_asked_for(learner: Learner) -> None:
    score = attack(given(people(1000, 1)), Inference(learner=learner))["sick"]
    assert score.detail["learner"] == learner
    assert score.detail["members_rate_by_nearest"] == (learner == "nearest")


def test_gains_of_a_few_do_not_hide_copies_with_noise() -> None:
    """In ranks, the least noise moves a column that is mostly 0 by half."""
    train = people(1000, 1)
    rng = np.random.default_rng(0)
    noisy = train.assign(
        **{c: train[c] + 0.02 * train[c].std() * rng.normal(size=1000) for c in ("gains", "height")}
    )
    score = attack(given(noisy, secrets=("pay",)))["pay"]
    assert score.detail["members_rate"] > 0.95


def test_what_holds_of_everybody_is_no_finding_but_is_reported() -> None:
    change = {"twice": lambda t: np.where(t["town"] == "north", "yes", "no")}
    score = attack(given(people(1000, 4), secrets=("twice",), change=change))["twice"]
    assert score.detail["members_rate"] == score.detail["others_rate"] == 1
    assert score.detail["excess_over_reference"] == 0
    assert score.low < 0 < score.high


def test_each_secret_first_then_each_by_quasi_identifiers_without_itself() -> None:
    data = given(people(300, 1), secrets=("age", "sick"), quasi_identifiers=KNOWN, n=300)
    scores = attack(data)
    names = ["age", "sick", "age_by_quasi_identifiers", "sick_by_quasi_identifiers"]
    assert list(scores) == names
    assert scores["age_by_quasi_identifiers"].detail["known"] == ["town"]
    assert scores["sick_by_quasi_identifiers"].detail["known"] == ["age", "town"]
    assert "sick" not in scores["sick"].detail["known"]


def test_quasi_identifiers_that_are_the_secret_or_everything_else_are_not_asked_twice() -> None:
    rest = tuple(name for name in people(1, 0).columns if name != "sick")
    for quasi in (("sick",), rest):
        assert list(attack(given(people(300, 1), quasi_identifiers=quasi, n=300))) == ["sick"]


def test_names_hold_only_what_a_metric_key_may_and_stay_apart() -> None:
    change = {
        name: lambda t: t["sick"]
        for name in ("größe 身長", "pay (€)", "pay [€]", "a/b", "x", "x_low", "")
    }
    secrets = tuple(change)
    scores = attack(given(people(200, 1), secrets=secrets, n=200, change=change))
    assert [score.detail["column"] for score in scores.values()] == list(secrets)
    keys = [name + end for name in scores for end in ("", "_low", "_high")]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[\w\-. ]+", name) for name in scores)


@pytest.mark.parametrize("value", ["same", None, 7.0, np.nan])
def test_a_secret_of_one_value_or_none_tells_nothing(value: object) -> None:
    change = {"flat": pd.Series([value] * 400)}
    score = attack(given(people(400, 1), secrets=("flat",), n=400, change=change))["flat"]
    assert score.value == 0
    assert score.low < 0 < score.high


def test_a_synthetic_table_of_one_row_repeated_teaches_nothing() -> None:
    one = people(1, 9).loc[[0] * 400].reset_index(drop=True)
    score = attack(given(one, secrets=("pay",), n=400))["pay"]
    assert z(score) < 3


def test_without_a_secret_it_does_not_apply() -> None:
    data = given(people(300, 1), secrets=(), n=300)
    assert not Inference.applies(data.schema)
    with pytest.raises(CannotTell, match=r"cannot tell.*sensitive"):
        Inference().evaluate(data)
    alone = data.schema.with_roles(target=None, sensitive=("sick",))
    assert Inference.applies(alone)
    assert not Inference.applies(replace(alone, columns=(alone["sick"],)))


def test_another_synthetic_table_asks_the_reference_no_second_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = given(people(400, 4), n=400)
    Inference().evaluate(data)
    calls: list[int] = []
    monkeypatch.setattr(
        "tabveil.attacks.inference._Attack._boosted",
        lambda self, table, role: calls.append(role) or self.secrets,
    )
    Inference().evaluate(replace(data, synthetic=people(400, 5)))
    assert calls == ["synthetic"]


@cache
def golden(name: str) -> pd.DataFrame:
    return pd.read_csv(GOLDEN / f"{name}.csv.gz")


@cache
def on_golden(name: str) -> dict[str, Score]:
    roles = {
        "sensitive": ("income", "capital_gain"),
        "quasi_identifiers": ("age", "sex", "race", "education", "country", "occupation"),
    }
    schema: Schema = infer_schema(golden("train")).with_roles(target="income", **roles)
    tables = (golden(split) for split in ("train", "control", "reference"))
    data = EvalInput(*tables, golden(name), schema, 0, Limits(max_targets=4000, device="cpu"))
    return attack(data)


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden tables are not shipped")
def test_the_known_answers_of_golden_are_found() -> None:
    assert all(z(score) < 2.5 for score in on_golden("safe_fresh").values())
    assert max(z(score) for score in on_golden("leak_copy10").values()) > 3
    noise = on_golden("leak_noise100")
    assert noise["income"].detail["residual_risk"] > 0.75  # Anonymeter: .89 [.85, .93]
    assert all(z(score) > 5 for score in noise.values())
