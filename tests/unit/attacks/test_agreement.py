"""Does the attack by agreement find the row that all comparisons would find, and changed copies?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from tabveil.attacks.agreement import Agreement
from tabveil.contracts import EvalInput, Score
from tabveil.data.schema import infer_schema
from tabveil.measure.lineup import lineup_of

N = 400
NUMBERS = ["a", "b", "c", "d", "e"]
TEXTS = ["f", "g", "h", "i", "j"]


def people(seed: int, n: int = N) -> pd.DataFrame:
    """Ten columns, of few values and of many."""
    rng = np.random.default_rng(seed)
    sizes = dict(zip(NUMBERS + TEXTS, [3, 10, 40, 200, 5000, 2, 6, 20, 50, 90], strict=True))
    table = pd.DataFrame({k: (size * rng.random(n) ** 2).astype(int) for k, size in sizes.items()})
    table["c"] = table["c"].astype(float).where(rng.random(n) > 0.2)
    return table.astype(dict.fromkeys(TEXTS, "str"))


def given(synthetic: pd.DataFrame) -> EvalInput:
    columns = list(synthetic.columns)
    tables = [table[columns] for table in (people(1), people(2), people(3), synthetic)]
    kinds = {name: "numeric" if name in NUMBERS else "categorical" for name in columns}
    return EvalInput(*tables, infer_schema(tables[2], kinds=kinds), seed=0)


def changed(n_cells: int, *, blank: bool = False) -> pd.DataFrame:
    """Fresh rows and, every tenth, a training row of which some cells are redrawn or blank."""
    rng = np.random.default_rng(0)
    table, fresh, train = people(4).astype(object), people(5), people(1)
    for i in range(0, N, 10):
        row = train.iloc[i].astype(object)
        for name in rng.choice(table.columns, n_cells, replace=False):
            row[name] = None if blank else fresh[name].iloc[i]
        table.iloc[i] = row
    return table.astype(dict.fromkeys(NUMBERS, "float"))


def score(data: EvalInput, name: str) -> Score:
    return next(score for score in Agreement().evaluate(data) if score.name == name)


def all_pairs(data: EvalInput) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The best weighted agreement of each target with synthetic and with reference rows."""
    lineup = lineup_of(data)
    reference = people(3)
    best = []
    for table in (data.synthetic, reference):
        total = np.zeros((len(lineup), len(table)))
        for name in reference.columns:
            mine, held, other = (
                frame[name].astype(object).where(frame[name].notna(), "missing").to_numpy()
                for frame in (lineup.targets.frame, reference, table)
            )
            counts = (mine[:, None] == held[None]).sum(axis=1)
            weight = -np.log((counts + 0.5) / (len(held) + 1))
            total += np.where(mine[:, None] == other[None], weight[:, None], 0)
        best.append(total.max(axis=1))
    return best[0], best[1]


def test_with_all_keys_it_is_the_best_of_all_pairs() -> None:
    data = given(changed(3))
    synthetic, reference = all_pairs(data)
    found = Agreement(n_keys=10, max_matches=N).signals(data)["agreement"]
    assert found == pytest.approx(synthetic - reference)


def test_with_few_keys_it_misses_few_of_the_changed_copies() -> None:
    data = given(changed(3))
    synthetic, reference = all_pairs(data)
    copied = synthetic - reference > 8
    assert copied.sum() > 10
    found = Agreement().signals(data)["agreement"][copied]
    assert (found > 8).mean() > 0.9


@pytest.mark.parametrize("blank", [True, False])
def test_copies_with_three_of_ten_cells_changed_are_found(blank: bool) -> None:
    tail = score(given(changed(3, blank=blank)), "tpr_at_1pct_fpr")
    assert tail.low is not None
    assert tail.low > 0.04


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_nothing_is_found_in_fresh_rows(seed: int) -> None:
    headline = score(given(people(seed)), "auc")
    assert headline.low is not None
    assert headline.high is not None
    assert headline.low - 0.01 < 0.5 < headline.high + 0.01


@pytest.mark.parametrize("columns", [["e"], ["d", "e"], ["d", "j"], TEXTS])
def test_one_column_and_texts_alone_will_do(columns: list[str]) -> None:
    data = given(people(1)[columns])
    assert np.isfinite(Agreement().signals(data)["agreement"]).all()


def test_texts_alone_give_a_replay_away() -> None:
    assert score(given(people(1)[TEXTS]), "auc").value > 0.7


def test_common_values_are_looked_up_in_pairs() -> None:
    """Columns of twenty values: none is rare, two together are."""
    data = given(people(1)[["b", "c", "g", "h"]])
    signal = Agreement(n_keys=4, max_matches=15).signals(data)["agreement"]
    assert (signal != 0).mean() > 0.8


def test_a_gap_that_many_have_is_no_agreement_to_speak_of() -> None:
    """A column with gaps everywhere and a constant one weigh next to nothing."""
    columns = ["a", "c", "e", "f"]
    tables = [people(seed).assign(c=np.nan, a=1)[columns] for seed in (1, 2, 3, 4)]
    kinds = {"a": "numeric", "c": "numeric", "e": "numeric", "f": "categorical"}
    data = EvalInput(*tables, infer_schema(tables[2], kinds=kinds), seed=0)
    weights = Agreement()._known(lineup_of(data))[0].weights
    e_is_rare = weights[:, lineup_of(data).targets.encoded.numeric.index("e")]
    assert np.abs(np.delete(weights, 2, axis=1)).max() < 2 < e_is_rare.min()


def test_a_row_that_the_table_repeats_is_compared_all_the_same() -> None:
    train = people(1)
    table = pd.concat([people(4).iloc[:200], train.iloc[[7] * 200]], ignore_index=True)
    data = given(table)
    signal = Agreement(max_matches=5).signals(data)["agreement"]
    is_it = (lineup_of(data).targets.frame["e"] == train["e"].iloc[7]).to_numpy()
    assert signal[is_it].max() == signal.max()
