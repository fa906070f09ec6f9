"""From a front to a release: confirmed once, written down, refused when it may not be."""

import json
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

import pandas as pd
import pytest
from mlflow import MlflowClient

from conftest import CONFIRM, ROOT, TABVEIL, tabveil, worker_of
from tabveil.tracking.ledger import Ledger

MODEL = "randhie-smoke"
STRICT = ("experiment=smoke", "gate=strict", *CONFIRM[2:])


def versions(root):
    client = MlflowClient(f"sqlite:///{root}/mlflow.db", f"sqlite:///{root}/mlflow.db")
    return {int(v.version): v for v in client.search_model_versions(f"name='{MODEL}'")}


def ledger(root):
    done = tabveil("ledger", f"root={root}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def verdict(root):
    (path,) = (root / "sweeps" / MODEL / "confirmed").glob("*/verdict.json")
    return json.loads(path.read_text())


@pytest.fixture
def copy(confirmed_store, tmp_path):
    """The confirmed store, to be changed."""
    shutil.copytree(confirmed_store[0], tmp_path / "store")
    return tmp_path / "store"


def test_a_confirmation_states_its_verdict_in_words_and_numbers(confirmed_store):
    root, text = confirmed_store
    assert "Passes the policy 'lenient'" in text
    assert "would have shown" in text
    for alias in ("most-useful", "balanced", "most-private"):
        assert f"models:/{MODEL}@{alias} → version 1" in text
    found = verdict(root)
    assert found["verdict"] == "pass"
    assert found["risk"]["low"] <= found["risk"]["mean"] <= found["risk"]["high"]
    assert len(found["models"]) == 3
    assert found["candidate"]["openings"] == 1
    assert all(rule["outcome"] == "pass" for rule in found["rules"])
    controls = {c["name"].partition("_")[0] for c in found["controls"]}
    assert controls >= {"copies", "near", "disguised", "blind"}
    (version,) = versions(root).values()
    tags = version.tags
    assert (tags["verdict"], tags["gate"]) == ("pass", "lenient")
    assert float(tags["risk_high"]) == pytest.approx(found["risk"]["high"], abs=1e-4)
    for key in ("data_digest", "config_digest", "code_digest", "model_digest"):
        assert tags[key] == found["candidate"][key]


def test_confirming_again_trains_nothing_and_opens_nothing(copy):
    started = time.monotonic()
    again = tabveil("confirm", *CONFIRM, f"root={copy}")
    assert again.returncode == 0, again.stderr
    assert "model 1 of 3" not in again.stdout
    assert time.monotonic() - started < 60
    assert len(versions(copy)) == 1
    assert "were opened 1 times" in ledger(copy)


def test_runs_of_a_confirmation_are_nested_under_the_candidates(confirmed_store):
    root = confirmed_store[0]
    client = MlflowClient(f"sqlite:///{root}/mlflow.db")
    experiment = client.get_experiment_by_name(MODEL)
    runs = client.search_runs([experiment.experiment_id], "tags.role = 'confirmation'")
    candidate = verdict(root)["candidate"]["run_id"]
    assert {run.data.tags["mlflow.parentRunId"] for run in runs} == {candidate}
    assert {run.info.status for run in runs} == {"FINISHED"}
    contexts = {t.value for run in runs for d in run.inputs.dataset_inputs for t in d.tags}
    assert "release" in contexts
    assert "control" not in contexts
    metrics = client.get_run(candidate).data.metrics
    assert metrics["confirmed/risk_low"] <= metrics["confirmed/risk_high"]


def test_the_report_asks_nobody_for_anything_and_is_as_it_was_registered(copy, tmp_path):
    out = tmp_path / "report.html"
    done = tabveil("report", f"model=models:/{MODEL}@balanced", f"out={out}", f"root={copy}")
    assert done.returncode == 0, done.stderr
    html = out.read_text()
    assert html.index("Passes the policy") < html.index("The rules of the policy")
    assert not re.findall(r"(?:src|href)=[\"'](?!data:)", html)
    assert "url(http" not in html
    assert "<script" not in html
    for heading in ("The attacks", "The people most at risk", "What was not tested"):
        assert heading in html
    (report,) = copy.glob("mlartifacts/**/report.html")
    report.write_text(report.read_text().replace("Passes", "Surpasses"))
    done = tabveil("report", f"model=models:/{MODEL}@balanced", f"root={copy}")
    assert done.returncode == 2
    assert "is not what was registered" in done.stderr


def test_every_sample_is_written_down_before_it_is_drawn(copy, tmp_path):
    for words in (["n=20", "seed=5", "where={self_rated_health: poor}"], ["n=30"]):
        done = tabveil(
            "sample",
            f"model=models:/{MODEL}@balanced",
            f"out={tmp_path}/rows.parquet",
            f"root={copy}",
            *words,
        )
        assert done.returncode == 0, done.stderr
    assert len(pd.read_parquet(tmp_path / "rows.parquet")) == 30
    refused = tabveil(
        "sample", f"model=models:/{MODEL}@balanced", "n=5", f"root={copy}", "out=no/such/rows.csv"
    )
    assert refused.returncode == 2
    text = re.sub(r"\s+", " ", ledger(copy))
    assert text.count("sample") == 2
    assert "n=20" in text


def test_protected_rows_are_compared_with_what_the_model_learnt(copy, tmp_path):
    words = ["sample", f"model=models:/{MODEL}@balanced", "n=3000", f"root={copy}"]
    out = tmp_path / "rows.parquet"
    asked = [*words, f"out={out}", "protection=[copies,rounding]"]
    refused = tabveil(*asked)
    assert refused.returncode == 2
    assert "attacked with 'protection=[]', this asks for 'protection=[copies" in refused.stderr
    assert not out.exists()
    done = tabveil(*asked, "as_confirmed=false")
    assert done.returncode == 0, done.stderr
    rows = pd.read_parquet(out)
    (prepared,) = (copy / "prepared").glob("*")
    train = pd.read_parquet(prepared / "train.parquet")
    assert len(rows) == 3000
    assert rows.merge(train).empty
    text = re.sub(r"\s+", " ", ledger(copy))
    assert "protection=" in text
    shutil.rmtree(prepared)
    lost = tabveil(*asked, "as_confirmed=false")
    assert lost.returncode == 2
    assert "no prepared table of digest" in lost.stderr


def test_a_tampered_release_is_not_sampled_from(copy, tmp_path):
    (weights,) = (copy / "mlartifacts").glob("**/models/**/weights.safetensors")
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    out = tmp_path / "rows.csv"
    done = tabveil("sample", f"model=models:/{MODEL}@balanced", "n=5", f"root={copy}", f"out={out}")
    assert done.returncode == 2
    assert "not those that were registered" in done.stderr
    assert not out.exists()


def test_what_a_policy_refuses_is_a_version_and_no_release(copy, tmp_path):
    done = tabveil("confirm", *STRICT, f"root={copy}")
    said = {3: "Fails the policy 'strict'", 4: "Cannot tell under the policy 'strict'"}
    assert done.returncode in said, done.stdout + done.stderr
    assert said[done.returncode] in done.stdout
    assert "version 2, no release" in done.stdout
    again = tabveil("confirm", *STRICT, f"root={copy}")
    assert again.returncode == done.returncode
    assert len(versions(copy)) == 2
    tags = {number: version.tags for number, version in versions(copy).items()}
    assert [tags[n]["gate"] for n in (1, 2)] == ["lenient", "strict"]
    assert tags[2]["verdict"] == {3: "fail", 4: "cannot tell"}[done.returncode]
    client = MlflowClient(f"sqlite:///{copy}/mlflow.db", f"sqlite:///{copy}/mlflow.db")
    assert {int(n) for n in client.get_registered_model(MODEL).aliases.values()} == {1}
    report = tabveil("report", f"model=models:/{MODEL}/2", f"root={copy}")
    assert report.returncode == 0, report.stderr
    assert "This version is no release" in (copy / "reports" / f"{MODEL}-2.html").read_text()
    words = [f"model=models:/{MODEL}/2", "n=5", f"root={copy}", f"out={tmp_path / 'rows.csv'}"]
    refused = tabveil("sample", *words)
    assert refused.returncode == 2
    assert "unconfirmed=true" in refused.stderr
    assert not (tmp_path / "rows.csv").exists()
    drawn = tabveil("sample", *words, "unconfirmed=true")
    assert drawn.returncode == 0, drawn.stderr
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 6
    assert [line.detail["unconfirmed"] for line in samples(copy)] == [True]


def samples(root):
    """What the ledger says of rows that were drawn."""
    return [line for line in Ledger.at(None, root=root).lines() if line.event == "sample"]


def test_withdrawing_takes_the_aliases_away_and_says_why(copy, tmp_path):
    done = tabveil("withdraw", f"model=models:/{MODEL}/1", "why=a person asked", f"root={copy}")
    assert done.returncode == 0, done.stderr
    assert "has no release left" in done.stdout
    out = tmp_path / "rows.csv"
    gone = tabveil("sample", f"model=models:/{MODEL}@balanced", "n=5", f"root={copy}", f"out={out}")
    assert gone.returncode == 1
    assert "no models:/randhie-smoke@balanced" in gone.stderr
    by_number = tabveil("sample", f"model=models:/{MODEL}/1", "n=5", f"root={copy}", f"out={out}")
    assert by_number.returncode == 0
    assert "was withdrawn: a person asked" in by_number.stdout
    out.unlink()
    words = [f"model=models:/{MODEL}/1", "n=5", f"root={copy}", f"out={out}", "withdrawn=refuse"]
    refused = tabveil("sample", *words)
    assert refused.returncode == 2
    assert "was withdrawn: a person asked" in refused.stderr
    assert not out.exists()
    assert "withdraw" in ledger(copy)


def unconfirmed(smoke_store, root):
    """A copy of a store whose sweep was never confirmed."""
    shutil.copytree(smoke_store[0], root)
    (root / "ledger.db").unlink(missing_ok=True)
    shutil.rmtree(root / "confirmations", ignore_errors=True)
    client = MlflowClient(f"sqlite:///{root}/mlflow.db", f"sqlite:///{root}/mlflow.db")
    if client.search_registered_models(f"name='{MODEL}'"):
        client.delete_registered_model(MODEL)
    return root


@pytest.mark.slow
def test_two_confirmations_at_once_leave_registry_and_ledger_whole(smoke_store, tmp_path):
    root = unconfirmed(smoke_store, tmp_path / "store")
    words = [*CONFIRM[:-2], "confirm.seeds=1", f"root={root}"]
    both = [
        subprocess.Popen(
            [*TABVEIL, "confirm", *words, f"confirm.trials=[{trial}]"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for trial in (0, 1)
    ]
    for process in both:
        said, _ = process.communicate(timeout=280)
        assert process.returncode == 0, said
    there = versions(root)
    assert {version.tags["trial"] for version in there.values()} == {"0", "1"}
    client = MlflowClient(f"sqlite:///{root}/mlflow.db", f"sqlite:///{root}/mlflow.db")
    aliases = {int(n) for n in client.get_registered_model(MODEL).aliases.values()}
    beaten = {n for n, version in there.items() if version.tags.get("dominated_by")}
    assert aliases
    assert aliases <= set(there) - beaten
    assert {int(there[n].tags["dominated_by"]) for n in beaten} <= aliases
    lines = Ledger.at(None, root=root).lines()
    assert sorted(line.event for line in lines) == ["open release"] * 2 + ["verdict"] * 2
    assert len({line.number for line in lines}) == 4


@pytest.mark.slow
def test_a_confirmation_that_is_killed_goes_on_where_it_was(smoke_store, tmp_path):
    root = unconfirmed(smoke_store, tmp_path / "store")
    words = [*CONFIRM, "confirm.seeds=2", f"root={root}"]
    process = subprocess.Popen([*TABVEIL, "confirm", *words], cwd=ROOT, start_new_session=True)
    kept = root / "confirmations" / MODEL
    end = time.monotonic() + 240
    while not list(kept.glob("*-0.json")) and time.monotonic() < end:
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [path.name for path in kept.glob("*.json")], "nothing was kept of the first model"
    done = tabveil("confirm", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "model 1 of 2" not in done.stdout
    assert "model 2 of 2" in done.stdout
    assert "were opened 2 times" in ledger(root)
    client = MlflowClient(f"sqlite:///{root}/mlflow.db")
    experiment = client.get_experiment_by_name(MODEL)
    states = {run.info.status for run in client.search_runs([experiment.experiment_id])}
    assert "RUNNING" not in states


def open_models(root):
    """How many models of a confirmation are being trained, read beside MLflow."""
    with closing(sqlite3.connect(f"file:{root}/mlflow.db?mode=ro", uri=True)) as connection:
        of_models = "status = 'RUNNING' AND name LIKE 'confirm % seed %'"
        return connection.execute(f"SELECT count(*) FROM runs WHERE {of_models}").fetchone()[0]


@pytest.mark.slow
def test_a_worker_of_a_confirmation_is_killed_and_no_run_stays_open(smoke_store, tmp_path):
    root = unconfirmed(smoke_store, tmp_path / "store")
    words = [*CONFIRM, "confirm.seeds=2", "executor=process", "executor.n_workers=1"]
    process = subprocess.Popen(
        [*TABVEIL, "confirm", *words, f"root={root}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    end = time.monotonic() + 120
    while not open_models(root) and time.monotonic() < end:
        time.sleep(0.2)
    worker_of(process).kill()
    said, _ = process.communicate(timeout=280)
    assert process.returncode == 0, said
    assert "lost: the worker process died (exit code -9); trying again" in said
    client = MlflowClient(f"sqlite:///{root}/mlflow.db")
    experiment = client.get_experiment_by_name(MODEL)
    states = [run.info.status for run in client.search_runs([experiment.experiment_id])]
    assert states.count("KILLED") == 1
    assert "RUNNING" not in states
