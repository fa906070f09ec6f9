"""Files from different hands become comparable, or are refused with the table and the column."""

import numpy as np
import pandas as pd
import pytest

from tabveil.errors import DataError
from tabveil.measure.alike import Roles, make_alike

NONE = Roles(kinds={})


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "income": rng.normal(1000, 200, n).round(2),
            "sex": rng.choice(["f", "m"], n),
            "smoker": rng.random(n) < 0.3,
            "plan": rng.choice([25, 95], n),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
        }
    )


def given(synthetic=None, n=60, **tables):
    made = {"train": people(n, 0), "control": people(n, 1), "synthetic": people(n, 2)}
    return {**made, **({"synthetic": synthetic} if synthetic is not None else {}), **tables}


def test_a_column_written_in_another_way_is_the_same_column():
    plain = given()
    other = plain["synthetic"].copy()
    other["age"] = other["age"].astype(float).astype(str)
    other["income"] = other["income"].map("{:.2f} ".format)
    other["smoker"] = np.where(other["smoker"], "true", "false")
    other["plan"] = other["plan"].map("{:.1f}".format)
    other["since"] = other["since"].dt.strftime("%Y-%m-%d")
    wanted = make_alike(plain, NONE)
    found = make_alike({**plain, "synthetic": other}, NONE)
    pd.testing.assert_frame_equal(found.tables["synthetic"], wanted.tables["synthetic"])
    assert found.schema == wanted.schema


def test_truth_values_may_come_as_numbers():
    plain = given()
    other = plain["synthetic"].assign(smoker=plain["synthetic"]["smoker"].astype(float))
    one, two = (
        make_alike(given(table), NONE).tables["synthetic"] for table in (plain["synthetic"], other)
    )
    pd.testing.assert_frame_equal(one, two)


def test_the_order_of_rows_and_columns_does_not_matter():
    plain = given()
    shuffled = {
        name: table.sample(frac=1, random_state=3)[sorted(table.columns)]
        for name, table in plain.items()
    }
    one, two = (
        make_alike(tables, NONE) for tables in (plain, {**shuffled, "train": plain["train"]})
    )
    for name in plain:
        pd.testing.assert_frame_equal(one.tables[name], two.tables[name])


def test_no_input_is_changed():
    plain = given()
    before = {name: table.copy(deep=True) for name, table in plain.items()}
    make_alike(plain, NONE)
    for name, table in plain.items():
        pd.testing.assert_frame_equal(table, before[name])


def test_what_numbers_the_rows_of_every_file_is_left_out_and_a_note_tells_of_it():
    tables = {name: table.assign(row=range(len(table))) for name, table in given().items()}
    found = make_alike(tables, NONE)
    assert "row" not in found.schema.names
    assert "'row' is left out (numbers the rows)" in found.notes[0]
    assert not any(one.shown for one in found.identifiers)


def test_real_identifiers_in_the_synthetic_table_are_noted():
    tables = given()
    for i, (name, table) in enumerate(tables.items()):
        tables[name] = table.assign(ssn=[f"{i}-{row:04}" for row in range(len(table))])
    tables["synthetic"]["ssn"] = tables["train"]["ssn"].to_numpy()
    found = make_alike(tables, NONE)
    assert "100.0% of the values of column 'ssn' in train stand in" in found.notes[0]
    assert [(one.column, one.shown) for one in found.identifiers] == [("ssn", True)]


def test_one_truth_value_that_is_a_number_elsewhere_is_a_number():
    tables = given(control=people(60, 1).assign(age=range(60)))
    for name in ("train", "synthetic"):
        tables[name]["age"] = 1  # alone: "only 0 and 1"
    assert make_alike(tables, NONE).schema["age"].kind == "numeric"


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        ("synthetic", {"age": "old"}, "synthetic: column 'age' is numeric but holds values that"),
        ("control", {"age": "?"}, "control: column 'age' is numeric but holds values that"),
        ("synthetic", {"since": "soon"}, "synthetic: column 'since' is a datetime but holds"),
        ("synthetic", {"sex": "w"}, "synthetic: column 'sex' .categorical. holds nothing that"),
        ("synthetic", {"age": 900}, "synthetic: column 'age' .numeric. holds nothing that"),
        ("synthetic", {"sex": None}, "synthetic: column 'sex' .categorical. holds no value"),
        ("control", {"income": np.nan}, "control: column 'income' .numeric. holds no value"),
        ("train", {"income": np.nan}, "train: column 'income' .numeric. holds no value"),
        ("train", {"income": np.inf}, "train: column 'income' holds infinite numbers"),
        ("synthetic", {"income": -np.inf}, "synthetic: column 'income' holds infinite"),
        ("synthetic", {"extra": 1}, r"synthetic has the columns \['extra'\] that train lacks"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_table_and_column(table, change, said):
    tables = given()
    tables[table] = tables[table].assign(**change)
    with pytest.raises(DataError, match=said):
        make_alike(tables, NONE)


@pytest.mark.parametrize("table", ["control", "synthetic"])
def test_a_lacking_column_is_refused_until_it_is_left_out(table):
    tables = given()
    tables[table] = tables[table].drop(columns="age")
    with pytest.raises(DataError, match=rf"{table} lacks the columns \['age'\]"):
        make_alike(tables, NONE)
    assert "age" not in make_alike(tables, Roles(kinds={"age": "identifier"})).schema.names


def test_a_further_column_of_the_synthetic_table_may_be_left_out_by_name():
    tables = given(people(60, 2).assign(extra=1))
    assert "extra" not in make_alike(tables, Roles(kinds={"extra": "identifier"})).schema.names
    assert make_alike(given(control=people(60, 1).assign(extra=1)), NONE)


def test_a_missing_column_everywhere_is_no_obstacle():
    tables = {name: table.assign(income=np.nan) for name, table in given().items()}
    assert make_alike(tables, NONE).tables["train"]["income"].isna().all()


def test_a_handful_of_values_may_miss_the_others():
    sparse = {name: t.assign(rare=None).astype({"rare": object}) for name, t in given().items()}
    sparse["train"].loc[3, "rare"] = "yes"
    sparse["control"].loc[3, "rare"] = "no"
    assert make_alike(sparse, NONE).schema["rare"].kind == "categorical"


def test_roles_must_name_columns_that_are_compared():
    tables = {name: table.assign(row=range(len(table))) for name, table in given().items()}
    with pytest.raises(DataError, match="'row' is to be attacked but taken for an identifier"):
        make_alike(tables, Roles(kinds={}, sensitive=["row"]))
    with pytest.raises(DataError, match="sensitive='wage' is not a column"):
        make_alike(tables, Roles(kinds={}, sensitive=["wage"]))
    with pytest.raises(DataError, match=r"dataset.kinds names \['wage'\]"):
        make_alike(tables, Roles(kinds={"wage": "numeric"}))


def test_the_group_column_says_whose_row_it_is_and_is_not_compared():
    tables = given()
    for name in ("train", "control"):
        tables[name] = tables[name].assign(person=np.arange(60) // 2)
    found = make_alike(tables, Roles(kinds={}, group="person"))
    assert "person" not in found.schema.names
    assert sorted(found.groups) == ["control", "train"]
    assert sorted(set(found.groups["train"]), key=int) == [str(i) for i in range(30)]
    with pytest.raises(DataError, match="control lacks the group column 'person'"):
        make_alike({**tables, "control": people(60, 1)}, Roles(kinds={}, group="person"))
