r"""How good are the rows of our CTGAN, of its variants and of the package, for how much time?

    python benchmarks/quality.py TRAIN HOLDOUT --target income --seeds 3 --epochs 10 30 60 \
        --variant default --variant paper --variant package:epochs=300 \
        --variant default:pac=2,generator_dim=[128,128] \
        --risk --out benchmarks/results/quality.json --plot docs/quality.svg

A variant is a file of conf/synthesizer (`default`: ctgan, `paper`: ctgan_paper, `package`:
ctgan_package, others by their own name), with overrides after the colon; `epochs` among them takes
the place of --epochs. Each run is a fresh fit on TRAIN, on one thread, of which as many rows are
drawn as TRAIN has:

- quality, shapes, pair_trends: SDMetrics' report against as many rows of HOLDOUT;
- tstr_auc, tstr_f1: boosted trees learn the target from all synthetic rows, tested on HOLDOUT;
- c2st_auc: boosted trees, three folds, tell as many synthetic rows from HOLDOUT (½ is best);
- association: the share of all pairs' dependence that is kept (`metrics/pairs.py`);
- with --risk, risk_auc, risk_auc_outliers, risk_auc_raw: membership by nearest distances, one half
  of HOLDOUT being the control, the other the attacker's reference (½ is best).

CPU seconds are those of the fit, encoder included. The result is a list of runs, written after each
of them; a run that --out already holds is not made again, so that a stopped benchmark goes on where
it was, and one that is done only draws its plot. `code` tells which synthesizers' source made a
run: delete the runs of an older one, they are only reported. Two processes need two files;
--points adds runs of others to the plot: a list of the same form, of which `variant`,
`cpu_seconds` (null: a line across), `quality`, `tstr_auc` and `c2st_auc` are read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from tabveil.threads import limit_environment, limited

limit_environment(1)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from engine_tables import CONF, about, as_modelled, settings, warm_up  # noqa: E402
from hydra.utils import get_class  # noqa: E402
from omegaconf import OmegaConf  # noqa: E402
from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: E402
from sklearn.metrics import f1_score, roc_auc_score  # noqa: E402

import tabveil  # noqa: E402
from tabveil.attacks.distance import Distance  # noqa: E402
from tabveil.contracts import EvalInput, Score, Synthesizer  # noqa: E402
from tabveil.data.schema import Schema  # noqa: E402
from tabveil.data.tables import read_table  # noqa: E402
from tabveil.memo import Memo  # noqa: E402
from tabveil.metrics.detection import Detection  # noqa: E402
from tabveil.metrics.pairs import Pairs  # noqa: E402
from tabveil.metrics.quality import Quality  # noqa: E402
from tabveil.metrics.tstr import Tstr  # noqa: E402

FILES = {"default": "ctgan", "paper": "ctgan_paper", "package": "ctgan_package"}
PANELS = {
    "quality": "SDMetrics quality (higher is better)",
    "tstr_auc": "TSTR AUC (higher is better)",
    "c2st_auc": "C2ST AUC (lower is better)",
}
MARKS = "os^Dvp"
Run = dict[str, Any]


@dataclass(frozen=True)
class Variant:
    """What is fitted: a class and its parameters. `label` names it whatever the epochs."""

    label: str
    target: str
    params: dict[str, Any]
    epochs: tuple[int, ...]

    @classmethod
    def parse(cls, text: str, epochs: Sequence[int]) -> Variant:
        """Read `name` or `name:key=value,key=value`; lists are written [1,2]."""
        name, _, rest = text.partition(":")
        file = FILES.get(name, name)
        if not (CONF / f"{file}.yaml").is_file():
            raise SystemExit(f"--variant {text}: there is no {file}.yaml in {CONF}")
        target, params = settings(file)
        if "epochs" not in params:
            raise SystemExit(f"--variant {text}: {file}.yaml has no epochs")
        words = list(split_words(rest))
        changes: Any = OmegaConf.to_container(OmegaConf.from_dotlist(words))
        unknown = sorted(set(changes) - set(params))
        if unknown:
            raise SystemExit(f"--variant {text}: {file}.yaml has no {', '.join(unknown)}")
        epochs = (changes.pop("epochs"),) if "epochs" in changes else tuple(epochs)
        params |= changes
        kept = ",".join(word for word in words if not word.startswith("epochs="))
        return cls(f"{name}:{kept}" if kept else name, target, params, epochs)

    def build(self, epochs: int) -> Synthesizer:
        """A synthesizer that is not fitted yet."""
        made: Synthesizer = get_class(self.target)(**self.params | {"epochs": epochs})
        return made


@dataclass(frozen=True)
class Tables:
    """What every run is fitted on and judged by."""

    train: pd.DataFrame
    holdout: pd.DataFrame
    schema: Schema
    shared: Memo


def main() -> None:
    given = arguments()
    train, schema = as_modelled(given.train, rows=given.rows, target=given.target)
    holdout = read_table(given.holdout)[schema.names]
    tables = Tables(train, holdout.head(given.rows or len(holdout)), schema, Memo())
    variants = [Variant.parse(text, given.epochs) for text in given.variant]
    runs: list[Run] = json.loads(given.out.read_text()) if given.out.exists() else []
    code = source()
    warm_up()
    for wanted, variant in plan(variants, tables, given):
        done = next((run for run in runs if wanted.items() <= run.items()), None)
        if done is None or (given.risk and "risk_auc" not in done):
            run = wanted | measured(variant, wanted["epochs"], wanted["seed"], tables, given.risk)
            runs = [other for other in runs if other is not done]
            runs.append(run | {"code": code, "about": about()})
            write(given.out, runs)
            print(shown(run), flush=True)
        elif done["code"] != code:
            print("kept, of other source:", shown(done), flush=True)
    if given.plot:
        others = [run for path in given.points for run in json.loads(path.read_text())]
        draw([*runs, *others], given.plot)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("train", type=Path, help="CSV or Parquet")
    parser.add_argument("holdout", type=Path, help="CSV or Parquet: rows that no model sees")
    parser.add_argument("--target", required=True, help="the column that TSTR predicts")
    parser.add_argument("--variant", action="append", required=True, metavar="NAME[:KEY=VALUE,…]")
    parser.add_argument("--epochs", type=int, nargs="+", default=[10, 30, 60])
    parser.add_argument("--seeds", type=int, default=3, help="how many, counted from 0")
    parser.add_argument("--risk", action="store_true", help="attack each run by distances, too")
    parser.add_argument("--rows", type=int, help="use the first rows of each table only")
    parser.add_argument("--out", type=Path, required=True, help="list of runs; continued if there")
    parser.add_argument("--plot", type=Path, help="SVG of the curves")
    parser.add_argument("--points", type=Path, nargs="*", default=[], help="more runs to draw")
    return parser.parse_args()


def split_words(text: str) -> Iterator[str]:
    """Split `a=1,b=[2,3]` at the commas that stand in no list."""
    depth = start = 0
    for i, letter in enumerate(text):
        depth += {"[": 1, "]": -1}.get(letter, 0)
        if letter == "," and not depth:
            yield text[start:i]
            start = i + 1
    if text:
        yield text[start:]


def plan(
    variants: list[Variant], tables: Tables, given: argparse.Namespace
) -> Iterator[tuple[Run, Variant]]:
    """What tells each run from the others: all variants once, then the next seed."""
    for seed, variant in product(range(given.seeds), variants):
        for epochs in variant.epochs:
            params = {k: v for k, v in variant.params.items() if k not in ("epochs", "enable_gpu")}
            yield (
                {
                    "variant": variant.label,
                    "epochs": epochs,
                    "seed": seed,
                    "train": given.train.name,
                    "holdout": given.holdout.name,
                    "target": given.target,
                    "rows": [len(tables.train), len(tables.holdout)],
                    "params": params,
                },
                variant,
            )


def measured(variant: Variant, epochs: int, seed: int, tables: Tables, risk: bool) -> Run:
    """Fit, draw, judge."""
    model = variant.build(epochs)
    with limited(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mixtures that did not converge, constant columns
        started = time.process_time()
        model.fit(tables.train, tables.schema, seed=seed)
        fitted = time.process_time()
        synthetic = model.sample(len(tables.train), seed=seed)
        times = {"cpu_seconds": fitted - started, "sample_cpu_s": time.process_time() - fitted}
        found = times | judged(synthetic, tables, seed)
        if risk:
            found |= attacked(synthetic, tables, seed)
    return {key: round(value, 4) for key, value in found.items()}


def judged(synthetic: pd.DataFrame, tables: Tables, seed: int) -> dict[str, float]:
    """Utility by tabveil's own metrics, none of whose tables is cut short."""
    n = len(tables.holdout)
    data = EvalInput(
        tables.train,
        tables.holdout,
        tables.holdout,
        synthetic,
        tables.schema,
        seed,
        shared=tables.shared,
    )
    quality = by_name(Quality(max_rows=n).evaluate(data))
    tstr = by_name(Tstr(max_rows=max(n, len(tables.train))).evaluate(data))
    return {
        "quality": quality["overall"].value,
        "shapes": quality["shapes"].value,
        "pair_trends": quality["pairs"].value,
        "tstr_auc": tstr["auc"].value,
        "tstr_f1": tstr["f1"].value,
        **plain_tstr(synthetic, tables),
        "c2st_auc": by_name(Detection(max_rows=n).evaluate(data))["auc"].value,
        "association": by_name(Pairs(max_rows=n).evaluate(data))["association"].value,
    }


def plain_tstr(synthetic: pd.DataFrame, tables: Tables) -> dict[str, float]:
    """TSTR by scikit-learn's boosting as it comes, which stops early; for a target of two levels.

    tabveil's own metric never stops early, so that it is the same for tables of any length; the
    published figures that a benchmark is compared with used the library's defaults.
    """
    target = tables.schema.target
    if target is None or tables.train[target].nunique() != 2:
        return {}
    n = len(synthetic)
    both = pd.concat([synthetic, tables.holdout], ignore_index=True)
    answers = (both[target] == tables.train[target].value_counts().index[-1]).to_numpy()
    features = both.drop(columns=target)
    texts = features.select_dtypes(exclude="number").columns
    features = features.astype(dict.fromkeys(texts, "category"))
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)
    chances = model.fit(features[:n], answers[:n]).predict_proba(features[n:])[:, 1]
    return {
        "plain_tstr_auc": roc_auc_score(answers[n:], chances),
        "plain_tstr_f1": f1_score(answers[n:], chances > 0.5),
    }


def attacked(synthetic: pd.DataFrame, tables: Tables, seed: int) -> dict[str, float]:
    """Membership by distances, with 95 % intervals."""
    order = np.random.default_rng(0).permutation(len(tables.holdout))
    control, reference = (tables.holdout.iloc[half] for half in np.array_split(order, 2))
    data = EvalInput(
        tables.train, control, reference, synthetic, tables.schema, seed, shared=tables.shared
    )
    scores = by_name(Distance().evaluate(data))
    found = {}
    for name in ("auc", "auc_outliers", "auc_raw"):
        score = scores[name]
        for suffix, number in (("", score.value), ("_low", score.low), ("_high", score.high)):
            if number is not None:
                found[f"risk_{name}{suffix}"] = number
    return found


def by_name(scores: list[Score]) -> dict[str, Score]:
    return {score.name: score for score in scores}


def source() -> str:
    """Twelve digits that change with the synthesizers' source."""
    digest = hashlib.sha256()
    for path in sorted((Path(tabveil.__file__).parent / "synthesizers").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def write(path: Path, runs: list[Run]) -> None:
    """Replace the file at once: a process that is killed leaves the old one whole."""
    new = path.with_name(path.name + ".new")
    new.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    os.replace(new, path)


def shown(run: Run) -> str:
    keys = (
        "cpu_seconds",
        *PANELS,
        "plain_tstr_auc",
        "tstr_f1",
        "association",
        "risk_auc",
        "risk_auc_outliers",
    )
    numbers = " ".join(f"{key} {run[key]:.3f}" for key in keys if key in run)
    return f"{run['variant']} epochs {run['epochs']} seed {run['seed']}: {numbers}"


def draw(runs: list[Run], path: Path) -> None:
    """A panel for each measure: single runs as small marks, medians over seeds as a line."""
    from matplotlib import rc_context
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    from tabveil.report.canvas import SERIES, dress, new_figure

    figure = new_figure(11, 4)
    variants = list(dict.fromkeys(run["variant"] for run in runs))
    for axes, (key, title) in zip(figure.subplots(1, 3), PANELS.items(), strict=True):
        dress(axes, title=title, x="CPU seconds of the fit")
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        for i, variant in enumerate(variants):
            style = {"color": SERIES[i % len(SERIES)], "marker": MARKS[i % len(MARKS)]}
            mine = [run for run in runs if run["variant"] == variant and key in run]
            draw_variant(axes, mine, key, variant, style)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    with rc_context({"svg.hashsalt": "tabveil"}):
        figure.savefig(path, metadata={"Date": None, "Creator": None})


def draw_variant(axes: Any, runs: list[Run], key: str, label: str, style: dict[str, Any]) -> None:
    timed = [run for run in runs if run["cpu_seconds"] is not None]
    for run in runs:
        if run["cpu_seconds"] is None:
            axes.axhline(run[key], color=style["color"], linestyle="--", linewidth=1, label=label)
    if not timed:
        return
    seconds, values = ([run[name] for run in timed] for name in ("cpu_seconds", key))
    axes.plot(seconds, values, linestyle="", markersize=3, alpha=0.4, **style)
    lengths = sorted({run.get("epochs", 0) for run in timed})
    groups = [[run for run in timed if run.get("epochs", 0) == length] for length in lengths]
    medians = [
        [statistics.median(run[k] for run in g) for g in groups] for k in ("cpu_seconds", key)
    ]
    axes.plot(*medians, markersize=6, linewidth=1.5, label=label, **style)


if __name__ == "__main__":
    main()
