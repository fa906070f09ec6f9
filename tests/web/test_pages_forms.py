"""What is typed into forms, as orders."""

from __future__ import annotations

import pytest
from starlette.datastructures import FormData

from tabveil.web.errors import Invalid
from tabveil.web.pages.sample_form import conditions, read_value, sample_order
from tabveil.web.pages.schema_form import sweep_order

COLUMNS = [
    {"name": "age", "kind": "numeric", "dtype": "int64"},
    {"name": "well", "kind": "boolean", "dtype": "bool"},
    {"name": "grade", "kind": "categorical", "dtype": "int64"},
    {"name": "town", "kind": "categorical", "dtype": "object"},
]


def condition(*lines: tuple[str, str, str]) -> FormData:
    parts = ("column", "how", "value")
    return FormData([(f"where-{p}", line[k]) for line in lines for k, p in enumerate(parts)])


def test_lines_without_a_column_are_no_conditions() -> None:
    assert conditions(condition(("", "is", "x"), ("3", "is", " Bonn ")), COLUMNS) == {
        "town": "Bonn"
    }


def test_a_missing_value_and_two_ends_of_a_range() -> None:
    told = condition(("3", "missing", "ignored"), ("0", "min", "1"), ("0", "max", "2.5"))
    assert conditions(told, COLUMNS) == {"town": None, "age": {"min": 1, "max": 2.5}}


@pytest.mark.parametrize(
    ("text", "place", "value"),
    [("1", 0, 1), ("1.5", 0, 1.5), ("yes", 1, True), ("0", 1, False), ("3", 2, 3), ("3", 3, "3")],
)
def test_values_are_what_their_columns_hold(text: str, place: int, value: object) -> None:
    found = read_value(text, COLUMNS[place])
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "lines",
    [
        [("9", "is", "1")],
        [("-1", "is", "1")],
        [("0", "is", "old")],
        [("3", "is", "")],
        [("0", "is", "1"), ("0", "min", "1")],
        [("0", "min", "nan")],
    ],
)
def test_conditions_that_mean_nothing_are_refused(lines: list[tuple[str, str, str]]) -> None:
    with pytest.raises(Invalid):
        conditions(condition(*lines), COLUMNS)


def test_written_conditions_take_the_place_of_lines() -> None:
    told = FormData({"n": "5", "seed": "1", "where_json": '{"town": ["Bonn", null]}'})
    order = sample_order(told, release="r", columns=COLUMNS)
    assert order["where"] == {"town": ["Bonn", None]}
    for wrong in ("{", "[1]"):
        with pytest.raises(Invalid):
            sample_order(
                FormData({"n": "5", "seed": "1", "where_json": wrong}), release="r", columns=[]
            )


def test_a_mask_counts_for_identifiers_only() -> None:
    found = {"columns": [{"name": "age", "kind": "numeric", "mask": None}]}
    told = FormData({"mask-0": "drop"})
    assert sweep_order(told, upload="u", inspection=found)["columns"] == {}
    told = FormData({"kind-0": "identifier", "mask-0": "drop"})
    order = sweep_order(told, upload="u", inspection=found)
    assert order["columns"] == {"age": {"kind": "identifier", "format": None, "mask": "drop"}}
