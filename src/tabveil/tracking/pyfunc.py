r"""How does a saved generator become a model that MLflow loads and serves?

`mlflow.pyfunc.load_model("models:/NAME@balanced").predict({}, params={"n": 10, "seed": 1})`
gives rows, and `mlflow models serve` answers
`{"dataframe_records": [{}], "params": {"n": 10, "seed": 1, "where": "{\"sex\": \"F\"}"}}`.
The table passed in is ignored: what is asked for stands in the params.
"""

from __future__ import annotations

import json
import logging
import re
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from tabveil.data.schema import Schema
from tabveil.data.writing.cell_texts import texts_of
from tabveil.errors import ArtifactError, ConfigError, TabveilError
from tabveil.tracking.columns import mlflow_type
from tabveil.tracking.models import Generator, text_digest

if TYPE_CHECKING:
    from mlflow.models import Model, ModelSignature

GENERATOR_PATH = "artifacts/generator"
"""Where the saved generator lies in the model's folder."""

BESIDE = "tabveil_beside"
"""Key of the model's metadata: name → digest of each text beside the generator."""

DEFAULTS: Mapping[str, Any] = {"n": 1000, "seed": 0, "where": ""}
_REQUIREMENTS = ("tabveil", "mlflow", "numpy", "pandas", "safetensors", "torch")


def save_pyfunc(directory: Path, generator: Path, schema: Schema, model: Model) -> None:
    """Write a saved generator as an MLflow model, without a pickle.

    Args:
        directory: to be made.
        generator: folder that `save_generator` wrote.
        schema: of the rows it draws.
        model: MLflow's description, to be filled in.
    """
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        # MLflow warns of its own type hints, and asks for an example of an input we do not have.
        warnings.filterwarnings("ignore", ".*Any type hint is inferred as AnyType")
        warnings.filterwarnings("ignore", ".*An input example was not provided")
        import mlflow.pyfunc

        copy = shutil.copytree(generator, Path(scratch) / "generator")
        mlflow.pyfunc.save_model(
            path=str(directory),
            python_model=str(Path(__file__).with_name("served_model.py")),
            artifacts={"generator": str(copy)},
            signature=signature(schema),
            pip_requirements=[f"{name}=={_public(version(name))}" for name in _REQUIREMENTS],
            mlflow_model=model,
        )
    # MLflow notes where the files were copied from: paths of this machine, needed by nobody.
    flavor = model.flavors["python_function"]
    flavor["artifacts"]["generator"]["uri"] = GENERATOR_PATH
    flavor["model_code_path"] = Path(flavor["model_code_path"]).name
    model.save(str(directory / "MLmodel"))


def signature(schema: Schema) -> ModelSignature:
    """What may be asked (`n`, `seed`, `where` as JSON text) and which columns come back."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec
    from mlflow.types import Schema as MlflowSchema

    kinds = {int: "long", str: "string"}
    params = [ParamSpec(name, kinds[type(value)], value) for name, value in DEFAULTS.items()]
    columns = [ColSpec(mlflow_type(column), column.name) for column in schema.columns]
    return ModelSignature(outputs=MlflowSchema(columns), params=ParamSchema(params))


def answer(generator: Generator, params: Mapping[str, Any]) -> pd.DataFrame:
    """Draw the rows that a request asks for.

    A column with missing values comes as objects, None where missing: MLflow would write NaN,
    which is no JSON.

    Raises:
        MlflowException: the request makes no sense; a server answers 400 with its message.
    """
    asked = {**DEFAULTS, **params}
    try:
        if generator.about.get("protection"):
            raise ConfigError(
                "this model was attacked with protected rows, which are compared with the rows it "
                "learnt; those are not here: draw with `tabveil sample`"
            )
        where = _parse_where(asked["where"])
        rows = generator.sample(asked["n"], seed=asked["seed"], where=where)
    except TabveilError as error:
        raise _refusal(str(error)) from error
    rows = _plain(rows, generator.schema)
    for name in rows.columns[rows.isna().any()]:
        rows[name] = rows[name].astype(object).where(rows[name].notna(), None)
    return rows


def _plain(rows: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Rows as a program expects them: times of day as texts, whole numbers whole beside gaps."""
    for column in schema.columns:
        sort = None if column.format is None else column.format.sort
        if sort in ("time", "duration"):
            rows[column.name] = texts_of(rows, column).to_pandas().to_numpy()
        elif sort == "whole" and column.kind == "numeric":
            rows[column.name] = rows[column.name].astype("Int64")
    return rows


def _parse_where(text: str) -> dict[str, Any] | None:
    if not text:
        return None
    try:
        where = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"where is no JSON: {error}") from error
    if not isinstance(where, dict):
        raise ConfigError('where must be a JSON object such as {"sex": "F"}')
    return where


def check_beside(folder: Path) -> None:
    """Hold the texts beside a generator, such as its verdict, against the model's metadata.

    Raises ArtifactError when one is missing or was altered.
    """
    import yaml

    described = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
    for name, digest in ((described.get("metadata") or {}).get(BESIDE) or {}).items():
        path = folder / name
        if not path.is_file() or text_digest(path.read_text(encoding="utf-8")) != digest:
            raise ArtifactError(
                f"{path} is not what was registered with the model; do not rely on either"
            )


def refuse_unknown_params() -> None:
    """Make MLflow's warning that it ignores an unknown param an error.

    Whoever writes `sede=1` must not get the rows of seed 0. MLflow drops such params before a
    model sees them and tells only its log, so that is where we listen. The filter acts on models
    with our params and lets every other record pass.
    """
    logger = logging.getLogger("mlflow.models.utils")
    if not any(isinstance(old, _UnknownParams) for old in logger.filters):
        logger.addFilter(_UnknownParams())


class _UnknownParams(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        unknown, _, known = text.partition("Supported params are: ")
        if unknown.startswith("Unrecognized params") and {*_quoted(known)} == {*DEFAULTS}:
            names = ", ".join(_quoted(unknown))
            raise _refusal(f"unknown params: {names}; there are {', '.join(DEFAULTS)}")
        return True


def _quoted(text: str) -> list[str]:
    return re.findall(r"'([^']*)'", text)


def _refusal(text: str) -> Exception:
    from mlflow.exceptions import MlflowException

    error: Exception = MlflowException.invalid_parameter_value(text)
    return error


def _public(installed: str) -> str:
    """A version without its local part (`+cpu`), which no package index knows."""
    return installed.partition("+")[0]
