"""Many rows through the command line: any number of workers, killed, damaged, refused."""

import json
import os
import signal
import subprocess
import time

import numpy as np
import pandas as pd
import psutil
import pytest
from processes import all_end

from conftest import TABVEIL, tabveil
from tabveil.cli import main
from tabveil.data.masking import Masking
from tabveil.data.schema import infer_schema
from tabveil.synthesizers.marginals import Marginals
from tabveil.tracking.ledger import Ledger
from tabveil.tracking.models import save_generator
from tabveil.tracking.registry import register
from tabveil.tracking.runs import Runs
from tabveil.tracking.store import open_tracking, prepare_store

N, SHARD = 105_000, 10_000
TWO = ("executor=process", "executor.n_workers=2")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A store with one registered generator."""
    folder = tmp_path_factory.mktemp("shards")
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"age": rng.integers(0, 90, 500), "sex": rng.choice(["f", "m"], 500)})
    synthesizer = Marginals()
    synthesizer.fit(table, infer_schema(table), seed=0)
    save_generator(synthesizer, Masking(infer_schema(table)), folder / "generator", about={})
    uri = open_tracking(None, root=folder / "store")
    experiment_id = prepare_store(uri, "study", root=folder / "store")
    with Runs(uri, experiment_id).start_sweep("sweep", owner="host:1:1") as run:
        register(uri, run.run_id, folder / "generator", "rows", tags={"study": "s", "trial": 0})
    return folder / "store"


def words(root, out, *more):
    asked = ("shards=true", f"n={N}", f"shard_rows={SHARD}", "seed=5")
    asked = (*asked, "as_confirmed=false", "unconfirmed=true")
    return ("sample", "model=models:/rows/1", f"root={root}", f"out={out}", *asked, *more)


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.parquet")}


@pytest.fixture(scope="module")
def drawn(root, tmp_path_factory):
    """The folder that one process draws."""
    out = tmp_path_factory.mktemp("inline") / "rows"
    assert main(words(root, out)) == 0
    return out


def test_the_manifest_says_what_was_drawn_and_the_ledger_has_one_line(root, drawn, capsys):
    told = json.loads((drawn / "_manifest.json").read_text())
    assert told["rows"] == N == len(pd.read_parquet(drawn))
    assert told["asked"]["model"] == "models:/rows/1"
    assert len(told["asked"]["model_digest"]) == 64
    assert [part["rows"] for part in told["parts"]] == [SHARD] * 10 + [5_000]
    assert {path.name for path in drawn.iterdir()} == {"_manifest.json", *bytes_of(drawn)}
    (line,) = Ledger.at(None, root=root).lines(event="sample")
    assert line.detail["n"] == N
    assert line.detail["shard_rows"] == SHARD
    assert main(["verify", f"rows={drawn}"]) == 0
    assert f"{N} rows in 11 parts" in capsys.readouterr().out


@pytest.mark.slow
def test_two_workers_killed_in_between_leave_the_same_bytes(root, drawn, tmp_path, capsys):
    out, notes = tmp_path / "rows", tmp_path / "notes"
    before = len(Ledger.at(None, root=root).lines())
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TABVEIL_PROGRESS": str(notes)}
    command = [*TABVEIL, *words(root, out, *TWO)]
    running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (out / "part-00002.parquet").exists() and time.monotonic() < deadline:
        time.sleep(0.002)
    orphans = psutil.Process(running.pid).children(recursive=True)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert not (out / "_manifest.json").exists(), "the kill came too late to show anything"
    assert main(["verify", f"rows={out}"]) == 2
    assert "is unfinished" in capsys.readouterr().err
    listed = [p["file"] for p in json.loads((out / "_unfinished.json").read_text())["parts"]]
    kept = {name: (out / name).stat().st_mtime_ns for name in listed}
    assert all_end(orphans), "workers outlive their driver"
    assert main(words(root, out, *TWO)) == 0
    assert bytes_of(out) == bytes_of(drawn)
    assert {name: (out / name).stat().st_mtime_ns for name in listed} == kept
    assert {path.name for path in out.iterdir()} == {"_manifest.json", *bytes_of(out)}
    told = [json.loads(line) for line in notes.read_text().splitlines()]
    assert {"event": "rows", "n": SHARD, "of": N}.items() <= told[0].items()
    assert len(Ledger.at(None, root=root).lines()) == before + 1  # one for the whole


def test_a_damaged_part_is_noticed_and_only_it_is_drawn_again(root, drawn, tmp_path, capsys):
    out = tmp_path / "rows"
    subprocess.run(["cp", "-a", drawn, out], check=True)
    part = out / "part-00004.parquet"
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    times = {path.name: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    capsys.readouterr()
    assert main(["verify", f"rows={out}"]) == 2
    said = capsys.readouterr().err
    assert "part-00004.parquet is damaged" in said
    assert said.count("\n") == 1
    assert main(words(root, out)) == 0
    assert bytes_of(out) == bytes_of(drawn)
    changed = [n for n, at in times.items() if (out / n).stat().st_mtime_ns != at]
    assert changed == ["part-00004.parquet"]


def test_what_cannot_be_drawn_in_shards_is_refused_in_one_line(root, drawn, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("keep me")
    for out, more, said in (
        (drawn, ["seed=6"], "other rows than these: seed differ"),
        (tmp_path / "mine", [], "holds other files"),
        (tmp_path / "mine" / "thesis.txt", [], "is a file"),
        (tmp_path / "none" / "rows", [], "there is no folder"),
        (tmp_path / "rows", ["protection=[small_groups]"], "looks at the whole table"),
        (tmp_path / "rows", ["where={sex: x}"], "sex"),
    ):
        capsys.readouterr()
        assert main(words(root, out, *more)) == 2
        told = capsys.readouterr().err
        assert said in told
        assert told.count("\n") == 1, told
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "keep me"
    assert not (drawn / "_unfinished.json").exists()


@pytest.mark.slow
def test_a_ray_cluster_leaves_the_same_bytes(root, drawn, tmp_path):
    ray_cluster = pytest.importorskip("ray_cluster")
    out = tmp_path / "rows"
    with ray_cluster.two_nodes() as (cluster, _):
        where = ("executor=ray", f"executor.address={cluster.address}")
        done = tabveil(*words(root, out, *where), timeout=300)
    assert done.returncode == 0, done.stderr
    assert bytes_of(out) == bytes_of(drawn)
    assert main(["verify", f"rows={out}"]) == 0
