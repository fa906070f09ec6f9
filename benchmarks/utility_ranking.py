"""Does objective/utility put tables into the order that a person would?

Scores tables of known merit on one data set: fresh real rows, a memoriser (bootstrap of the
training rows), independent marginals, and any synthetic tables given as CSV.

    python benchmarks/utility_ranking.py TRAIN.csv HOLDOUT.csv --target income \
        --synthetic ctgan_300=ctgan_300.csv --fit-ctgan 50 --out results.json

Half of the holdout is `control`; the other half plays the fresh real rows.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

import pandas as pd
import yaml
from hydra.utils import instantiate

from tabveil.contracts import EvalInput
from tabveil.data.schema import infer_schema
from tabveil.evaluate import Evaluation, evaluate
from tabveil.search.objective import Objectives
from tabveil.seeding import child_rng, child_seed, global_state
from tabveil.threads import limit_environment, limited

CONF = Path(__file__).parents[1] / "conf"
METRICS = ("quality", "pairs", "tstr", "detection")


def main() -> None:
    arguments = parse()
    train, holdout = (pd.read_csv(path) for path in (arguments.train, arguments.holdout))
    train, holdout = (table.head(arguments.rows or len(table)) for table in (train, holdout))
    half = len(holdout) // 2
    control, fresh = holdout.iloc[:half], holdout.iloc[half:]
    tables = {"real_fresh": fresh} | baselines(train, arguments.seed)
    for epochs in arguments.fit_ctgan:
        tables[f"ctgan_{epochs}"] = fit_ctgan(train, epochs, arguments.seed)
    tables |= {name: pd.read_csv(path) for name, path in arguments.synthetic}

    metrics = {}
    for name in METRICS:
        metrics |= load(f"metric/{name}.yaml")
    objectives: Objectives = instantiate(
        yaml.safe_load((CONF / "objective/default.yaml").read_text())
    )
    schema = infer_schema(train).with_roles(target=arguments.target)
    results = {}
    with limited(1):
        for name, synthetic in tables.items():
            data = EvalInput(
                train=train,
                control=control,
                reference=control,
                synthetic=synthetic,
                schema=schema,
                seed=arguments.seed,
            )
            results[name] = row(evaluate(data, metrics=metrics, attacks={}), objectives)
    report(results)
    if arguments.out:
        about = {"machine": platform.processor() or platform.machine(), "threads": 1}
        about |= {"train_rows": len(train), "control_rows": len(control), "fresh_rows": len(fresh)}
        about |= {"weights": dict(objectives.weights), "seed": arguments.seed}
        text = json.dumps({"about": about, "results": results}, indent=1)
        Path(arguments.out).write_text(text + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train")
    parser.add_argument("holdout")
    parser.add_argument("--target")
    parser.add_argument(
        "--synthetic",
        action="append",
        default=[],
        metavar="NAME=PATH",
        type=lambda text: tuple(text.split("=", 1)),
    )
    parser.add_argument("--fit-ctgan", action="append", default=[], type=int, metavar="EPOCHS")
    parser.add_argument("--rows", type=int, help="use the first rows of each table only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out")
    return parser.parse_args()


def load(name: str) -> dict[str, object]:
    nodes = yaml.safe_load((CONF / name).read_text())
    return {key: instantiate(node) for key, node in nodes.items()}


def baselines(train: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """A memoriser, and columns that know nothing of each other."""
    rng = child_rng(seed, "baselines")
    memoriser = train.iloc[rng.integers(0, len(train), len(train))]
    marginals = train.apply(lambda column: rng.permutation(column.to_numpy()))
    return {"memoriser": memoriser, "marginals": marginals}


def fit_ctgan(train: pd.DataFrame, epochs: int, seed: int) -> pd.DataFrame:
    """As many rows as `train`, by the ctgan package with its defaults."""
    from ctgan import CTGAN

    discrete = list(train.select_dtypes(exclude="number"))
    table = train.assign(**{name: train[name].fillna("missing") for name in discrete})
    started = time.process_time()
    with limited(1), global_state(child_seed(seed, "ctgan")):
        model = CTGAN(epochs=epochs, enable_gpu=False)
        model.fit(table, discrete)
        synthetic = model.sample(len(train))
    print(f"ctgan, {epochs} epochs: {time.process_time() - started:.0f} CPU s")
    return synthetic


def row(evaluation: Evaluation, objectives: Objectives) -> dict[str, float]:
    for failed in evaluation.failed():
        raise SystemExit(failed.error)
    utility = objectives.utility(evaluation)
    cpu = sum(result.cpu_seconds for result in evaluation.results)
    numbers = {"objective/utility": utility.value, **evaluation.metrics(), "cpu_seconds": cpu}
    return {key: round(value, 4) for key, value in numbers.items()}


def report(results: dict[str, dict[str, float]]) -> None:
    table = pd.DataFrame(results).T.sort_values("objective/utility", ascending=False)
    with pd.option_context("display.width", 200, "display.max_columns", None):
        print(table.T.round(3).to_string())


if __name__ == "__main__":
    limit_environment(1)
    main()
