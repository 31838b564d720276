"""POST /hl7v2: a message or a batch in, its acknowledgement as the body of the answer.

The status is 200 for AA and CA, 400 for AR and CR, 500 for AE and CE, 202 without a body when the
sender wants no acknowledgement, and 200 for a batch, whatever is in it. The caller needs a token
with `system/MessageHeader.c`. Before the answer leaves the audit trail has who sent it, from where,
and what became of it; who is refused is there too.

Source: HL7 over HTTP, https://hapifhir.github.io/hapi-hl7v2/hapi-hl7overhttp/specification.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.auth.access import permit
from fhir_server.auth.caller import Caller
from fhir_server.auth.scopes import grants
from fhir_server.errors import (
    FhirError,
    Malformed,
    NotPermitted,
    RateLimited,
    TooLarge,
    UnsupportedMedia,
)
from fhir_server.rest.caller import caller_of
from fhir_server.rest.recording import record
from integrations.hl7v2.batch_intake import receive_batch
from integrations.hl7v2.intake import Intake
from integrations.hl7v2.message import NotHl7
from integrations.hl7v2.message.batch import is_batch
from integrations.hl7v2.message.delimiters import header_start, of_message
from integrations.hl7v2.settings import Hl7v2Settings
from integrations.hl7v2.source import Source

MEDIA_TYPE = "application/hl7-v2"
_TAKEN = (MEDIA_TYPE, "x-application/hl7-v2+er7", "application/hl7-v2+er7")
_STATUS = {"AA": 200, "CA": 200, "AR": 400, "CR": 400, "AE": 500, "CE": 500}
_ASKED = "POST /hl7v2"
_Told = Mapping[str, str | int]
"""What the audit trail says of an answer: the message by its id in the store, no content."""

_BATCH = 4
"""A batch may be this many times as large as a message."""


def hl7v2_router(settings: Hl7v2Settings) -> APIRouter:
    """The route. The application's lifespan sets `app.state.hl7v2_intake`."""

    async def post(request: Request) -> Response:
        caller: Caller | None = None
        try:
            caller = await caller_of(request)
            _permit(caller)
            answer, told = await _received(request, caller, settings)
        except RateLimited:  # whoever sends too much does not fill the audit trail either
            raise
        except FhirError as error:
            await record(request, caller, "import", error.status, query=_ASKED)
            raise
        asked = f"{_ASKED}?{urlencode(told)}"
        await record(request, caller, "import", answer.status_code, query=asked)
        return answer

    router = APIRouter()
    router.add_api_route("/hl7v2", post, methods=["POST"], include_in_schema=False)
    return router


async def _received(
    request: Request, caller: Caller, settings: Hl7v2Settings
) -> tuple[Response, _Told]:
    limit = settings.limits.message_bytes
    source = Source("http", caller.reference, charset=_media(request), ack_after=settings.ack_after)
    raw = await _body(request, _BATCH * limit)
    intake: Intake = request.app.state.hl7v2_intake
    if is_batch(raw):
        batch = await receive_batch(intake, raw, source, limit=limit)
        told = {"stored": batch.stored, "known": batch.known, "refused": batch.refused}
        return Response(batch.answer, 200, media_type=MEDIA_TYPE), told
    if len(raw) > limit:
        refused = intake.refuse_oversize(raw, limit)
        return Response(refused, 413, media_type=MEDIA_TYPE), {"answer": "AR"}
    _require_message(raw)
    receipt = await intake.receive(raw, source)
    if receipt.acknowledgement is None:
        return Response(None, 202), {"message": receipt.id, "answer": "none"}
    answer = Response(receipt.acknowledgement, _STATUS[receipt.code], media_type=MEDIA_TYPE)
    return answer, {"message": receipt.id, "answer": receipt.code}


def _permit(caller: Caller) -> None:
    """Messages are a system's business: what a person may write does not open this door."""
    permit(caller, "MessageHeader", "create")
    if not any(
        one.level == "system" and one.concerns("MessageHeader", "c") for one in grants(caller.scope)
    ):
        raise NotPermitted("HL7 v2 messages need a token with system/MessageHeader.c.")


def _media(request: Request) -> str:
    """The codec to fall back to. Raises `UnsupportedMedia`."""
    kind, *parameters = request.headers.get("content-type", "").split(";")
    if kind.strip().lower() not in _TAKEN:
        raise UnsupportedMedia(f"Send HL7 v2 as {MEDIA_TYPE} or {_TAKEN[1]}.")
    for one in parameters:
        name, _, value = one.partition("=")
        if name.strip().lower() == "charset":
            return _codec(value.strip().strip('"'))
    return "cp1252"


def _codec(name: str) -> str:
    try:
        b"x".decode(name)
    except LookupError:
        raise UnsupportedMedia("The charset of the Content-Type is not known here.") from None
    return name


async def _body(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise TooLarge(f"A batch has at most {limit} bytes: send it in parts.")
    return bytes(body)


def _require_message(raw: bytes) -> None:
    # What is no message at all has no place for an ACK: an OperationOutcome says so.
    try:
        of_message(raw, header_start(raw))
    except NotHl7 as error:
        if raw[:1] not in (b"\xff", b"\xfe", b"\x00") and raw[1:2] != b"\x00":
            raise Malformed(str(error)) from None
