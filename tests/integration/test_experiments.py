"""Every experiment that ships runs, in miniature, on a small table of its own."""

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT
from tabveil.cli import main

EXPERIMENTS = sorted(path.stem for path in (ROOT / "conf" / "experiment").glob("*.yaml"))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Any experiment must run on any table: one with the columns of neither dataset."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    path = tmp_path_factory.mktemp("table") / "mine.csv"
    pd.DataFrame(
        {
            "größe": (170 + 10 * x).round(1),
            "group": np.where(rng.random(400) < 0.3, "a", "b"),
            "answer": np.where(x + 0.5 * rng.normal(size=400) > 0, "yes", "no"),
        }
    ).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_runs_in_miniature(name, table, tmp_path, capsys):
    words = [
        f"experiment={name}",
        "dataset=csv",
        f"dataset.path={table}",
        "dataset.target=answer",
        f"root={tmp_path}/store",
        "executor=inline",
        "sweep.trials=1",
        "synthesizer.batch_size=100",
        "synthesizer.epochs=choice(1,2)",
    ]
    assert main(["sweep", *words]) == 0, capsys.readouterr().err
    text = capsys.readouterr().out
    assert "1 of 1 completed trials" in text
    assert f"tabveil confirm experiment={name}" in text
