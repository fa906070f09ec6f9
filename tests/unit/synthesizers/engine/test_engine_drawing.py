"""Are conditions and codes drawn as often as they should be?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chisquare

from tabveil.data.schema import infer_schema
from tabveil.errors import ConditionError
from tabveil.synthesizers.conditions import parse
from tabveil.synthesizers.engine.drawing import Drawing, Wanted
from tabveil.synthesizers.engine.encoder import Encoder
from tabveil.synthesizers.engine.modes import Numbers

N = 40_000


def table(n: int = 1000) -> pd.DataFrame:
    """Spans: 0 number, 1 whether it is missing, 2 level, 3 flag."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "number": np.where(rng.random(n) < 0.2, np.nan, rng.integers(0, 4, n)),
            "level": rng.choice(["a", "b", "c"], n, p=[0.9, 0.08, 0.02]),
            "flag": rng.random(n) < 0.3,
        }
    )


def drawing(rows: pd.DataFrame | None = None, **of: bool) -> Drawing:
    rows = table() if rows is None else rows
    encoder, _ = Encoder.learn(rows, infer_schema(rows), Numbers(max_atoms=50), min_count=1, seed=0)
    return Drawing.of(encoder, **of)


def wanted(where: dict[str, object]) -> Wanted:
    codec = drawing().encoder.codec
    return drawing().wanted(parse(where, codec.schema, codec.levels))


def draw(made: Drawing, n: int = N, asked: Wanted | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The span and the code of each drawn condition."""
    places = made.draw_conditions(n, np.random.default_rng(0), asked)
    assert places is not None
    assert places.shape == (n,)
    starts = made.layout.condition_starts
    at = np.searchsorted(starts, places, side="right") - 1
    return np.array(made.layout.conditional)[at], places - starts[at]


@pytest.mark.parametrize("condition_on_numbers", [False, True])
def test_spans_come_equally_often_and_codes_at_their_true_rates(
    condition_on_numbers: bool,
) -> None:
    made = drawing(condition_on_numbers=condition_on_numbers)
    first = 0 if condition_on_numbers else 1
    assert made.layout.conditional == tuple(range(first, 4))
    spans, codes = draw(made)
    assert chisquare(np.bincount(spans)[first:]).pvalue > 0.001
    for span in made.layout.conditional:
        rates = np.array(made.encoder.shares[span])
        counts = np.bincount(codes[spans == span], minlength=len(rates))
        assert chisquare(counts, rates / rates.sum() * counts.sum()).pvalue > 0.001


def test_a_wanted_level_is_the_only_condition() -> None:
    spans, codes = draw(drawing(), asked=wanted({"level": "c"}))
    assert set(spans) == {2}
    assert set(codes) == {2}


def test_wanted_levels_keep_their_rates_among_each_other() -> None:
    spans, codes = draw(drawing(), asked=wanted({"level": ["b", "c"]}))
    assert set(spans) == {2}
    assert set(codes) == {1, 2}
    rates = drawing().encoder.rates[1]
    assert (codes == 2).mean() == pytest.approx(rates[2] / (rates[1] + rates[2]), abs=0.01)


def test_of_several_wanted_columns_the_rarest_is_the_condition() -> None:
    spans, codes = draw(drawing(), asked=wanted({"flag": True, "level": "b"}))
    assert set(spans) == {2}
    assert set(codes) == {1}


@pytest.mark.parametrize(
    ("number", "code"), [(None, 1), ({"min": 1}, 0), (2.0, 0)], ids=["missing", "range", "value"]
)
def test_a_number_is_asked_for_as_missing_or_present(number: object, code: int) -> None:
    spans, codes = draw(drawing(), asked=wanted({"number": number}))
    assert set(spans) == {1}
    assert set(codes) == {code}


def test_a_wanted_number_that_nothing_can_name_restricts_no_condition() -> None:
    complete = drawing(table().dropna().astype({"number": int}))
    codec = complete.encoder.codec
    asked = complete.wanted(parse({"number": {"min": 2}}, codec.schema, codec.levels))
    spans, codes = draw(complete, asked=asked)
    free_spans, free_codes = draw(complete)
    np.testing.assert_array_equal(spans, free_spans)
    np.testing.assert_array_equal(codes, free_codes)


def test_a_wanted_range_is_asked_for_by_the_modes_that_can_hold_it() -> None:
    complete = drawing(table().dropna().astype({"number": int}), condition_on_numbers=True)
    codec = complete.encoder.codec
    asked = complete.wanted(parse({"number": {"min": 3}}, codec.schema, codec.levels))
    spans, codes = draw(complete, asked=asked)
    assert set(spans) == {0}
    assert set(np.array(complete.encoder.modes[0].means)[codes]) == {2, 3}  # 2: a step of rounding


@pytest.mark.parametrize("number", [{"min": 500}, {"max": -500}, 77.0, [50, 60]], ids=str)
def test_a_number_that_no_mode_can_hold_is_refused_at_once(number: object) -> None:
    with pytest.raises(ConditionError, match="no such values"):
        wanted({"number": number})


def test_without_anything_to_name_there_is_no_condition() -> None:
    numbers = drawing(pd.DataFrame({"x": np.arange(50) % 7}))
    assert numbers.draw_conditions(5, np.random.default_rng(0)) is None
    noise, places = numbers.draw_inputs(5, 3, np.random.default_rng(0))
    assert noise.shape == (5, 3)
    assert places is None


def test_inputs_are_normal_noise_and_depend_on_the_generator_alone() -> None:
    made = drawing()
    (one, places), (again, same) = (
        made.draw_inputs(2000, 20, np.random.default_rng(0)) for _ in range(2)
    )
    np.testing.assert_array_equal(one, again)
    np.testing.assert_array_equal(places, same)
    other, _ = made.draw_inputs(2000, 20, np.random.default_rng(1))
    assert not np.array_equal(one, other)
    assert float(one.mean()) == pytest.approx(0, abs=0.03)
    assert float(one.std()) == pytest.approx(1, abs=0.03)


def test_codes_are_drawn_by_their_spans_softmax_and_scalars_are_tanh() -> None:
    rows = table().assign(wide=np.random.default_rng(1).normal(0, 1, 1000))
    layout = (made := drawing(rows)).layout
    assert layout.n_scalars == 1
    raw = np.random.default_rng(2).normal(0, 1, layout.n_outputs).astype(np.float32)
    codes, scalars = made.draw_codes(np.tile(raw, (N, 1)), np.random.default_rng(0))
    np.testing.assert_allclose(scalars, np.tanh(raw[0]), rtol=1e-6)
    for span, (start, width) in enumerate(zip(layout.starts, layout.widths, strict=True)):
        shares = np.exp(raw[start : start + width].astype(float))
        counts = np.bincount(codes[:, span], minlength=width)
        assert chisquare(counts, shares / shares.sum() * N).pvalue > 0.001


def test_codes_of_one_row_are_independent_given_its_outputs() -> None:
    made = drawing()
    raw = np.zeros((N, made.layout.n_outputs), np.float32)
    codes, _ = made.draw_codes(raw, np.random.default_rng(0))
    assert abs(np.corrcoef(codes[:, 2], codes[:, 3])[0, 1]) < 0.02


def test_an_output_far_above_the_others_is_always_drawn() -> None:
    made = drawing()
    raw = np.full((100, made.layout.n_outputs), -1e4, np.float32)
    at = made.layout.starts + np.array(made.layout.widths) - 1
    raw[:, at] = 1e4
    codes, _ = made.draw_codes(raw, np.random.default_rng(0))
    assert (codes == np.array(made.layout.widths) - 1).all()
