r"""How good a family's rows are, and what an audit of them shows.

    python benchmarks/remembering.py TRAIN HOLDOUT WHOLE --missing '?' --target income \
        --variant autoregressive --variant autoregressive:dropout=0.5,hidden_dim=16 \
        --out benchmarks/results/remembering.json

Variants are said as in `quality.py`. Each is fitted on TRAIN, of which as many rows are drawn as
TRAIN has. They are judged as there, and audited as `tabveil audit` does: TRAIN holds the members,
HOLDOUT the non-members, and what WHOLE holds beyond both is the attacker's reference. The verdict
and the risk's interval are written, with the attack that the upper bound is from.

A run that --out already holds is not made again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabveil.threads import limit_environment, limited

limit_environment(1)

import pandas as pd  # noqa: E402
from engine_tables import about, as_modelled, warm_up  # noqa: E402
from quality import Tables, Variant, judged, write  # noqa: E402

from tabveil.audit import Files, audit  # noqa: E402
from tabveil.config.build import build, build_attacks  # noqa: E402
from tabveil.config.compose import compose_command  # noqa: E402
from tabveil.config.settings import Evaluation, read  # noqa: E402
from tabveil.controls import Suite  # noqa: E402
from tabveil.data.tables import read_table  # noqa: E402
from tabveil.measure.alike import Roles  # noqa: E402
from tabveil.memo import Memo  # noqa: E402


def main() -> None:
    given = arguments()
    train, schema = as_modelled(given.train, target=given.target)
    holdout = read_table(given.holdout)[schema.names]
    whole = read_table(given.whole)[schema.names]
    if given.missing:  # as TRAIN says it: a member in other words would be no twin of itself
        texts = [name for name in whole if whole[name].dtype == object]
        whole[texts] = whole[texts].fillna(given.missing)
    others = beyond(whole, [train, holdout])
    tables = Tables(train, holdout, schema, Memo())
    runs: list[dict[str, Any]] = json.loads(given.out.read_text()) if given.out.exists() else []
    warm_up()
    for seed in range(given.seeds):
        for text in given.variant:
            variant = Variant.parse(text, [0])
            epochs = variant.epochs[0] or variant.params["epochs"]
            wanted = {"variant": text, "seed": seed, "train": given.train.name}
            if any(wanted.items() <= run.items() for run in runs):
                continue
            found = remembered(variant, epochs, seed, tables, others)
            runs.append(wanted | found | {"about": about()})
            write(given.out, runs)
            print({key: value for key, value in runs[-1].items() if key != "about"}, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("train", type=Path, help="CSV or Parquet: the members")
    parser.add_argument("holdout", type=Path, help="rows that no model sees: the non-members")
    parser.add_argument("whole", type=Path, help="the table that both are from")
    parser.add_argument("--target", required=True, help="what TSTR predicts; sensitive")
    parser.add_argument("--missing", default="", help="what stands in TRAIN where WHOLE has gaps")
    parser.add_argument("--variant", action="append", required=True, metavar="NAME[:KEY=VALUE,…]")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def beyond(whole: pd.DataFrame, parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Rows of `whole` that stand in none of `parts`; of equal rows as many as are left over."""
    parted = numbered(pd.concat(parts, ignore_index=True))
    return whole[~pd.Series(numbered(whole)).isin(set(parted)).to_numpy()].reset_index(drop=True)


def numbered(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Each row's values and which of its equals it is."""
    rows = table.astype(str)
    nth = rows.groupby(list(rows)).cumcount()
    return list(zip(*(rows[name] for name in rows), nth, strict=True))


def largest(parts: Mapping[str, float], n: int = 8) -> dict[str, float]:
    """The greatest few, rounded."""
    ordered = sorted(parts.items(), key=lambda item: -item[1])
    return {name: round(value, 4) for name, value in ordered[:n]}


def remembered(
    variant: Variant, epochs: int, seed: int, tables: Tables, others: pd.DataFrame
) -> dict[str, Any]:
    """One fit, judged and audited."""
    model = variant.build(epochs)
    with limited(1):
        start = time.process_time()
        model.fit(tables.train, tables.schema, seed=seed)
        cpu = time.process_time() - start
        rows = model.sample(len(tables.train), seed=seed)
        scores = judged(rows, tables, seed)
    composition = compose_command("audit", ["synthetic=s", "train=t", "control=c"])
    suite = Suite(build_attacks(composition), build(composition, "objective"))
    limits = read(composition, Evaluation, "evaluation").limits
    parts = {
        "synthetic": rows,
        "train": tables.train,
        "control": tables.holdout,
        "reference": others,
    }
    with limited(1), tempfile.TemporaryDirectory() as scratch:
        paths = {name: Path(scratch) / f"{name}.parquet" for name in parts}
        for name, part in parts.items():
            part.to_parquet(paths[name])
        roles = Roles({}, tuple(filter(None, [tables.schema.target])), (), None)
        found = audit(Files(**paths), roles, suite, limits, seed=seed)
    return {
        "rows": {name: len(part) for name, part in parts.items()},
        "cpu_seconds": round(cpu, 1),
        **{name: round(float(value), 4) for name, value in scores.items()},
        "verdict": found.verdict,
        "risk": found.risk and [round(float(x), 4) for x in (found.risk.low, found.risk.high)],
        "shown": sorted(found.shown),
        "parts": largest(found.risk.parts if found.risk else {}),
    }


if __name__ == "__main__":
    main()
