"""How does a form become an order, and a wrong field a sentence?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tabveil.web.errors import Invalid

Model = TypeVar("Model", bound=BaseModel)


def ordered(model: type[Model], told: Mapping[str, Any]) -> Model:
    """Read an order. Raises Invalid, naming the first field that does not fit, never its value."""
    try:
        return model.model_validate(told)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = " ".join(str(part).replace("_", " ") for part in first["loc"][:1])
        raise Invalid(f"{field or 'The form'}: {first['msg']}. Go back and correct it.") from error
