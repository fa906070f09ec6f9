"""Which plain values does each command read?

Frozen dataclasses, checked by pydantic: a wrong type or an unknown key is an error that names
the key. Parts with a `_target_` (synthesizer, metrics, …) are built in `build.py` instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar

from omegaconf import OmegaConf
from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from tabveil.config.compose import Composition
from tabveil.config.typed import MISSING_KEY
from tabveil.errors import ConfigError

if TYPE_CHECKING:
    from tabveil.contracts import Limits

_STRICT = ConfigDict(extra="forbid")
MOST = 10**12
"""The largest count that is read: more rows, trials or workers than anybody can have."""
Positive = Annotated[int, Field(gt=0, le=MOST)]
Share = Annotated[float, Field(gt=0, lt=1)]
Kinds = dict[str, str | dict[str, str]]
"""Column → kind, or kind and format."""
Sheet = Annotated[str, Field(coerce_numbers_to_str=True)]
"""A sheet of a workbook: its name, or its number as the command line has it."""
Missing = list[str] | dict[str, list[str]]
"""Words that mean missing; or column → such words."""
ShareLevel = Annotated[Any, BeforeValidator(lambda level: None if level == MISSING_KEY else level)]
"""A level as a key; None is the missing one."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Which table, and what a person knows of it. A file has a path, a database url and query."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    name: str
    path: Path | None = None
    format: str | None = None
    encoding: str | None = None
    decimal: Literal[",", "."] | None = None
    url: str | None = None
    query: str | None = None
    target: str | None
    sensitive: list[str]
    quasi_identifiers: list[str]
    group: str | None
    sample_groups: bool = False
    kinds: Kinds | None
    missing: Missing | None = None
    sheet: Sheet | None = None
    masks: dict[str, str] | None = None
    rules: list[dict[str, Any]] | None = None
    automatic_rules: list[str] | None = None
    schema: Path | None = None


@dataclass(frozen=True)
class Split:
    """Shares of the rows, and what stays together."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    train: Share
    control: Annotated[float, Field(ge=0, lt=1)]
    reference: Share
    release: Share
    by: str | None
    keep_twins_together: bool
    seed: int


@dataclass(frozen=True)
class Evaluation:
    """How a fitted synthesizer is looked at."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    synthetic_ratio: Annotated[float, Field(gt=0)]
    train_rate: Annotated[float, Field(gt=0, le=1)]
    max_targets: Positive | None
    max_searched: Positive | None
    device: Literal["auto", "cpu", "cuda"]
    plots: bool

    @property
    def limits(self) -> Limits:
        """How much the attacks look at."""
        import torch  # seconds to load, as is pandas with the contracts: not for `--cfg job`

        from tabveil.contracts import Limits

        if self.device == "cuda" and not torch.cuda.is_available():
            raise ConfigError("evaluation.device=cuda: torch sees no GPU here; use auto or cpu")

        return Limits(self.max_targets, self.max_searched, self.device)


@dataclass(frozen=True)
class Tracking:
    """Where runs are logged."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    uri: str | None
    experiment: str | None


@dataclass(frozen=True)
class SweepSettings:
    """The study, its space and its target."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    study: str
    by_digest: bool
    trials: Positive
    sampler: str
    n_startup_trials: Positive
    storage: str | None
    max_failures: Positive
    model: str
    first: list[dict[str, Any]]
    space: dict[str, str]

    def storage_in(self, root: Path) -> str:
        """The Optuna storage URL; by default SQLite in the root."""
        if self.storage is not None:
            return self.storage
        return f"sqlite:///{root.absolute() / 'studies.db'}"


@dataclass(frozen=True)
class Confirm:
    """Which trials are candidates, and how they are looked at again."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    seeds: Positive
    tolerance: Annotated[float, Field(ge=0, le=1)]
    least: Positive
    most: Positive
    trials: list[Annotated[int, Field(ge=0)]] | None
    evaluation: str
    risk_from: list[str]


@dataclass(frozen=True)
class LedgerSettings:
    """Where it is written who opened and sampled what."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    url: str | None


@dataclass(frozen=True)
class Sample:
    """What `tabveil sample` is asked for."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    model: str
    n: Positive
    out: Path
    seed: int
    where: dict[str, Any] | None
    shares: dict[str, dict[ShareLevel, Annotated[float, Field(gt=0, le=1)]]] | None
    prepared: Path | None
    as_confirmed: bool
    unconfirmed: bool
    withdrawn: Literal["warn", "refuse"]
    formulas: Literal["keep", "escape"]
    asked: Path | None
    given: Path | None
    shards: bool
    shard_rows: Positive


@dataclass(frozen=True)
class Withdraw:
    """What `tabveil withdraw` is asked for."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    model: str
    why: Annotated[str, Field(min_length=1)]


@dataclass(frozen=True)
class Report:
    """What `tabveil report` is asked for."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    model: str


@dataclass(frozen=True)
class Inspect:
    """What `tabveil inspect` is asked for."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    path: Path | None
    format: str | None
    encoding: str | None
    decimal: Literal[",", "."] | None
    sheet: Sheet | None
    url: str | None
    query: str | None
    kinds: Kinds | None
    missing: Missing | None
    out: Path | None
    form: Literal["tabveil", "sdv", "frictionless", "full"]
    rows: Annotated[int, Field(ge=0, le=1000)]


@dataclass(frozen=True)
class Web:
    """How the web service is set up; conf/web/default.yaml says what each means."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    host: str
    port: Annotated[int, Field(ge=0, le=65535)]
    names: list[str]
    database: str | None
    tokens: Path | None
    open: bool
    worker: bool
    n_long: Positive
    n_short: Positive
    max_upload_mb: Positive
    max_rows: Positive
    max_tables: Positive
    memory_mb: Annotated[int, Field(ge=512)]
    reading_seconds: Positive
    keep_days: Annotated[int, Field(ge=0)]
    per_minute: Positive
    mlflow_url: Annotated[str, Field(pattern=r"^https?://")] | None


@dataclass(frozen=True)
class Audit:
    """Which tables `tabveil audit` compares."""

    synthetic: Path
    train: Path
    control: Path
    reference: Path | None


@dataclass(frozen=True)
class AuditColumns:
    """What a person knows of an audited table."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    format: str | None
    sensitive: list[str]
    quasi_identifiers: list[str]
    group: str | None
    kinds: Kinds | None
    missing: Missing | None
    decimal: Literal[",", "."] | None


@dataclass(frozen=True)
class Base:
    """What every command that keeps something shares."""

    seed: int
    root: Path
    out: Path | None


T = TypeVar("T")


def n_threads(composition: Composition) -> int:
    """Threads of a trial, and of this process; commands without an executor take one."""
    executor = composition.node.get("executor") or {}
    return validated(Positive, executor.get("n_threads", 1), name="executor.n_threads")


def read(composition: Composition, kind: type[T], key: str | None = None) -> T:
    """Read the settings of a type from the composition, or from its section `key`.

    Raises:
        ConfigError: a value has the wrong type or an unknown key stands there.
    """
    node = composition.node if key is None else composition.node[key]
    plain = OmegaConf.to_container(node, resolve=True)
    assert isinstance(plain, dict)
    values = {str(name): value for name, value in plain.items()}
    if key is None:
        values = {field.name: values[field.name] for field in fields(kind)}  # type: ignore[arg-type]
    return validated(kind, values, name=key)


def validated(kind: type[T], value: Any, *, name: str | None) -> T:
    """Hold a value against a type. Raises ConfigError naming each part that does not fit."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise ConfigError(
            "; ".join(_explain(problem, name) for problem in error.errors())
        ) from None


def _explain(problem: Mapping[str, Any], name: str | None) -> str:
    key = ".".join(str(part) for part in ([name] if name else []) + list(problem["loc"]))
    return f"{key}={problem['input']!r}: {problem['msg']}"
