"""The texts of a column, and which rows hold which.

Each different text stands once, so that patterns are matched once a text. In a column of which
nearly all texts differ every row keeps its own: to find the few that repeat would cost more than
it saves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

T = TypeVar("T")
_LOOKED_AT = 5000
_BLANKS = 20
"""That may stand around a word, in bytes."""
_MOSTLY = 0.9
"""Of the first rows: as many must differ for each row to keep its own text."""


@dataclass(frozen=True)
class Cells:
    """A column of texts.

    Attributes:
        texts: shape (n_texts,), strings without gaps; nearly all of them differ.
        codes: each row's text, shape (n,); -1 where the cell holds none.
    """

    texts: pa.Array
    codes: NDArray[np.int32]
    _read: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_arrow(cls, column: pa.ChunkedArray | pa.Array) -> Cells:
        """Count the texts of a column of strings, dictionaries of strings included."""
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
        if not pa.types.is_dictionary(column.type):
            first = column[:_LOOKED_AT].drop_null()
            if len(first) == _LOOKED_AT and len(first.unique()) > _MOSTLY * _LOOKED_AT:
                codes = np.full(len(column), -1, dtype=np.int32)
                there = np.asarray(column.is_valid())
                codes[there] = np.arange(int(there.sum()), dtype=np.int32)
                return cls(column.drop_null().cast(pa.string()), codes)
            column = pc.dictionary_encode(column)
        if column.dictionary.null_count:  # a dictionary may hold its own gap
            column = pc.dictionary_encode(column.cast(column.type.value_type))
        codes = np.asarray(pc.fill_null(column.indices.cast(pa.int32()), -1), dtype=np.int32)
        return cls(column.dictionary.cast(pa.string()), codes)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Rows of each text, shape (n_texts,)."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.texts))

    @property
    def n(self) -> int:
        """How many rows there are."""
        return len(self.codes)

    def once(self, key: Any, read: Callable[[pa.Array], T]) -> T:
        """What `read` makes of the texts; the same key is read once."""
        if key not in self._read:
            self._read[key] = read(self.texts)
        made: T = self._read[key]
        return made

    @cached_property
    def floats(self) -> NDArray[np.float64] | None:
        """The texts as plain numbers, shape (n_texts,); None where one of them is none."""
        try:
            floats = np.asarray(pc.cast(self.texts, pa.float64()), dtype=np.float64)
        except pa.ArrowInvalid:
            return None
        return floats if np.isfinite(floats).all() else None

    @cached_property
    def is_blank(self) -> NDArray[np.bool_]:
        """Which texts are nothing but blanks, shape (n_texts,)."""
        if self.floats is not None:
            return np.zeros(len(self.texts), dtype=bool)
        blank = np.asarray(pc.equal(pc.utf8_length(self.texts), 0), dtype=bool)
        for sign in " \t\u00a0\n":
            blank |= np.asarray(pc.starts_with(self.texts, sign), dtype=bool)
        near = np.flatnonzero(blank)
        trimmed = pc.utf8_trim_whitespace(self.texts.take(pa.array(near)))
        blank[near] = np.asarray(pc.equal(trimmed, ""), dtype=bool)
        return blank

    def matching(self, pattern: str) -> NDArray[np.bool_]:
        """Which texts match a regular expression somewhere, shape (n_texts,)."""
        return self.once(
            pattern, lambda t: np.asarray(pc.match_substring_regex(t, pattern), dtype=bool)
        )

    def having(self, mark: str) -> NDArray[np.bool_]:
        """Which texts hold a mark, whatever its case, shape (n_texts,)."""

        def held(texts: pa.Array) -> NDArray[np.bool_]:
            found = pc.match_substring(texts, mark)
            if mark.upper() != mark:
                found = pc.or_(found, pc.match_substring(texts, mark.upper()))
            return np.asarray(found, dtype=bool)

        return self.once(("having", mark), held)

    def among(self, words: Sequence[str]) -> NDArray[np.bool_]:
        """Which texts are one of the words, blanks around them aside, shape (n_texts,)."""
        if not words or self.floats is not None:
            return np.zeros(len(self.texts), dtype=bool)
        short = self.once("lengths", lambda texts: np.asarray(pc.binary_length(texts)))
        near = np.flatnonzero(short <= max(len(word.encode()) for word in words) + _BLANKS)
        trimmed = pc.utf8_trim_whitespace(self.texts.take(pa.array(near)))
        found = np.zeros(len(self.texts), dtype=bool)
        found[near] = np.asarray(pc.is_in(trimmed, pa.array(list(words), pa.string())), dtype=bool)
        return found

    def rows(self, which: NDArray[np.bool_]) -> int:
        """Rows that hold one of those texts."""
        return int(self.counts[which].sum())

    def shares(self, which: NDArray[np.bool_]) -> dict[str, int]:
        """Text → rows, of those texts; for few of them."""
        counts: dict[str, int] = {}
        texts = self.texts.filter(pa.array(which)).to_pylist()
        for text, n in zip(texts, self.counts[which].tolist(), strict=True):
            counts[text] = counts.get(text, 0) + n
        return counts

    def spread(self, values: NDArray[Any], missing: Any) -> NDArray[Any]:
        """Values of the texts, given to the rows, shape (n,); `missing` where none is."""
        with_gap = np.append(values, np.array([missing], dtype=values.dtype))
        spread: NDArray[Any] = with_gap[self.codes]
        return spread
