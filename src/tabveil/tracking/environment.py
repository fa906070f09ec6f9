"""Which versions of what shaped a result?"""

from __future__ import annotations

import platform
from importlib.metadata import version


def environment() -> dict[str, str]:
    """Versions of what shapes a result."""
    names = ("tabveil", "torch", "numpy", "pandas", "scikit-learn", "ctgan", "sdmetrics")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
