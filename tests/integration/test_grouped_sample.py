"""Whole persons through the command line: trained, drawn, their rows together and of one person."""

import numpy as np
import pandas as pd
import pytest

from conftest import tabveil

N_PERSONS = 400


@pytest.fixture(scope="module")
def patients(tmp_path_factory):
    """A table of patients with one to four visits, and the store of a model of it."""
    folder = tmp_path_factory.mktemp("groups")
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 5, N_PERSONS)
    whose = np.repeat(np.arange(N_PERSONS), sizes)
    nth = pd.Series(whose).groupby(whose).cumcount().to_numpy()
    table = pd.DataFrame(
        {
            "patient": [f"P-{number:05}" for number in 10_000 + whose],
            "mail": [f"patient{number}@clinic.test" for number in whose],
            "sex": rng.choice(["f", "m"], N_PERSONS)[whose],
            "ward": rng.choice(["A", "B", "C"], N_PERSONS)[whose],
            "day": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(nth * 20 + rng.integers(0, 20, len(whose)), unit="D"),
            "pulse": rng.normal(75, 9, len(whose)).round(),
        }
    ).sample(frac=1, random_state=0)
    table.to_csv(folder / "patients.csv", index=False, date_format="%Y-%m-%d")
    done = trained(folder)
    assert done.returncode == 0, done.stderr
    (generator,) = (folder / "store").rglob("generator")
    return folder, table, generator


def trained(folder, *more):
    return tabveil(
        *("train", "dataset=csv", f"dataset.path={folder}/patients.csv", "dataset.group=patient"),
        *("dataset.sample_groups=true", "dataset.kinds={mail: identifier, ward: categorical}"),
        *("synthesizer=marginals", "attack=[distance,copies]", "evaluation.synthetic_ratio=1"),
        *("objective.risk_from=[copies]", f"root={folder}/store", *more),
    )


def test_drawn_persons_are_whole_constant_and_nobody_real(patients):
    folder, table, generator = patients
    out = folder / "rows.csv"
    done = tabveil("sample", f"model={generator}", "n=1500", f"out={out}", "seed=3")
    assert done.returncode == 0, done.stderr
    rows = pd.read_csv(out)
    assert len(rows) == 1500
    assert list(rows) == list(table)
    persons = rows.groupby("patient", sort=False)
    assert (persons[["mail", "sex", "ward"]].nunique() == 1).all(axis=None)
    assert rows["patient"].ne(rows["patient"].shift()).sum() == persons.ngroups  # rows together
    assert rows["mail"].nunique() == persons.ngroups
    assert not set(rows["patient"]) & set(table["patient"])
    assert not set(rows["mail"]) & set(table["mail"])
    assert rows["patient"].str.fullmatch(r"P-\d+").all()
    assert all(days.is_monotonic_increasing for _, days in persons["day"])
    sizes, real = (t.groupby("patient", sort=False).size() for t in (rows, table))
    shares = [s.value_counts(normalize=True) for s in (sizes.iloc[:-1], real)]
    assert shares[0].sub(shares[1], fill_value=0).abs().sum() / 2 < 0.1
    again = tabveil("sample", f"model={generator}", "n=700", f"out={folder}/few.csv", "seed=3")
    assert again.returncode == 0, again.stderr
    pd.testing.assert_frame_equal(pd.read_csv(folder / "few.csv"), rows.head(700))


def test_conditions_are_of_persons_and_what_looks_at_rows_is_refused(patients):
    folder, _, generator = patients
    out = folder / "some.csv"
    met = tabveil("sample", f"model={generator}", "n=90", f"out={out}", "where={ward: B}")
    assert met.returncode == 0, met.stderr
    assert set(pd.read_csv(out)["ward"]) == {"B"}
    for words, said in (
        (["where={pulse: {min: 80}}"], "'pulse' differs between the rows of one person"),
        (["shares={sex: {f: 0.5, m: 0.5}}"], "draws whole groups of rows"),
        (["protection=[rounding]", "as_confirmed=false", f"root={folder}/store"], "whole groups"),
    ):
        done = tabveil("sample", f"model={generator}", "n=9", f"out={out}", *words)
        assert done.returncode == 2, done.stderr
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


def test_what_needs_a_group_column_says_so(patients):
    folder, _, _ = patients
    for words, said in (
        (["dataset.group=null"], "dataset.sample_groups=true needs dataset.group"),
        (["protection=[rounding]"], "looks at single rows"),
        (["dataset.masks={patient: drop}"], "ask for fake or token"),
    ):
        done = trained(folder, *words)
        assert done.returncode == 2, done.stderr
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
