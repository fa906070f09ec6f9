"""Does our own CTGAN learn, meet conditions on any column, and refuse what cannot work?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tabveil.data.schema import infer_schema
from tabveil.errors import ArtifactError, ConditionError, ConfigError, DataError, TabveilError
from tabveil.synthesizers.ctgan import Ctgan
from tabveil.synthesizers.loading import load_synthesizer, save_synthesizer

SMALL: dict[str, Any] = {
    "batch_size": 50,
    "pac": 1,
    "embedding_dim": 16,
    "generator_dim": [32],
    "discriminator_dim": [32],
    "enable_gpu": False,
}
FAST = {"generator_lr": 2e-3, "discriminator_lr": 2e-3}
LEVELS = ["a", "b", "c"]
DAY = pd.Timestamp("2020-02-27")


def dependent(n: int = 1000) -> pd.DataFrame:
    """Two columns, equal in 95 rows of 100."""
    rng = np.random.default_rng(0)
    first = rng.choice(LEVELS, n, p=[0.6, 0.3, 0.1])
    same = rng.random(n) < 0.95
    return pd.DataFrame({"first": first, "second": np.where(same, first, rng.choice(LEVELS, n))})


def mixed(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "number": np.where(rng.random(n) < 0.1, np.nan, rng.normal(0, 1, n).round(2)),
            "spiked": np.where(rng.random(n) < 0.7, 0, rng.lognormal(8, 1, n).round()),
            "level": rng.choice(LEVELS, n, p=[0.9, 0.07, 0.03]),
            "day": DAY + pd.to_timedelta(rng.integers(0, 60, n), "D"),
        }
    )


def fit(rows: pd.DataFrame, seed: int = 0, on_epoch: Any = None, **params: Any) -> Ctgan:
    synthesizer = Ctgan(**(SMALL | {"epochs": 1} | params))
    synthesizer.fit(rows, infer_schema(rows), seed=seed, on_epoch=on_epoch)
    return synthesizer


@cache
def learnt() -> Ctgan:
    return fit(dependent(), epochs=60, **FAST)


@cache
def quick() -> Ctgan:
    return fit(mixed(), max_atoms=100)


def test_a_dependence_between_two_columns_is_learnt() -> None:
    real = dependent()
    drawn = learnt().sample(10_000, seed=1)
    agree, real_agree = (float((t["first"] == t["second"]).mean()) for t in (drawn, real))
    independent = sum(
        float((real["first"] == x).mean() * (real["second"] == x).mean()) for x in LEVELS
    )
    assert agree > independent + 0.8 * (real_agree - independent)
    for name in real:
        rates = [t[name].value_counts(normalize=True).reindex(LEVELS) for t in (real, drawn)]
        np.testing.assert_allclose(rates[1], rates[0], atol=0.08)


@pytest.mark.parametrize("column", ["first", "second"])
@pytest.mark.parametrize("level", LEVELS)
def test_the_generator_itself_meets_a_condition_on_every_column(column: str, level: str) -> None:
    """Before any row is rejected."""
    state = learnt()._fitted
    assert state is not None
    assert state.generator is not None
    drawing = state.drawing
    span = list(dependent()).index(column)
    code = drawing.encoder.codec.levels[column].index(level)
    wanted = {span: np.arange(3) == code}
    noise, places = drawing.draw_inputs(2000, 16, np.random.default_rng(0), wanted)
    assert places is not None
    with torch.no_grad():
        raw = state.generator(torch.as_tensor(noise), torch.as_tensor(places)).numpy()
    codes, _ = drawing.draw_codes(raw, np.random.default_rng(1))
    assert (codes[:, span] == code).mean() > 0.9
    # And the other column follows it.
    assert (codes[:, 1 - span] == code).mean() > 0.6


def test_a_condition_holds_in_every_drawn_row() -> None:
    rows = learnt().sample(500, seed=1, where={"second": "c"})
    assert (rows["second"] == "c").all()
    assert (rows["first"] == "c").mean() > 0.5


def test_the_shape_of_a_number_is_learnt() -> None:
    rng = np.random.default_rng(0)
    heaps = np.where(rng.random(600) < 0.7, rng.normal(-20, 1, 600), rng.normal(20, 3, 600))
    drawn = fit(pd.DataFrame({"x": heaps}), epochs=80, **FAST).sample(4000, seed=1)["x"]
    assert (drawn < 0).mean() == pytest.approx(0.7, abs=0.12)
    assert drawn[drawn < 0].mean() == pytest.approx(-20, abs=1.5)
    assert drawn[drawn > 0].mean() == pytest.approx(20, abs=3)
    assert drawn.between(-10, 10).mean() < 0.05


def test_values_that_are_atoms_are_drawn_exactly() -> None:
    rows = pd.DataFrame({"x": np.random.default_rng(0).choice([0.1, 0.7, 12.345], 300)})
    assert set(fit(rows, max_atoms=10).sample(500, seed=0)["x"]) <= {0.1, 0.7, 12.345}
    assert not set(fit(rows).sample(500, seed=0)["x"]) <= {0.1, 0.7, 12.345}


def test_a_level_of_too_few_rows_is_never_drawn_nor_asked_for() -> None:
    rows = dependent(200)
    rows.loc[:3, "first"] = "rare"
    synthesizer = fit(rows, min_count=5)
    assert "rare" not in set(synthesizer.sample(2000, seed=0)["first"])
    with pytest.raises(ConditionError, match="no level"):
        synthesizer.sample(1, seed=0, where={"first": "rare"})
    assert "rare" in set(fit(rows, min_count=4).sample(5000, seed=0)["first"])


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    first = quick().sample(100, seed=1)
    pd.testing.assert_frame_equal(fit(mixed(), max_atoms=100).sample(100, seed=1), first)
    assert not fit(mixed(), seed=1, max_atoms=100).sample(100, seed=1).equals(first)
    assert not quick().sample(100, seed=2).equals(first)


def test_global_random_state_is_left_alone() -> None:
    np.random.seed(3)
    torch.manual_seed(3)
    expected = np.random.random(), float(torch.rand(1))
    np.random.seed(3)
    torch.manual_seed(3)
    fit(mixed(), max_atoms=100).sample(5, seed=1)
    assert (np.random.random(), float(torch.rand(1))) == expected


def test_losses_are_heard_of_and_an_exception_is_passed_on() -> None:
    heard: list[tuple[int, Mapping[str, float]]] = []
    fit(mixed(), epochs=2, on_epoch=lambda epoch, losses: heard.append((epoch, losses)))
    assert [epoch for epoch, _ in heard] == [1, 2]

    def stop(epoch: int, losses: Mapping[str, float]) -> None:
        raise KeyboardInterrupt

    synthesizer = Ctgan(**SMALL)
    with pytest.raises(KeyboardInterrupt):
        synthesizer.fit(mixed(), infer_schema(mixed()), seed=0, on_epoch=stop)
    assert synthesizer.critic is None
    with pytest.raises(TabveilError, match="not fitted"):
        synthesizer.sample(1, seed=0)


def test_what_is_not_fitted_neither_draws_nor_saves(tmp_path: Path) -> None:
    with pytest.raises(TabveilError, match="not fitted"):
        Ctgan().sample(1, seed=0)
    with pytest.raises(TabveilError, match="not fitted"):
        Ctgan().save(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "rows",
    [
        pd.DataFrame({"a": [1, 1], "b": ["x", "x"]}),
        pd.DataFrame(
            {"a": [2.5], "b": pd.Series([np.nan], dtype=object), "c": [pd.Timestamp("2020-01-01")]}
        ),
        pd.DataFrame({"a": np.full(40, np.nan)}),
    ],
    ids=["constants", "one row", "nothing"],
)
def test_a_table_of_constants_needs_no_network(rows: pd.DataFrame, tmp_path: Path) -> None:
    synthesizer = Ctgan()
    synthesizer.fit(rows, infer_schema(rows), seed=0)
    assert synthesizer.critic is None
    save_synthesizer(synthesizer, tmp_path)
    drawn = load_synthesizer(tmp_path).sample(len(rows), seed=0)
    pd.testing.assert_frame_equal(drawn, rows)


def test_constants_beside_other_columns_are_kept() -> None:
    rows = dependent(100).assign(same=7, text="only")
    drawn = fit(rows).sample(30, seed=0)
    assert list(drawn) == list(rows)
    assert set(drawn["same"]) == {7}
    assert set(drawn["text"]) == {"only"}


@pytest.mark.parametrize("how", ["paper", "atoms", "bins", "conditions on numbers"])
@pytest.mark.parametrize("n", [2, 3, 67])
def test_small_tables_are_learnt_however_numbers_are_said(n: int, how: str) -> None:
    params = {
        "paper": {},
        "atoms": {"max_atoms": 100},
        "bins": {"max_atoms": 10, "rest": "bins", "n_bins": 7},
        "conditions on numbers": {"max_atoms": 100, "condition_on_numbers": True},
    }[how]
    drawn = fit(mixed(n), averaging=0.9, pac=2, **params).sample(50, seed=0)
    assert drawn.dtypes.tolist() == mixed(n).dtypes.tolist()


def test_columns_of_tiny_spread_and_far_from_zero_keep_their_shape() -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "tiny": rng.normal(0, 1e-7, 300),
            "far": 1e9 + rng.normal(0, 1, 300),
            "wide": rng.normal(0, 1e12, 300),
        }
    )
    drawn = fit(rows, epochs=40, **FAST).sample(2000, seed=1)
    for name in rows:
        assert 0.2 < drawn[name].std() / rows[name].std() < 5
        assert abs(drawn[name].mean() - rows[name].mean()) < 3 * rows[name].std()


def test_a_column_of_thousands_of_levels_is_learnt_asked_for_and_saved(tmp_path: Path) -> None:
    rows = pd.DataFrame({"city": [f"c{i % 2000}" for i in range(12_000)]})
    rows["even"] = rows["city"].str[-1].isin(list("02468"))
    made = fit(rows, epochs=1)
    drawn = made.sample(20, seed=0, where={"city": "c1234"})
    assert set(drawn["city"]) == {"c1234"}
    save_synthesizer(made, tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 3_000_000
    loaded = load_synthesizer(tmp_path)
    pd.testing.assert_frame_equal(loaded.sample(50, seed=1), made.sample(50, seed=1))


def test_a_rare_number_is_asked_for_by_its_condition() -> None:
    """One row in a thousand has it: rejecting all others would draw far more than these."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"n": rng.integers(0, 5, 6000), "level": rng.choice(LEVELS, 6000)})
    rows.loc[:5, "n"] = 40
    made = fit(rows, epochs=15, max_atoms=50, condition_on_numbers=True, **FAST)
    drawn = made.sample(50, seed=0, where={"n": {"min": 30}, "level": ["a", "b"]})
    assert set(drawn["n"]) == {40}
    assert set(drawn["level"]) == {"a", "b"}
    with pytest.raises(ConditionError, match="no such values"):
        made.sample(5, seed=0, where={"n": {"min": 300}})


def test_missing_numbers_are_no_spike_among_those_that_are_there() -> None:
    """A missing cell is filled while encoded; the fill must not become a value of its own."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"x": rng.lognormal(3, 1, 2000).round(1)})
    rows.loc[rng.random(2000) < 0.5, "x"] = np.nan
    made = fit(rows, epochs=30, max_atoms=200, calibrated=True, **FAST)
    drawn = made.sample(4000, seed=1)["x"]
    assert abs(float(drawn.isna().mean()) - 0.5) < 0.03
    present = drawn.dropna()
    fill = made._require().drawing.encoder.codec.columns[0].fill  # type: ignore[union-attr]
    assert float((present == fill).mean()) < 0.02
    assert 0.6 < present.median() / rows["x"].median() < 1.6


def test_a_training_that_diverges_is_an_error() -> None:
    with pytest.raises(TabveilError, match="diverged"):
        fit(mixed(), epochs=2, generator_lr=1e20, discriminator_lr=1e20)


@pytest.mark.parametrize(
    "where",
    [
        {"day": {"min": "2020-03-01T00:00Z"}},
        {"day": {"min": "1000-01-01", "max": "9999-12-31"}},
        {"number": {"max": float("inf")}},
    ],
    ids=str,
)
def test_open_ended_and_zoned_conditions_are_met(where: dict[str, Any]) -> None:
    drawn = quick().sample(20, seed=0, where=where)
    assert drawn[next(iter(where))].notna().all()


BAD: list[tuple[str, Any]] = [
    ("embedding_dim", 0),
    ("batch_size", 51),
    ("batch_size", "500"),
    ("pac", 3),
    ("pac", True),
    ("epochs", 0),
    ("discriminator_steps", 0),
    ("generator_dim", [256, 0]),
    ("discriminator_dim", 256),
    ("generator_lr", 0.0),
    ("generator_lr", "1e-3"),
    ("discriminator_decay", -1.0),
    ("discriminator_lr", float("nan")),
]
OURS: list[tuple[str, Any]] = [
    ("discriminator_dim", []),
    ("generator_lr", float("inf")),
    ("averaging", 1.0),
    ("averaging", -0.1),
    ("averaging", "x"),
    ("averaging", float("nan")),
    ("dropout", 1.0),
    ("dropout", -1),
    ("dropout", "x"),
    ("rest", "histogram"),
    ("n_bins", 0),
    ("n_bins", 2.5),
    ("max_atoms", -1),
    ("max_atoms", "x"),
    ("min_spike", -1),
    ("min_spike", "x"),
    ("min_count", 0),
    ("min_count", "x"),
    ("full_rate_steps", -1),
    ("full_rate_steps", 0.5),
    ("condition_on_numbers", "yes"),
]


@pytest.mark.parametrize(("key", "value"), BAD)
def test_a_parameter_that_cannot_work_is_named(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"synthesizer.{key}="):
        fit(dependent(50), **{key: value})


@pytest.mark.parametrize(("key", "value"), OURS)
def test_a_parameter_of_our_own_that_cannot_work_is_named(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"synthesizer.{key}="):
        fit(mixed(50), **{key: value})


def test_tables_that_cannot_be_held_are_refused() -> None:
    rows = mixed()
    with pytest.raises(DataError, match="no rows"):
        Ctgan(**SMALL).fit(rows.iloc[:0], infer_schema(rows), seed=0)
    with pytest.raises(DataError, match="infinite"):
        Ctgan(**SMALL).fit(rows.assign(number=np.inf), infer_schema(rows), seed=0)


def test_a_loaded_generator_draws_the_same_rows_and_has_no_critic(tmp_path: Path) -> None:
    save_synthesizer(quick(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "encoder.json",
        "meta.json",
        "weights.safetensors",
    ]
    assert json.loads((tmp_path / "meta.json").read_text())["synthesizer"] == "ctgan"
    loaded = load_synthesizer(tmp_path)
    assert isinstance(loaded, Ctgan)
    assert quick().critic is not None
    assert loaded.critic is None
    pd.testing.assert_frame_equal(loaded.sample(100, seed=3), quick().sample(100, seed=3))


def test_an_artifact_of_the_ctgan_package_is_not_ours(tmp_path: Path) -> None:
    save_synthesizer(quick(), tmp_path)
    meta = json.loads((tmp_path / "meta.json").read_text())
    (tmp_path / "meta.json").write_text(json.dumps(meta | {"synthesizer": "ctgan_package"}))
    with pytest.raises(ArtifactError):
        load_synthesizer(tmp_path)


def test_what_is_saved_grows_with_the_network_and_not_with_the_rows(tmp_path: Path) -> None:
    sizes = []
    for n in (500, 5000):
        directory = tmp_path / str(n)
        directory.mkdir()
        fit(dependent(n)).save(directory)
        sizes.append(sum(path.stat().st_size for path in directory.iterdir()))
    assert abs(sizes[1] - sizes[0]) < 64
