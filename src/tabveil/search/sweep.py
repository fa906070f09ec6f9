"""How does a sweep reach its target, whatever dies on the way?

Optuna proposes, executors run, this file keeps the books: it asks for trials while workers are
free, tells the outcomes as they come, and stops when the target number of trials is COMPLETE.
The study is stored; the same call again resumes it. Only drivers talk to the study, and several
may work on one: each asks only while what is complete and what anybody runs is less than the
target, so that together they reach it exactly, and takes over what a dead one leaves.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import optuna
from optuna.trial import FrozenTrial, TrialState

from tabveil.errors import StoreAway, StudyError
from tabveil.search.books import OWNER
from tabveil.search.orphans import REQUEUED, ask, beat, beating, recover, requeue
from tabveil.search.records import ABOUT, ERROR
from tabveil.search.space import Space, suggest
from tabveil.search.storage import Turns, steadily
from tabveil.search.tasks import Executor, Outcome, Session, Task, Work, owner
from tabveil.surroundings import in_a_hurry, tell

_LOOK = 2.0
"""Seconds between two looks at what other drivers still run."""

Running = dict[int, optuna.Trial]


@dataclass
class Sweep:
    """A study on its way to `target` completed trials."""

    study: optuna.Study
    space: Space
    target: int
    max_failures: int
    """Failures in a row after which the sweep gives up: something is wrong with all trials."""
    turns: Turns | None = None
    """The turns that drivers take; None: nobody else works on the study."""
    _waits: bool = field(default=False, init=False)
    _done: int = field(default=0, init=False)
    """Complete trials, as far as this driver has seen."""

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
            StoreAway: a store is away for good, or a disk is full.
        """
        if self.n_complete() >= self.target:
            return
        running: Running = {}
        try:
            with (
                beating(self.study, lambda: [trial._trial_id for trial in [*running.values()]]),
                executor.open(work) as session,
            ):
                self._run(session, running, on_outcome)
        except BaseException:
            # An interrupted sweep leaves no trial RUNNING, nor what was asked for and not signed
            # yet: their values are tried again on resume. A store that is away is not waited for;
            # then the next command closes what is left.
            with in_a_hurry(), contextlib.suppress(StoreAway):
                self._give_back(running)
            raise
        if running:
            self._give_back(running)

    def _run(
        self, session: Session, running: Running, on_outcome: Callable[[Outcome, int], None]
    ) -> None:
        failures = 0
        while True:
            # One at a time, so that the first worker does not wait until the last has work, and
            # no other driver for long.
            while len(running) < session.n_workers:
                task = steadily(partial(self._ask, running))
                if task is None:
                    break
                session.submit(task)
            if self._done >= self.target:
                return
            if not running:
                self._wait_for_others()
                continue
            outcome = session.wait()
            outcome = steadily(partial(self._tell, running[outcome.number], outcome))
            del running[outcome.number]
            self._done += outcome.state == "complete"
            failures = 0 if outcome.state == "complete" else failures + 1
            on_outcome(outcome, self._done)
            if outcome.state == "stopped":
                raise StoreAway(f"trial {outcome.number} was stopped: {outcome.error}")
            if failures >= self.max_failures:
                raise StudyError(
                    f"{failures} trials in a row failed, the last (trial {outcome.number}) with: "
                    f"{outcome.error}"
                )

    def n_complete(self) -> int:
        """How many trials are COMPLETE."""
        return steadily(lambda: len(self._trials(TrialState.COMPLETE)))

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=states)

    def _turn(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self.turns is None else self.turns.books()

    def _ask(self, running: Running) -> Task | None:
        """Ask for a trial and sign it; None where all up to the target are done or under way.

        May be done again when the storage failed in the middle: a trial that was asked for or
        signed in vain is recovered.
        """
        with self._turn():
            trials = self.study.get_trials(deepcopy=False)
            closed = recover(self.study, except_numbers=running, trials=trials)
            states = [trial.state for trial in trials]
            self._done = states.count(TrialState.COMPLETE)
            if self._done + states.count(TrialState.RUNNING) - len(closed) >= self.target:
                return None
            trial = ask(self.study)
            beat(self.study, trial._trial_id)
            task = Task(trial.number, suggest(self.space, trial))
            trial.set_user_attr(OWNER, owner())
            running[trial.number] = trial
            return task

    def _tell(self, trial: optuna.Trial, outcome: Outcome) -> Outcome:
        """Tell the study; what it has made of the outcome. May be done twice."""
        with self._turn():
            now = self.study._storage.get_trial(trial._trial_id)
            if now.state == TrialState.RUNNING:
                self._close(trial, now, outcome)
            elif now.state == TrialState.FAIL and outcome.state == "complete":
                given_up = "another driver had taken this one for dead and queued its values again"
                return replace(outcome, state="lost", error=given_up)
        return outcome

    def _close(self, trial: optuna.Trial, now: FrozenTrial, outcome: Outcome) -> None:
        trial.set_user_attr(ABOUT, dict(outcome.about))
        lost_once = outcome.state == "lost" and REQUEUED not in now.user_attrs
        if outcome.state == "complete":
            assert outcome.utility is not None
            assert outcome.risk is not None
            self.study.tell(trial, [outcome.utility, outcome.risk])
        elif outcome.state == "stopped" or lost_once:
            requeue(self.study, now, str(outcome.error))
        else:
            trial.set_user_attr(ERROR, outcome.error)
            self.study.tell(trial, state=TrialState.FAIL)

    def _wait_for_others(self) -> None:
        if not self._waits:
            tell("what is left of the target is run by other drivers of this study; waiting")
        self._waits = True
        time.sleep(_LOOK)

    def _give_back(self, running: Running) -> None:
        """Close what still runs here, and queue it again."""

        def close() -> None:
            with self._turn():
                for trial in self._trials(TrialState.RUNNING):
                    if trial.number in running:
                        requeue(self.study, trial, "the sweep was interrupted")
                recover(self.study, except_numbers=())

        try:
            steadily(close)
        finally:
            running.clear()
