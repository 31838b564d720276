"""/api/admin/users: accounts, looked after by administrators."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.administration import Actor, Administration
from fhir_server.administration.acts import Act
from fhir_server.administration.people import NewPerson, assignable_roles
from fhir_server.clock import instant
from fhir_server.rest.admin import answers
from fhir_server.rest.admin.admitted import Administrator, require_step_up
from fhir_server.rest.admin.bodies import (
    CreateUser,
    EndSession,
    FindUsers,
    Sensitive,
    SetRoles,
    Username,
)
from fhir_server.rest.caller import fhir_of
from fhir_server.rest.identity.token_first import TokenFirst
from fhir_server.store.accounts import Account, Wanted


def users_router() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/admin/users", route_class=TokenFirst)
    posts: dict[str, Callable[..., Awaitable[Response]]] = {
        "/search": _search,
        "/show": _show,
        "/create": _create,
        "/roles": _roles,
        "/disable": _disable,
        "/enable": _enable,
        "/unlock": _unlock,
        "/require-password-change": _require_password_change,
        "/password-link": _password_link,
        "/remove-second-factor": _remove_second_factor,
        "/sessions": _sessions,
        "/sessions/end": _end_sessions,
    }
    for path, endpoint in posts.items():
        router.add_api_route(path, endpoint, methods=["POST"], response_model=None)
    return router


async def _search(sent: FindUsers, request: Request, actor: Administrator) -> Response:
    wanted = Wanted(sent.text.strip(), sent.role, sent.status)
    found = await fhir_of(request).accounts.search(
        wanted, after=sent.after.lower(), count=sent.count + 1
    )
    shown = found[: sent.count]
    await _of(request).acts.note(actor, Act("users/search", "operation"))
    more = shown[-1].username if len(found) > sent.count else ""
    users = [answers.user(one) for one in shown]
    return answers.json({"users": users, "next": more, "roles": list(assignable_roles())})


async def _show(sent: Username, request: Request, actor: Administrator) -> Response:
    act = Act("users/show", "operation", details=(("username", sent.username.lower()),))
    account = await _of(request).acts.look(actor, act, _of(request).people.find(sent.username))
    return answers.json(await _whole(request, account))


async def _create(sent: CreateUser, request: Request, actor: Administrator) -> Response:
    await _sensitive(request, actor, "users/create", sent)
    new = NewPerson(
        sent.username, sent.display, tuple(sent.roles), sent.email, sent.reference.strip()
    )
    account = await _of(request).people.create(actor, new)
    return answers.json(await _whole(request, account), 201)


async def _roles(sent: SetRoles, request: Request, actor: Administrator) -> Response:
    await _sensitive(request, actor, "users/roles", sent)
    names = tuple(dict.fromkeys(sent.roles))
    account = await _of(request).people.set_roles(actor, sent.username, names)
    return answers.json(await _whole(request, account))


async def _disable(sent: Username, request: Request, actor: Administrator) -> Response:
    account = await _of(request).people.disable(actor, sent.username)
    return answers.json(await _whole(request, account))


async def _enable(sent: Username, request: Request, actor: Administrator) -> Response:
    account = await _of(request).people.enable(actor, sent.username)
    return answers.json(await _whole(request, account))


async def _unlock(sent: Username, request: Request, actor: Administrator) -> Response:
    account = await _of(request).credentials.unlock(actor, sent.username)
    return answers.json(await _whole(request, account))


async def _require_password_change(
    sent: Sensitive, request: Request, actor: Administrator
) -> Response:
    await _sensitive(request, actor, "users/require-password-change", sent)
    account = await _of(request).credentials.require_change(actor, sent.username)
    return answers.json(await _whole(request, account))


async def _password_link(sent: Sensitive, request: Request, actor: Administrator) -> Response:
    await _sensitive(request, actor, "users/password-link", sent)
    link = await _of(request).credentials.link(actor, sent.username)
    url = f"{str(request.base_url).rstrip('/')}/set-password#{link.token}"
    return answers.json({"url": url, "expires": instant(link.expires)})


async def _remove_second_factor(
    sent: Sensitive, request: Request, actor: Administrator
) -> Response:
    await _sensitive(request, actor, "users/remove-second-factor", sent)
    account = await _of(request).credentials.remove_second_factor(actor, sent.username)
    await fhir_of(request).notices.order(account, "second_step_removed")
    return answers.json(await _whole(request, account))


async def _sessions(sent: Username, request: Request, actor: Administrator) -> Response:
    act = Act("users/sessions", "operation", details=(("username", sent.username.lower()),))
    found = await _of(request).acts.look(actor, act, _of(request).sessions.of(sent.username))
    told = [answers.session(one, current=actor.caller.token) for one in found]
    return answers.json({"sessions": told})


async def _end_sessions(sent: EndSession, request: Request, actor: Administrator) -> Response:
    sessions = _of(request).sessions
    if sent.session:
        await sessions.end(actor, sent.username, sent.session)
    else:
        await sessions.end_all(actor, sent.username)
    return answers.done()


async def _sensitive(request: Request, actor: Actor, name: str, sent: Sensitive) -> None:
    act = Act(name, "account", details=(("username", sent.username.lower()),))
    await require_step_up(request, actor, act, sent.password)


async def _whole(request: Request, account: Account) -> dict[str, Any]:
    credentials = _of(request).credentials
    return {
        **answers.user(account),
        "second_factor": await credentials.has_second_factor(account.username),
        "lock": answers.lock(await credentials.lock_state(account.username)),
    }


def _of(request: Request) -> Administration:
    return fhir_of(request).administration
