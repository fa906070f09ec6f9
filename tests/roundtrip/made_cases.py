"""Random cases: a table, what a person says of it, its file, and what is made of it.

A case is small (makers' names, seeds, names of columns), so that hypothesis can shrink it and a
person can read it; the rows follow from it.
"""

from dataclasses import dataclass

import made_columns as made
import numpy as np
import pandas as pd
from hypothesis import strategies as st

MAKERS = {**made.NUMBERS, **made.LEVELS, **made.DATES, **made.ODD, **made.NAMING}
AWKWARD_NAMES = (
    *("größe 身長", "a.b/c", "x y\t'\"", "code0", "float0", "0", "(rare)", "a", "A", "a ", " a"),
    *(
        "a.1",
        "Unnamed: 0",
        "index",
        "level_0",
        "nan",
        "None",
        "true",
        "🙂",
        "two\nlines",
        "a,b;c|d",
    ),
    *("1.5", "min", "max", "__index_level_0__", "self", "n", "seed", "where", "%s{0}", "\\", "-"),
)
_TEXT = st.characters(exclude_categories=["Cs"], exclude_characters="\0")


@dataclass(frozen=True)
class Made:
    """A column: its name, who makes its values or the pool they are picked from, and its gaps."""

    name: str
    maker: str
    seed: int
    gaps: float
    pool: tuple = ()

    def values(self, n):
        rng = np.random.default_rng(self.seed)
        values = made.pick(self.pool, n, rng) if self.pool else MAKERS[self.maker](n, rng)
        if self.maker in ("floats", "integers"):
            values = values.infer_objects()
        return made.with_gaps(values, self.gaps, rng)


@dataclass(frozen=True)
class Case:
    """A table and all that is done with it.

    Attributes:
        n: rows.
        distinct: share of rows that are no copies of others.
        file: csv, parquet or jsonl, with what a dialect needs.
        seed: of what a person says: roles, corrections, masks, conditions.
        corrected: whether a person corrects kinds.
        ruled: whether the suggested rules are declared.
        network: whether a CTGAN learns, for an epoch; else the marginals.
        pooled: whether rare levels are pooled.
    """

    columns: tuple[Made, ...]
    n: int
    distinct: float
    file: tuple
    seed: int
    corrected: bool
    ruled: bool
    network: bool
    pooled: bool

    def table(self):
        rows = max(1, round(self.n * self.distinct))
        table = pd.concat([c.values(rows).rename(c.name) for c in self.columns], axis=1)
        repeats = np.random.default_rng(self.seed).integers(rows, size=self.n - rows)
        return table.iloc[[*range(rows), *repeats]].reset_index(drop=True)


def _names():
    plain = st.integers(0, 99).map("column {}".format)
    named = st.sampled_from(["age", "income", "id", "name", "email", "phone", "date", "zip"])
    return plain | named | st.sampled_from(AWKWARD_NAMES) | st.text(_TEXT, min_size=1, max_size=12)


def _pools():
    floats = st.floats(-1e12, 1e12, allow_nan=False) | st.integers(-(10**6), 10**6).map(float)
    return st.one_of(
        st.tuples(st.just("texts"), st.lists(st.text(_TEXT, max_size=9), min_size=1, max_size=12)),
        st.tuples(st.just("floats"), st.lists(floats, min_size=1, max_size=12)),
        st.tuples(
            st.just("integers"),
            st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=12),
        ),
    ).map(lambda pair: (pair[0], tuple(pair[1])))


@st.composite
def _column(draw, name):
    sort = draw(st.integers(0, 6))
    seed, gaps = draw(st.integers(0, 10**6)), draw(st.sampled_from([0, 0, 0.02, 0.2, 0.7, 0.97]))
    if not sort:
        maker, pool = draw(_pools())
        return Made(name, maker, seed, gaps, pool)
    return Made(name, draw(st.sampled_from(list(MAKERS))), seed, gaps)


def _files():
    csv = st.tuples(
        st.just("csv"),
        st.sampled_from(",;\t|"),
        st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
        st.sampled_from([".", ","]),
        st.sampled_from(["", ".gz"]),
        st.sampled_from([0, 1, 2]),
    )
    return csv | st.just(("parquet",)) | st.just(("jsonl",))


@st.composite
def cases(draw, *, networks=0.08):
    """A case; `networks` of them train a CTGAN."""
    names = draw(st.lists(_names(), min_size=1, max_size=12, unique=True))
    file = draw(_files())
    if file[0] == "jsonl":
        names = [name if name.strip() else f"blank {i}" for i, name in enumerate(names)]
    return Case(
        columns=tuple(draw(_column(name)) for name in names),
        n=draw(st.integers(40, 300) | st.integers(40, 60))
        if draw(st.integers(0, 39)) != 20
        else draw(st.integers(1, 33)),
        distinct=draw(st.sampled_from([1.0, 1.0, 0.6, 0.2])),
        file=file,
        seed=draw(st.integers(0, 10**6)),
        corrected=draw(st.booleans()),
        ruled=draw(st.integers(0, 9)) == 3,
        network=draw(st.integers(0, 99)) in range(40, 40 + round(100 * networks)),
        pooled=draw(st.booleans()),
    )
