"""Does the distance attack find the leaks it should, and nothing where nothing is?"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabveil.attacks.distance import Distance, views_of
from tabveil.contracts import Advantage, EvalInput, Limits, Score
from tabveil.data.schema import infer_schema
from tabveil.errors import ConfigError
from tabveil.measure.distance import nearest
from tabveil.measure.encode import Encoded
from tabveil.measure.intervals import auc
from tabveil.measure.lineup import Lineup, lineup_of
from tabveil.memo import Memo

DEFAULT = Distance()
SHARED = Memo()
"""Of the golden tables: their reference is searched once."""
GOLDEN = Path(__file__).parents[3].parent / "shared" / "golden"


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    wealth = rng.normal(size=n)
    return pd.DataFrame(
        {
            "income": np.exp(wealth + rng.normal(size=n)),
            "children": rng.poisson(1, n),
            "town": np.where(wealth > rng.normal(size=n), "north", "south"),
            "job": rng.choice(list("abcdefg"), n),
        }
    )


def given(synthetic: pd.DataFrame, n: int = 500, **tables: pd.DataFrame) -> EvalInput:
    splits = {"train": people(n, 1), "control": people(n, 2), "reference": people(n, 3)} | tables
    schema = infer_schema(splits["train"], kinds={"income": "numeric"})
    return EvalInput(**splits, synthetic=synthetic, schema=schema, seed=0)


def attack(synthetic: pd.DataFrame, n: int = 500, **tables: pd.DataFrame) -> dict[str, Score]:
    return {score.name: score for score in DEFAULT.evaluate(given(synthetic, n, **tables))}


def shown(score: Score, z: float = 1.645) -> float:
    assert isinstance(score.advantage, Advantage)
    return score.advantage.value - z * score.advantage.se


def with_copies(share: float, n: int) -> pd.DataFrame:
    n_copied = int(share * n)
    return pd.concat([people(n, 1).iloc[:n_copied], people(n - n_copied, 4)])


def test_replayed_training_rows_are_seen_by_every_measure() -> None:
    scores = attack(people(500, 1))
    assert scores["auc"].value > 0.95
    assert scores["auc_raw"].value > 0.95
    assert scores["tpr_at_1pct_fpr"].value > 0.9
    assert scores["auc_outliers"].value > 0.95
    assert min(shown(s) for s in scores.values() if s.advantage) > 0.5


def test_fresh_rows_show_nothing() -> None:
    scores = attack(people(500, 4))
    assert max(shown(s) for s in scores.values() if s.advantage) <= 0
    assert scores["auc"].low < 0.5 < scores["auc"].high


def test_one_copied_row_in_ten_is_seen_in_the_tail_too() -> None:
    score = attack(with_copies(0.1, 2000), n=2000)["tpr_at_1pct_fpr"]
    assert score.value == pytest.approx(0.1, abs=0.02)
    assert shown(score) > 0.05


def test_fewer_searched_rows_are_another_draw_of_the_same_table() -> None:
    capped = replace(given(people(500, 1)), limits=Limits(max_searched=100))
    score = DEFAULT.evaluate(capped)[0]
    assert score.detail["n_synthetic"] == score.detail["n_reference"] == 100
    assert 0.1 < score.value - 0.45 < 0.35


def test_twenty_rows_a_side_give_wide_intervals_even_when_replayed() -> None:
    tables = {name: people(20, i) for i, name in enumerate(("train", "control", "reference"), 1)}
    scores = attack(people(20, 1), **tables)
    assert scores["auc"].value > 0.9
    assert scores["auc"].low < 0.97
    assert (scores["auc_outliers"].low, scores["auc_outliers"].high) == (0, 1)
    assert scores["tpr_at_1pct_fpr"].low == 0


def test_twins_are_one_target() -> None:
    def with_twins(n_twins: int) -> dict[str, Score]:
        crowd = [people(1, 9)] * n_twins
        return attack(
            pd.concat([people(400, 4), *crowd]), train=pd.concat([people(400, 1), *crowd])
        )

    one, hundred = with_twins(1), with_twins(100)
    assert hundred["auc"].detail["n_members"] == 401
    assert {k: s.value for k, s in hundred.items()} == {k: s.value for k, s in one.items()}
    assert {k: s.high for k, s in hundred.items()} == {k: s.high for k, s in one.items()}


def test_the_reference_takes_away_what_only_lies_in_a_crowd() -> None:
    """Control people from a sparser region look farther off; the reference explains it."""

    def sparse(seed: int) -> pd.DataFrame:
        return people(500, seed).assign(income=lambda t: t["income"] * 50, job="z")

    scores = attack(
        pd.concat([people(500, 4), sparse(6)]),
        control=sparse(2),
        reference=pd.concat([people(500, 5), sparse(3)]),
    )
    assert abs(scores["auc"].value - 0.5) < 0.06


def test_details_can_be_written_as_json() -> None:
    for score in attack(with_copies(0.3, 500)).values():
        json.dumps(dict(score.detail))


@pytest.mark.parametrize(("view", "raw"), [("all", "nearest"), ("ranks", "nearest_ranks")])
def test_signals_are_every_view_at_one_and_five_neighbours_and_raw_distances(
    view: str, raw: str
) -> None:
    data = given(people(500, 4))
    signals, lineup = DEFAULT.signals(data), lineup_of(data)
    views = ["ranks", *views_of(lineup.targets.encoded, seed=0)]
    calibrated = (f"calibrated_{v}_k1" for v in views)
    steadier = (f"calibrated_{v}_k5" for v in ("all", "ranks"))
    assert set(signals) == {"nearest", "nearest_ranks", *calibrated, *steadier}
    by_value = view == "all"
    tables = [lineup.targets.encoded, lineup.synthetic.encoded]
    synthetic = nearest(*(t.by_value() if by_value else t for t in tables), k=5).distance
    known = lineup.reference_distances(k=5, by_value=by_value)
    np.testing.assert_array_equal(signals[raw], -synthetic[:, 0])
    for k in (1, 5):
        far, near = known[:, :k].mean(axis=1), synthetic[:, :k].mean(axis=1)
        s = 1e-4 * far.mean()
        expected = np.log(far + s) - np.log(near + s)
        np.testing.assert_allclose(signals[f"calibrated_{view}_k{k}"], expected)


def test_little_noise_is_seen_by_value_where_nearly_all_values_are_one() -> None:
    """Nine gains in ten are 0; noise of .5 % of the spread takes them past most ranks."""

    def gains(seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        amounts = [rng.exponential(1000, 500) * (rng.random(500) < 0.1) for _ in range(6)]
        return people(500, seed).assign(**{f"gain_{i}": a for i, a in enumerate(amounts)})

    train = gains(1)
    noisy = train.copy()
    for name in noisy.select_dtypes("number"):
        noisy[name] += np.random.default_rng(9).normal(size=500) * 0.005 * noisy[name].std()
    data = given(noisy, train=train, control=gains(2), reference=gains(3))
    signals, is_member = DEFAULT.signals(data), lineup_of(data).is_member
    by_value, by_rank = (
        auc(members=signals[name][is_member], others=signals[name][~is_member]).value
        for name in ("nearest", "nearest_ranks")
    )
    assert by_value > 0.9 > by_rank + 0.1


def test_equal_calls_search_once(monkeypatch: pytest.MonkeyPatch) -> None:
    data = given(people(500, 4))
    first = DEFAULT.signals(data)
    monkeypatch.setattr(Lineup, "synthetic_distances", None)
    assert DEFAULT.signals(data) is first
    assert DEFAULT.evaluate(data)[-1].name == "auc_raw"


def test_views_show_copies_displaced_in_a_few_columns() -> None:
    """Every synthetic row is a training row with a third of its columns drawn anew."""

    def wide(n: int, seed: int) -> pd.DataFrame:
        values = np.random.default_rng(seed).normal(size=(n, 9))
        return pd.DataFrame(values, columns=[f"n{i:02}" for i in range(9)])

    kept = list(views_of(encoded(9, 0), seed=0)["without_third_2"])
    splits = {"train": wide(400, 1), "control": wide(400, 2), "reference": wide(400, 3)}
    data = EvalInput(
        **splits,
        synthetic=wide(400, 4).assign(**splits["train"][kept]),
        schema=infer_schema(splits["train"]),
        seed=0,
    )
    signals, is_member = DEFAULT.signals(data), lineup_of(data).is_member
    found = {
        name: auc(members=values[is_member], others=values[~is_member]).value
        for name, values in signals.items()
    }
    assert found["calibrated_without_third_2_k1"] > 0.99 > found["calibrated_all_k1"] + 0.2


def encoded(n_numeric: int, n_categorical: int) -> Encoded:
    return Encoded(
        numeric=tuple(f"n{i:02}" for i in range(n_numeric)),
        categorical=tuple(f"c{i:02}" for i in range(n_categorical)),
        ranks=np.zeros((3, n_numeric)),
        missing=np.zeros((3, n_numeric), dtype=bool),
        values=np.zeros((3, n_numeric)),
        codes=np.zeros((3, n_categorical), dtype=np.int64),
    )


@pytest.mark.parametrize("n_numeric", range(4))
@pytest.mark.parametrize("n_categorical", [0, 1, 4, 11])
def test_no_view_is_empty_or_there_twice(n_numeric: int, n_categorical: int) -> None:
    if n_numeric + n_categorical == 0:
        return
    views = views_of(encoded(n_numeric, n_categorical), seed=3)
    assert all(views.values())
    assert len(set(views.values())) == len(views)
    assert all(list(columns) == sorted(columns) for columns in views.values())


def test_halves_are_complementary_and_every_column_is_left_out_once() -> None:
    views = views_of(encoded(6, 9), seed=0)
    everything = set(views["all"])
    assert len(views) == 8
    assert set(views["half_1"]) | set(views["half_2"]) == everything
    assert not set(views["half_1"]) & set(views["half_2"])
    left_out = [everything - set(views[f"without_third_{i}"]) for i in (1, 2, 3)]
    assert sorted(name for third in left_out for name in third) == sorted(everything)
    assert views != views_of(encoded(6, 9), seed=1)


def test_a_table_of_one_column_is_seen_through_one_view() -> None:
    assert views_of(encoded(1, 0), seed=0) == {"all": ("n00",)}


def test_a_smoothing_of_zero_is_refused() -> None:
    with pytest.raises(ConfigError, match="smoothing"):
        Distance(smoothing=0).evaluate(given(people(500, 4)))


@cache
def golden(name: str) -> pd.DataFrame:
    return pd.read_csv(GOLDEN / f"{name}.csv.gz")


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the shared golden tables are not here")
@pytest.mark.parametrize(
    ("name", "raw", "leaks"),
    [("safe_fresh", 0.505, False), ("leak_copy10", 0.555, True), ("leak_noise100", 0.961, True)],
)
def test_known_answers(name: str, raw: float, leaks: bool) -> None:
    tables = {split: golden(split) for split in ("train", "control", "reference")}
    data = EvalInput(
        **tables,
        synthetic=golden(name),
        schema=infer_schema(golden("reference")),
        seed=0,
        limits=Limits(max_targets=4000),
        shared=SHARED,
    )
    scores = {score.name: score for score in DEFAULT.evaluate(data)}
    assert scores["auc_raw"].value == pytest.approx(raw, abs=0.01)
    risk = max(shown(s) for s in scores.values() if s.advantage)
    assert (risk > 0.08) if leaks else (risk <= 0)
    if leaks:
        swapped = replace(
            data, train=data.control, control=data.train, limits=Limits(max_targets=1000)
        )
        assert DEFAULT.evaluate(swapped)[0].value < 0.5
