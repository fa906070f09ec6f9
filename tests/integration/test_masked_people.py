"""Names, addresses and numbers of people: found, never stored, made up again in what is drawn."""

import sqlite3

import numpy as np
import pandas as pd
import pytest

from conftest import tabveil

N = 600
FAKE = ["client_no", "full_name", "email", "phone", "iban"]


@pytest.fixture(scope="module")
def people():
    """A table of made-up people; every identifier holds a mark that occurs nowhere else."""
    rng = np.random.default_rng(0)
    first, last = ["Anna", "Bert", "Clara", "Dora"], ["Keller", "Vogt", "Zimmer", "Moser"]
    names = [f"{rng.choice(first)} Qx{i:04d}{rng.choice(last)}" for i in range(N)]
    age = rng.integers(18, 90, N)
    return pd.DataFrame(
        {
            "client_no": [f"QX{i:04d}-{rng.integers(100, 999)}" for i in rng.permutation(N)],
            "full_name": names,
            "age": age,
            "email": [
                None if rng.random() < 0.2 else f"qx{i:04d}.{name.split()[0].lower()}@mail.de"
                for i, name in enumerate(names)
            ],
            "phone": [f"+49 30 {rng.integers(10**6, 10**7)}" for _ in range(N)],
            "iban": [f"DE{rng.integers(10, 99)}{rng.integers(10**17, 10**18)}" for _ in range(N)],
            "sex": rng.choice(["f", "m"], N),
            "note": [
                f"Called on day {rng.integers(1, 999)}, said that qx{i:04d} will come back later."
                for i in range(N)
            ],
            "ill": np.where(rng.random(N) < age / 150, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def trained(people, tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    people.to_csv(folder / "clients.csv", index=False)
    done = tabveil(
        *("train", "dataset=csv", f"dataset.path={folder}/clients.csv"),
        *("synthesizer=marginals", "attack=[copies,distance]", "evaluation.synthetic_ratio=1"),
        *("objective.risk_from=[copies]", f"root={folder}/store"),
    )
    assert done.returncode == 0, done.stderr
    return folder, done.stdout + done.stderr


def originals(people):
    values = [people[name].dropna() for name in [*FAKE, "note"]]
    return [str(value) for column in values for value in column]


def test_no_original_stands_in_anything_that_is_stored_or_printed(people, trained):
    folder, printed = trained
    wanted = originals(people)
    assert not [value for value in wanted if value in printed]
    files = [path for path in (folder / "store").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".json", ".parquet", ".db"}
    for path in files:
        if path.suffix == ".parquet":
            text = pd.read_parquet(path).to_csv()
        elif path.suffix == ".db":
            with sqlite3.connect(path) as connection:
                text = "\n".join(connection.iterdump())
        else:
            text = path.read_bytes().decode("utf-8", "ignore")
        assert not [value for value in wanted if value in text], path
        assert "Qx00" not in text, path


def test_drawn_rows_have_made_up_values_of_the_same_form_in_their_place(people, trained):
    folder, _ = trained
    (generator,) = (folder / "store").rglob("generator")
    out = folder / "rows.csv"
    done = tabveil("sample", f"model={generator}", "n=3000", f"out={out}")
    assert done.returncode == 0, done.stderr
    rows = pd.read_csv(out)
    assert list(rows) == [name for name in people if name != "note"]
    for name in FAKE:
        assert not set(rows[name].dropna()) & set(people[name].dropna()), name
    assert rows["client_no"].is_unique
    assert rows["email"].dropna().str.fullmatch(r"\S+@example\.(com|net|org)").all()
    assert abs(rows["email"].isna().mean() - people["email"].isna().mean()) < 0.05
    assert rows["iban"].str.startswith("DE").all()
    assert rows["age"].between(18, 90).all()


def test_what_becomes_of_a_column_can_be_said(people, trained, tmp_path):
    folder, _ = trained
    words = ["prepare", "dataset=csv", f"dataset.path={folder}/clients.csv", f"root={tmp_path}"]
    done = tabveil(*words, "dataset.masks={phone: drop, email: token}")
    assert done.returncode == 0, done.stderr
    assert "phone: drop" in done.stdout
    assert "email: token" in done.stdout
    assert "note: drop" in done.stdout
    wrong = tabveil(*words, "dataset.masks={age: fake}")
    assert wrong.returncode == 2
    assert "'age', which is no identifier here" in wrong.stderr
    odd = tabveil(*words, "dataset.masks={email: hash}")
    assert "a mask is one of fake, token, drop" in odd.stderr
