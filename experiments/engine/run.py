r"""What is each of the engine's improvements worth, on several tables and seeds?

Every variant is `conf/synthesizer/ctgan.yaml` with some keys changed. A table is shuffled once and
cut into train, control and reference; each variant is trained on train under each seed and measured
as the sweep measures: SDMetrics' quality, our pairs, TSTR and detection on control, the distance
attack's AUC overall and for outliers. A run is a line of JSON; those that
the file has are not repeated. `idea=name` trains with a change that was not kept (`ideas.py`).

    python experiments/engine/run.py adult.csv.gz:income bank_marketing.csv.gz:y \
        credit_default.csv.gz:has_default --seeds 3 --set epochs=40 \
        --variant default: --variant no_atoms:max_atoms=0 --out experiments/engine/runs.jsonl
    python experiments/engine/run.py --summary experiments/engine/runs.jsonl
"""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from tabveil.threads import limit_environment

limit_environment(1)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import yaml  # noqa: E402
from ideas import IDEAS  # noqa: E402

from tabveil.attacks.distance import Distance  # noqa: E402
from tabveil.contracts import EvalInput  # noqa: E402
from tabveil.data.schema import infer_schema  # noqa: E402
from tabveil.data.tables import read_table  # noqa: E402
from tabveil.evaluate import evaluate  # noqa: E402
from tabveil.metrics.detection import Detection  # noqa: E402
from tabveil.metrics.pairs import Pairs  # noqa: E402
from tabveil.metrics.quality import Quality  # noqa: E402
from tabveil.metrics.tstr import Tstr  # noqa: E402
from tabveil.seeding import child_rng, child_seed  # noqa: E402
from tabveil.synthesizers.ctgan import Ctgan  # noqa: E402
from tabveil.threads import limited  # noqa: E402

CONF = Path(__file__).parents[2] / "conf" / "synthesizer" / "ctgan.yaml"
SHARES = (0.5, 0.25)
"""Of train and control; the rest is reference."""
MEASURES = {
    "utility/quality/overall": "quality",
    "utility/pairs/association": "association",
    "utility/tstr/auc": "TSTR AUC",
    "utility/detection/auc": "detection AUC",
    "privacy/distance/auc": "distance AUC",
    "privacy/distance/auc_outliers": "outliers",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", help="file:target")
    parser.add_argument("--variant", action="append", default=[], help="name:key=value,key=value")
    parser.add_argument("--set", action="append", default=[], help="key=value, for every variant")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=20_000, help="of each table, at most")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--summary", type=Path)
    given = parser.parse_args()
    if given.summary:
        print(summary(given.summary))
        return
    done = set()
    if given.out.is_file():
        done = {key_of(json.loads(line)) for line in given.out.read_text().splitlines()}
    jobs = []
    for seed in range(given.seeds):
        for table in given.tables:
            for variant in given.variant:
                name, _, changes = variant.partition(":")
                params = changed([*given.set, *filter(None, changes.split(","))])
                path, _, target = table.rpartition(":")
                job = {"variant": name, "table": Path(path).name.partition(".")[0], "seed": seed}
                if key_of(job) not in done:
                    jobs.append((job, path, target, params, given.rows))
    with ProcessPoolExecutor(given.workers) as pool, given.out.open("a", encoding="utf-8") as out:
        for result in pool.map(run, jobs):
            print(json.dumps(result), file=out, flush=True)


def key_of(job: dict[str, Any]) -> tuple[Any, ...]:
    return job["variant"], job["table"], job["seed"]


def changed(words: list[str]) -> dict[str, Any]:
    """The configured parameters with some changed, given as `key=value`."""
    params = yaml.safe_load(CONF.read_text(encoding="utf-8"))
    params.pop("_target_")
    for word in words:
        key, _, value = word.partition("=")
        if key not in params and key != "idea":
            raise SystemExit(f"{CONF} has no key {key!r}")
        params[key] = yaml.safe_load(value)
        if isinstance(params[key], str) and params[key][:1].isdigit():
            params[key] = float(params[key])  # YAML reads 5e-4 as text
    return params


def run(job: tuple[dict[str, Any], str, str, dict[str, Any], int]) -> dict[str, Any]:
    about, path, target, params, n = job
    table = read_table(Path(path))
    table = table.iloc[child_rng(0, "engine", about["table"]).permutation(len(table))[:n]]
    cuts = (np.cumsum(SHARES) * len(table)).astype(int)
    train, control, reference = (
        table.iloc[a:b].reset_index(drop=True)
        for a, b in zip([0, *cuts], [*cuts, len(table)], strict=True)
    )
    schema = infer_schema(table).with_roles(target=target).modelled()
    train, control, reference = (part[schema.names] for part in (train, control, reference))
    with limited(1):
        started = time.process_time()
        idea = params.pop("idea", None)
        synthesizer = Ctgan(**params)
        with IDEAS[idea]() if idea else contextlib.nullcontext():
            synthesizer.fit(train, schema, seed=child_seed(about["seed"], "fit"))
        cpu = time.process_time() - started
        synthetic = synthesizer.sample(len(train), seed=child_seed(about["seed"], "sample"))
        data = EvalInput(train, control, reference, synthetic, schema, seed=0)
        metrics = {m.name: m for m in (Quality(), Pairs(), Tstr(), Detection())}
        found = evaluate(data, metrics=metrics, attacks={"distance": Distance()}).metrics()
    return {
        **about,
        "cpu_seconds": round(cpu, 1),
        **{name: round(found[key], 4) for key, name in MEASURES.items() if key in found},
    }


def summary(path: Path) -> str:
    """Mean of each measure by table and variant, and the spread between seeds (pooled)."""
    runs = pd.DataFrame([json.loads(line) for line in path.read_text().splitlines()])
    names = [name for name in runs if name not in ("variant", "table", "seed")]
    grouped = runs.groupby(["table", "variant"], sort=False)[names]
    spread = grouped.var().mean() ** 0.5
    lines = grouped.mean().round(3).to_string()
    return f"{lines}\n\nspread between seeds:\n{spread.round(3).to_string()}"


if __name__ == "__main__":
    main()
