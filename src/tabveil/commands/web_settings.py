"""What does the configuration say of the web service?"""

from __future__ import annotations

from tabveil.config.compose import Composition
from tabveil.config.settings import Base, Web, read
from tabveil.errors import ConfigError
from tabveil.web.settings import (
    LOCAL,
    Settings,
    check_open,
    default_database,
    digest_of,
    own_secret,
    read_tokens,
)

_MIB = 2**20


def web_settings(composition: Composition) -> tuple[Settings, str | None]:
    """The service's settings, and the token that it drew for itself, if it did.

    Raises ConfigError for what cannot be, such as a service without a token that listens elsewhere.
    """
    base, web = read(composition, Base), read(composition, Web, "web")
    root = base.root.absolute()
    if set(str(root)) & set("'\\$"):
        raise ConfigError(
            f"root={root}: a folder without quotes, backslashes, dollar signs, please"
        )
    check_open(web.host, open_to_all=web.open)
    token = None
    if web.tokens is not None:
        tokens = read_tokens(web.tokens.expanduser())
    elif web.open:
        tokens = {}
    else:
        token = own_secret(root / "web" / "token")
        tokens = {digest_of(token): LOCAL}
    settings = Settings(
        root=root,
        host=web.host,
        port=web.port,
        names=tuple(web.names),
        database=web.database or default_database(root),
        tokens=tokens,
        open_to_all=web.open,
        secret=own_secret(root / "web" / "secret").encode(),
        n_long=web.n_long,
        n_short=web.n_short,
        max_upload_bytes=web.max_upload_mb * _MIB,
        max_rows=web.max_rows,
        max_tables=web.max_tables,
        memory_bytes=web.memory_mb * _MIB,
        reading_seconds=web.reading_seconds,
        keep_days=web.keep_days,
        mlflow_url=web.mlflow_url,
        per_minute=web.per_minute,
    )
    return settings, token
