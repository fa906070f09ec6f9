"""The straight line, from a sensitive table to a scored generator.

    read_table → infer_schema → split → fit → sample → evaluate → log

Each arrow is one call and nothing goes back. The first three are in `preparation`, and walked once
a table; a sweep walks the others once a trial, the last of them in `trial_log`. The front, its
confirmation and the sampling from what passes are the commands `sweep`, `confirm` and `sample`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.contracts import (
    Attack,
    Draws,
    EvalInput,
    Limits,
    Membership,
    Metric,
    OnEpoch,
    Protection,
    Synthesizer,
)
from tabveil.contracts import Source as Real
from tabveil.controls import Suite
from tabveil.data.membership import draw_members
from tabveil.data.pooling import Pooling
from tabveil.data.prepared import Prepared
from tabveil.errors import ConfigError, EvaluationError
from tabveil.evaluate import Evaluation, evaluate
from tabveil.measure.lineup import about_twins
from tabveil.memo import Memo
from tabveil.protections.protected import Protected
from tabveil.search.objective import Objective, Objectives
from tabveil.search.shadows import Shadow, shadow_of
from tabveil.seeding import child_rng, child_seed
from tabveil.synthesizers.wrapping import Members, Wrapped, wrapped

UNKNOWN = "unknown"
"""In place of a component, where what an objective needs gave no number."""


@dataclass(frozen=True)
class Parts:
    """What one trial is made of."""

    synthesizer: Synthesizer
    pooling: Pooling
    protections: Mapping[str, Protection]
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
    data: EvalInput
    """What the evaluators looked at."""
    notes: tuple[str, ...]
    """What a reader of the numbers should know: who could not be asked about, what was skipped."""
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
    confirming: bool = False,
) -> Trial:
    """Draw the members, fit, sample and evaluate one configuration.

    Args:
        prepared: the search-time splits.
        parts: the synthesizer and everything that looks at it.
        seed: of the membership, the fit and the sample. Evaluators get one seed for the whole
            sweep, so that no trial is attacked on luckier rows than another.
        on_epoch: called with each epoch's losses while the synthesizer trains.
        shared: what evaluators may keep between the trials of one process.
        confirming: `prepared.control` holds the release rows: members are compared with those, not
            with what was left out of the pool; and an evaluator that failed fails no trial: the
            gate will say that it cannot tell.

    Raises:
        EvaluationError: an evaluator that an objective needs failed, unless `confirming`.
    """
    losses: list[Mapping[str, float]] = []

    def listen(epoch: int, values: Mapping[str, float]) -> None:
        losses.append(dict(values))
        if on_epoch is not None:
            on_epoch(epoch, values)

    is_member = members_of(prepared, parts.train_rate, seed=seed)
    train = prepared.train[is_member].reset_index(drop=True)
    started = time.monotonic()
    synthesizer = untrained(parts, prepared, train, seed=seed, is_member=is_member)
    drawn = protected(synthesizer, parts.protections, prepared, is_member)
    synthesizer.fit(train, prepared.schema, seed=child_seed(seed, "fit"), on_epoch=listen)
    fitted = time.monotonic()
    n_synthetic = max(1, round(parts.synthetic_ratio * len(train)))
    synthetic = drawn.sample(n_synthetic, seed=child_seed(seed, "sample"))
    sampled = time.monotonic()
    evaluator_seed = child_seed(0, "evaluate", prepared.about.digest)
    data = EvalInput(
        train=train,
        control=control_of(prepared, is_member),
        reference=prepared.reference,
        synthetic=synthetic,
        schema=prepared.schema,
        seed=evaluator_seed,
        limits=parts.limits,
        membership=_membership(prepared, is_member, seed=evaluator_seed, left_out=not confirming),
        critic=synthesizer.critic,
        pool=prepared.train,
        shared=Memo() if shared is None else shared,
    )
    evaluation = evaluate(data, metrics=parts.metrics, attacks=parts.attacks)
    return Trial(
        synthesizer,
        synthetic,
        evaluation,
        shadow=shadow_of(data, parts.attacks),
        utility=_utility(parts, evaluation, needed=not confirming),
        risk=_risk(parts, evaluation, needed=not confirming),
        data=data,
        notes=(*about_twins(data), *(r.note for r in evaluation.results if r.note)),
        losses=tuple(losses),
        fit_seconds=fitted - started,
        sample_seconds=sampled - fitted,
    )


def untrained(
    parts: Parts, prepared: Prepared, train: pd.DataFrame, *, seed: int, is_member: Members = None
) -> Wrapped:
    """The configured synthesizer, behind all that stands between it and the table.

    `train` holds the rows of `prepared.train` that `is_member` says; None: all. Raises DataError.
    """
    return wrapped(parts.synthesizer, parts.pooling, prepared, train, seed, is_member)


def members_of(prepared: Prepared, train_rate: float, *, seed: int) -> NDArray[np.bool_]:
    """Which rows of `prepared.train` the trial of that seed learns from, shape (n_train,)."""
    return draw_members(prepared, train_rate, seed=child_seed(seed, "members"))


def control_of(prepared: Prepared, is_member: NDArray[np.bool_]) -> pd.DataFrame:
    """Rows that a model which learnt from those of `prepared.train` never saw.

    The fixed ones, where there are any; else what was left out of the pool.

    Raises ConfigError where nothing is left.
    """
    if len(prepared.control):
        return prepared.control
    if is_member.all():
        raise ConfigError(
            "every row of the pool is learnt from and there is no control split: give "
            "evaluation.train_rate less than 1, or split.control a share"
        )
    return prepared.train[~is_member].reset_index(drop=True)


def protected(
    synthesizer: Draws,
    protections: Mapping[str, Protection],
    prepared: Prepared,
    is_member: NDArray[np.bool_],
) -> Protected:
    """What draws rows that are compared with those that the model learnt, shape (n_train,).

    Raises ConfigError where a protection lacks what it needs, or would take groups apart.
    """
    if protections and prepared.sample_groups:
        raise ConfigError(
            f"protection={list(protections)} looks at single rows, dataset.sample_groups draws "
            f"whole groups; give up one of the two"
        )
    train = prepared.train[is_member].reset_index(drop=True)
    return Protected.by(synthesizer, protections, Real(train, prepared.reference, prepared.schema))


def _utility(parts: Parts, evaluation: Evaluation, *, needed: bool) -> Objective:
    try:
        return parts.objectives.utility(evaluation)
    except EvaluationError as reason:
        if needed:
            raise
        return Objective(0.0, 0.0, 0.0, component=f"{UNKNOWN}: {reason}")


def _risk(parts: Parts, evaluation: Evaluation, *, needed: bool) -> Objective:
    if needed:
        return parts.objectives.risk(evaluation)
    suite = Suite(parts.attacks, parts.objectives)
    found = suite.risk(suite.advantages(evaluation))
    return found or Objective(1.0, 0.0, 1.0, component=UNKNOWN)


def _membership(
    prepared: Prepared, is_member: NDArray[np.bool_], *, seed: int, left_out: bool
) -> Membership:
    """A row of each person of train and control, and whether the model saw it."""
    rng = child_rng(seed, "one row a group")
    pool, control = (prepared.one_row_a_group(name, rng) for name in ("train", "control"))
    pool = pool if left_out else pool[is_member[pool]]
    in_pool = np.arange(len(pool) + len(control)) < len(pool)
    members = np.zeros_like(in_pool)
    members[: len(pool)] = is_member[pool]
    tables = [prepared.train.iloc[pool], prepared.control.iloc[control]]
    return Membership(pd.concat(tables, ignore_index=True), members, in_pool)
