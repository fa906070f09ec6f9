"""Which tables does an audit attack, and where?

The table itself, and the controls' tables: each is a task of an executor, on whose workers the
audited tables lie once. What each gives depends on no other, so it is the same wherever it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tabveil.contracts import EvalInput
from tabveil.controls import NULL, Control, Suite, guess, run_control
from tabveil.errors import CannotTell, TabveilError, safe_summary
from tabveil.evaluate import Evaluation, evaluate
from tabveil.planting import PLANTED
from tabveil.search.tasks import Executor, Outcome, Task, outcomes

_ITSELF = "itself"
_TABLES = (_ITSELF, *PLANTED, NULL)


@dataclass(frozen=True)
class TableWork:
    """Attacks one of the tables."""

    data: EvalInput
    suite: Suite

    def __call__(self, task: Task) -> Outcome:
        """Attack the table that the task names; an error of ours is an outcome too."""
        about: dict[str, Any] = dict(task.values)
        name = about.pop("table")
        try:
            made: Evaluation | tuple[Control, ...]
            if name == _ITSELF:
                made = evaluate(self.data, metrics={}, attacks=self.suite.attacks)
            else:
                made = run_control(self.data, self.suite, name, **about)
        except TabveilError as error:
            return Outcome(task.number, "failed", about={"raised": error})
        except Exception as error:  # its message may quote the table
            return Outcome(task.number, "failed", error=safe_summary(error))
        return Outcome(task.number, "complete", about={"made": made})


def attack(
    data: EvalInput, suite: Suite, executor: Executor
) -> tuple[Evaluation, tuple[Control, ...]]:
    """Attack the table, and make the controls.

    Args:
        data: what is audited.
        suite: the attacks.
        executor: where they run.

    Returns:
        What the attacks gave, and the controls: none where no attack that makes the risk gave a
        number, or where there is no lineup.

    Raises:
        ConfigError: an attack was given a setting that it cannot use.
        TabveilError: a worker died.
    """
    waiting, made = [_task(_ITSELF)], {}
    about: dict[str, Any] = {}
    lineup, lost = True, set[str]()
    with executor.open(TableWork(data, suite)) as session:
        for outcome in outcomes(session, waiting):
            name = _TABLES[outcome.number]
            if outcome.state == "lost" and name not in lost:
                lost.add(name)
                waiting.append(_task(name, **about))
                continue
            try:
                made[name] = _made(outcome.about, outcome.error)
            except CannotTell:
                lineup = False
                continue
            if name == _ITSELF:
                advantages = suite.advantages(made[name])
                risk = suite.risk(advantages)
                if risk is None:
                    lineup = False
                    continue
                about = {"found": risk.low > 0, "n_tried": len(advantages)}
                waiting += [_task(one, **about) for one in (*PLANTED, NULL)]
    return made[_ITSELF], _controls(data, suite, made) if lineup else ()


def _task(name: str, **about: Any) -> Task:
    return Task(_TABLES.index(name), {"table": name, **about})


def _made(about: Mapping[str, Any], died: str | None) -> Any:
    if "raised" in about:
        raise about["raised"]
    if "made" not in about:
        raise TabveilError(f"the audit was stopped: {died}")
    return about["made"]


def _controls(data: EvalInput, suite: Suite, made: Mapping[str, Any]) -> tuple[Control, ...]:
    try:
        blind = guess(data, suite)
    except CannotTell:
        return ()
    return (*(control for name in (*PLANTED, NULL) for control in made[name]), blind)
