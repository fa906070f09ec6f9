"""The columns of a table: their kinds, their formats and their roles.

A `Schema` describes a table without holding any of its rows: no minimum, no maximum, no level.
Kinds say how a column is modelled, roles what it means for privacy. It travels as JSON beside
every generator. Inference gives each column a kind *and the reason*, so a person can check it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from tabveil.data.formats.column_format import Format
from tabveil.data.formats.number_spelling import MOST_PLACES
from tabveil.data.formats.zones import dtype_text
from tabveil.data.identifiers import find_identifier
from tabveil.data.reading.raw import Dialect
from tabveil.data.restoring import restore_column
from tabveil.errors import DataError

if TYPE_CHECKING:
    from tabveil.data.opening import Opened

Kind = Literal["numeric", "categorical", "boolean", "datetime", "identifier"]
KINDS: tuple[str, ...] = get_args(Kind)
SCHEMA_VERSION = 1
MADE = "made"
"""The form of a column that only a model sees (`data/rules`); its levels are never pooled."""

# A text that on average fewer than two rows share (a name, a ticket, a note) says who a row is
# and cannot be learnt. Below 20 different values nothing can be told.
_MOSTLY_DIFFERENT, _MANY = 0.5, 20
_ID_NAME = re.compile(r"(?i:(^|[^a-z])(id|uuid|ssn)|[^a-z]number)$|[a-z](Id|ID)$")


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: as in the table.
        kind: how it is modelled; identifiers never are.
        dtype: the pandas dtype that a sampled column gets back.
        decimals: decimal places kept in sampled numbers; 0 for whole numbers, None where the
            source is not rounded. Of dates from a source without texts: those of a second.
        reason: why inference chose this kind.
        form: what identifiers look like, such as "email" (`data/identifiers`); "date" for days
            without a time, "made" for a column that only a model sees.
        format: how its cells are written; None: as its dtype is.
    """

    name: str
    kind: Kind
    dtype: str
    decimals: int | None = None
    reason: str = ""
    form: str | None = None
    format: Format | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able data; `from_dict` gives an equal column back."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "format"}
        return plain | ({} if self.format is None else {"format": self.format.to_dict()})

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Column:
        """Read `to_dict`'s data. Raises ValueError, TypeError or KeyError when it is not that."""
        told = dict(data)
        if told.get("format") is not None:
            told["format"] = Format.from_dict(told["format"])
        return cls(**told)


@dataclass(frozen=True)
class Schema:
    """The columns of a table and the roles some of them play.

    Attributes:
        dialect: the form of the source, in which rows are written back; None: there is none.
    """

    columns: tuple[Column, ...]
    target: str | None = None
    sensitive: tuple[str, ...] = ()
    quasi_identifiers: tuple[str, ...] = ()
    group: str | None = None
    dialect: Dialect | None = None

    @property
    def names(self) -> list[str]:
        """Column names, in table order."""
        return [column.name for column in self.columns]

    def __getitem__(self, name: str) -> Column:
        """The column of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise DataError(f"no column {name!r}; the table has: {', '.join(self.names)}")

    def of_kind(self, *kinds: Kind) -> list[str]:
        """Names of the columns of these kinds, in table order."""
        return [column.name for column in self.columns if column.kind in kinds]

    def modelled(self) -> Schema:
        """The schema without identifiers and the group column: what a synthesizer sees.

        Sensitive columns and quasi-identifiers that are not modelled lose their role with it.
        """
        columns = tuple(c for c in self.columns if c.kind != "identifier" and c.name != self.group)
        kept = {column.name for column in columns}
        return replace(
            self,
            columns=columns,
            sensitive=tuple(name for name in self.sensitive if name in kept),
            quasi_identifiers=tuple(name for name in self.quasi_identifiers if name in kept),
            group=None,
        )

    def with_roles(
        self,
        *,
        target: str | None,
        sensitive: Iterable[str] = (),
        quasi_identifiers: Iterable[str] = (),
        group: str | None = None,
    ) -> Schema:
        """Set the roles.

        Raises:
            DataError: a name is no column; the target is an identifier or the group.
        """
        schema = replace(
            self,
            target=target,
            sensitive=tuple(sensitive),
            quasi_identifiers=tuple(quasi_identifiers),
            group=group,
        )
        for role, names in schema._roles().items():
            if len(set(names)) < len(names):
                raise DataError(f"{role}={list(names)} names a column twice")
            for name in names:
                if name not in self.names:
                    raise DataError(
                        f"{role}={name!r} is not a column; the table has: {', '.join(self.names)}"
                    )
        if target is not None and self[target].kind == "identifier":
            raise DataError(
                f"target={target!r} looks like an identifier ({self[target].reason}); "
                f"name another target, or set its kind under dataset.kinds"
            )
        if target is not None and target == group:
            raise DataError(f"target and group are both {target!r}; a group is not modelled")
        return schema

    def _roles(self) -> dict[str, tuple[str, ...]]:
        return {
            "target": (self.target,) if self.target else (),
            "sensitive": self.sensitive,
            "quasi_identifiers": self.quasi_identifiers,
            "group": (self.group,) if self.group else (),
        }

    def restore(self, table: pd.DataFrame | Mapping[str, Any]) -> pd.DataFrame:
        """Give a table, or its columns by name, this schema's column order, rounding and dtypes.

        A column may be a series or an array; an array that is as it should be is not copied.
        Whole-number dtypes cannot hold missing values: such a column stays float where a value
        is missing. Raises DataError when a column is absent or cannot be cast.
        """
        missing = [name for name in self.names if name not in table]
        if missing:
            raise DataError(f"the table lacks the columns {missing}; it needs {self.names}")
        restored = {c.name: restore_column(table[c.name], c) for c in self.columns}
        return pd.DataFrame(restored, copy=False)

    def to_json(self) -> str:
        """The schema as JSON text; `from_json` gives an equal schema back."""
        told: dict[str, Any] = {
            "version": SCHEMA_VERSION,
            "columns": [column.to_dict() for column in self.columns],
            "target": self.target,
            "sensitive": list(self.sensitive),
            "quasi_identifiers": list(self.quasi_identifiers),
            "group": self.group,
        }
        if self.dialect is not None:
            told["dialect"] = asdict(self.dialect)
        return json.dumps(told, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Schema:
        """Read `to_json`'s text. Raises DataError when it is no schema of this version."""
        try:
            data = json.loads(text)
            version = data.pop("version")
            if version != SCHEMA_VERSION:
                raise DataError(f"schema version {version!r} is not known here; re-run prepare")
            columns = tuple(Column.from_dict(column) for column in data.pop("columns"))
            if data.get("dialect") is not None:
                data["dialect"] = Dialect.from_dict(data["dialect"])
            for column in columns:
                pd.api.types.pandas_dtype(column.dtype)
                if column.kind not in KINDS:
                    raise ValueError(f"{column.kind!r} is no kind")
            sensitive, quasi = (tuple(data.pop(k)) for k in ("sensitive", "quasi_identifiers"))
            return cls(columns=columns, sensitive=sensitive, quasi_identifiers=quasi, **data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"not a schema: {type(error).__name__}: {error}") from error

    def save(self, path: Path) -> None:
        """Write `to_json` to a file."""
        path.write_text(self.to_json() + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Schema:
        """Read a file written by `save`. Raises DataError when absent or wrong."""
        if not path.is_file():
            raise DataError(f"no schema at {path}; run `tabveil prepare` first")
        return cls.from_json(path.read_text(encoding="utf-8"))


def infer_schema(
    table: pd.DataFrame,
    *,
    kinds: Mapping[str, str] | None = None,
    opened: Opened | None = None,
) -> Schema:
    """Infer each column's kind, with the reason.

    Args:
        table: shape (n, n_columns), with unique string column names.
        kinds: column -> kind, for the columns where a person knows better.
        opened: how the table was read; None: it came from no source.

    Raises:
        DataError: the table has no rows or columns, repeats a name, holds an infinite number,
            or `kinds` names an unknown column or kind.
    """
    names = [str(name) for name in table.columns]
    if not names or not len(table):
        raise DataError(f"the table is empty: {len(table)} rows, {len(names)} columns")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(f"column names must be unique; repeated: {', '.join(repeated)}")
    check_kinds(kinds or {}, names)
    given = dict(kinds or {})
    columns = [_infer_column(table[name], given.get(str(name))) for name in table.columns]
    if opened is None:
        return Schema(tuple(columns))
    written = [_written(c, opened, table[c.name]) for c in columns]
    return Schema(tuple(written), dialect=opened.dialect)


def check_kinds(kinds: Mapping[str, str], names: Iterable[str]) -> None:
    """Raise DataError where a kind is none, or of a column that is not there."""
    for name, kind in kinds.items():
        if name not in names:
            raise DataError(f"dataset.kinds names {name!r}, which is no column; has: {list(names)}")
        if kind not in KINDS:
            raise DataError(f"dataset.kinds.{name}={kind!r}: a kind is one of {', '.join(KINDS)}")


def _fraction_digits(dates: pd.Series[Any]) -> int:
    """Digits of a second's fraction that hold every date: 0, 3, 6 or 9."""
    zone = getattr(dates.dtype, "tz", None)
    local = (dates.dt.tz_localize(None) if zone is not None else dates).dropna().to_numpy()
    for digits, unit in ((0, "s"), (3, "ms"), (6, "us")):
        if not (local != local.astype(f"datetime64[{unit}]")).any():
            return digits
    return 9


def _written(column: Column, opened: Opened, values: pd.Series[Any]) -> Column:
    """The column with its format, and what the format says of it."""
    format = opened.formats[column.name]  # noqa: A001
    reasons = [column.reason]
    if column.kind == "datetime" and format.sort == "datetime":
        reasons = [format.words]
        if not format.pattern:
            column = replace(column, decimals=_fraction_digits(values) or None)
        if format.pattern and not {"d"} & format.dates.keys:
            column = replace(column, form="date")
    elif format.sort in ("time", "duration") or (format.spelling and not format.spelling.is_plain):
        reasons.append(format.words)
    if column.reason == "given in the config":
        reasons = [column.reason, *([format.words] if format.sort != "text" else [])]
    if column.name in opened.reasons:
        reasons.insert(0, opened.reasons[column.name])
    if column.kind == "numeric" and format.spelling is not None and not format.spelling.exponent:
        places = format.spelling.places[1]
        if column.decimals is None and places <= MOST_PLACES:
            column = replace(column, decimals=places)
    reasons.extend(opened.notes.get(column.name, ()))
    if column.name in opened.ambiguous:
        readings = " or ".join(opened.ambiguous[column.name])
        reasons = [f"cannot be told: {readings}; say which under dataset.kinds"]
    return replace(column, reason="; ".join(reasons), format=format)


def _infer_column(values: pd.Series[Any], given: str | None) -> Column:
    name, dtype, form = str(values.name), dtype_text(values), None
    kind, reason = given, "given in the config"
    if given in (None, "identifier"):
        found = find_identifier(values, name=name)
        form = found.form if found else None
        if given is None:
            kind, reason = ("identifier", found.reason) if found else _infer_kind(values)
    if kind == "datetime" and not pd.api.types.is_datetime64_any_dtype(values):
        dtype = "datetime64[ns]"
    if kind == "numeric" and (dtype == "bool" or not pd.api.types.is_numeric_dtype(values)):
        dtype = "float64"
    decimals = _decimals(values) if kind == "numeric" else None
    if kind == "datetime" and _is_of_days(values):
        form = "date"
    is_float = pd.api.types.is_float_dtype(values)
    if kind == "numeric" and is_float and np.isinf(values.to_numpy(float, na_value=0)).any():
        raise DataError(f"column {name!r} holds infinite numbers; make them missing, or cap them")
    return Column(name, kind, dtype, decimals, reason, form)  # type: ignore[arg-type]


def _infer_kind(values: pd.Series[Any]) -> tuple[Kind, str]:
    present = values.dropna()
    if pd.api.types.is_datetime64_any_dtype(values):
        return "datetime", "dates"
    if pd.api.types.is_bool_dtype(values) or (
        len(present)
        and isinstance(present.iloc[0], bool)
        and pd.api.types.is_bool_dtype(present.infer_objects())
    ):
        return "boolean", "true or false"
    if present.empty:
        kind: Kind = "numeric" if pd.api.types.is_numeric_dtype(values) else "categorical"
        return kind, "every value is missing"
    if pd.api.types.is_numeric_dtype(values):
        return _infer_numeric(present)
    n_distinct = pd.Series(present.unique()).astype(str).nunique()
    if n_distinct >= _MANY and n_distinct > _MOSTLY_DIFFERENT * len(present):
        return "identifier", f"{n_distinct} different texts in {len(present)} rows"
    return "categorical", f"{n_distinct} different texts"


def _infer_numeric(present: pd.Series[Any]) -> tuple[Kind, str]:
    if present.iloc[:1000].isin([0, 1]).all() and present.isin([0, 1]).all():
        return "boolean", "only 0 and 1"
    n_distinct = present.nunique()
    if n_distinct >= _MANY and (present % 1 == 0).all():
        if _ID_NAME.search(str(present.name)) and n_distinct > _MOSTLY_DIFFERENT * len(present):
            return "identifier", f"named as an id; {n_distinct} different whole numbers"
        if n_distinct == len(present) == int(present.max()) - int(present.min()) + 1:
            return "identifier", "numbers the rows"
    if n_distinct == 2 and len(present) >= _MANY and (present % 1 == 0).all():
        return "categorical", "two codes"
    return "numeric", f"numbers, {n_distinct} different"


def _is_of_days(values: pd.Series[Any]) -> bool:
    dates = pd.to_datetime(values, errors="coerce").dropna()
    return bool(len(dates)) and bool((dates == dates.dt.normalize()).all())


def _decimals(values: pd.Series[Any], *, most: int = 6) -> int | None:
    """Decimal places that hold every value exactly; None beyond `most` places."""
    if pd.api.types.is_integer_dtype(values):
        return 0
    is_short = str(values.dtype) == "float32"
    numbers = pd.to_numeric(values, errors="coerce").dropna()
    numbers = numbers if is_short else numbers.astype(float)
    with np.errstate(over="ignore"):  # rounding multiplies: near 1e308 that gives inf, not equal
        for places in range(most + 1):
            if numbers.round(places).eq(numbers).all():
                return places
    return None
