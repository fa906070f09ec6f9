"""Are rows drawn in frames of bounded size that join to one sample?"""

from __future__ import annotations

from itertools import islice

import numpy as np
import pandas as pd
import pytest

from tabveil.errors import DataError
from tabveil.synthesizers.chunks import CHUNK_ROWS, concat, draw_chunks, take


def draw(n: int, rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame({"x": rng.random(n)})


def test_chunks_differ_and_depend_on_the_seed_alone() -> None:
    first, second = islice(draw_chunks(draw, 1), 2)
    assert len(first) == CHUNK_ROWS
    assert not first.equals(second)
    assert first.equals(next(draw_chunks(draw, 1)))
    assert not first.equals(next(draw_chunks(draw, 2)))


@pytest.mark.parametrize("n", [0, 1, CHUNK_ROWS, CHUNK_ROWS + 1, 2 * CHUNK_ROWS + 5])
def test_exactly_n_rows_are_taken_indexed_from_0(n: int) -> None:
    frames = list(take(draw_chunks(draw, 1), n))
    assert max(map(len, frames)) <= CHUNK_ROWS
    assert pd.concat(frames).index.equals(pd.RangeIndex(n))
    assert (
        concat(frames)["x"].tolist()
        == concat(list(islice(draw_chunks(draw, 1), 3)))["x"][:n].tolist()
    )


def test_small_pieces_are_gathered_into_full_frames() -> None:
    pieces = (pd.DataFrame({"x": [i] * 900}) for i in range(1000))
    frames = list(take(pieces, CHUNK_ROWS + 10))
    assert [len(frame) for frame in frames] == [CHUNK_ROWS, 10]
    assert frames[1]["x"].tolist() == [11] * 10


def test_a_negative_number_of_rows_is_refused() -> None:
    with pytest.raises(DataError, match="n=-2"):
        list(take(draw_chunks(draw, 1), -2))
