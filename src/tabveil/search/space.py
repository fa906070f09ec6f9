"""Which values may a sweep try for each config key?

A `Space` maps config keys (`synthesizer.epochs`, or a group such as `synthesizer`) to
dimensions. How people write one (`interval(a, b)`, `choice(…)`, …) is the config's business;
how Optuna draws from one is this file's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import optuna

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Dimension:
    """The values of one key: a range of floats or ints (bounds included), or a list of choices."""

    kind: Literal["float", "int", "choice"]
    low: float | int | None = None
    high: float | int | None = None
    step: int | None = None
    log: bool = False
    choices: tuple[Value, ...] = ()

    def suggest(self, trial: optuna.Trial, key: str) -> Value:
        """Draw this dimension's value for a trial."""
        if self.kind == "choice":
            return trial.suggest_categorical(key, list(self.choices))
        assert self.low is not None
        assert self.high is not None
        if self.kind == "float":
            return trial.suggest_float(key, float(self.low), float(self.high), log=self.log)
        step = 1 if self.log or self.step is None else self.step
        return trial.suggest_int(key, int(self.low), int(self.high), log=self.log, step=step)


Space = Mapping[str, Dimension]


def suggest(space: Space, trial: optuna.Trial) -> dict[str, Value]:
    """Draw a value for every key of the space."""
    return {key: dimension.suggest(trial, key) for key, dimension in space.items()}


def describe(space: Space) -> dict[str, Any]:
    """The space as plain JSON-able data, for storing and comparing."""
    return {
        key: {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(dimension).items()}
        for key, dimension in sorted(space.items())
    }
