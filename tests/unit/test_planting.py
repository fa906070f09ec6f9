"""What is planted is planted as often as said, and the null leaks nothing."""

from dataclasses import replace

import numpy as np
import pandas as pd
from planted_tables import given, people

from tabveil.contracts import EvalInput, Membership
from tabveil.measure.lineup import lineup_of
from tabveil.planting import null, plant, planted


def test_as_many_rows_as_said_are_replaced_by_training_rows():
    data = given()
    made = {name: (n, table) for name, _, n, table in planted(data)}
    assert {name: n for name, (n, _) in made.items()} == {
        "copies_1pct": 10,
        "outliers_1pct": 10,
        "copies_10pct": 100,
    }
    for n, table in made.values():
        assert len(table) == len(data.synthetic)
        assert table["x"].isin(data.train["x"]).sum() == n
        assert table["x"].isin(data.synthetic["x"]).sum() == len(table) - n
    _, outliers = made["outliers_1pct"]
    copied = outliers["x"][outliers["x"].isin(data.train["x"])]
    lineup = lineup_of(data)
    assert copied.isin(lineup.targets.frame["x"][lineup.is_outlier]).all()


def test_planting_depends_on_the_seed_and_changes_nothing():
    data = given()
    before = data.synthetic.copy()
    one, same, other = (plant(data.synthetic, data.train, 5, seed=s, name="p") for s in (0, 0, 1))
    pd.testing.assert_frame_equal(one, same)
    assert not one.equals(other)
    pd.testing.assert_frame_equal(data.synthetic, before)


def test_common_rows_are_not_planted_since_they_are_nobodys_secret():
    crowd = pd.concat([people(1, 9)] * 600)
    tables = {
        name: pd.concat([people(400, i), crowd], ignore_index=True)
        for i, name in enumerate(("train", "control", "reference"))
    }
    data = given(**tables)
    for _, words, n, table in planted(data):
        assert "training rows" in words
        assert table["x"].isin(data.train["x"]).sum() == n
        assert not table["x"].isin(crowd["x"]).any()


def test_more_is_never_planted_than_there_are_rows():
    data = given(train=people(50, 0), synthetic=people(5000, 2))
    assert [n for _, _, n, _ in planted(data)][::2] == [50, 50]


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
    for name, _, n, table in planted(data):
        copied = table["x"].isin(data.train["x"])
        asked = table["x"].isin(data.train["x"][:500])
        assert copied.sum() == n, name
        assert 0 < asked.sum() < n, name


def test_the_null_shuffles_who_is_asked_about_as_a_member():
    data = replace(persons(500), reference=people(100, 3))
    name, _, without = null(data)
    assert name == "permuted"
    assert without.membership.is_member.sum() == 500
    assert 150 < without.membership.is_member[:500].sum() < 350
    pd.testing.assert_frame_equal(without.membership.rows, data.membership.rows)


def test_a_leak_that_cannot_be_planted_is_no_control(monkeypatch):
    monkeypatch.setattr("tabveil.planting._outliers", lambda data: data.train[:0])
    assert [name for name, *_ in planted(given())] == ["copies_1pct", "copies_10pct"]
