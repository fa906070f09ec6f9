"""How does an encoded table become one code a column, a missing value among them?

The encoder says a numeric column with gaps as two spans: a mode, and whether it is missing. To a
model that gives each column a distribution they are one thing: the modes, and one more code for
"missing". The mode that stands beside a missing value means nothing, and is not modelled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.codec import NumberColumn
from tabveil.synthesizers.engine.encoder import Encoder

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class CodeColumn:
    """A column that has something to model.

    Attributes:
        name: as in the schema.
        modes: its span of modes; None for a column of levels.
        levels: its span of levels, or of present and missing; None for numbers without gaps.
        width: how many codes it has. Those of a number are its modes, then "missing".
    """

    name: str
    modes: int | None
    levels: int | None
    width: int


@dataclass(frozen=True)
class CodeColumns:
    """The columns of an encoder, in table order."""

    encoder: Encoder
    _values: dict[str, pd.Series[Any]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def columns(self) -> tuple[CodeColumn, ...]:
        """Those that have more than one value."""
        widths, codec = self.encoder.widths, self.encoder.codec
        spans = {name: len(self.encoder.modes) + j for j, name in enumerate(codec.code_names)}
        floats = {name: j for j, name in enumerate(codec.float_names)}
        found = []
        for column in codec.columns:
            levels, modes = spans.get(column.name), floats.get(column.name)
            if isinstance(column, NumberColumn) and modes is not None:
                width = widths[modes] + (levels is not None)
                found.append(CodeColumn(column.name, modes, levels, width))
            elif levels is not None:
                found.append(CodeColumn(column.name, None, levels, widths[levels]))
        return tuple(found)

    @property
    def widths(self) -> tuple[int, ...]:
        """How many codes each column has."""
        return tuple(column.width for column in self.columns)

    @property
    def n_bins(self) -> tuple[int, ...]:
        """How many of each column's first codes are a number's bins, in ascending order."""
        modes = self.encoder.modes
        return tuple(0 if c.modes is None else modes[c.modes].n_wide for c in self.columns)

    @cached_property
    def rates(self) -> tuple[NDArray[np.float64], ...]:
        """The share of the training rows at each code of each column, as the encoder keeps it.

        Modes are counted where nothing is missing.
        """
        shares, found = self.encoder.shares, []
        for column in self.columns:
            if column.modes is None:
                found.append(np.array(shares[column.levels or 0]))
                continue
            mine = np.array(shares[column.modes])
            if column.levels is not None:
                present, missing = shares[column.levels]
                mine = np.append(mine * present / mine.sum(), missing)
            found.append(mine)
        return tuple(one / one.sum() for one in found)

    def values(self, name: str) -> pd.Series[Any]:
        """What each code of a column is decoded to, the middle of a bin; shape (width,)."""
        if name not in self._values:
            j = [column.name for column in self.columns].index(name)
            codes = np.zeros((self.columns[j].width, len(self.columns)), np.int64)
            codes[:, j] = np.arange(len(codes))
            scalars = np.zeros((len(codes), len(self.encoder.scalar_spans)))
            self._values[name] = self.encoder.decode(self.split(codes), scalars)[name]
        return self._values[name]

    def join(self, codes: NDArray[Any]) -> NDArray[Any]:
        """One code a column, shape (n, n_columns), from the encoder's, shape (n, n_spans).

        Of the same type; -1 stays, for a level that is not known.
        """
        kind = np.result_type(codes.dtype, np.min_scalar_type(max(self.widths, default=0)))
        joined = np.empty((len(codes), len(self.columns)), kind)
        for j, column in enumerate(self.columns):
            if column.modes is None:
                joined[:, j] = codes[:, column.levels]
                continue
            joined[:, j] = codes[:, column.modes]
            if column.levels is not None:
                joined[codes[:, column.levels] == 1, j] = column.width - 1
        return joined

    def split(self, joined: Codes) -> Codes:
        """The encoder's codes, shape (n, n_spans), from one code a column."""
        codes = np.zeros((len(joined), len(self.encoder.widths)), np.int64, order="F")
        for j, column in enumerate(self.columns):
            if column.modes is None:
                codes[:, column.levels] = joined[:, j]
                continue
            codes[:, column.modes] = joined[:, j]
            if column.levels is not None:
                missing = joined[:, j] == column.width - 1
                codes[missing, column.modes] = 0
                codes[:, column.levels] = missing
        return codes
