"""One walk along the straight line, looked at from every side that a user would."""

import json
import re
import shutil

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from conftest import ROOT, tabveil

MODEL = "randhie-smoke"


@pytest.fixture(scope="module")
def client(smoke_store):
    return MlflowClient(f"sqlite:///{smoke_store[0]}/mlflow.db")


@pytest.fixture(scope="module")
def trials(client):
    experiment = client.get_experiment_by_name(MODEL)
    return client.search_runs([experiment.experiment_id], "tags.role = 'trial'")


def test_the_sweep_prints_its_front_and_how_to_go_on(smoke_store):
    text = smoke_store[1]
    assert "front of randhie-smoke" in text
    assert f"tabveil confirm experiment=smoke root={smoke_store[0]}" in text
    assert "mlflow server" in text
    assert "viewStateShareKey=tabveil-" in text


def test_trials_are_nested_under_the_sweep_and_everything_has_finished(client, trials):
    experiment = client.get_experiment_by_name(MODEL)
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED"}
    (parent,) = [run for run in runs if run.data.tags["role"] == "sweep"]
    assert len(trials) == 2
    assert {t.data.tags["mlflow.parentRunId"] for t in trials} == {parent.info.run_id}
    assert parent.data.metrics["sweep/n_complete"] == 2


def test_a_trial_holds_params_metrics_losses_dataset_and_artifacts(client, trials):
    run = trials[0]
    assert run.data.params["synthesizer.epochs"] in {"1", "2", "3"}
    for key in (
        "objective/utility",
        "objective/risk",
        "objective/risk_high",
        "utility/quality/overall",
        "utility/tstr/auc_real",
        "privacy/distance/auc",
        "privacy/distance/auc_low",
        "privacy/distance/auc_high",
        "time/fit",
        "time/tstr",
    ):
        assert key in run.data.metrics, key
    history = client.get_metric_history(run.info.run_id, "loss/generator")
    assert [point.step for point in history] == [*range(1, len(history) + 1)]
    (train,) = [d for d in run.inputs.dataset_inputs if d.tags[0].value == "train"]
    assert train.dataset.name == "randhie"
    artifacts = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert artifacts >= {"config.yaml", "schema.json", "environment.json", "generator", "plots"}


def test_the_log_names_sweep_trial_and_run(smoke_store, trials):
    text = (smoke_store[0].parent / "log.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert {line["command"] for line in lines} == {"sweep"}
    begun = [line for line in lines if line["event"] == "trial begins"]
    ended = [line for line in lines if line["event"] == "trial"]
    expected = {(int(t.data.tags["trial"]), t.info.run_id) for t in trials}
    for found in (begun, ended):
        assert {(line["trial"], line["run"]) for line in found} == expected
        assert {line["sweep"] for line in found} == {
            t.data.tags["mlflow.parentRunId"] for t in trials
        }
    assert {line["state"] for line in ended} == {"complete"}
    assert ended[0]["study"] == MODEL
    assert (lines[-1]["event"], lines[-1]["code"]) == ("command ended", 0)


def test_the_sweeps_run_holds_what_the_sweep_wrote_and_nothing_else(client, smoke_store):
    (smoke_store[0] / "sweeps" / MODEL / "private.csv").write_text("a,b\n1,2\n")
    again = tabveil("sweep", "experiment=smoke", f"root={smoke_store[0]}")
    assert again.returncode == 0, again.stderr
    experiment = client.get_experiment_by_name(MODEL)
    (parent,) = client.search_runs([experiment.experiment_id], "tags.role = 'sweep'")
    artifacts = {file.path for file in client.list_artifacts(parent.info.run_id)}
    assert artifacts == {
        *("trials.csv", "front.json", "metrics.json", "front.svg", "front.png"),
        *("config.yaml", "schema.json", "environment.json"),
    }


def test_files_of_the_sweep_agree_with_each_other(smoke_store):
    out = smoke_store[0] / "sweeps" / MODEL
    trials = pd.read_csv(out / "trials.csv")
    assert list(trials.columns[:4]) == ["number", "state", "objective/utility", "objective/risk"]
    assert trials["state"].tolist() == ["complete", "complete"]
    front = json.loads((out / "front.json").read_text())["front"]
    best = trials.loc[trials["objective/utility"].idxmax()]
    assert best["number"] in {point["number"] for point in front}
    assert (out / "front.svg").stat().st_size > 1000
    assert (out / "front.png").read_bytes().startswith(b"\x89PNG")


def test_run_again_is_resume_and_a_larger_target_is_reached_exactly(smoke_store, tmp_path):
    root = tmp_path / "store"
    shutil.copytree(smoke_store[0], root)  # also: a store that has been moved
    beside = tmp_path / "cwd"
    beside.mkdir()
    table = f"dataset.path={ROOT}/data/randhie.parquet"
    again = tabveil("sweep", "experiment=smoke", f"root={root}", table, cwd=beside)
    assert again.returncode == 0, again.stderr
    assert not [*beside.iterdir()], "something is left in the current folder"
    assert "trial 2" not in again.stdout
    more = tabveil("sweep", "experiment=smoke", f"root={root}", "sweep.trials=3")
    assert more.returncode == 0, more.stderr
    states = pd.read_csv(root / "sweeps" / MODEL / "trials.csv")["state"]
    assert states.tolist() == ["complete"] * 3
    moved = MlflowClient(f"sqlite:///{root}/mlflow.db")
    experiment = moved.get_experiment_by_name(MODEL)
    runs = moved.search_runs([experiment.experiment_id], "tags.role = 'sweep'")
    assert [run.info.status for run in runs] == ["FINISHED"]


def test_another_space_or_setting_under_the_same_name_is_refused(smoke_store):
    root = smoke_store[0]
    for change in ("synthesizer.epochs=choice(1,2)", "synthesizer.pac=2"):
        done = tabveil("sweep", "experiment=smoke", f"root={root}", change)
        assert done.returncode == 2
        assert "was made with different settings" in done.stderr
        assert "sweep.study=" in done.stderr
        assert done.stderr.count("\n") == 1


def test_rows_come_from_the_model_alone_and_the_seed_decides_them(confirmed_store, tmp_path):
    root = tmp_path / "elsewhere"
    shutil.copytree(confirmed_store[0], root)
    shutil.rmtree(root / "prepared")
    for out, seed in (("a.parquet", 1), ("b.csv", 1), ("c.parquet", 2)):
        done = tabveil(
            "sample",
            f"model=models:/{MODEL}@balanced",
            "n=300",
            f"seed={seed}",
            f"root={root}",
            f"out={out}",
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
    first, text, other = (
        pd.read_parquet(tmp_path / "a.parquet"),
        pd.read_csv(tmp_path / "b.csv", keep_default_na=True),
        pd.read_parquet(tmp_path / "c.parquet"),
    )
    assert len(first) == 300
    assert not first.equals(other)
    assert text["age"].tolist() == first["age"].tolist()
    assert list(text.columns) == list(first.columns)


def test_a_condition_holds_in_every_row(confirmed_store, tmp_path):
    out, root = tmp_path / "poor.parquet", tmp_path / "store"
    shutil.copytree(confirmed_store[0], root)  # whoever draws is written down there
    done = tabveil(
        "sample",
        f"model=models:/{MODEL}@most-useful",
        "n=50",
        f"out={out}",
        f"root={root}",
        "where={self_rated_health: poor, age: {min: 30}}",
    )
    assert done.returncode == 0, done.stderr
    rows = pd.read_parquet(out)
    assert set(rows["self_rated_health"]) == {"poor"}
    assert rows["age"].min() >= 30


def test_a_registered_version_holds_no_row_no_row_id_and_no_pickle(confirmed_store, randhie):
    root = confirmed_store[0]
    files = [p for p in (root / "mlartifacts" / MODEL / "models").rglob("*") if p.is_file()]
    assert {p.suffix for p in files} <= {".json", ".safetensors", ".yaml", ".txt", ".py", ".md", ""}
    contents = {p: p.read_bytes() for p in files}
    for path, content in contents.items():
        assert not content.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")), path
        assert b"PK\x03\x04" not in content[:8], path  # torch.save writes a zip of pickles
    (prepared,) = (root / "prepared").iterdir()
    train = pd.read_parquet(prepared / "train.parquet")
    text = b"\n".join(contents.values()).decode("utf-8", "replace")
    # Incomes and spendings are near-unique: those that one training row holds may not be found.
    listed = set(re.findall(r"(?<![\w.])\d{4,6}(?!\w)", text))  # not inside a digest
    for name in ("income", "outpatient_spending", "inpatient_spending"):
        values = train[name].dropna()
        single = values[values.map(values.value_counts()) == 1].astype(int).astype(str)
        assert len(single) > 30
        assert len(set(single) & listed) <= 2, name  # rounded bounds may meet one by chance
    # Nor a row in any spelling: the indices of one level's rows, or a row's cells in a line.
    for separator in (",", ", ", "\t", '", "'):
        rows = train.astype(str).agg(separator.join, axis=1)
        assert not any(row in text for row in rows)
    assert not re.search(r"(?:\d+,\s*){200}", text.replace(".", "")[: 10**6]), "a long list of ids"


def test_mlflow_loads_the_registered_model_without_tabveil_commands(confirmed_store):
    mlflow.set_tracking_uri(f"sqlite:///{confirmed_store[0]}/mlflow.db")
    try:
        model = mlflow.pyfunc.load_model(f"models:/{MODEL}@balanced")
        rows = model.predict({}, params={"n": 20, "seed": 3})
        again = model.predict({}, params={"n": 20, "seed": 3})
    finally:
        mlflow.set_tracking_uri(None)
    pd.testing.assert_frame_equal(rows, again)
    assert len(rows) == 20
