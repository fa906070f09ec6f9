"""Rules from a schema file: suggested by inspect, kept in every drawn row, refused if they fail."""

import numpy as np
import pandas as pd
import pytest
import yaml

from conftest import tabveil

N = 800
TOWNS = {"Aachen": 5, "Bonn": 5, "Ulm": 8, "Jena": 16}


@pytest.fixture(scope="module")
def inspected(tmp_path_factory):
    """A table full of rules, and the schema file that inspect writes of it."""
    folder = tmp_path_factory.mktemp("rules")
    rng = np.random.default_rng(0)
    admitted = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 700, N), unit="D")
    town = rng.choice(list(TOWNS), N)
    visits = rng.poisson(1, N)
    table = pd.DataFrame(
        {
            "town": town,
            "state": [TOWNS[name] for name in town],
            "admitted": admitted,
            "left": admitted + pd.to_timedelta(rng.integers(1, 40, N), unit="D"),
            "visits": visits,
            "last_visit_score": np.where(visits > 0, rng.normal(50, 9, N).round(1), np.nan),
            "net": rng.integers(10, 900, N),
            "tax": rng.integers(1, 90, N),
        }
    ).assign(gross=lambda rows: rows["net"] + rows["tax"])
    table.to_csv(folder / "stays.csv", index=False, date_format="%Y-%m-%d")
    words = ["inspect", f"path={folder}/stays.csv", f"out={folder}/schema.yaml"]
    done = tabveil(*words)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def trained(folder, schema):
    return tabveil(
        *("train", "dataset=csv", f"dataset.path={folder}/stays.csv", f"dataset.schema={schema}"),
        *("synthesizer=marginals", "attack=[copies]", "evaluation.synthetic_ratio=1"),
        *("objective.risk_from=[copies]", f"root={folder}/store"),
    )


def test_inspect_suggests_what_holds_and_every_drawn_row_keeps_it(inspected):
    folder, said = inspected
    for rule in ("town -> state", "gross = net + tax", "admitted <= left"):
        assert rule in said, said
    done = trained(folder, folder / "schema.yaml")
    assert done.returncode == 0, done.stderr
    (generator,) = (folder / "store").rglob("generator")
    out = folder / "rows.csv"
    drawn = tabveil("sample", f"model={generator}", "n=4000", f"out={out}", "seed=3")
    assert drawn.returncode == 0, drawn.stderr
    rows = pd.read_csv(out)
    source = pd.read_csv(folder / "stays.csv")
    assert list(rows) == list(source)
    assert (rows["town"].map(TOWNS) == rows["state"]).all()
    assert (rows["gross"] == rows["net"] + rows["tax"]).all()
    assert (pd.to_datetime(rows["admitted"]) <= pd.to_datetime(rows["left"])).all()
    assert (rows["last_visit_score"].isna() == (rows["visits"] == 0)).all()
    assert rows["left"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()  # days, as they came
    met = tabveil("sample", f"model={generator}", "n=50", f"out={out}", "where={state: 16}")
    assert met.returncode == 0, met.stderr
    assert set(pd.read_csv(out)["town"]) == {"Jena"}


def test_a_rule_that_does_not_hold_or_is_none_is_named(inspected, tmp_path):
    folder, _ = inspected
    schema = yaml.safe_load((folder / "schema.yaml").read_text())
    for rule, said in (
        ({"kind": "inequality", "low": "gross", "high": "net"}, "gross <= net"),
        ({"kind": "inequality", "low": "gross", "high": "nett"}, "nett"),
        ({"kind": "order", "low": "gross"}, "order"),
    ):
        path = tmp_path / "schema.yaml"
        path.write_text(yaml.safe_dump({**schema, "rules": [rule]}))
        done = trained(folder, path)
        assert done.returncode == 2, done.stderr
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


def test_dates_keep_their_weekdays_and_months_without_a_word_said(tmp_path):
    rng = np.random.default_rng(2)
    days = pd.date_range("2019-01-01", "2022-12-31")
    open_days = days[(days.weekday < 5) & ~days.month.isin([7, 8])]
    rows = pd.DataFrame({"day": rng.choice(open_days, N), "price": rng.integers(5, 99, N)})
    rows.to_csv(tmp_path / "sales.csv", index=False, date_format="%Y-%m-%d")
    done = tabveil(
        *("train", "dataset=csv", f"dataset.path={tmp_path}/sales.csv", f"root={tmp_path}/store"),
        *("synthesizer=marginals", "attack=[copies]"),
        *("evaluation.synthetic_ratio=1", "objective.risk_from=[copies]"),
    )
    assert done.returncode == 0, done.stderr
    (generator,) = (tmp_path / "store").rglob("generator")
    out = tmp_path / "rows.csv"
    drawn = tabveil("sample", f"model={generator}", "n=3000", f"out={out}", "seed=3")
    assert drawn.returncode == 0, drawn.stderr
    made = pd.to_datetime(pd.read_csv(out)["day"])
    # Next to no date lies where none may move.
    assert ((made.dt.weekday < 5) & ~made.dt.month.isin([7, 8])).mean() > 0.97
    assert made.min() >= rows["day"].min()
    assert made.max() <= rows["day"].max()
    where = "where={day: {min: 2020-05-04, max: '2020-05-15'}}"
    met = tabveil("sample", f"model={generator}", "n=50", f"out={out}", where)
    assert met.returncode == 0, met.stderr
    assert pd.to_datetime(pd.read_csv(out)["day"]).between("2020-05-04", "2020-05-15").all()
    none = tabveil("sample", f"model={generator}", "n=5", f"out={out}", "where={day: 2020-05-03}")
    assert none.returncode == 2
    assert "no row can meet it" in none.stderr  # a Sunday


def test_values_go_missing_together_in_drawn_rows_without_a_word_said(tmp_path):
    rng = np.random.default_rng(1)
    treated, dosed = rng.random(N) < 0.6, rng.random(N) < 0.8
    day = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 300, N), unit="D")
    source = pd.DataFrame(
        {
            "ward": rng.choice(["eye", "ear"], N),
            "dose": np.where(treated & dosed, rng.integers(1, 90, N), np.nan),
            "drug": pd.Series(rng.choice(["a", "b"], N)).where(treated),
            "given": pd.Series(day).where(treated),
        }
    )
    source.to_csv(tmp_path / "visits.csv", index=False)
    words = ("dataset=csv", f"dataset.path={tmp_path}/visits.csv", f"root={tmp_path}/store")
    told = tabveil("prepare", *words)
    assert "dose and drug and given missing together" in told.stdout.replace("\n", " "), told.stdout
    done = tabveil(
        *("train", *words, "synthesizer=marginals", "attack=[copies]"),
        *("evaluation.synthetic_ratio=1", "objective.risk_from=[copies]"),
    )
    assert done.returncode == 0, done.stderr
    (generator,) = (tmp_path / "store").rglob("generator")
    out = tmp_path / "rows.csv"
    drawn = tabveil("sample", f"model={generator}", "n=4000", f"out={out}", "seed=3")
    assert drawn.returncode == 0, drawn.stderr
    gaps = ["dose", "drug", "given"]
    rows = pd.read_csv(out)
    real, made = (t[gaps].isna().value_counts(normalize=True) for t in (source, rows))
    assert set(made.index) == set(real.index)
    assert made.sub(real).abs().max() < 0.06  # of a model that knows single columns only
    met = tabveil(
        "sample", f"model={generator}", "n=50", f"out={out}", "where={dose: null, drug: a}"
    )
    assert met.returncode == 0, met.stderr
    assert pd.read_csv(out)[["dose", "given"]].isna().all().tolist() == [True, False]
