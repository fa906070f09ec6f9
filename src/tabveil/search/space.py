"""Which values may a sweep try for each config key?

A `Space` maps config keys (`synthesizer.epochs`, or a group such as `synthesizer`) to dimensions. A
key may belong to one choice of another: `synthesizer.ctgan.epochs` is drawn for trials of that
family only. How people write one (`interval(a, b)`, `choice(…)`, …) is the config's business; how
Optuna draws from one is this file's.
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
    given: tuple[str, str] | None = None
    """The key and the choice of it that this one belongs to; None: it is always drawn."""

    def belongs(self, values: Mapping[str, Value]) -> bool:
        """Whether it is drawn where other keys have these values."""
        return self.given is None or values.get(self.given[0]) == self.given[1]

    def holds(self, value: object) -> bool:
        """Whether a value is one of those that may be drawn."""
        if self.kind == "choice":
            return any(type(one) is type(value) and one == value for one in self.choices)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        assert self.low is not None
        assert self.high is not None
        if self.kind == "int" and (
            not isinstance(value, int) or (value - self.low) % (self.step or 1)
        ):
            return False
        return self.low <= value <= self.high

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
    """Draw a value for every key of the space that belongs to what was drawn before it."""
    values: dict[str, Value] = {}
    for key, dimension in in_order(space):
        if dimension.belongs(values):
            values[key] = dimension.suggest(trial, key)
    return values


def corner(space: Space, i: int) -> dict[str, Value]:
    """The `i`-th choice of every key, counted round, or the lower end of its range."""
    values: dict[str, Value] = {}
    for key, d in in_order(space):
        if d.belongs(values):
            values[key] = d.choices[i % len(d.choices)] if d.choices else d.low
    return values


def in_order(space: Space) -> list[tuple[str, Dimension]]:
    """The keys, those that belong to others after them."""
    return sorted(space.items(), key=lambda item: item[1].given is not None)


def describe(space: Space) -> dict[str, Any]:
    """The space as plain JSON-able data, for storing and comparing."""
    return {
        key: {
            k: list(v) if isinstance(v, tuple) else v
            for k, v in asdict(dimension).items()
            if k != "given" or v is not None
        }
        for key, dimension in sorted(space.items())
    }
