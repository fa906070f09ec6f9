"""Anonymeter's side of `benchmarks/anonymeter.py`; runs in an environment of its own.

Anonymeter pins NumPy below ours. This file imports nothing of tabveil, reads a request per line
(JSON) and answers each with a line: CPU seconds and risks of its three attacks. Imports, reading
tables and the compilation of its distances (a first run on few rows) are not counted; process
time counts all threads; the caller allows one.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
from anonymeter.evaluators import (  # type: ignore[import-not-found,unused-ignore]
    InferenceEvaluator,
    LinkabilityEvaluator,
    SinglingOutEvaluator,
)

FEW = 200


def main() -> None:
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        request = json.loads(line)
        tables = {name: pd.read_csv(path) for name, path in request["tables"].items()}
        if request["first"]:
            few = {name: table.head(FEW).copy() for name, table in tables.items()}
            attack(few, request | {"n_attacks": {"multivariate": 5, "link": 20, "infer": 20}})
        print(json.dumps(attack(tables, request)), flush=True)


def attack(tables: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Seconds and, as value, low, high, the risk of each attack."""
    np.random.seed(request["seed"])  # two of its three attacks draw from the global state
    common = {"ori": tables["train"], "syn": tables["synthetic"], "control": tables["control"]}
    n, secret = request["n_attacks"], request["secret"]
    known = [name for name in tables["train"] if name != secret]
    runs = {
        "multivariate": lambda: SinglingOutEvaluator(
            **common, n_attacks=n["multivariate"], n_cols=request["n_cols"], seed=request["seed"]
        ).evaluate(mode="multivariate"),
        "link": lambda: LinkabilityEvaluator(
            **common, n_attacks=n["link"], aux_cols=request["parts"], n_neighbors=request["k"]
        ).evaluate(n_jobs=1),
        "infer": lambda: InferenceEvaluator(
            **common, n_attacks=n["infer"], aux_cols=known, secret=secret
        ).evaluate(n_jobs=1),
    }
    seconds, risks = {}, {}
    for name, run in runs.items():
        start = time.process_time()
        risk = run().risk()
        seconds[name] = time.process_time() - start
        risks[name] = [risk.value, *risk.ci]
    return {"seconds": seconds, "risks": risks}


if __name__ == "__main__":
    main()
