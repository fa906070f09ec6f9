from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from tabveil.data.schema import Schema
from tabveil.errors import StoreAway, TrackingError
from tabveil.tracking import runs as runs_module
from tabveil.tracking.runs import Runs
from tabveil.tracking.store import connect


@pytest.fixture
def runs(uri: str, experiment_id: str) -> Runs:
    return Runs(uri, experiment_id)


@pytest.fixture
def client(uri: str) -> MlflowClient:
    return connect(uri)


@pytest.fixture
def n_batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one for each call of `log_batch`."""
    calls: list[int] = []
    original = MlflowClient.log_batch

    def counted(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return original(*args, **kwargs)

    monkeypatch.setattr(MlflowClient, "log_batch", counted)
    return calls


def test_a_trial_is_nested_and_says_what_it_is(runs: Runs, client: MlflowClient) -> None:
    sweep = runs.start_sweep("sweep", owner="host:1:1", params={"sweep.trials": 3})
    with runs.start_trial(sweep.run_id, 7, owner="host:2:2", tags={"extra": "x"}) as trial:
        trial.log(params={"synthesizer.epochs": 10}, metrics={"objective/utility": 0.5})
    found = client.get_run(trial.run_id)
    assert found.info.run_name == "trial 0007"
    assert found.info.status == "FINISHED"
    assert found.data.metrics == {"objective/utility": 0.5}
    assert found.data.params == {"synthesizer.epochs": "10"}
    tags = found.data.tags
    assert tags["mlflow.parentRunId"] == sweep.run_id
    assert (tags["role"], tags["trial"], tags["extra"]) == ("trial", "7", "x")
    assert client.get_run(sweep.run_id).data.tags["role"] == "sweep"


def test_losses_arrive_while_training_runs_and_cost_few_batches(
    runs: Runs, client: MlflowClient, n_batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(runs_module.time, "monotonic", lambda: clock[0])
    run = runs.start_sweep("sweep", owner="host:1:1")
    for epoch in range(1, 101):
        clock[0] += 0.125  # exact in binary: 5 s are 40 epochs
        run.log_losses(epoch, {"generator": -epoch, "discriminator": epoch})
        if epoch == 60:
            during = client.get_metric_history(run.run_id, "loss/generator")
            assert len(during) == 40
    run.end()
    points = client.get_metric_history(run.run_id, "loss/generator")
    assert [(p.step, p.value) for p in points] == [(e, -e) for e in range(1, 101)]
    assert len(n_batches) == 3


def test_losses_that_wait_travel_with_the_scores(runs: Runs, n_batches: list[int]) -> None:
    run = runs.start_sweep("sweep", owner="host:1:1")
    run.log_losses(1, {"generator": 1.0})
    run.log(params={"a": 1}, metrics={"m": 1.0}, tags={"t": 1})
    run.end()
    assert len(n_batches) == 1


def test_a_failed_trial_keeps_its_traceback(
    runs: Runs, client: MlflowClient, tmp_path: Path
) -> None:
    run = runs.start_sweep("sweep", owner="host:1:1")
    run.log_losses(1, {"generator": 1.0})
    with pytest.raises(ZeroDivisionError), run:
        raise ZeroDivisionError
    assert client.get_run(run.run_id).info.status == "FAILED"
    assert client.get_run(run.run_id).data.metrics == {"loss/generator": 1.0}
    text = client.download_artifacts(run.run_id, "traceback.txt", str(tmp_path))
    assert "ZeroDivisionError" in Path(text).read_text()


def test_an_interrupted_run_is_killed(runs: Runs, client: MlflowClient) -> None:
    run = runs.start_sweep("sweep", owner="host:1:1")
    with pytest.raises(KeyboardInterrupt), run:
        raise KeyboardInterrupt
    assert client.get_run(run.run_id).info.status == "KILLED"


def test_only_the_runs_of_dead_owners_are_killed(runs: Runs, client: MlflowClient) -> None:
    sweep = runs.start_sweep("sweep", owner="dead")
    orphan = runs.start_trial(sweep.run_id, 0, owner="dead")
    alive = runs.start_trial(sweep.run_id, 1, owner="alive")
    done = runs.start_trial(sweep.run_id, 2, owner="dead")
    done.end()
    foreign = client.create_run(runs.experiment_id)
    killed = runs.kill_orphans(lambda owner: owner == "dead", except_ids=[sweep.run_id])
    assert killed == [orphan.run_id]
    status = {run.info.run_id: run.info.status for run in client.search_runs([runs.experiment_id])}
    assert status == {
        sweep.run_id: "RUNNING",
        orphan.run_id: "KILLED",
        alive.run_id: "RUNNING",
        done.run_id: "FINISHED",
        foreign.info.run_id: "RUNNING",
    }


def test_a_resumed_sweep_runs_again_under_its_new_owner(runs: Runs, client: MlflowClient) -> None:
    sweep = runs.start_sweep("sweep", owner="first")
    sweep.end("KILLED")
    again = runs.resume(sweep.run_id, owner="second")
    found = client.get_run(sweep.run_id)
    assert (again.run_id, found.info.status) == (sweep.run_id, "RUNNING")
    assert found.data.tags["tabveil.owner"] == "second"


def test_a_dataset_is_named_without_any_of_its_rows(
    runs: Runs, client: MlflowClient, schema: Schema
) -> None:
    run = runs.start_sweep("sweep", owner="host:1:1")
    run.log_dataset(
        "randhie",
        digest="d" * 64,
        source="data/randhie.parquet",
        schema=schema,
        n_rows=200,
        context="train",
    )
    (used,) = client.get_run(run.run_id).inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("randhie", "d" * 36)
    assert [tag.value for tag in used.tags] == ["train"]
    assert json.loads(used.dataset.profile) == {"num_rows": 200}
    columns = json.loads(used.dataset.schema)["mlflow_colspec"]
    assert {c["name"]: c["type"] for c in columns} == {
        "age": "long",
        "income": "double",
        "sex": "string",
        "smoker": "boolean",
        "visit": "datetime",
        "note": "string",
    }


def test_artifacts_come_back(runs: Runs, client: MlflowClient, tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.json").write_text("{}")
    with runs.start_sweep("sweep", owner="host:1:1") as run:
        run.log_artifacts(folder, "kept")
        run.log_text("text", "t.txt")
        run.log_dict({"a": [1]}, "d.json")
        run.log_figure(Figure(), "plots/f.svg")
    back = Path(client.download_artifacts(run.run_id, "", str(tmp_path)))
    names = {path.relative_to(back).as_posix() for path in back.rglob("*") if path.is_file()}
    assert {"kept/a.json", "t.txt", "d.json", "plots/f.svg"} <= names
    assert json.loads((back / "d.json").read_text()) == {"a": [1]}


def test_what_mlflow_refuses_becomes_one_clear_error(runs: Runs, root: Path) -> None:
    run = runs.start_sweep("sweep", owner="host:1:1", params={"a": 1})
    with pytest.raises(TrackingError, match=f"could not log to the run {run.run_id}"):
        run.log(params={"a": 2})
    shutil.rmtree(root)
    with pytest.raises(TrackingError, match="no tracking store at"):
        run.end()


def test_a_trial_that_ended_but_was_never_told_is_closed_once_its_driver_is_dead(
    runs: Runs, client: MlflowClient
) -> None:
    sweep = runs.start_sweep("s", owner="alive")
    ids = {}
    for number, owner in enumerate(("dead", "dead", "alive")):
        with runs.start_trial(sweep.run_id, number, owner=owner) as run:
            ids[number] = run.run_id
    killed = runs.kill_untold(lambda o: o == "dead", parent_id=sweep.run_id, told=[ids[0]])
    assert killed == [ids[1]]
    states = [client.get_run(ids[number]).info.status for number in range(3)]
    assert states == ["FINISHED", "KILLED", "FINISHED"]


def test_a_run_whose_store_went_away_is_left_without_a_second_wait(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise MlflowException("API request to http://h failed with exception refused")

    run = runs.start("trial", "t", owner="me")
    monkeypatch.setattr(MlflowClient, "log_batch", away)
    monkeypatch.setattr(MlflowClient, "set_terminated", away)
    monkeypatch.setenv("TABVEIL_PATIENCE", "0.5")
    started = time.monotonic()
    with pytest.raises(StoreAway, match="does not answer; run the same command again"), run:
        run.log(metrics={"a": 1.0})
    assert time.monotonic() - started < 10
