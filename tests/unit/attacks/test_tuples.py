"""Does the attack by pairs of values count what it says, and find rare pairs that were learnt?"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabveil.attacks.tuples import Tuples
from tabveil.contracts import EvalInput, Limits
from tabveil.data.schema import infer_schema
from tabveil.measure.intervals import auc
from tabveil.measure.lineup import lineup_of
from tabveil.memo import Memo

GOLDEN = Path(__file__).parents[3].parent / "shared" / "golden"


def people(n: int, seed: int, n_towns: int = 30) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    income = np.exp(rng.normal(size=n))
    return pd.DataFrame(
        {
            "income": np.where(rng.random(n) < 0.1, np.nan, income),
            "town": [f"t{i}" for i in (n_towns * rng.random(n) ** 3).astype(int)],
            "job": [f"j{i}" for i in (n_towns * rng.random(n) ** 3).astype(int)],
        }
    )


def given(synthetic: pd.DataFrame, n: int = 500, **tables: pd.DataFrame) -> EvalInput:
    splits = {"train": people(n, 1), "control": people(n, 2), "reference": people(n, 3)} | tables
    schema = infer_schema(splits["reference"])
    return EvalInput(**splits, synthetic=synthetic, schema=schema, seed=0)


def test_the_counts_are_those_of_a_group_by() -> None:
    train, control, reference, synthetic = (
        people(n, seed)[["job", "town"]] for n, seed in ((500, 1), (500, 2), (500, 3), (700, 4))
    )
    data = given(synthetic, train=train, control=control, reference=reference)
    wanted = pd.MultiIndex.from_frame(lineup_of(data).targets.frame[["job", "town"]])
    known, seen = (
        table.groupby(["job", "town"]).size().reindex(wanted, fill_value=0).to_numpy()
        for table in (reference, synthetic)
    )
    excess = np.log((seen + 0.5) / 701) - np.log((known + 0.5) / 501)
    signals = Tuples(rare_below=5).signals(data)
    assert signals["sum"] == pytest.approx(excess)
    assert signals["max"] == pytest.approx(excess)
    assert signals["rare"] == pytest.approx(np.where(known < 5, excess, 0))


def test_rare_pairs_that_were_learnt_are_found_though_no_whole_row_was() -> None:
    """A tenth of both sides live in a town of their own; the synthetic table mixes up the rest."""

    def with_hermits(table: pd.DataFrame, side: str) -> pd.DataFrame:
        names = [f"{side}{i}" for i in range(len(table) // 10)]
        return table.assign(town=[*names, *table["town"][len(names) :]])

    train, control = with_hermits(people(500, 1), "a"), with_hermits(people(500, 2), "b")
    learnt = with_hermits(people(500, 1), "a").iloc[:50].assign(income=1.0)
    data = given(pd.concat([people(450, 4), learnt]), train=train, control=control)
    lineup, signals = lineup_of(data), Tuples().signals(data)
    town = lineup.targets.frame["town"]
    ours, theirs = (signals["rare"][town.str.startswith(side).to_numpy()] for side in "ab")
    assert auc(members=ours, others=theirs).value > 0.75
    rest = town.str.startswith("t").to_numpy()
    members, others = rest & lineup.is_member, rest & ~lineup.is_member
    found = auc(members=signals["rare"][members], others=signals["rare"][others])
    assert found.low < 0.5 < found.high


def test_missing_numbers_are_a_class_of_their_own() -> None:
    gaps = people(500, 4).assign(income=np.nan)
    data = given(gaps)
    frame, signal = lineup_of(data).targets.frame, Tuples().signals(data)["sum"]
    gap = frame["income"].isna().to_numpy()
    assert signal[gap].mean() > signal[~gap].mean() + 2


def test_one_column_is_counted_by_itself() -> None:
    tables = [people(500, i, 400)[["town"]] for i in range(1, 4)]
    train, control, reference = tables
    signals = Tuples().signals(given(train, train=train, control=control, reference=reference))
    assert np.ptp(signals["sum"]) > 0


def test_wide_tables_are_cut_to_pairs_drawn_by_seed() -> None:
    def wide(seed: int) -> pd.DataFrame:
        values = np.random.default_rng(seed).integers(0, 9, (60, 40))
        return pd.DataFrame(values, columns=[f"c{i}" for i in range(40)]).astype(str)

    data = EvalInput(*(wide(i) for i in range(4)), infer_schema(wide(2)), seed=0)
    few, same = Tuples(max_pairs=10), Tuples(max_pairs=10)
    assert (few.signals(data)["sum"] == same.signals(data)["sum"]).all()
    assert np.abs(few.signals(data)["sum"]).mean() < np.abs(Tuples().signals(data)["sum"]).mean()


def test_columns_of_many_levels_are_counted_right_without_a_table_of_all_cells() -> None:
    """A thousand levels a column: a million possible cells, a few hundred seen."""
    many = {name: people(600, i, 1000)[["job", "town"]] for i, name in enumerate("abcd")}
    kinds = {"job": "categorical", "town": "categorical"}
    data = EvalInput(*many.values(), infer_schema(many["c"], kinds=kinds), seed=0)
    lineup, signals = lineup_of(data), Tuples().signals(data)
    both = [set(zip(t["job"], t["town"], strict=True)) for t in (many["c"], many["d"])]
    rows = list(zip(lineup.targets.frame["job"], lineup.targets.frame["town"], strict=True))
    unseen = [row not in both[0] and row not in both[1] for row in rows]
    assert signals["sum"][unseen] == pytest.approx(0)
    assert any(unseen)


def test_what_the_reference_holds_is_counted_once_for_all_synthetic_tables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared, calls = Memo(), []
    known = Tuples._known
    monkeypatch.setattr(Tuples, "_known", lambda s, lineup: calls.append(1) or known(s, lineup))
    for seed in (4, 5):
        splits = (people(300, 1), people(300, 2), people(300, 3))
        data = EvalInput(*splits, people(300, seed), infer_schema(splits[2]), seed=0, shared=shared)
        Tuples().signals(data)
    assert len(calls) == 1


@cache
def golden(name: str) -> pd.DataFrame:
    return pd.read_csv(GOLDEN / f"{name}.csv.gz")


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the shared golden tables are not here")
@pytest.mark.parametrize(
    ("name", "low", "high"), [("safe_fresh", 0.47, 0.53), ("leak_noise100", 0.54, 0.6)]
)
def test_known_answers(name: str, low: float, high: float) -> None:
    splits = (golden(split) for split in ("train", "control", "reference"))
    data = EvalInput(
        *splits,
        golden(name),
        infer_schema(golden("reference")),
        seed=0,
        limits=Limits(max_targets=2000),
    )
    assert low < Tuples().evaluate(data)[0].value < high
