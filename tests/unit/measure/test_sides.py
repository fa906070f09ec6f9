"""Whom an audit asks about: one row a person, on one side."""

import numpy as np
import pandas as pd
import pytest

from tabveil.contracts import Limits
from tabveil.errors import DataError
from tabveil.measure.alike import Roles, make_alike
from tabveil.measure.sides import to_input


def table(n: int, seed: int, person=None) -> pd.DataFrame:
    rows = pd.DataFrame({"x": np.random.default_rng(seed).normal(size=n)})
    return rows if person is None else rows.assign(person=person)


def made(group=None, **tables):
    alike = make_alike({"synthetic": table(40, 9), **tables}, Roles(kinds={}, group=group))
    return to_input(alike, seed=0, limits=Limits())


def test_given_tables_are_asked_about_whole():
    data, notes = made(train=table(50, 0), control=table(40, 1), reference=table(30, 2))
    assert [len(t) for t in (data.train, data.control, data.reference, data.synthetic)] == [
        50,
        40,
        30,
        40,
    ]
    assert notes == ()
    assert data.membership is None


def test_without_a_reference_half_of_control_plays_it_and_a_note_says_so():
    control = table(41, 1)
    data, notes = made(train=table(50, 0), control=control)
    assert (len(data.reference), len(data.control)) == (20, 21)
    assert sorted([*data.reference["x"], *data.control["x"]]) == sorted(control["x"])
    assert "half of control (20 rows)" in notes[0]


def test_the_halves_do_not_depend_on_the_order_of_the_file():
    control = table(40, 1)
    one, _ = made(train=table(50, 0), control=control)
    two, _ = made(train=table(50, 0), control=control[::-1])
    pd.testing.assert_frame_equal(one.reference, two.reference)


def test_a_person_is_asked_about_once_and_stands_on_one_side():
    train = table(60, 0, person=np.arange(60) // 3)
    control = table(60, 1, person=100 + np.arange(60) // 3)
    data, notes = made("person", train=train, control=control)
    owner = control.set_index("x")["person"]
    asked = data.membership
    assert (asked.is_member.sum(), (~asked.is_member).sum()) == (20, 10)
    assert set(owner[asked.rows["x"][~asked.is_member]]) == set(owner[data.control["x"]])
    assert not set(owner[data.control["x"]]) & set(owner[data.reference["x"]])
    assert (len(data.train), len(data.control)) == (60, 30)  # whole, for what may leak of them
    assert "train: one row of each of 20 persons" in notes


def test_a_person_on_both_sides_is_refused():
    train, control = (table(40, i, person=np.arange(40) + 10 * i) for i in (0, 1))
    with pytest.raises(DataError, match="30 persons of the group column stand in train and in"):
        made("person", train=train, control=control)


def test_identical_rows_stay_in_one_half_where_train_and_control_share_none():
    control = pd.concat([table(100, 1)] * 2)
    data, _ = made(train=table(50, 0), control=control)
    assert not set(data.reference["x"]) & set(data.control["x"])
    assert len(data.reference) == 100


def test_identical_rows_are_dealt_out_one_by_one_where_train_and_control_were():
    control = pd.concat([table(100, 1)] * 2)
    data, _ = made(train=pd.concat([table(50, 0), control[:3]]), control=control)
    assert set(data.reference["x"]) & set(data.control["x"])
