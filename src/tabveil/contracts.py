"""What must a part do to take its place on the straight line?

A synthesizer learns from `train` and draws `synthetic`; a metric and an attack are evaluators:
they look at an `EvalInput` and return `Score`s. Parts implement these Protocols; they inherit
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, Self, runtime_checkable

import pandas as pd

from tabveil.data.schema import Schema

Where = Mapping[str, Any]
"""Conditions on sampled rows: column -> level, list of levels, or {"min": …, "max": …}."""

OnEpoch = Callable[[int, Mapping[str, float]], None]
"""Called after each epoch (counted from 1) with the epoch's losses by name."""

Direction = Literal["maximize", "minimize"]


@runtime_checkable
class Synthesizer(Protocol):
    """Fit on `train`, then sample `synthetic`.

    The tables it sees hold the modelled columns of `schema` only, in schema order. The same
    seed gives the same rows on the same kind of device. What `save` writes holds no training
    row, no row id and no pickle; `load` runs no code from the artifact.
    """

    def fit(
        self, train: pd.DataFrame, schema: Schema, *, seed: int, on_epoch: OnEpoch | None = None
    ) -> None:
        """Learn from `train`, shape (n_train, n_columns). `train` is not changed."""
        ...

    def sample(self, n: int, *, seed: int, where: Where | None = None) -> pd.DataFrame:
        """Draw `n` rows with the columns, order and dtypes of the schema."""
        ...

    def iter_sample(
        self, n: int, *, seed: int, where: Where | None = None
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows of `sample(n)` in frames of bounded size."""
        ...

    def save(self, directory: Path) -> None:
        """Write the fitted state into an existing empty directory: safetensors and JSON."""
        ...

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote. Raises ArtifactError when a file is missing or does not fit."""
        ...


@dataclass(frozen=True)
class EvalInput:
    """What an evaluator may look at. All tables share the schema's modelled columns."""

    train: pd.DataFrame
    control: pd.DataFrame
    reference: pd.DataFrame
    synthetic: pd.DataFrame
    schema: Schema
    seed: int


@dataclass(frozen=True)
class Advantage:
    """A component of the risk J: the attacker's shown success beyond chance, and its spread.

    `value` is an estimate in [-1, 1] (0: no better than chance); `se` its standard error.
    """

    value: float
    se: float


@dataclass(frozen=True)
class Score:
    """One number with its 95 % interval; an attack's scores always have one."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    advantage: Advantage | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    """What plots and reports need beyond the number: curves, parts, counts. JSON-able."""


@runtime_checkable
class Evaluator(Protocol):
    """A metric (utility) or an attack (privacy risk).

    Deterministic under `EvalInput.seed`; changes no input; the order of rows and columns does
    not matter. The first score is the headline.
    """

    name: ClassVar[str]
    direction: ClassVar[Direction]
    bounds: ClassVar[tuple[float, float]]

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Return the scores, the headline first. Raises TabveilError when it cannot tell."""
        ...


@runtime_checkable
class Metric(Evaluator, Protocol):
    """A measure of utility."""


@runtime_checkable
class Attack(Evaluator, Protocol):
    """A measure of privacy risk, made as a named attacker would make it."""

    threat_model: ClassVar[str]
    """Who attacks and with what, in a sentence."""
