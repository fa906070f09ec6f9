"""A password in a URI is written nowhere."""

import pytest

from tabveil.config.compose import compose_command
from tabveil.redaction import hide_passwords


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:pw@host:5000/x", "http://me:***@host:5000/x"),
        (
            "uri='postgresql+psycopg2://u:p%40w@db/x' and",
            "uri='postgresql+psycopg2://u:***@db/x' and",
        ),
        ("postgresql://u:p/w@x@db/x y@z", "postgresql://u:***@db/x y@z"),
        ("http://u:p@w@host/x", "http://u:***@host/x"),
        (
            "postgresql://db/x?user=u&password=p%2Fw&a=b",
            "postgresql://db/x?user=u&password=***&a=b",
        ),
        ("http://host:5000/@x", "http://host:5000/@x"),
        ("sqlite:////a/b:c/mlflow.db", "sqlite:////a/b:c/mlflow.db"),
        ("models:/randhie@balanced", "models:/randhie@balanced"),
    ],
)
def test_the_password_goes_and_the_rest_stays(text, shown):
    assert hide_passwords(text) == shown


def test_a_composed_configuration_shows_and_logs_none():
    words = ["tracking.uri='http://me:hush@h'", "sweep.storage='postgresql://me:hush@h/d'"]
    composition = compose_command("sweep", words)
    assert "hush" not in composition.to_yaml()
    assert "hush" not in str(composition.flat())
    assert composition.node.tracking.uri == "http://me:hush@h"
