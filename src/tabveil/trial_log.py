"""What does a trial leave in its run?

The last arrow of the straight line: numbers in one batch, then what the trial started from, what
it drew, and what can be sampled from again.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabveil.data.prepared import Prepared
from tabveil.errors import ArtifactError
from tabveil.pipeline import Parts, Trial
from tabveil.protections.protected import described
from tabveil.report.column_plots import columns as draw_columns
from tabveil.report.plots import losses as draw_losses
from tabveil.report.plots import roc as draw_roc
from tabveil.tracking.environment import environment
from tabveil.tracking.models import save_generator
from tabveil.tracking.runs import Run

GENERATOR = "generator"
"""Where a trial's run keeps its generator, among its artifacts."""


def log_inputs(run: Run, prepared: Prepared, config: str) -> None:
    """Log what a run starts from: the dataset's identity, schema, configuration, environment."""
    about = prepared.about
    for split in ("train", "control", "reference"):
        if not len(getattr(prepared, split)):
            continue  # no fixed control: each trial's is what it left out of the pool
        context = "release" if split == "control" and prepared.opened else split
        run.log_dataset(
            # MLflow keeps one input of a name and digest, whatever its context.
            about.name if split == "train" else f"{about.name} {context}",
            digest=about.digest,
            source=about.source,
            schema=prepared.schema,
            n_rows=len(getattr(prepared, split)),
            context=context,
        )
    run.log_text(config, "config.yaml")
    run.log_text(prepared.schema.to_json(), "schema.json")
    run.log_dict(environment(), "environment.json")


def log_trial(
    run: Run,
    trial: Trial,
    prepared: Prepared,
    *,
    params: Mapping[str, Any],
    config: str,
    seed: int,
    parts: Parts,
) -> bool:
    """Log a trial whole: numbers in one batch, then what it started from, drew and can sample.

    The generator is kept with the run, so that the front's models can be registered without
    training them again. One that may not be saved (the copycat) leaves a tag instead.

    Returns:
        Whether there is a generator to register.
    """
    run.log(
        params=params,
        metrics={
            "objective/utility": trial.utility.value,
            "objective/risk": trial.risk.value,
            "objective/risk_low": trial.risk.low,
            "objective/risk_high": trial.risk.high,
            **trial.evaluation.metrics(),
            "time/fit": trial.fit_seconds,
            "time/sample": trial.sample_seconds,
        },
        tags={
            "risk_component": trial.risk.component,
            "seed": seed,
            **({"notes": " ".join(f"{note}." for note in trial.notes)} if trial.notes else {}),
        },
    )
    log_inputs(run, prepared, config)
    run.log_text(trial.evaluation.to_json(), "evaluation.json")
    about = {
        "dataset": prepared.about.name,
        "data_digest": prepared.about.digest,
        "config_digest": hashlib.sha256(config.encode()).hexdigest(),
        "run_id": run.run_id,
        "seed": seed,
        "train_rate": parts.train_rate,
        "protection": described(parts.protections),
        "environment": environment(),
    }
    saved = True
    with tempfile.TemporaryDirectory() as scratch:
        try:
            save_generator(
                trial.synthesizer, prepared.masking, Path(scratch) / "generator", about=about
            )
            run.log_artifacts(Path(scratch) / "generator", GENERATOR)
        except ArtifactError as refusal:
            run.log(tags={"generator": str(refusal)})
            saved = False
    if parts.plots:
        _log_plots(run, trial, prepared)
    return saved


def _log_plots(run: Run, trial: Trial, prepared: Prepared) -> None:
    run.log_figure(
        draw_columns(trial.data.control, trial.synthetic, prepared.schema), "plots/columns.svg"
    )
    if trial.losses:
        history = {name: [epoch[name] for epoch in trial.losses] for name in trial.losses[0]}
        run.log_figure(draw_losses(history), "plots/losses.svg")
    curves = trial.evaluation.roc_curves()
    if curves:
        run.log_figure(draw_roc(curves), "plots/roc.svg")
