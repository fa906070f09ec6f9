from __future__ import annotations

from pathlib import Path

import pytest

from tabveil.data.tables import read_table
from tabveil.errors import DataError

NAMES = [
    "José",
    "Müller",
    "Straße",
    "Ægir",
    "créée",
    "L’Été",
    "“so”",
    "5 €",
    "½ m²",
    "¿qué?",
    "Nº 1",
]


def read(folder: Path, content: bytes, encoding: str | None = None) -> list[str]:
    path = folder / "t.csv"
    path.write_bytes(content)
    names: list[str] = read_table(path, encoding=encoding)["name"].tolist()
    return names


def table(names: list[str]) -> str:
    return "name,x\n" + "".join(f"{name},1\n" for name in names)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_usual_encodings_are_found(tmp_path: Path, encoding: str) -> None:
    assert read(tmp_path, table(NAMES).encode(encoding)) == NAMES


def test_utf_16_of_the_other_order_is_found_by_its_mark(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xfe\xff" + table(NAMES).encode("utf-16-be")) == NAMES


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16-le", "mac-roman", "UTF8"])
def test_an_encoding_that_is_given_is_taken(tmp_path: Path, encoding: str) -> None:
    names = ["José", "Müller"]
    assert read(tmp_path, table(names).encode(encoding), encoding) == names


def test_a_mark_is_passed_over_also_where_utf_8_is_given(tmp_path: Path) -> None:
    assert read(tmp_path, table(["José"]).encode("utf-8-sig"), "utf-8") == ["José"]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("cp1251", "Иванов"), ("cp1250", "Łukasz"), ("mac-roman", "José"), ("gbk", "东京都厅")],
)
def test_letters_that_make_no_words_are_not_taken_for_cp1252(
    tmp_path: Path, encoding: str, name: str
) -> None:
    content = table(["Anna"] * 3 + [name] * 3).encode(encoding)
    with pytest.raises(DataError, match=r"line 5: not UTF-8.*dataset.encoding"):
        read(tmp_path, content)
    assert read(tmp_path, content, encoding)[-1] == name


def test_one_odd_name_among_many_does_not_spoil_cp1252(tmp_path: Path) -> None:
    names = ["José"] * 99 + ["McÉvoy"]
    assert read(tmp_path, table(names).encode("cp1252")) == names


def test_the_line_of_the_first_wrong_byte_is_told_far_into_the_file(tmp_path: Path) -> None:
    good = table(["José"] * 200_000).encode()
    with pytest.raises(DataError, match="line 200002: not UTF-8, and other places are"):
        read(tmp_path, good + "José,1\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"line 200002: not utf-8; set dataset\.encoding"):
        read(tmp_path, good + "José,1\n".encode("latin-1"), "utf-8")


def test_a_letter_across_two_pieces_is_one_letter(tmp_path: Path) -> None:
    for shift in range(4):
        names = ["a" * shift + "é" * 70_000 for _ in range(20)]
        assert read(tmp_path, table(names).encode()) == names
