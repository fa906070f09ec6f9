"""Which rows a `where` allows, and how enough of them are found.

    {"health": "poor"}                    a level
    {"health": ["poor", "fair"]}          any of these levels; null is the missing one
    {"age": {"min": 30, "max": 40}}       a range, ends included, either end optional
    {"health": {"missing": false}}        any value; true: none
    {"age": 30, "health": "poor"}         every condition holds

Every synthesizer shares this rule. Rows that do not meet it are rejected, with bounded effort: a
generator that cannot make such rows ends in an error that says how many it made.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.contracts import Where
from tabveil.data.codec import TableCodec
from tabveil.data.formats.conversion import read_one
from tabveil.data.levels import Level
from tabveil.data.numbers import Clock, to_floats
from tabveil.data.schema import Column, Schema
from tabveil.errors import ConditionError

PATIENCE_ROWS = 200_000
"""Rows drawn before giving up when none is accepted: a few seconds."""
PATIENCE_PER_ACCEPTED = 1_000
"""Further rows drawn for each accepted one: conditions met once in a thousand rows succeed."""
_FIRST_YEAR, _LAST_YEAR = 1678, 2261
"""Of dates that nanoseconds can count."""
_READABLE = {
    False: re.compile(r"^\s*[+-]?(\d|\.\d|inf)[\d.eE+-]*\s*$"),
    True: re.compile(r"^\s*\d{4}([-T ]?\d|\s*$)"),
}
"""Of texts in no form of the column's own: numbers as they are written down (Python reads 1_000,
too), dates as ISO has them (pandas reads `now`, and takes 05/03 as it comes)."""


@dataclass(frozen=True)
class Range:
    """Values from `low` to `high`, ends included; None: open."""

    low: Any
    high: Any


Condition = tuple[Any, ...] | Range
"""The allowed values of a column (None: missing), or a range of them."""
Conditions = Mapping[str, Condition]
Forms = Callable[[Level], frozenset[str]]


def parse(
    where: Where | None, schema: Schema, levels: Mapping[str, Sequence[Level]]
) -> dict[str, Condition]:
    """Check a `where` against a generator's columns and levels.

    Args:
        where: as a user wrote it.
        schema: the sampled columns.
        levels: the levels of each categorical and boolean column.

    Raises:
        ConditionError: an unknown column or level (near matches are named), a range on a
            categorical column, a value that the column cannot hold.
    """
    if where is None:
        return {}
    if not isinstance(where, Mapping):
        raise ConditionError(f"where must map columns to values, like {{age: 30}}; got {where!r}")
    for name in where:
        if name not in schema.names:
            raise ConditionError(
                f"where names {name!r}, which is no column{near(name, schema.names)}"
            )
    return {
        name: _parse_levels(schema[name], wanted, levels[name])
        if name in levels
        else _parse_numbers(wanted, schema[name])
        for name, wanted in where.items()
    }


def near(name: object, known: Sequence[object]) -> str:
    """The end of an error message: the closest known names, or the first of them."""
    texts = [str(entry) for entry in known]
    close = difflib.get_close_matches(str(name), texts, n=3, cutoff=0.5)
    if close:
        return f"; did you mean {' or '.join(map(repr, close))}?"
    more = ", …" if len(texts) > 20 else ""
    return f"; there are: {', '.join(map(repr, texts[:20]))}{more}"


def _parse_levels(column: Column, wanted: Any, levels: Sequence[Level]) -> tuple[Level, ...]:
    name = column.name
    if isinstance(wanted, Mapping):
        if set(wanted) != {"missing"}:
            raise ConditionError(
                f"where.{name} is a range, but {name!r} is categorical: give a level or a list of "
                f"them"
            )
        missing = _is_missing(name, wanted)
        kept = tuple(level for level in levels if (level is None) == missing)
        if not kept:
            always = "never" if missing else "always"
            raise ConditionError(
                f"where.{name}: no row can meet it, for {name!r} is {always} missing"
            )
        return kept
    return tuple(_find_level(column, value, levels) for value in _as_list(name, wanted))


def _find_level(column: Column, value: Any, levels: Sequence[Level]) -> Level:
    name, truths = column.name, column.format and column.format.truths

    def forms(level: Level) -> frozenset[str]:
        own = {truths[level]} if truths and isinstance(level, bool) else set()
        return written_forms(level) | own

    try:
        return level_named(value, levels, forms)
    except LookupError:
        known = ["null (missing)" if level is None else level for level in levels]
        raise ConditionError(
            f"column {name!r} has no level {value!r}{near(value, known)}"
        ) from None


def level_named(typed: Any, levels: Sequence[Level], forms: Forms | None = None) -> Level:
    """The level that a person or a program means.

    An equal level comes first, a text before a number that is written like it. Then two values are
    the same that share a written form, exactly: `1.1` is not the level `1.10`.

    Args:
        typed: a text as typed, or a number or truth value from JSON; None is the missing level.
        levels: to choose from.
        forms: how a level may be written; by default `written_forms`.

    Raises LookupError where there is no such level.

    >>> level_named("1", [1, "1"]), level_named("true", [False, True]), level_named(1, ["01", "1"])
    ('1', True, '1')
    """
    if typed is None and None in levels:
        return None
    typed = "null" if typed is None else typed  # a level that is spelled like the missing one
    forms = forms or written_forms
    named = [level for level in levels if level is not None]
    for is_same in (
        lambda level: type(level) is type(typed) and level == typed,
        lambda level: level == typed,
        lambda level: not forms(level).isdisjoint(forms(typed)),
    ):
        for level in named:
            if is_same(level):
                return level
    return _no_level()


def _no_level() -> NoReturn:
    raise LookupError


def written_forms(value: Level) -> frozenset[str]:
    """The ways to write a level: `True` and `true`; a whole float with and without its `.0`."""
    if isinstance(value, bool):
        return frozenset({str(value), str(value).lower()})
    if isinstance(value, float) and value.is_integer():
        return frozenset({str(value), str(int(value))})
    return frozenset({str(value)})


def _parse_numbers(wanted: Any, column: Column) -> Condition:
    if not isinstance(wanted, Mapping):
        return tuple(_as_value(value, column) for value in _as_list(column.name, wanted))
    if set(wanted) == {"missing"}:
        return (None,) if _is_missing(column.name, wanted) else Range(None, None)
    if not wanted or set(wanted) - {"min", "max"}:
        raise ConditionError(
            f"where.{column.name}: a range has 'min', 'max' or both; 'missing' stands alone"
        )
    low, high = (
        None if wanted.get(end) is None else _as_value(wanted[end], column)
        for end in ("min", "max")
    )
    if low is not None and high is not None and low > high:
        raise ConditionError(f"where.{column.name}: min {low} is above max {high}")
    return Range(low, high)


def _is_missing(name: str, wanted: Mapping[str, Any]) -> bool:
    if not isinstance(wanted["missing"], bool):
        raise ConditionError(f"where.{name}: 'missing' is true or false")
    return wanted["missing"]


def _as_list(name: str, wanted: Any) -> list[Any]:
    values = list(wanted) if isinstance(wanted, list | tuple) else [wanted]
    if not values:
        raise ConditionError(f"where.{name} is an empty list: no row can meet it")
    return values


def _as_value(value: Any, column: Column) -> Any:
    if value is None:
        return None
    written = column.format
    if isinstance(value, str) and written is not None and written.sort not in ("text", "code"):
        own = read_one(value, written) if written.pattern or written.spelling else None
        if own is not None:
            return own if column.kind == "datetime" else float(own)
    try:
        if isinstance(value, str) and not _READABLE[column.kind == "datetime"].search(value):
            raise ValueError
        if column.kind != "datetime":
            return float(value)
        date = pd.Timestamp(value)
        zone = getattr(pd.api.types.pandas_dtype(column.dtype), "tz", None)
        if zone is None or date.tz is None:
            return date.tz_localize(zone)  # an hour without a zone is the column's
        return date.tz_convert(zone)
    except (ValueError, TypeError, OverflowError) as error:
        raise ConditionError(f"where.{column.name}: {value!r} is no {column.kind} value") from error


def met(table: pd.DataFrame, conditions: Conditions) -> NDArray[np.bool_]:
    """Which rows meet every condition, shape (n,)."""
    rows = np.ones(len(table), dtype=bool)
    for name, condition in conditions.items():
        rows &= _met_by(table[name], condition)
    return rows


def _met_by(values: pd.Series[Any], condition: Condition) -> NDArray[np.bool_]:
    missing = values.isna().to_numpy()
    if isinstance(condition, tuple):
        allowed = values.isin([value for value in condition if value is not None])
        rows = np.asarray(allowed.to_numpy(dtype=bool)) & ~missing
        return rows | missing if None in condition else rows
    rows = ~missing
    if condition.low is not None:
        rows &= (values >= condition.low).fillna(False).to_numpy(dtype=bool)
    if condition.high is not None:
        rows &= (values <= condition.high).fillna(False).to_numpy(dtype=bool)
    return rows


def keep_met(
    chunks: Iterator[pd.DataFrame], n: int, conditions: Conditions
) -> Iterator[pd.DataFrame]:
    """Yield the rows of endless `chunks` that meet the conditions, until `n` are found.

    Raises ConditionError, saying how many were found, when they are too rare to go on.
    """
    if not conditions:
        yield from chunks
    n_drawn = n_kept = 0
    for chunk in chunks:
        kept = chunk[met(chunk, conditions)]
        n_drawn += len(chunk)
        n_kept += len(kept)
        yield kept
        if n_kept < n and n_drawn >= PATIENCE_ROWS + PATIENCE_PER_ACCEPTED * n_kept:
            raise ConditionError(
                f"only {n_kept} of {n} rows met the condition on {', '.join(conditions)} after "
                f"{n_drawn} draws; loosen it, or ask for fewer rows"
            )


def wanted_codes(conditions: Conditions, codec: TableCodec) -> dict[int, tuple[int, ...]]:
    """Code columns that the conditions restrict, by index: the codes that are still allowed."""
    wanted: dict[int, tuple[int, ...]] = {}
    for j, name in enumerate(codec.code_names):
        condition = conditions.get(name)
        if condition is None:
            continue
        if name in codec.levels and isinstance(condition, tuple):
            allowed = [code for code, level in enumerate(codec.levels[name]) if level in condition]
            wanted[j] = tuple(allowed)
        elif isinstance(condition, Range) or None not in condition:
            wanted[j] = (0,)  # a number is asked for: present
        elif condition == (None,):
            wanted[j] = (1,)
    return wanted


def wanted_ranges(
    conditions: Conditions, codec: TableCodec, *, steps: float = 1.0
) -> dict[int, tuple[tuple[float, float], ...]]:
    """Float columns that the conditions restrict, by index: the ranges of encoded floats allowed.

    They are a step of the column's rounding wider than asked, since a decoded float is rounded; or
    so many `steps`.
    """
    columns = {column.name: column for column in codec.columns}
    wanted: dict[int, tuple[tuple[float, float], ...]] = {}
    for j, name in enumerate(codec.float_names):
        condition = conditions.get(name)
        if condition is None or (not isinstance(condition, Range) and None in condition):
            continue
        clock = getattr(columns[name], "clock", None)
        decimals = codec.schema[name].decimals
        step = steps * (1.0 if clock else 10.0**-decimals if decimals is not None else 0.0)
        ends = (
            [(condition.low, condition.high)]
            if isinstance(condition, Range)
            else [(value, value) for value in condition]
        )
        column = codec.schema[name]
        wanted[j] = tuple(
            (
                -np.inf if low is None else _encoded(low, column, clock) - step,
                np.inf if high is None else _encoded(high, column, clock) + step,
            )
            for low, high in ends
        )
    return wanted


def _encoded(value: Any, column: Column, clock: Clock | None) -> float:
    """A number or date as the codec's float; infinite for dates beyond all that it counts."""
    if clock is None:
        return float(value)
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        return -np.inf if value.year < _FIRST_YEAR else np.inf
    date = pd.Series([value.as_unit("ns")], name=column.name)
    return float(to_floats(date, column, clock)[0])
