"""`tabveil train`: one configuration: fit, sample, evaluate, log."""

from __future__ import annotations

from tabveil import logs, pipeline
from tabveil.commands.prepare import prepared_table
from tabveil.config.build import build_parts
from tabveil.config.compose import Composition
from tabveil.config.logged import train_logged
from tabveil.config.settings import Base, Tracking, read
from tabveil.report.terminal import say, show_table
from tabveil.search.tasks import is_dead, owner
from tabveil.tracking.runs import Runs
from tabveil.tracking.store import open_tracking, prepare_store


def run(composition: Composition) -> None:
    """Run and log one configuration; show its scores."""
    base, tracking = read(composition, Base), read(composition, Tracking, "tracking")
    build_parts(composition)  # says now what cannot be built
    uri = open_tracking(tracking.uri, root=base.root)
    prepared = prepared_table(composition)
    experiment = tracking.experiment or prepared.about.name
    runs = Runs(uri, prepare_store(uri, experiment, root=base.root))
    runs.kill_orphans(is_dead)
    with (
        runs.start("trial", f"train {prepared.about.name}", owner=owner()) as run,
        logs.bind(run=run.run_id),
    ):
        logs.event("trial begins")
        trained = train_logged(composition, prepared, run, seed=base.seed)
    show_scores(trained.trial)
    say(f"Logged as run {run.run_id} of the MLflow experiment {experiment!r} at {uri}")


def show_scores(trial: pipeline.Trial) -> None:
    """Print every score with its interval, the two objectives first."""
    rows = [
        ("objective/utility", trial.utility.value, _interval(trial.utility)),
        ("objective/risk", trial.risk.value, _interval(trial.risk)),
    ]
    for result in trial.evaluation.results:
        for score in result.scores:
            rows.append(
                (f"{result.kind}/{result.name}/{score.name}", score.value, _interval(score))
            )
    show_table("scores", ("measure", "value", "95 % interval"), rows)
    for note in trial.notes:
        say(f"Note: {note}")


def _interval(score: object) -> str:
    low, high = getattr(score, "low", None), getattr(score, "high", None)
    return "" if low is None or high is None else f"{low:.3f} – {high:.3f}"
