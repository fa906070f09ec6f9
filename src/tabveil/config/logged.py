"""How does a configuration become a trial that stands in its run?

Whoever trains comes here: `tabveil train`, a sweep's workers, and the confirmation's.
"""

from __future__ import annotations

from dataclasses import dataclass

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
) -> Logged:
    """Build the parts, run the trial, log it whole. Raises as `build_parts` and `run_trial`."""
    parts = build_parts(composition)
    trial = run_trial(
        prepared,
        parts,
        seed=seed,
        on_epoch=run.log_losses,
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
