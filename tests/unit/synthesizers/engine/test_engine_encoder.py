"""Does a table survive as small codes and scalars, without the levels of too few rows?"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from zoo import ZOO, schema_of

from tabveil.data.schema import infer_schema
from tabveil.errors import DataError
from tabveil.synthesizers.engine.encoder import Encoded, Encoder
from tabveil.synthesizers.engine.modes import Numbers

ATOMS = Numbers(max_atoms=100)
HOW = {"paper": Numbers(), "atoms": ATOMS, "bins": Numbers(max_atoms=20, rest="bins")}


def learn(
    table: pd.DataFrame, numbers: Numbers = ATOMS, min_count: int = 1, seed: int = 0
) -> tuple[Encoder, Encoded]:
    return Encoder.learn(table, schema_of(table), numbers, min_count=min_count, seed=seed)


def small_table(n: int = 400) -> pd.DataFrame:
    """A discrete number, a continuous one, levels, gaps, a truth value."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.integers(17, 30, n),
            "weight": np.where(rng.random(n) < 0.1, np.nan, rng.normal(70, 9, n)),
            "level": rng.choice(["a", "b", "c"], n),
            "flag": rng.random(n) < 0.3,
        }
    )


def comparable(table: pd.DataFrame) -> pd.DataFrame:
    """As decoded: indexed from 0, gaps in texts as NaN."""
    texts = table.select_dtypes(object)
    return table.assign(**texts.where(texts.notna(), np.nan)).reset_index(drop=True)


@pytest.mark.parametrize(
    "name", ["all_categorical", "awkward_levels", "one_column", "constants", "all_missing"]
)
def test_tables_of_levels_come_back_as_they_were(name: str) -> None:
    table = ZOO[name]()
    encoder, encoded = learn(table)
    decoded = encoder.decode(encoded.codes.astype(np.int64), encoded.scalars)
    pd.testing.assert_frame_equal(decoded, comparable(table), check_categorical=False)


def test_discrete_numbers_and_dates_come_back_exactly() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "age": rng.integers(17, 30, 500),
            "price": rng.choice([0.99, 2.49, 1e6], 500),
            "sometimes": np.where(rng.random(500) < 0.2, np.nan, rng.integers(0, 4, 500)),
            "day": pd.Timestamp("2020-02-27") + pd.to_timedelta(rng.integers(0, 9, 500), "D"),
        }
    )
    encoder, encoded = learn(table)
    assert encoded.scalars.shape == (500, 0)
    pd.testing.assert_frame_equal(
        encoder.decode(encoded.codes.astype(np.int64), encoded.scalars), table
    )


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", ZOO)
def test_every_table_of_the_zoo_is_encoded_decoded_and_read_back(name: str, how: str) -> None:
    table = ZOO[name]()
    encoder, encoded = learn(table, HOW[how], min_count=5)
    assert encoded.codes.shape == (len(table), len(encoder.widths))
    assert encoded.scalars.shape == (len(table), len(encoder.scalar_spans))
    assert (encoded.codes >= 0).all()
    assert (encoded.codes < np.array(encoder.widths)).all()
    assert np.isfinite(encoded.scalars).all()
    assert (np.abs(encoded.scalars) < 1).all()
    decoded = encoder.decode(encoded.codes.astype(np.int64), encoded.scalars)
    assert decoded.dtypes.astype(str).tolist() == table.dtypes.astype(str).tolist()
    again = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert again == encoder
    assert [len(shares) for shares in encoder.shares] == list(encoder.widths)
    assert all(sum(shares) == pytest.approx(1, abs=0.01) for shares in encoder.shares)


def test_numbers_come_back_close_and_gaps_where_they_were() -> None:
    table = small_table()
    encoder, encoded = learn(table)
    decoded = encoder.decode(encoded.codes.astype(np.int64), encoded.scalars)
    np.testing.assert_array_equal(decoded["weight"].isna(), table["weight"].isna())
    error = (decoded["weight"] - table["weight"]).abs()
    assert error.median() < 1e-4
    assert error.max() < 9


def test_levels_of_too_few_rows_vanish_and_their_rows_get_other_levels() -> None:
    levels = ["a"] * 60 + ["b"] * 31 + ["once"] + ["four"] * 4 + [None] * 4
    table = pd.DataFrame({"level": levels, "other": ["p", "q"] * 50})
    encoder, encoded = learn(table, min_count=5)
    assert encoder.codec.levels["level"] == ("a", "b")
    text = json.dumps(encoder.to_dict())
    assert "once" not in text
    assert "four" not in text
    decoded = encoder.decode(encoded.codes.astype(np.int64), encoded.scalars)
    assert decoded["level"][:91].tolist() == levels[:91]
    assert set(decoded["level"][91:]) <= {"a", "b"}
    assert encoder.rates[0] == pytest.approx([60 / 91, 31 / 91], abs=1e-3)


def test_rows_of_rare_levels_get_others_by_their_share() -> None:
    levels = ["a"] * 3000 + ["b"] * 1000 + [f"rare {i}" for i in range(2000)]
    table = pd.DataFrame({"level": levels})
    schema = infer_schema(table.iloc[:4000])
    encoder, encoded = Encoder.learn(table, schema, ATOMS, min_count=5, seed=0)
    assert encoder.codec.levels["level"] == ("a", "b")
    assert (encoded.codes[4000:, 0] == 0).mean() == pytest.approx(0.75, abs=0.04)


def test_gaps_of_too_few_rows_vanish() -> None:
    numbers = np.arange(100) % 7 + 0.5
    numbers[:4] = np.nan
    encoder, _ = learn(pd.DataFrame({"x": numbers, "y": ["p", "q"] * 50}), min_count=5)
    assert encoder.codec.code_names == ["y"]


def test_a_row_takes_a_byte_for_each_span() -> None:
    table = pd.DataFrame(
        {f"c{i}": np.random.default_rng(i).integers(0, 40, 3000) for i in range(8)}
    )
    _, encoded = learn(table.assign(t=["x", "y"] * 1500))
    assert encoded.codes.dtype.itemsize == 1
    assert encoded.codes.nbytes + encoded.scalars.nbytes == 9 * 3000


@pytest.mark.parametrize(("n_levels", "size"), [(255, 1), (256, 2), (300, 2)])
def test_codes_of_many_levels_are_not_cut(n_levels: int, size: int) -> None:
    table = pd.DataFrame({"level": [f"{i:04d}" for i in range(n_levels)] * 2})
    encoder, encoded = Encoder.learn(
        table, infer_schema(pd.concat([table] * 4)), ATOMS, min_count=1, seed=0
    )
    assert encoded.codes.dtype.itemsize == size
    decoded = encoder.decode(encoded.codes.astype(np.int64), encoded.scalars)
    pd.testing.assert_frame_equal(decoded, table)


def test_rows_with_what_training_did_not_see_are_encoded_leniently() -> None:
    encoder, _ = learn(small_table())
    rows = pd.DataFrame(
        {
            "age": [20, 500],
            "weight": [np.nan, -1e9],
            "level": ["new", None],
            "flag": [True, False],
        }
    )
    encoded = encoder.encode(rows)
    assert (encoder.codec.float_names, encoder.codec.code_names[1]) == (["age", "weight"], "level")
    assert encoded.codes[:, 2 + 1].tolist() == [-1, -1]
    assert np.isfinite(encoded.scalars).all()
    assert (np.abs(encoded.scalars) < 1).all()
    assert (encoded.codes.max(axis=0) < encoder.widths).all()


def test_training_rows_are_encoded_again_as_they_were_where_no_mode_is_drawn() -> None:
    table = small_table()
    encoder, encoded = learn(table, HOW["bins"])
    again = encoder.encode(table)
    whole = table.notna().all(axis=1).to_numpy()  # a missing number is given another's value
    assert 0 < (~whole).sum() < 100
    np.testing.assert_array_equal(again.codes[whole], encoded.codes[whole])
    np.testing.assert_array_equal(again.scalars[whole], encoded.scalars[whole])


@pytest.mark.parametrize("how", HOW)
def test_a_rows_codes_depend_on_nothing_but_the_row(how: str) -> None:
    table = small_table()
    encoder, _ = learn(table, HOW[how])
    order = np.random.default_rng(1).permutation(len(table))
    whole, shuffled = encoder.encode(table), encoder.encode(table.iloc[order])
    np.testing.assert_array_equal(shuffled.codes, whole.codes[order])
    np.testing.assert_array_equal(shuffled.scalars, whole.scalars[order])


def test_another_seed_draws_other_modes_and_levels_for_rare_ones() -> None:
    table = small_table()
    table.loc[:49, "level"] = [f"rare {i}" for i in range(50)]
    schema = infer_schema(small_table())
    (one, first), (two, again), (other, third) = (
        Encoder.learn(table, schema, ATOMS, min_count=5, seed=seed) for seed in (0, 0, 1)
    )
    assert one == two == other
    np.testing.assert_array_equal(first.codes, again.codes)
    assert (first.codes[:50] != third.codes[:50]).any()
    whole = np.flatnonzero(table.notna().all(axis=1))
    whole = whole[whole >= 50]
    np.testing.assert_array_equal(first.codes[whole][:, [0, 3]], third.codes[whole][:, [0, 3]])


def test_what_cannot_be_learnt_is_refused() -> None:
    table = small_table()
    with pytest.raises(DataError, match="no rows"):
        Encoder.learn(table.iloc[:0], schema_of(table), ATOMS, min_count=1, seed=0)
    with pytest.raises(DataError, match="infinite"):
        Encoder.learn(table.assign(weight=np.inf), schema_of(table), ATOMS, min_count=1, seed=0)


@pytest.mark.parametrize(
    "change",
    [
        {"codec": None},
        {"codec": {}},
        {"modes": []},
        {"modes": None},
        {"modes": [{}, {}]},
        {"rates": []},
        {"rates": [[0.5, 0.5]]},
        {"rates": [[0.5, 0.5], [1, 1, 1], [1, 0]]},
        {"rates": [[0.5, 0.5], [1, 1, 1], [1, -1]]},
        {"rates": [[0.5, 0.5], [1, 1, 1], [1, float("nan")]]},
        {"rates": [[0.5, 0.5], [1, 1, 1], [1, "x"]]},
        {"rates": [[0.5, 0.5], [1, 1, 1], 2]},
    ],
)
def test_an_altered_encoder_is_refused(change: dict[str, Any]) -> None:
    data = learn(small_table())[0].to_dict()
    assert [len(rates) for rates in data["rates"]] == [2, 3, 2]
    with pytest.raises((ValueError, KeyError, TypeError, DataError)):
        Encoder.from_dict(data | change)
