"""What was found in two tables: a small one, and one of 300 columns with odd names."""

from __future__ import annotations

from typing import Any

HOSTILE = [
    '<script>alert("x")</script>',
    "Größe \"in\" 'cm'",
    "",
    "  ",
    "a" * 300,
    "名前",
    "{{7*7}}",
]


def small_table() -> dict[str, Any]:
    columns = [
        ("person", "identifier", "int64", "unique, named like a number", "fake"),
        ("age", "numeric", "float64", "numbers, 60 different", None),
        ("sex", "boolean", "bool", "two values", None),
        ("health", "categorical", "object", "text, 4 different", None),
        ("income", "numeric", "float64", "numbers, many different", None),
        ("visits", "categorical", "int64", "numbers, few different", None),
    ]
    return _inspection(columns, [["100", "42.5", "True", "good", "9200", "1"]] * 5)


def wide_table() -> dict[str, Any]:
    names = [*HOSTILE, *(f"column {k}" for k in range(300 - len(HOSTILE)))]
    columns = [(name, "numeric", "float64", "numbers", None) for name in names]
    return _inspection(columns, [["<b>1</b>" * 30] * 300] * 3)


def _inspection(columns: list[tuple[Any, ...]], head: list[list[str]]) -> dict[str, Any]:
    names = [column[0] for column in columns]
    return {
        "n_rows": 5912,
        "columns": [
            {
                "name": n,
                "kind": k,
                "dtype": d,
                "missing": 3,
                "reason": why,
                "mask": mask,
                "format": "",
                "readings": [],
                "distinct": 9,
            }
            for n, k, d, why, mask in columns
        ],
        "roles": {
            "quasi_identifiers": [n for n in ("age", "sex") if n in names],
            "sensitive": [n for n in ("income",) if n in names],
            "group": [n for n in ("person",) if n in names],
        },
        "rules": [
            {
                "text": "visits >= 0",
                "share": 1.0,
                "n_rows": 5912,
                "why": "no exception",
                "rule": {"kind": "limit"},
            }
        ],
        "head": head,
    }
