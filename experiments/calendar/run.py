r"""Do weekdays and months come back better when the model learns them beside the date?

    python experiments/calendar/run.py made --target kind --out results.json
    python experiments/calendar/run.py airbnb_nyc.csv.gz --target room_type --parts weekday \
        --rows 2000 --out results.json

`made` is a table made up here: bookings of four years, few at weekends, most in summer, and what is
booked goes by weekday and month. The same model is trained with the weekdays and months that are
found unasked and without them. Differences are paired by seed, with half of their 95 % interval (t
over seeds). A result is added to what the file holds of other tables.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tabveil.threads import limit_environment

limit_environment(1)
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from paired import built, parts_of, summary  # noqa: E402

from tabveil.contracts import EvalInput, Synthesizer  # noqa: E402
from tabveil.data.rules.calendar import Calendar, days_of, part_codes  # noqa: E402
from tabveil.data.rules.learnt import Rules  # noqa: E402
from tabveil.data.rules.suggest_calendar import calendars  # noqa: E402
from tabveil.data.schema import infer_schema  # noqa: E402
from tabveil.data.tables import read_table  # noqa: E402
from tabveil.evaluate import evaluate  # noqa: E402
from tabveil.seeding import child_rng, child_seed  # noqa: E402
from tabveil.synthesizers.pooled import Pooled  # noqa: E402
from tabveil.synthesizers.ruled import Ruled  # noqa: E402
from tabveil.threads import limited  # noqa: E402
from tabveil.tracking.environment import environment  # noqa: E402


def main() -> None:
    given = arguments()
    table = bookings() if given.table == Path("made") else read_table(given.table)
    schema = infer_schema(table).with_roles(target=given.target).modelled()
    table = table[schema.names]
    dated = calendars(table, schema)
    if given.parts:
        parts = tuple(given.parts.split(","))
        dated = tuple(Calendar(name, parts) for name in schema.of_kind("datetime"))
    runs = []
    with limited(1):
        for seed in range(given.seeds):
            train, control, reference = parts_of(table, given.rows, seed)
            for known in (False, True):
                made = built(given.target, given.epochs)
                learnt = Rules(dated if known else ()).learn(train, schema, seed=seed)
                tables = learnt.apply(train), learnt.apply(reference)
                pooling = made.pooling.learn(*tables, learnt.apply_schema())
                model: Synthesizer = Ruled(Pooled(made.synthesizer, pooling), learnt)
                model.fit(train, schema, seed=child_seed(seed, "fit"))
                drawn = model.sample(len(train), seed=child_seed(seed, "sample"))
                data = EvalInput(train, control, reference, drawn, schema, seed=0)
                found = evaluate(data, metrics=made.metrics, attacks={})
                scores = {
                    f"{r.name}/{s.name}": round(s.value, 4) for r in found.results for s in r.scores
                }
                runs.append(
                    {
                        "seed": seed,
                        "known": known,
                        **dates(train, drawn, dated, schema.target),
                        **scores,
                    }
                )
                print(json.dumps(runs[-1]), flush=True)
    told = {
        "settings": {"rows": len(train), "epochs": given.epochs, "seeds": given.seeds},
        "calendars": [one.name for one in dated],
        "environment": environment(),
        "summary": summary(runs, "known"),
        "runs": runs,
    }
    results = json.loads(given.out.read_text(encoding="utf-8")) if given.out.is_file() else {}
    name = " ".join(filter(None, (given.table.name.split(".")[0], given.parts)))
    results[name] = told
    given.out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(told["summary"], indent=1))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=Path, help="CSV, Parquet, or the word made")
    parser.add_argument("--target")
    parser.add_argument("--parts", help="kept of every date, such as weekday; else what is found")
    parser.add_argument("--rows", type=int, default=3_000, help="at most half of the table's")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def bookings(n: int = 8_000) -> pd.DataFrame:
    """Bookings with strong preferences for weekdays and months."""
    rng = child_rng(0, "bookings")
    days = np.arange("2019-01-01", "2023-01-01", dtype="datetime64[D]")
    likely = np.array([1.0, 1.0, 1.0, 1.5, 2.0, 0.4, 0.2])[part_codes(days, "weekday")]
    likely *= 1.2 - np.cos(2 * np.pi * part_codes(days, "month") / 12)
    day = rng.choice(days, n, p=likely / likely.sum())
    weekday, month = part_codes(day, "weekday"), part_codes(day, "month")
    ends = rng.random(n) < np.where(weekday >= 4, 0.8, 0.2)
    warm = rng.random(n) < np.where((month >= 4) & (month <= 8), 0.8, 0.2)
    kind = np.where(ends, np.where(warm, "beach", "city"), np.where(warm, "camp", "work"))
    price = np.round(rng.lognormal(4, 0.4, n) * np.where(warm, 1.5, 1.0), 2)
    nights = rng.poisson(np.where(ends, 2, 5)) + 1
    return pd.DataFrame(
        {"day": day.astype("datetime64[s]"), "kind": kind, "price": price, "nights": nights}
    )


def dates(
    train: pd.DataFrame, drawn: pd.DataFrame, dated: tuple[Calendar, ...], other: str
) -> dict[str, float]:
    """Total variation distances of the drawn rows' weekdays and months from the training rows'.

    Alone, and together with the column `other`; means over the dates.
    """
    told: dict[str, list[float]] = {}
    for rule in dated:
        for part in ("weekday", "month"):
            alone, joint = ([], [])
            for rows in (train, drawn):
                codes = pd.Series(part_codes(days_of(rows[rule.column]), part))
                there = (codes >= 0).to_numpy()
                alone.append(codes[there].value_counts(normalize=True))
                both = pd.DataFrame({"code": codes, "other": rows[other].to_numpy()})
                joint.append(both[there].value_counts(normalize=True))
            told.setdefault(f"{part} apart", []).append(apart(*alone))
            told.setdefault(f"{part} x {other} apart", []).append(apart(*joint))
    return {name: round(float(np.mean(values)), 4) for name, values in told.items()}


def apart(one: pd.Series, other: pd.Series) -> float:
    """Total variation distance of two distributions."""
    return float(one.sub(other, fill_value=0).abs().sum() / 2)


if __name__ == "__main__":
    main()
