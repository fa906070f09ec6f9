"""At the end of a sweep every trial is attacked again with the others as shadows."""

import pandas as pd
import pytest
from mlflow import MlflowClient

from conftest import tabveil
from tabveil.search.shadows import Shadow

STUDY = "randhie-smoke"
N_TRIALS = 8
WORDS = (
    "experiment=smoke",
    f"sweep.trials={N_TRIALS}",
    "executor=process",
    "evaluation.max_targets=400",
    "evaluation.plots=false",
)


@pytest.fixture(scope="module")
def swept(tmp_path_factory, randhie):
    root = tmp_path_factory.mktemp("shadows") / "store"
    done = tabveil("sweep", *WORDS, f"root={root}")
    assert done.returncode == 0, done.stderr
    return root, done.stdout


def trials(root):
    client = MlflowClient(f"sqlite:///{root}/mlflow.db")
    experiment = client.get_experiment_by_name(STUDY)
    return client, client.search_runs([experiment.experiment_id], "tags.role = 'trial'")


def test_each_trial_keeps_what_its_attacks_saw_of_the_same_people(swept):
    directory = swept[0] / "shadows" / STUDY
    shadows = [Shadow.load(path) for path in sorted(directory.iterdir())]
    assert len(shadows) == N_TRIALS
    assert len({shadow.targets for shadow in shadows}) == 1
    assert not any("critic" in name for name in shadows[0].names)
    rates = [shadow.is_member[shadow.in_pool].mean() for shadow in shadows]
    assert 0.6 < min(rates) <= max(rates) < 0.8
    assert not any((shadow.is_member & ~shadow.in_pool).any() for shadow in shadows)
    assert (shadows[0].is_member != shadows[1].is_member).any()
    assert directory.stat().st_mode & 0o077 == 0


def test_the_risks_that_count_are_those_with_shadows(swept):
    _, runs = trials(swept[0])
    table = pd.read_csv(swept[0] / "sweeps" / STUDY / "trials.csv").set_index("run_id")
    assert len(runs) == N_TRIALS
    for run in runs:
        metrics = run.data.metrics
        low, value, high = (metrics[f"privacy/shadows/auc{end}"] for end in ("_low", "", "_high"))
        assert low < value < high
        assert "privacy/shadows/tpr_at_1pct_fpr_outliers" in metrics
        assert run.data.tags["shadows"] == "True"
        for key in ("objective/risk", "objective/risk_low", "objective/risk_high"):
            assert table.loc[run.info.run_id, key] == pytest.approx(metrics[key])


def test_the_same_command_again_changes_nothing(swept):
    again = tabveil("sweep", *WORDS, f"root={swept[0]}")
    assert again.returncode == 0, again.stderr
    client, runs = trials(swept[0])
    assert len(client.get_metric_history(runs[0].info.run_id, "privacy/shadows/auc")) == 1


def test_a_trial_whose_signals_are_lost_keeps_its_risk_and_the_others_go_on(swept):
    (swept[0] / "shadows" / STUDY / "00003.npz").unlink()
    more = tabveil("sweep", *WORDS, f"root={swept[0]}", f"sweep.trials={N_TRIALS + 1}")
    assert more.returncode == 0, more.stderr
    assert "Trial 3 keeps the risk it had" in more.stdout
    client, runs = trials(swept[0])
    lengths = {
        run.data.tags["trial"]: len(
            client.get_metric_history(run.info.run_id, "privacy/shadows/auc")
        )
        for run in runs
    }
    assert lengths == {**{str(i): 2 for i in range(N_TRIALS)}, "3": 1, str(N_TRIALS): 1}
