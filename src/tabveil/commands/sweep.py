"""`tabveil sweep`: a study, resumed if it exists; its front at the end."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tabveil import logs, progress
from tabveil.commands.front import next_command, show_front, study_overrides
from tabveil.commands.landmarks import NOTES, measure_landmarks, say_landmarks
from tabveil.commands.plan import Plan
from tabveil.commands.shadows import recalibrate, shadow_directory
from tabveil.config.build import build_executor
from tabveil.config.compose import Composition
from tabveil.config.space import FAMILY, family_of, override_key
from tabveil.config.work import TrialWork
from tabveil.errors import StoreAway, TabveilError, TrackingError
from tabveil.report.canvas import save
from tabveil.report.plots import Landmark
from tabveil.report.terminal import SweepProgress, say
from tabveil.search.exports import FILES, draw_front, export, summarise
from tabveil.search.orphans import dead_owners, recover
from tabveil.search.overview import TARGET
from tabveil.search.records import Record, records
from tabveil.search.storage import steadily
from tabveil.search.study import Study, note, noted
from tabveil.search.sweep import Sweep
from tabveil.search.tasks import Outcome, is_dead, owner
from tabveil.surroundings import in_a_hurry
from tabveil.tracking.links import share_comparison, ui_command
from tabveil.tracking.runs import Run, Runs
from tabveil.tracking.store import prepare_store
from tabveil.trial_log import log_inputs

_RUN = "run_id"
"""Under this name the study keeps the tracking run of its sweep."""


def run(composition: Composition) -> None:
    """Run the study to its target, then show and export its front."""
    plan = Plan.read(composition)
    study = plan.open_study()
    landmarks = measure_landmarks(plan, study)  # a table that cannot be scored fails here, early
    for one in landmarks:
        progress.note("landmark", name=one.name, utility=one.utility, risk=one.shown)
    for text in noted(study, NOTES) or ():
        say(f"Note: {text}")
    with plan.turns.results():
        runs = Runs(plan.uri, prepare_store(plan.uri, plan.experiment, root=plan.base.root))
    with plan.turns.books():
        steadily(lambda: recover(study))
    with (
        _parent_run(runs, study, plan) as parent,
        logs.bind(study=plan.settings.study, sweep=parent.run_id),
    ):
        with plan.turns.results():
            log_inputs(parent, plan.prepared, composition.to_yaml())
        with _tidied(runs, study, plan, parent):
            kept = shadow_directory(plan.base.root, plan.settings.study)
            _run_trials(
                plan, study, TrialWork(composition, plan.prepared, runs, parent.run_id, kept)
            )
            progress.note("stage", name="shadows")
            with plan.turns.results():
                recalibrate(plan, study)
        with plan.turns.results():
            ended = records(study)
            _log_results(parent, plan, ended, landmarks)
    show_front(ended, study=plan.settings.study)
    say_landmarks(landmarks)
    _say_where(plan, runs, parent)
    say("Not confirmed yet: a sweep picks, in part, the luckiest. To confirm, and to release:")
    say(f"  {next_command(composition, 'confirm', study_overrides(composition))}")


@contextlib.contextmanager
def _tidied(runs: Runs, study: Study, plan: Plan, parent: Run) -> Iterator[None]:
    """Close what is left open, and export what there is, however the block is left."""

    def tidy() -> None:
        # Workers that were stopped in mid-trial could not close their own runs; on other
        # machines these are in our name.
        me, gone = owner(), steadily(lambda: dead_owners(study))
        ended = records(study)
        runs.kill_orphans(lambda o: o == me or o in gone or is_dead(o), except_ids=[parent.run_id])
        told = {one.about.get("run_id") for one in ended if one.state == "complete"}
        runs.kill_untold(
            lambda o: o in gone or is_dead(o), parent_id=parent.run_id, told={*filter(None, told)}
        )
        export(ended, plan.out, study=plan.settings.study)

    try:
        yield
    except BaseException:  # no store is waited for; the next command tidies what is left
        with in_a_hurry(), contextlib.suppress(TabveilError, OSError):
            tidy()
        raise
    else:
        tidy()


@contextlib.contextmanager
def _parent_run(runs: Runs, study: Study, plan: Plan) -> Iterator[Run]:
    """The sweep's own run: the one it had before, if the study is resumed and it is there."""
    with plan.turns.results():  # several drivers share one
        parent = _resumed(runs, study)
        if parent is None:
            parent = runs.start_sweep(
                plan.settings.study,
                owner=owner(),
                params={k: v for k, v in plan.composition.flat().items() if k != "sweep.trials"},
                tags={"study": plan.settings.study},
            )
            note(study, _RUN, parent.run_id)
    with parent:
        yield parent


def _resumed(runs: Runs, study: Study) -> Run | None:
    run_id: str | None = noted(study, _RUN)
    gone = steadily(lambda: dead_owners(study))
    runs.kill_orphans(lambda o: o in gone or is_dead(o), except_ids=[run_id] if run_id else [])
    if run_id is None:
        return None
    try:
        return runs.resume(run_id, owner=owner())
    except StoreAway:
        raise
    except TrackingError:  # another store, or a deleted run: start anew
        return None


def _run_trials(plan: Plan, study: Study, work: TrialWork) -> None:
    settings = plan.settings
    sweep = Sweep(study, plan.space, settings.trials, settings.max_failures, plan.turns)
    done, target = sweep.n_complete(), plan.settings.trials
    progress.note("stage", name="trials")
    progress.note("target", done=done, target=target)
    note(study, TARGET, target)
    with SweepProgress(plan.settings.study, done=done, target=target) as shown:

        def on_outcome(outcome: Outcome, n_complete: int) -> None:
            run_id = outcome.about.get("run_id")
            if outcome.state == "lost" and run_id is not None:  # it came too late: not counted
                Run(plan.uri, run_id).end("KILLED")
            shown.trial(_describe(outcome), done=n_complete)
            _note(outcome, n_complete)

        sweep.run(build_executor(plan.composition), work, on_outcome)


def _note(outcome: Outcome, n_complete: int) -> None:
    """For a program that watches: what `trials.csv` will say of it."""
    about = outcome.about
    progress.note(
        "trial",
        number=outcome.number,
        state=outcome.state,
        done=n_complete,
        utility=outcome.utility,
        risk=outcome.risk,
        risk_low=about.get("risk_low"),
        risk_high=about.get("risk_high"),
        seconds=about.get("seconds"),
        run_id=about.get("run_id"),
        error=outcome.error,
    )


def _describe(outcome: Outcome) -> str:
    if outcome.state != "complete":
        return f"trial {outcome.number} {outcome.state}: {outcome.error}"
    return (
        f"trial {outcome.number}: utility {outcome.utility:.3f}, "
        f"risk shown {outcome.about['risk_low']:.3f} (at most {outcome.about['risk_high']:.3f}), "
        f"{outcome.about['seconds']:.0f} s"
    )


def _log_results(
    parent: Run, plan: Plan, ended: Sequence[Record], landmarks: Sequence[Landmark]
) -> None:
    save(draw_front(ended, landmarks, title=plan.settings.study), plan.out / "front")
    parent.log(metrics={f"sweep/{key}": value for key, value in summarise(ended).items()})
    with tempfile.TemporaryDirectory() as scratch:  # only what the sweep wrote: `out` may hold more
        for name in (*FILES, "front.svg", "front.png"):
            shutil.copy2(plan.out / name, scratch)
        parent.log_artifacts(Path(scratch))


def _say_where(plan: Plan, runs: Runs, parent: Run) -> None:
    say(f"Trials, front and plots as files:  {plan.out}")
    command = ui_command(plan.uri)
    if command is not None:
        say(f"MLflow's page over this store:     {command}")
    url = share_comparison(
        plan.uri, runs.experiment_id, parent_id=parent.run_id, families=_compared(plan)
    )
    say(f"The trials compared, best first:   {url}")


def _compared(plan: Plan) -> dict[str, list[str]]:
    """For each family of the space, the parameters that it draws."""
    families = sorted({family for key in plan.space if (family := family_of(key))})
    return {
        name: [
            override_key(key)
            for key in plan.space
            if key != FAMILY and family_of(key) in (None, name)
        ]
        for name in families or [plan.composition.choices.get(FAMILY, "the model")]
    }
