"""Which RUNNING trials does nobody run any more?

Those that a driver on this host signed whose process is gone; those that nobody signed (their
driver died before it could, since asking and signing are one turn); and those of another host
without a sign of life for `storage.GRACE` seconds. A database's own clock times those signs, so
that the hosts' clocks need not agree. What was tried is queued again, once.
"""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from tabveil.search.books import OWNER, Books
from tabveil.search.records import ERROR
from tabveil.search.storage import BEAT
from tabveil.search.tasks import is_dead, is_elsewhere, owner

REQUEUED = "requeued_from"
"""On a trial whose values were tried before: one that is lost again has failed."""

_DIED = "its driver died"


def recover(
    study: optuna.Study,
    *,
    is_dead: Callable[[str], bool] = is_dead,
    except_numbers: Collection[int] | None = None,
    trials: Sequence[FrozenTrial] | None = None,
) -> list[int]:
    """Close the trials that nobody runs, and queue their values again; in a turn of `books`.

    Args:
        study: whose trials.
        is_dead: tells of an owner whether it has ended.
        except_numbers: the trials that this process runs; those that it signed and does not run
            (the storage failed in between) are orphans then. None: it has not begun.
        trials: all of the study, if they were read in this turn: reading a thousand that run
            takes a while.

    Returns:
        The numbers of the closed trials.
    """
    closed = []
    if trials is None:
        trials = study.get_trials(deepcopy=False)
    running = [trial for trial in trials if trial.state == TrialState.RUNNING]
    silent = _silent(study) if running else set()
    mine = set(except_numbers or ())
    for trial in running:
        signed = trial.user_attrs.get(OWNER, "")
        forgotten = except_numbers is not None and signed == owner()
        if trial.number in mine:
            continue
        # A storage without signs of life is of one machine: it had another name then.
        renamed = not _is_shared(study) and is_elsewhere(signed)
        if forgotten or renamed or is_dead(signed) or trial._trial_id in silent:
            if REQUEUED in trial.user_attrs and not forgotten:  # it may be what killed its drivers
                _close(study, trial, f"requeued before: {_DIED}")
            else:
                requeue(study, trial, _DIED)
            closed.append(trial.number)
    return closed


def requeue(study: optuna.Study, trial: FrozenTrial, why: str) -> None:
    """Close a RUNNING trial as failed, and queue its values again."""
    # Values that were queued and not drawn yet are no `params` so far.
    values: dict[str, Any] = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
    # Closed first: were we to die in between, a proposal would be lost, not run twice.
    _close(study, trial, f"requeued: {why}")
    if values:
        study.enqueue_trial(values, user_attrs={REQUEUED: trial.number})


def _close(study: optuna.Study, trial: FrozenTrial, why: str) -> None:
    live = optuna.Trial(study, trial._trial_id)
    live.set_user_attr(ERROR, why)
    study.tell(live, state=TrialState.FAIL)


def dead_owners(study: optuna.Study) -> set[str]:
    """Who signed trials that were closed for them, and runs none now."""
    trials = study.get_trials(deepcopy=False)
    busy = {t.user_attrs.get(OWNER) for t in trials if t.state == TrialState.RUNNING}
    closed = (f"requeued: {_DIED}", f"requeued before: {_DIED}")
    return {
        t.user_attrs[OWNER]
        for t in trials
        if t.user_attrs.get(ERROR) in closed and t.user_attrs.get(OWNER) not in (None, *busy)
    }


def ask(study: optuna.Study) -> optuna.Trial:
    """Ask for a trial; without the warning that only Optuna's own loop gives signs of life."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Heartbeat of storage")
        return study.ask()


def beat(study: optuna.Study, trial_id: int) -> None:
    """A sign of life of who runs a trial."""
    if _is_shared(study):
        study._storage.record_heartbeat(trial_id)  # type: ignore[attr-defined]


@contextlib.contextmanager
def beating(study: optuna.Study, running: Callable[[], list[int]]) -> Iterator[None]:
    """Give signs of life of the trials with the ids that `running` tells, from a thread."""
    ended = threading.Event()

    def live() -> None:
        while not ended.wait(BEAT):
            with contextlib.suppress(Exception):  # the next one may come through
                if isinstance(study._storage, Books):
                    study._storage.record_heartbeats(running())

    thread = threading.Thread(target=live, daemon=True)
    if _is_shared(study):
        thread.start()
    try:
        yield
    finally:
        ended.set()


def _is_shared(study: optuna.Study) -> bool:
    """Whether drivers on other hosts may use the storage: it then was opened with heartbeats."""
    interval = getattr(study._storage, "get_heartbeat_interval", lambda: None)()
    return interval is not None


def _silent(study: optuna.Study) -> set[int]:
    """Ids of RUNNING trials whose signs of life have ended, by the clock of the database."""
    if not _is_shared(study):
        return set()
    return set(study._storage._get_stale_trial_ids(study._study_id))  # type: ignore[attr-defined]
