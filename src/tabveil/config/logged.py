"""How does a configuration become a trial that stands in its run?

Whoever trains comes here: `tabveil train`, a sweep's workers, and the confirmation's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tabveil import progress
from tabveil.config.build import build_parts
from tabveil.config.compose import Composition
from tabveil.data.prepared import Prepared
from tabveil.memo import Memo
from tabveil.pipeline import Parts, Trial, run_trial
from tabveil.tracking.runs import Run
from tabveil.trial_log import log_trial


@dataclass(frozen=True)
class Logged:
    """A trial in its run.

    Attributes:
        trial: what it gave.
        parts: what it was made of.
        saved: whether the run holds its generator.
    """

    trial: Trial
    parts: Parts
    saved: bool


def train_logged(
    composition: Composition,
    prepared: Prepared,
    run: Run,
    *,
    seed: int,
    shared: Memo | None = None,
    confirming: bool = False,
    number: int | None = None,
) -> Logged:
    """Build the parts, run the trial, log it whole. Raises as `build_parts` and `run_trial`.

    Args:
        composition: of the trial.
        prepared: the splits.
        run: that it is logged to.
        seed: of the trial.
        shared: what trials of this process may share.
        confirming: whether `control` is the release split.
        number: of the trial, for a program that watches.
    """
    parts = build_parts(composition)
    watched = progress.now_and_then("epoch", number=number)

    def on_epoch(epoch: int, losses: Mapping[str, float]) -> None:
        run.log_losses(epoch, losses)
        watched(epoch=epoch, losses=dict(losses))

    trial = run_trial(
        prepared,
        parts,
        seed=seed,
        on_epoch=on_epoch,
        shared=shared,
        confirming=confirming,
    )
    saved = log_trial(
        run,
        trial,
        prepared,
        params=composition.flat(),
        config=composition.to_yaml(),
        seed=seed,
        parts=parts,
    )
    return Logged(trial, parts, saved)
