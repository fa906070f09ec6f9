"""Save what this version of tabveil writes, tiny, so that later versions can be held to read it.

Into `tests/golden_files/VERSION/`: a generator of each kind of synthesizer (masks, rules and
pooling in all, whole persons in some), a schema, a ledger, a web service's database and a study.
Run it once for a release; what is there is never made again (`before_revisions/` holds databases
that no code makes any more).

    python scripts/make_golden.py [--folder tests/golden_files]
"""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from optuna.trial import TrialState

import tabveil
from tabveil.contracts import Synthesizer
from tabveil.data.masking import Masking, policies_of
from tabveil.data.persons import PersonRule
from tabveil.data.pooling import Pooling
from tabveil.data.rules.learnt import Rules
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.relations import Inequality
from tabveil.data.rules.when import When
from tabveil.data.schema import Schema, infer_schema
from tabveil.search.space import Dimension, suggest
from tabveil.search.study import Identity, Sampler, open_study
from tabveil.synthesizers.ctgan import Ctgan
from tabveil.synthesizers.ctgan_package import CtganPackage
from tabveil.synthesizers.grouped import Grouped
from tabveil.synthesizers.marginals import Marginals
from tabveil.synthesizers.pooled import Pooled
from tabveil.synthesizers.ruled import Ruled
from tabveil.synthesizers.tvae import Tvae
from tabveil.threads import limit_environment
from tabveil.tracking.ledger import Ledger, Line
from tabveil.tracking.models import save_generator
from tabveil.web.database import EVENTS, JOBS, RELEASES, UPLOADS, Database

TINY: dict[str, Any] = {"epochs": 1, "batch_size": 50, "embedding_dim": 8}
KINDS: Mapping[str, Synthesizer] = {
    "ctgan": Ctgan(**TINY, generator_dim=(8,), discriminator_dim=(8,), pac=1),
    "ctgan_package": CtganPackage(
        **TINY, generator_dim=(8,), discriminator_dim=(8,), pac=1, enable_gpu=False
    ),
    "marginals": Marginals(),
    "tvae": Tvae(**TINY, compress_dims=(8,), decompress_dims=(8,)),
}
KINDS_OF_PERSONS: Mapping[str, Synthesizer] = {
    "ctgan_persons": Ctgan(**TINY, generator_dim=(8,), discriminator_dim=(8,), pac=1),
    "marginals_persons": Marginals(),
}
RULES = (Inequality("enrolled", "visited"), LevelWhen("plan", "none", When("insured", (False,))))
POOLING = Pooling(min_rate=0.1, clip=0.01)
N_PERSONS = 120
THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def main() -> None:
    """Make the folder of this version; one that is there is left as it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("tests/golden_files"))
    folder = parser.parse_args().folder / tabveil.__version__
    limit_environment(1)
    folder.mkdir(parents=True)
    table = visits()
    schema = described(table)
    (folder / "schema.json").write_text(schema.to_json() + "\n", encoding="utf-8")
    for name, synthesizer in KINDS.items():
        save(folder / name, synthesizer, table, of_persons=False)
    for name, synthesizer in KINDS_OF_PERSONS.items():
        save(folder / name, synthesizer, table, of_persons=True)
    write_ledger(folder / "ledger.db")
    write_web(folder / "web.db")
    write_study(folder / "studies.db")
    n_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder}: {n_bytes / 1000:.0f} kB")


def visits() -> pd.DataFrame:
    """Visits of patients; every kind of column, identifiers of a person and of a row."""
    rng = np.random.default_rng(0)
    whose = np.repeat(np.arange(N_PERSONS), rng.choice([1, 2, 3], N_PERSONS))
    n = len(whose)
    start = pd.Timestamp("2015-01-01")
    enrolled = start + pd.to_timedelta(rng.integers(0, 900, N_PERSONS), "D")
    nth = pd.Series(whose).groupby(whose).cumcount().to_numpy()
    insured = rng.random(N_PERSONS) < 0.6
    table = pd.DataFrame(
        {
            "patient": [f"P-{number:05}" for number in 10_000 + whose],
            "mail": [f"patient{number}@clinic.test" for number in whose],
            "sex": rng.choice(["f", "m"], N_PERSONS)[whose],
            "region": rng.choice(["north", "south", "öst", None], N_PERSONS)[whose],
            "insured": insured[whose],
            "enrolled": enrolled[whose],
            "visited": enrolled[whose] + pd.to_timedelta(nth * 30 + rng.integers(1, 29, n), "D"),
            "weight": rng.normal(75, 12, n).round(1),
            "plan": rng.choice(["basic", "full"], n),
        }
    )
    table["plan"] = table["plan"].where(table["insured"], "none")
    return table


def described(table: pd.DataFrame) -> Schema:
    """The table's schema, with every role taken."""
    return infer_schema(table).with_roles(
        target="plan", sensitive=("weight",), quasi_identifiers=("sex", "region"), group="patient"
    )


def save(
    directory: Path, synthesizer: Synthesizer, table: pd.DataFrame, *, of_persons: bool
) -> None:
    """Fit the synthesizer behind pooling, rules and persons, and save it."""
    schema = described(table)
    masking = Masking.learn(table, schema, policies_of(schema, {}, sample_groups=of_persons))
    modelled = schema.modelled()
    train, whose = table[modelled.names], pd.factorize(table["patient"])[0]
    rule = PersonRule.learn(train, whose, modelled) if of_persons else None
    rows, of_rows = (
        (train, modelled)
        if rule is None
        else (
            rule.apply(train, whose),
            rule.apply_schema(),
        )
    )
    learnt = Rules(RULES).learn(rows, of_rows, seed=0)
    pooled = Pooled(
        synthesizer, POOLING.learn(learnt.apply(rows), learnt.apply(rows), learnt.apply_schema())
    )
    inner = Ruled(pooled, learnt)
    made = inner if rule is None else Grouped(inner, rule, whose)
    made.fit(train, modelled, seed=0)
    save_generator(made, masking, directory, about={"seed": 0, "data_digest": "a" * 64})


def write_ledger(path: Path) -> None:
    """An opening, and rows that were drawn."""
    ledger, at = Ledger(f"sqlite:///{path}"), THEN.isoformat()
    ledger.append(Line("open release", "a" * 64, "study trial 3", {"models": 3}, at, "ann@here"))
    ledger.append(Line("sample", "a" * 64, "größe/1", {"n": 100, "seed": 1}, at, "bob@there"))
    shrink(path)


def write_web(path: Path) -> None:
    """A job that is done, its table, what came of it, and that it was asked for."""
    upload, job, release = ("a" * 32, "b" * 32, "c" * 32)
    mine = {"user": "ann", "created": THEN}
    database = Database.at(f"sqlite:///{path}")
    with database.begin() as connection:
        told = {"name": "größe.csv", "format": "csv", "n_bytes": 100, "sha256": "0" * 64}
        values = {"id": upload, "state": "ready", "inspection": job, **told, **mine}
        connection.execute(UPLOADS.insert().values(values))
        told = {"kind": "sweep", "lane": "long", "order": {"trials": 3}, "message": ""}
        times = {"started": THEN, "ended": THEN, "heartbeat": THEN}
        values = {"id": job, "upload": upload, "state": "done", "exit_code": 0, **told}
        more = {"cancel_asked": False, "tries": 1, "owner": "host:1:1.00", **times, **mine}
        connection.execute(JOBS.insert().values(values | more))
        told = {"trial": 2, "model": "größe", "version": 1, "folder": "candidates/2"}
        values = {"id": release, "job": job, "upload": upload, "told": {"utility": 0.5}, **told}
        connection.execute(RELEASES.insert().values(values | mine))
        told = {"action": "upload", "subject": upload, "detail": {"n_bytes": 100}}
        connection.execute(EVENTS.insert().values({"at": THEN, "user": "ann", **told}))
    database.engine.dispose()
    shrink(path)


def write_study(path: Path) -> None:
    """Three complete trials, and one that failed."""
    space = {"epochs": Dimension("int", 1, 9), "pac": Dimension("choice", choices=(1, 2))}
    study = open_study(
        name="study",
        storage=f"sqlite:///{path}",
        identity=Identity(space, "a" * 64, {"synthesizer.pac": 1}),
        sampler=Sampler("random"),
        seed=0,
    )
    for i in range(4):
        trial = study.ask()
        suggest(space, trial)
        trial.set_user_attr("owner", "host:1:1.00")
        if i < 3:
            trial.set_user_attr("about", {"risk_low": 0.0, "risk_high": 0.5})
            study.tell(trial, [0.1 * i, 0.4 - 0.1 * i])
        else:
            trial.set_user_attr("error", "ValueError: no")
            study.tell(trial, state=TrialState.FAIL)
    shrink(path)


def shrink(path: Path) -> None:
    """One file, small pages."""
    small = path.with_suffix(".small")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA page_size=1024")
        connection.execute("VACUUM INTO ?", [str(small)])
    for left in path.parent.glob(f"{path.name}*"):  # logs and locks, too
        left.unlink()
    small.rename(path)


if __name__ == "__main__":
    main()
