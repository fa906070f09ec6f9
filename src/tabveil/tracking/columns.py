"""MLflow's names for the types of columns."""

from __future__ import annotations

from tabveil.data.schema import Column

_BY_DTYPE = {
    "int": "long",
    "uint": "long",
    "float": "double",
    "bool": "boolean",
    "datetime": "datetime",
}
_BY_SORT = {"time": "string", "duration": "string", "whole": "long", "text": "string"}
_BY_KIND = {"numeric": "double", "boolean": "boolean", "datetime": "datetime"}


def mlflow_type(column: Column) -> str:
    """The name of MLflow's type: by format, then by dtype, and for objects by kind.

    >>> mlflow_type(Column("age", "numeric", "int64"))
    'long'
    >>> mlflow_type(Column("smoker", "boolean", "object"))
    'boolean'
    """
    if column.format is not None and column.format.sort in _BY_SORT:
        return _BY_SORT[column.format.sort]
    for prefix, name in _BY_DTYPE.items():
        if column.dtype.lower().startswith(prefix):
            return name
    return _BY_KIND.get(column.kind, "string")
