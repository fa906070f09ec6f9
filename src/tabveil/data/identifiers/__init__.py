"""Direct identifiers: which columns hold them (`find`), and made-up ones in their place (`masks`).

Also which columns are quasi-identifiers or sensitive (`roles`).
"""

from tabveil.data.identifiers.find import FORMS, Found, find_identifier
from tabveil.data.identifiers.learning import learn
from tabveil.data.identifiers.masks import Mask
from tabveil.data.identifiers.roles import Suggestion, find_roles, suggest_roles

__all__ = [
    "FORMS",
    "Found",
    "Mask",
    "Suggestion",
    "find_identifier",
    "find_roles",
    "learn",
    "suggest_roles",
]
