"""How is a study read quickly while a thousand of its trials run?

Optuna keeps what it has read of trials that have ended, and reads those that run anew each time,
several times a trial: with a thousand of them that takes seconds. But a trial that a driver has
signed does not change until it ends: its values were drawn in the same turn (`sweep.py`). So it is
read once, and then only its state is looked at. Likewise all signs of life of a driver are one
statement.

This stands on Optuna's own cache, which is not part of its documented interface; its version is
bounded in pyproject.toml.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

import sqlalchemy as sa
from optuna.storages import RDBStorage
from optuna.storages._cached_storage import _CachedStorage, _StudyInfo
from optuna.storages._rdb.models import TrialHeartbeatModel, TrialModel
from optuna.trial import FrozenTrial, TrialState

OWNER = "owner"
"""Under this name a trial keeps the driver that runs it (`tasks.owner`)."""
_OPEN = (TrialState.RUNNING, TrialState.WAITING)


class Books(_CachedStorage):
    """Optuna's cache over a database, for trials that are signed with `OWNER`."""

    _backend: RDBStorage

    def __init__(self, backend: RDBStorage) -> None:
        """Wrap a database."""
        super().__init__(backend)
        self._newest: dict[int, int] = {}
        """Of each study the highest id up to which all trials have been read."""

    def record_heartbeats(self, trial_ids: Collection[int]) -> None:
        """Signs of life of trials that have given one before."""
        if not trial_ids:
            return
        beats = sa.update(TrialHeartbeatModel).where(TrialHeartbeatModel.trial_id.in_(trial_ids))
        with self._backend.engine.begin() as connection:
            connection.execute(beats.values(heartbeat=sa.func.now()))

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        beat = TrialHeartbeatModel
        running = sa.and_(TrialModel.study_id == study_id, TrialModel.state == TrialState.RUNNING)
        of_trial = beat.trial_id == TrialModel.trial_id
        with self._backend.engine.connect() as connection:
            now = connection.execute(sa.select(sa.func.now())).scalar_one().replace(tzinfo=None)
            limit = now - timedelta(seconds=self._backend.grace_period or 0)
            query = sa.select(beat.trial_id).join(TrialModel, of_trial).where(running)
            return list(connection.execute(query.where(beat.heartbeat < limit)).scalars())

    def _read_trials_from_remote_storage(self, study_id: int) -> None:
        with self._lock:
            info = self._studies.setdefault(study_id, _StudyInfo())
            known = {trial._trial_id: trial for trial in info.trials.values()}
            again = (
                self._changed(study_id, known, info.unfinished_trial_ids) if known else set[int]()
            )
            newest = self._newest.get(study_id, -1)
            for trial in self._backend._get_trials(study_id, None, again, newest):
                self._newest[study_id] = max(self._newest.get(study_id, -1), trial._trial_id)
                self._add_trials_to_cache(study_id, [trial])
                if trial.state.is_finished():
                    info.unfinished_trial_ids.discard(trial._trial_id)
                    info.last_finished_trial_id = max(info.last_finished_trial_id, trial._trial_id)
                else:
                    info.unfinished_trial_ids.add(trial._trial_id)

    def _changed(
        self, study_id: int, known: dict[int, FrozenTrial], unfinished: Collection[int]
    ) -> set[int]:
        """Ids of trials that must be read: not known yet, not signed yet, or in another state."""
        here = sa.and_(TrialModel.study_id == study_id, TrialModel.state.in_(_OPEN))
        with self._backend.engine.connect() as connection:
            query = sa.select(TrialModel.trial_id, TrialModel.state).where(here)
            states = {row[0]: row[1] for row in connection.execute(query)}
        changed = {one for one in unfinished if not _is_settled(known[one], states.get(one))}
        return changed | (states.keys() - known.keys())


def _is_settled(trial: FrozenTrial, state: TrialState | None) -> bool:
    """Whether nothing can have changed of a trial, which is in this state now."""
    is_signed = trial.state == TrialState.WAITING or OWNER in trial.user_attrs
    return is_signed and trial.state == state
