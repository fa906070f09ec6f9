"""`tabveil sweep`: a study, resumed if it exists; the front, registered, at its end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabveil.commands.prepare import prepared_table
from tabveil.commands.register import register_front, show_front, store_overrides
from tabveil.config.build import build_executor, build_parts
from tabveil.config.compose import Composition
from tabveil.config.settings import Base, SweepSettings, Tracking, read
from tabveil.config.space import parse_space, to_overrides
from tabveil.config.work import TrialWork
from tabveil.data.prepared import Prepared
from tabveil.errors import TrackingError
from tabveil.pipeline import log_inputs
from tabveil.report.canvas import save
from tabveil.report.terminal import SweepProgress, say
from tabveil.search.exports import draw_front, export, summarise
from tabveil.search.records import Record, records
from tabveil.search.space import Space
from tabveil.search.study import (
    Identity,
    Sampler,
    Study,
    Sweep,
    note_sweep_run,
    open_study,
    recover,
    sweep_run_id,
)
from tabveil.search.tasks import Executor, Outcome, is_dead, owner
from tabveil.tracking.links import comparison_url, ui_command
from tabveil.tracking.runs import Run, Runs
from tabveil.tracking.store import open_tracking, prepare_store

# Keys that do not change what a trial gives: where things are kept, where and how long it runs.
_NOT_IDENTITY = ("root", "out", "tracking", "executor", "sweep", "prepared", "dataset.path")


@dataclass(frozen=True)
class Plan:
    """What a sweep's configuration says, checked before anything is written."""

    base: Base
    settings: SweepSettings
    space: Space
    uri: str
    experiment: str
    out: Path

    @classmethod
    def read(cls, composition: Composition) -> Plan:
        """Read and check the configuration, and reach the tracking store."""
        base, tracking = read(composition, Base), read(composition, Tracking, "tracking")
        settings = read(composition, SweepSettings, "sweep")
        space = parse_space(composition.space or settings.space)
        _check_space(composition, space)
        build_executor(composition)
        return cls(
            base=base,
            settings=settings,
            space=space,
            uri=open_tracking(tracking.uri, root=base.root),
            experiment=tracking.experiment or settings.study,
            out=base.out or base.root / "sweeps" / settings.study,
        )

    def open_study(self, composition: Composition, prepared: Prepared) -> Study:
        """Open the study of this plan, which must be the same one if it exists."""
        return open_study(
            name=self.settings.study,
            storage=self.settings.storage_in(self.base.root),
            identity=Identity(
                self.space, prepared.about.digest, identity_config(composition, self.space)
            ),
            sampler=Sampler(self.settings.sampler, self.settings.n_startup_trials),
            seed=self.base.seed,
        )


def run(composition: Composition) -> None:
    """Run the study to its target, then show, export and register its front."""
    plan = Plan.read(composition)
    prepared = prepared_table(composition)
    study = plan.open_study(composition, prepared)
    runs = Runs(plan.uri, prepare_store(plan.uri, plan.experiment, root=plan.base.root))
    recover(study)
    with _parent_run(runs, study, plan, composition) as parent:
        log_inputs(parent, prepared, composition.to_yaml())
        work = TrialWork(composition, prepared, runs, parent.run_id)
        try:
            _run_trials(plan, study, build_executor(composition), work)
        finally:
            # Workers that were stopped in mid-trial could not close their own runs.
            runs.kill_orphans(is_dead, except_ids=[parent.run_id])
            export(records(study), plan.out, study=plan.settings.study)
        _log_results(parent, plan, records(study))
    show_front(records(study), study=plan.settings.study)
    if plan.settings.register:
        where = store_overrides(composition)
        register_front(records(study), plan.uri, plan.settings, where=where)
    _say_where(plan, runs, parent)


@contextlib.contextmanager
def _parent_run(runs: Runs, study: Study, plan: Plan, composition: Composition) -> Iterator[Run]:
    """The sweep's own run: the one it had before, if the study is resumed and it is there."""
    run_id = sweep_run_id(study)
    runs.kill_orphans(is_dead, except_ids=[run_id] if run_id else [])
    run = None
    if run_id is not None:
        with contextlib.suppress(TrackingError):  # another store, or a deleted run: start anew
            run = runs.resume(run_id, owner=owner())
    if run is None:
        params = {k: v for k, v in composition.flat().items() if k != "sweep.trials"}
        tags = {"study": plan.settings.study}
        run = runs.start_sweep(plan.settings.study, owner=owner(), params=params, tags=tags)
        note_sweep_run(study, run.run_id)
    with run:
        yield run


def _run_trials(plan: Plan, study: Study, executor: Executor, work: TrialWork) -> None:
    sweep = Sweep(study, plan.space, plan.settings.trials, plan.settings.max_failures)
    done, target = sweep.n_complete(), plan.settings.trials
    with SweepProgress(plan.settings.study, done=done, target=target) as progress:

        def on_outcome(outcome: Outcome, n_complete: int) -> None:
            progress.trial(_describe(outcome), done=n_complete)

        sweep.run(executor, work, on_outcome)


def _describe(outcome: Outcome) -> str:
    seconds = outcome.about.get("seconds", 0.0)
    if outcome.state != "complete":
        return f"trial {outcome.number} {outcome.state}: {outcome.error}"
    return (
        f"trial {outcome.number}: utility {outcome.utility:.3f}, risk {outcome.risk:.3f} "
        f"(at most {outcome.about['risk_high']:.3f}), {seconds:.0f} s"
    )


def _log_results(parent: Run, plan: Plan, ended: list[Record]) -> None:
    save(draw_front(ended, title=plan.settings.study), plan.out / "front")
    parent.log(metrics={f"sweep/{key}": value for key, value in summarise(ended).items()})
    parent.log_artifacts(plan.out)


def _say_where(plan: Plan, runs: Runs, parent: Run) -> None:
    say(f"Trials, front and plots as files:  {plan.out}")
    command = ui_command(plan.uri)
    if command is not None:
        say(f"MLflow's page over this store:     {command}")
    url = comparison_url(plan.uri, runs.experiment_id, parent_id=parent.run_id)
    say(f"The trials compared, best first:   {url}")


def _check_space(composition: Composition, space: Space) -> None:
    """Compose one trial: a key of the space that no config has is said before the study starts."""
    first = {key: d.choices[0] if d.choices else d.low for key, d in space.items()}
    build_parts(composition.varied(to_overrides(first)))


def identity_config(composition: Composition, space: Space) -> dict[str, Any]:
    """The flat configuration less what the space draws and what does not shape a trial."""

    def within(key: str, name: str) -> bool:
        return key == name or key.startswith(f"{name}.")

    return {
        key: value
        for key, value in composition.flat().items()
        if not any(within(key, name) for name in (*_NOT_IDENTITY, *space))
    }
