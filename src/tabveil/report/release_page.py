"""The page that a privacy officer reads before signing: what does it say, and how is it made?

One HTML file, drawn from a verdict's document alone (statement.py). It asks for nothing from any
server, prints, and can be read without its pictures: every number in them stands in a table, too.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2
from matplotlib import rc_context
from matplotlib.figure import Figure

from tabveil.report import plots
from tabveil.report.risk_plots import Bar, risks

_TEMPLATE = "release.html.j2"
NOT_TESTED = (
    "Attackers who know more than is said beside each attack, such as other releases from the same "
    "table, or who have means that nobody has published yet.",
    "Whether the table leaks what is true of groups rather than of persons: an attacker may learn "
    "from it what is typical, as from any honest statistics.",
    "No differential privacy is claimed: training did not bound what one person can change.",
    "Fairness, and whether the rows suit any purpose other than those measured above.",
)


def page(
    document: Mapping[str, Any],
    *,
    words: Sequence[str],
    pictures: Mapping[str, str] | None = None,
) -> str:
    """The page as HTML text.

    Args:
        document: a verdict's, as `statement.statement` makes it.
        words: the verdict in sentences, the shortest first.
        pictures: further pictures by name, as SVG text: `columns`.
    """
    drawn = {name: _embedded(svg) for name, svg in (pictures or {}).items()}
    candidate = document["candidate"]
    if "front" in candidate:
        drawn["front"] = _embedded(_svg(_front(document)))
    if document["risks"]:
        drawn["risks"] = _embedded(_svg(_risks(document)))
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tabveil.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["n"] = number
    return environment.get_template(_TEMPLATE).render(
        title=_title(candidate),
        d=document,
        words=words,
        plots={"front": "", "risks": "", "columns": "", **drawn},
        planted=[control for control in document["controls"] if control["n_planted"]],
        attacks=document["attacks"],
        outliers=_outliers(document),
        provenance=_provenance(document),
        limits=[*_untested(document), *NOT_TESTED],
    )


def _title(candidate: Mapping[str, Any]) -> str:
    if "study" not in candidate:
        return f"{candidate['dataset']}: an audited table"
    return f"{candidate['dataset']}: trial {candidate['trial']} of {candidate['study']}"


def number(value: Any) -> str:
    """Three decimals, or a dash where there is no number."""
    return "–" if value is None else f"{value:.3f}"


def _outliers(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The largest bound among the scores that look at outliers only."""
    found = [one for key, one in document["risks"].items() if key.endswith("_outliers")]
    return max(found, key=lambda one: one["upper"], default=None)


def _untested(document: Mapping[str, Any]) -> list[str]:
    skipped = ", ".join(document["skipped"])
    return [f"{skipped}: there was nothing for them to look at in this table."] if skipped else []


def _provenance(document: Mapping[str, Any]) -> dict[str, Any]:
    candidate, models = document["candidate"], document["models"]
    settings = ", ".join(f"{key}={value}" for key, value in candidate.get("values", {}).items())
    told = {
        "table, with its splits": candidate.get("data_digest"),
        **{f"{t} rows": candidate.get(f"{t}_digest") for t in ("synthetic", "train", "control")},
        "configuration": candidate.get("config_digest"),
        "code of tabveil": candidate.get("code_digest"),
        "model": candidate.get("model_digest"),
        "what the sweep chose": settings,
        "seeds of the trainings": ", ".join(str(one["seed"]) for one in models),
        "run of the released model": models[0]["run_id"] if models else None,
        "versions": ", ".join(f"{k} {v}" for k, v in candidate["versions"].items()),
    }
    return {key: value for key, value in told.items() if value}


def _front(document: Mapping[str, Any]) -> Figure:
    candidate = document["candidate"]
    points = [
        plots.Point(
            one["number"],
            one["objective/utility"],
            one["objective/risk"],
            one["objective/risk_low"],
            one["objective/risk_high"],
            on_front=True,
            names=("this model",) if one["number"] == candidate["trial"] else (),
        )
        for one in candidate["front"]["front"]
    ]
    if candidate["trial"] not in [point.number for point in points]:
        utility, risk, low, high = candidate["point"]
        names = ("this model",)
        points.append(plots.Point(candidate["trial"], utility, risk, low, high, names=names))
    return plots.front(points, title=candidate["study"])


def _risks(document: Mapping[str, Any]) -> Figure:
    return risks(
        [
            Bar(key, one["mean"], (one["high"] - one["mean"]) / 1.959964, shown=one["shown"] > 0)
            for key, one in document["risks"].items()
        ]
    )


def _svg(figure: Figure) -> str:
    written = io.StringIO()
    with rc_context({"svg.hashsalt": "tabveil"}):
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return written.getvalue()


def _embedded(svg: str) -> str:
    """A picture inside the page; as an image of its own, so that ids of two never meet."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
