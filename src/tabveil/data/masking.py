"""What stands in drawn rows where a table had direct identifiers.

Identifiers are never modelled. In their place a drawn row gets a made-up value of the same form
(`data/identifiers`), or nothing. Whatever is made up depends on the row's place and the seed alone,
so it says nothing of the rest of the row. Where whole persons are drawn, the group column is masked
as well, and with every identifier that is the person's it depends on the person's number instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.formats.column_format import Format
from tabveil.data.identifiers import Found, Mask, find_identifier, learn
from tabveil.data.schema import Column, Schema
from tabveil.errors import ConfigError, DataError
from tabveil.seeding import child_rng, child_seed

POLICIES = ("fake", "token", "drop")
"""A made-up value of the same form, one that looks like a keyed hash, or no column at all."""
_DROPPED = ("free_text",)
"""Forms of which nothing made up is of use: they are left out unless somebody asks for them."""
_FORM_OF_GROUPS = "key"
_BLOCK = 1_000
"""Persons whose values are made up together: they must not depend on how a sample is cut."""
_FORM_OF_OTHERS = "token"
"""Of a column that a person calls an identifier and whose values look like nothing known."""


@dataclass(frozen=True)
class Masking:
    """How drawn rows are given away.

    Attributes:
        schema: of such rows: the modelled columns and the masked ones, in the table's order; it has
            a group column where whole persons are drawn.
        masks: column → what its values are made up from; no original is in it.
        of_persons: the masked columns that are the same in all rows of a person.
    """

    schema: Schema
    masks: Mapping[str, Mask] = field(default_factory=dict)
    of_persons: tuple[str, ...] = ()

    @classmethod
    def learn(cls, table: pd.DataFrame, schema: Schema, policies: Mapping[str, str]) -> Self:
        """Learn a mask for each identifier column that is not dropped.

        Args:
            table: shape (n, n_columns).
            schema: its columns, identifiers among them.
            policies: of `policies_of`.
        """
        group = schema.group if schema.group in policies else None
        of_persons = tuple(n for n in policies if group and _is_constant(table, n, group))
        once = table[~table.duplicated(group) | table[group].isna()] if group else table
        numbers = _numbers_of_persons(once[group]) if group else None
        masks = {}
        for name, policy in policies.items():
            if policy != "drop":
                values = once[name] if name in of_persons else table[name]
                values = numbers if numbers is not None and name == group else values
                form = _form(schema[name], policy, values, of_group=name == group)
                masks[name] = learn(values, Found(form, ""), seed=0)
        modelled = schema.modelled()
        kept = [c for c in schema.columns if c.name in masks or c.name in modelled.names]
        columns = tuple(_drawn(column, masks.get(column.name)) for column in kept)
        described = replace(modelled, columns=columns, group=group)
        return cls(described, masks, tuple(name for name in of_persons if name in masks))

    def apply(
        self, frame: pd.DataFrame, *, seed: int, persons: NDArray[np.intp] | None = None
    ) -> pd.DataFrame:
        """A frame of drawn rows with made-up identifiers, in the schema's order.

        The frame's index says which rows of the whole sample it holds: a value that must not
        repeat depends on it.

        Args:
            frame: shape (n, n_columns), the modelled columns.
            seed: of what is made up.
            persons: whose each row is, ascending, shape (n,); needed where `of_persons` names one.
        """
        if not self.masks:
            return frame
        start = int(frame.index[0]) if len(frame) else 0
        columns: dict[str, Any] = {}
        for name in self.schema.names:
            mask = self.masks.get(name)
            if mask is None:
                columns[name] = frame[name].array
            elif name in self.of_persons:
                assert persons is not None, "whole persons are drawn: whose are the rows?"
                columns[name] = _of_persons(mask, name, persons, seed)
            else:
                columns[name] = _made_up(mask, name, len(frame), start, seed)
        return pd.DataFrame(columns, index=frame.index)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able data; `from_dict` gives an equal one back."""
        masks = {name: mask.to_dict() for name, mask in self.masks.items()}
        told = {"schema": json.loads(self.schema.to_json()), "masks": masks}
        return told | ({"of_persons": list(self.of_persons)} if self.of_persons else {})

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_dict`'s data. Raises DataError when it is not that."""
        try:
            schema = Schema.from_json(json.dumps(data["schema"]))
            masks = {str(name): Mask.from_dict(told) for name, told in data["masks"].items()}
            of_persons = tuple(str(name) for name in data.get("of_persons", ()))
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(f"no masks: {type(error).__name__}") from error
        if not set(masks) <= set(schema.names):
            raise DataError("masks of columns that are not there")
        if of_persons and not {schema.group, *of_persons} <= set(masks):
            raise DataError("masks of persons, and no made-up group column")
        return cls(schema, masks, of_persons)


def policies_of(
    schema: Schema, asked: Mapping[str, str], *, sample_groups: bool = False
) -> dict[str, str]:
    """What becomes of each identifier column, by name.

    The group column has a place in rows only where whole groups are drawn.

    Raises:
        ConfigError: a policy is unknown, or asked for a column that is no identifier; groups are
            to be drawn, and there is no group column, or it is dropped.
    """
    identifiers = [n for n in schema.of_kind("identifier") if n != schema.group]
    if sample_groups:
        if schema.group is None:
            raise ConfigError(
                "dataset.sample_groups=true needs dataset.group: the column that numbers persons"
            )
        identifiers.append(schema.group)
        if asked.get(schema.group) == "drop":
            raise ConfigError(
                f"dataset.masks.{schema.group}=drop: with dataset.sample_groups this column says "
                f"which rows are one person's; ask for fake or token"
            )
    for name, policy in asked.items():
        if policy not in POLICIES:
            raise ConfigError(
                f"dataset.masks.{name}={policy!r}: a mask is one of {', '.join(POLICIES)}"
            )
        if name not in identifiers:
            raise ConfigError(
                f"dataset.masks names {name!r}, which is no identifier here; there are: "
                f"{', '.join(identifiers) or 'none'}"
            )
    return {
        name: asked.get(name, "drop" if schema[name].form in _DROPPED else "fake")
        for name in identifiers
    }


def replaced(
    table: pd.DataFrame, schema: Schema, policies: Mapping[str, str]
) -> list[dict[str, Any]]:
    """What becomes of each column that is not learnt, and why: JSON-able, without a value of it.

    `kind` is the one by which the column would be learnt.
    """
    return [
        {
            "column": name,
            "policy": policy,
            "reason": schema[name].reason,
            "distinct": int(table[name].nunique()),
            "kind": "numeric" if pd.api.types.is_numeric_dtype(table[name]) else "categorical",
        }
        for name, policy in policies.items()
    ]


def in_words(told: Mapping[str, Any]) -> str:
    """One of `replaced` in a sentence.

    >>> told = {"column": "id", "policy": "drop", "reason": "named so", "distinct": 9}
    >>> in_words(told)
    'id: not learnt, left out (named so; 9 different values)'
    """
    becomes = {
        "drop": "left out",
        "token": "replaced by made-up tokens",
        "fake": "replaced by made-up values of the same form",
    }[told["policy"]]
    why = f"{told['reason']}; {told['distinct']} different values"
    return f"{told['column']}: not learnt, {becomes} ({why})"


def _of_persons(mask: Mask, name: str, persons: NDArray[np.intp], seed: int) -> Any:
    """The values of each row's person, shape (n,)."""
    if not len(persons):
        return _made_up(mask, name, 0, 0, seed)
    first = int(persons[0]) // _BLOCK * _BLOCK
    blocks = [
        pd.Series(_made_up(mask, name, _BLOCK, start, seed))
        for start in range(first, int(persons[-1]) + 1, _BLOCK)
    ]
    return pd.concat(blocks, ignore_index=True).iloc[persons - first].array


def _is_constant(table: pd.DataFrame, name: str, group: str) -> bool:
    """Whether all rows of each person hold the same value."""
    if name == group:
        return True
    known = table[table[group].notna()]
    return bool(known.groupby(group)[name].nunique(dropna=False).max() <= 1)


def _made_up(mask: Mask, name: str, n: int, start: int, seed: int) -> Any:
    """Values for rows `start` to `start + n`; another seed hands them out in another order."""
    ordered = replace(mask, salt=child_seed(seed, "mask", name))
    drawn = ordered.draw(n, child_rng(seed, "mask", name, start), start=start)
    if _is_number(mask.dtype):
        dtype: Any = mask.dtype
        return pd.to_numeric(pd.Series(drawn, dtype=object)).astype(dtype).array
    return np.array(drawn, dtype=object)


def _form(column: Column, policy: str, values: pd.Series[Any], *, of_group: bool) -> str:
    if policy == "token":
        return _FORM_OF_OTHERS
    if not of_group:
        return column.form or _FORM_OF_OTHERS
    found = find_identifier(values, name=column.name)  # of any kind, now that each stands once
    return found.form if found else _FORM_OF_GROUPS


def _drawn(column: Column, mask: Mask | None) -> Column:
    if mask is None:
        return column
    is_number = _is_number(mask.dtype)
    dtype, format = mask.dtype if is_number else "object", column.format  # noqa: A001
    if format is not None:
        format = _format_of_made_up(format, mask, is_number=is_number)  # noqa: A001
    return replace(column, dtype=dtype, decimals=None, format=format)


def _format_of_made_up(format: Format, mask: Mask, *, is_number: bool) -> Format:  # noqa: A002
    """The format of made-up values: the column's, where its type can hold them."""
    if format.stored.startswith("dictionary"):  # its indices may count fewer values than are made
        values = format.stored.removeprefix("dictionary<values=").split(", indices=")[0]
        format = format.stored_as(values)  # noqa: A001
    is_digits = format.sort == "code" and mask.form != _FORM_OF_OTHERS
    if is_number or is_digits or format.holds_text:
        return format
    return Format(missing=format.missing)


def _numbers_of_persons(values: pd.Series[Any]) -> pd.Series[Any]:
    """A group column's values as a mask can learn them: whole numbers or texts, none missing."""
    present = values.dropna()
    numeric = pd.api.types.is_numeric_dtype(present) and not pd.api.types.is_bool_dtype(present)
    return present if numeric and (present % 1 == 0).all() else present.astype(str)


def _is_number(dtype: str) -> bool:
    return dtype.lower().startswith(("int", "uint", "float"))
