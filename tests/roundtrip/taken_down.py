"""The whole line, in one process: a table's file, prepared, learnt, saved, loaded, drawn from.

What `tabveil prepare`, `train` and `sample` do, by the same functions, without MLflow.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from tabveil.contracts import Limits
from tabveil.data.opening import Wishes
from tabveil.data.pooling import Pooling
from tabveil.data.prepared import Prepared, load_prepared
from tabveil.data.rules.kinds import rule_to_dict
from tabveil.data.rules.suggest import suggest
from tabveil.data.schema import Schema, infer_schema
from tabveil.data.tables import Place
from tabveil.pipeline import Parts, members_of, untrained
from tabveil.preparation import Source, prepare
from tabveil.search.objective import Objectives
from tabveil.seeding import child_seed
from tabveil.synthesizers.ctgan import Ctgan
from tabveil.synthesizers.marginals import Marginals
from tabveil.tracking.models import Generator, load_generator, save_generator

CONF = Path(__file__).parents[2] / "conf"
_SMALL = {"epochs": 1, "enable_gpu": False, "generator_dim": [16], "discriminator_dim": [16]}


@dataclass(frozen=True)
class Told:
    """What a person says of a table."""

    kinds: Mapping[str, str]
    masks: Mapping[str, str]
    target: str | None
    sensitive: tuple[str, ...]
    quasi_identifiers: tuple[str, ...]
    group: str | None


@dataclass(frozen=True)
class Line:
    """What stands where along the line, and what draws rows like the file's."""

    path: Path
    schema: Schema
    prepared: Prepared
    train: pd.DataFrame
    fitted: Generator
    loaded: Generator


def write(table, file, folder):
    """Write a table as a person's program would; return the file's path."""
    kind = file[0]
    if kind == "parquet":
        table.to_parquet(folder / "table.parquet", index=False)
        return folder / "table.parquet"
    if kind == "jsonl":
        table.to_json(
            folder / "table.jsonl", orient="records", lines=True, date_format="iso", date_unit="us"
        )
        return folder / "table.jsonl"
    _, delimiter, encoding, decimal, packing, quoting = file
    if decimal == delimiter:
        decimal = "."
    path = folder / f"table.csv{packing}"
    # Left to itself, pandas does not quote a carriage return in a name or a text.
    has_returns = "\r" in "".join(map(str, [*table.columns, *table.to_numpy().ravel()]))
    quoting = 1 if has_returns else quoting
    quoting = (csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC)[quoting]
    table.to_csv(
        path, index=False, sep=delimiter, encoding=encoding, decimal=decimal, quoting=quoting
    )
    return path


def told_of(table, case):
    """Roles, corrections and masks that a person might give to this table."""
    rng = np.random.default_rng(case.seed)
    kinds = {}
    if case.corrected:
        for column in infer_schema(table).columns:
            legal = _legal_kinds(table[column.name], column.kind)
            if legal and rng.random() < 0.25:
                kinds[column.name] = str(rng.choice(legal))
    if not infer_schema(table, kinds=kinds).modelled().columns:
        kinds = {}
    schema = infer_schema(table, kinds=kinds)
    masks = {
        name: str(rng.choice(["fake", "token", "drop"]))
        for name in schema.of_kind("identifier")
        if rng.random() < 0.5
    }
    groups = [n for n in schema.names if table[n].nunique(dropna=False) >= max(40, len(table) / 3)]
    if schema.modelled().names in ([name] for name in groups):
        groups = []  # without it nothing would be left to model
    group = str(rng.choice(groups)) if groups and rng.random() < 0.3 else None
    masks.pop(group, None)
    free = [n for n in schema.modelled().names if n != group]
    varied = [name for name in free if table[name].nunique() > 1]
    target = str(rng.choice(varied)) if varied and rng.random() < 0.6 else None

    def some():
        return tuple(name for name in free if rng.random() < 0.2)

    return Told(kinds, masks, target, some(), some(), group)


def _legal_kinds(values, kind):
    present = values.dropna()
    is_number = pd.api.types.is_numeric_dtype(values) and values.dtype != bool
    is_number &= str(values.dtype) != "boolean"
    if kind == "numeric":
        return ["categorical", "identifier"]
    if kind == "datetime":
        return ["identifier"]
    if kind == "boolean":
        return ["categorical", *(["numeric"] if is_number else [])]
    if kind == "categorical" and is_number:
        return ["numeric", "boolean"]
    legal = ["categorical"] if kind == "identifier" else ["identifier"]
    numbers = pd.to_numeric(present.astype(object), errors="coerce")
    return (
        [*legal, "numeric"] if len(numbers) and np.isfinite(numbers.astype(float)).all() else legal
    )


def take_down(case, folder):
    """Take a case's table down the line. Raises TabveilError where the line refuses it."""
    path = write(case.table(), case.file, folder)
    table = Place(path).open().table
    told = told_of(table, case)
    rules = ()
    if case.ruled:
        schema = infer_schema(table, kinds=told.kinds).with_roles(
            target=told.target, group=told.group
        )
        modelled = schema.modelled()
        suggested = suggest(table[modelled.names], modelled)
        rules = tuple(rule_to_dict(one.rule) for one in suggested[:3])
    source = Source(
        name="table",
        place=Place(path),
        wishes=Wishes(kinds=told.kinds),
        masks=told.masks,
        rules=rules,
        target=told.target,
        sensitive=told.sensitive,
        quasi_identifiers=told.quasi_identifiers,
        group=told.group,
    )
    prepared = load_prepared(prepare(source, None, root=folder))
    parts = _parts(case)
    train = prepared.train[members_of(prepared, parts.train_rate, seed=case.seed)]
    train = train.reset_index(drop=True)
    synthesizer = untrained(parts, prepared, train, seed=case.seed)
    synthesizer.fit(train, prepared.schema, seed=child_seed(case.seed, "fit"))
    save_generator(synthesizer, prepared.masking, folder / "generator", about={"seed": case.seed})
    schema = infer_schema(table, kinds=told.kinds)
    return Line(
        path,
        schema,
        prepared,
        train,
        fitted=Generator(prepared.masking, {}, synthesizer),
        loaded=load_generator(folder / "generator"),
    )


def _parts(case):
    pooling = _configured("pooling/rare" if case.pooled else "pooling/none")
    synthesizer = (
        Ctgan(**_configured("synthesizer/ctgan") | _SMALL) if case.network else Marginals()
    )
    return Parts(
        synthesizer,
        Pooling(**pooling),
        protections={},
        metrics={},
        attacks={},
        objectives=Objectives({}),
        synthetic_ratio=1.0,
        train_rate=0.7 if case.seed % 2 else 1.0,
        limits=Limits(),
        plots=False,
    )


def _configured(name):
    given = yaml.safe_load((CONF / f"{name}.yaml").read_text())
    del given["_target_"]
    return {
        key: float(v) if isinstance(v, str) and v[0].isdigit() else v for key, v in given.items()
    }
