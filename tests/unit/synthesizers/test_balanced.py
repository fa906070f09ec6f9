"""Do levels come at the shares that were asked for, and the rest as the model knows it?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabveil.data.schema import infer_schema
from tabveil.errors import ConditionError, ConfigError
from tabveil.synthesizers.balanced import Balanced
from tabveil.synthesizers.chunks import CHUNK_ROWS
from tabveil.synthesizers.marginals import Marginals


@pytest.fixture(scope="module")
def model() -> Marginals:
    rng = np.random.default_rng(0)
    n = 2_000
    table = pd.DataFrame(
        {
            "income": rng.choice(["low", "high"], n, p=[0.95, 0.05]),
            "age": rng.integers(18, 90, n),
            "sex": rng.choice(["f", "m", None], n),
        }
    )
    made = Marginals()
    made.fit(table, infer_schema(table), seed=0)
    return made


def test_shares_are_kept_over_all_and_in_every_chunk(model: Marginals) -> None:
    drawn = Balanced.by(model, {"income": {"low": 0.25, "high": 0.75}})
    n = CHUNK_ROWS + 501
    frames = list(drawn.iter_sample(n, seed=1))
    assert [len(frame) for frame in frames] == [CHUNK_ROWS, 501]
    for frame in frames:
        assert abs((frame["income"] == "high").sum() - 0.75 * len(frame)) <= 1
    rows = pd.concat(frames)
    assert list(rows.index) == list(range(n))
    assert (rows["income"] == "high").sum() == round(0.75 * n)
    assert rows["income"].head(50).nunique() == 2  # mixed, not one level after the other
    assert rows["age"].between(18, 90).all()


def test_the_same_seed_gives_the_same_rows(model: Marginals) -> None:
    drawn = Balanced.by(model, {"income": {"low": 0.5, "high": 0.5}})
    first, again, other = (drawn.sample(300, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


def test_levels_that_are_not_named_do_not_come_and_conditions_hold(model: Marginals) -> None:
    drawn = Balanced.by(model, {"sex": {"f": 0.5, None: 0.5}})
    rows = drawn.sample(200, seed=0, where={"age": {"min": 60}})
    assert rows["sex"].isna().sum() == 100
    assert set(rows["sex"].dropna()) == {"f"}
    assert rows["age"].min() >= 60


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({}, "name one column"),
        ({"income": {"low": 1.0}, "sex": {"f": 1.0}}, "name one column"),
        ({"income": {"low": 0.6, "high": 0.6}}, "add up to 1"),
        ({"income": {"low": 1.0, "high": 0.0}}, "above 0"),
        ({"income": {}}, "add up to 1"),
    ],
)
def test_shares_that_make_no_sense_are_refused(
    model: Marginals, shares: dict[str, dict[str, float]], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        Balanced.by(model, shares)


def test_an_unknown_level_and_a_condition_on_the_same_column_are_refused(model: Marginals) -> None:
    with pytest.raises(ConditionError, match="hihg"):
        Balanced.by(model, {"income": {"low": 0.5, "hihg": 0.5}}).sample(10, seed=0)
    both = Balanced.by(model, {"income": {"low": 0.5, "high": 0.5}})
    with pytest.raises(ConfigError, match="one of them"):
        both.sample(10, seed=0, where={"income": "low"})
