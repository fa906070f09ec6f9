"""What every metric under conf/metric promises."""

import importlib
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tabveil.contracts import EvalInput, Metric
from tabveil.data.schema import Schema, infer_schema
from tabveil.errors import TabveilError
from tabveil.evaluate import evaluate

CONFIGS = sorted((Path(__file__).parents[2] / "conf" / "metric").glob("*.yaml"))


def build(path: Path) -> Metric:
    (settings,) = yaml.safe_load(path.read_text(encoding="utf-8")).values()
    module, _, name = settings.pop("_target_").rpartition(".")
    metric: Metric = getattr(importlib.import_module(module), name)(**settings)
    return metric


@pytest.fixture(params=CONFIGS, ids=[path.stem for path in CONFIGS])
def metric(request: pytest.FixtureRequest) -> Metric:
    return build(request.param)


def rows(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    table = pd.DataFrame(
        {
            "größe": x.round(2),
            "visits": rng.poisson(np.exp(x)),
            "area": np.where(x + rng.normal(size=n) > 0, "north", "south"),
            "member": x > rng.normal(size=n),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta((x * 100).round(), unit="D"),
            "outcome": np.where(x + 0.3 * rng.normal(size=n) > 0, "yes", "no"),
        }
    )
    table.loc[rng.random(n) < 0.1, "größe"] = np.nan
    table.loc[rng.random(n) < 0.1, "area"] = None
    return table


def shuffle_columns(table: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(9)
    shuffled = {name: table[name].iloc[rng.permutation(len(table))].array for name in table}
    return pd.DataFrame(shuffled)


def data(synthetic: pd.DataFrame) -> EvalInput:
    schema = infer_schema(rows(600, 0)).with_roles(target="outcome")
    return EvalInput(
        train=rows(600, 0),
        control=rows(500, 1),
        reference=rows(100, 2),
        synthetic=synthetic,
        schema=schema,
        seed=3,
    )


def test_there_is_a_metric():
    assert CONFIGS


@pytest.mark.parametrize("path", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_one_name_for_file_config_and_class(path):
    (key,) = yaml.safe_load(path.read_text(encoding="utf-8"))
    built = build(path)
    assert key == path.stem == built.name == type(built).__module__.rpartition(".")[2]
    assert isinstance(built, Metric)
    assert built.direction in ("maximize", "minimize")


def test_every_setting_of_the_class_stands_in_its_config(metric):
    settings = yaml.safe_load(
        next(p for p in CONFIGS if p.stem == metric.name).read_text(encoding="utf-8")
    )[metric.name]
    assert set(settings) - {"_target_"} == set(vars(metric))


def test_the_headline_lies_in_bounds_and_intervals_hold_their_value(metric):
    for synthetic in (rows(600, 4), shuffle_columns(rows(600, 4))):
        scores = metric.evaluate(data(synthetic))
        low, high = metric.bounds
        assert low <= scores[0].value <= high
        for score in scores:
            assert math.isfinite(score.value)
            assert score.low is None or score.high is None or score.low <= score.value <= score.high


def test_it_repeats_itself_and_changes_no_input(metric):
    given, untouched = data(rows(600, 4)), data(rows(600, 4))
    assert metric.evaluate(given) == metric.evaluate(given)
    for name in ("train", "control", "reference", "synthetic"):
        pd.testing.assert_frame_equal(getattr(given, name), getattr(untouched, name))


def test_it_leaves_the_global_random_state_alone(metric):
    np.random.seed(0)
    expected = np.random.random(2)[1]
    np.random.seed(0)
    np.random.random()
    metric.evaluate(data(rows(600, 4)))
    assert np.random.random() == expected


@pytest.mark.parametrize("max_rows", [None, 200])
def test_the_order_of_rows_and_columns_does_not_matter(metric, max_rows):
    if max_rows:
        metric.max_rows = max_rows
    given = data(rows(600, 4))
    turned = {
        name: getattr(given, name).sample(frac=1, random_state=5).iloc[:, ::-1]
        for name in ("train", "control", "reference", "synthetic")
    }
    columns = given.schema.columns[::-1]
    other = replace(given, **turned, schema=replace(given.schema, columns=columns))
    assert values(metric, other) == pytest.approx(values(metric, given), abs=1e-12)


def values(metric: Metric, given: EvalInput) -> dict[str, float]:
    return {score.name: score.value for score in metric.evaluate(given)}


def test_fresh_rows_beat_independent_columns(metric):
    fresh = metric.evaluate(data(rows(600, 4)))[0].value
    shuffled = metric.evaluate(data(shuffle_columns(rows(600, 4))))[0].value
    assert fresh > shuffled if metric.direction == "maximize" else fresh < shuffled


def zoo() -> dict[str, pd.DataFrame]:
    """Awkward tables, each with a target in its last column."""
    n, rng = 60, np.random.default_rng(0)
    target = pd.Series(np.arange(n) % 2).map({0: "no", 1: "yes"})
    gappy = pd.Series(rng.normal(size=n)).where(rng.random(n) < 0.3)
    frames = {
        "negatives": {"a": -rng.random(n), "b": rng.integers(-5, 5, n)},
        "dates": {
            "a": pd.Series(pd.date_range("1900-01-01", periods=n, freq="997D")),
            "b": pd.Series(pd.date_range("2020-01-01", periods=n, freq="h", tz="Europe/Paris")),
            "c": pd.Series(pd.date_range("2020", periods=n)).where(rng.random(n) < 0.5),
        },
        "one category": {"a": ["only"] * n, "b": rng.random(n)},
        "constant": {"a": [7] * n, "b": [0.5] * n},
        "all missing": {"a": [np.nan] * n, "b": pd.Series([None] * n, dtype=object)},
        "gappy": {"a": gappy, "b": target.where(rng.random(n) < 0.2)},
        "awkward names": {"": rng.random(n), "a b\n": rng.random(n), "{x}": ["ß", "漢"] * (n // 2)},
        "pandas dtypes": {
            "a": pd.array([1, None, 3] * (n // 3), dtype="Int64"),
            "b": pd.array([True, None, False] * (n // 3), dtype="boolean"),
            "c": pd.Categorical(["x", "y", None] * (n // 3)),
            "d": pd.array(["x", None, "z"] * (n // 3), dtype="string"),
        },
        "many levels": {"a": [f"level {i // 2}" for i in range(n)], "b": rng.random(n)},
        "only a target": {},
    }
    return {name: pd.DataFrame({**columns, "target": target}) for name, columns in frames.items()}


@pytest.mark.parametrize("name", zoo())
def test_awkward_tables_give_a_number_or_one_clear_error(metric, name):
    table = zoo()[name]
    schema = infer_schema(table).with_roles(target="target")
    synthetic = shuffle_columns(table)
    given = EvalInput(
        train=table, control=table, reference=table, synthetic=synthetic, schema=schema, seed=0
    )
    try:  # any other exception fails this test
        scores = metric.evaluate(given)
    except TabveilError:
        return
    assert all(math.isfinite(score.value) for score in scores)


def test_tables_of_one_row_are_an_error_that_names_the_table(metric):
    for name in ("control", "synthetic"):
        given = replace(data(rows(600, 4)), **{name: rows(1, 7)})
        with pytest.raises(TabveilError, match=f"{name} has 1 rows"):
            metric.evaluate(given)


def test_without_a_target_each_is_skipped_or_gives_its_number(metric):
    given = data(rows(600, 4))
    schema: Schema = replace(given.schema, target=None)
    (result,) = evaluate(
        replace(given, schema=schema), metrics={metric.name: metric}, attacks={}
    ).results
    assert result.error is None
    assert result.skipped or result.scores
