"""Rows of a file whose empty cells are filled in, through the command line."""

import csv

import numpy as np
import pandas as pd
import pytest

from conftest import tabveil

N = 1_500


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("given")
    rng = np.random.default_rng(0)
    ward = rng.choice(["A", "B", "C"], N, p=[0.5, 0.3, 0.2])
    stay = rng.gamma(2, 2, N).round(1) + 10 * (ward == "C")
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, N), unit="D")
    table = pd.DataFrame(
        {
            "mail": [f"person{i}@clinic.test" for i in range(N)],
            "ward": ward,
            "day": day.strftime("%d.%m.%Y"),
            "stay": [f"{x:.1f}".replace(".", ",") for x in stay],
            "smoker": np.where(rng.random(N) < 0.4, "", rng.choice(["ja", "nein"], N)),
        }
    )
    table.to_csv(folder / "clinic.csv", index=False, sep=";")
    done = tabveil(
        *("train", "dataset=csv", f"dataset.path={folder}/clinic.csv", "dataset.target=ward"),
        *("synthesizer=autoregressive", "attack=[copies]", "objective.risk_from=[copies]"),
        *("evaluation.synthetic_ratio=1", f"root={folder}/store"),
    )
    assert done.returncode == 0, done.stderr
    (generator,) = (folder / "store").rglob("generator")
    return folder, generator


def written(folder, name, header, *rows):
    path = folder / name
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=";").writerows(
            [header.split(";"), *(r.split(";") for r in rows)]
        )
    return path


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=";"))


def test_given_cells_stand_as_typed_and_the_others_follow_from_them(model):
    folder, generator = model
    given = written(
        folder,
        "rows.csv",
        "ward;day;stay;smoker",
        "C;;;ja",
        "A;05.03.2024;;",
        ";;2,5;",
    )
    out = folder / "filled.csv"
    done = tabveil("sample", f"model={generator}", f"given={given}", "n=60", f"out={out}")
    assert done.returncode == 0, done.stderr
    rows = read(out)
    assert len(rows) == 180
    first, second, third = rows[:60], rows[60:120], rows[120:]
    assert {(r["ward"], r["smoker"]) for r in first} == {("C", "ja")}
    assert {(r["ward"], r["day"]) for r in second} == {("A", "05.03.2024")}
    assert {r["stay"] for r in third} == {"2,5"}
    assert all(r[name] for r in rows for name in r)  # an empty cell gets a value
    stays = [
        np.mean([float(r["stay"].replace(",", ".")) for r in part]) for part in (first, second)
    ]
    assert stays[0] > stays[1] + 5  # what is filled in follows from what is given
    assert np.mean([r["ward"] == "C" for r in third]) < 0.1  # such stays are short; else .2
    assert len({r["mail"] for r in rows}) == 180
    again = tabveil("sample", f"model={generator}", f"given={given}", "n=60", f"out={out}.2.csv")
    assert again.returncode == 0, again.stderr
    assert read(out) == read(folder / "filled.csv.2.csv")


def test_a_column_that_is_not_in_the_file_is_drawn_as_in_any_row(model):
    folder, generator = model
    given = written(folder, "few.csv", "ward", "A")
    out = folder / "any.csv"
    done = tabveil("sample", f"model={generator}", f"given={given}", "n=400", f"out={out}")
    assert done.returncode == 0, done.stderr
    assert 0.3 < np.mean([r["smoker"] == "" for r in read(out)]) < 0.5


@pytest.mark.parametrize(
    ("header", "rows", "more", "said"),
    [
        ("ward;dya", ["A;01.02.2024"], [], "'dya' is no column; did you mean 'day'?"),
        ("ward;mail", ["A;x@clinic.test"], [], "'mail' is masked"),
        ("ward;stay", ["A;1,5", "A;long"], [], "row 2: where.stay: 'long' is no numeric value"),
        ("ward;stay", ["A;999"], [], "row 1: no row can meet the condition on 'stay'"),
        ("ward", ["A", "B", "Z"], [], "1 of 3 rows cannot be met, and nothing was written. row 3"),
        ("ward", ["A"], ["where={ward: B}"], "'ward' has cells in"),
        ("ward", ["A"], ["shares={ward: {A: 0.5, B: 0.5}}"], "neither shards nor shares"),
        ("ward", [], [], "holds no rows"),
    ],
)
def test_what_cannot_be_filled_in_is_said_and_nothing_is_written(model, header, rows, more, said):
    folder, generator = model
    given = written(folder, "wrong.csv", header, *rows)
    out = folder / "wrong_out.csv"
    done = tabveil("sample", f"model={generator}", f"given={given}", "n=2", f"out={out}", *more)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()
