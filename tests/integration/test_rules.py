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
