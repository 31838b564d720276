"""Every error as an OperationOutcome; under /auth as RFC 6749 JSON. A 500 says but an id."""

from __future__ import annotations

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fhir_server.errors import FhirError, Issue, Malformed, NotAcceptable, Unavailable
from fhir_server.formats.xml_writer import to_xml
from fhir_server.interactions.outcome import operation_outcome
from fhir_server.resource import dumps
from fhir_server.rest.negotiation import XML, wanted_format

FHIR_JSON = "application/fhir+json"
_OAUTH = {400: "invalid_request", 401: "invalid_grant", 403: "access_denied", 429: "slow_down"}
_ISSUE = {404: "not-found", 405: "not-supported", 413: "too-long", 415: "not-supported"}
_log = structlog.get_logger("aimed.http")


def install(app: FastAPI) -> None:
    """Render every error of `app` in its protocol's form."""
    app.add_exception_handler(FhirError, _fhir_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_middleware(ErrorBoundary)


def answer_to(request: Request, error: FhirError) -> Response:
    """The response of a refusal that happens before a route is found."""
    return _negotiated(request, error.status, error.issues, error.headers)


async def _fhir_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, FhirError)
    return answer_to(request, error)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _ISSUE.get(error.status_code, "processing")
    text = {
        404: "There is nothing at this address.",
        405: "This address does not take this method.",
    }.get(error.status_code, str(error.detail))
    headers = dict(error.headers or {})
    return _negotiated(request, error.status_code, (Issue(code, text),), headers)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    issues = tuple(
        Issue(
            "structure", problem["msg"], expression=(".".join(str(p) for p in problem["loc"][1:]),)
        )
        for problem in error.errors()
    )
    return render(request.url.path, Malformed.status, issues, {})


def _negotiated(
    request: Request, status: int, issues: tuple[Issue, ...], headers: dict[str, str]
) -> Response:
    """The response in the format the client likes, JSON when it takes neither."""
    answer = render(request.url.path, status, issues, headers)
    try:
        wants_xml = request.url.path.startswith("/fhir") and wanted_format(request) == XML
    except NotAcceptable:
        return answer
    if not wants_xml:
        return answer
    return Response(to_xml(operation_outcome(issues)), status, headers, XML)


def render(path: str, status: int, issues: tuple[Issue, ...], headers: dict[str, str]) -> Response:
    """The response in the form of the protocol that owns `path`."""
    if path.startswith("/auth/"):
        code = _OAUTH.get(status, "server_error" if status >= 500 else "invalid_request")
        body = dumps({"error": code, "error_description": issues[0].diagnostics})
        return Response(body, status, {"Cache-Control": "no-store", **headers}, "application/json")
    return Response(dumps(operation_outcome(issues)), status, headers, FHIR_JSON)


class ErrorBoundary:
    """The outermost layer: what nobody expected is answered and logged without its text.

    An exception's text can hold what the request held, so the log names its type and place only.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass requests on; answer 500 or 503 if they fail and nothing was sent yet."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            _log.error("unexpected", fault=type(error).__name__, place=_place(error))
            if started:
                raise ConnectionAbortedError("the response broke off") from None
            await _fault(scope, error)(scope, receive, send)


def _fault(scope: Scope, error: Exception) -> Response:
    request_id = scope.get("state", {}).get("request_id") or "unknown"
    if _is_outage(error):
        text = "A server this one depends on does not answer. Try again in a moment."
        return render(scope["path"], 503, (Issue(Unavailable.code, text),), {"Retry-After": "2"})
    text = f"Something went wrong on our side. Quote request {request_id} when you report it."
    return render(scope["path"], 500, (Issue("exception", text),), {})


def _is_outage(error: Exception) -> bool:
    # By module, because pymongo is imported in stores only and redis above this package.
    family = type(error).__module__.partition(".")[0]
    names = {base.__name__ for base in type(error).__mro__}
    return family in ("pymongo", "redis") and bool(
        names & {"ConnectionFailure", "ConnectionError", "TimeoutError"}
    )


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown"
    code = trace.tb_frame.f_code
    return f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} {code.co_name}"
