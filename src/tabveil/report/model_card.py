"""The short text beside a registered generator: what it is, and whether it may be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tabveil.report.release_page import NOT_TESTED, number


def model_card(document: Mapping[str, Any], *, words: Sequence[str]) -> str:
    """Markdown, drawn from a verdict's document.

    Args:
        document: as `statement.statement` makes it.
        words: the verdict in sentences.
    """
    candidate = document["candidate"]
    rows = "\n".join(
        f"| {rule['name']} | {rule['component']} | {number(rule['figure'])} | "
        f"{number(rule['limit'])} | {rule['outcome']} |"
        for rule in document["rules"]
    )
    digests = "\n".join(
        f"- {what}: `{candidate[key]}`"
        for what, key in (
            ("table, with its splits", "data_digest"),
            ("configuration", "config_digest"),
            ("code", "code_digest"),
            ("model", "model_digest"),
        )
    )
    changed = [*candidate.get("not_learnt", ()), *candidate.get("read_notes", ())]
    kept = "\n".join(f"- {line}" for line in changed) or "- every column was learnt as it stood"
    name = f"models:/{candidate['model']}"
    limits = "\n".join(f"- {limit}" for limit in NOT_TESTED)
    return f"""# A generator of synthetic rows like those of {candidate["dataset"]}

{" ".join(words)}

It holds weights and JSON: no row of the table, no pickle. Every number is in `verdict.json`; the
report, which pictures the real columns, stays with the run (`tabveil report`).

## Rules of the policy "{document["gate"]["name"]}"

| rule | looked at | bound | limit | outcome |
|---|---|---|---|---|
{rows}

## What differs from the table

{kept}

## Use

    tabveil sample model={name}/VERSION n=1000 out=rows.parquet
    mlflow.pyfunc.load_model("{name}/VERSION").predict({{}}, params={{"n": 10}})

## Where it comes from

Trial {candidate["trial"]} of the sweep {candidate["study"]}, trained again under fresh seeds.

{digests}

## What was not tested

{limits}
"""
