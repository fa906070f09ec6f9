"""Which versions of a registered model are releases, and which of them should one use?

Every confirmed candidate is a version. It is a release when its verdict is "pass" and nobody has
withdrawn it. One that did not pass is none: it can be named by its number, no alias ever points at
it. Aliases
point at releases that no other one beats, over all sweeps of the registered model, by what was
confirmed: the mean utility, and the upper bound of the risk.

Several confirmations may end at once. Each looks at all versions, sets the aliases, and looks
again until nothing has changed in between: whoever comes last leaves them right.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tabveil.errors import ArtifactError, TrackingError
from tabveil.search.pareto import Point, aliases, front
from tabveil.tracking.aliases import aliases_of, drop_alias, set_aliases
from tabveil.tracking.artifacts import download
from tabveil.tracking.models import text_digest
from tabveil.tracking.registry import (
    DIGEST,
    WEIGHTS,
    Version,
    fetched,
    tag,
    versions,
)

VERDICT_FILE, REPORT, CARD = "verdict.json", "report.html", "README.md"
"""What is said of a registered generator: beside it, but for the report, which its run keeps."""
ALIASES = ("most-useful", "balanced", "most-private")
VERDICT, WITHDRAWN, DOMINATED = "verdict", "withdrawn", "dominated_by"
MEASURED_BY = "measured_by"
"""A digest of the attacks, metrics and confidence: numbers of others cannot be compared."""
_MOST_ROUNDS = 20


def releases(there: Sequence[Version]) -> list[Version]:
    """The versions that passed their gate and were not withdrawn.

    What is withdrawn is the model: other versions with the same weights go with it.
    """
    gone = {_model(version) for version in there if WITHDRAWN in version.tags}
    return [v for v in there if v.tags.get(VERDICT) == "pass" and _model(v) not in gone]


def place_aliases(uri: str, name: str) -> dict[str, int]:
    """Let the aliases point at the releases that no other one beats; tag those that are beaten.

    Numbers of different attacks cannot be compared: among what was measured as the newest release
    was.

    Returns:
        Alias → version; empty where there is no release.

    Raises:
        TrackingError: the registry cannot be reached, or never stops changing.
    """
    for _ in range(_MOST_ROUNDS):
        there = versions(uri, name)
        if not there:
            return {}
        points = _comparable(releases(there))
        wanted = {alias: point.number for alias, point in aliases(points).items()} if points else {}
        set_aliases(uri, name, wanted)
        for alias in set(aliases_of(uri, name)) & set(ALIASES) - set(wanted):
            drop_alias(uri, name, alias)
        _tag_dominated(uri, there, points)
        if _comparable(releases(versions(uri, name))) == points and wanted == {
            alias: number for alias, number in aliases_of(uri, name).items() if alias in ALIASES
        }:
            return wanted
    raise TrackingError(f"the releases of {name!r} keep changing; run the command again")


def withdraw(uri: str, version: Version, why: str) -> dict[str, int]:
    """Take a release back, under every verdict on the same model; the aliases move on.

    Returns:
        Alias → version.
    """
    for other in versions(uri, version.name):
        if other.number == version.number or _model(other) == _model(version):
            tag(uri, version.name, other.number, {WITHDRAWN: why})
    return place_aliases(uri, version.name)


def standing(uri: str, name: str, aliases: Mapping[str, int]) -> dict[str, Any]:
    """What is to be said of a model's releases now, JSON-able: aliases, and what was withdrawn."""
    there = versions(uri, name)
    gone = {str(v.number): v.tags[WITHDRAWN] for v in there if v.tags.get(WITHDRAWN)}
    return {"model": name, "aliases": dict(aliases), "withdrawn": gone}


def read_file(uri: str, version: Version, name: str, *, digest_tag: str) -> str:
    """A text that lies beside a registered generator, held against its digest.

    Raises:
        ArtifactError: it was altered.
        TrackingError: it is not there.
    """
    _require_confirmed(version)
    with fetched(uri, version, name) as path:
        text = path.read_text(encoding="utf-8")
    return _checked(version, name, text, digest_tag)


def read_report(uri: str, version: Version) -> str:
    """The report, from the run that made the version. Raises as `read_file`."""
    _require_confirmed(version)
    with tempfile.TemporaryDirectory() as scratch:
        place = version.tags.get("report_path", "")
        path = download(uri, version.tags["run_id"], f"{place}/{REPORT}", Path(scratch))
        text = path.read_text(encoding="utf-8")
    return _checked(version, REPORT, text, "report_digest")


def _require_confirmed(version: Version) -> None:
    if VERDICT not in version.tags:
        raise ArtifactError(
            f"{version.name} version {version.number} was never confirmed: nothing is said of it"
        )


def _checked(version: Version, name: str, text: str, digest_tag: str) -> str:
    if text_digest(text) != version.tags.get(digest_tag):
        raise ArtifactError(
            f"{version.name} version {version.number}: {name} is not what was registered (its "
            f"digest differs from the tag {digest_tag}); do not rely on it"
        )
    return text


def _model(version: Version) -> str | None:
    return version.tags.get(WEIGHTS) or version.tags.get(DIGEST)


def _comparable(there: Sequence[Version]) -> list[Point]:
    """A point a model, of those that were measured as the newest was; by its worst verdict."""
    newest = max(there, key=lambda version: version.number, default=None)
    if newest is None:
        return []
    alike = [v for v in there if v.tags.get(MEASURED_BY) == newest.tags.get(MEASURED_BY)]
    of_model: dict[str | None, list[Version]] = {}
    for version in alike:
        of_model.setdefault(_model(version), []).append(version)
    return sorted((_worst(same) for same in of_model.values()), key=lambda point: point.number)


def _worst(same: Sequence[Version]) -> Point:
    """What several verdicts on one model leave to say; it goes by its newest version."""
    utility, low, high = (
        [float(version.tags[key]) for version in same]
        for key in ("utility", "risk_low", "risk_high")
    )
    number = max(version.number for version in same)
    return Point(number, min(utility), max(high), max(low), max(high))


def _tag_dominated(uri: str, there: Sequence[Version], points: Sequence[Point]) -> None:
    """Tag the releases that another one beats; those that cannot be compared keep no such tag."""
    best = front(points)
    by_number = {point.number: point for point in points}
    for version in there:
        point = by_number.get(version.number)
        beaten = None
        if point is not None and point not in best:
            beaten = next(
                other.number
                for other in best
                if other.utility >= point.utility and other.risk <= point.risk
            )
        if str(beaten or "") != version.tags.get(DOMINATED, ""):
            tag(uri, version.name, version.number, {DOMINATED: beaten})
