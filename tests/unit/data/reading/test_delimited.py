from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabveil.data.reading.bounds import Bounds
from tabveil.data.tables import read_table
from tabveil.errors import DataError


def read(folder: Path, text: str, **how: object) -> pd.DataFrame:
    path = folder / "t.csv"
    path.write_bytes(text.encode())
    return read_table(path, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('"a;b"\n"x;y"\n', ["a;b"]),
        ('"name"\nSmith; John\n', ["name"]),
        ('"a, b";c\n1;2\n', ["a, b", "c"]),
        ("price, net;qty\n1;2\n3;4\n", ["price, net", "qty"]),
        ("a|b\n1,2|3\n1,2|4\n", ["a", "b"]),
        ('a\tb\n"x, y, z"\t1\n"x; y"\t2\n', ["a", "b"]),
        ('"two\nlines",b\n1,2\n', ["two\nlines", "b"]),
        ("a;b,c;d\n1;2;3\n", ["a", "b,c", "d"]),
        ('a,b;c\n"1";"2"\n', ["a,b", "c"]),
        ("a\n1\n", ["a"]),
        ("a;b\n1\nx\n", ["a;b"]),
        ("a\nx\ny, z\nw\n", ["a"]),
        ('a|b\n""\n""\n', ["a|b"]),
        ("a\u2028b;c\n1;2\n", ["a\u2028b", "c"]),
    ],
)
def test_the_delimiter_splits_all_rows_alike(tmp_path: Path, text: str, names: list[str]) -> None:
    assert read(tmp_path, text).columns.tolist() == names


def test_a_wrong_quote_does_not_hide_the_delimiter(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 3: text follows a closing quote"):
        read(tmp_path, 'a;b\n1;2\n3;"a "b" c"\n')


def test_a_header_longer_than_the_sample_is_split(tmp_path: Path) -> None:
    names = [f"a rather long name of a column, number {i}" for i in range(3000)]
    text = ";".join(f'"{name}"' for name in names) + "\n" + ";".join("1" * 3000) + "\n"
    assert read(tmp_path, text).columns.tolist() == names


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_will_do(tmp_path: Path, end: str) -> None:
    assert read(tmp_path, f"a,b{end}1,x{end}2,y").to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


def test_a_bad_row_is_told_by_the_line_in_which_it_begins(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 4: 3 values under 2"):
        read(tmp_path, 'a,b\n"two\nlines",1\n"three\nmore\nlines",1,2\n3,4\n')
    with pytest.raises(DataError, match=r"line 3: a quote opens in this row and never closes"):
        read(tmp_path, 'a,b\n1,2\n3,"4\n5,6\n7,8\n')
    with pytest.raises(DataError, match=r"line 2: text follows a closing quote"):
        read(tmp_path, 'a,b\n1,"a "b" c"\n')


def test_a_column_name_in_a_message_is_cut(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, f"{'a' * 5000},{'a' * 5000}\n1,2\n")
    assert len(str(caught.value)) < len(str(tmp_path)) + 200


def test_a_table_beyond_the_bounds_is_refused(tmp_path: Path) -> None:
    text = "a,b\n" + "1,2\n" * 5
    assert len(read(tmp_path, text, bounds=Bounds(rows=5, columns=2, line=3))) == 5
    for bounds, message in (
        (Bounds(rows=4), "more than 4 rows"),
        (Bounds(columns=1), "2 columns, more than 1"),
        (Bounds(line=2), "line 1: longer than 2 characters"),
    ):
        with pytest.raises(DataError, match=message):
            read(tmp_path, text, bounds=bounds)


def test_a_wrong_word_for_the_encoding_is_refused(tmp_path: Path) -> None:
    for word in ("klingon", "base64", "undefined"):
        with pytest.raises(DataError, match=f"dataset.encoding='{word}' is not known"):
            read(tmp_path, "a\n1\n", encoding=word)


texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), min_size=1
).map(lambda text: f"x{text}x")  # not a number, a date, a missing value or a blank


@given(
    table=st.lists(st.tuples(texts, texts), min_size=1, max_size=9),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=150)
def test_what_is_quoted_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
    table: list[tuple[str, str]],
    delimiter: str,
    end: str,
) -> None:
    path = tmp_path_factory.mktemp("quoted") / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
        writer.writerows([("a", "b"), *table])
    assert list(read_table(path).itertuples(index=False, name=None)) == table


def test_gaps_between_numbers_too_large_for_a_float_are_missing_and_words_are_not(
    tmp_path: Path,
) -> None:
    table = read(tmp_path, "a,b\n14355528543621766776,1\n,2\nNA,3\n5,4\n")
    assert table["a"].isna().tolist() == [False, True, False, False]
    assert table["a"].dropna().tolist() == ["14355528543621766776", "NA", "5"]
