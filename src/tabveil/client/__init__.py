"""How does a program use a tabveil server? The REST API, as a few typed calls.

    client = Client("http://127.0.0.1:8000", token)
    upload = client.upload("patients.csv")
    client.wait(upload.inspection)
    sweep = client.wait(client.start_sweep(upload.id, target="readmitted", effort="quick").id)
    client.wait(client.confirm(sweep.id).id)
    best = client.releases()[0]
    path = client.sample(best.id, 10_000, "rows.parquet")

What the server refuses is a `ServerProblem`, in the server's words; a job that does not end well is
a `JobEnded`; rows that came incomplete are a `CutShort`, and no file is left of them.
"""

from tabveil.client.calls import Client
from tabveil.client.shapes import (
    CutShort,
    Event,
    Job,
    JobEnded,
    Release,
    ServerProblem,
    Upload,
)

__all__ = [
    "Client",
    "CutShort",
    "Event",
    "Job",
    "JobEnded",
    "Release",
    "ServerProblem",
    "Upload",
]
