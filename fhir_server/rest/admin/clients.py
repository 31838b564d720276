"""/api/admin/clients and /api/admin/invitations: applications, looked after by administrators."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.administration import Actor
from fhir_server.administration.acts import Act
from fhir_server.administration.applications import Applications
from fhir_server.rest.admin import answers
from fhir_server.rest.admin.admitted import Administrator, require_step_up
from fhir_server.rest.admin.bodies import Approve, Confirmed, Invite, RotateSecret, SetScope
from fhir_server.rest.caller import fhir_of
from fhir_server.rest.identity.token_first import TokenFirst


def clients_router() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/admin", route_class=TokenFirst)
    for method, path, endpoint in (
        ("GET", "/clients", _list),
        ("GET", "/clients/{id}", _show),
        ("POST", "/clients/{id}/approve", _approve),
        ("POST", "/clients/{id}/disable", _disable),
        ("POST", "/clients/{id}/scope", _scope),
        ("POST", "/clients/{id}/secret", _secret),
        ("DELETE", "/clients/{id}", _remove),
        ("GET", "/invitations", _invitations),
        ("POST", "/invitations", _invite),
        ("DELETE", "/invitations/{id}", _withdraw),
    ):
        router.add_api_route(path, endpoint, methods=[method], response_model=None)
    return router


async def _list(request: Request, actor: Administrator) -> Response:
    found = await _of(request).all()
    await _note(request, actor, "clients")
    return answers.json({"clients": [answers.client(one) for one in found]})


async def _show(id: str, request: Request, actor: Administrator) -> Response:
    act = Act("clients/show", "operation", details=(("client", id),))
    acts = fhir_of(request).administration.acts
    found = await acts.look(actor, act, _of(request).find(id))
    return answers.json(answers.client(found))


async def _approve(id: str, sent: Approve, request: Request, actor: Administrator) -> Response:
    await _sensitive(request, actor, "clients/approve", id, sent)
    scopes = tuple(sent.scope.split()) if sent.scope else None
    return answers.json(answers.client(await _of(request).approve(actor, id, scopes)))


async def _disable(id: str, request: Request, actor: Administrator) -> Response:
    return answers.json(answers.client(await _of(request).disable(actor, id)))


async def _scope(id: str, sent: SetScope, request: Request, actor: Administrator) -> Response:
    await _sensitive(request, actor, "clients/scopes", id, sent)
    changed = await _of(request).set_scopes(actor, id, tuple(sent.scope.split()))
    return answers.json(answers.client(changed))


async def _secret(id: str, sent: RotateSecret, request: Request, actor: Administrator) -> Response:
    await _sensitive(request, actor, "clients/secret", id, sent)
    secret = await _of(request).rotate_secret(actor, id, sent.overlap_hours)
    return answers.json({"client_id": id, "client_secret": secret})


async def _remove(id: str, request: Request, actor: Administrator) -> Response:
    await _of(request).remove(actor, id)
    return answers.done()


async def _invitations(request: Request, actor: Administrator) -> Response:
    found = await _of(request).invitations()
    await _note(request, actor, "invitations")
    return answers.json({"invitations": [answers.invitation(one) for one in found]})


async def _invite(sent: Invite, request: Request, actor: Administrator) -> Response:
    await _sensitive(request, actor, "invitations", sent.owner, sent)
    token, made = await _of(request).invite(
        actor, sent.owner.strip(), tuple(sent.scope.split()), sent.days
    )
    return answers.json({**answers.invitation(made), "token": token}, 201)


async def _withdraw(id: str, request: Request, actor: Administrator) -> Response:
    await _of(request).withdraw(actor, id)
    return answers.done()


async def _sensitive(
    request: Request, actor: Actor, name: str, about: str, sent: Confirmed
) -> None:
    act = Act(name, "registration", details=(("client", about),))
    await require_step_up(request, actor, act, sent.password)


async def _note(request: Request, actor: Actor, name: str) -> None:
    await fhir_of(request).administration.acts.note(actor, Act(name, "operation"))


def _of(request: Request) -> Applications:
    return fhir_of(request).administration.applications
