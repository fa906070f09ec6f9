"""`tabveil verify rows=FOLDER`: is a folder of drawn rows what its manifest says?"""

from __future__ import annotations

from tabveil.config.compose import Composition
from tabveil.config.looking import Verify
from tabveil.config.settings import read
from tabveil.report.terminal import say
from tabveil.tracking.manifest import check_folder


def run(composition: Composition) -> None:
    """Read every byte of every part; what is wrong ends it with one line."""
    folder = read(composition, Verify).rows
    manifest = check_folder(folder)
    say(
        f"{folder}: {manifest.rows} rows in {len(manifest.parts)} parts, all as the manifest says "
        f"(drawn by tabveil {manifest.tabveil} from {manifest.asked.get('model')}, "
        f"seed {manifest.asked.get('seed')})"
    )
