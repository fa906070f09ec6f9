"""Each mistake a user can make: one clear line, the right exit code, nothing half-written."""

import time

import numpy as np
import pandas as pd
import pytest

from tabveil.cli import main

TINY = [
    "experiment=smoke",
    "sweep.trials=1",
]


@pytest.fixture
def table(tmp_path):
    """A table that is fine, to be spoilt."""
    rows = range(60)
    return pd.DataFrame(
        {
            "age": [20 + i % 50 for i in rows],
            "income": [1000.5 + 13.7 * i for i in rows],
            "sex": ["f" if i % 2 else "m" for i in rows],
        }
    )


def refused(capsys, root, *words, command="sweep", code=2):
    """Run a command that must be refused; return its one line."""
    started = time.monotonic()
    assert main([command, f"root={root}", *words]) == code
    assert time.monotonic() - started < 20
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1, captured.err
    assert captured.err.startswith("tabveil: ")
    left = {p.name for p in root.iterdir()} if root.exists() else set()
    assert not left & {"studies.db", "mlflow.db", "sweeps", "mlartifacts"}, left
    return captured.err


def csv(path, **more):
    return ["dataset=csv", f"dataset.path={path}", *(f"dataset.{k}={v}" for k, v in more.items())]


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_missing_file(capsys, tmp_path):
    line = refused(capsys, tmp_path / "s", *TINY, *csv(tmp_path / "no.csv"))
    assert "no.csv" in line


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("age,sex\n", "no rows"),
        (bytes(range(256)) * 8, "text"),
        ("age,age\n1,2\n", "age"),
        ("age,sex\n1,2\n1,2,3\n", "line 3"),
    ],
    ids=["empty", "header only", "binary", "repeated names", "ragged"],
)
def test_a_file_that_is_no_table(capsys, tmp_path, content, said):
    path = write(tmp_path / "bad.csv", content)
    assert said in refused(capsys, tmp_path / "s", *TINY, *csv(path))


def test_a_target_that_does_not_exist(capsys, tmp_path, table):
    table.to_csv(tmp_path / "t.csv", index=False)
    line = refused(capsys, tmp_path / "s", *TINY, *csv(tmp_path / "t.csv", target="wage"))
    assert "target='wage' is not a column; the table has: age, income, sex" in line


def test_a_target_that_nothing_predicts_costs_its_own_measure_and_says_so(capsys, tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=400), "coin": rng.choice(["a", "b"], 400)})
    table.to_csv(tmp_path / "t.csv", index=False)
    root = tmp_path / "s"
    words = [*TINY, *csv(tmp_path / "t.csv", target="coin"), f"root={root}"]
    assert main(["sweep", *words]) == 0
    captured = capsys.readouterr()
    assert "tstr" in captured.out
    assert "coin" in captured.out
    assert "Traceback" not in captured.err


def test_a_table_of_five_rows(capsys, tmp_path, table):
    table.head(5).to_csv(tmp_path / "t.csv", index=False)
    assert "5 rows" in refused(capsys, tmp_path / "s", *TINY, *csv(tmp_path / "t.csv"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["synthesizer.epoch=3"], "synthesizer.epoch"),
        (["dataset=iris"], "iris"),
        (["sweep.trials=many"], "sweep.trials"),
        (["sweep.sampler=best"], "sweep.sampler='best'"),
        (["synthesizer.epoch=range(1,3)"], "epoch"),
        (["synthesizer.epochs=interval(3,1)"], "synthesizer.epochs"),
        (["synthesizer.pac="], "synthesizer.pac"),
        (["attack.distance.smoothing=x y z("], "attack.distance.smoothing"),
        (["+nonsense.key=1"], "nonsense"),
        (["experiment=nope"], "nope"),
        (["executor.n_workers=0", "executor=process"], "executor.n_workers"),
        (["executor=process", "executor.n_threads=many"], "executor.n_threads"),
        (["sweep.model=a/b"], "a/b"),
        (["attack=[distance]"], "objective.risk_from"),
        (["attack=[learnt]"], "nothing to combine"),
        (["evaluation.train_rate=0"], "evaluation.train_rate"),
        (["evaluation=sloppy"], "sloppy"),
        (["dataset.sensitive=[income,income]"], "twice"),
        (["split.train=0.9"], "split"),
        (["pooling.clip=2"], "pooling.clip"),
        (["prepared=nowhere"], "nowhere"),
        (["tracking.uri=ftp://somewhere"], "tracking.uri"),
        (["objective.weights={tstr/skil: 1}"], "skil"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_an_override_that_means_nothing(capsys, tmp_path, randhie, words, said):
    assert said in refused(capsys, tmp_path / "s", *TINY, *words)


def test_an_unreachable_tracking_server(capsys, tmp_path, randhie):
    words = [*TINY, "tracking.uri=http://127.0.0.1:9"]
    assert "127.0.0.1:9" in refused(capsys, tmp_path / "s", *words, code=1)


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (["model=models:/none@balanced", "n=5"], "no tracking store", 1),
        (["model=models:none", "n=5"], "models:/NAME@ALIAS", 2),
        (["model=folder/that/is/not", "n=5"], "no such folder", 2),
        (["model=models:/m@a", "n=0"], "n=0", 2),
        (["model=models:/m@a"], "n=", 2),
    ],
)
def test_sampling_from_what_is_not_there(capsys, tmp_path, words, said, code):
    words = [*words, f"out={tmp_path}/rows.parquet"]
    line = refused(capsys, tmp_path / "s", *words, command="sample", code=code)
    assert said in line
    assert not (tmp_path / "rows.parquet").exists()


def test_confirming_a_study_that_was_never_run(capsys, tmp_path, randhie):
    line = refused(capsys, tmp_path / "s", *TINY, command="confirm")
    assert "no study" in line
