"""What do the engine's benchmarks share: tables, parameters, the machine they ran on?"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml

from tabveil.data.schema import Schema, infer_schema
from tabveil.data.tables import read_table
from tabveil.tracking.environment import environment

CONF = Path(__file__).parents[1] / "conf" / "synthesizer"


def about() -> dict[str, Any]:
    """The core's model and the versions, for a result to travel with."""
    return {"core": core(), "threads": 1, "versions": environment()}


def core() -> str:
    """What the machine calls its processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def settings(name: str) -> tuple[str, dict[str, Any]]:
    """The class and the parameters in a file of conf/synthesizer; on the CPU."""
    params = yaml.safe_load((CONF / f"{name}.yaml").read_text(encoding="utf-8"))
    target = params.pop("_target_")
    return target, params | ({"enable_gpu": False} if "enable_gpu" in params else {})


def as_modelled(
    path: Path, *, rows: int | None = None, target: str | None = None
) -> tuple[pd.DataFrame, Schema]:
    """The first `rows` of a table as a synthesizer sees it, and its schema: no identifiers."""
    table = read_table(path)
    table = table.head(rows or len(table))
    schema = infer_schema(table).with_roles(target=target).modelled()
    return table[schema.names], schema


def filled(table: pd.DataFrame, schema: Schema) -> tuple[pd.DataFrame, Schema]:
    """The table as the package can take it: no missing values, numbers and texts only.

    Missing levels become a level of their own, missing numbers the column's median.
    """
    dates = schema.of_kind("datetime")
    if dates:
        raise SystemExit(f"the package takes no dates; leave out {', '.join(dates)}")
    numbers = schema.of_kind("numeric")
    columns = {
        name: table[name].fillna(table[name].median())
        if name in numbers
        else table[name].astype(object).where(table[name].notna(), "missing").astype(str)
        for name in schema.names
    }
    kinds = {name: "numeric" if name in numbers else "categorical" for name in schema.names}
    complete = pd.DataFrame(columns)
    return complete, infer_schema(complete, kinds=kinds)


def warm_up() -> None:
    """Make torch import its compiler, as it does for the first optimiser: a second, 80 MiB."""
    weight = torch.nn.Parameter(torch.zeros(2, 2))
    optimiser = torch.optim.Adam([weight], fused=True)
    weight.sum().backward()
    optimiser.step()
