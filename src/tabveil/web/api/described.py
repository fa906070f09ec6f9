"""Which problems can a route answer with? For the OpenAPI description, which shows all of them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from tabveil.web.problems import MEDIA_TYPE, Problem

_MEANINGS = {
    400: "Malformed, or meant for another host",
    401: "No token, or none that is known",
    403: "Sent by a page of another origin",
    404: "Nothing of this name, or it is somebody else's: the same answer",
    408: "The body stopped coming",
    409: "Not in this state",
    413: "Larger than is taken",
    415: "An encoding that is not taken",
    422: "It does not fit; `mistakes` says where",
    429: "Too often; `Retry-After` says how many seconds to wait",
    500: "A fault of the server",
    507: "The disk is full",
}
Responses = dict[int | str, dict[str, Any]]


def problems(*statuses: int) -> Responses:
    """The part of a route's description that says which problems it has."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _MEANINGS[status], "content": content} for status in statuses}


def file_of(*media_types: str) -> Responses:
    """The part that says that a route answers with a file."""
    bytes_of_it: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
    content = dict.fromkeys(media_types, bytes_of_it)
    if "application/yaml" in content:  # readers of the description parse it
        content["application/yaml"] = {"schema": {}}
    return {200: {"description": "The file", "content": content}}


EVERYWHERE = problems(400, 401, 403, 413, 422, 429, 500)


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description, with the problem's schema and the token."""
    if app.openapi_schema is None:
        told = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        parts = told.setdefault("components", {})
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        parts.setdefault("schemas", {}).update(schema.pop("$defs"), Problem=schema)
        parts["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"},
            "cookie": {"type": "apiKey", "in": "cookie", "name": "tabveil_session"},
        }
        told["security"] = [{"token": []}, {"cookie": []}]
        app.openapi_schema = told
    return app.openapi_schema
