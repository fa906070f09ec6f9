"""What can a person ask for, and which command line is that?

What is asked is checked against a closed list of fields. Words of a person's own (names of columns,
conditions) reach the command in files of plain YAML or JSON, never as part of a command line, a
path, or anything that is composed or instantiated.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from tabveil.config.typed import as_typed
from tabveil.web.errors import Invalid
from tabveil.web.settings import Settings

Kind = Literal["numeric", "categorical", "boolean", "datetime", "identifier"]
Mask = Literal["fake", "token", "drop"]
Id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Name = Annotated[str, Field(max_length=1_000)]
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]
_MOST_COLUMNS = 5_000
_GLANCE = ("confirm.seeds=2", "confirm.least=1", "confirm.most=2", "confirm.evaluation=quick")
"""What a first look spends on a confirmation: too little to pass anything."""


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnOrder(_Order):
    """What a person corrects of a column.

    Attributes:
        format: how its dates are written, such as %d-%m-%Y, or an example of its numbers; needed
            where the table leaves two readings open.
    """

    kind: Kind | None = None
    format: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None
    mask: Mask | None = None


class InspectOrder(_Order):
    """Read an upload; asked for by the upload itself."""

    kind: Literal["inspect"] = "inspect"
    upload: Id


class SweepOrder(_Order):
    """Look for good models of a table.

    Attributes:
        columns: corrections, by column.
        rules: numbers of the suggested rules that drawn rows are to obey, from 0.
        effort: `glance` shows the way and gives nothing worth having; `quick` takes minutes,
            `thorough` hours.
        trials: models to try; None: as the effort says.
    """

    kind: Literal["sweep"] = "sweep"
    upload: Id
    columns: Annotated[dict[Name, ColumnOrder], Field(max_length=_MOST_COLUMNS)] = {}
    target: Name | None = None
    sensitive: Annotated[list[Name], Field(max_length=_MOST_COLUMNS)] = []
    quasi_identifiers: Annotated[list[Name], Field(max_length=_MOST_COLUMNS)] = []
    group: Name | None = None
    rules: Annotated[list[Number], Field(max_length=1_000)] = []
    effort: Literal["glance", "quick", "thorough"] = "quick"
    trials: Annotated[int, Field(ge=1, le=500)] | None = None
    seed: Number = 0


class ConfirmOrder(_Order):
    """Train a sweep's candidates again, attack them on untouched rows, release what passes."""

    kind: Literal["confirm"] = "confirm"
    sweep: Id
    gate: Literal["small", "strict"] = "strict"
    trials: Annotated[list[Number], Field(min_length=1, max_length=20)] | None = None


class SampleOrder(_Order):
    """Draw rows from a release."""

    kind: Literal["sample"] = "sample"
    release: Id
    n: Annotated[int, Field(ge=1)]
    seed: Number = 0
    format: Literal["parquet", "csv", "jsonl", "xlsx"] = "parquet"
    where: Annotated[dict[Name, Any], Field(max_length=_MOST_COLUMNS)] | None = None
    shares: Annotated[dict[Name, dict[Name, float]], Field(max_length=20)] | None = None
    escape_formulas: bool = False
    unconfirmed: bool = False
    """Whether a candidate that did not pass is meant."""


class WithdrawOrder(_Order):
    """Take a release back."""

    kind: Literal["withdraw"] = "withdraw"
    release: Id
    why: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]


Order = Annotated[
    InspectOrder | SweepOrder | ConfirmOrder | SampleOrder | WithdrawOrder,
    Field(discriminator="kind"),
]
LANES: dict[str, Literal["long", "short"]] = {
    "inspect": "short",
    "sweep": "long",
    "confirm": "long",
    "sample": "short",
    "withdraw": "short",
}


def check_columns(order: SweepOrder, inspection: Mapping[str, Any]) -> None:
    """Raise Invalid where an order names what the table does not have."""
    names = {column["name"] for column in inspection["columns"]}
    asked = {
        "columns": list(order.columns),
        "target": [order.target] if order.target is not None else [],
        "sensitive": order.sensitive,
        "quasi_identifiers": order.quasi_identifiers,
        "group": [order.group] if order.group is not None else [],
    }
    for field, given in asked.items():
        unknown = [name for name in given if name not in names]
        if unknown:
            raise Invalid(f"{field}: the table has no column {unknown[0]!r}")
    for column in inspection["columns"]:
        told = order.columns.get(column["name"], ColumnOrder())
        is_open = column.get("readings") and told.format is None
        if is_open and told.kind in (None, column["kind"]):
            raise Invalid(
                f"columns: {column['name']!r} can be read as {' or as '.join(column['readings'])}; "
                f"say which by its format"
            )
    if any(number >= len(inspection["rules"]) for number in order.rules):
        raise Invalid(f"rules: there are {len(inspection['rules'])} suggestions, counted from 0")


def schema_text(order: SweepOrder, inspection: Mapping[str, Any]) -> str:
    """The schema file of a sweep: a person's corrections; all else is inferred again."""
    columns: dict[str, dict[str, str]] = {}
    for column in inspection["columns"]:
        told = order.columns.get(column["name"], ColumnOrder())
        kind = told.kind or column["kind"]
        corrected = {"kind": kind} if told.kind is not None or told.format is not None else {}
        if told.format is not None:
            corrected["format"] = told.format
        if kind == "identifier" and told.mask is not None:
            corrected["mask"] = told.mask
        if corrected:
            columns[column["name"]] = corrected
    roles = {
        "target": order.target,
        "sensitive": order.sensitive,
        "quasi_identifiers": order.quasi_identifiers,
        "group": order.group,
    }
    rules = [inspection["rules"][number]["rule"] for number in dict.fromkeys(order.rules)]
    told_all = {"columns": columns, **roles, "rules": rules}
    return yaml.safe_dump(told_all, sort_keys=False, allow_unicode=True)


def inspect_line(settings: Settings, job: str, table: Path) -> list[str]:
    """The command that reads an upload."""
    out = settings.job_folder(job) / "out" / "inspect.json"
    return ["inspect", _key("path", table), _key("out", out), "form=full", "rows=20"]


def sweep_line(
    settings: Settings, job: str, user: str, order: SweepOrder, table: Path
) -> list[str]:
    """The command of a sweep; `schema.yaml` lies in the job's folder."""
    return [
        "sweep",
        *_study(settings, job, user, order, table),
        _key("out", settings.job_folder(job) / "out"),
    ]


def confirm_line(
    settings: Settings,
    job: str,
    user: str,
    order: ConfirmOrder,
    sweep: SweepOrder,
    table: Path,
) -> list[str]:
    """The command that confirms a sweep: the sweep's own configuration, and a policy."""
    chosen = ",".join(str(number) for number in order.trials or [])
    return [
        "confirm",
        *_study(settings, order.sweep, user, sweep, table),
        f"gate={order.gate}",
        *([f"confirm.trials=[{chosen}]"] if chosen else []),
        *(_GLANCE if sweep.effort == "glance" else []),
        _key("out", settings.job_folder(job) / "out"),
    ]


def sample_line(
    settings: Settings, job: str, user: str, order: SampleOrder, model: str, version: int
) -> list[str]:
    """The command that draws rows; `asked.json` lies in the job's folder."""
    folder = settings.job_folder(job)
    return [
        "sample",
        f"model=models:/{model}/{version}",
        f"n={order.n}",
        f"seed={order.seed}",
        "withdrawn=refuse",
        _key("out", folder / "out" / f"rows.{order.format}"),
        *([_key("asked", folder / "asked.json")] if order.where or order.shares else []),
        *(["formulas=escape"] if order.escape_formulas else []),
        *(["unconfirmed=true"] if order.unconfirmed else []),
        _key("root", settings.root_of(user)),
    ]


def withdraw_line(
    settings: Settings, job: str, user: str, order: WithdrawOrder, model: str, version: int
) -> list[str]:
    """The command that takes a release back."""
    return [
        "withdraw",
        f"model=models:/{model}/{version}",
        f"why={as_typed(order.why)}",
        _key("out", settings.job_folder(job) / "out"),
        _key("root", settings.root_of(user)),
    ]


def asked_text(order: SampleOrder) -> str:
    """Conditions and shares as the command reads them."""
    told = {"where": order.where, "shares": order.shares}
    return json.dumps({key: value for key, value in told.items() if value})


def program(line: list[str]) -> list[str]:
    """What is started for a command line."""
    return [sys.executable, "-m", "tabveil", *line]


def shown(line: list[str]) -> str:
    """What a person would type."""
    return shlex.join(["tabveil", *line])


def table_name(upload: str) -> str:
    """What an upload's table, splits and models are called."""
    return f"table-{upload[:12]}"


def _study(
    settings: Settings, sweep_job: str, user: str, order: SweepOrder, table: Path
) -> list[str]:
    """The part of the configuration that makes the study what it is."""
    return [
        "dataset=csv",
        _key("dataset.path", table),
        f"dataset.name={table_name(order.upload)}",
        _key("dataset.schema", settings.job_folder(sweep_job) / "schema.yaml"),
        f"experiment=web_{order.effort}",
        f"sweep.study=sweep-{sweep_job[:12]}",
        f"sweep.model={table_name(order.upload)}",
        *([f"sweep.trials={order.trials}"] if order.trials is not None else []),
        f"seed={order.seed}",
        _key("root", settings.root_of(user)),
    ]


def _key(name: str, path: Path) -> str:
    if "${" in str(path):
        raise ValueError("a dollar sign and a brace in what becomes an override are replaced")
    return f"{name}={as_typed(str(path.absolute()))}"
