"""What do MLflow, Optuna and Hydra cost per trial on the embedded default stores?

One real miniature trial is run (not counted). Then its bookkeeping is done again `--trials` times
as a sweep does it: propose (Optuna ask), compose and build (Hydra), open the run, log 50 epochs of
losses, all scores, params, dataset, schema, configuration, environment and the generator, close
the run (MLflow), tell the outcome (Optuna). Training, evaluation and plots are not counted.

    python benchmarks/bookkeeping.py [--trials 20] [--out benchmarks/results/bookkeeping.json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tabveil.commands.plan import Plan
from tabveil.config.build import build_parts
from tabveil.config.compose import Composition, compose_command
from tabveil.config.space import to_overrides
from tabveil.pipeline import Parts, Trial, run_trial
from tabveil.search.space import suggest
from tabveil.search.tasks import owner
from tabveil.threads import limit_environment
from tabveil.tracking.runs import Run, Runs
from tabveil.tracking.store import prepare_store
from tabveil.trial_log import log_trial

N_EPOCHS = 50


class Clock:
    """Wall and CPU seconds of each named step, trial by trial."""

    def __init__(self) -> None:
        self.wall: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall.setdefault(name, []).append(time.perf_counter() - wall)
        self.cpu.setdefault(name, []).append(time.process_time() - cpu)


@dataclass(frozen=True)
class Made:
    """One real miniature trial, and where its like are logged."""

    composition: Composition
    plan: Plan
    runs: Runs
    parent: Run
    parts: Parts
    trial: Trial


def made(root: Path, overrides: Sequence[str] = ()) -> Made:
    """Run the trial, without plots, under `root`."""
    words = ["experiment=smoke", "evaluation.plots=false", f"root={root}", *overrides]
    composition = compose_command("sweep", words)
    plan = Plan.read(composition)
    runs = Runs(plan.uri, prepare_store(plan.uri, plan.experiment, root=root))
    parts = build_parts(composition)
    trial = run_trial(plan.prepared, parts, seed=0)
    parent = runs.start_sweep("bench", owner=owner())
    return Made(composition, plan, runs, parent, parts, trial)


def log_again(one: Made, number: int, composition: Composition) -> None:
    """Log the trial as a run of its own, as a sweep's worker does."""
    params, config = composition.flat(), composition.to_yaml()
    with one.runs.start_trial(one.parent.run_id, number, owner=owner()) as run:
        for epoch in range(1, N_EPOCHS + 1):
            run.log_losses(epoch, {"generator": 0.1, "discriminator": 0.2})
        prepared, parts = one.plan.prepared, one.parts
        log_trial(run, one.trial, prepared, params=params, config=config, seed=0, parts=parts)


def measure(n_trials: int, root: Path) -> Clock:
    """Do the bookkeeping of `n_trials` trials under `root`."""
    one = made(root)
    study, clock = one.plan.open_study(), Clock()
    for _ in range(n_trials):
        with clock.step("optuna ask"):
            asked = study.ask()
            asked.set_user_attr("owner", owner())
            values = suggest(one.plan.space, asked)
        with clock.step("hydra compose and build"):
            varied = one.composition.varied(to_overrides(values))
            build_parts(varied)
        with clock.step("mlflow run"):
            log_again(one, asked.number, varied)
        with clock.step("optuna tell"):
            study.tell(asked, [one.trial.utility.value, one.trial.risk.value])
    one.parent.end()
    return clock


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    limit_environment(1)
    with tempfile.TemporaryDirectory() as folder:
        clock = measure(arguments.trials, Path(folder))
    rows = {
        name: {
            "wall_s": round(statistics.median(clock.wall[name]), 4),
            "cpu_s": round(statistics.median(clock.cpu[name]), 4),
        }
        for name in clock.wall
    }
    total = {
        "wall_s": round(statistics.median(map(sum, zip(*clock.wall.values(), strict=True))), 4),
        "cpu_s": round(statistics.median(map(sum, zip(*clock.cpu.values(), strict=True))), 4),
    }
    print(f"{'median of ' + str(arguments.trials) + ' trials':28}{'wall s':>8}{'CPU s':>8}")
    for name, row in {**rows, "total": total}.items():
        print(f"{name:28}{row['wall_s']:8.3f}{row['cpu_s']:8.3f}")
    if arguments.out is not None:
        result = {"trials": arguments.trials, "steps": rows, "total": total}
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
