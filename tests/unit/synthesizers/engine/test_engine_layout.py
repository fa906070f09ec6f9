"""Has every scalar, code and condition exactly one place?"""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tabveil.synthesizers.engine.layout import Layout, offsets


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    """Any widths; scalars of some spans; conditions on any of them."""
    widths = draw(st.lists(st.integers(1, 6), max_size=8))
    spans = range(len(widths))
    scalar_spans = [j for j in spans if draw(st.booleans())]
    n_wide = [draw(st.integers(1, widths[j])) for j in scalar_spans]
    conditional = [j for j in spans if draw(st.booleans())]
    return Layout(tuple(widths), tuple(scalar_spans), tuple(n_wide), tuple(conditional))


def test_a_known_layout() -> None:
    """Two scalars, then the spans of width 2 (numbers 1 and 3), then that of width 3."""
    layout = Layout((3, 2, 2, 2), (0, 1), (3, 1), (2, 0))
    assert layout.n_outputs == 2 + 9
    assert [(b.start, b.width, b.spans, b.end) for b in layout.blocks] == [
        (2, 2, (1, 2, 3), 8),
        (8, 3, (0,), 11),
    ]
    assert layout.starts.tolist() == [8, 2, 4, 6]
    assert layout.n_conditions == 5
    assert layout.condition_starts.tolist() == [0, 2]
    assert layout.output_of_condition.tolist() == [4, 5, 8, 9, 10]


@given(layouts())
def test_scalars_and_spans_cover_every_output_once(layout: Layout) -> None:
    outputs = [
        *range(layout.n_scalars),
        *(
            start + code
            for start, width in zip(layout.starts.tolist(), layout.widths, strict=True)
            for code in range(width)
        ),
    ]
    assert sorted(outputs) == list(range(layout.n_outputs))


@given(layouts())
def test_blocks_follow_each_other_and_hold_each_span_once(layout: Layout) -> None:
    ends = [layout.n_scalars, *(block.end for block in layout.blocks)]
    assert [block.start for block in layout.blocks] == ends[:-1]
    assert ends[-1] == layout.n_outputs
    held = [span for block in layout.blocks for span in block.spans]
    assert sorted(held) == list(range(len(layout.widths)))


@given(layouts())
def test_spans_of_one_width_are_one_block_side_by_side(layout: Layout) -> None:
    assert len({block.width for block in layout.blocks}) == len(layout.blocks)
    for block in layout.blocks:
        assert all(layout.widths[span] == block.width for span in block.spans)
        starts = layout.starts[list(block.spans)]
        np.testing.assert_array_equal(starts, np.arange(block.start, block.end, block.width))


@given(layouts())
def test_each_place_of_the_condition_vector_names_its_codes_output(layout: Layout) -> None:
    assert len(layout.output_of_condition) == layout.n_conditions
    for first, span in zip(layout.condition_starts.tolist(), layout.conditional, strict=True):
        for code in range(layout.widths[span]):
            assert layout.output_of_condition[first + code] == layout.starts[span] + code


def test_offsets_are_where_parts_start_and_the_last_ends() -> None:
    assert offsets([2, 3, 1]).tolist() == [0, 2, 5, 6]
    assert offsets([]).tolist() == [0]
