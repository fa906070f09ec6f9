"""What is planted is planted as often as said, and the null leaks nothing."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from planted_tables import given, people

from tabveil.contracts import EvalInput, Membership
from tabveil.measure.lineup import lineup_of
from tabveil.planting import null, planted


def leaks(data: EvalInput, kind: str) -> dict[str, pd.DataFrame]:
    return {leak.name: leak.rows for leak in planted(data, kind)}


def test_as_many_training_rows_as_said_are_planted():
    data = given()
    copies, outliers = leaks(data, "copies"), leaks(data, "outliers")
    assert {name: len(rows) for name, rows in (copies | outliers).items()} == {
        "copies_1pct": 10,
        "copies_10pct": 100,
        "outliers_1pct": 10,
    }
    for rows in (*copies.values(), *outliers.values()):
        assert rows["x"].isin(data.train["x"]).all()
        assert not rows["x"].duplicated().any()
    lineup = lineup_of(data)
    outlying = lineup.targets.frame["x"][lineup.is_outlier]
    assert outliers["outliers_1pct"]["x"].isin(outlying).all()


@pytest.mark.parametrize("kind", ["near", "disguised"])
def test_near_copies_are_no_copies_and_near(kind: str):
    data = given()
    for name, rows in leaks(data, kind).items():
        original = data.train.loc[rows.index]
        assert len(rows) == 10 * int(name.partition("_")[2].removesuffix("pct"))
        assert ((rows["x"] != original["x"]) | (rows["sex"] != original["sex"])).all()
        moved = (rows["x"] - original["x"]).abs()
        if kind == "near":
            assert (rows["sex"] == original["sex"]).all()
            assert moved.max() < 0.1
        else:
            assert (moved < 0.1).mean() > 0.6  # of one in three a cell was changed


def test_planting_depends_on_the_seed_and_changes_nothing():
    data = given()
    before = data.train.copy()
    one, same, other = (
        leaks(replace(data, seed=seed), "copies")["copies_1pct"] for seed in (0, 0, 1)
    )
    pd.testing.assert_frame_equal(one, same)
    assert not one.equals(other)
    pd.testing.assert_frame_equal(data.train, before)


def test_common_rows_are_not_planted_since_they_are_nobodys_secret():
    crowd = pd.concat([people(1, 9)] * 600)
    tables = {
        name: pd.concat([people(400, i), crowd], ignore_index=True)
        for i, name in enumerate(("train", "control", "reference"))
    }
    data = given(**tables)
    for leak in planted(data, "copies"):
        assert "training rows that are not common" in leak.words
        assert leak.rows["x"].isin(data.train["x"]).all()
        assert not leak.rows["x"].isin(crowd["x"]).any()


def test_more_is_never_planted_than_there_are_rows():
    data = given(train=people(50, 0), synthetic=people(5000, 2))
    assert [len(leak.rows) for leak in planted(data, "copies")] == [50]


def test_the_null_is_made_of_fresh_rows_where_enough_are_left():
    data = given()
    name, _, without = null(data)
    assert name == "fresh"
    assert len(without.synthetic) == len(without.reference) == 500
    both = [*without.synthetic["x"], *without.reference["x"]]
    assert sorted(both) == sorted(data.reference["x"])
    pd.testing.assert_frame_equal(without.train, data.train)


def test_the_null_shuffles_membership_where_the_reference_is_small():
    data = given(n_reference=100)
    name, _, without = null(data)
    assert name == "permuted"
    assert (len(without.train), len(without.control)) == (1000, 1000)
    assert 350 < without.train["x"].isin(data.train["x"]).sum() < 650
    pd.testing.assert_frame_equal(without.synthetic, data.synthetic)


def persons(n: int) -> EvalInput:
    """Of `n` people, two rows each of which one is asked about."""
    data = given(n=2 * n)
    asked = pd.concat([data.train[:n], data.control[:n]], ignore_index=True)
    is_member = np.arange(2 * n) < n
    return replace(data, membership=Membership(asked, is_member, is_member))


def test_leaks_are_planted_from_all_rows_of_train_not_only_from_those_asked_about():
    data = persons(500)
    for rows in (leaks(data, "copies") | leaks(data, "outliers")).values():
        assert rows["x"].isin(data.train["x"]).all()
        assert 0 < rows["x"].isin(data.train["x"][:500]).sum() < len(rows)


def test_the_null_shuffles_who_is_asked_about_as_a_member():
    data = replace(persons(500), reference=people(100, 3))
    name, _, without = null(data)
    assert name == "permuted"
    assert without.membership.is_member.sum() == 500
    assert 150 < without.membership.is_member[:500].sum() < 350
    pd.testing.assert_frame_equal(without.membership.rows, data.membership.rows)


def test_a_leak_that_cannot_be_planted_is_no_control(monkeypatch):
    monkeypatch.setattr("tabveil.planting._outliers", lambda data: data.train[:0])
    assert leaks(given(), "outliers") == {}
