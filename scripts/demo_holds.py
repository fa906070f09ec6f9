"""Check that the demo ended in something people may use: three releases at least, and rows.

    python scripts/demo_holds.py

Run after `make demo`, by `.ci/run`. It looks into the registry with MLflow's own client and at the
rows with pandas, and ends with exit code 1 where something is missing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient

STORE = Path(__file__).parents[1] / "store"
MODEL, LEAST, ROWS = "randhie", 3, 1_000


def main() -> int:
    """Say what is there, and what is missing."""
    client = MlflowClient(f"sqlite:///{STORE / 'mlflow.db'}")
    versions = client.search_model_versions(f"name = '{MODEL}'")
    releases = [int(v.version) for v in versions if v.tags.get("verdict") == "pass"]
    aliases = client.get_registered_model(MODEL).aliases
    rows = pd.read_parquet(STORE / "demo-rows.parquet")
    print(f"{len(releases)} releases of {len(versions)} versions, {aliases}, {len(rows)} rows")
    wrong = []
    if len(releases) < LEAST:
        wrong.append(f"fewer than {LEAST} releases")
    if set(map(int, aliases.values())) - set(releases):
        wrong.append("an alias that points to no release")
    if len(rows) != ROWS or rows.isna().all(axis=None):
        wrong.append(f"not {ROWS} rows")
    for text in wrong:
        print(f"the demo ended with {text}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
