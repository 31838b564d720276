"""FHIR REST routes, made from the registry of interactions. FHIR R4 3.1.0."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from hashlib import sha256
from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path

from fhir_server.clock import Ids
from fhir_server.definitions.elements import resource_types
from fhir_server.errors import (
    FhirError,
    InvalidParameter,
    Malformed,
    MethodNotAllowed,
    NotAuthenticated,
    ResourceNotFound,
)
from fhir_server.interactions.capabilities import OperationsOn, capability_statement
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse
from fhir_server.interactions.registry import Interaction, interactions
from fhir_server.interactions.terminology_capabilities import terminology_capabilities
from fhir_server.operations.invocation import Operations
from fhir_server.operations.registry import Operation, operation_definitions, operations
from fhir_server.rest.binary import (
    binary_of,
    content_response,
    sends_content,
    wants_content,
)
from fhir_server.rest.body import read_body
from fhir_server.rest.caller import address_of, caller_of, fhir_of, request_id_of
from fhir_server.rest.negotiation import (
    FORM,
    JSON,
    JSON_PATCH,
    check_content_type,
    json_body,
    rendered,
    wanted_format,
)
from fhir_server.rest.open_api import open_api

_EVERY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_MODES = ("full", "normative", "terminology")
Endpoint = Callable[[Request], Awaitable[Response]]


def fhir_router(ids: Ids) -> APIRouter:
    """All FHIR routes, to be mounted under the FHIR base."""
    router = APIRouter()
    offered = operations(ids)
    table = interactions(ids, Operations(offered).entry)
    router.add_api_route(
        "/metadata",
        _metadata(table, partial(operation_definitions, offered)),
        methods=["GET", "HEAD"],
        name="capabilities",
        response_model=None,
    )
    router.add_api_route(
        "/openapi.json",
        _open_api(table, offered),
        methods=["GET", "HEAD"],
        name="openapi",
        response_model=None,
    )
    for one in table:
        if one.code == "batch":  # shares the address and the handler of transaction
            continue
        paths = ["", "/"] if one.path == "/" else [one.path]
        for path in paths:
            router.add_api_route(
                path, _endpoint(one), methods=_methods(one), name=one.code, response_model=None
            )
    for path in ("", "/{rest:path}"):
        router.add_api_route(
            path, _nowhere(table), methods=_EVERY_METHOD, name="nowhere", response_model=None
        )
    return router


def _nowhere(table: tuple[Interaction, ...]) -> Endpoint:
    """Says that an address takes other methods, which the router itself knows the first of only."""
    places = [(compile_path(one.path)[0], _methods(one)) for one in table]

    async def nowhere(request: Request) -> Response:
        path = f"/{request.path_params.get('rest', '')}"
        allowed = {name for form, names in places if form.match(path) for name in names}
        if not allowed:
            raise ResourceNotFound("There is nothing at this address.")
        headers = {"Allow": ", ".join(sorted(allowed))}
        raise MethodNotAllowed("This address does not take this method.", headers=headers)

    return nowhere


def _methods(one: Interaction) -> list[str]:
    # What GET answers HEAD answers without the body, which Starlette leaves out.
    return ["GET", "HEAD"] if one.method == "GET" else [one.method]


def _metadata(table: tuple[Interaction, ...], operations_on: OperationsOn) -> Endpoint:
    async def metadata(request: Request) -> Response:
        format = wanted_format(request)
        settings = fhir_of(request).server.settings
        mode = request.query_params.get("mode", "full")
        if mode not in _MODES:
            raise InvalidParameter(f"mode is one of: {', '.join(_MODES)}.")
        if mode == "terminology":
            body = terminology_capabilities(_base(request))
        else:
            body = capability_statement(
                table, _base(request), settings, operations_on, normative=mode == "normative"
            )
        etag = f'W/"{sha256(body).hexdigest()[:16]}"'
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={"ETag": etag})
        content = rendered(request, body, format)
        return Response(content, headers={"ETag": etag}, media_type=format)

    return metadata


def _open_api(table: tuple[Interaction, ...], offered: tuple[Operation, ...]) -> Endpoint:
    async def describe(request: Request) -> Response:
        body = open_api(table, offered, _base(request))
        return Response(body, media_type="application/json")

    return describe


def _endpoint(one: Interaction) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            caller = await caller_of(request)
        except NotAuthenticated as error:
            await fhir_of(request).refused(one.code, address_of(request), request_id_of(request))
            raise error from None
        format = JSON if wants_content(request, one.code) else wanted_format(request)
        asked = await _request(request, one)
        prefer = request.headers.get("prefer", "")
        server = fhir_of(request).server
        context = Context(
            server=server,
            caller=caller,
            base=_base(request),
            directives=await server.directives.current(caller.directives),
            request_id=request_id_of(request),
            address=address_of(request),
            lenient="handling=lenient" in prefer,
        )
        try:
            answered = await one.handler(asked, context)
        except FhirError as error:
            await context.refused(asked, error)
            raise
        return await _response(request, one, answered, format)

    return endpoint


async def _request(request: Request, one: Interaction) -> FhirRequest:
    settings = fhir_of(request).server.settings
    limit = settings.body_limit
    query = parse_qsl(request.url.query, keep_blank_values=True)
    body, resource = b"", None
    if one.path.endswith("_search") and one.method == "POST":
        sent = await read_body(request, limit)
        if sent or "content-type" in request.headers:
            check_content_type(request, FORM)
        query += _form(sent, settings.requests.form_fields)
    elif sends_content(request, one.code):
        resource = binary_of(request, await read_body(request, limit))
    elif one.method in ("POST", "PUT", "PATCH"):
        others = (JSON_PATCH,) if one.method == "PATCH" else ()
        sent = await read_body(request, limit)
        body = json_body(request, sent, settings.requests.json_depth, others=others)
    type = request.path_params.get("type")
    if type is not None and type not in resource_types():
        raise ResourceNotFound("FHIR R4 has no resource type of that name.")
    return FhirRequest(
        interaction=one.code,
        type=type,
        id=request.path_params.get("id"),
        version=request.path_params.get("version"),
        body=body,
        resource=resource,
        parameters=tuple(query),
        if_match=request.headers.get("if-match"),
        if_none_exist=request.headers.get("if-none-exist"),
        if_none_match=request.headers.get("if-none-match"),
        if_modified_since=request.headers.get("if-modified-since"),
        content_type=request.headers.get("content-type", ""),
        prefer=request.headers.get("prefer", ""),
    )


def _form(body: bytes, most: int) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=most)
    except UnicodeDecodeError:
        raise Malformed("The form is not UTF-8.") from None
    except ValueError:
        raise Malformed(f"A form here has at most {most} parameters.") from None


async def _response(
    request: Request, one: Interaction, answered: FhirResponse, format: str
) -> Response:
    stored = answered.stored
    headers = dict(answered.headers)
    if answered.location:
        headers["Location"] = answered.location
    if stored is not None:
        headers["ETag"] = stored.etag
        headers["Last-Modified"] = f"{stored.last_updated:%a, %d %b %Y %H:%M:%S} GMT"
    if stored is not None and answered.status == 200 and wants_content(request, one.code):
        content = fhir_of(request).server.store.content(stored)
        return content_response(request, stored, content, headers)
    headers["Cache-Control"] = "no-store"
    body = rendered(request, answered.body, format)
    return Response(body, answered.status, headers, format if body else None)


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/") + "/fhir"
