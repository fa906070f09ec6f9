"""What does SDMetrics, the yardstick most people know, say of the synthetic table?

Its quality report (column shapes, pair trends) and its diagnostic report (valid values, same
structure), against `control`: rows that the model never saw, so that a table is not praised for
repeating its training rows. Known blind spots: pair trends average the strongly related pairs
only, each table is binned by itself, and independent marginals beat a default CTGAN. Compare it
with published figures; do not optimise it alone.
"""

from __future__ import annotations

import math
import warnings
from typing import Any, ClassVar

import pandas as pd

from tabveil.contracts import Direction, EvalInput, Score
from tabveil.data.schema import Schema
from tabveil.errors import EvaluationError
from tabveil.measure.rows import draw_rows

_TABLE = "table"


class Quality:
    """SDMetrics' quality and diagnostic reports of synthetic rows against `control`."""

    name: ClassVar[str] = "quality"
    direction: ClassVar[Direction] = "maximize"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __init__(self, *, max_rows: int = 20_000) -> None:
        """Store the settings.

        Args:
            max_rows: rows taken of each table.
        """
        self.max_rows = max_rows

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Give `overall` (headline), `shapes`, `pairs`, `diagnostic`; 1 is best.

        `pairs` is absent where SDMetrics finds no pair of columns to judge.

        Raises EvaluationError when a table has too few rows or no column can be compared.
        """
        from sdmetrics.reports import DiagnosticReport, QualityReport

        real, synthetic = (
            draw_rows(table, data.schema, self.max_rows, seed=data.seed, name=name)
            for name, table in (("control", data.control), ("synthetic", data.synthetic))
        )
        quality = _report(QualityReport(), real, synthetic, data.schema)
        diagnostic = _report(DiagnosticReport(), real, synthetic, data.schema)
        properties = _properties(quality)
        scores = {
            "overall": quality.get_score(),
            "shapes": properties["Column Shapes"],
            "pairs": properties["Column Pair Trends"],
            "diagnostic": diagnostic.get_score(),
        }
        if math.isnan(scores["shapes"]):
            raise EvaluationError("SDMetrics could compare no column: every value is missing")
        detail = {"shapes": _column_scores(quality)}
        return [
            Score(name, float(value), detail=detail if name == "shapes" else {})
            for name, value in scores.items()
            if not (name == "pairs" and math.isnan(value))
        ]


def _report(report: Any, real: pd.DataFrame, synthetic: pd.DataFrame, schema: Schema) -> Any:
    """Run a report without its progress bars and warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constant columns and small samples, told by the scores
        report.generate({_TABLE: real}, {_TABLE: synthetic}, _metadata(schema), verbose=False)
    return report


def _metadata(schema: Schema) -> dict[str, Any]:
    """SDMetrics' description of a canonical table, where dates are numbers already."""
    columns = {
        column.name: {
            "sdtype": "numerical" if column.kind in ("numeric", "datetime") else "categorical"
        }
        for column in schema.modelled().columns
    }
    return {"tables": {_TABLE: {"columns": columns}}}


def _properties(report: Any) -> dict[str, float]:
    table = report.get_properties()
    return dict(zip(table["Property"], table["Score"].astype(float), strict=True))


def _column_scores(report: Any) -> dict[str, float]:
    """Shape score of each column that SDMetrics could judge."""
    table = report.get_details("Column Shapes").dropna(subset=["Score"])
    return {str(c): float(s) for c, s in zip(table["Column"], table["Score"], strict=True)}
