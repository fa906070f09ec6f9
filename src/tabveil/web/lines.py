"""Which command line and which files make a job of an order?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from tabveil.web import orders
from tabveil.web.database import JOBS, RELEASES, UPLOADS, Database
from tabveil.web.errors import Conflict, Invalid, NotFound
from tabveil.web.orders import (
    ConfirmOrder,
    InspectOrder,
    Order,
    SampleOrder,
    SweepOrder,
    WithdrawOrder,
)
from tabveil.web.settings import Settings

LINE = "line.json"
"""In a job's folder: the command line."""


@dataclass(frozen=True)
class Plan:
    """What a job needs: its files, and what it came from."""

    files: Mapping[str, str]
    upload: str | None = None
    parent: str | None = None
    release: str | None = field(default=None)


def plan(
    settings: Settings,
    database: Database,
    job: str,
    user: str,
    order: Order,
    table: Path | None,
) -> Plan:
    """Check an order against what the user has, and write out what it takes.

    Raises NotFound, Invalid and Conflict, as `Jobs.create`.
    """
    if isinstance(order, InspectOrder):
        if table is None:
            raise Invalid("a table is read when it is uploaded")
        line = orders.inspect_line(settings, job, table)
        return Plan({LINE: json.dumps(line)}, upload=order.upload)
    found = _Found(settings, database, user)
    if isinstance(order, SweepOrder):
        path, inspection = found.table(order.upload), found.inspection(order.upload)
        orders.check_columns(order, inspection)
        line = orders.sweep_line(settings, job, user, order, path)
        schema = orders.schema_text(order, inspection)
        return Plan({LINE: json.dumps(line), "schema.yaml": schema}, upload=order.upload)
    if isinstance(order, ConfirmOrder):
        sweep = found.sweep(order.sweep)
        path = found.table(sweep.upload)
        line = orders.confirm_line(settings, job, user, order, sweep, path)
        return Plan({LINE: json.dumps(line)}, upload=sweep.upload, parent=order.sweep)
    row = found.release(order.release)
    told = {"upload": row["upload"], "parent": row["job"], "release": order.release}
    if isinstance(order, SampleOrder):
        if order.n > settings.max_rows:
            raise Invalid(f"n: {settings.max_rows:,} rows at most")
        if row["told"]["verdict"] != "pass" and not order.unconfirmed:
            raise Conflict(
                "this candidate passed no gate, so it is no release; to draw rows from it all the "
                "same, which the ledger keeps, say so: unconfirmed"
            )
        if row["withdrawn"]:
            raise Conflict(f"the release was withdrawn: {row['withdrawn']}")
        line = orders.sample_line(settings, job, user, order, row["model"], row["version"])
        return Plan({LINE: json.dumps(line), "asked.json": orders.asked_text(order)}, **told)
    assert isinstance(order, WithdrawOrder)
    line = orders.withdraw_line(settings, job, user, order, row["model"], row["version"])
    return Plan({LINE: json.dumps(line)}, **told)


def read_line(folder: Path) -> list[str]:
    """The command line of a job; empty where its folder is gone."""
    try:
        found: list[str] = json.loads((folder / LINE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return found


@dataclass(frozen=True)
class _Found:
    """What a user has."""

    settings: Settings
    database: Database
    user: str

    def table(self, number: str) -> Path:
        row = self._one(UPLOADS, number)
        if row["state"] == "deleted":
            raise Conflict("the table was deleted")
        return self.settings.upload_folder(number) / f"table.{row['format']}"

    def inspection(self, number: str) -> dict[str, Any]:
        folder = self.settings.job_folder(self._one(UPLOADS, number)["inspection"])
        try:
            found: dict[str, Any] = json.loads((folder / "out" / "inspect.json").read_text("utf-8"))
        except (OSError, ValueError):
            raise Conflict("the table has not been read yet, or cannot be") from None
        return found

    def sweep(self, number: str) -> SweepOrder:
        row = self._one(JOBS, number)
        if row["kind"] != "sweep":
            raise Invalid("sweep: this job is no sweep")
        if row["state"] in ("queued", "running"):
            raise Conflict("the sweep has not ended")
        return TypeAdapter(SweepOrder).validate_python(row["order"])

    def release(self, number: str) -> dict[str, Any]:
        return self._one(RELEASES, number)

    def _one(self, table: sa.Table, number: str) -> dict[str, Any]:
        wanted = table.select().where(table.c.id == number, table.c.user == self.user)
        for row in self.database.rows(wanted):
            return row
        raise NotFound
