"""How does a worker train a candidate again, and attack it on the release split?

One task is one model: `number` tells the candidate and the seed. What a model gave is kept under
the root, so that a confirmation that was interrupted goes on where it stopped, and does not open
the release split for nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tabveil import logs
from tabveil.config.compose import Composition
from tabveil.config.logged import train_logged
from tabveil.config.space import to_overrides
from tabveil.confirmation import Attempt, attempt
from tabveil.data.prepared import Prepared
from tabveil.errors import StoreAway, safe_summary
from tabveil.gate import Gate
from tabveil.memo import Memo
from tabveil.search.tasks import Outcome, Task, owner
from tabveil.seeding import child_seed
from tabveil.surroundings import FULL, is_full
from tabveil.tracking.runs import Runs

_ELSEWHERE = ("root", "out", "tracking", "executor", "sweep", "confirm", "gate", "ledger", "stores")
"""Sections that do not change what a model gives."""


@dataclass(frozen=True)
class Candidate:
    """A trial of the sweep that is to be confirmed."""

    number: int
    run_id: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class ConfirmWork:
    """Trains and attacks one model of a candidate, logged as a run nested under the candidate's.

    Attributes:
        composition: of the sweep, with the confirmation's evaluation.
        prepared: the splits, `release` in the place of `control`.
        candidates: by number of the trial.
        n_seeds: models a candidate.
        seed: of the whole command.
        code: a digest of this package's code.
        kept: folder of what models gave.
    """

    composition: Composition
    prepared: Prepared
    runs: Runs
    candidates: Mapping[int, Candidate]
    gate: Gate
    n_seeds: int
    seed: int
    code: str
    kept: Path
    shared: Memo = field(default_factory=Memo)

    def task(self, trial: int, index: int) -> Task:
        """The task of one model."""
        return Task(trial * self.n_seeds + index, self.candidates[trial].values)

    def place(self, trial: int, index: int) -> tuple[Path, str]:
        """Where a model's numbers are kept, and the digest of all that they depend on."""
        varied = self._varied(self.candidates[trial])
        flat = {
            key: value
            for key, value in varied.flat().items()
            if key.partition(".")[0] not in _ELSEWHERE
        }
        of = [flat, self._seed(trial, index), self.prepared.about.digest, self.code]
        text = json.dumps([*of, self.gate.k, self.gate.rare_below], sort_keys=True, default=str)
        return self.kept / f"{trial:05d}-{index}.json", hashlib.sha256(text.encode()).hexdigest()

    def found(self, trial: int, index: int) -> Attempt | None:
        """What an earlier command measured of this very model; None if none did."""
        path, of = self.place(trial, index)
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            return Attempt.from_dict(kept["attempt"]) if kept["of"] == of else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def __call__(self, task: Task) -> Outcome:
        """Run the task; a failure is an outcome too."""
        trial, index = divmod(task.number, self.n_seeds)
        with logs.bind(trial=trial, model=index):
            return self._outcome(task, trial, index)

    def _outcome(self, task: Task, trial: int, index: int) -> Outcome:
        started = time.monotonic()
        try:
            made = self._run(trial, index)
        except StoreAway as error:
            return Outcome(task.number, "stopped", error=str(error))
        except Exception as error:  # one model's failure leaves the others to go on
            if is_full(error):
                return Outcome(task.number, "stopped", error=FULL)
            seconds = time.monotonic() - started
            return Outcome(
                task.number, "failed", about={"seconds": seconds}, error=safe_summary(error)
            )
        told = {"seconds": time.monotonic() - started, "attempt": made.to_dict()}
        return Outcome(task.number, "complete", made.utility, about=told)

    def _run(self, number: int, index: int) -> Attempt:
        candidate = self.candidates[number]
        composition = self._varied(candidate)
        seed = self._seed(number, index)
        name = f"confirm {number:04d} seed {index}"
        parent = candidate.run_id
        with (
            self.runs.start("confirmation", name, owner=owner(), parent_id=parent) as run,
            logs.bind(run=run.run_id),
        ):
            logs.event("model begins")
            trained = train_logged(
                composition, self.prepared, run, seed=seed, shared=self.shared, confirming=True
            )
            made = attempt(
                trained.trial,
                trained.parts,
                self.gate,
                groups=self.prepared.groups["control"],
                number=number,
                index=index,
                seed=seed,
                run_id=run.run_id,
            )
            made = replace(made, saved=trained.saved)
        self._keep(made)
        return made

    def _varied(self, candidate: Candidate) -> Composition:
        return self.composition.varied(to_overrides(candidate.values))

    def _seed(self, number: int, index: int) -> int:
        return child_seed(self.seed, "confirm", number, index)

    def _keep(self, made: Attempt) -> None:
        path, of = self.place(made.trial, made.index)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        text = json.dumps({"of": of, "attempt": made.to_dict()})
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
