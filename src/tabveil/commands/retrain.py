"""How are candidates trained again, and attacked on rows that nobody has looked at?"""

from __future__ import annotations

from collections.abc import Sequence

from tabveil import logs, progress
from tabveil.commands.plan import Plan, code_digest
from tabveil.commands.prepare import prepared_directory
from tabveil.config.build import build_executor
from tabveil.config.compose import Composition
from tabveil.config.confirm_work import Candidate, ConfirmWork
from tabveil.config.settings import Confirm
from tabveil.confirmation import Attempt
from tabveil.data.prepared import open_release
from tabveil.errors import StoreAway, StudyError
from tabveil.gate import Gate
from tabveil.report.terminal import say
from tabveil.search.records import Record
from tabveil.search.tasks import outcomes
from tabveil.tracking.ledger import Ledger, Line
from tabveil.tracking.runs import Runs


def confirming(plan: Plan, settings: Confirm) -> Composition:
    """The sweep's configuration with the confirmation's attacks, and every row of the pool."""
    return plan.composition.varied(
        [
            f"evaluation={settings.evaluation}",
            "evaluation.train_rate=1",  # what may be released learns from the whole pool
            f"objective.risk_from=[{','.join(settings.risk_from)}]",
        ]
    )


def of_trial(plan: Plan, number: int) -> str:
    """What the ledger calls a trial."""
    return f"{plan.settings.study} trial {number}"


def models_of(
    plan: Plan,
    settings: Confirm,
    gate: Gate,
    chosen: Sequence[Record],
    runs: Runs,
    ledger: Ledger,
) -> dict[int, list[Attempt]]:
    """Every model of every candidate: those measured before, and the others now.

    Before `release` is opened, the ledger says so.
    """
    directory = prepared_directory(plan.composition)
    work = ConfirmWork(
        confirming(plan, settings),
        plan.prepared,
        runs,
        {r.number: Candidate(r.number, r.about["run_id"], r.values) for r in chosen},
        gate,
        settings.seeds,
        plan.base.seed,
        code_digest(),
        plan.base.root / "confirmations" / plan.settings.study,
    )
    found: dict[int, list[Attempt]] = {record.number: [] for record in chosen}
    todo = []
    for record in chosen:
        for index in range(settings.seeds):
            earlier = work.found(record.number, index)
            if earlier is None:
                todo.append((record.number, index))
            else:
                found[record.number].append(earlier)
        # Those of a larger earlier confirmation count, too: nobody picks the number that passes.
        index = settings.seeds
        while (earlier := work.found(record.number, index)) is not None:
            found[record.number].append(earlier)
            index += 1
    if not todo:
        return found
    for number in sorted({number for number, _ in todo}):
        n = sum(one == number for one, _ in todo)
        detail = {"models": n, "gate": gate.name}
        ledger.append(
            Line("open release", plan.prepared.about.digest, of_trial(plan, number), detail)
        )
    work = ConfirmWork(**{**vars(work), "prepared": open_release(directory)})
    for made in _train(plan, work, todo):
        found[made.trial].append(made)
    return found


def _train(plan: Plan, work: ConfirmWork, todo: Sequence[tuple[int, int]]) -> list[Attempt]:
    """Run the tasks where trials run; a failed model is tried once more."""
    waiting = [work.task(*which) for which in todo]
    tried: set[int] = set()
    made: list[Attempt] = []
    progress.note("stage", name="models")
    progress.note("target", done=0, target=len(todo))
    with build_executor(plan.composition).open(work) as session:
        for outcome in outcomes(session, waiting):
            number, index = divmod(outcome.number, work.n_seeds)
            words = f"candidate {number}, model {index + 1} of {work.n_seeds}"
            seconds = outcome.about.get("seconds")
            told = {"trial": number, "index": index, "seconds": seconds}
            if outcome.state == "complete":
                made.append(Attempt.from_dict(outcome.about["attempt"]))
                told |= {"utility": outcome.utility, "run_id": made[-1].run_id}
                progress.note("model", done=len(made), **told)
                say(f"{words}: utility {outcome.utility:.3f}, {seconds:.0f} s")
                continue
            logs.event("model", level="error", state=outcome.state, error=outcome.error, **told)
            if outcome.state == "stopped":
                raise StoreAway(f"{words} was stopped: {outcome.error}")
            if outcome.number not in tried:
                say(f"{words} {outcome.state}: {outcome.error}; trying again")
                tried.add(outcome.number)
                waiting.append(work.task(number, index))
            else:
                raise StudyError(f"{words} failed twice, the last time with: {outcome.error}")
    return made
