"""Columns as people bring them: each maker gives n values of one sort, decided by `rng` alone."""

import uuid
from collections.abc import Callable

import numpy as np
import pandas as pd

Maker = Callable[[int, np.random.Generator], pd.Series]


def objects(values):
    """A series of objects, whatever pandas would make of them."""
    array = np.empty(len(values), dtype=object)
    array[:] = list(values)
    return pd.Series(array)


def pick(pool, n, rng):
    """Some of a pool's values, a few of them much more often than the others."""
    weights = rng.exponential(size=len(pool)) ** 2 + 1e-3
    chosen = rng.choice(len(pool), n, p=weights / weights.sum())
    return objects([pool[i] for i in chosen])


def whole(dtype):
    """Whole numbers of a width, sometimes up to the ends of what it holds."""

    def make(n, rng):
        bounds = np.iinfo(dtype)
        wide = rng.random() < 0.3
        low = bounds.min if wide else max(bounds.min, -int(rng.integers(0, 100)))
        high = bounds.max if wide else min(bounds.max, int(rng.integers(1, 120)))
        return pd.Series(rng.integers(low, high, n, dtype=dtype, endpoint=True))

    return make


def counts(n, rng):
    heavy = np.where(rng.random(n) < 0.7, 0, rng.integers(1, 100_000, n))
    return pd.Series(heavy if rng.random() < 0.5 else rng.poisson(rng.uniform(0.1, 30), n))


def codes(n, rng):
    return pd.Series(rng.choice([1, 2] if rng.random() < 0.5 else [3, 7, 11, 99], n))


def decimals(n, rng):
    places, scale = int(rng.integers(0, 8)), 10.0 ** rng.integers(-3, 7)
    return pd.Series(rng.normal(rng.normal() * 3, 1, n) * scale).round(places)


def unrounded(n, rng):
    return pd.Series(rng.lognormal(0, 2, n) * rng.choice([-1, 1]))


def tiny(n, rng):
    return pd.Series(rng.normal(size=n) * 10.0 ** -rng.integers(5, 290))


def huge(n, rng):
    return pd.Series(rng.normal(size=n) * 10.0 ** rng.integers(12, 145))


def far_from_zero(n, rng):
    return pd.Series(10.0 ** rng.integers(3, 14) + rng.random(n))


def single_precision(n, rng):
    return pd.Series(rng.normal(0, 1000, n).astype("float32"))


def spiked(n, rng):
    return pd.Series(np.where(rng.random(n) < 0.6, -1.0, rng.normal(50, 9, n).round(1)))


def written_numbers(n, rng):
    return objects([f"{value:,.2f}" for value in rng.normal(0, 5000, n)])


def truths(n, rng):
    return pd.Series(rng.random(n) < rng.uniform(0.02, 0.98))


def truth_objects(n, rng):
    return truths(n, rng).astype(object)


def truth_spellings(n, rng):
    spellings = [
        *[("yes", "no"), ("Y", "N"), ("true", "false"), ("TRUE", "FALSE"), ("t", "f")],
        *[("0", "1"), (0, 1), (0.0, 1.0), ("on", ""), ("ja", "nein"), ("✓", "✗")],
    ]
    pool = spellings[int(rng.integers(len(spellings)))]
    return pick(pool, n, rng).infer_objects()


def texts(n, rng):
    pool = [f"level {i}" for i in range(int(rng.integers(1, 15)))]
    return pick(pool, n, rng)


def awkward_texts(n, rng):
    pool = ["1", "02", "1.0", "nan", "None", "NA", "", " pad ", "(rare)", "((rare))", "true"]
    pool += ["ä", "日本", "🙂", "quote\"'", "a,b;c", "tab\there", "two\nlines", "\\", "2020-01-01"]
    return pick([pool[i] for i in rng.permutation(len(pool))[: rng.integers(2, 9)]], n, rng)


def many_levels(n, rng):
    return objects([str(i) for i in rng.integers(0, max(2, n // 3), n)])


def zip_codes(n, rng):
    return pick([f"{i:05d}" for i in rng.integers(0, 99_999, 30)], n, rng)


def strings(n, rng):
    return texts(n, rng).astype("string")


def categories(n, rng):
    pool = [["low", "mid", "high"], [3, 1, 2], ["only"], list("abcdefghijklmnop")]
    levels = pool[int(rng.integers(len(pool)))]
    unused = [*levels, "unused" if isinstance(levels[0], str) else 99]
    return pd.Series(
        pd.Categorical(
            [levels[i] for i in rng.integers(len(levels), size=n)],
            categories=unused if rng.random() < 0.5 else levels,
            ordered=bool(rng.random() < 0.5),
        )
    )


def days(n, rng):
    return pd.Timestamp("2019-01-01") + pd.Series(
        pd.to_timedelta(rng.integers(0, 3000, n), unit="D")
    )


def moments(n, rng):
    unit = str(rng.choice(["h", "min", "s", "ms", "us", "ns"]))
    steps = pd.to_timedelta(rng.integers(0, 10**6, n), unit=unit)
    return pd.Timestamp("2021-03-04 05:06") + pd.Series(steps)


def other_resolutions(n, rng):
    start = pd.Timestamp(str(rng.choice(["1678-01-01", "1700-01-01", "1930-05-06", "2020-01-01"])))
    dates = pd.Series(start + pd.to_timedelta(rng.integers(0, 4000, n), unit="D"))
    return dates.astype(f"datetime64[{rng.choice(['s', 'ms', 'us'])}]")


def open_ended(n, rng):
    ends = days(n, rng).astype("datetime64[s]")
    return ends.mask(rng.random(n) < 0.3, pd.Timestamp("9999-12-31").as_unit("s"))


def zoned(n, rng):
    zone = str(rng.choice(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"]))
    steps = pd.to_timedelta(rng.integers(0, 20_000, n), unit="h")
    return pd.Series(pd.Timestamp("2020-01-01", tz="UTC") + steps).dt.tz_convert(zone)


def written_dates(n, rng):
    ways = ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S+02:00"]
    return objects(days(n, rng).dt.strftime(str(rng.choice(ways))))


def date_objects(n, rng):
    return objects(days(n, rng).dt.date)


def constant(n, rng):
    value = [7, -2.5, "same", True, pd.Timestamp("2021-03-04"), 0, 1e12, ""][int(rng.integers(8))]
    return pd.Series([value] * n)


def nothing(n, rng):
    kinds = ["float64", "object", "Int64", "boolean", "string", "datetime64[ns]", "category"]
    return pd.Series([None] * n, dtype=str(rng.choice(kinds)))


def row_numbers(n, rng):
    return pd.Series(np.arange(n) + int(rng.integers(0, 1000)))


def mails(n, rng):
    return objects([f"p{i}@mail{i % 3}.example" for i in rng.permutation(10_000)[:n]])


def uuids(n, rng):
    return objects([str(uuid.UUID(bytes=rng.bytes(16))) for _ in range(n)])


def customer_keys(n, rng):
    return objects([f"C-{i:06d}" for i in rng.permutation(999_999)[:n]])


def phones(n, rng):
    return objects([f"+49 30 {i}" for i in rng.integers(10**6, 10**7, n)])


def people(n, rng):
    first, last = ["Anna", "John", "Maria", "Peter", "Mary"], ["Smith", "Jones", "Müller", "Brown"]
    return objects([f"{rng.choice(first)} {rng.choice(last)}" for _ in range(n)])


def notes(n, rng):
    words = ["the", "patient", "was", "seen", "on", "a", "cold", "day", "and", "felt", "better"]
    return objects([" ".join(rng.choice(words, 9)) + "." for _ in range(n)])


def persons(n, rng):
    """Numbers of people who have a few rows each."""
    return pd.Series(np.sort(rng.integers(0, max(1, n), n)) + 10_000)


def named(*makers):
    return {maker.__name__: maker for maker in makers}


WIDTHS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
NUMBERS: dict[str, Maker] = {
    **{width: whole(width) for width in WIDTHS},
    **named(counts, codes, decimals, unrounded, tiny, huge, far_from_zero, single_precision),
    **named(spiked, written_numbers),
}
LEVELS: dict[str, Maker] = {
    **named(truths, truth_objects, truth_spellings, texts, awkward_texts, many_levels, zip_codes),
    **named(strings, categories),
}
DATES: dict[str, Maker] = named(
    *(days, moments, other_resolutions, open_ended, zoned, written_dates, date_objects)
)
ODD: dict[str, Maker] = named(constant, nothing)
NAMING: dict[str, Maker] = named(
    *(row_numbers, mails, uuids, customer_keys, phones, people, notes, persons)
)


def with_gaps(values, rate, rng):
    """Some values go missing; whole numbers and truth values become nullable or floats by turns."""
    gaps = rng.random(len(values)) < rate
    if not gaps.any():
        return values
    if values.dtype == bool:
        values = values.astype("boolean" if rng.random() < 0.5 else object)
    elif values.dtype.kind in "iu":
        nullable = str(values.dtype).replace("i", "I").replace("uI", "UI")
        values = values.astype(nullable if rng.random() < 0.5 else float)
    return values.mask(gaps)
