"""Tables from different hands become tables of one schema.

An audit compares files that nobody prepared together: a generator writes 1.0 where the source
holds 1, a number comes as text, a column is missing. What can be read in one way is read so; what
cannot is refused with the table and the column, because an attack that compares texts with
numbers finds nothing, and would call that safe.

The kinds are inferred from all the real tables together, so that no chance of one of them decides;
what identifies the rows of the largest one is an identifier, even if every file counts from 1.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.numbers import Clock, from_floats
from tabveil.data.schema import Column, Schema, infer_schema
from tabveil.errors import DataError
from tabveil.measure.cells import level_text, numbers
from tabveil.measure.identifiers import Released, released

SYNTHETIC = "synthetic"
_CLOCK = Clock(unit="us", ticks=1, zone=None)
_HANDFUL = 10
_TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True)
class Roles:
    """What a person knows of the columns.

    Attributes:
        kinds: column → kind, where inference is wrong; an identifier is left out.
        sensitive: what an attacker must not learn about a person.
        quasi_identifiers: what an attacker may know of a person beforehand.
        group: the column that numbers persons; None: a row is a person.
    """

    kinds: Mapping[str, str]
    sensitive: Sequence[str] = ()
    quasi_identifiers: Sequence[str] = ()
    group: str | None = None


@dataclass(frozen=True)
class Alike:
    """Tables that can be compared cell by cell.

    Attributes:
        schema: of the compared columns.
        tables: by name; numbers as float64, dates as datetime64, levels as text; rows in an order
            that only contents decide.
        groups: by name, for the tables that have the group column: whose row it is, shape (n,).
        notes: what a reader of the results should know.
        identifiers: how far those of real people stand in `synthetic`.
    """

    schema: Schema
    tables: Mapping[str, pd.DataFrame]
    groups: Mapping[str, NDArray[np.object_]]
    notes: tuple[str, ...]
    identifiers: tuple[Released, ...]


def make_alike(tables: Mapping[str, pd.DataFrame], roles: Roles) -> Alike:
    """Bring the tables under one schema.

    Args:
        tables: by name, `train` and `synthetic` among them; all but `synthetic` are real. The
            columns of `train` count.
        roles: what a person knows of the columns.

    Raises:
        DataError: a table lacks a column that `train` has, or holds there what its kind cannot
            be, or nothing that the other tables hold; `synthetic` has a column that cannot be
            attacked; a sensitive column or quasi-identifier is an identifier.
    """
    real = {name: table for name, table in tables.items() if name != SYNTHETIC}
    whole = _one_schema(real, roles)
    schema = whole.modelled()
    if not schema.columns:
        raise DataError("train has no column to compare: all are identifiers or the group")
    for name, table in tables.items():
        _check_columns(name, table, whole, schema, roles)
    codes = {c.name for c in schema.columns if _is_coded([real[t][c.name] for t in real])}
    tables = _in_one_zone(tables, schema)
    made = {
        name: pd.DataFrame({c.name: _cells(name, table, c, codes) for c in schema.columns})
        for name, table in tables.items()
    }
    for name in made:
        _check_meeting(name, made, schema)
    groups = {
        name: _names(table[whole.group])
        for name, table in tables.items()
        if whole.group is not None and whole.group in table.columns
    }
    orders = {name: _content_order(made[name], groups.get(name)) for name in made}
    identifiers, notes = _left_out(tables, whole)
    return Alike(
        schema=schema,
        tables={name: made[name].iloc[orders[name]].reset_index(drop=True) for name in made},
        groups={name: names[orders[name]] for name, names in groups.items()},
        notes=notes,
        identifiers=identifiers,
    )


def _one_schema(real: Mapping[str, pd.DataFrame], roles: Roles) -> Schema:
    columns = []
    for name in real["train"].columns:
        parts = {table: rows[name] for table, rows in real.items() if name in rows.columns}
        for table, values in parts.items():
            if values.isin([np.inf, -np.inf]).any():
                raise DataError(
                    f"{table}: column {name!r} holds infinite numbers; make them missing, or cap "
                    f"them"
                )
        columns.append(_one_column(str(name), parts, roles.kinds))
    schema = Schema(tuple(columns)).with_roles(
        target=None,
        sensitive=roles.sensitive,
        quasi_identifiers=roles.quasi_identifiers,
        group=roles.group,
    )
    for name in (*schema.sensitive, *schema.quasi_identifiers):
        if schema[name].kind == "identifier":
            raise DataError(
                f"column {name!r} is to be attacked but taken for an identifier "
                f"({schema[name].reason}); give its kind under dataset.kinds"
            )
    return schema


def _one_column(name: str, parts: Mapping[str, pd.Series[Any]], given: Mapping[str, str]) -> Column:
    """The column's kind in all the real tables together."""
    kinds = {name: given[name]} if name in given else {}
    if not kinds:
        parts = _in_one_form(parts)
    largest = max(parts.values(), key=len)
    column = infer_schema(largest.to_frame(name), kinds=kinds).columns[0]
    if column.kind == "identifier":
        return column
    with warnings.catch_warnings():  # pandas 2 minds a column that is wholly missing in one
        warnings.simplefilter("ignore", FutureWarning)
        pooled = pd.concat(list(parts.values()), ignore_index=True)
    return infer_schema(pooled.to_frame(name), kinds=kinds).columns[0]


def _in_one_form(parts: Mapping[str, pd.Series[Any]]) -> dict[str, pd.Series[Any]]:
    """Read texts as numbers or dates where another table holds numbers or dates there."""
    filled = [values for values in parts.values() if values.notna().any()]
    dates = any(pd.api.types.is_datetime64_any_dtype(values) for values in filled)
    counted = any(_is_number(values) for values in filled)
    made = dict(parts)
    for table, values in parts.items():
        if pd.api.types.is_datetime64_any_dtype(values) or not (dates or counted):
            continue
        if values.dtype == object or isinstance(values.dtype, pd.StringDtype):
            kind: Any = "datetime" if dates else "numeric"
            column = Column(str(values.name), kind, "datetime64[ns]" if dates else "float64")
            made[table] = _values(table, values, column)
    return made


def _in_one_zone(tables: Mapping[str, pd.DataFrame], schema: Schema) -> Mapping[str, pd.DataFrame]:
    """Dates with a zone as UTC where all tables have one; else by the clock of their own zone."""
    changed = {name: table.copy(deep=False) for name, table in tables.items()}
    for column in schema.of_kind("datetime"):
        zoned = [n for n, t in tables.items() if isinstance(t[column].dtype, pd.DatetimeTZDtype)]
        for name in zoned:
            values = tables[name][column]
            local = values.dt.tz_convert("UTC") if len(zoned) == len(tables) else values
            changed[name][column] = local.dt.tz_localize(None)
    return changed


def _is_number(values: pd.Series[Any]) -> bool:
    is_truth = pd.api.types.is_bool_dtype(values)
    return pd.api.types.is_numeric_dtype(values) and not is_truth


def _is_coded(parts: Sequence[pd.Series[Any]]) -> bool:
    """Whether the real tables write this column's levels as numbers or truth values."""
    return all(
        pd.api.types.is_numeric_dtype(part)
        or pd.api.types.is_bool_dtype(part.dropna().infer_objects())
        for part in parts
    )


def _check_columns(
    name: str, table: pd.DataFrame, whole: Schema, schema: Schema, roles: Roles
) -> None:
    lacking = [column for column in schema.names if column not in table.columns]
    if lacking:
        raise DataError(
            f"{name} lacks the columns {lacking} that train has; name them alike, or leave them "
            f"out of the comparison: dataset.kinds={{{lacking[0]}: identifier}}"
        )
    if whole.group and name in ("train", "control") and whole.group not in table.columns:
        raise DataError(f"{name} lacks the group column {whole.group!r}")
    extra = [str(column) for column in table.columns if str(column) not in whole.names]
    unsaid = [column for column in extra if roles.kinds.get(column) != "identifier"]
    if name == SYNTHETIC and unsaid:
        raise DataError(
            f"synthetic has the columns {unsaid} that train lacks, so they cannot be attacked; "
            f"name them alike, or leave them out: dataset.kinds={{{unsaid[0]}: identifier}}"
        )
    unknown = [column for column in roles.kinds if column not in (*whole.names, *extra)]
    if name == SYNTHETIC and unknown:
        raise DataError(f"dataset.kinds names {unknown}, which train does not have")


def _cells(name: str, table: pd.DataFrame, column: Column, codes: set[str]) -> Any:
    """A column in the one form of its kind."""
    values = table[column.name].reset_index(drop=True)
    if column.kind in ("numeric", "datetime"):
        return _values(name, values, column)
    if pd.api.types.is_datetime64_any_dtype(values):
        values = values.astype(str).where(values.notna(), None)
    positions, levels = pd.factorize(values)
    texts = [_text(level, coded=column.name in codes) for level in np.asarray(levels, dtype=object)]
    return pd.Series(np.array([*texts, None], dtype=object)[positions])


def _text(level: Any, *, coded: bool) -> str:
    """A level's text; where the levels are numbers, a text that is one counts as that number."""
    if coded and isinstance(level, str):
        plain = level.strip().lower()
        number = pd.to_numeric(plain, errors="coerce")
        level = _TRUTHS.get(plain, level if pd.isna(number) else float(number))
    return level_text(level)


def _values(name: str, values: pd.Series[Any], column: Column) -> pd.Series[Any]:
    """Numbers as float64, dates as datetime64 without a zone."""
    try:
        with warnings.catch_warnings():  # pandas minds dates that are not ISO
            warnings.simplefilter("ignore", UserWarning)
            floats = numbers(values.reset_index(drop=True), column)
    except DataError as error:
        raise DataError(f"{name}: {error}") from error
    cells = from_floats(floats, _CLOCK if column.kind == "datetime" else None)
    return cells.rename(column.name)


def _check_meeting(name: str, made: Mapping[str, pd.DataFrame], schema: Schema) -> None:
    """Refuse a column that shares no level or range with the other real tables.

    A handful of values may miss the others by chance.
    """
    others = [table for other, table in made.items() if other not in (name, SYNTHETIC)]
    for column in schema.columns:
        mine = made[name][column.name].dropna()
        theirs = pd.concat([table[column.name] for table in others])
        n_expected = theirs.notna().mean() * len(made[name])
        theirs = theirs.dropna()
        few = max(len(mine), n_expected) < _HANDFUL
        if few or (theirs.empty and name != SYNTHETIC):  # then the other one is refused
            continue
        if mine.empty or theirs.empty:
            apart = True
        elif column.kind in ("numeric", "datetime"):
            apart = mine.max() < theirs.min() or mine.min() > theirs.max()
        else:
            apart = not mine.isin(theirs.unique()).any()
        if apart:
            held = "no value" if mine.empty else "nothing that the other tables hold there"
            raise DataError(
                f"{name}: column {column.name!r} ({column.kind}) holds {held}; write its values "
                f"alike, or leave it out: dataset.kinds={{{column.name}: identifier}}"
            )


def _names(values: pd.Series[Any]) -> NDArray[np.object_]:
    positions, levels = pd.factorize(values)
    texts = [level_text(level) for level in np.asarray(levels, dtype=object)]
    return np.array([*texts, None], dtype=object)[positions]


def _content_order(table: pd.DataFrame, groups: NDArray[np.object_] | None) -> NDArray[np.intp]:
    """Positions by what rows hold, so that the order in a file decides nothing."""
    hashes = pd.util.hash_pandas_object(table, index=False).to_numpy()
    if groups is None:
        return np.argsort(hashes, kind="stable")
    persons = pd.util.hash_pandas_object(pd.Series(groups), index=False).to_numpy()
    return np.lexsort((persons, hashes))


def _left_out(
    tables: Mapping[str, pd.DataFrame], whole: Schema
) -> tuple[tuple[Released, ...], tuple[str, ...]]:
    """What stands in the synthetic table of the columns that identify, and a note of each."""
    found, notes = [], []
    for column in whole.columns:
        if column.kind != "identifier" and column.name != whole.group:
            continue
        note = f"column {column.name!r} is left out ({column.reason or 'group'})"
        values = released(column.name, tables)
        if values is not None:
            found.append(values)
            note += f"; {values}"
        notes.append(note)
    return tuple(found), tuple(notes)
