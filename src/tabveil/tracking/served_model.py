"""What does MLflow run when it loads or serves a registered generator?

MLflow copies this file into the model and runs it ("models from code"), which takes the place of
a pickle. It only hands on to the tabveil that is installed.
"""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

from tabveil.tracking.models import check_verdict, load_generator
from tabveil.tracking.pyfunc import answer, check_beside, refuse_unknown_params


class ServedGenerator(PythonModel):  # type: ignore[misc]  # MLflow is untyped
    """A generator behind MLflow's interface."""

    def load_context(self, context: Any) -> None:
        """Read the artifact."""
        refuse_unknown_params()
        directory = Path(context.artifacts["generator"])
        check_beside(directory.parents[1])
        check_verdict(directory, directory.parents[1] / "verdict.json")
        self.generator = load_generator(directory)

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Draw the rows that `params` asks for; `model_input` is not looked at."""
        del context, model_input
        return answer(self.generator, params or {})


set_model(ServedGenerator())
