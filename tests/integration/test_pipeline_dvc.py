"""The DVC pipeline re-runs what an edit touches, and nothing else."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

BIN = Path(sys.executable).parent
STAGES = ("compose", "prepare", "sweep", "confirm", "sample")


def run(*words, cwd):
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PYTHONPATH": f"{cwd}/src",  # the clone's code and configs, not this checkout's
        "DVC_NO_ANALYTICS": "1",
        "OMP_NUM_THREADS": "1",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "user.name",
        "GIT_CONFIG_VALUE_0": "t",
        "GIT_CONFIG_KEY_1": "user.email",
        "GIT_CONFIG_VALUE_1": "t@t",
    }
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def repro(clone):
    """Run `dvc repro` and name the stages that ran."""
    output = run("dvc", "repro", cwd=clone)
    return [s for s in STAGES if re.search(rf"Running stage '{s}'", output)]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """What git tracks here, committed anew elsewhere, with the data pulled."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nothing to clone")
    folder = tmp_path_factory.mktemp("clone") / "tabveil"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    run("git", "init", "-q", cwd=folder)
    run("git", "add", "-A", cwd=folder)
    run("git", "commit", "-qm", "clone", cwd=folder)
    run("dvc", "pull", "-q", cwd=folder)
    edit(folder / "pipeline.yaml", "experiment: demo", "experiment: smoke")
    edit(folder / "pipeline.yaml", "rows: 5000", "rows: 200")
    edit(folder / "pipeline.yaml", "evaluation: thorough", "evaluation: quick")
    edit(folder / "pipeline.yaml", "seeds: 3", "seeds: 1")
    edit(folder / "pipeline.yaml", "most: 4", "most: 1")
    edit(folder / "conf" / "sweep" / "smoke.yaml", "trials: 2 #", "trials: 1 #")
    edit(folder / "conf" / "experiment" / "smoke.yaml", "max_targets: 1000", "max_targets: 300")
    small = folder / "conf" / "gate" / "small.yaml"  # two epochs need not pass: the way is tested
    for limit in ('tpr_at_1pct_fpr": 0.05', '/auc": 0.15', 'auc_outliers": 0.30', "risk: 0.30"):
        edit(small, limit, f"{limit.rpartition(' ')[0]} 0.9")
    edit(small, "models: 3", "models: 1")
    edit(
        small,
        "attacks: [learnt, copies, inference, singling_out, linkability, k_map]",
        "attacks: []",
    )
    return folder


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.slow
def test_repro_runs_everything_once_and_then_what_an_edit_touches(clone):
    assert repro(clone) == list(STAGES)
    for name in ("sweep/trials.csv", "sweep/front.json", "sweep/front.svg", "rows.parquet"):
        assert (clone / "out" / name).stat().st_size > 0
    assert (clone / "out" / "confirm" / "released.json").is_file()
    assert "hypervolume" in run("dvc", "metrics", "show", cwd=clone)
    assert repro(clone) == []

    # A key that no stage uses: only `compose` looks, and nothing follows it.
    edit(clone / "conf" / "executor" / "inline.yaml", "# One trial", "# Just one trial")
    edit(clone / "conf" / "evaluation" / "quick.yaml", "train_rate: 0.7", "train_rate: 0.7 # mine")
    assert repro(clone) == ["compose"]

    # A key of the confirmation: the sweep is not run again.
    smoke = clone / "conf" / "sweep" / "smoke.yaml"
    edit(smoke, "model: ${dataset.name}-smoke", "model: ${dataset.name}-tiny")
    assert repro(clone) == ["compose", "confirm", "sample"]

    # A key of the sweep: a new study, and all that follows.
    edit(smoke, "synthesizer.epochs: int(interval(1, 3))", "synthesizer.epochs: choice(1, 2)")
    assert repro(clone) == ["compose", "sweep", "confirm", "sample"]
    assert repro(clone) == []
