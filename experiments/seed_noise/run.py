r"""How much do utility and risk of one configuration change with the seed alone?

Trains and scores one configuration under several seeds, as a sweep's trial would, on the same
splits and with the same evaluation. What differs is the training's and the sample's chance.

    python experiments/seed_noise/run.py --seeds 5 --out experiments/seed_noise/demo_best.json \
        experiment=demo synthesizer.epochs=131 …
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from tabveil.threads import limit_environment

limit_environment(1)

from tabveil.commands.prepare import prepared_table  # noqa: E402
from tabveil.config.build import build_parts  # noqa: E402
from tabveil.config.compose import compose_command  # noqa: E402
from tabveil.pipeline import run_trial  # noqa: E402
from tabveil.seeding import child_seed  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("overrides", nargs="*")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        composition = compose_command("train", [*arguments.overrides, f"root={root}"])
        prepared = prepared_table(composition)
        rows = []
        for i in range(arguments.seeds):
            seed = child_seed(i, "seed noise")
            trial = run_trial(prepared, build_parts(composition), seed=seed)
            row = {
                "utility": trial.utility.value,
                "risk_low": trial.risk.low,
                "risk_high": trial.risk.high,
                **{f"advantage/{key}": value for key, value in trial.risk.parts.items()},
            }
            rows.append({key: round(value, 4) for key, value in row.items()})
            print(rows[-1], flush=True)
    summary = {
        key: {
            "mean": round(statistics.mean(r[key] for r in rows), 4),
            "sd": round(statistics.stdev(r[key] for r in rows), 4) if len(rows) > 1 else None,
        }
        for key in rows[0]
    }
    for key, value in summary.items():
        print(f"{key:40} mean {value['mean']:.4f}  sd {value['sd']}")
    if arguments.out is not None:
        result = {
            "overrides": arguments.overrides,
            "n_train": len(prepared.train),
            "n_control": len(prepared.control),
            "seeds": rows,
            "summary": summary,
        }
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
