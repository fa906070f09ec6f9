"""The API's description, to read and to try: Swagger UI, from this server only."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

from tabveil.web.api import PREFIX
from tabveil.web.api.described import describe
from tabveil.web.headers import DOCS_POLICY

router = APIRouter(include_in_schema=False)
_FROM = "/static/vendor/swagger-ui"
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>tabveil: API</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="{_FROM}/swagger-ui.css">
<script src="{_FROM}/swagger-ui-bundle.js" defer></script>
<script src="{_FROM}/start.js" defer></script>
</head>
<body><main id="swagger-ui"></main></body>
</html>
"""


@router.get("/docs")
def show_docs() -> HTMLResponse:
    """The page."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": DOCS_POLICY})


@router.get(f"{PREFIX}/openapi.json")
def show_description(request: Request) -> JSONResponse:
    """What the page shows, for programs."""
    return JSONResponse(describe(request.app))
