"""How does a table become small whole numbers and scalars for a network, and come back?

`TableCodec` makes complete floats and level codes of the table's columns; the encoder says each
float as a mode and a scalar (`modes`). So a row is one code for every *span* (a float column's
modes, a code column's levels) and one scalar for every float column that has modes of any width.
Nothing is one-hot: a row of Adult takes a few dozen bytes.

What an encoder keeps is levels, modes and rounded shares, never a row. Levels that fewer than
`min_count` training rows hold are left out: their rows are given another level by its share
(behind `synthesizers/pooled` they are pooled before, and come back at their shares). A missing
number is given another's value, so that it says nothing about those that are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.codec import NumberColumn, TableCodec
from tabveil.data.rounding import to_digits
from tabveil.data.schema import Schema
from tabveil.seeding import child_rng
from tabveil.synthesizers.engine.modes import Modes, Numbers

MAX_ATOMS = 5_000
"""In all columns together: a wide table of numbers would get networks of enormous width."""

Codes = NDArray[np.int64]
Scalars = NDArray[np.float32]


@dataclass(frozen=True)
class Encoded:
    """Rows as a network reads them.

    Attributes:
        codes: shape (n, n_spans), of the smallest whole-number type that holds them; -1 for an
            unknown level in rows that were not learnt from.
        scalars: shape (n, n_scalars), in (-1, 1); 0 in an atom.
    """

    codes: NDArray[Any]
    scalars: Scalars


@dataclass(frozen=True)
class Encoder:
    """A table's spans: first the float columns', then the code columns', in table order.

    Attributes:
        codec: the table's columns.
        modes: of each float column.
        rates: for each code column, the share of the training rows at each code, rounded.
    """

    codec: TableCodec
    modes: tuple[Modes, ...]
    rates: tuple[tuple[float, ...], ...]

    @classmethod
    def learn(
        cls, train: pd.DataFrame, schema: Schema, numbers: Numbers, *, min_count: int, seed: int
    ) -> tuple[Self, Encoded]:
        """Learn `train`, shape (n_train, n_columns), and encode it, a column at a time.

        Raises DataError for a table that the codec cannot hold.
        """
        codec = TableCodec.learn(train, schema, min_count=min_count)
        most = MAX_ATOMS // max(1, len(codec.float_names))
        numbers = replace(
            numbers,
            max_atoms=min(numbers.max_atoms, most),
            shared=max(numbers.shared, min_count),
        )
        modes: list[Modes] = []
        rates: list[tuple[float, ...]] = []
        floats, levels, scalars = [], [], []
        for values, codes in codec.iter_encoded(train, lenient=True):
            if values is not None:
                missing = np.zeros(len(values), bool) if codes is None else codes == 1
                modes.append(Modes.fit(values[~missing], numbers))
                rng = child_rng(seed, "encode", "float", len(modes))
                # One number for all missing ones would be a spike of its own.
                values = values.copy()
                values[missing] = rng.choice(values[~missing], int(missing.sum()))
                mode_codes, inside = modes[-1].encode(values, rng)
                floats.append(_small(mode_codes, len(modes[-1].means)))
                if modes[-1].n_wide:
                    scalars.append(inside)
            if codes is not None:
                n_levels = codec.n_levels[len(rates)]
                counts = np.bincount(codes[codes >= 0], minlength=n_levels)
                rates.append(tuple(to_digits(counts / counts.sum())))
                rng = child_rng(seed, "encode", "code", len(rates))
                unknown = np.flatnonzero(codes < 0)
                codes[unknown] = rng.choice(n_levels, len(unknown), p=counts / counts.sum())
                levels.append(_small(codes, n_levels))
        encoded = Encoded(_stack(floats + levels, len(train)), _stack(scalars, len(train)))
        return cls(codec, tuple(modes), tuple(rates)), encoded

    @property
    def widths(self) -> tuple[int, ...]:
        """How many codes each span has."""
        return (*(len(m.means) for m in self.modes), *map(len, self.rates))

    @property
    def shares(self) -> tuple[tuple[float, ...], ...]:
        """The share of the training rows at each code of each span."""
        return (*(m.shares for m in self.modes), *self.rates)

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """The least and the greatest decoded float of each float column."""
        columns = (c for c in self.codec.columns if isinstance(c, NumberColumn) and c.has_float)
        return tuple((float(c.low), float(c.high)) for c in columns)  # type: ignore[arg-type]

    @property
    def scalar_spans(self) -> tuple[int, ...]:
        """The span that each scalar belongs to."""
        return tuple(j for j, modes in enumerate(self.modes) if modes.n_wide)

    def encode(self, rows: pd.DataFrame) -> Encoded:
        """Encode rows of which some may hold what the training table did not.

        A number is given its likeliest mode, so that a row's codes depend on nothing but the row.
        """
        floats, codes = self.codec.encode(rows, lenient=True)
        said = [modes.encode(floats[:, j], None) for j, modes in enumerate(self.modes)]
        spans = [*(mode_codes for mode_codes, _ in said), *codes.T]
        scalars = [said[j][1] for j in self.scalar_spans]
        return Encoded(_stack(spans, len(rows)), _stack(scalars, len(rows)))

    def decode(self, codes: Codes, scalars: NDArray[Any]) -> pd.DataFrame:
        """A table of rows, from codes, shape (n, n_spans), and scalars, shape (n, n_scalars)."""
        floats = np.empty((len(codes), len(self.modes)))
        i_scalar = 0
        for j, modes in enumerate(self.modes):
            inside = np.zeros(len(codes), np.float32)
            if modes.n_wide:
                inside = scalars[:, i_scalar]
                i_scalar += 1
            floats[:, j] = modes.decode(codes[:, j], inside)
        return self.codec.decode(floats, codes[:, len(self.modes) :])

    def to_dict(self) -> dict[str, Any]:
        """JSON-able data; `from_dict` gives an equal encoder back."""
        return {
            "codec": self.codec.to_dict(),
            "modes": [modes.to_dict() for modes in self.modes],
            "rates": [list(rates) for rates in self.rates],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_dict`'s data.

        Raises ValueError, KeyError, TypeError or DataError when it is not that.
        """
        codec = TableCodec.from_dict(data["codec"])
        modes = tuple(Modes.from_dict(entry) for entry in data["modes"])
        rates = tuple(tuple(map(float, rates)) for rates in data["rates"])
        if len(modes) != len(codec.float_names):
            raise ValueError("as many modes as float columns are needed")
        if [len(column) for column in rates] != codec.n_levels:
            raise ValueError("as many rates as levels are needed")
        for column in rates:
            if not np.isfinite(column).all() or min(column) <= 0:
                raise ValueError("rates must be positive numbers")
        return cls(codec, modes, rates)


def _small(codes: Codes, n: int) -> NDArray[Any]:
    """Codes in [0, n) in the smallest type that torch knows well."""
    kinds = (np.uint8, np.int16, np.int32)
    return codes.astype(next(kind for kind in kinds if n <= np.iinfo(kind).max))


def _stack(columns: list[Any], n: int) -> NDArray[Any]:
    """Columns side by side, shape (n, n_columns)."""
    if not columns:
        return np.empty((n, 0), dtype=np.float32)
    table = np.empty((n, len(columns)), dtype=np.result_type(*columns))
    for j, column in enumerate(columns):
        table[:, j] = column
    return table
