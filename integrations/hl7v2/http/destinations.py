"""/api/hl7v2/destinations and /api/hl7v2/sent: what leaves, looked after by administrators.

POST /destinations/{name}/pause, /resume, /resend    resend queues all dead letters
POST /sent/search                                    a page of messages on their way out
POST /sent/show, /sent/resend, /sent/make-anew, /sent/withdraw    by `id` or `ids`
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.administration import Actor
from fhir_server.administration.acts import Act
from fhir_server.rest.admin import answers
from fhir_server.rest.admin.admitted import Administrator
from fhir_server.rest.caller import fhir_of
from fhir_server.rest.identity.token_first import TokenFirst
from integrations.hl7v2.administration.answers import queued
from integrations.hl7v2.http.bodies import FindSent, SentId, SentIds
from integrations.hl7v2.outbound.administration import OutboundAdministration


def destinations_router() -> APIRouter:
    """The routes. The application's lifespan sets `app.state.hl7v2_outbound`."""
    router = APIRouter(prefix="/api/hl7v2", route_class=TokenFirst)
    for path, endpoint in (
        ("/destinations/{name}/pause", _pause),
        ("/destinations/{name}/resume", _resume),
        ("/destinations/{name}/resend", _resend_dead),
        ("/sent/search", _search),
        ("/sent/show", _show),
        ("/sent/resend", _resend),
        ("/sent/make-anew", _make_anew),
        ("/sent/withdraw", _withdraw),
    ):
        router.add_api_route(path, endpoint, methods=["POST"], response_model=None)
    return router


async def _pause(name: str, request: Request, actor: Administrator) -> Response:
    await _of(request).pause(name)
    await _note(request, actor, "destinations/pause", ("destination", name))
    return answers.done()


async def _resume(name: str, request: Request, actor: Administrator) -> Response:
    await _of(request).resume(name)
    await _note(request, actor, "destinations/resume", ("destination", name))
    return answers.done()


async def _resend_dead(name: str, request: Request, actor: Administrator) -> Response:
    count = await _of(request).resend_dead(name)
    await _note(request, actor, "destinations/resend", ("destination", name))
    return answers.json({"queued": count})


async def _search(sent: FindSent, request: Request, actor: Administrator) -> Response:
    found = await _of(request).messages(sent.query())
    patients = tuple(dict.fromkeys(one.patient for one in found if one.patient))
    await _note(request, actor, "sent/search", about=patients)
    after = found[-1].position if len(found) == sent.count else None
    return answers.json({"messages": [queued(one) for one in found], "next": after})


async def _show(sent: SentId, request: Request, actor: Administrator) -> Response:
    found = await _of(request).message(sent.id)
    about = (found.patient,) if found.patient else ()
    await _note(request, actor, "sent/show", ("message", sent.id), about=about)
    return answers.json(queued(found))


async def _resend(sent: SentIds, request: Request, actor: Administrator) -> Response:
    count = await _of(request).resend(sent.ids)
    await _note(request, actor, "sent/resend", *(("message", one) for one in sent.ids[:20]))
    return answers.json({"queued": count})


async def _make_anew(sent: SentId, request: Request, actor: Administrator) -> Response:
    await _of(request).make_anew(sent.id)
    await _note(request, actor, "sent/make-anew", ("message", sent.id))
    return answers.done()


async def _withdraw(sent: SentId, request: Request, actor: Administrator) -> Response:
    withdrawn = await _of(request).withdraw(sent.id)
    await _note(request, actor, "sent/withdraw", ("message", sent.id))
    return answers.json({"withdrawn": withdrawn})


async def _note(
    request: Request,
    actor: Actor,
    name: str,
    *details: tuple[str, str],
    about: tuple[str, ...] = (),
) -> None:
    act = Act(f"hl7v2/{name}", "operation", about, details)
    await fhir_of(request).administration.acts.note(actor, act)


def _of(request: Request) -> OutboundAdministration:
    outbound: OutboundAdministration = request.app.state.hl7v2_outbound
    return outbound
