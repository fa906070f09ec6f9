"""A control that the generator saw is noticed; chance and coarse tables are not mistaken for it."""

from dataclasses import replace

import numpy as np
import pandas as pd

from tabveil.contracts import EvalInput
from tabveil.data.schema import infer_schema
from tabveil.measure.swapped import control_was_seen

TABLES = ("train", "control", "reference", "synthetic")


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"x": rng.normal(size=n), "sex": rng.choice(["f", "m"], n)})


def given(n: int = 1000, **more) -> EvalInput:
    tables = {name: people(n, i) for i, name in enumerate(TABLES)} | more
    return EvalInput(**tables, schema=infer_schema(people(n, 0)), seed=0)


def test_control_rows_in_the_synthetic_table():
    data = given()
    mixed = pd.concat([data.synthetic.iloc[50:], data.control.iloc[:50]], ignore_index=True)
    assert "5.0% of the control rows" in control_was_seen(replace(data, synthetic=mixed))
    assert control_was_seen(data) == ""


def test_rows_of_train_in_control_were_copied_as_train():
    data = given()
    shared = pd.concat([data.control, data.train.iloc[:200]], ignore_index=True)
    assert control_was_seen(replace(data, control=shared, synthetic=data.train)) == ""


def test_swapped_files_are_noticed_without_a_reference_of_other_people():
    data = given()
    halves = {"control": data.control[:500], "reference": data.control[500:]}
    seen = replace(data, **halves, synthetic=data.control)
    said = control_was_seen(seen)
    assert "100.0% of the rows of control stand in the synthetic table, and only 0.0%" in said


def few_distinct(n: int, seed: int) -> pd.DataFrame:
    x = np.random.default_rng(seed).zipf(1.3, n).clip(max=10_000)
    return pd.DataFrame({"x": x.astype(float), "sex": "f"})


def test_a_large_reference_of_few_distinct_rows_is_no_sign():
    sizes = {"train": 1000, "control": 1000, "reference": 20_000, "synthetic": 1000}
    for seed in range(5):
        tables = {t: few_distinct(n, 10 * seed + i) for i, (t, n) in enumerate(sizes.items())}
        assert control_was_seen(given(**tables)) == ""


def test_many_copies_that_are_all_chance():
    coarse = {name: people(1000, i).round(2) for i, name in enumerate(TABLES)}
    assert control_was_seen(given(**coarse)) == ""
