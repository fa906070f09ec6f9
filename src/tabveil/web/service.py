"""What makes up a running service?"""

from __future__ import annotations

from dataclasses import dataclass

from tabveil.web.database import Database
from tabveil.web.events import Events
from tabveil.web.jobs import Jobs
from tabveil.web.settings import Settings
from tabveil.web.shelf import Shelf
from tabveil.web.uploads import Uploads


@dataclass(frozen=True)
class Service:
    """Everything that pages, API and worker share."""

    settings: Settings
    database: Database
    uploads: Uploads
    jobs: Jobs
    shelf: Shelf
    events: Events

    @classmethod
    def open(cls, settings: Settings) -> Service:
        """Open the database; folders are made where they are missing. Raises ConfigError."""
        settings.home.mkdir(parents=True, exist_ok=True)
        settings.home.chmod(0o700)
        database = Database.at(settings.database)
        events = Events(database)
        jobs = Jobs(settings, database, events)
        return cls(
            settings,
            database,
            Uploads(settings, database, jobs, events),
            jobs,
            Shelf(settings, database),
            events,
        )
