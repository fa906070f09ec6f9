"""A registered generator is what MLflow's users expect: loadable and servable, elsewhere too."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabveil.data.masking import Masking
from tabveil.data.schema import infer_schema
from tabveil.synthesizers.marginals import Marginals
from tabveil.tracking.aliases import set_aliases
from tabveil.tracking.models import save_generator
from tabveil.tracking.registry import load_model, register
from tabveil.tracking.runs import Runs
from tabveil.tracking.store import open_tracking, prepare_store

_PATIENCE = 120
"""Seconds that a server may take to start, on a busy machine."""

_LOAD = """
import sys, mlflow
model = mlflow.pyfunc.load_model("models:/rows@balanced")
print(model.predict({}, params={"n": 10, "seed": int(sys.argv[1])}).to_json(orient="records"))
"""


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with one registered generator, moved after it was made."""
    folder = tmp_path_factory.mktemp("registry")
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"age": rng.integers(0, 90, 500), "sex": rng.choice(["f", "m"], 500)})
    synthesizer = Marginals()
    synthesizer.fit(table, infer_schema(table), seed=0)
    save_generator(synthesizer, Masking(infer_schema(table)), folder / "generator", about={})
    made = open_tracking(None, root=folder / "made")
    experiment_id = prepare_store(made, "study", root=folder / "made")
    with Runs(made, experiment_id).start_sweep("sweep", owner="host:1:1") as run:
        tags = {"study": "study", "trial": 0}
        version = register(made, run.run_id, folder / "generator", "rows", tags=tags)
    set_aliases(made, "rows", {"balanced": version.number})
    return open_tracking(None, root=(folder / "made").rename(folder / "moved"))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(scope="module")
def server(uri: str, elsewhere: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (elsewhere / "server.log").open("w")
    command = f"-m mlflow models serve -m models:/rows@balanced --env-manager local --port {port}"
    process = subprocess.Popen(
        [sys.executable, *command.split(), "--host", "127.0.0.1"],
        env=_environment(uri),
        cwd=elsewhere,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(process, f"{address}/ping", elsewhere / "server.log")
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
        log.close()


def _environment(uri: str) -> dict[str, str]:
    # mlflow starts uvicorn by name, so the environment's bin folder must be on the path.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "MLFLOW_TRACKING_URI": uri, "PATH": path}


def _wait_for(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the server did not start:\n{log.read_text()[-2000:]}")


def _ask(server: str, **params: Any) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"{server}/invocations",
        data=json.dumps({"dataframe_records": [{}], "params": params}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)["predictions"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["message"]


def test_a_fresh_process_draws_the_same_rows_for_the_same_seed(uri: str, elsewhere: Path) -> None:
    drawn = [
        subprocess.run(
            [sys.executable, "-c", _LOAD, str(seed)],
            env=_environment(uri),
            cwd=elsewhere,
            capture_output=True,
            text=True,
            check=True,
            timeout=_PATIENCE,
        ).stdout
        for seed in (1, 2)
    ]
    rows = [pd.read_json(StringIO(text), orient="records") for text in drawn]
    for seed, found in enumerate(rows, start=1):
        expected = load_model(uri, "models:/rows@balanced").sample(10, seed=seed)
        pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert not rows[0].equals(rows[1])


def test_a_served_model_answers_rows_that_the_seed_decides(uri: str, server: str) -> None:
    status, rows = _ask(server, n=10, seed=1)
    assert status == 200
    assert rows == _ask(server, n=10, seed=1)[1]
    assert rows != _ask(server, n=10, seed=2)[1]
    expected = load_model(uri, "models:/rows@balanced").sample(10, seed=1)
    assert rows == expected.to_dict(orient="records")


def test_a_served_model_keeps_conditions(server: str) -> None:
    status, rows = _ask(server, n=20, where='{"sex": "f"}')
    assert (status, {row["sex"] for row in rows}) == (200, {"f"})


@pytest.mark.parametrize(
    ("params", "message"),
    [({"sede": 1}, "unknown params: sede"), ({"n": 0}, "n=0"), ({"where": "{}x"}, "no JSON")],
)
def test_a_served_model_refuses_what_makes_no_sense(
    server: str, params: dict[str, Any], message: str
) -> None:
    status, text = _ask(server, **params)
    assert status == 400
    assert message in text
