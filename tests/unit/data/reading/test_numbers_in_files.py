from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabveil.data.tables import Place, read_table
from tabveil.errors import DataError


def read(folder: Path, text: str, decimal: str | None = None) -> pd.DataFrame:
    (folder / "t.csv").write_text(text)
    return read_table(folder / "t.csv", decimal=decimal)  # type: ignore[arg-type]


def column(
    folder: Path, *texts: str, decimal: str | None = None, beside: str = "x"
) -> list[object]:
    rows = "".join(f'"{text}";{beside}\n' for text in texts)
    values: list[object] = read(folder, f"v;w\n{rows}", decimal)["v"].tolist()
    return values


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["1,5", "2"], [1.5, 2.0]),
        (["1.234,56", "-0,5", "+7"], [1234.56, -0.5, 7.0]),
        (["1,234.56", "12"], [1234.56, 12.0]),
        (["1,234,567", "89"], [1234567, 89]),
        (["1.234.567", "1.000"], [1234567, 1000]),
        (["0,123", "0,456"], [0.123, 0.456]),
        (["1234,567", "2,000"], [1234.567, 2.0]),
        ([",5", "1,25"], [0.5, 1.25]),
        (["1,5e3", "2"], [1500.0, 2.0]),
        (["0,1", "0,30000000000000004"], [0.1, 0.30000000000000004]),
        (["1,5 €", "-2,5 €"], [1.5, -2.5]),
        (["007,5", "112,0"], [7.5, 112.0]),
        (["1'234.50", "12.00"], [1234.5, 12.0]),
        (["5-", "7"], [-5, 7]),
        (["1,23,456", "12,34,567"], [123456, 1234567]),
        (["(1,234.50)", "3.25"], [-1234.5, 3.25]),
        (["$1,234.50", "-$3.00"], [1234.5, -3.0]),
        (["12.5%", "3.0%"], [12.5, 3.0]),
    ],
)
def test_numbers_in_one_spelling_become_numbers(
    tmp_path: Path, texts: list[str], numbers: list[float]
) -> None:
    values = column(tmp_path, *texts)
    assert values == numbers
    assert [type(value) for value in values] == [type(number) for number in numbers]


@pytest.mark.parametrize(
    "texts",
    [
        ["1,5", "2.5"],
        ["1,234.5", "1.234,5"],
        ["1,5", "unknown"],
        ["1,5,6"],
        ["0,123,456"],
        ["1, 5"],
        ["5-7,5"],
        ["99999999999999999999999", "x"],
        ["192.168.1.1"],
        ["1,", "2,"],
    ],
)
def test_what_is_not_surely_a_number_stays_text(tmp_path: Path, texts: list[str]) -> None:
    assert column(tmp_path, *texts) == texts


def test_other_columns_decide_where_both_spellings_fit(tmp_path: Path) -> None:
    assert column(tmp_path, "1,234", "5,678", beside="1.5") == [1234, 5678]
    assert column(tmp_path, "1,234", "5,678", beside='"1,5"') == [1.234, 5.678]
    (tmp_path / "t.csv").write_text('v;w\n"1,234";1.500\n"5,678";1.500\n')
    opened = Place(path=tmp_path / "t.csv").open()
    assert opened.ambiguous == {"v": ["1,234", "1,234"]} or list(opened.ambiguous) == ["v"]
    with pytest.raises(DataError, match="two ways to read column 'v'"):
        opened.check_readings()


def test_where_commas_stand_before_decimals_points_group(tmp_path: Path) -> None:
    table = read(tmp_path, "price;people\n1,5;1.234\n2,5;12.000\n")
    assert table.to_dict("list") == {"price": [1.5, 2.5], "people": [1234, 12000]}
    # 0.5 says that points stand before decimals too, so that nothing is sure about 1.234.
    table = read(tmp_path, "price;people;share\n1,5;1.234;0.5\n2,5;12.000;0.25\n")
    assert table["people"].tolist() == [1.234, 12.0]


def test_points_group_also_where_a_value_is_missing(tmp_path: Path) -> None:
    table = read(tmp_path, "price;people\n1,5;1.234\n2,5;\n;987\n")
    assert table["people"].fillna(-1).tolist() == [1234.0, -1.0, 987.0]
    assert table["price"].isna().tolist() == [False, False, True]


def test_what_is_given_decides(tmp_path: Path) -> None:
    assert column(tmp_path, "1,234", "5,678", decimal=",") == [1.234, 5.678]
    assert column(tmp_path, "1,234", "5,678", decimal=".") == [1234, 5678]
    assert column(tmp_path, "1,5", "2,5", decimal=".") == ["1,5", "2,5"]
    assert column(tmp_path, "1.234", "5.678", decimal=",") == [1234, 5678]
    assert column(tmp_path, "1.234", "5.678", decimal=".") == [1.234, 5.678]
    assert column(tmp_path, "1.5", "5.678", decimal=",") == ["1.5", "5.678"]


@given(numbers=st.lists(st.floats(-1e12, 1e12).map(lambda x: round(x, 4)), min_size=1, max_size=8))
@settings(max_examples=100)
def test_numbers_with_groups_come_back(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[float]
) -> None:
    folder = tmp_path_factory.mktemp("numbers")
    english = [f"{number:,.4f}" for number in numbers]
    german = [text.translate(str.maketrans(",.", ".,")) for text in english]
    assert column(folder, *german) == numbers
    assert column(folder, *english) == numbers


def test_a_column_may_be_called_self(tmp_path: Path) -> None:
    table = read(tmp_path, "self;x\n1,5;a\n2,5;b\n")
    assert table["self"].tolist() == [1.5, 2.5]
