"""What does MLflow call the type of a column?"""

from __future__ import annotations

from tabveil.data.schema import Column

_BY_DTYPE = {
    "int": "long",
    "uint": "long",
    "float": "double",
    "bool": "boolean",
    "datetime": "datetime",
}
_BY_KIND = {"numeric": "double", "boolean": "boolean", "datetime": "datetime"}


def mlflow_type(column: Column) -> str:
    """The name of MLflow's type: by dtype, and where that says nothing (object), by kind.

    >>> mlflow_type(Column("age", "numeric", "int64"))
    'long'
    >>> mlflow_type(Column("smoker", "boolean", "object"))
    'boolean'
    """
    for prefix, name in _BY_DTYPE.items():
        if column.dtype.lower().startswith(prefix):
            return name
    return _BY_KIND.get(column.kind, "string")
