"""What is known of a study's trials once they have ended?

Optuna keeps values and parameters; what else a trial told (bounds, run id, seconds, errors) is
kept as its user attributes, under the names below. What its risk is once the other trials serve
as its shadows is known only when Optuna has closed the trial; the study keeps that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from tabveil.search.pareto import Point
from tabveil.search.storage import steadily

ABOUT, ERROR = "about", "error"
SHADOWS = "shadows"
"""Under this name the study notes the risks that the trials have with the others as shadows."""


@dataclass(frozen=True)
class Record:
    """A stored trial, as exports and plots need it."""

    number: int
    state: str
    utility: float | None
    risk: float | None
    """With the other trials as shadows where they could be; what the sampler saw until then."""
    values: Mapping[str, Any]
    about: Mapping[str, Any]
    error: str | None

    @property
    def point(self) -> Point:
        """The trial as the front sees it; only for completed trials."""
        assert self.utility is not None
        assert self.risk is not None
        low, high = (float(self.about.get(f"risk_{end}", self.risk)) for end in ("low", "high"))
        return Point(self.number, self.utility, self.risk, low, high)


def records(study: optuna.Study) -> list[Record]:
    """All trials that have ended, by number."""
    ended = (TrialState.COMPLETE, TrialState.FAIL)
    noted = steadily(lambda: study.user_attrs.get(f"note.{SHADOWS}", {}))
    trials = steadily(lambda: study.get_trials(deepcopy=False, states=ended))
    shadows = noted.get("risks", {})
    return [_record(trial, shadows.get(str(trial.number), {})) for trial in trials]


def _record(trial: FrozenTrial, shadowed: Mapping[str, Any]) -> Record:
    utility, risk = trial.values if trial.state == TrialState.COMPLETE else (None, None)
    if shadowed and risk is not None:
        risk = shadowed["risk"]
    return Record(
        number=trial.number,
        state=trial.state.name.lower().replace("fail", "failed"),
        utility=utility,
        risk=risk,
        values=trial.params,
        about={**trial.user_attrs.get(ABOUT, {}), **shadowed},
        error=trial.user_attrs.get(ERROR),
    )
