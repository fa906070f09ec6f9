r"""Total variation of each column of levels between a small source and 20,000 drawn rows.

    python experiments/protections/shares.py --out experiments/protections/shares.json
    python experiments/protections/shares.py --tables patients --synthesizers marginals --seeds 50 \
        --out experiments/protections/shares_often.json

Two tables: 40 departments of about 25 of 1,000 rows, and 286 rows with the levels of a table of
breast cancers. A table is split and its members are drawn as `tabveil train` does it by default.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from tabveil.threads import limit_environment

limit_environment(1)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from tabveil.commands.prepare import prepared_directory  # noqa: E402
from tabveil.config.build import build  # noqa: E402
from tabveil.config.compose import compose_command  # noqa: E402
from tabveil.data.membership import draw_members  # noqa: E402
from tabveil.data.prepared import load_prepared  # noqa: E402
from tabveil.seeding import child_seed  # noqa: E402
from tabveil.synthesizers.wrapping import wrapped  # noqa: E402
from tabveil.threads import limited  # noqa: E402

PATIENTS: dict[str, dict[str | None, int]] = {
    "class": {"no-recurrence": 201, "recurrence": 85},
    "age": {"20-29": 1, "30-39": 36, "40-49": 90, "50-59": 96, "60-69": 57, "70-79": 6},
    "menopause": {"ge40": 129, "lt40": 7, "premeno": 150},
    "tumor": {
        "0-4": 8,
        "5-9": 4,
        "10-14": 28,
        "15-19": 30,
        "20-24": 50,
        "25-29": 54,
        "30-34": 60,
        "35-39": 19,
        "40-44": 22,
        "45-49": 3,
        "50-54": 8,
    },
    "nodes": {"0-2": 213, "3-5": 36, "6-8": 17, "9-11": 10, "12-14": 3, "15-17": 6, "24-26": 1},
    "caps": {"no": 222, "yes": 56, None: 8},
    "quadrant": {"central": 21, "ll": 110, "lu": 97, "rl": 24, "ru": 33, None: 1},
}


def departments(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "department": [f"D{i:02d}" for i in rng.integers(0, 40, 1000)],
            "site": [f"S{i}" for i in rng.integers(0, 12, 1000)],
            "age": rng.integers(18, 90, 1000),
        }
    )


def patients(rng: np.random.Generator) -> pd.DataFrame:
    columns = {}
    for name, counts in PATIENTS.items():
        shares = np.array(list(counts.values())) / 286
        columns[name] = rng.choice(np.array(list(counts), dtype=object), 286, p=shares)
    return pd.DataFrame(columns)


TABLES = {"departments": departments, "patients": patients}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--tables", nargs="*", default=list(TABLES), choices=list(TABLES))
    parser.add_argument("--synthesizers", nargs="*", default=["marginals", "ctgan", "tvae"])
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    found: dict[str, Any] = {}
    with limited(1):
        for name in given.tables:
            for synthesizer in given.synthesizers:
                for pooling in ("rare", "none"):
                    tables = [TABLES[name](np.random.default_rng(i)) for i in range(given.seeds)]
                    runs = [variations(t, synthesizer, pooling, i) for i, t in enumerate(tables)]
                    frame = pd.DataFrame(runs)
                    key = f"{name}, {synthesizer}, pooling={pooling}"
                    found[key] = {
                        "mean": frame.mean().round(3).to_dict(),
                        "most": frame.max().round(3).to_dict(),
                    }
                    print(key, found[key], flush=True)
    given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def variations(table: pd.DataFrame, synthesizer: str, pooling: str, seed: int) -> dict[str, float]:
    """Column of levels → total variation."""
    with tempfile.TemporaryDirectory() as root:
        path = Path(root) / "table.csv"
        table.to_csv(path, index=False)
        words = [f"dataset.path={path}", f"root={root}", f"pooling={pooling}"]
        words += ["dataset=csv", f"synthesizer={synthesizer}"]
        composition = compose_command("train", words)
        prepared = load_prepared(prepared_directory(composition))
    is_member = draw_members(prepared, 0.7, seed=child_seed(seed, "members"))
    train = prepared.train[is_member].reset_index(drop=True)
    parts = build(composition, "synthesizer"), build(composition, "pooling")
    model = wrapped(*parts, prepared, train, seed, is_member)
    model.fit(train, prepared.schema, seed=child_seed(seed, "fit"))
    drawn = model.sample(20_000, seed=1)
    names = prepared.schema.of_kind("categorical")
    return {name: variation(table[name], drawn[name]) for name in names}


def variation(a: pd.Series, b: pd.Series) -> float:
    """Half of the sum of differences of shares; the missing level is one of them."""
    shares = [x.value_counts(normalize=True, dropna=False) for x in (a, b)]
    return float(shares[0].sub(shares[1], fill_value=0).abs().sum() / 2)


if __name__ == "__main__":
    main()
