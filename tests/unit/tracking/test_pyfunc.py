from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from tabveil.data.schema import Schema
from tabveil.tracking.models import load_generator
from tabveil.tracking.pyfunc import answer, refuse_unknown_params, signature


def test_an_answer_is_the_rows_of_the_seed(saved: Path) -> None:
    generator = load_generator(saved)
    asked = {"n": 20, "seed": 3, "where": '{"sex": "female"}'}
    rows = answer(generator, asked)
    expected = generator.sample(20, seed=3, where={"sex": "female"})
    assert rows.fillna("-").astype(str).equals(expected.fillna("-").astype(str))
    assert len(answer(generator, {})) == 1000


def test_missing_values_become_null_in_json(saved: Path) -> None:
    rows = answer(load_generator(saved), {"n": 50})
    text = json.dumps(rows[["age", "note"]].to_dict(orient="records"), allow_nan=False)
    assert "null" in text


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n": 0}, "n=0"),
        ({"where": "sex=female"}, "no JSON"),
        ({"where": "[1]"}, "JSON object"),
        ({"where": '{"nope": 1}'}, "nope"),
    ],
)
def test_a_request_that_makes_no_sense_is_a_bad_request(
    saved: Path, params: dict[str, object], message: str
) -> None:
    with pytest.raises(MlflowException, match=message) as caught:
        answer(load_generator(saved), params)
    assert caught.value.get_http_status_code() == 400


def test_unknown_params_are_refused_and_other_warnings_pass(schema: Schema) -> None:
    from mlflow.models.utils import _enforce_params_schema
    from mlflow.types import ParamSchema, ParamSpec

    refuse_unknown_params()
    refuse_unknown_params()
    ours = signature(schema).params
    assert _enforce_params_schema({"n": 3}, ours) == {"n": 3, "seed": 0, "where": ""}
    with pytest.raises(MlflowException, match="unknown params: sede; there are n, seed, where"):
        _enforce_params_schema({"sede": 1}, ours)
    other = ParamSchema([ParamSpec("x", "long", 1)])
    assert _enforce_params_schema({"sede": 1}, other) == {"x": 1}
    filters = logging.getLogger("mlflow.models.utils").filters
    assert len([f for f in filters if type(f).__name__ == "_UnknownParams"]) == 1


def test_the_signature_names_the_columns_that_come_back(schema: Schema) -> None:
    made = signature(schema)
    assert made.inputs is None
    assert made.outputs.input_names() == schema.names
    assert [kind.name for kind in made.outputs.input_types()] == [
        "long",
        "double",
        "string",
        "boolean",
        "datetime",
        "string",
    ]
