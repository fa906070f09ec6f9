"""How does a worker turn a task into a logged trial?

A `TrialWork` travels to the worker once, with the splits; each task then costs one composition
of the configuration (about 60 ms) and the trial itself. Whatever a trial fails with is recorded
and the sweep goes on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from tabveil import logs
from tabveil.config.compose import Composition
from tabveil.config.logged import train_logged
from tabveil.config.settings import Base, read
from tabveil.config.space import FAMILY, to_overrides
from tabveil.data.prepared import Prepared
from tabveil.errors import StoreAway, safe_summary
from tabveil.memo import Memo
from tabveil.search.tasks import Outcome, Task, owner
from tabveil.seeding import child_seed
from tabveil.surroundings import FULL, is_full
from tabveil.tracking.runs import FAMILY_TAG, Runs


@dataclass(frozen=True)
class TrialWork:
    """Runs one task of a sweep, logged as a run nested under the sweep's."""

    composition: Composition
    prepared: Prepared
    runs: Runs
    parent_id: str
    shadows: Path
    """Where each trial leaves what its attacks saw, for the others to be compared with."""
    shared: Memo = field(default_factory=Memo)

    def __call__(self, task: Task) -> Outcome:
        """Run the task; a failure is an outcome too."""
        with logs.bind(sweep=self.parent_id, trial=task.number):
            return self._outcome(task)

    def _outcome(self, task: Task) -> Outcome:
        started = time.monotonic()
        try:
            outcome = self._run(task, started)
        except StoreAway as error:
            return Outcome(task.number, "stopped", error=str(error))
        except Exception as error:  # any other failure is this trial's own, never the sweep's
            if is_full(error):
                return Outcome(task.number, "stopped", error=FULL)
            seconds = time.monotonic() - started
            return Outcome(
                task.number, "failed", about={"seconds": seconds}, error=safe_summary(error)
            )
        return outcome

    def _run(self, task: Task, started: float) -> Outcome:
        tags = {f"space.{key}": value for key, value in task.values.items()}
        tags[FAMILY_TAG] = str(task.values.get(FAMILY, self.composition.choices.get(FAMILY, "")))
        with (
            self.runs.start_trial(self.parent_id, task.number, owner=owner(), tags=tags) as run,
            logs.bind(run=run.run_id),
        ):
            logs.event("trial begins")
            composition = self.composition.varied(to_overrides(task.values))
            seed = child_seed(read(composition, Base).seed, "trial", task.number)
            made = train_logged(
                composition,
                self.prepared,
                run,
                seed=seed,
                shared=self.shared,
                number=task.number,
            )
            trial = made.trial
            if trial.shadow is not None:
                trial.shadow.save(self.shadows / f"{task.number:05d}.npz")
        components = made.parts.objectives.advantages(trial.evaluation)
        about = {
            "run_id": run.run_id,
            "saved": made.saved,
            "seconds": round(time.monotonic() - started, 3),
            "seed": seed,
            "data_digest": self.prepared.about.digest,
            "risk_low": trial.risk.low,
            "risk_high": trial.risk.high,
            "component": trial.risk.component,
            "components": {key: [one.value, one.se, one.above] for key, one in components.items()},
        }
        return Outcome(task.number, "complete", trial.utility.value, trial.risk.value, about=about)
