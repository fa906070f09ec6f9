"""Does the attack by exact values count what it says, and find values that were passed on?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabveil.attacks.values import Values
from tabveil.contracts import EvalInput
from tabveil.data.schema import infer_schema
from tabveil.measure.intervals import auc
from tabveil.measure.lineup import lineup_of
from tabveil.memo import Memo

N = 500


def people(seed: int, n: int = N) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "income": np.where(rng.random(n) < 0.1, np.nan, rng.lognormal(9, 1, n).round(-1)),
            "age": rng.integers(18, 90, n),
            "town": [f"t{i}" for i in (60 * rng.random(n) ** 3).astype(int)],
        }
    )


def given(synthetic: pd.DataFrame, columns: tuple[str, ...] = ()) -> EvalInput:
    keep = list(columns) or list(synthetic.columns)
    tables = [table[keep] for table in (people(1), people(2), people(3), synthetic)]
    return EvalInput(*tables, infer_schema(tables[2], kinds={}), seed=0)


def found(data: EvalInput) -> tuple[float, float]:
    headline = Values().evaluate(data)[0]
    assert headline.low is not None
    assert headline.high is not None
    return headline.low, headline.high


def test_the_counts_are_those_of_value_counts() -> None:
    synthetic = people(4, 700)
    data = given(synthetic)
    targets, excess, known = lineup_of(data).targets.frame, [], []
    for name in synthetic.columns:
        held, seen = (
            targets[name].map(table[name].value_counts(dropna=False)).fillna(0).to_numpy()
            for table in (people(3), synthetic)
        )
        excess.append(np.log((seen + 0.5) / 701) - np.log((held + 0.5) / 501))
        known.append(held)
    rare = np.where(np.array(known) < 5, excess, 0)
    signals = Values(rare_below=5).signals(data)
    assert signals["sum"] == pytest.approx(np.sum(excess, axis=0))
    assert signals["max"] == pytest.approx(np.max(excess, axis=0))
    assert signals["rare"] == pytest.approx(rare.sum(axis=0))


def test_one_column_of_exact_values_is_found_in_otherwise_fresh_rows() -> None:
    assert found(given(people(4).assign(income=people(1)["income"])))[0] > 0.6


def test_columns_shuffled_one_by_one_are_found() -> None:
    shuffled = people(1).apply(lambda column: column.sample(frac=1, random_state=1).to_numpy())
    assert found(given(shuffled))[0] > 0.6


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_nothing_is_found_in_fresh_rows(seed: int) -> None:
    low, high = found(given(people(seed)))
    assert low - 0.01 < 0.5 < high + 0.01


@pytest.mark.parametrize("columns", [("income",), ("income", "town")])
def test_few_columns_are_enough(columns: tuple[str, ...]) -> None:
    data = given(people(1), columns)
    assert np.ptp(Values().signals(data)["sum"]) > 0


def test_values_outside_the_range_of_the_reference_are_told_apart() -> None:
    """Two fortunes beyond all others: only the one that was passed on counts as seen."""
    train, control = people(1), people(2)
    train.loc[0, "income"], control.loc[0, "income"] = 9e9, 9.1e9
    synthetic = people(4)
    synthetic.loc[0, "income"] = 9e9
    schema = infer_schema(people(3), kinds={})
    data = EvalInput(train, control, people(3), synthetic, schema, seed=0)
    income = lineup_of(data).targets.frame["income"].to_numpy()
    signal = Values().signals(data)["max"]
    assert signal[income == 9e9] > signal[income == 9.1e9]


def test_constant_and_empty_columns_tell_nothing() -> None:
    def dull(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(same=1, none=np.nan)

    tables = [people(seed) for seed in (1, 2, 3, 1)]
    kinds = {"same": "numeric", "none": "numeric"}
    schema = infer_schema(dull(tables[2]), kinds=kinds)
    with_dull = EvalInput(*(dull(table) for table in tables), schema, seed=0)
    lineup, signal = lineup_of(with_dull), Values().signals(with_dull)["rare"]
    area = auc(members=signal[lineup.is_member], others=signal[~lineup.is_member])
    assert area.low > 0.6


def test_what_the_reference_holds_is_counted_once_for_all_synthetic_tables() -> None:
    shared = Memo()
    tables = [people(seed) for seed in (1, 2, 3)]
    schema = infer_schema(tables[2], kinds={})
    for seed in (4, 5):
        data = EvalInput(*tables, people(seed), schema, seed=0, shared=shared)
        alone = EvalInput(*tables, people(seed), schema, seed=0)
        assert (Values().signals(data)["sum"] == Values().signals(alone)["sum"]).all()
