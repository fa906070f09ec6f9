"""`tabveil withdraw model=models:/randhie/3 why=…`: take a release back; the aliases move on."""

from __future__ import annotations

import json

from tabveil.config.compose import Composition
from tabveil.config.settings import Base, LedgerSettings, Tracking, Withdraw, read
from tabveil.releases import standing, withdraw
from tabveil.report.terminal import say
from tabveil.tracking.ledger import Ledger, Line
from tabveil.tracking.registry import find_version
from tabveil.tracking.store import open_tracking


def run(composition: Composition) -> None:
    """Tag the version, write it down, and let the aliases point at what is left."""
    base, settings = read(composition, Base), read(composition, Withdraw)
    root = base.root
    ledger = Ledger.at(read(composition, LedgerSettings, "ledger").url, root=root)
    uri = open_tracking(read(composition, Tracking, "tracking").uri, root=root)
    version = find_version(uri, settings.model)
    name = f"{version.name}/{version.number}"
    detail = {"why": settings.why}
    ledger.append(Line("withdraw", version.tags.get("data_digest", ""), name, detail))
    left = withdraw(uri, version, settings.why)
    if base.out is not None:
        text = json.dumps(standing(uri, version.name, left))
        (base.out / "standing.json").write_text(text + "\n", encoding="utf-8")
    say(f"{name} is withdrawn: {settings.why}")
    for alias, number in left.items():
        say(f"  models:/{version.name}@{alias} → version {number}")
    if not left:
        say(f"{version.name} has no release left.")
