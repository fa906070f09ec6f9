"""Workbooks made by openpyxl or by hand, and what must be read of them: expectations by hand."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from tabveil.data.opening import Opened
from tabveil.data.reading.bounds import BOUNDS
from tabveil.data.reading.raw import RawTable
from tabveil.data.reading.workbook import read_workbook
from tabveil.data.tables import Place
from tabveil.errors import DataError

HEADER = ["name", "age", "city"]
BODY = [["ann", 31, "Rome"], ["bob", 42, "Bonn"], ["cy", 53, "Rome"]]


def saved(
    path: Path,
    rows: Sequence[Sequence[Any]],
    *,
    merged: str = "",
    formats: Mapping[str, str] | None = None,
) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    if merged:
        sheet.merge_cells(merged)
    for area, number_format in (formats or {}).items():
        for (cell,) in sheet[area]:
            cell.number_format = number_format
    book.save(path)
    return path


def raw(path: Path, sheet: str | None = None) -> RawTable:
    return read_workbook(path, sheet=sheet, bounds=BOUNDS)


def lists(table: RawTable) -> dict[str, list[Any]]:
    return {name: column.to_pylist() for name, column in table.columns.items()}


def opened(path: Path) -> Opened:
    return Place(path=path).open()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.xlsx"


# --- where the table lies ---


def test_names_and_rows(path: Path) -> None:
    table = raw(saved(path, [HEADER, *BODY]))
    assert lists(table) == {
        "name": ["ann", "bob", "cy"],
        "age": [31, 42, 53],
        "city": ["Rome", "Bonn", "Rome"],
    }
    assert table.texts == {"name", "city"}
    assert table.dialect.format == "xlsx"
    assert table.dialect.sheet == "Sheet"
    assert table.notes == ()


def test_empty_rows_and_columns_before_the_table_are_skipped(path: Path) -> None:
    rows = [[], [], [None, None, *HEADER], *([None, None, *row] for row in BODY)]
    assert lists(raw(saved(path, rows)))["age"] == [31, 42, 53]


@pytest.mark.parametrize("gap", [[], [[]]])
def test_titles_are_passed_over_and_said(path: Path, gap: list[list[Any]]) -> None:
    table = raw(saved(path, [["Patients of March"], ["draft"], *gap, HEADER, *BODY]))
    assert list(table.columns) == HEADER
    assert table.notes == ("rows 1, 2, titles, above the names was passed over",)


def test_a_row_below_a_title_that_is_no_row_of_names_is_refused(path: Path) -> None:
    with pytest.raises(DataError, match="row 1 holds a single cell, and row 2 does not look like"):
        raw(saved(path, [["name"], ["ann", 31], ["bob", 42]]))
    with pytest.raises(DataError, match="row 1 holds a single cell"):
        raw(saved(path, [["name"], ["ann", "Rome"], ["bob", "Bonn"]]))


@pytest.mark.parametrize("area", ["A1:C1", "B1:C1", "A1:A2"])
def test_merged_cells_in_or_above_the_names_are_refused(path: Path, area: str) -> None:
    with pytest.raises(DataError, match=f"cells {area} are merged, in or above the names"):
        raw(saved(path, [["Patients"], HEADER, *BODY], merged=area))


def test_merged_cells_in_the_table_are_refused(path: Path) -> None:
    with pytest.raises(DataError, match="cells C2:C3 are merged, and only the first"):
        raw(saved(path, [HEADER, *BODY], merged="C2:C3"))


def test_an_empty_row_inside_is_refused(path: Path) -> None:
    with pytest.raises(DataError, match="row 3 is empty, and there are cells below it"):
        raw(saved(path, [HEADER, BODY[0], [], BODY[1]]))


def test_a_second_table_to_the_right_is_refused(path: Path) -> None:
    rows = [[*HEADER, None, "x"], *([*row, None, 1] for row in BODY)]
    with pytest.raises(DataError, match="column D is empty, and there are cells to the right"):
        raw(saved(path, rows))


def test_cells_without_a_name_are_refused(path: Path) -> None:
    with pytest.raises(DataError, match="column D has cells and no name in row 1"):
        raw(saved(path, [HEADER, [*BODY[0], "checked"], *BODY[1:]]))


def test_an_index_without_a_name_is_read(path: Path) -> None:
    table = raw(saved(path, [[None, "x", "y"], [0, 1.5, 2], [1, 2.5, 3]]))
    assert lists(table) == {"Unnamed: 0": [0, 1], "x": [1.5, 2.5], "y": [2, 3]}
    assert table.dialect.unnamed == ("Unnamed: 0",)


def test_repeated_names_are_refused(path: Path) -> None:
    with pytest.raises(DataError, match="repeated: a"):
        raw(saved(path, [["a", "b", "a"], [1, 2, 3]]))


def test_rows_and_columns_that_are_only_formatted_are_ignored(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in [HEADER, *BODY]:
        book.active.append(row)  # type: ignore[union-attr]
    book.active["H90"].number_format = "0.00"  # type: ignore[index]
    book.save(path)
    assert raw(path).n_rows == 3


def test_a_second_line_of_names_and_a_footer_are_refused(path: Path) -> None:
    body = [[20 + i % 50, i % 17 + 0.5, "f"] for i in range(200)]
    names = ["age", "dose", "sex"]
    with pytest.raises(DataError, match="second line of names"):
        opened(saved(path, [names, ["years", "mg", "code"], *body]))
    with pytest.raises(DataError, match="looks like a sum or a remark"):
        opened(saved(path, [names, *body, ["Total", None, None]]))


def test_a_last_row_with_words_for_missing_is_a_row(path: Path) -> None:
    body = [[20 + i % 50, i % 17 + 0.5, i] for i in range(200)]
    table = opened(saved(path, [["age", "dose", "n"], *body, ["NA", "NA", 9]])).table
    assert len(table) == 201


# --- sheets ---


def several(path: Path) -> Path:
    book = openpyxl.Workbook()
    book.active.title = "First"  # type: ignore[union-attr]
    book.active.append(["a"])  # type: ignore[union-attr]
    book.active.append([1])  # type: ignore[union-attr]
    second = book.create_sheet("2019")
    second.append(["b"])
    second.append([2])
    book.create_sheet("Empty")
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("sheet", "column"), [("First", "a"), ("first", "a"), ("1", "a"), ("2", "b"), ("2019", "b")]
)
def test_a_sheet_by_name_or_number(path: Path, sheet: str, column: str) -> None:
    assert list(raw(several(path), sheet).columns) == [column]


def test_which_sheet_is_asked_for_where_several_hold_cells(path: Path) -> None:
    with pytest.raises(DataError, match="several sheets hold cells: 1 'First', 2 '2019'; name one"):
        raw(several(path))
    with pytest.raises(DataError, match="has no sheet 'x'; it has 1 'First', 2 '2019', 3 'Empty'"):
        raw(path, "x")
    with pytest.raises(DataError, match="sheet 'Empty' holds no cells"):
        raw(path, "3")


def test_the_only_sheet_with_cells_is_read_and_hidden_ones_are_said(path: Path) -> None:
    book = openpyxl.load_workbook(several(path))
    book["2019"].sheet_state = "hidden"
    book.save(path)
    table = raw(path)
    assert list(table.columns) == ["a"]
    assert table.notes == ("1 hidden sheets were passed over",)


# --- cells ---


def column(path: Path, cells: Sequence[Any], number_format: str = "General") -> RawTable:
    rows = [["x", "i"], *([cell, i] for i, cell in enumerate(cells))]
    return raw(saved(path, rows, formats={f"A2:A{len(cells) + 1}": number_format}))


def test_texts_are_exact(path: Path) -> None:
    texts = ["01234", "NA", "1E2", " ", " x ", "a\nb", "_x0041_", "Ä", "=1+1"]
    book = openpyxl.Workbook()
    book.active.append(["x", "i"])  # type: ignore[union-attr]
    for i, text in enumerate(texts):
        book.active.append([None, i])  # type: ignore[union-attr]
        cell = book.active.cell(i + 2, 1)  # type: ignore[union-attr]
        cell.value, cell.data_type = text.replace("_x0041_", "_x005F_x0041_"), "s"
    book.save(path)
    table = raw(path)
    assert table.columns["x"].to_pylist() == texts
    assert table.texts == {"x"}


def test_numbers(path: Path) -> None:
    assert column(path, [1, None, -3]).columns["x"].to_pylist() == [1, None, -3]
    assert column(path, [1.0, 2.0]).columns["x"].type == "int64"
    assert column(path, [1, 0.1]).columns["x"].to_pylist() == [1.0, 0.1]


def test_long_codes_are_exact(path: Path) -> None:
    codes = [1234567890123456789, -1000000000000000001, 7]
    rows = "".join(f"<row><c><v>{code}</v></c></row>" for code in codes)
    xml = SHEET.format('<row><c t="str"><v>x</v></c></row>' + rows)
    assert lists(raw(with_sheet(path, xml))) == {"x": codes}
    xml = xml.replace("<v>7<", "<v>123456789012345678901234<")
    texts = ["1234567890123456789", "-1000000000000000001", "123456789012345678901234"]
    assert lists(raw(with_sheet(path, xml))) == {"x": texts}


def test_truth_values(path: Path) -> None:
    assert column(path, [True, False, None]).columns["x"].to_pylist() == [True, False, None]


def test_dates_and_times(path: Path) -> None:
    days = [datetime.date(2020, 2, 29), datetime.date(1900, 1, 1), None]
    assert column(path, days, "dd.mm.yyyy").columns["x"].to_pylist() == days
    stamps = [datetime.datetime(2020, 2, 29, 13, 45, 30), datetime.datetime(9999, 12, 31)]
    assert column(path, stamps, "yyyy-mm-dd hh:mm:ss").columns["x"].to_pylist() == stamps
    times = [datetime.time(0), datetime.time(23, 59, 59)]
    assert column(path, times, "h:mm AM/PM").columns["x"].to_pylist() == times
    spans = [datetime.timedelta(hours=36), datetime.timedelta(minutes=5)]
    assert column(path, spans, "[h]:mm").columns["x"].to_pylist() == spans
    assert column(path, spans, "h:mm").columns["x"].to_pylist() == spans


def test_days_counted_from_1904(path: Path) -> None:
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.MAC_EPOCH
    for row in (["x"], [datetime.date(2020, 2, 29)]):
        book.active.append(row)  # type: ignore[union-attr]
    book.save(path)
    assert raw(path).columns["x"].to_pylist() == [datetime.date(2020, 2, 29)]


def test_the_number_format_of_most_cells_is_kept(path: Path) -> None:
    table = column(path, [0.125, 0.5, "-"], "0.0%")
    assert table.number_formats == {"x": "0.0%"}
    assert column(path, [1, 2]).number_formats == {}


def test_a_stored_percentage_stays_as_it_is_stored(path: Path) -> None:
    rows = [["x"], *([i / 1000] for i in range(50))]
    read = opened(saved(path, rows, formats={"A2:A51": "0.0%"}))
    assert read.table["x"].tolist() == [i / 1000 for i in range(50)]
    assert read.formats["x"].number_format == "0.0%"


def test_mixed_columns_become_texts(path: Path) -> None:
    day = datetime.date(2020, 2, 29)
    assert column(path, [1, 2.5, 3.0, "-", True]).columns["x"].to_pylist() == [
        *("1", "2.5", "3", "-", "TRUE")
    ]
    assert column(path, [day, "unknown", None], "dd.mm.yyyy").columns["x"].to_pylist() == [
        *("2020-02-29", "unknown", None)
    ]
    assert column(path, [1, "-"]).texts == frozenset()


def test_numbers_with_a_few_words_are_numbers(path: Path) -> None:
    cells = [word if i % 9 == 0 else i + 0.5 for i, word in enumerate(["-", "NA", " "] * 50)]
    read = opened(saved(path, [["x", "i"], *([cell, i] for i, cell in enumerate(cells))]))
    assert read.formats["x"].sort == "decimal"
    assert read.table["x"].isna().sum() == 17
    assert read.table["x"].dropna().tolist() == [c for c in cells if not isinstance(c, str)]


def test_errors_are_missing_and_said(path: Path) -> None:
    table = column(path, [1, "#N/A", "#DIV/0!", 4])
    assert table.columns["x"].to_pylist() == [1, None, None, 4]
    assert table.notes == ("2 cells of 'x' hold an error (#DIV/0!, #N/A) and are missing",)


def test_a_formula_without_its_value_is_refused(path: Path) -> None:
    with pytest.raises(DataError, match="cell A2 holds a formula without its value; open the"):
        column(path, ["=1+1"])


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "<sheetData>{}</sheetData></worksheet>"
)


def with_sheet(path: Path, xml: str) -> Path:
    """A workbook whose sheet is written by hand."""
    source = io.BytesIO()
    book = openpyxl.Workbook()
    book.save(source)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            is_sheet = name == "xl/worksheets/sheet1.xml"
            new.writestr(name, xml if is_sheet else old.read(name))
    return path


def test_formulas_are_read_by_their_values(path: Path) -> None:
    rows = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c>'
        '<c r="B1" t="inlineStr"><is><r><t>y</t></r><r><t>z</t></r></is></c></row>'
        '<row r="2"><c r="A2"><f>1+1</f><v>2</v></c><c r="B2" t="str"><f>A()</f><v>t</v></c></row>'
        '<row><c><f>1+2</f><v>3</v></c><c t="str"><f>A()</f><v></v></c></row>'
    )
    table = raw(with_sheet(path, SHEET.format(rows)))
    assert lists(table) == {"x": [2, 3], "yz": ["t", None]}


def test_shared_texts_are_read_with_all_runs_and_without_pronunciation(path: Path) -> None:
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    shared = (
        "<sst><si><t>x</t></si><si><r><t>Du</t></r><r><t>bois</t></r><rPh><t>p</t></rPh></si>"
        '<si><t xml:space="preserve"> NA </t></si><si><t>a_x000D_b &amp; c</t></si>'
        "<si><t/></si></sst>"
    )
    cells = "".join(f'<row><c t="s"><v>{i}</v></c><c><v>{i}</v></c></row>' for i in range(1, 5))
    relation = f'<Relationship Id="r{{}}" Type="{office}/{{}}" Target="{{}}"/>'
    parts = {
        "_rels/.rels": f"<a>{relation.format(1, 'officeDocument', 'xl/book.xml')}</a>",
        "xl/book.xml": '<workbook><sheets><sheet name="S" r:id="r1"/></sheets></workbook>',
        "xl/_rels/book.xml.rels": f"<a>{relation.format(1, 'worksheet', '/xl/w/s.xml')}"
        f"{relation.format(2, 'sharedStrings', 'shared.xml')}</a>",
        "xl/shared.xml": shared,
        "xl/w/s.xml": SHEET.format(
            '<row><c t="s"><v>0</v></c><c t="str"><v>i</v></c></row>' + cells
        ),
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert lists(raw(path)) == {"x": ["Dubois", " NA ", "a\rb & c", None], "i": [1, 2, 3, 4]}


def test_names_with_a_prefix_are_read(path: Path) -> None:
    rows = '<x:row><x:c t="str"><x:v>a</x:v></x:c></x:row><x:row><x:c><x:v>1</x:v></x:c></x:row>'
    xml = f'<x:worksheet xmlns:x="urn:x"><x:sheetData>{rows}</x:sheetData></x:worksheet>'
    assert lists(raw(with_sheet(path, xml))) == {"a": [1]}


def test_whole_floats_with_gaps_are_whole(path: Path) -> None:
    read = opened(saved(path, [["x", "i"], [3.0, 1], [None, 2], [4.0, 3]]))
    assert read.formats["x"].sort == "whole"
    assert pd.isna(read.table["x"][1])


# --- other files ---


def test_a_workbook_by_another_name(tmp_path: Path) -> None:
    path = saved(tmp_path / "t.xlsx", [HEADER, *BODY]).rename(tmp_path / "t.csv")
    with pytest.raises(DataError, match=r"t\.csv is an Excel workbook: rename it to \.xlsx, or"):
        Place(path=path).open()
    assert len(Place(path=path, format="xlsx").open().table) == 3
    for name in ("t", "t.xls", "t.zip", "t.jsonl", "t.dat"):
        path = path.rename(tmp_path / name)
        with pytest.raises(DataError, match="is an Excel workbook: rename it"):
            Place(path=path).open()


def test_a_workbook_with_macros_is_read(tmp_path: Path) -> None:
    path = saved(tmp_path / "t.xlsm", [HEADER, *BODY])
    assert len(Place(path=path).open().table) == 3


@pytest.mark.parametrize("name", ["t.xlsx", "t.xls", "t.csv", "t.ods"])
def test_old_encrypted_and_open_document_files_are_refused_in_words(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)
    path.write_bytes(ole)
    with pytest.raises(DataError, match=r"old office document; save it as \.xlsx or CSV"):
        Place(path=path).open()
    path.write_bytes(ole + "EncryptedPackage".encode("utf-16-le") + bytes(99))
    with pytest.raises(DataError, match="is encrypted; save it without a password"):
        Place(path=path).open()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<x/>")
    with pytest.raises(DataError, match=r"is an OpenDocument file; save it as \.xlsx or CSV"):
        Place(path=path).open()
