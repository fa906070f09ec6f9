"""SDMetrics behind our contract: its numbers, without its noise."""

import numpy as np
import pandas as pd
import pytest

from tabveil.contracts import EvalInput
from tabveil.data.schema import Column, Schema
from tabveil.errors import EvaluationError
from tabveil.metrics.quality import Quality

SCHEMA = Schema(
    (
        Column("x", "numeric", "float64"),
        Column("y", "numeric", "float64"),
        Column("z", "categorical", "object"),
        Column("when", "datetime", "datetime64[ns]"),
    )
)


def table(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    days = pd.to_timedelta(rng.integers(0, 99, n), unit="D")
    return pd.DataFrame(
        {
            "x": x,
            "y": x + 0.1 * rng.normal(size=n),
            "z": rng.choice(["p", "q"], n),
            "when": pd.Timestamp("2020-01-01") + days,
        }
    )


def scores(synthetic: pd.DataFrame, control: pd.DataFrame) -> dict[str, float]:
    data = EvalInput(
        train=control,
        control=control,
        reference=control,
        synthetic=synthetic,
        schema=SCHEMA,
        seed=0,
    )
    return {score.name: score.value for score in Quality().evaluate(data)}


def test_the_same_rows_are_perfect_and_nothing_is_printed(capsys):
    assert scores(table(300, 0), table(300, 0)) == {
        "overall": 1.0,
        "shapes": 1.0,
        "pairs": 1.0,
        "diagnostic": 1.0,
    }
    assert capsys.readouterr() == ("", "")


def test_it_is_sdmetrics_own_report():
    from sdmetrics.reports import QualityReport

    report = QualityReport()
    kinds = {"x": "numerical", "y": "numerical", "z": "categorical", "when": "datetime"}
    columns = {name: {"sdtype": kind} for name, kind in kinds.items()}
    real, synthetic = table(300, 0), table(300, 1).assign(z="p")
    metadata = {"tables": {"t": {"columns": columns}}}
    report.generate({"t": real}, {"t": synthetic}, metadata, verbose=False)
    assert scores(synthetic, real)["overall"] == pytest.approx(report.get_score())


def test_values_outside_the_real_range_are_diagnosed():
    assert scores(table(300, 1).assign(z="new"), table(300, 0))["diagnostic"] < 1


def test_a_wholly_missing_table_is_an_error():
    blank = table(300, 0).assign(x=np.nan, y=np.nan, z=None, when=pd.NaT)
    with pytest.raises(EvaluationError, match="no column"):
        scores(blank, blank)
