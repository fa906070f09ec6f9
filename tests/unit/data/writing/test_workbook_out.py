"""Workbooks that were written, as openpyxl and the zip archive show them; expectations by hand."""

from __future__ import annotations

import datetime
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from tabveil.data.formats.column_format import Format
from tabveil.data.formats.number_format import of_pattern, of_spelling
from tabveil.data.formats.number_spelling import Spelling
from tabveil.data.reading.raw import Dialect
from tabveil.data.schema import Column, Kind, Schema
from tabveil.data.writing.rows_out import check_target, write_frames
from tabveil.errors import ConfigError

Values = Sequence[Any] | pd.Series


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.xlsx"


def written(
    path: Path,
    values: Values,
    form: Format,
    *,
    kind: Kind = "categorical",
    dialect: Dialect | None = None,
    escape: bool = False,
) -> list[Any]:
    """The cells of a column below its name, as openpyxl reads them."""
    frame = pd.DataFrame({"x": values})
    column = Column("x", kind, str(frame["x"].dtype), format=form)
    schema = Schema((column,), dialect=dialect)
    assert write_frames([frame], path, schema, escape_formulas=escape) == len(frame)
    sheet = openpyxl.load_workbook(path).worksheets[0]
    assert sheet["A1"].value == "x"
    return [sheet.cell(i + 2, 1) for i in range(len(frame))]


def plain(cells: Sequence[Any]) -> list[Any]:
    return [cell.value for cell in cells]


def test_texts_are_texts(path: Path) -> None:
    texts = ["01234", "NA", "=1+1", "#N/A", "-", "@a", "2020-01-01", " x ", "a\nb"]
    cells = written(path, texts, Format())
    assert plain(cells) == texts
    assert {cell.data_type for cell in cells} == {"s"}
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert '<c r="A4" t="inlineStr"><is><t>=1+1</t></is></c>' in sheet


def test_signs_that_xml_does_not_hold_are_escaped(path: Path) -> None:
    written(path, ["a\x01b", "c\rd", "_x0041_"], Format())
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert re.findall("<t>(.*?)</t>", sheet) == ["x", "a_x0001_b", "c_x000D_d", "_x005F_x0041_"]


def test_formulas_get_an_apostrophe_where_it_is_asked_for(path: Path) -> None:
    assert plain(written(path, ["=1", "-", "a"], Format(), escape=True)) == ["'=1", "'-", "a"]


def test_too_long_a_text_is_refused_and_nothing_is_left(path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a text of 'x' is longer than 32,767 characters"):
        written(path, ["a" * 32_768], Format())
    assert list(path.parent.iterdir()) == []


def test_a_code_is_shown_as_a_text(path: Path) -> None:
    (cell,) = written(path, ["00021"], Format("code"))
    assert (cell.value, cell.data_type, cell.number_format) == ("00021", "s", "@")


@pytest.mark.parametrize(
    ("spelling", "number_format"),
    [
        (Spelling(), "General"),
        (Spelling(places=(2, 2)), "0.00"),
        (Spelling(places=(0, 3)), "General"),
        (Spelling(places=(2, 2), group=",", prefix="$"), '"$"#,##0.00'),
        (Spelling(places=(2, 2), mark=",", group=".", suffix=" EUR"), '#,##0.00" EUR"'),
        (Spelling(places=(1, 1), suffix="%"), '0.0"%"'),
        (Spelling(places=(0, 2), suffix=" kg"), 'General" kg"'),
        (Spelling(places=(2, 2), minus="(x)"), "0.00;(0.00)"),
        (Spelling(prefix="$", minus="$-x"), '"$"0;"$"-0'),
        (Spelling(plus=True), "+0;-0;0"),
    ],
)
def test_numbers_are_shown_as_their_texts_were(
    path: Path, spelling: Spelling, number_format: str
) -> None:
    form = Format("decimal", spelling=spelling)
    cells = written(path, [12.0, -3.0], form, kind="numeric")
    assert plain(cells) == [12, -3]
    assert {cell.number_format for cell in cells} == {number_format}


def test_whole_numbers_with_gaps_and_words(path: Path) -> None:
    form = Format("whole", spelling=Spelling(), missing={"NA": 1.0})
    assert plain(written(path, [3.0, None, 4.0], form, kind="numeric")) == [3, "NA", 4]
    bare = Format("whole", stored="int64")
    assert plain(written(path, [3.0, None], bare, kind="numeric")) == [3, None]


def test_long_whole_numbers_stay_exact(path: Path) -> None:
    cells = written(path, [1234567890123456, 7], Format("whole", stored="int64"), kind="numeric")
    assert plain(cells) == ["1234567890123456", 7]


def test_truth_values(path: Path) -> None:
    form = Format("truth", stored="bool")
    assert plain(written(path, [True, False], form, kind="boolean")) == [True, False]


def test_dates_are_excels_and_shown_as_they_were(path: Path) -> None:
    stamps = pd.to_datetime(pd.Series(["2020-02-29", "1900-03-01", "1900-02-28", "1850-01-01"]))
    cells = written(path, stamps, Format("datetime", pattern="%d.%m.%Y"), kind="datetime")
    assert plain(cells)[:2] == [datetime.datetime(2020, 2, 29), datetime.datetime(1900, 3, 1)]
    assert cells[0].number_format == "dd.mm.yyyy"
    assert plain(cells)[2:] == ["28.02.1900", "01.01.1850"]
    with zipfile.ZipFile(path) as archive:  # days since 1899-12-30, counted by hand
        assert "<v>43890</v>" in archive.read("xl/worksheets/sheet1.xml").decode()


def test_the_last_day_and_days_beyond_it(path: Path) -> None:
    days = pd.Series(["9999-12-31", "10000-01-01"]).to_numpy(dtype="datetime64[s]")
    cells = written(path, pd.Series(days), Format("datetime", pattern="%Y-%m-%d"), kind="datetime")
    assert cells[0].value == datetime.datetime(9999, 12, 31)
    assert cells[1].data_type == "s"


def test_dates_of_a_workbook_keep_its_number_format(path: Path) -> None:
    form = Format("datetime", stored="date32[day]", number_format="d-mmm-yy")
    (cell,) = written(path, pd.to_datetime(pd.Series(["2020-02-29"])), form, kind="datetime")
    assert (cell.value, cell.number_format) == (datetime.datetime(2020, 2, 29), "d-mmm-yy")


def test_dates_with_a_zone_are_texts(path: Path) -> None:
    stamps = pd.to_datetime(pd.Series(["2020-02-29 10:00"])).dt.tz_localize("UTC")
    form = Format("datetime", pattern="%Y-%m-%dT%H:%M:%S%z", zone="UTC")
    (cell,) = written(path, stamps, form, kind="datetime")
    assert cell.value == "2020-02-29T10:00:00+00:00"


def test_days_that_were_numbers_are_numbers(path: Path) -> None:
    form = Format("datetime", pattern="%Y%m%d", stored="int64")
    (cell,) = written(path, pd.to_datetime(pd.Series(["2020-02-29"])), form, kind="datetime")
    assert cell.value == 20200229


def test_times_and_durations(path: Path) -> None:
    form = Format("time", pattern="%H:%M", unit=900.0)
    (cell,) = written(path, [33], form, kind="numeric")
    assert (cell.value, cell.number_format) == (datetime.time(8, 15), "hh:mm")
    form = Format("duration", pattern="HH:MM:SS", unit=1800.0)
    cells = written(path, [73, -1], form, kind="numeric")
    assert cells[0].value == datetime.timedelta(hours=36, minutes=30)
    assert cells[0].number_format == "[h]:mm:ss"
    assert cells[1].value == "-00:30:00"


def test_the_sheet_is_named_as_the_sources_and_names_may_be_missing(path: Path) -> None:
    frame = pd.DataFrame({"Unnamed: 0": [1], "=x": [2]})
    columns = tuple(Column(n, "numeric", "int64", format=Format("whole")) for n in frame)
    dialect = Dialect("xlsx", sheet="Patients", unnamed=("Unnamed: 0",))
    write_frames([frame], path, Schema(columns, dialect=dialect))
    sheet = openpyxl.load_workbook(path)["Patients"]
    assert [cell.value for cell in sheet[1]] == [None, "=x"]
    assert sheet["B1"].data_type == "s"


def test_more_rows_than_a_sheet_holds_are_refused_before_they_are_drawn(path: Path) -> None:
    check_target(path, n=1_048_575)
    with pytest.raises(ConfigError, match="a sheet holds 1,048,575 rows and no more; draw fewer"):
        check_target(path, n=1_048_576)


def test_number_formats_of_patterns() -> None:
    assert of_pattern("%m/%d/%y %-I:%M %p") == "mm/dd/yy h:mm AM/PM"
    assert of_pattern("%d-%b-%Y") == "[$-409]dd-mmm-yyyy"
    assert of_pattern("%Y-%m-%dT%H:%M:%S.%3f") == 'yyyy-mm-dd"T"hh:mm:ss.000'
    assert of_pattern("%Y-%m-%d %H:%M:%S.%6f") is None
    assert of_pattern("%H:%M%z") is None


def test_a_quote_in_a_sign_is_escaped() -> None:
    assert of_spelling(Spelling(suffix=' "')) == '0" "\\"""'
