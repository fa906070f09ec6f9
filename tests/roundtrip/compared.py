"""What must hold between a table, the rows drawn in its likeness, and the file they stand in."""

import numpy as np
import pandas as pd

from tabveil.data.restoring import restore_column
from tabveil.data.tables import read_table
from tabveil.synthesizers.balanced import Balanced

ENOUGH = 100
"""Rows with which a share of missing values can be compared."""


def check_drawn(line, drawn, *, network):
    """Rows hold the columns of their table, in its order, and only what such columns may hold."""
    schema, masking = line.schema, line.loaded.masking
    modelled = line.prepared.schema.names
    expected = [n for n in line.table if n in modelled or n in masking.masks]
    assert list(drawn.columns) == expected
    for name in drawn:
        column, source, found = schema[name], line.table[name], drawn[name]
        if name in masking.masks:
            _check_made_up(found, source, name)
            continue
        _check_dtype(found, column)
        if column.kind in ("numeric", "datetime"):
            _check_numbers(found, line.table[name], column)
        else:
            _check_levels(found, line.table[name], name)
        if not network and not line.prepared.rules:
            _check_nulls(found, line.train[name], name)
        if source.isna().all():
            assert found.isna().all(), name
        # Of a text that nobody shares, a network takes every value for missing.
        if not source.isna().any() and not network:
            assert not found.isna().any(), name


def _check_made_up(found, source, name):
    originals = {str(value) for value in source.dropna()}
    assert not originals & {str(value) for value in found.dropna()}, name
    assert pd.api.types.is_numeric_dtype(found) or found.dropna().map(type).eq(str).all(), name


def _check_dtype(found, column):
    holds = str(found.dtype)
    if found.isna().any() and (column.dtype == "bool" or column.dtype.startswith(("int", "uint"))):
        assert holds in ("float64", "object"), (column.name, holds, column.dtype)
    else:
        assert holds == column.dtype, (column.name, holds, column.dtype)


def _check_levels(found, source, name):
    known = {(type(_plain(v)), _plain(v)) for v in source.dropna()}
    assert {(type(_plain(v)), _plain(v)) for v in found.dropna()} <= known, name


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def _check_numbers(found, source, column):
    """Within the source's range, rounded outwards; whole and rounded where the source is."""
    present, known = found.dropna(), restore_column(source, column)
    known = pd.Series(known).dropna()
    if not len(known):
        assert not len(present), column.name
        return
    if column.kind == "datetime":
        grid = pd.to_datetime(known).dt.tz_localize(None)
        found_at = pd.to_datetime(present).dt.tz_localize(None)
        for unit in ("D", "h", "min", "s"):
            # Where clocks change, an hour that is not there moves on by part of a day.
            if (grid == _floor(grid, unit)).all() and known.dt.tz is None:
                assert (found_at == _floor(found_at, unit)).all(), (column.name, unit)
        if column.form == "date":
            assert (found_at == found_at.dt.normalize()).all(), column.name
        low, high = (int(x.timestamp()) for x in (known.min(), known.max()))
        values = np.array([x.timestamp() for x in present])
        slack = 0.13 * (high - low) + 86_400
    else:
        numbers = pd.to_numeric(known).astype(float)
        low, high, values = numbers.min(), numbers.max(), present.to_numpy(dtype=float)
        assert np.isfinite(values).all(), column.name
        slack = 0.13 * (high - low) + (
            10.0**-column.decimals if column.decimals else 1e-6 * abs(low)
        )
        slack = slack if low < high else 1e-9 * abs(low)
        if column.decimals is not None and column.dtype != "float32":
            assert (values == values.round(column.decimals)).all(), column.name
    if len(values):
        assert values.min() >= low - slack, (column.name, values.min(), low)
        assert values.max() <= high + slack, (column.name, values.max(), high)
    if source.nunique() == 1 and column.kind == "numeric":
        # Numbers travel as floats: beyond 2**53 a whole number is not exact.
        assert (present.astype(float) == float(known.iloc[0])).all(), column.name
    elif source.nunique() == 1:
        # Nanoseconds since 2000 are more than a float can count.
        apart = (present - known.iloc[0]).abs()
        assert (apart < pd.Timedelta(1, "us")).all(), column.name


def _floor(dates, unit):
    return dates.dt.as_unit("s" if dates.dt.unit == "s" else dates.dt.unit).dt.floor(unit)


def _check_nulls(found, train, name):
    """Shares of two samples differ by a few standard errors, and by what rounding takes away."""
    rate = train.isna().mean()
    at_random = np.sqrt(max(rate * (1 - rate), 1 / len(found)) / len(found))
    assert abs(found.isna().mean() - rate) <= 5 * at_random + 0.02, name


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


def check_file(path, drawn, schema):
    """A file holds the rows that were drawn, cell by cell, and is read as their kinds."""
    again = read_table(path)
    assert list(again) == list(drawn)
    assert len(again) == len(drawn)
    is_csv = path.suffix == ".csv"
    written = (
        pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
        if is_csv
        else pd.read_parquet(path)
    )
    for column in schema.columns:
        name = column.name
        was, now = drawn[name], written[name]
        assert (was.isna() == now.isna()).all(), name
        was, now = was.dropna(), now.dropna()
        if not len(was):
            continue
        if pd.api.types.is_datetime64_any_dtype(was):
            was = was.dt.floor("s") if is_csv else was
            assert (pd.to_datetime(now).to_numpy() == was.to_numpy()).all(), name
            assert pd.api.types.is_datetime64_any_dtype(again[name]), name
        elif pd.api.types.is_numeric_dtype(was) and not pd.api.types.is_bool_dtype(was):
            assert (now.astype(was.dtype) == was).all(), name
            assert pd.api.types.is_numeric_dtype(again[name]), name
        else:
            assert (now.astype(str).to_numpy() == was.astype(str).to_numpy()).all(), name
