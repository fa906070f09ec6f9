"""Does a conditioned generator give the level it was asked for, and what does fixing it cost?

The ctgan package samples with batch norm in training mode: every batch is normalised by itself.
tabveil's adapter instead measures the statistics once, after training, and fixes them. One
generator is trained by the package, then sampled in both ways, all else being equal:

    fixed   as the adapter does
    batch   in batches of `batch_size` rows with batch norm in training mode, as the package does

Measured are the share of rows that have the level they were conditioned on, before any are
rejected, and without a condition what tabveil's metrics say of the whole table.

The script reaches into the adapter's private `_fitted`: neither the rows before rejection nor
the package's way of sampling can be had from outside.

    python experiments/batch_norm/run.py
    python experiments/batch_norm/run.py mine.csv --target income --out mine.json
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml

from tabveil.contracts import EvalInput
from tabveil.data.schema import Schema, infer_schema
from tabveil.data.split import Splits, split
from tabveil.data.tables import read_table
from tabveil.evaluate import evaluate
from tabveil.metrics.detection import Detection
from tabveil.metrics.pairs import Pairs
from tabveil.metrics.tstr import Tstr
from tabveil.seeding import child_rng, child_seed
from tabveil.synthesizers.ctgan_package import CtganPackage
from tabveil.synthesizers.generator import draw_inputs
from tabveil.threads import limit_environment, limited
from tabveil.tracking.environment import environment

ROOT = Path(__file__).parents[2]
HEADLINES = {"tstr": "skill", "detection": "auc", "pairs": "association"}


class NormalisedByBatch(torch.nn.Module):
    """A generator whose batch norm sees `batch_size` rows at a time and no others."""

    def __init__(self, generator: torch.nn.Module, batch_size: int) -> None:
        super().__init__()
        self.generator = copy.deepcopy(generator).train()
        self.batch_size = batch_size

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Run batch by batch; the deep copy's running statistics move, but nothing reads them."""
        return torch.cat([self.generator(batch) for batch in inputs.split(self.batch_size)])


def main() -> None:
    arguments = parse()
    table = read_table(arguments.table)
    schema = describe(arguments.table, table, arguments.target)
    splits = split(table, schema, seed=arguments.seed)
    conditions: list[dict[str, Any]] = []
    quality: list[dict[str, Any]] = []
    started = time.process_time()
    with limited(1):
        for i in range(arguments.trainings):
            seed = child_seed(arguments.seed, "batch norm", i)
            fixed = train(splits, schema.modelled(), arguments, seed)
            modes = {"fixed": fixed, "batch": by_batch(fixed)}
            for mode, synthesizer in modes.items():
                found = conditioned(synthesizer, splits.train, arguments.rows, seed)
                conditions += [{"training": i, "mode": mode, **row} for row in found]
                for j in range(arguments.samples):
                    scores = unconditioned(synthesizer, splits, schema, seed, j)
                    quality.append({"training": i, "mode": mode, "sample": j, **scores})
    found = {"conditions": summarise(conditions), "quality": compare(quality)}
    about = {name: getattr(arguments, name) for name in ("epochs", "batch_size", "pac", "rows")}
    about |= {"table": arguments.table.name, "n_train": len(splits.train), "seed": arguments.seed}
    about |= {"cpu_seconds": round(time.process_time() - started), **environment()}
    found = {"about": about, **found, "all_conditions": conditions, "all_quality": quality}
    arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", nargs="?", type=Path, default=ROOT / "data/randhie.parquet")
    parser.add_argument("--target", help="of a table that conf/dataset does not describe")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--pac", type=int, default=1)
    parser.add_argument("--trainings", type=int, default=3)
    parser.add_argument("--samples", type=int, default=30, help="tables drawn of each, per mode")
    parser.add_argument("--rows", type=int, default=10_000, help="drawn for each condition")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("result.json"))
    return parser.parse_args()


def describe(path: Path, table: pd.DataFrame, target: str | None) -> Schema:
    """The schema as conf/dataset/<name>.yaml spells it out; else inferred."""
    known = ROOT / f"conf/dataset/{path.name.split('.')[0]}.yaml"
    about = yaml.safe_load(known.read_text(encoding="utf-8")) if known.is_file() else {}
    if not known.is_file() or target:
        about = {"target": target, "group": None, "kinds": {}}
    schema = infer_schema(table, kinds=about["kinds"])
    return schema.with_roles(target=about["target"], group=about["group"])


def train(splits: Splits, schema: Schema, arguments: argparse.Namespace, seed: int) -> CtganPackage:
    synthesizer = CtganPackage(
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        pac=arguments.pac,
        enable_gpu=False,
    )
    synthesizer.fit(splits.train, schema, seed=seed)
    return synthesizer


def by_batch(synthesizer: CtganPackage) -> CtganPackage:
    """The same synthesizer, sampling as the package does."""
    twin = copy.copy(synthesizer)
    generator = NormalisedByBatch(synthesizer._fitted.generator, synthesizer.batch_size)
    twin._fitted = replace(synthesizer._fitted, generator=generator)
    return twin


def conditioned(
    synthesizer: CtganPackage, train: pd.DataFrame, n: int, seed: int
) -> list[dict[str, Any]]:
    """Share of `n` rows that have the level asked for: each column's commonest and rarest."""
    fitted = synthesizer._fitted
    rows = []
    for j, name in enumerate(fitted.codec.code_names):
        if name not in fitted.codec.levels:
            continue  # whether a number is missing
        rates = np.array(fitted.spans.rates[j])
        for which, code in (("commonest", int(rates.argmax())), ("rarest", int(rates.argmin()))):
            rng = child_rng(seed, "condition", name, which)
            inputs = draw_inputs(fitted.spans, n, synthesizer.embedding_dim, rng, (j, (code,)))
            with torch.inference_mode():
                outputs = fitted.generator(inputs).numpy()
            codes = fitted.spans.decode(outputs, rng)[1]
            level = fitted.codec.levels[name][code]
            is_level = train[name].isna() if level is None else train[name] == level
            rows.append(
                {
                    "column": name,
                    "which": which,
                    "level": "missing" if level is None else str(level),
                    "train_rate": float(is_level.mean()),
                    "met": float((codes[:, j] == code).mean()),
                }
            )
    return rows


def unconditioned(
    synthesizer: CtganPackage, splits: Splits, schema: Schema, seed: int, j: int
) -> dict[str, float]:
    """What tabveil's metrics say of a table twice as long as train, as the demo draws it."""
    data = EvalInput(
        train=splits.train,
        control=splits.control,
        reference=splits.reference,
        synthetic=synthesizer.sample(2 * len(splits.train), seed=child_seed(seed, "sample", j)),
        schema=schema.modelled(),
        seed=seed,
    )
    metrics = {"tstr": Tstr(), "detection": Detection(), "pairs": Pairs()}
    found = evaluate(data, metrics=metrics, attacks={}).metrics()
    return {
        f"{name}/{score}": found[f"utility/{name}/{score}"] for name, score in HEADLINES.items()
    }


def summarise(conditions: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean, least and most of `met` over the levels and trainings, by mode and kind of level."""
    table = pd.DataFrame(conditions)
    levels = ["which", "column", "level", "train_rate"]
    met = table.pivot_table(index=levels, columns="mode", values="met")
    print(met.round(3).to_string())
    found: dict[str, Any] = {}
    for (mode, which), rows in table.groupby(["mode", "which"]):
        numbers = {"met": rows["met"].mean(), "least": rows["met"].min(), "most": rows["met"].max()}
        numbers["train_rate"] = rows["train_rate"].mean()
        found.setdefault(mode, {})[which] = {k: round(float(v), 4) for k, v in numbers.items()}
    print(json.dumps(found, indent=1))
    return found


def compare(quality: list[dict[str, Any]]) -> dict[str, Any]:
    """Means by mode; their difference over tables drawn from the same noise, with its error."""
    table = pd.DataFrame(quality).set_index(["training", "sample"])
    fixed, batch = (table[table["mode"] == m].drop(columns="mode") for m in ("fixed", "batch"))
    gap = fixed - batch
    found = {
        name: {
            "fixed": round(float(fixed[name].mean()), 4),
            "batch": round(float(batch[name].mean()), 4),
            "fixed_minus_batch": round(float(gap[name].mean()), 4),
            "standard_error": round(float(gap[name].std() / len(gap) ** 0.5), 4),
            "by_training": [round(float(g), 4) for g in gap[name].groupby("training").mean()],
            "spread_of_a_table": round(float(fixed[name].groupby("training").std().mean()), 4),
        }
        for name in gap
    }
    print(json.dumps(found, indent=1))
    return found


if __name__ == "__main__":
    limit_environment(1)
    main()
