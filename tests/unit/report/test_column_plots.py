from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from tabveil.data.schema import infer_schema
from tabveil.report.canvas import save
from tabveil.report.column_plots import columns


@pytest.fixture
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 400
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "rooms": rng.integers(0, 6, n),
            "income": np.where(rng.random(n) < 0.1, np.nan, rng.normal(0, 1, n)),
            "sex": rng.choice(["female", "male"], n),
            "smoker": rng.choice([True, False], n),
            "visit": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
            "price $ in $": rng.choice(["$a_{b}$", None, "x" * 60], n),
        }
    )


def _level_names(figure: Figure) -> list[str]:
    return [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]


def test_every_modelled_column_has_its_picture(table: pd.DataFrame, tmp_path: Path) -> None:
    people = table.assign(person=[f"p{i}" for i in range(len(table))])
    figure = columns(people, people.head(50), infer_schema(people))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title for title in titles if title] == [*list(table)[:-1], r"price \$ in \$"]
    save(figure, tmp_path / "columns")


def test_rare_real_levels_and_invented_ones_are_not_named(table: pd.DataFrame) -> None:
    real = table.copy()
    real.loc[:3, "sex"] = "the only one"
    synthetic = table.copy()
    synthetic.loc[:50, "sex"] = "invented"
    names = _level_names(columns(real, synthetic, infer_schema(real)))
    assert {"female", "male", "others"} <= {*names}
    assert not {"the only one", "invented"} & {*names}


def test_shares_are_of_all_rows(table: pd.DataFrame) -> None:
    real = pd.DataFrame({"level": ["a"] * 6 + ["b"] * 2 + [None] * 2})
    synthetic = pd.DataFrame({"level": ["a"] * 5 + ["c"] * 5})
    axes = columns(real, synthetic, infer_schema(real)).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    widths = [bar.get_width() for bar in axes.patches]
    assert names == ["a", "others", "missing"]
    assert widths == pytest.approx([0.6, 0.2, 0.2, 0.5, 0.5, 0.0])


def test_an_axis_does_not_give_the_extremes_away(table: pd.DataFrame) -> None:
    real = table.copy()
    real.loc[0, ["age", "income"]] = [119, 1e6]
    figure = columns(real, table, infer_schema(real))
    assert figure.axes[0].get_xlim()[1] < 105
    assert figure.axes[2].get_xlim()[1] < 10


def test_whole_numbers_sit_in_the_middle_of_their_bins(table: pd.DataFrame) -> None:
    axes = columns(table, table, infer_schema(table)).axes[1]
    edges = axes.patches[0].get_data().edges  # type: ignore[attr-defined]
    assert list(edges) == [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5]


def test_too_few_real_values_show_none(table: pd.DataFrame, tmp_path: Path) -> None:
    figure = columns(table.head(3), table, infer_schema(table))
    assert figure.axes[0].texts[0].get_text() == "too few real values"
    assert "female" not in _level_names(figure)
    save(figure, tmp_path / "few")


def test_columns_without_a_value_can_be_drawn(table: pd.DataFrame, tmp_path: Path) -> None:
    empty = pd.DataFrame({"a": pd.Series([None] * 30, dtype=object), "b": [np.nan] * 30})
    save(columns(empty, empty, infer_schema(empty)), tmp_path / "empty")
    broken = table.assign(age=np.inf, income=np.nan)
    save(columns(table, broken, infer_schema(table)), tmp_path / "broken")


def test_no_input_is_changed(table: pd.DataFrame) -> None:
    before = table.copy()
    columns(table, table, infer_schema(table))
    pd.testing.assert_frame_equal(table, before)
