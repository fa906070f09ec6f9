r"""What do the attacks see once each person's own difficulty is taken away by the other trials?

Runs a real sweep of CTGANs through the command line, each trial on another random part of the
pool, then compares for every signal the AUC among the outliers (and among all) of the pool, as
the trial itself gives it and with the other trials as shadows. The mean over trials and its 95 %
interval (t over trials); the difference is paired. Beside it what the white-box critic sees, by
`pac`.

    python experiments/shadows/run.py --out experiments/shadows/randhie.json --root out/shadows \
        dataset=randhie sweep.trials=16 …
    python experiments/shadows/run.py --analyse --root out/shadows --study NAME --out …
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tabveil.threads import limit_environment

limit_environment(1)

import numpy as np  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from scipy import stats  # noqa: E402

from tabveil.measure.combine import cross_fit  # noqa: E402
from tabveil.measure.intervals import auc  # noqa: E402
from tabveil.search.shadows import Calibrated, Shadow, calibrate  # noqa: E402
from tabveil.tracking.environment import environment  # noqa: E402

Pair = tuple[float, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="the sweep's root")
    parser.add_argument("--study", default="shadows")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--analyse", action="store_true", help="the sweep has run already")
    parser.add_argument("overrides", nargs="*")
    given = parser.parse_args()
    if not given.analyse:
        words = [f"root={given.root}", f"sweep.study={given.study}", "sweep.register=false"]
        command = Path(sys.executable).parent / "tabveil"
        subprocess.run([command, "sweep", *given.overrides, *words], check=True)
    paths = sorted((given.root / "shadows" / given.study).glob("*.npz"))
    shadows = [Shadow.load(path) for path in paths]
    calibrated = [calibrate(shadows, index) for index in range(len(shadows))]
    result = {
        "overrides": given.overrides,
        "trials": len(shadows),
        "people": sizes(calibrated),
        "environment": environment(),
        "signals": {
            name: compare(calibrated, lambda one, j=j: (one.plain[:, j], one.signals[:, j]))
            for j, name in enumerate(shadows[0].names)
        },
        "learnt": compare(calibrated, learn),
        "critic_by_pac": critics(given.root, given.study),
    }
    given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for name, one in [*result["signals"].items(), ("learnt", result["learnt"])]:
        print(f"{name:32} {show(one['outliers'])}   all: {show(one['all'])}")


def show(one: dict[str, Any]) -> str:
    plain, calibrated, gain = (
        f"{one[key]['mean']:.3f} ± {one[key]['half_width']:.3f}"
        for key in ("plain", "calibrated", "gain")
    )
    return f"{plain} → {calibrated} (gain {gain})"


def sizes(calibrated: Sequence[Calibrated]) -> dict[str, float]:
    return {
        "judged": float(np.mean([len(one.is_member) for one in calibrated])),
        "members": float(np.mean([one.is_member.sum() for one in calibrated])),
        "outliers": float(np.mean([one.is_outlier.sum() for one in calibrated])),
        "shadows_each": round(float(np.mean([one.n_shadows.mean() for one in calibrated])), 2),
    }


def learn(one: Calibrated) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The learnt combination of the plain signals, and of plain and calibrated ones."""
    both = np.hstack([one.plain, one.signals])
    return cross_fit(one.plain, one.is_member, seed=0), cross_fit(both, one.is_member, seed=0)


def compare(
    calibrated: Sequence[Calibrated],
    of: Callable[[Calibrated], tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> dict[str, Any]:
    """AUC of the plain and the calibrated signal over the trials, outliers and all."""
    found: dict[str, list[Pair]] = {"outliers": [], "all": []}
    for one in calibrated:
        plain, better = of(one)
        for among, mask in (("outliers", one.is_outlier), ("all", np.ones_like(one.is_member))):
            pair = tuple(
                auc(members=s[mask & one.is_member], others=s[mask & ~one.is_member]).value
                for s in (plain, better)
            )
            found[among].append(pair)  # type: ignore[arg-type]
    return {among: describe(np.array(pairs)) for among, pairs in found.items()}


def critics(root: Path, study: str) -> dict[str, Any]:
    """AUC of the critic over the trials of each `pac`, all targets and outliers."""
    client = MlflowClient(f"sqlite:///{root}/mlflow.db")
    experiment = client.get_experiment_by_name(study)
    runs = client.search_runs([experiment.experiment_id], "tags.role = 'trial'")
    found: dict[str, Any] = {}
    for pac in sorted({run.data.params["synthesizer.pac"] for run in runs}):
        of = [run.data.metrics for run in runs if run.data.params["synthesizer.pac"] == pac]
        of = [metrics for metrics in of if "privacy/critic/auc" in metrics]
        found[pac] = {
            name: centre(np.array([one[f"privacy/critic/{name}"] for one in of]))
            for name in ("auc", "auc_outliers")
        } | {"trials": len(of)}
    return found


def centre(values: NDArray[np.float64]) -> dict[str, float]:
    """Mean, and half of its 95 % interval."""
    t = stats.t.ppf(0.975, len(values) - 1)
    half = t * values.std(ddof=1) / np.sqrt(len(values))
    return {"mean": round(float(values.mean()), 4), "half_width": round(float(half), 4)}


def describe(pairs: NDArray[np.float64]) -> dict[str, Any]:
    """Mean over trials and half of its 95 % interval."""
    columns = {
        "plain": pairs[:, 0],
        "calibrated": pairs[:, 1],
        "gain": pairs[:, 1] - pairs[:, 0],
    }
    return {name: centre(values) for name, values in columns.items()}


if __name__ == "__main__":
    main()
