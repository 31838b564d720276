"""/api/hl7v2: feeds, received messages, trying a mapping; for administrators.

GET  /feeds                 listeners and destinations with their figures and warnings
POST /messages/search       a page of messages: criteria, `count`, `after`
POST /messages/count        how many match
GET  /messages/{id}         one whole: text, report, acknowledgement, FHIR
POST /messages/replay       `ids`, or `query`: process them again
POST /try                   `text`: convert without storing; `structure`: hold it to its version
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.errors import TooLarge
from fhir_server.rest.admin import answers
from fhir_server.rest.admin.admitted import Administrator
from fhir_server.rest.identity.token_first import TokenFirst
from integrations.hl7v2.administration import Hl7v2Administration
from integrations.hl7v2.http.bodies import Criteria, FindMessages, Replay, Try

LARGEST_TRY = 1024 * 1024
"""Bytes of a message that is tried."""


def messages_router() -> APIRouter:
    """The routes. The application's lifespan sets `app.state.hl7v2_administration`."""
    router = APIRouter(prefix="/api/hl7v2", route_class=TokenFirst)
    for method, path, endpoint in (
        ("GET", "/feeds", _feeds),
        ("POST", "/messages/search", _search),
        ("POST", "/messages/count", _count),
        ("POST", "/messages/replay", _replay),
        ("GET", "/messages/{id}", _show),
        ("POST", "/try", _try),
    ):
        router.add_api_route(path, endpoint, methods=[method], response_model=None)
    return router


async def _feeds(request: Request, actor: Administrator) -> Response:
    return answers.json(await _of(request).feeds())


async def _search(sent: FindMessages, request: Request, actor: Administrator) -> Response:
    found = await _of(request).search(
        actor, sent.query(), limit=sent.count, after=sent.after or None
    )
    return answers.json(found)


async def _count(sent: Criteria, request: Request, actor: Administrator) -> Response:
    return answers.json({"count": await _of(request).count(sent.query())})


async def _show(id: str, request: Request, actor: Administrator) -> Response:
    return answers.json(await _of(request).show(actor, id))


async def _replay(sent: Replay, request: Request, actor: Administrator) -> Response:
    administration = _of(request)
    if sent.query is not None:
        done = await administration.replay_query(actor, sent.query.query())
    else:
        done = await administration.replay(actor, sent.ids)
    return answers.json({"queued": done.queued, "without_bytes": done.without_bytes}, 202)


async def _try(sent: Try, request: Request, actor: Administrator) -> Response:
    raw = sent.text.encode("utf-8", "replace")
    if len(raw) > LARGEST_TRY:
        raise TooLarge(f"A message to try has at most {LARGEST_TRY} bytes.")
    told = await _of(request).try_message(actor, raw, sent.listener, structure=sent.structure)
    return answers.json(told)


def _of(request: Request) -> Hl7v2Administration:
    administration: Hl7v2Administration = request.app.state.hl7v2_administration
    return administration
