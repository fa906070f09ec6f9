"""What must hold between a file, the rows drawn in its likeness, and the file they stand in."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from as_text import read_file

from tabveil.synthesizers.balanced import Balanced


def check_names(line, drawn, case):
    """Rows hold the columns of their file, in its order, less those that are dropped."""
    kept = [*line.prepared.schema.names, *line.loaded.masking.masks]
    names = _names(line.path, case)
    assert list(drawn.columns) == [name for name in names if name in kept]
    assert set(kept) <= set(names)


def _names(path, case):
    if case.file[0] == "csv":
        names = read_file(path, delimiter=case.file[1], encoding=case.file[2]).names
        return [name.removeprefix("\ufeff") for name in names]
    if case.file[0] == "jsonl":
        return list(json.loads(path.read_text(encoding="utf-8").split("\n")[0]))
    return pq.read_schema(path).names


def check_made_up(line, drawn, case):
    """No value that is made up is one of the file's."""
    table = case.table()
    for name in line.loaded.masking.masks:
        if name in table:
            originals = {str(value) for value in table[name].dropna()}
            assert not originals & {str(value) for value in drawn[name].dropna()}, name


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def check_where(line, drawn, rng, seed):
    """Rows drawn under a condition that `drawn` shows to be possible all meet it."""
    # Of fewer values the range between two, or the one, may be all but impossible to meet again.
    free = [n for n in line.prepared.schema.names if drawn[n].notna().sum() >= 5]
    if not free:
        return
    name = str(rng.choice(free))
    present = drawn[name].dropna()
    if line.schema[name].kind in ("numeric", "datetime"):
        ends = present.sort_values().iloc[[len(present) // 5, 4 * len(present) // 5]]
        wanted = {"min": _said(ends.iloc[0]), "max": _said(ends.iloc[1])}
        rows = line.loaded.sample(20, seed=seed, where={name: wanted})
        assert ((rows[name] >= ends.iloc[0]) & (rows[name] <= ends.iloc[1])).all(), name
    else:
        values = list(present.unique())[: int(rng.integers(1, 4))]
        if drawn[name].isna().any() and rng.random() < 0.5:
            values.append(None)
        rows = line.loaded.sample(20, seed=seed, where={name: [_said(v) for v in values]})
        assert {None if pd.isna(v) else _plain(v) for v in rows[name]} <= set(values), name
    assert len(rows) == 20


def check_shares(line, drawn, rng, seed):
    """Two levels that are asked for by halves come by halves."""
    levels = {
        n: list(drawn[n].dropna().unique())
        for n in line.schema.of_kind("categorical", "boolean")
        if n in line.prepared.schema.names
    }
    free = [name for name, known in levels.items() if len(known) > 1]
    if not free:
        return
    name = str(rng.choice(free))
    first, second = levels[name][:2]
    shares = {name: {_said(first): 0.5, _said(second): 0.5}}
    rows = Balanced.by(line.loaded.synthesizer, shares).sample(20, seed=seed)
    assert ((rows[name] == first).sum(), (rows[name] == second).sum()) == (10, 10), name


def _said(value):
    """As a person writes it on the command line."""
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return None if value is None else _plain(value)


def check_file(path, line, drawn, case):
    """A file holds as many rows as were drawn, under the names that the source has."""
    if case.file[0] != "csv":
        table = pq.read_table(path)
        assert (table.num_rows, table.column_names) == (len(drawn), list(drawn.columns))
        return
    how = {"delimiter": case.file[1], "encoding": case.file[2]}
    source, written = read_file(line.path, **how), read_file(path, **how)
    assert len(written.rows) == len(drawn)
    assert {len(row) for row in written.rows} == {len(written.names)}
    assert written.start == source.start
    assert list(written.names) == list(drawn.columns)
    if list(source.names) == list(drawn.columns):
        assert written.header == source.header
