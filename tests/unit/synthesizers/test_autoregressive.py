"""Does the model learn what belongs together, meet conditions exactly, and refuse bad settings?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabveil.data.schema import infer_schema
from tabveil.errors import ArtifactError, ConditionError, ConfigError, TabveilError
from tabveil.synthesizers.autoregressive import Autoregressive

N = 3000


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    group = rng.choice(["a", "b"], N, p=[0.7, 0.3])
    return pd.DataFrame(
        {
            "group": group,
            "twin": np.where(rng.random(N) < 0.95, group, "c"),
            "size": np.where(group == "a", 10.0, 20.0) + rng.normal(0, 1, N),
            "count": np.where(rng.random(N) < 0.5, 0.0, rng.normal(100, 5, N)),
            "gap": np.where(group == "b", np.nan, rng.integers(0, 9, N)),
        }
    )


def fit(rows: pd.DataFrame, seed: int = 0, **params: Any) -> Autoregressive:
    made = Autoregressive(**params)
    made.fit(rows, infer_schema(rows), seed=seed)
    return made


@pytest.fixture(scope="module")
def fitted() -> Autoregressive:
    return fit(table())


def test_what_belongs_together_stays_together(fitted: Autoregressive) -> None:
    drawn = fitted.sample(5000, seed=1)
    assert (drawn["group"] == "a").mean() == pytest.approx(0.7, abs=0.03)
    known = drawn[drawn["twin"] != "c"]
    assert (known["group"] == known["twin"]).mean() > 0.97
    middles = drawn.groupby("group")["size"].median()
    assert middles["a"] == pytest.approx(10, abs=0.3)
    assert middles["b"] == pytest.approx(20, abs=0.3)
    assert (drawn["gap"].isna() == (drawn["group"] == "b")).mean() > 0.97


def test_conditions_give_the_rows_that_rejection_from_the_same_model_would(
    fitted: Autoregressive,
) -> None:
    where = {"size": {"min": 9.5, "max": 20.2}, "count": {"min": 50}, "twin": ["a", "b"]}
    drawn = fitted.sample(20_000, seed=1, where=where)
    every = fitted.sample(100_000, seed=2)
    kept = every[
        every["size"].between(9.5, 20.2) & (every["count"] >= 50) & every["twin"].isin(["a", "b"])
    ]
    assert drawn["size"].between(9.5, 20.2).all()
    assert (drawn["count"] >= 50).all()
    assert (drawn["group"] == "a").mean() == pytest.approx((kept["group"] == "a").mean(), abs=0.02)
    for name in ("size", "count", "gap"):
        for q in (0.1, 0.5, 0.9):
            spread = kept[name].std()
            assert drawn[name].quantile(q) == pytest.approx(kept[name].quantile(q), abs=spread / 8)


def test_missing_values_can_be_asked_for_and_excluded(fitted: Autoregressive) -> None:
    assert fitted.sample(50, seed=0, where={"gap": None})["gap"].isna().all()
    assert fitted.sample(50, seed=0, where={"gap": {"min": 0}})["gap"].notna().all()
    assert fitted.sample(50, seed=0, where={"gap": 3})["gap"].eq(3).all()


def test_a_condition_on_a_value_that_cannot_be_drawn_is_an_error(fitted: Autoregressive) -> None:
    with pytest.raises(ConditionError, match="no row can meet the condition on 'gap'"):
        fitted.sample(5, seed=0, where={"gap": 300})


def test_learnt_rows_are_likelier_than_rows_that_break_what_belongs_together(
    fitted: Autoregressive,
) -> None:
    rows = table().head(300)
    broken = rows.assign(group=np.where(rows["group"] == "a", "b", "a"))
    assert fitted.log_likelihood(rows).mean() > fitted.log_likelihood(broken).mean() + 2
    assert fitted.critic is not None


def test_epochs_are_told_and_training_ends_before_them_where_nothing_is_gained() -> None:
    told: list[tuple[int, set[str]]] = []
    made = Autoregressive(epochs=100)
    rows = table()
    made.fit(
        rows, infer_schema(rows), seed=0, on_epoch=lambda e, losses: told.append((e, set(losses)))
    )
    assert [e for e, _ in told] == list(range(1, len(told) + 1))
    assert all(losses == {"loss", "held_out"} for _, losses in told)
    assert len(told) < 60


def test_what_on_epoch_raises_ends_the_training() -> None:
    def stop(_epoch: int, _losses: Any) -> None:
        raise KeyboardInterrupt

    rows = table()
    with pytest.raises(KeyboardInterrupt):
        Autoregressive().fit(rows, infer_schema(rows), seed=0, on_epoch=stop)


def test_settings_that_cannot_work_are_refused_by_name() -> None:
    for name, value in (("hidden_dim", 0), ("temperature", 0.0), ("dropout", 1.0)):
        with pytest.raises(ConfigError, match=f"synthesizer.{name}"):
            fit(table(), **{name: value})


def test_a_model_that_was_not_fitted_says_so(tmp_path: Path) -> None:
    with pytest.raises(TabveilError, match="not fitted"):
        Autoregressive().sample(1, seed=0)
    with pytest.raises(ArtifactError, match="missing"):
        Autoregressive.load(tmp_path)


def test_a_number_beyond_what_rows_held_is_refused_at_once_though_a_bin_reaches_there(
    fitted: Autoregressive,
) -> None:
    highest = fitted.sample(20_000, seed=0)["size"].max()
    assert (fitted.sample(50, seed=0, where={"size": {"min": highest - 0.2}})["size"] > 20).all()
    with pytest.raises(ConditionError, match="no row can meet"):
        fitted.sample(1, seed=0, where={"size": {"min": highest + 5}})


def test_any_value_but_a_missing_one_may_be_asked_for(fitted: Autoregressive) -> None:
    present = fitted.sample(500, seed=0, where={"gap": {"missing": False}})
    assert present["gap"].notna().all()
    assert (present["group"] == "a").mean() > 0.97


def test_few_rows_know_fewer_levels_where_more_rows_must_hold_them() -> None:
    rows = table()
    rows.loc[:6, "twin"] = "rare"
    assert "rare" not in set(fit(rows, epochs=1).sample(20_000, seed=0)["twin"])
    with pytest.raises(ConditionError, match="no level 'rare'"):
        fit(rows, epochs=1).sample(1, seed=0, where={"twin": "rare"})
    kept = fit(rows, epochs=1, min_count=5).sample(20, seed=0, where={"twin": "rare"})
    assert set(kept["twin"]) == {"rare"}
