"""From when on does a table show a rule, rather than a tendency or an accident?"""

from __future__ import annotations

LEAST_SHARE = 0.99
"""Of rows that obey: below, it is a tendency that the model learns, no rule."""
FEW_ROWS = 20
"""In fewer rows nothing can be told; the schema's kinds start there, too."""
LASTING = 20
"""Rows of a level, so that a part of the table to learn from still holds it in enough of them."""
