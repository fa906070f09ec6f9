r"""Does the confirmation refuse what leaks, pass what does not, and say when it cannot tell?

    python experiments/confirmation/known.py adult.csv.gz --target income \
        --sensitive income --quasi age sex race --out experiments/confirmation/known.json

Candidates whose answer is known go the way of every candidate: trained k times, attacked against
the release rows, held against the policy. Three fifths of the table are split as a dataset is; the
rest is a pool of fresh rows, of the same population and seen by nobody:

    copycat      replays its training rows                                    must fail
    copies_10pct fresh rows, a tenth of them replaced by training rows        must fail
    noise        every row a training row, each number moved by 2 % of the    must fail
                 column's spread, one level in fifty drawn anew
    fresh        fresh rows                                                   must pass
    few          marginals of a table of which 80 rows are trained on         cannot tell
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tabveil.threads import limit_environment

limit_environment(1)

import pandas as pd  # noqa: E402

from tabveil.commands.prepare import prepared_directory  # noqa: E402
from tabveil.config.build import build, build_parts  # noqa: E402
from tabveil.config.compose import compose_command  # noqa: E402
from tabveil.confirmation import attempt, conclude  # noqa: E402
from tabveil.data.pooling import Pooling  # noqa: E402
from tabveil.data.prepared import open_release  # noqa: E402
from tabveil.data.schema import Schema  # noqa: E402
from tabveil.data.tables import read_table  # noqa: E402
from tabveil.pipeline import run_trial  # noqa: E402
from tabveil.seeding import child_rng, child_seed  # noqa: E402
from tabveil.synthesizers.copycat import Copycat  # noqa: E402
from tabveil.synthesizers.marginals import Marginals  # noqa: E402
from tabveil.threads import limited  # noqa: E402

FEW = 160
WANTED = {
    "copycat": "fail",
    "copies_10pct": "fail",
    "noise": "fail",
    "fresh": "pass",
    "few": "cannot tell",
}


@dataclass
class Rows:
    """Draws rows of a pool; of training rows, some, as they are or moved."""

    pool: pd.DataFrame
    copied: float = 0.0
    moved: float = 0.0
    _train: pd.DataFrame = field(default_factory=pd.DataFrame, init=False)
    _schema: Schema = field(default=None, init=False)  # type: ignore[assignment]

    def fit(self, train: pd.DataFrame, schema: Schema, **_: Any) -> None:
        """Keep the training rows."""
        self._train, self._schema = train.reset_index(drop=True), schema

    def sample(self, n: int, *, seed: int, **_: Any) -> pd.DataFrame:
        """Draw rows with replacement."""
        rng = child_rng(seed, "rows")
        n_copied = round(self.copied * n)
        fresh = self.pool.iloc[rng.integers(len(self.pool), size=n - n_copied)]
        copies = self._train.iloc[rng.integers(len(self._train), size=n_copied)].copy()
        for column in self._schema.columns if self.moved else ():
            values = copies[column.name]
            if column.kind == "numeric":
                noise = rng.normal(0, self.moved * self._train[column.name].std(), n_copied)
                copies[column.name] = values + noise
            else:
                anew = rng.random(n_copied) < self.moved
                drawn = self._train[column.name].iloc[rng.integers(len(self._train), size=n_copied)]
                copies[column.name] = values.where(~anew, drawn.to_numpy())
        both = pd.concat([fresh[self._schema.names], copies], ignore_index=True)
        return self._schema.restore(both.sample(frac=1, random_state=int(rng.integers(2**31))))

    def iter_sample(self, n: int, *, seed: int, **_: Any) -> Iterator[pd.DataFrame]:
        """Yield them at once."""
        yield self.sample(n, seed=seed)


def main() -> None:
    given = arguments()
    table = read_table(given.table).sample(frac=1, random_state=0).reset_index(drop=True)
    cut = round(0.6 * len(table))
    found = []
    with tempfile.TemporaryDirectory() as scratch, limited(1):
        root = Path(scratch)
        table[:cut].to_parquet(root / "dataset.parquet")
        table[:FEW].to_parquet(root / "few.parquet")
        pool = table[cut:].reset_index(drop=True)
        for name, synthesizer in (
            ("copycat", Copycat()),
            ("copies_10pct", Rows(pool, copied=0.1)),
            ("noise", Rows(pool, copied=1.0, moved=0.02)),
            ("fresh", Rows(pool)),
            ("few", Marginals()),
        ):
            file = "few.parquet" if name == "few" else "dataset.parquet"
            found.append(confirmed(name, synthesizer, root / file, root / "store", given))
            print(json.dumps(found[-1]), flush=True)
            given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    wrong = [one["candidate"] for one in found if one["verdict"] != WANTED[one["candidate"]]]
    if wrong:
        raise SystemExit(f"not as wanted: {', '.join(wrong)}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=Path, help="CSV or Parquet, 20,000 rows or more")
    parser.add_argument("--target", required=True)
    parser.add_argument("--sensitive", nargs="*", default=[])
    parser.add_argument("--quasi", nargs="*", default=[])
    parser.add_argument("--gate", default="strict")
    parser.add_argument("--evaluation", default="thorough")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def confirmed(
    name: str, synthesizer: Any, file: Path, root: Path, given: argparse.Namespace
) -> dict[str, Any]:
    composition = compose_command(
        "confirm",
        [
            "dataset=csv",
            f"dataset.path={file}",
            f"dataset.target={given.target}",
            f"dataset.sensitive=[{','.join(given.sensitive)}]",
            f"dataset.quasi_identifiers=[{','.join(given.quasi)}]",
            f"root={root}",
            f"gate={given.gate}",
            f"evaluation={given.evaluation}",
            "evaluation.synthetic_ratio=1",
            "evaluation.plots=false",
            "objective.risk_from=[learnt,copies,inference,singling_out,linkability,k_map]",
        ],
    )
    gate = replace(build(composition, "gate"), rare_below=0)  # real rows hold rare levels
    pooling = Pooling(min_rate=0, clip=0, min_count=1)
    parts = replace(build_parts(composition), synthesizer=synthesizer, pooling=pooling)
    prepared = open_release(prepared_directory(composition))
    models = []
    for index in range(given.seeds):
        seed = child_seed(0, name, index)
        trial = run_trial(prepared, parts, seed=seed, confirming=True)
        models.append(
            attempt(
                trial,
                parts,
                gate,
                groups=prepared.groups["control"],
                number=0,
                index=index,
                seed=seed,
                run_id="",
            )
        )
    found = conclude(models, gate, sweep_utility=0.0, sweep_risks={})
    return {
        "candidate": name,
        "verdict": found.verdict.outcome,
        "wanted": WANTED[name],
        "reasons": found.verdict.reasons,
        "risk": [found.risk_low(0.95), found.risk, found.risk_high(0.95)],
        "could_show": found.verdict.could_show,
        "upper": {key: round(one.upper(), 4) for key, one in found.risks.items()},
        "rows": (models[0].first or {})["rows"],
    }


if __name__ == "__main__":
    main()
