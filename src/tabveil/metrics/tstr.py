"""Can a model that learnt from synthetic rows do the job on real ones?

Train on synthetic, test on real: boosted trees learn the schema's target from `synthetic` and
are tested on `control`, beside the same model that learnt from as many rows of `train`. It sees
what bears on the target and nothing else: a table may lose every other relation and score well.

A target that even real rows do not predict measures nothing, whatever a synthesizer does. That is
asked once of the real rows, which are the same in all trials of a study: the pool teaches, the
reference tests.

References:
    Esteban, Hyland and Rätsch, Real-valued (Medical) Time Series Generation, 2017,
    arXiv:1706.02633.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import f1_score, roc_auc_score

from tabveil.contracts import Direction, EvalInput, Score
from tabveil.data.schema import Schema
from tabveil.errors import EvaluationError
from tabveil.measure.features import encode, predict
from tabveil.measure.rows import MIN_ROWS, draw_rows

Array = NDArray[np.float64]
_MIN_CLASS = 10
"""Tested rows of a class below which its AUC would be noise; such classes count as one."""
_ADVICE = "tstr is left out of the utility; name another target under dataset.target, or none"


class Tstr:
    """Train on synthetic, test on `control`, beside training on `train`."""

    name: ClassVar[str] = "tstr"
    direction: ClassVar[Direction] = "maximize"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __init__(
        self,
        *,
        max_rows: int = 10_000,
        n_trees: int = 100,
        max_classes: int = 20,
        min_auc: float = 0.55,
        min_r2: float = 0.02,
    ) -> None:
        """Store the settings.

        Args:
            max_rows: rows taken of each table.
            n_trees: boosting rounds.
            max_classes: the target's most common levels in `train` that stay apart; the others
                count as one.
            min_auc: what a model that learnt from real rows must reach, or there is no skill to
                compare with.
            min_r2: the same for a numeric target.
        """
        self.max_rows = max_rows
        self.n_trees = n_trees
        self.max_classes = max_classes
        self.min_auc = min_auc
        self.min_r2 = min_r2

    @staticmethod
    def applies(schema: Schema) -> bool:
        """Whether there is a target to predict, and something to predict it from."""
        columns = {column.name: column.kind for column in schema.modelled().columns}
        return len(columns) >= 2 and columns.get(schema.target or "") in (
            "numeric",
            "categorical",
            "boolean",
        )

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Give `skill` (headline), then `auc`, `f1`, `auc_real`, `f1_real` or `r2`, `r2_real`.

        `skill` is (auc - ½) / (auc_real - ½), or r2 / r2_real, clipped to [0, 1]: 0 where the
        synthetic rows taught nothing, 1 where they taught as much as real rows. A synthetic
        table that holds one class only, or no target at all, taught nothing. `auc` averages one
        class against the rest over the classes of which `control` holds 10 rows or more; `f1` is
        that of the rarer class of two, or the average over more. Where `train` happens to teach
        less than `min_auc` (`min_r2`), that much is what skill is held against.

        Raises:
            EvaluationError: the schema has no such target, a table has too few rows, or the
                target does not vary in `control`.
        """
        target = data.schema.target
        if target is None or not self.applies(data.schema):
            raise EvaluationError("tstr needs a target that is numeric, categorical or boolean")
        tables = self._tables(data, target)
        if data.schema[target].kind == "numeric":
            return self._regress(tables)
        return self._classify(tables)

    def nothing_to_see(self, data: EvalInput) -> str:
        """Why the target cannot be predicted even from real rows; empty where it can.

        Looks at the pool and the reference only: so it says the same in all trials of a study.
        """
        target = data.schema.target
        if target is None or not self.applies(data.schema):
            return ""
        pool = data.train if data.pool is None else data.pool
        key = (*vars(self).values(), data.seed, target, _digest(pool), _digest(data.reference))
        real = replace(data, train=pool, synthetic=pool, control=data.reference)
        return data.shared.get(("weak target", *key), lambda: self._weakness(real, target))

    def _weakness(self, real: EvalInput, target: str) -> str:
        least_rows = min(len(real.train), len(real.control))
        if least_rows < MIN_ROWS:
            return (
                f"the target {target!r} cannot be judged: of {least_rows} real rows nothing can be "
                f"told; {_ADVICE}"
            )
        tables = self._tables(real, target)
        if real.schema[target].kind == "numeric":
            tested = tables.control.answers.to_numpy(dtype=np.float64)
            varies = len(np.unique(tested)) > 1
            measure, least = "R²", self.min_r2
            reached = self._r2(tables.train, tables, tested) if varies else 0.0
        else:
            classes = _classes(tables.train.answers, tables.control.answers, self.max_classes)
            tested = _codes(tables.control.answers, classes)
            if len(_frequent(tested)) < 2:
                return (
                    f"the target {target!r} cannot be judged: not two of its classes have "
                    f"{_MIN_CLASS} rows or more in the reference, and fewer test nothing; {_ADVICE}"
                )
            codes = _codes(tables.train.answers, classes)
            chances = self._chances(tables.train, codes, tables, n_classes=len(classes) + 1)
            measure, least, reached = "AUC", self.min_auc, _auc(chances, tested)
        if reached > least:
            return ""
        return (
            f"even a model that learnt from real rows cannot predict the target {target!r} "
            f"({measure} {reached:.3f}, {least} is the least to compare with); {_ADVICE}"
        )

    def _tables(self, data: EvalInput, target: str) -> _Tables:
        """The rows to learn from, drawn in equal number, and those to test on."""
        n = min(self.max_rows, len(data.train), len(data.synthetic))
        drawn = [
            draw_rows(table, data.schema, size, seed=data.seed, name=name)
            for name, table, size in (
                ("train", data.train, n),
                ("control", data.control, self.max_rows),
                ("synthetic", data.synthetic, n),
            )
        ]
        known = [table[table[target].notna()] for table in drawn]
        features = encode(known, [name for name in known[0].columns if name != target])
        train, control, synthetic = (
            _Table(matrix, table[target])
            for matrix, table in zip(features.matrices, known, strict=True)
        )
        return _Tables(train, control, synthetic, features.categorical)

    def _classify(self, tables: _Tables) -> list[Score]:
        classes = _classes(tables.train.answers, tables.control.answers, self.max_classes)
        control = _codes(tables.control.answers, classes)
        if len(np.unique(control)) < 2:
            raise EvaluationError("tstr: control holds one class of the target only")
        real, synthetic = (
            self._chances(table, _codes(table.answers, classes), tables, n_classes=len(classes) + 1)
            for table in (tables.train, tables.synthetic)
        )
        auc, auc_real = _auc(synthetic, control), _auc(real, control)
        skill = (auc - 0.5) / (max(auc_real, self.min_auc) - 0.5)
        return [
            Score("skill", float(np.clip(skill, 0, 1))),
            Score("auc", auc),
            Score("f1", _f1(synthetic, control)),
            Score("auc_real", auc_real),
            Score("f1_real", _f1(real, control)),
        ]

    def _chances(
        self, table: _Table, answers: NDArray[np.int64], tables: _Tables, *, n_classes: int
    ) -> Array:
        """Chance of each class for each control row, shape (n_control, n_classes).

        From rows of a single class the answer is always that class; from no rows, none.
        """
        seen = np.unique(answers)
        chances = np.zeros((len(tables.control.features), n_classes))
        if len(seen) < 2:
            chances[:, seen] = 1.0
        else:
            chances[:, seen] = self._predict(table.features, answers, tables)
        return chances

    def _regress(self, tables: _Tables) -> list[Score]:
        control = tables.control.answers.to_numpy(dtype=np.float64)
        if len(np.unique(control)) < 2:
            raise EvaluationError("tstr: the target does not vary in control")
        r2, r2_real = (
            self._r2(table, tables, control) for table in (tables.synthetic, tables.train)
        )
        skill = float(np.clip(r2 / max(r2_real, self.min_r2), 0, 1))
        return [Score("skill", skill), Score("r2", r2), Score("r2_real", r2_real)]

    def _r2(self, table: _Table, tables: _Tables, control: Array) -> float:
        """Share of the variance of `control` explained; 0 where the answers do not vary."""
        answers: Array = table.answers.to_numpy(dtype=np.float64)
        if len(np.unique(answers)) < 2:
            return 0.0
        guesses = self._predict(table.features, answers, tables)
        return float(1 - ((control - guesses) ** 2).sum() / ((control - control.mean()) ** 2).sum())

    def _predict(
        self, features: Array, answers: NDArray[np.int64] | Array, tables: _Tables
    ) -> Array:
        return predict(
            features,
            answers,
            tables.control.features,
            categorical=tables.categorical,
            n_trees=self.n_trees,
        )


@dataclass(frozen=True)
class _Table:
    """Rows with a known target: shape (n, n_columns) and (n,)."""

    features: Array
    answers: pd.Series[Any]


@dataclass(frozen=True)
class _Tables:
    train: _Table
    control: _Table
    synthetic: _Table
    categorical: NDArray[np.bool_]


def _classes(train: pd.Series[str], control: pd.Series[str], n_most: int) -> list[str]:
    """The levels that stay apart: the most common in `train`, with enough rows in `control`."""
    counts, tested = train.value_counts(), control.value_counts()
    ordered = sorted(counts.index, key=lambda level: (-counts[level], level))
    return [level for level in ordered[:n_most] if tested.get(level, 0) >= _MIN_CLASS]


def _codes(answers: pd.Series[str], classes: list[str]) -> NDArray[np.int64]:
    """The position of each answer in `classes`; the next number for all others."""
    found = pd.Index(classes, dtype=object).get_indexer(pd.Index(answers, dtype=object))
    return np.where(found < 0, len(classes), found).astype(np.int64)


def _frequent(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The codes of enough rows to test a guess on."""
    present, counts = np.unique(codes, return_counts=True)
    return present[counts >= _MIN_CLASS]


def _auc(chances: Array, control: NDArray[np.int64]) -> float:
    """AUC of one class against the rest, averaged over the classes of enough rows in `control`.

    Over all of them where fewer than two have enough.
    """
    judged = _frequent(control)
    judged = np.unique(control) if len(judged) < 2 else judged
    return float(np.mean([roc_auc_score(control == one, chances[:, one]) for one in judged]))


def _digest(table: pd.DataFrame) -> str:
    rows = np.sort(pd.util.hash_pandas_object(table, index=False).to_numpy())
    return hashlib.sha256(rows.tobytes()).hexdigest()


def _f1(chances: Array, control: NDArray[np.int64]) -> float:
    """F1 of the rarer class of two, or the average over the classes in `control`."""
    present, counts = np.unique(control, return_counts=True)
    judged = present[[counts.argmin()]] if len(present) == 2 else present
    guesses = np.where(chances.max(axis=1) > 0, chances.argmax(axis=1), -1)
    return float(f1_score(control, guesses, labels=judged, average="macro", zero_division=0))
