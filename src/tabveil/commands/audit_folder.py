"""Where do the results of an audit go?

scores.json            every number, the verdict and why
roc.{svg,png}          the membership attacks' curves
risk.{svg,png}         the components of the risk
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from tabveil.audit import Audit, to_dict
from tabveil.errors import DataError
from tabveil.report.canvas import save
from tabveil.report.plots import roc
from tabveil.report.risk_plots import Bar, risks

SCORES = "scores.json"


def prepare(out: Path) -> bool:
    """Make the folder, before anything is attacked; refuse where the results cannot go.

    Returns:
        Whether the folder was made for it.

    Raises:
        DataError: it is a file, cannot be made or written to, or holds a scores.json that no
            audit wrote.
    """
    try:
        is_new = not out.exists()
        if not (is_new or out.is_dir()):
            raise DataError(f"out={out} is a file; name a folder")
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"out={out} cannot be made: {error.strerror}") from error
    if not os.access(out, os.W_OK | os.X_OK):
        raise DataError(f"out={out} cannot be written to; name another folder")
    scores = out / SCORES
    if scores.exists():
        try:
            told = json.loads(scores.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            told = None
        ours = isinstance(told, dict) and "verdict" in told
        if not ours:
            raise DataError(f"{scores} was not written by an audit; choose another out")
    return is_new


def write(found: Audit, out: Path, *, plots: bool) -> None:
    """Write `scores.json` and the plots into a folder that is there; what else lies there stays.

    The scores come last and whole: where they are, the audit was completed.
    """
    for stale in (SCORES, *(f"{n}.{k}" for n in ("roc", "risk") for k in ("svg", "png"))):
        (out / stale).unlink(missing_ok=True)
    if plots:
        draw(found, out)
    partial = out / f".{SCORES}.{os.getpid()}"
    text = json.dumps(to_dict(found), indent=1, ensure_ascii=False, allow_nan=False)
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(out / SCORES)


def draw(found: Audit, out: Path) -> None:
    """Draw the ROC curves and the components of the risk, as far as there are any."""
    curves = found.evaluation.roc_curves()
    if curves:
        save(roc(curves), out / "roc")
    bars = [
        Bar(key, score.advantage.value, score.advantage.se, shown=key in found.shown)
        for result in found.evaluation.results
        for score in result.scores
        if score.advantage is not None and result.name in found.makes_the_risk
        for key in [f"{result.name}/{score.name}"]
    ]
    if bars:
        save(risks(bars), out / "risk")
