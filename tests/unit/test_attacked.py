"""Tables of an audit are attacked here or elsewhere, with the same outcome; errors come through."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from planted_tables import given, people
from test_controls import Blind, Copies, suite

from tabveil.attacked import attack
from tabveil.contracts import EvalInput, Score
from tabveil.controls import run_controls
from tabveil.errors import ConfigError, TabveilError
from tabveil.search.executors import Inline, Process
from tabveil.search.tasks import Outcome, Task


@dataclass
class Backwards:
    """Three workers, of which the last to be given work is the first to end."""

    n_workers: int = 3
    tasks: list[Task] = field(default_factory=list)
    dies: int = 0

    def check(self) -> None:
        """It needs nothing."""

    @contextmanager
    def open(self, work):
        self.work = work
        yield self

    def submit(self, task: Task) -> None:
        self.tasks.append(task)

    def wait(self) -> Outcome:
        task = self.tasks.pop()
        self.n_workers += 1  # a cluster grows
        self.dies -= 1
        return Outcome(task.number, "lost", error="it died") if self.dies >= 0 else self.work(task)


@pytest.mark.parametrize(
    "executor",
    [Inline(), Backwards(), Backwards(1), Backwards(dies=1), Process(2)],
    ids=["inline", "backwards", "growing", "one-dies", "process"],
)
def test_wherever_tables_are_attacked_the_audit_finds_the_same(executor):
    data = given()
    evaluation, controls = attack(data, suite(Copies()), executor)
    assert [result.name for result in evaluation.results] == ["copies"]
    assert controls == run_controls(data, suite(Copies()), found=False, n_tried=1)


@pytest.mark.parametrize("executor", [Inline(), Backwards()], ids=["inline", "backwards"])
def test_without_a_lineup_or_without_a_number_there_are_no_controls(executor):
    few = given(train=people(5, 0))
    assert attack(few, suite(Copies()), executor)[1] == ()
    evaluation, controls = attack(given(synthetic=people(5, 1)), suite(Copies()), executor)
    assert evaluation.results[0].error
    assert controls == ()


@dataclass(frozen=True)
class Misconfigured(Blind):
    """Was given a setting that it cannot use."""

    def evaluate(self, data: EvalInput) -> list[Score]:
        raise ConfigError("attack.blind.k=0: give at least 1")


@pytest.mark.parametrize("executor", [Inline(), Backwards()], ids=["inline", "backwards"])
def test_an_error_of_ours_comes_through_and_a_death_is_told(executor):
    with pytest.raises(ConfigError, match="k=0"):
        attack(given(), suite(Misconfigured()), executor)
    with pytest.raises(TabveilError, match="the audit was stopped: it died"):
        attack(given(), suite(Copies()), Backwards(dies=9))
