"""A workbook goes down the line, and comes back as a workbook."""

from __future__ import annotations

import datetime
import random
from pathlib import Path

import openpyxl
import pytest

from tabveil.cli import main


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rng = random.Random(0)
    book = openpyxl.Workbook()
    notes, sheet = book.active, book.create_sheet("Visits")
    assert notes is not None
    notes.append(["made for the test"])
    sheet.append(["Visits of a year"])
    sheet.append(["age", "dose", "visit", "sex", "seen", "weight"])
    for row in range(3, 403):
        visit = datetime.date(2020, 1, 1) + datetime.timedelta(days=rng.randrange(300))
        weight = "-" if rng.random() < 0.1 else rng.randrange(400, 900) / 10
        age = None if rng.random() < 0.1 else rng.randrange(20, 80)
        seen = rng.random() < 0.5
        sheet.append([age, rng.randrange(9) / 4, visit, rng.choice("fm"), seen, weight])
        sheet.cell(row, 3).number_format = "dd.mm.yyyy"
    path = tmp_path / "x.xlsx"
    book.save(path)
    return path


def test_inspect_reads_the_sheet_that_is_named(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", f"path={path}"]) == 2
    assert "several sheets hold cells: 1 'Sheet', 2 'Visits'" in capsys.readouterr().err
    assert main(["inspect", f"path={path}", "sheet=2"]) == 0
    said = capsys.readouterr().out
    assert "400 rows" in said
    assert "row 1, a title, above the names was passed over" in said


def test_rows_are_drawn_into_a_workbook_of_the_same_form(path: Path, tmp_path: Path) -> None:
    root, out = tmp_path / "store", tmp_path / "rows.xlsx"
    words = [
        *("dataset=csv", f"dataset.path={path}", "dataset.sheet=Visits", f"root={root}"),
        *("synthesizer=marginals", "attack=[copies]", "objective.risk_from=[copies]"),
        *("evaluation.synthetic_ratio=1", "evaluation.plots=false"),
    ]
    assert main(["train", *words]) == 0
    (generator,) = root.rglob("generator")
    assert main(["sample", f"model={generator}", "n=100", f"out={out}"]) == 0
    sheet = openpyxl.load_workbook(out)["Visits"]
    names, *rows = sheet.iter_rows()
    assert [cell.value for cell in names] == ["age", "dose", "visit", "sex", "seen", "weight"]
    assert len(rows) == 100
    ages, doses, visits, sexes, seen, weights = zip(*rows, strict=True)
    assert {type(cell.value) for cell in ages} == {int, type(None)}
    assert {type(cell.value) for cell in doses} <= {int, float}
    assert {type(cell.value) for cell in visits} == {datetime.datetime}
    assert {cell.number_format for cell in visits} == {"dd.mm.yyyy"}
    assert {cell.value for cell in sexes} == {"f", "m"}
    assert {cell.value for cell in seen} == {True, False}
    assert "-" in {cell.value for cell in weights}
    assert {type(cell.value) for cell in weights if cell.value != "-"} <= {int, float}
    said = "sheet holds 1,048,575 rows"
    assert main(["sample", f"model={generator}", "n=2000000", f"out={out}"]) == 2, said
