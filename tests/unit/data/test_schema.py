from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabveil.data.schema import KINDS, Column, Schema, infer_schema
from tabveil.errors import DataError

N = 40
DATES = pd.Series(pd.date_range("1969-12-30", periods=N, freq="31h"))
TEXT = pd.Series(["a", "b", None, "d"] * 10)

# name -> (values, the kind they must get)
ZOO: dict[str, tuple[Any, str]] = {
    "negative": (np.arange(N) - 20.5, "numeric"),
    "missing number": (pd.Series([1.25, None] * 20), "numeric"),
    "whole with missing": (pd.Series([3.0, 7.0, 9.0, None] * 10), "numeric"),
    "nullable whole": (pd.array([3, 7, 9, None] * 10, dtype="Int64"), "numeric"),
    "nullable float": (pd.array([3.5, None] * 20, dtype="Float64"), "numeric"),
    "unsigned byte": (np.arange(N, dtype="uint8") // 4, "numeric"),
    "beyond 2^53": (2**60 + np.arange(N) // 2 * 14, "numeric"),
    "tiny": (np.arange(N) * 1e-9, "numeric"),
    "constant number": (np.full(N, 7), "numeric"),
    "missing throughout": (np.full(N, np.nan), "numeric"),
    "two codes": (pd.Series([1, 2] * 20), "categorical"),
    "two codes, missing": (pd.Series([1.0, 2.0, None, 1.0] * 10), "categorical"),
    "text": (TEXT, "categorical"),
    "string": (TEXT.astype("string"), "categorical"),
    "category": (TEXT.astype("category"), "categorical"),
    "numbered category": (pd.Categorical([1, 2] * 20), "categorical"),
    "one text": (["x"] * N, "categorical"),
    "no text": (pd.Series([None] * N, dtype=object), "categorical"),
    "bool": (pd.Series([True, False] * 20), "boolean"),
    "bool with missing": (pd.Series([True, None] * 20, dtype=object), "boolean"),
    "nullable bool": (pd.array([True, None] * 20, dtype="boolean"), "boolean"),
    "nullable bool, all missing": (pd.array([None] * N, dtype="boolean"), "boolean"),
    "zero and one": (pd.Series([0, 1] * 20), "boolean"),
    "zero, one, missing": (pd.Series([0.0, 1.0, None, 0.0] * 10), "boolean"),
    "dates": (DATES, "datetime"),
    "dates with missing": (DATES.where(DATES.index % 3 > 0), "datetime"),
    "dates with a zone": (DATES.dt.tz_localize("Europe/Paris"), "datetime"),
    "no dates": (pd.Series([pd.NaT] * N), "datetime"),
    "names": ([f"person {i}" for i in range(N)], "identifier"),
    "tickets, some shared": ([f"ticket {i * 2 // 3}" for i in range(N)], "identifier"),
    "row number": (np.arange(N) + 1, "identifier"),
    "PassengerId": (np.arange(N) * 17 + 5, "identifier"),
    "patient_id": (np.arange(N, dtype=float) * 17 + 5, "identifier"),
    "hospital number": (np.arange(N) // 1.5 * 11, "identifier"),
    "paid": (np.arange(N) * 17 + 5, "numeric"),
    "Größe (cm), \"'`;\n": (np.arange(N) * 0.5, "numeric"),
    "": (["x", "y"] * 20, "categorical"),
    "名前": (["日", "本"] * 20, "categorical"),
}


def zoo() -> pd.DataFrame:
    return pd.DataFrame({name: values for name, (values, _) in ZOO.items()})


@pytest.mark.parametrize("name", ZOO)
def test_each_animal_of_the_zoo_gets_its_kind(name: str) -> None:
    column = infer_schema(zoo())[name]
    assert column.kind == ZOO[name][1], column.reason
    assert column.reason


def test_the_zoo_survives_json_and_restore() -> None:
    table = zoo()
    schema = Schema.from_json(infer_schema(table).to_json())
    assert schema == infer_schema(table)
    pd.testing.assert_frame_equal(schema.restore(table), table)


def test_restore_undoes_what_modelling_does_to_dtypes_and_order() -> None:
    table = zoo()
    schema = infer_schema(table)
    loose = table[table.columns[::-1]].copy()
    for name in schema.of_kind("numeric"):
        if name != "beyond 2^53":  # float64 cannot carry it
            loose[name] = loose[name].astype("float64")
    loose["dates with a zone"] = loose["dates with a zone"].dt.tz_convert(None)
    for name in ("text", "string", "category"):
        loose[name] = loose[name].astype(object)
    pd.testing.assert_frame_equal(schema.restore(loose), table)


@pytest.mark.parametrize("n", [1, 2])
def test_the_smallest_tables_survive_json_and_restore(n: int) -> None:
    table = zoo().head(n)
    schema = infer_schema(table)
    assert Schema.from_json(schema.to_json()) == schema
    pd.testing.assert_frame_equal(schema.restore(table), table)


def test_decimals_are_the_fewest_that_hold_every_value() -> None:
    table = pd.DataFrame({"w": [1.0, 2.0, 5.0], "c": [0.1, 2.25, 3.0], "r": [1 / 3, 2.0, 3.0]})
    schema = infer_schema(table)
    assert [schema[name].decimals for name in ("w", "c", "r")] == [0, 2, None]


def test_restore_rounds_and_clips_to_what_the_dtype_holds() -> None:
    schema = Schema((Column("age", "numeric", "uint8", 0), Column("cost", "numeric", "float64", 2)))
    restored = schema.restore(pd.DataFrame({"cost": [1.005, -2.349], "age": [-3.2, 300.0]}))
    assert restored["age"].tolist() == [0, 255]
    assert restored["cost"].tolist() == [1.0, -2.35]


def test_restore_keeps_missing_values_that_a_dtype_cannot_hold() -> None:
    schema = Schema((Column("n", "numeric", "int64", 0), Column("b", "boolean", "bool")))
    table = pd.DataFrame({"n": [1.0, None], "b": pd.Series([True, None], dtype=object)})
    assert schema.restore(table).isna().sum().tolist() == [1, 1]


def test_restore_says_which_column_cannot_be_cast() -> None:
    for column, values in (
        (Column("c", "numeric", "int64", 0), ["secret"]),
        (Column("c", "boolean", "bool"), ["secret"]),
        (Column("c", "datetime", "datetime64[ns]"), ["secret"]),
    ):
        with pytest.raises(DataError, match="'c' cannot be made") as caught:
            Schema((column,)).restore(pd.DataFrame({"c": values}))
        assert "secret" not in str(caught.value)
    with pytest.raises(DataError, match="lacks the columns"):
        Schema((column,)).restore(pd.DataFrame({"d": [1]}))


def test_a_kind_given_by_a_person_wins_and_restore_casts_to_it() -> None:
    table = pd.DataFrame({"when": ["2020-01-02", "2021-03-04"], "n": ["1.5", "2"], "code": [3, 4]})
    kinds = {"when": "datetime", "n": "numeric", "code": "categorical"}
    schema = infer_schema(table, kinds=kinds)
    assert [column.kind for column in schema.columns] == list(kinds.values())
    restored = schema.restore(table)
    assert restored.dtypes.astype(str).tolist() == ["datetime64[ns]", "float64", "int64"]


@pytest.mark.parametrize(
    ("table", "kinds", "message"),
    [
        (pd.DataFrame(), {}, "empty"),
        (pd.DataFrame({"a": []}), {}, "empty"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), {}, "unique; repeated: a"),
        (pd.DataFrame({"a": [1]}), {"b": "numeric"}, "'b', which is no column"),
        (pd.DataFrame({"a": [1]}), {"a": "number"}, "a kind is one of numeric"),
        (pd.DataFrame({"a": [1, np.inf]}), {}, "'a' holds infinite"),
    ],
)
def test_tables_that_cannot_be_described_are_refused(
    table: pd.DataFrame, kinds: dict[str, str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        infer_schema(table, kinds=kinds)


def test_roles_must_name_columns_that_can_play_them() -> None:
    schema = infer_schema(zoo())
    with pytest.raises(DataError, match="target='wages' is not a column"):
        schema.with_roles(target="wages")
    with pytest.raises(DataError, match="looks like an identifier"):
        schema.with_roles(target="names")
    with pytest.raises(DataError, match="target and group are both"):
        schema.with_roles(target="text", group="text")


def test_a_modelled_schema_names_only_modelled_columns() -> None:
    schema = infer_schema(zoo()).with_roles(
        target="bool",
        sensitive=["names", "negative"],
        quasi_identifiers=["text", "two codes"],
        group="text",
    )
    modelled = schema.modelled()
    assert not {"names", "text", "PassengerId"} & set(modelled.names)
    assert (modelled.sensitive, modelled.quasi_identifiers) == (("negative",), ("two codes",))
    assert (modelled.target, modelled.group) == ("bool", None)
    assert modelled.modelled() == modelled


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"version": 0}', '{"version": 1, "columns": [1]}', "\x00"]
)
def test_what_is_no_schema_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        Schema.from_json(text)


VALUES = {
    "float": st.none() | st.floats(allow_nan=False, allow_infinity=False, width=64),
    "cents": st.none() | st.integers(-(10**7), 10**7).map(lambda cents: cents / 100),
    "int": st.integers(-(2**63), 2**63 - 1),
    "text": st.none() | st.text(max_size=4),
    "bool": st.booleans(),
    "maybe": st.none() | st.booleans(),
    "date": st.none() | st.datetimes(pd.Timestamp(1700, 1, 1), pd.Timestamp(2200, 1, 1)),
}
DTYPES = {"float": float, "cents": float, "int": "int64", "bool": bool, "date": "datetime64[ns]"}


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    n = draw(st.integers(1, 6))
    repeats = draw(st.sampled_from([1, 20]))  # some rules need twenty rows
    names = draw(st.lists(st.text(max_size=6), min_size=1, max_size=5, unique=True))
    columns = {}
    for name in names:
        what = draw(st.sampled_from(sorted(VALUES)))
        values = draw(st.lists(VALUES[what], min_size=n, max_size=n))
        columns[name] = pd.Series(values * repeats, dtype=DTYPES.get(what, object))
    return pd.DataFrame(columns)


@settings(max_examples=300)
@given(tables())
def test_any_table_survives_json_and_restore(table: pd.DataFrame) -> None:
    schema = infer_schema(table)
    assert Schema.from_json(schema.to_json()) == schema
    assert {column.kind for column in schema.columns} <= set(KINDS)
    pd.testing.assert_frame_equal(schema.restore(table), table, check_exact=True)
