"""What must a part do to take its place on the straight line?

A synthesizer learns from `train` and draws `synthetic`; a metric and an attack are evaluators:
they look at an `EvalInput` and return `Score`s. Parts implement these Protocols; they inherit
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, Self, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.schema import Schema
from tabveil.memo import Memo

Where = Mapping[str, Any]
"""Conditions on sampled rows: column -> level, list of levels, {"min": …, "max": …}, or
{"missing": false}."""

OnEpoch = Callable[[int, Mapping[str, float]], None]
"""Called after each epoch (counted from 1) with the epoch's losses by name."""

Direction = Literal["maximize", "minimize"]


class Draws(Protocol):
    """What rows can be drawn from; the same seed gives the same rows."""

    def sample(self, n: int, *, seed: int, where: Where | None = None) -> pd.DataFrame:
        """Draw `n` rows with the columns, order and dtypes of the schema."""
        ...

    def iter_sample(
        self, n: int, *, seed: int, where: Where | None = None
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows of `sample(n)` in frames of bounded size."""
        ...


@runtime_checkable
class DrawsPersons(Draws, Protocol):
    """What persons can be drawn from, who may have several rows each."""

    def iter_persons(
        self, n: int, *, seed: int, where: Where | None = None
    ) -> Iterator[tuple[pd.DataFrame, NDArray[np.intp]]]:
        """Yield the frames of `iter_sample`, and whose each row is: ascending numbers from 0."""
        ...


@runtime_checkable
class Synthesizer(Draws, Protocol):
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

    def save(self, directory: Path) -> None:
        """Write the fitted state into an existing empty directory: safetensors and JSON."""
        ...

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote. Raises ArtifactError when a file is missing or does not fit."""
        ...


Critic = Callable[[pd.DataFrame], NDArray[np.float64]]
"""A model's own opinion of rows: shape (n,), high for rows like those it was trained on."""


@runtime_checkable
class HasCritic(Protocol):
    """A synthesizer that may give its own opinion of rows, to an audit in the same process.

    The critic is never saved: a synthesizer that was loaded has none.
    """

    @property
    def critic(self) -> Critic | None:
        """None before `fit`, after `load`, and where the model has no opinion."""
        ...


@dataclass(frozen=True)
class Source:
    """The real rows that drawn ones are compared with before they are given away.

    Attributes:
        train: rows the model learnt from.
        reference: rows of the same population, none of which it learnt from.
        schema: describes both, modelled columns only.
    """

    train: pd.DataFrame
    reference: pd.DataFrame
    schema: Schema


Filter = Callable[[pd.DataFrame], pd.DataFrame]
"""Rows drawn, to the rows that may be given away: changed, or fewer."""


Stage = Literal["values", "rows", "table"]
"""Whether values are changed, rows left out, or rows by what else is in the table."""


@runtime_checkable
class Protection(Protocol):
    """What is done to rows after they were drawn.

    A rule learnt from single training rows gives something away itself, by what is missing: attack
    the table that comes out, not the one that went in.
    """

    name: ClassVar[str]
    stage: ClassVar[Stage]
    names_people: ClassVar[bool]
    """Whether what is left out depends on single training rows: then no one may ask for a row."""

    def against(self, source: Source) -> Filter:
        """A filter of frames with the schema's columns; the same frame, the same result.

        Raises ConfigError where the source has not what it needs.
        """
        ...


@dataclass(frozen=True)
class Limits:
    """How much of the tables the attacks look at.

    Attributes:
        max_targets: at most so many members, and as many non-members, are attacked, or twice so
            many of a pool of both; fewer only widen the intervals. None: all.
        max_searched: at most so many synthetic and so many reference rows are searched; fewer
            weaken the attacks. None: all.
        device: where distances are computed; "auto" takes a GPU when there is one.
    """

    max_targets: int | None = 10_000
    max_searched: int | None = 50_000
    device: Literal["auto", "cpu", "cuda"] = "auto"


@dataclass(frozen=True)
class Membership:
    """Whom the attacks ask about, where `train` and `control` alone do not say it.

    Each trial of a sweep learns from another random part of one pool of people; the targets stay
    the same, so that trials can be compared person by person.

    Attributes:
        rows: shape (n, n_columns), one row a person.
        is_member: shape (n,), whether the model saw that person.
        in_pool: shape (n,), whether that person might have been drawn; every member is.
    """

    rows: pd.DataFrame
    is_member: NDArray[np.bool_]
    in_pool: NDArray[np.bool_]


@dataclass(frozen=True)
class EvalInput:
    """What an evaluator may look at. All tables share the schema's modelled columns.

    Attributes:
        train: rows the model saw.
        control: rows it never saw.
        reference: what an attacker may know of the population.
        synthetic: rows the model drew.
        schema: describes them all.
        seed: of every random choice an evaluator makes.
        limits: how much the attacks look at.
        membership: whom the attacks ask about; None: `train` and `control`, a row a person.
        critic: the model's own opinion of rows, where it has one (white box).
        pool: the rows that the members were drawn from, the same in all trials of a study; None:
            `train`.
        base: of an input made by `with_rows`: the one that rows were added to. What is near to a
            row there need not be searched again. `dataclasses.replace` forgets it.
        shared: what evaluators computed that does not depend on `synthetic`. Give the same memo
            to every input of a dataset; keys tell contents apart.
        memo: what they computed for this input. `dataclasses.replace` starts a new one.
    """

    train: pd.DataFrame
    control: pd.DataFrame
    reference: pd.DataFrame
    synthetic: pd.DataFrame
    schema: Schema
    seed: int
    limits: Limits = Limits()
    membership: Membership | None = None
    critic: Critic | None = None
    pool: pd.DataFrame | None = None
    shared: Memo = field(default_factory=Memo, repr=False, compare=False)
    memo: Memo = field(default_factory=Memo, repr=False, compare=False, init=False)
    base: EvalInput | None = field(default=None, repr=False, compare=False, init=False)

    def with_rows(self, rows: pd.DataFrame) -> EvalInput:
        """The same with `rows`, shape (n, n_columns), added to the synthetic ones."""
        both = pd.concat([self.synthetic, rows[self.synthetic.columns]], ignore_index=True)
        made = replace(self, synthetic=both)
        object.__setattr__(made, "base", self)
        return made


@dataclass(frozen=True)
class Advantage:
    """A component of the risk J: the attacker's shown success beyond chance, and its spread.

    `value` is an estimate in [-1, 1] (0: no better than chance); `se` its standard error, from
    which lower bounds are made. Where the interval is lopsided upper bounds have their own,
    `se_above`; None: the same.
    """

    value: float
    se: float
    se_above: float | None = None

    @property
    def above(self) -> float:
        """The standard error of an upper bound."""
        return self.se if self.se_above is None else self.se_above


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


@runtime_checkable
class MembershipAttack(Attack, Protocol):
    """An attack that gives every target numbers which others can combine."""

    def signals(self, data: EvalInput) -> Mapping[str, NDArray[np.float64]]:
        """Numbers by name, each shape (n_targets,), finite, high for "member".

        Empty where the input has nothing to ask. Targets are those of
        `measure.lineup.lineup_of(data)`, in its order. Equal calls on one input must be cheap:
        keep the result in `data.memo`.
        """
        ...


@runtime_checkable
class Combination(Attack, Protocol):
    """An attack made of others."""

    @property
    def parts(self) -> Mapping[str, Attack]:
        """Those that it combines, by name."""
        ...

    def combining(self, attacks: Mapping[str, Attack]) -> Self:
        """A copy that combines those of the selected attacks that it can use."""
        ...
