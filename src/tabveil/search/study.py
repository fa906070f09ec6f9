"""How does a sweep reach its target, whatever dies on the way?

Optuna proposes, executors run, this file keeps the books: it asks for trials while workers are
free, tells the outcomes as they come, and stops when the target number of trials is COMPLETE.
The study is stored; the same call again resumes it. Only the driver talks to the study.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState

from tabveil.errors import ConfigError, StudyError
from tabveil.search.records import ABOUT, ERROR
from tabveil.search.space import Space, describe, suggest
from tabveil.search.tasks import Executor, Outcome, Session, Task, Work, is_dead, owner

_OWNER, _IDENTITY = "owner", "identity"
_REQUEUED = "requeued_from"
"""On a trial whose values were tried before: one that is lost again has failed."""

Study = optuna.Study


@dataclass(frozen=True)
class Sampler:
    """How the next trial is proposed.

    `tpe`: multivariate TPE, milliseconds a trial, the default. `gp`: a Gaussian process, about
    half a second a trial, better when trials take minutes. `nsga2`, `random`.
    """

    name: str = "tpe"
    n_startup_trials: int = 10

    def build(self, space: Space, seed: int) -> optuna.samplers.BaseSampler:
        """Make Optuna's sampler. Raises ConfigError for a name that is not known."""
        makers: dict[str, Callable[[], optuna.samplers.BaseSampler]] = {
            "tpe": lambda: optuna.samplers.TPESampler(
                multivariate=True, n_startup_trials=self.n_startup_trials, seed=seed
            ),
            "gp": lambda: optuna.samplers.GPSampler(
                n_startup_trials=self.n_startup_trials, seed=seed
            ),
            "nsga2": lambda: optuna.samplers.NSGAIISampler(
                population_size=max(2, self.n_startup_trials), seed=seed
            ),
            "random": lambda: optuna.samplers.RandomSampler(seed=seed),
        }
        if self.name not in makers:
            raise ConfigError(f"sweep.sampler={self.name!r} is not one of {', '.join(makers)}")
        if not space:
            raise ConfigError("the search space is empty: give sweep.space at least one key")
        return makers[self.name]()


@dataclass(frozen=True)
class Identity:
    """What makes trials comparable: a stored study accepts only trials of the same identity."""

    space: Space
    data_digest: str
    config: Mapping[str, Any] = field(default_factory=dict)
    """Everything else that shapes a trial's result, flat: key -> value."""

    def to_json(self) -> dict[str, Any]:
        """Plain data, as stored with the study."""
        identity = {
            "space": describe(self.space),
            "data_digest": self.data_digest,
            "config": dict(self.config),
        }
        loaded: dict[str, Any] = json.loads(json.dumps(identity))
        return loaded

    def digest(self, code: str) -> str:
        """Eight hex digits that change with the identity and with the code's own digest."""
        text = json.dumps([self.to_json(), code], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


def open_study(
    *, name: str, storage: str, identity: Identity, sampler: Sampler, seed: int
) -> optuna.Study:
    """Create the study, or load it and check that it is the same one.

    Raises:
        StudyError: the stored study has another space, data or configuration, or the storage
            cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler.build(identity.space, seed)  # a wrong name must not leave an empty study behind
    try:
        study = optuna.create_study(
            study_name=name,
            storage=storage,
            directions=["maximize", "minimize"],
            load_if_exists=True,
        )
    except Exception as error:  # whatever the database driver raises
        raise _unreachable(error) from error
    stored = study.user_attrs.get(_IDENTITY)
    if stored is None or not study.get_trials(deepcopy=False):
        study.set_user_attr(_IDENTITY, identity.to_json())
    else:
        _check_identity(name, stored, identity.to_json())
    # Seeded by what is already there: a resumed study does not propose its first trials again.
    study.sampler = sampler.build(identity.space, seed + len(study.get_trials(deepcopy=False)))
    return study


def load_study(name: str, storage: str, identity: Identity) -> optuna.Study:
    """Open a study that must exist, and must be the same one. Raises StudyError otherwise."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    file = _sqlite_file(storage)
    if file is not None and not file.exists():  # Optuna would make one
        raise StudyError(f"there is no study {name!r} here; run `tabveil sweep` first")
    try:
        study = optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        raise StudyError(f"there is no study {name!r} here; run `tabveil sweep` first") from None
    except Exception as error:  # whatever the database driver raises
        raise _unreachable(error) from error
    _check_identity(name, study.user_attrs.get(_IDENTITY) or {}, identity.to_json())
    return study


def _sqlite_file(storage: str) -> Path | None:
    return Path(storage.removeprefix("sqlite:///")) if storage.startswith("sqlite:///") else None


def _unreachable(error: Exception) -> StudyError:
    return StudyError(
        f"cannot open the study storage ({type(error).__name__}); check sweep.storage"
    )


def _check_identity(name: str, stored: dict[str, Any], now: dict[str, Any]) -> None:
    changed = [
        f"{part}: {key}"
        for part in ("space", "config")
        for key in _differing_keys(stored.get(part, {}), now[part])
    ]
    if stored.get("data_digest") != now["data_digest"]:
        changed.append("the table, its schema or its split")
    if changed:
        raise StudyError(
            f"study {name!r} was made with different settings ({'; '.join(changed[:6])}"
            f"{'; …' if len(changed) > 6 else ''}), and its trials cannot be compared with new "
            f"ones; give this sweep another name (sweep.study=…) or restore the settings"
        )


def _differing_keys(stored: dict[str, Any], now: dict[str, Any]) -> list[str]:
    return sorted(key for key in {*stored, *now} if stored.get(key) != now.get(key))


def noted(study: optuna.Study, name: str) -> Any:
    """What `note` kept under a name, or None."""
    return study.user_attrs.get(f"note.{name}")


def note(study: optuna.Study, name: str, value: Any) -> None:
    """Keep a JSON-able fact with the study, such as the tracking run of its sweep."""
    study.set_user_attr(f"note.{name}", value)


def recover(study: optuna.Study, *, is_dead: Callable[[str], bool] = is_dead) -> list[int]:
    """Close the RUNNING trials whose driver is dead, and queue their values again.

    Returns:
        The numbers of the closed trials.
    """
    closed = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if is_dead(trial.user_attrs.get(_OWNER, "")):
            _requeue(study, optuna.Trial(study, trial._trial_id), "its driver died")
            closed.append(trial.number)
    return closed


def _requeue(study: optuna.Study, trial: optuna.Trial, why: str) -> None:
    trial.set_user_attr(ERROR, f"requeued: {why}")
    study.tell(trial, state=TrialState.FAIL)
    if trial.params:
        study.enqueue_trial(trial.params, user_attrs={_REQUEUED: trial.number})


@dataclass
class Sweep:
    """A study on its way to `target` completed trials."""

    study: optuna.Study
    space: Space
    target: int
    max_failures: int
    """Failures in a row after which the sweep gives up: something is wrong with all trials."""

    def run(
        self, executor: Executor, work: Work, on_outcome: Callable[[Outcome, int], None]
    ) -> None:
        """Run trials until the target is reached.

        Args:
            executor: where they run.
            work: runs one trial; never raises.
            on_outcome: called after each told outcome, with the number of completed trials.

        Raises:
            StudyError: `max_failures` trials in a row failed.
        """
        if self.n_complete() >= self.target:
            return
        running: dict[int, optuna.Trial] = {}
        try:
            with executor.open(work) as session:
                self._run(session, running, on_outcome)
        finally:
            # An interrupted sweep leaves no trial RUNNING: its values are tried again on resume.
            open_trials = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            for number in {trial.number for trial in open_trials} & set(running):
                _requeue(self.study, running[number], "the sweep was interrupted")

    def _run(
        self,
        session: Session,
        running: dict[int, optuna.Trial],
        on_outcome: Callable[[Outcome, int], None],
    ) -> None:
        failures = 0
        while (n_complete := self.n_complete()) < self.target:
            while len(running) < min(session.n_workers, self.target - n_complete):
                trial = self.study.ask()
                running[trial.number] = trial
                trial.set_user_attr(_OWNER, owner())
                session.submit(Task(trial.number, suggest(self.space, trial)))
            outcome = session.wait()
            self._tell(running[outcome.number], outcome)
            del running[outcome.number]
            failures = 0 if outcome.state == "complete" else failures + 1
            on_outcome(outcome, self.n_complete())
            if failures >= self.max_failures:
                raise StudyError(
                    f"{failures} trials in a row failed, the last (trial {outcome.number}) with: "
                    f"{outcome.error}"
                )

    def n_complete(self) -> int:
        """How many trials are COMPLETE."""
        return len(self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))

    def _tell(self, trial: optuna.Trial, outcome: Outcome) -> None:
        trial.set_user_attr(ABOUT, dict(outcome.about))
        if outcome.state == "complete":
            assert outcome.utility is not None
            assert outcome.risk is not None
            self.study.tell(trial, [outcome.utility, outcome.risk])
        elif outcome.state == "lost" and _REQUEUED not in trial.user_attrs:
            _requeue(self.study, trial, str(outcome.error))
        else:
            trial.set_user_attr(ERROR, outcome.error)
            self.study.tell(trial, state=TrialState.FAIL)
