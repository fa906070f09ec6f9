"""Are single columns kept, and nothing between them?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabveil.data.schema import infer_schema
from tabveil.errors import ConfigError, TabveilError
from tabveil.synthesizers.marginals import Marginals, Quantiles

N = 4000


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    income = np.where(rng.random(N) < 0.3, 0.0, rng.lognormal(10, 1, N))
    return pd.DataFrame(
        {
            "income": np.where(rng.random(N) < 0.1, np.nan, income),
            "copy": income,
            "level": rng.choice(["a", "b", "c"], N, p=[0.89, 0.1, 0.01]),
        }
    )


@pytest.fixture(scope="module")
def drawn() -> pd.DataFrame:
    synthesizer = Marginals()
    synthesizer.fit(table(), infer_schema(table()), seed=0)
    return synthesizer.sample(50_000, seed=1)


def test_rates_spikes_gaps_and_quantiles_are_kept(drawn: pd.DataFrame) -> None:
    real = table()
    assert drawn["level"].value_counts(normalize=True)["c"] == pytest.approx(
        (real["level"] == "c").mean(), abs=0.002
    )
    assert drawn["income"].isna().mean() == pytest.approx(real["income"].isna().mean(), abs=0.01)
    assert (drawn["copy"] == 0).mean() == pytest.approx((real["copy"] == 0).mean(), abs=0.01)
    at = [0.4, 0.6, 0.8, 0.95]
    np.testing.assert_allclose(drawn["copy"].quantile(at), real["copy"].quantile(at), rtol=0.05)


def test_columns_are_independent(drawn: pd.DataFrame) -> None:
    assert table()["income"].corr(table()["copy"]) > 0.99
    assert abs(drawn["income"].corr(drawn["copy"])) < 0.03


def test_a_small_table_keeps_few_knots() -> None:
    values = pd.DataFrame({"x": np.random.default_rng(0).normal(0, 1, 23)})
    synthesizer = Marginals()
    synthesizer.fit(values, infer_schema(values), seed=0)
    assert synthesizer._fitted is not None
    knots = synthesizer._fitted.quantiles[0].knots
    assert len(knots) == 23 // 5 + 1
    assert not set(knots) & set(values["x"])


def test_a_distribution_of_spikes_alone_draws_only_them() -> None:
    values = Quantiles((1.0, 2.0), (0.25, 0.749), ()).draw(10_000, np.random.default_rng(0))
    assert set(values) == {1.0, 2.0}


def test_a_rare_level_is_drawn_at_once_when_asked_for() -> None:
    synthesizer = Marginals()
    synthesizer.fit(table(), infer_schema(table()), seed=0)
    rows = synthesizer.sample(5000, seed=1, where={"level": "c", "income": None})
    assert (rows["level"] == "c").all()
    assert rows["income"].isna().all()


def test_misuse_is_explained() -> None:
    with pytest.raises(TabveilError, match="not fitted"):
        Marginals().sample(1, seed=0)
    with pytest.raises(ConfigError, match="n_quantiles"):
        Marginals(n_quantiles=1).fit(table(), infer_schema(table()), seed=0)
