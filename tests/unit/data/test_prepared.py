"""Splits on disk: whole or not at all, and one row a person where attacks look."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tabveil.data.masking import Masking
from tabveil.data.prepared import About, load_prepared, save_prepared
from tabveil.data.schema import infer_schema
from tabveil.data.split import split
from tabveil.errors import DataError


@pytest.fixture
def years():
    """60 people with 1 to 5 rows each."""
    person = np.repeat(np.arange(60), 1 + np.arange(60) % 5)
    return pd.DataFrame({"person": person, "x": np.arange(len(person)) * 1.5, "y": person % 3})


@pytest.fixture
def written(years, tmp_path):
    schema = infer_schema(years).with_roles(target=None, group="person")
    splits = split(years, schema, seed=0)
    about = About("years", "years.csv", "digest", splits.report)
    save_prepared(
        tmp_path / "p",
        splits=splits,
        schema=schema.modelled(),
        masking=Masking(schema),
        about=about,
    )
    return tmp_path / "p", splits


def test_what_was_written_is_read_and_the_release_split_stays_closed(written):
    directory, splits = written
    prepared = load_prepared(directory)
    pd.testing.assert_frame_equal(prepared.train, splits.train)
    assert "person" not in prepared.train.columns
    assert "release" not in {field.name for field in dataclasses.fields(prepared)}
    assert directory.stat().st_mode & 0o077 == 0


def test_attacks_get_one_row_of_each_person_and_any_of_them(written, years):
    prepared = load_prepared(written[0])
    person_of = dict(zip(years["x"], years["person"], strict=True))
    everyone = {person_of[x] for x in prepared.train["x"]}
    seen = set()
    for seed in range(30):
        rows = prepared.train.iloc[prepared.one_row_a_group("train", np.random.default_rng(seed))]
        assert sorted(person_of[x] for x in rows["x"]) == sorted(everyone)
        seen |= set(rows["x"])
    assert seen == set(prepared.train["x"])


def test_without_a_group_column_every_row_stands_for_a_person(years, tmp_path):
    table = years.drop(columns="person")
    schema = infer_schema(table)
    splits = split(table, schema, seed=0)
    about = About("t", "t.csv", "digest", splits.report)
    save_prepared(
        tmp_path / "p", splits=splits, schema=schema, masking=Masking(schema), about=about
    )
    prepared = load_prepared(tmp_path / "p")
    rows = prepared.one_row_a_group("control", np.random.default_rng(0))
    assert rows.tolist() == list(range(len(prepared.control)))


def test_a_folder_that_holds_something_else_is_not_touched(written, tmp_path):
    other = tmp_path / "precious"
    other.mkdir()
    (other / "thesis.txt").write_text("x")
    with pytest.raises(DataError, match="holds no prepared table"):
        save_prepared(other, splits=written[1], schema=None, masking=None, about=None)
    assert (other / "thesis.txt").exists()


@pytest.mark.parametrize("name", ["train.parquet", "groups.npz", "prepared.json"])
def test_a_damaged_folder_is_one_clear_error(written, name):
    (written[0] / name).write_bytes(b"not what it was")
    with pytest.raises(DataError, match=r"damaged.*prepare"):
        load_prepared(written[0])
