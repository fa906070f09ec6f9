"""What do all the metrics and attacks say of one synthetic table?

They run one after the other. One that fails is kept as a failed result with its traceback: it
never becomes a zero and never drops out, because a sweep would then prefer the trials that
break their evaluators.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from tabveil.contracts import Attack, EvalInput, Evaluator, Metric, Score
from tabveil.errors import CannotTell, ConfigError, EvaluationError, safe_traceback

Kind = Literal["utility", "privacy"]


@dataclass(frozen=True)
class Result:
    """What one evaluator gave.

    Attributes:
        kind: "utility" for a metric, "privacy" for an attack.
        name: the evaluator's key in the config.
        scores: the headline first; empty where it failed or was skipped.
        seconds: wall-clock time.
        cpu_seconds: processor time of all threads of this process.
        error: the traceback where it failed, without what a library's message may quote.
        skipped: there is nothing it could look at. Never the outcome of a failure, nor of what the
            synthetic table holds.
        note: why it was skipped, where the schema alone does not say it.
    """

    kind: Kind
    name: str
    scores: tuple[Score, ...] = ()
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    error: str | None = None
    skipped: bool = False
    note: str = ""

    @property
    def reason(self) -> str:
        """The last line of the traceback: what went wrong."""
        return self.error.strip().splitlines()[-1] if self.error else ""

    @property
    def cannot_tell(self) -> bool:
        """Whether it gave no number because the tables allow none, and nothing broke."""
        return self.reason.startswith(CannotTell.__name__)

    def metrics(self) -> Iterator[tuple[str, float]]:
        """Key and number of each score, of its bounds and of the time."""
        for score in self.scores:
            key = f"{self.kind}/{self.name}/{score.name}"
            for suffix, number in (("", score.value), ("_low", score.low), ("_high", score.high)):
                if number is not None:
                    yield key + suffix, number
        if not self.skipped:
            yield f"time/{self.name}", self.seconds


@dataclass(frozen=True)
class Evaluation:
    """All results for one synthetic table, metrics first, in the order of the config."""

    results: tuple[Result, ...]

    def metrics(self) -> dict[str, float]:
        """Flat MLflow keys: `utility/<name>/<score>`, `privacy/<name>/<score>`, `time/<name>`.

        Bounds stand under the score's key with `_low` and `_high`; times are wall-clock seconds.
        """
        return {key: value for result in self.results for key, value in result.metrics()}

    def roc_curves(self) -> dict[str, tuple[list[float], list[float]]]:
        """Attack → false- and true-positive rates, where its headline has a curve."""
        return {
            result.name: (score.detail["roc"]["fpr"], score.detail["roc"]["tpr"])
            for result in self.results
            for score in result.scores[:1]
            if "roc" in score.detail
        }

    def failed(self, kind: Kind | None = None) -> tuple[Result, ...]:
        """The results without a number, of one kind or of both."""
        return tuple(r for r in self.results if r.error and kind in (None, r.kind))

    def to_json(self) -> str:
        """Everything, with details and tracebacks, as JSON text."""
        return json.dumps({"results": [asdict(r) for r in self.results]}, indent=1)


def evaluate(
    data: EvalInput,
    *,
    metrics: Mapping[str, Metric],
    attacks: Mapping[str, Attack],
) -> Evaluation:
    """Run every metric and attack on one synthetic table.

    Args:
        data: the tables, the schema, the seed.
        metrics: measures of utility, by the name that their results get.
        attacks: measures of risk, likewise.

    Returns:
        One result per evaluator, whatever happened in it. An evaluator may tell from the schema
        alone that it has nothing to look at (`applies(schema)` is false), or from the real rows
        (`nothing_to_see(data)` says why): it is then skipped.

    Raises:
        EvaluationError: a metric and an attack share a name.
        ConfigError: an evaluator was given a setting that it cannot use.
    """
    shared = sorted(set(metrics) & set(attacks))
    if shared:
        raise EvaluationError(f"a metric and an attack are both called {', '.join(shared)}")
    utility = [_run("utility", name, metric, data) for name, metric in metrics.items()]
    privacy = [_run("privacy", name, attack, data) for name, attack in attacks.items()]
    return Evaluation((*utility, *privacy))


def _run(kind: Kind, name: str, evaluator: Evaluator, data: EvalInput) -> Result:
    """Run one evaluator, unless it says that the schema or the input has nothing for it."""
    for says, of in (("applies", data.schema), ("applies_to", data)):
        applies = getattr(evaluator, says, None)
        if applies is not None and not applies(of):
            return Result(kind, name, skipped=True)
    scores: tuple[Score, ...] = ()
    error = None
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        why = getattr(evaluator, "nothing_to_see", None)
        note = "" if why is None else str(why(data))
        if note:
            return Result(kind, name, skipped=True, note=note)
        scores = _checked(tuple(evaluator.evaluate(data)))
    except ConfigError:  # the operator's to mend, not this table's
        raise
    except Exception as broken:  # whatever breaks in one evaluator, the others still speak
        error = safe_traceback(broken)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Result(kind, name, scores, seconds=wall, cpu_seconds=cpu, error=error)


def _checked(scores: tuple[Score, ...]) -> tuple[Score, ...]:
    """Refuse what could pass for a number without being one."""
    if not scores:
        raise EvaluationError("no score came back")
    names = [score.name for score in scores]
    if len(set(names)) < len(names):
        raise EvaluationError(f"score names repeat: {', '.join(names)}")
    for score in scores:
        numbers = [score.value, score.low, score.high]
        if score.advantage is not None:
            numbers += [score.advantage.value, score.advantage.se, score.advantage.above]
        if not all(math.isfinite(number) for number in numbers if number is not None):
            raise EvaluationError(f"score {score.name} is not a finite number: {numbers}")
    return scores
