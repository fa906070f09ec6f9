"""`tabveil report model=models:/randhie@balanced out=report.html`: the release's page."""

from __future__ import annotations

import json

from tabveil.config.compose import Composition
from tabveil.config.settings import Base, LedgerSettings, Report, Tracking, read
from tabveil.errors import ConfigError
from tabveil.releases import DOMINATED, VERDICT_FILE, WITHDRAWN, read_file, read_report
from tabveil.report.terminal import say
from tabveil.statement import in_words
from tabveil.tracking.ledger import Ledger
from tabveil.tracking.registry import DIGEST, find_version
from tabveil.tracking.store import open_tracking


def run(composition: Composition) -> None:
    """Write the page as it was registered; say the verdict and what has changed since."""
    base, settings = read(composition, Base), read(composition, Report)
    uri = open_tracking(read(composition, Tracking, "tracking").uri, root=base.root)
    version = find_version(uri, settings.model)
    document = json.loads(read_file(uri, version, VERDICT_FILE, digest_tag="verdict_digest"))
    html = read_report(uri, version)
    if document["candidate"]["model_digest"] != version.tags.get(DIGEST):
        raise ConfigError(f"{settings.model}: its verdict speaks of another model; do not use it")
    out = base.out or base.root / "reports" / f"{version.name}-{version.number}.html"
    if out.is_dir():
        raise ConfigError(f"out={out} is a folder; name a file")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(html, encoding="utf-8")
    say(f"{version.name} version {version.number}. {' '.join(in_words(document))}")
    _say_since(composition, base, version.tags, document["candidate"])
    say(f"The report: {out}")


def _say_since(
    composition: Composition, base: Base, tags: object, candidate: dict[str, object]
) -> None:
    """What has happened since the report was written."""
    assert hasattr(tags, "get")
    if tags.get(WITHDRAWN):
        say(f"WITHDRAWN since: {tags.get(WITHDRAWN)}")
    if tags.get(DOMINATED):
        say(f"Version {tags.get(DOMINATED)} is at least as useful at no greater risk.")
    ledger = Ledger.at(read(composition, LedgerSettings, "ledger").url, root=base.root)
    now, then = ledger.n_openings(str(candidate["data_digest"])), candidate["openings"]
    say(f"The release rows were opened {now} times until now, {then} when it was written.")
