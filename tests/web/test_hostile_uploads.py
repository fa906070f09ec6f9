"""A sample of `scripts/hostile_uploads.py`: every kind of body and of framing once."""

from __future__ import annotations

from hostile.attempts import FRAMES, attempts
from hostile.bodies import BODIES
from hostile_uploads import Target, run
from web_server import ANN

from tabveil.web.uploads import Uploads


def test_no_hostile_upload_gets_a_5xx_or_leaves_anything(server):
    n = len(BODIES) + len(FRAMES)
    target = Target(server.url, ANN, root=server.service.settings.root)
    findings = run(target, n, seed=0)
    assert findings.wrong == []
    assert findings.answers.total() == n
    assert findings.answers["201"] > 20
    assert findings.answers["400"] > 3


def test_the_attempts_are_the_same_for_the_same_seed():
    drawn = [[one.raw("h", "t") for one in attempts(60, seed)] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_server_that_fails_is_found_out(server, monkeypatch):
    async def fail(*_):
        raise ValueError

    monkeypatch.setattr(Uploads, "receive", fail)
    assert any(line.endswith(": 500") for line in run(Target(server.url, ANN), 3, seed=0).wrong)
