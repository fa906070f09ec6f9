"""The straight line, from a sensitive table to a scored generator.

    read_table → infer_schema → split → fit → sample → evaluate → log

Each arrow is one call and nothing goes back. A sweep walks the second half once a trial; the front,
its registration and the sampling from it are the commands `sweep`, `register` and `sample`.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.contracts import Attack, EvalInput, Limits, Membership, Metric, OnEpoch, Synthesizer
from tabveil.data.membership import draw_members
from tabveil.data.pooling import Pooling
from tabveil.data.prepared import FORMAT, About, Prepared, is_prepared, load_prepared, save_prepared
from tabveil.data.schema import infer_schema
from tabveil.data.split import Shares, split
from tabveil.data.tables import digest, read_table
from tabveil.errors import ArtifactError
from tabveil.evaluate import Evaluation, evaluate
from tabveil.memo import Memo
from tabveil.report.column_plots import columns as draw_columns
from tabveil.report.plots import losses as draw_losses
from tabveil.report.plots import roc as draw_roc
from tabveil.search.objective import Objective, Objectives
from tabveil.search.shadows import Shadow, shadow_of
from tabveil.seeding import child_rng, child_seed
from tabveil.synthesizers.pooled import Pooled
from tabveil.tracking.environment import environment
from tabveil.tracking.models import save_generator
from tabveil.tracking.runs import Run

GENERATOR = "generator"
"""Where a trial's run keeps its generator, among its artifacts."""


@dataclass(frozen=True)
class Source:
    """A table to prepare, what a person knows of it, and how to split it."""

    name: str
    path: Path
    format: str | None
    kinds: Mapping[str, str]
    target: str | None
    sensitive: tuple[str, ...]
    quasi_identifiers: tuple[str, ...]
    group: str | None
    shares: Shares
    keep_twins_together: bool
    split_seed: int


def prepare(source: Source, directory: Path | None, *, root: Path) -> Path:
    """Read, describe and split a table; return the folder that holds the result.

    Without a `directory` the folder lies under `root`, named by what shaped it, and an earlier
    preparation of the same table in the same way is used again.
    """
    table = read_table(source.path, format=source.format)
    schema = infer_schema(table, kinds=source.kinds).with_roles(
        target=source.target,
        sensitive=source.sensitive,
        quasi_identifiers=source.quasi_identifiers,
        group=source.group,
    )
    how = [FORMAT, schema.to_json(), source.shares, source.keep_twins_together, source.split_seed]
    key = _key(digest(table), *how)
    directory = directory or root / "prepared" / f"{source.name}-{key[:12]}"
    if is_prepared(directory) and load_prepared(directory).about.digest == key:
        return directory
    splits = split(
        table,
        schema,
        seed=source.split_seed,
        shares=source.shares,
        keep_twins_together=source.keep_twins_together,
    )
    about = About(name=source.name, source=source.path.name, digest=key, report=splits.report)
    save_prepared(directory, splits=splits, schema=schema.modelled(), about=about)
    return directory


@dataclass(frozen=True)
class Parts:
    """What one trial is made of."""

    synthesizer: Synthesizer
    pooling: Pooling
    metrics: Mapping[str, Metric]
    attacks: Mapping[str, Attack]
    objectives: Objectives
    synthetic_ratio: float
    train_rate: float
    limits: Limits
    plots: bool


@dataclass(frozen=True)
class Trial:
    """What one trial gave."""

    synthesizer: Synthesizer
    synthetic: pd.DataFrame
    evaluation: Evaluation
    shadow: Shadow | None
    """Each target's signals, for the other trials to be compared with; None without signals."""
    utility: Objective
    risk: Objective
    losses: tuple[Mapping[str, float], ...]
    """One mapping per epoch; none for synthesizers that have no epochs."""
    fit_seconds: float
    sample_seconds: float


def run_trial(
    prepared: Prepared,
    parts: Parts,
    *,
    seed: int,
    on_epoch: OnEpoch | None = None,
    shared: Memo | None = None,
) -> Trial:
    """Draw the members, fit, sample and evaluate one configuration.

    Args:
        prepared: the search-time splits.
        parts: the synthesizer and everything that looks at it.
        seed: of the membership, the fit and the sample. Evaluators get one seed for the whole
            sweep, so that no trial is attacked on luckier rows than another.
        on_epoch: called with each epoch's losses while the synthesizer trains.
        shared: what evaluators may keep between the trials of one process.

    Raises:
        EvaluationError: an evaluator that an objective needs failed.
    """
    losses: list[Mapping[str, float]] = []

    def listen(epoch: int, values: Mapping[str, float]) -> None:
        losses.append(dict(values))
        if on_epoch is not None:
            on_epoch(epoch, values)

    is_member = draw_members(prepared, parts.train_rate, seed=child_seed(seed, "members"))
    train = prepared.train[is_member].reset_index(drop=True)
    started = time.monotonic()
    rule = parts.pooling.learn(prepared.reference, prepared.schema)
    synthesizer = Pooled(parts.synthesizer, rule)
    synthesizer.fit(train, prepared.schema, seed=child_seed(seed, "fit"), on_epoch=listen)
    fitted = time.monotonic()
    n_synthetic = max(1, round(parts.synthetic_ratio * len(train)))
    synthetic = synthesizer.sample(n_synthetic, seed=child_seed(seed, "sample"))
    sampled = time.monotonic()
    evaluator_seed = child_seed(0, "evaluate", prepared.about.digest)
    data = EvalInput(
        train=train,
        control=prepared.control,
        reference=prepared.reference,
        synthetic=synthetic,
        schema=prepared.schema,
        seed=evaluator_seed,
        limits=parts.limits,
        membership=_membership(prepared, is_member, seed=evaluator_seed),
        critic=synthesizer.critic,
        shared=Memo() if shared is None else shared,
    )
    evaluation = evaluate(data, metrics=parts.metrics, attacks=parts.attacks)
    return Trial(
        synthesizer,
        synthetic,
        evaluation,
        shadow=shadow_of(data, parts.attacks),
        utility=parts.objectives.utility(evaluation),
        risk=parts.objectives.risk(evaluation),
        losses=tuple(losses),
        fit_seconds=fitted - started,
        sample_seconds=sampled - fitted,
    )


def _membership(prepared: Prepared, is_member: NDArray[np.bool_], *, seed: int) -> Membership:
    """A row of each person of train and control, and whether the model saw it."""
    rng = child_rng(seed, "one row a group")
    pool, control = (prepared.one_row_a_group(name, rng) for name in ("train", "control"))
    in_pool = np.arange(len(pool) + len(control)) < len(pool)
    members = np.zeros_like(in_pool)
    members[: len(pool)] = is_member[pool]
    tables = [prepared.train.iloc[pool], prepared.control.iloc[control]]
    return Membership(pd.concat(tables, ignore_index=True), members, in_pool)


def log_inputs(run: Run, prepared: Prepared, config: str) -> None:
    """Log what a run starts from: the dataset's identity, schema, configuration, environment."""
    about = prepared.about
    for context in ("train", "control", "reference"):
        run.log_dataset(
            about.name,
            digest=about.digest,
            source=about.source,
            schema=prepared.schema,
            n_rows=len(getattr(prepared, context)),
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
    plots: bool,
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
        tags={"risk_component": trial.risk.component, "seed": seed},
    )
    log_inputs(run, prepared, config)
    run.log_text(trial.evaluation.to_json(), "evaluation.json")
    about = {
        "dataset": prepared.about.name,
        "data_digest": prepared.about.digest,
        "config_digest": hashlib.sha256(config.encode()).hexdigest(),
        "run_id": run.run_id,
        "seed": seed,
        "environment": environment(),
    }
    saved = True
    with tempfile.TemporaryDirectory() as scratch:
        try:
            save_generator(
                trial.synthesizer, prepared.schema, Path(scratch) / "generator", about=about
            )
            run.log_artifacts(Path(scratch) / "generator", GENERATOR)
        except ArtifactError as refusal:
            run.log(tags={"generator": str(refusal)})
            saved = False
    if plots:
        _log_plots(run, trial, prepared)
    return saved


def _log_plots(run: Run, trial: Trial, prepared: Prepared) -> None:
    run.log_figure(
        draw_columns(prepared.control, trial.synthetic, prepared.schema), "plots/columns.svg"
    )
    if trial.losses:
        history = {name: [epoch[name] for epoch in trial.losses] for name in trial.losses[0]}
        run.log_figure(draw_losses(history), "plots/losses.svg")
    curves = {
        result.name: (score.detail["roc"]["fpr"], score.detail["roc"]["tpr"])
        for result in trial.evaluation.results
        for score in result.scores[:1]
        if "roc" in score.detail
    }
    if curves:
        run.log_figure(draw_roc(curves), "plots/roc.svg")


def _key(*parts: object) -> str:
    text = json.dumps([asdict(p) if isinstance(p, Shares) else p for p in parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
