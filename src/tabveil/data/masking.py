"""What stands in drawn rows where a table had direct identifiers?

Identifiers are never modelled. In their place a drawn row gets a made-up value of the same form
(`data/identifiers`), or nothing. Whatever is made up depends on the row's place and the seed alone,
so it says nothing of the rest of the row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pandas as pd

from tabveil.data.identifiers import Found, Mask, learn
from tabveil.data.schema import Column, Schema
from tabveil.errors import ConfigError, DataError
from tabveil.seeding import child_rng, child_seed

POLICIES = ("fake", "token", "drop")
"""A made-up value of the same form, one that looks like a keyed hash, or no column at all."""
_DROPPED = ("free_text",)
"""Forms of which nothing made up is of use: they are left out unless somebody asks for them."""
_FORM_OF_OTHERS = "token"
"""Of a column that a person calls an identifier and whose values look like nothing known."""


@dataclass(frozen=True)
class Masking:
    """How drawn rows are given away.

    Attributes:
        schema: of such rows: the modelled columns and the masked ones, in the table's order.
        masks: column → what its values are made up from; no original is in it.
    """

    schema: Schema
    masks: Mapping[str, Mask] = field(default_factory=dict)

    @classmethod
    def learn(cls, table: pd.DataFrame, schema: Schema, policies: Mapping[str, str]) -> Self:
        """Learn a mask for each identifier column that is not dropped.

        Args:
            table: shape (n, n_columns).
            schema: its columns, identifiers among them.
            policies: of `policies_of`.
        """
        masks = {
            name: learn(table[name], Found(_form(schema[name], policy), ""), seed=0)
            for name, policy in policies.items()
            if policy != "drop"
        }
        modelled = schema.modelled()
        kept = [c for c in schema.columns if c.name in masks or c.name in modelled.names]
        columns = tuple(_drawn(column, masks.get(column.name)) for column in kept)
        return cls(replace(modelled, columns=columns), masks)

    def apply(self, frame: pd.DataFrame, *, seed: int) -> pd.DataFrame:
        """A frame of drawn rows with made-up identifiers, in the schema's order.

        The frame's index says which rows of the whole sample it holds: a value that must not
        repeat depends on it.
        """
        if not self.masks:
            return frame
        start = int(frame.index[0]) if len(frame) else 0
        columns = {
            name: _made_up(self.masks[name], name, len(frame), start, seed)
            if name in self.masks
            else frame[name].array
            for name in self.schema.names
        }
        return pd.DataFrame(columns, index=frame.index)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able data; `from_dict` gives an equal one back."""
        masks = {name: mask.to_dict() for name, mask in self.masks.items()}
        return {"schema": json.loads(self.schema.to_json()), "masks": masks}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_dict`'s data. Raises DataError when it is not that."""
        try:
            schema = Schema.from_json(json.dumps(data["schema"]))
            masks = {str(name): Mask.from_dict(told) for name, told in data["masks"].items()}
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(f"no masks: {type(error).__name__}") from error
        if not set(masks) <= set(schema.names):
            raise DataError("masks of columns that are not there")
        return cls(schema, masks)


def policies_of(schema: Schema, asked: Mapping[str, str]) -> dict[str, str]:
    """What becomes of each identifier column, by name; the group column has no place in rows.

    Raises:
        ConfigError: a policy is unknown, or asked for a column that is no identifier.
    """
    identifiers = [n for n in schema.of_kind("identifier") if n != schema.group]
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


def _made_up(mask: Mask, name: str, n: int, start: int, seed: int) -> Any:
    """Values for rows `start` to `start + n`; another seed hands them out in another order."""
    ordered = replace(mask, salt=child_seed(seed, "mask", name))
    drawn = ordered.draw(n, child_rng(seed, "mask", name, start), start=start)
    if _is_number(mask.dtype):
        dtype: Any = mask.dtype
        return pd.to_numeric(pd.Series(drawn, dtype=object)).astype(dtype).array
    return np.array(drawn, dtype=object)


def _form(column: Column, policy: str) -> str:
    return _FORM_OF_OTHERS if policy == "token" else column.form or _FORM_OF_OTHERS


def _drawn(column: Column, mask: Mask | None) -> Column:
    if mask is None:
        return column
    return replace(column, dtype=mask.dtype if _is_number(mask.dtype) else "object", decimals=None)


def _is_number(dtype: str) -> bool:
    return dtype.lower().startswith(("int", "uint", "float"))
