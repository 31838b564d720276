"""The OpenAPI description of the FHIR address, computed from the tables that route requests.

OpenAPI 3.1.0, https://spec.openapis.org/oas/v3.1.0. The CapabilityStatement says per type which
search parameters there are; here they are one free set.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from typing import Any

from fhir_server.definitions.elements import resource_types
from fhir_server.errors import ERRORS
from fhir_server.interactions.registry import Interaction
from fhir_server.operations.registry import Operation
from fhir_server.resource import dumps
from fhir_server.rest.negotiation import FORM, JSON, JSON_PATCH, XML

Schema = dict[str, Any]

_RENDERING: dict[str, Schema] = {
    "_format": {"enum": ["json", "xml", JSON, XML]},
    "_pretty": {"type": "boolean"},
    "_summary": {"enum": ["true", "text", "data", "count", "false"]},
    "_elements": {"type": "string"},
}
_HISTORY: dict[str, Schema] = {
    "_count": {"type": "integer", "minimum": 0},
    "_since": {"type": "string", "format": "date-time"},
    "_at": {"type": "string"},
    "_format": _RENDERING["_format"],
    "_pretty": _RENDERING["_pretty"],
}
_HEADERS: dict[str, tuple[str, ...]] = {
    "read": ("If-None-Match", "If-Modified-Since", "Range"),
    "vread": ("If-None-Match", "If-Modified-Since", "Range"),
    "create": ("If-None-Exist", "Prefer"),
    "update": ("If-Match", "If-None-Match", "Prefer"),
    "patch": ("If-Match", "Prefer"),
    "delete": ("If-Match",),
}
_SUCCESS: dict[str, tuple[str, ...]] = {
    "create": ("200", "201"),
    "update": ("200", "201"),
    "delete": ("200", "204"),
    "read": ("200", "206", "304", "416"),
    "vread": ("200", "206", "304", "416"),
}


_EMPTY = ("204", "304", "416")


def open_api(table: Iterable[Interaction], operations: Iterable[Operation], base: str) -> bytes:
    """The document, as JSON."""
    return _document(tuple(table), tuple(operations), base)


@cache
def _document(
    table: tuple[Interaction, ...], operations: tuple[Operation, ...], base: str
) -> bytes:
    paths: dict[str, Schema] = {}
    for one in table:
        if one.code != "batch":  # shares the address of transaction
            paths.setdefault(one.path, {})[one.method.lower()] = _interaction(one)
    for operation in operations:
        for path, methods in _operation(operation).items():
            paths.setdefault(path, {}).update(methods)
    return dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "AI Med FHIR server", "version": version("aimed")},
            "servers": [{"url": base}],
            "security": [{"bearer": []}],
            "paths": paths,
            "components": {
                "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
                "schemas": {
                    "Resource": _resource(None),
                    "OperationOutcome": _resource("OperationOutcome"),
                },
            },
        }
    )


def _interaction(one: Interaction) -> Schema:
    described: Schema = {
        "operationId": f"{one.code} {one.method} {one.path}",
        "summary": f"FHIR {one.code}",
        "parameters": [
            *_path_parameters(one.path),
            *_query_parameters(one.code),
            *({"name": name, "in": "header", "schema": {"type": "string"}}
              for name in _HEADERS.get(one.code, ())),
        ],
        "responses": _responses(_SUCCESS.get(one.code, ("200",))),
    }  # fmt: skip
    body = _body(one)
    if body:
        described["requestBody"] = {"required": True, "content": body}
    return described


def _body(one: Interaction) -> Schema:
    if one.path.endswith("_search"):
        return {FORM: {"schema": {"type": "object"}}}
    if one.method not in ("POST", "PUT", "PATCH"):
        return {}
    resource = {"schema": {"$ref": "#/components/schemas/Resource"}}
    if one.code == "patch":
        operations = {"type": "array", "items": {"type": "object", "required": ["op", "path"]}}
        return {JSON_PATCH: {"schema": operations}, JSON: resource}
    return {JSON: resource, XML: {"schema": {"type": "string"}}}


_ACCEPTED = {"reindex": ("200", "202")}
"""Operations that answer before their work is done."""


def _operation(one: Operation) -> dict[str, Schema]:
    """Path to methods, for every place where an operation may be called."""
    places = {"system": "", "type": "/{type}", "instance": "/{type}/{id}"}
    found = {}
    for level in one.levels:
        path = f"{places[level]}/${one.name}"
        named: Schema = {
            "summary": f"FHIR operation ${one.name}",
            "externalDocs": {"url": one.definition},
            "parameters": [
                *_path_parameters(path, one.types),
                *({"name": name, "in": "query", "schema": {"type": "string"}}
                  for name in sorted(one.parameters)),
            ],
            "responses": _responses(_ACCEPTED.get(one.name, ("200",))),
        }  # fmt: skip
        content = {JSON: {"schema": {"$ref": "#/components/schemas/Resource"}}}
        post = {**named, "operationId": f"POST {path}", "requestBody": {"content": content}}
        get = {} if one.affects_state else {"get": {**named, "operationId": f"GET {path}"}}
        found[path] = {"post": post, **get}
    return found


def _path_parameters(path: str, types: Iterable[str] = ()) -> list[Schema]:
    schemas = {
        "type": {"enum": sorted(types or resource_types())},
        "id": {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"},
        "version": {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"},
    }
    return [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name, schema in schemas.items()
        if f"{{{name}}}" in path
    ]


def _query_parameters(code: str) -> list[Schema]:
    known = _RENDERING
    if code.startswith("history"):
        known = _HISTORY
    elif code in ("create", "update", "patch", "delete", "transaction"):
        known = {}
    named: list[Schema] = [
        {"name": name, "in": "query", "schema": one} for name, one in known.items()
    ]
    if code.startswith("search") or code in ("update", "patch", "delete"):
        free: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
        named.append({"name": "parameters", "in": "query", "explode": True, "schema": free})
    return named


def _responses(statuses: Iterable[str]) -> dict[str, Schema]:
    content = {JSON: {"schema": {"$ref": "#/components/schemas/Resource"}}}
    outcome = {JSON: {"schema": {"$ref": "#/components/schemas/OperationOutcome"}}}
    answers: dict[str, Schema] = {
        one: {
            "description": "Done",
            **({} if one in ("204", "304", "416") else {"content": content}),
        }
        for one in statuses
    }
    for error in sorted({error.status for error in ERRORS}):
        answers.setdefault(
            str(error), {"description": "An OperationOutcome that says why", "content": outcome}
        )
    return answers


def _resource(type: str | None) -> Schema:
    name = {"const": type} if type else {"enum": sorted(resource_types())}
    return {"type": "object", "required": ["resourceType"], "properties": {"resourceType": name}}
