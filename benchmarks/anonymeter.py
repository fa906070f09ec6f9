"""Do our disclosure attacks find what Anonymeter finds, and for how much less work?

    python benchmarks/anonymeter.py GOLDEN adult.csv.gz --out benchmarks/results/anonymeter.json

Three attacks of Giomi et al. 2023 (arXiv:2211.10459) by Anonymeter 1.1.0 and by tabveil: singling
out (multivariate), linkability (k = 1) and attribute inference by the nearest row, with the
columns and numbers of attacks of Anonymeter's example notebook. Same tables, one thread, CPU
seconds of whole attacks after reading the tables: ours include the encoding, the choice of targets,
the univariate singling out and, for inference, the comparison with a reference, neither of which
Anonymeter is asked for. Runs alternate, so that a loaded machine slows both; ratios are medians
over pairs.

GOLDEN holds train, control, reference and synthetic tables of 10,000 Adult rows; the risks of both
are listed with their 95 % intervals. The second table is the whole of Adult, 48,842 rows. It has no
two parts of 39,000 rows, so train is 39,000 of them, control and reference are draws of 39,000
with replacement from the rest, and synthetic is train; synthetic and control get 2 % noise in the
numbers. That measures cost; the risks there compare the programs, they mean nothing else.

Anonymeter needs an environment of its own (NumPy < 1.27): one is made in a temporary directory,
or where --environment says, with pip.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tabveil.threads import limit_environment, limited

limit_environment(1)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from tabveil.attacks.inference import Inference  # noqa: E402
from tabveil.attacks.linkability import Linkability  # noqa: E402
from tabveil.attacks.singling_out import SinglingOut  # noqa: E402
from tabveil.contracts import EvalInput, Limits, Score  # noqa: E402
from tabveil.data.schema import infer_schema  # noqa: E402
from tabveil.measure.lineup import lineup_of  # noqa: E402

PACKAGE = "anonymeter==1.1.0"
SECRET = "income"
PARTS = [
    ["type_employer", "education", "hr_per_week", "capital_loss", "capital_gain"],
    ["race", "sex", "fnlwgt", "age", "country"],
]
NAMES = {
    "workclass": "type_employer",
    "marital_status": "marital",
    "hours_per_week": "hr_per_week",
    "native_country": "country",
}
"""What the notebook and the golden tables call columns of Adult."""
N_ATTACKS = {"multivariate": 500, "link": 2000, "infer": 1000}
N_COLS, K = 4, 1
LARGE, NOISE = 39_000, 0.02
Result = dict[str, dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("golden", type=Path, help="folder of 10,000-row tables")
    parser.add_argument("adult", type=Path, help="the whole of Adult, CSV")
    parser.add_argument("--environment", type=Path, help="kept, and used again if it is there")
    parser.add_argument("--repeats", type=int, default=3, help="pairs of runs per table")
    parser.add_argument("--out", type=Path, help="where to write the result as JSON")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, limited(1):
        python = environment(given.environment or Path(scratch) / "anonymeter")
        large = large_tables(given.adult, Path(scratch))
        sizes = {"10000": golden_tables(given.golden), "39000": {"noise": large}}
        with anonymeter(python) as theirs:
            results = {
                size: {name: race(paths, theirs, given.repeats) for name, paths in tables.items()}
                for size, tables in sizes.items()
            }
    ratios = {
        size: round(statistics.median(r for found in tables.values() for r in found["ratios"]), 1)
        for size, tables in results.items()
    }
    for size, ratio in ratios.items():
        print(f"{size} rows: {ratio} times the CPU seconds of ours")
    if given.out:
        settings = {"n_attacks": N_ATTACKS, "n_cols": N_COLS, "k": K, "package": PACKAGE}
        written = {"settings": settings, "repeats": given.repeats, "ratio": ratios, **results}
        given.out.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def environment(directory: Path) -> Path:
    """The interpreter of an environment that has Anonymeter."""
    python = directory / "bin" / "python"
    if not python.exists():
        venv.create(directory, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", PACKAGE], check=True)
    return python


def golden_tables(folder: Path) -> dict[str, dict[str, Path]]:
    same = {name: folder / f"{name}.csv.gz" for name in ("train", "control", "reference")}
    return {
        name: {**same, "synthetic": folder / f"{name}.csv.gz"}
        for name in ("safe_fresh", "leak_copy10", "leak_noise100")
    }


def large_tables(adult: Path, scratch: Path) -> dict[str, Path]:
    """Four tables of 39,000 rows; see the top of this file."""
    rng = np.random.default_rng(0)
    whole = (
        pd.read_csv(adult)
        .rename(columns=NAMES)
        .sample(frac=1, random_state=0)
        .drop_duplicates(ignore_index=True)
    )
    train, rest = whole[:LARGE], whole[LARGE:]
    control, reference = (rest.sample(LARGE, replace=True, random_state=i) for i in range(2))
    tables = {
        "train": train,
        "control": noisy(control, rng),
        "reference": reference,
        "synthetic": noisy(train, rng),
    }
    paths = {name: scratch / f"{name}.csv" for name in tables}
    for name, table in tables.items():
        table.to_csv(paths[name], index=False)
    return paths


def noisy(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Whole numbers moved by a normal of 2 % of their column's standard deviation, not below 0."""
    numbers = table.select_dtypes("number")
    moved = numbers + rng.normal(size=numbers.shape) * NOISE * numbers.std().to_numpy()
    return table.assign(**moved.round().clip(lower=0).astype(int)).reset_index(drop=True)


@contextmanager
def anonymeter(python: Path) -> Iterator[subprocess.Popen[str]]:
    """Its side, waiting for requests; -I: or this file would be the `anonymeter` it imports."""
    command = [python, "-I", str(Path(__file__).with_name("anonymeter_env.py"))]
    threads = {"NUMBA_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **threads},
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def theirs(process: subprocess.Popen[str], paths: dict[str, Path], seed: int) -> Result:
    request = {
        "tables": {name: str(path.resolve()) for name, path in paths.items()},
        "n_attacks": N_ATTACKS,
        "n_cols": N_COLS,
        "parts": PARTS,
        "k": K,
        "secret": SECRET,
        "seed": seed,
        "first": seed == 0,
    }
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    answer: Result = json.loads(process.stdout.readline())
    return answer


def ours(paths: dict[str, Path], seed: int) -> Result:
    tables = {name: pd.read_csv(path) for name, path in paths.items()}
    clock = [time.process_time()]
    schema = infer_schema(tables["reference"]).with_roles(target=None, sensitive=(SECRET,))
    limits = Limits(max_targets=None, max_searched=None, device="cpu")
    everybody = EvalInput(**tables, schema=schema, seed=seed, limits=limits)
    lineup_of(everybody)
    clock.append(time.process_time())
    singling = SinglingOut(n_attacks=N_ATTACKS["multivariate"], n_cols=N_COLS)
    (alone, _) = singling.evaluate(everybody)
    clock.append(time.process_time())
    (linked,) = Linkability(k=K, n_attacks=N_ATTACKS["link"], columns=PARTS).evaluate(everybody)
    clock.append(time.process_time())
    # It attacks every target: a second lineup, of as many as Anonymeter is asked for.
    some = replace(everybody, limits=replace(limits, max_targets=N_ATTACKS["infer"]))
    (inferred,) = Inference(learner="nearest").evaluate(some)
    clock.append(time.process_time())
    names = ("lineup", "multivariate", "link", "infer")
    risks = {
        "multivariate": [alone.value, alone.low, alone.high],
        "link": [linked.value, linked.low, linked.high],
        "infer": residual(inferred),
    }
    return {"seconds": dict(zip(names, np.diff(clock).tolist(), strict=True)), "risks": risks}


def residual(inferred: Score) -> list[float]:
    """Its difference of rates as a residual risk, as Anonymeter reports it."""
    left = 1 - inferred.detail["others_rate"]
    return [min(1.0, inferred.detail["unadjusted"][i] / left) for i in ("value", "low", "high")]


def race(paths: dict[str, Path], process: subprocess.Popen[str], repeats: int) -> dict[str, Any]:
    """Pairs of runs after one that warms up: seconds, risks of the last pair, ratios."""
    pairs = []
    for seed in range(repeats + 1):
        pairs.append({"ours": ours(paths, seed), "theirs": theirs(process, paths, seed)})
    seconds = [
        {who: sum(result["seconds"].values()) for who, result in pair.items()} for pair in pairs[1:]
    ]
    found: dict[str, Any] = {
        "ratios": [round(pair["theirs"] / pair["ours"], 2) for pair in seconds],
        "risks": {who: result["risks"] for who, result in pairs[1].items()},
    }
    for who, result in pairs[1].items():
        found[f"{who}_seconds"] = {
            name: round(statistics.median(pair[who]["seconds"][name] for pair in pairs[1:]), 3)
            for name in result["seconds"]
        }
        risks = {
            name: "{:.3f} [{:.3f}, {:.3f}]".format(*risk) for name, risk in result["risks"].items()
        }
        print(f"{paths['synthetic'].name:22} {who:6} {found[f'{who}_seconds']} {risks}", flush=True)
    print(f"{paths['synthetic'].name:22} ratios {found['ratios']}", flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
