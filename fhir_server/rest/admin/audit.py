"""/api/audit: the audit trail for auditors; /api/admin/emergencies for administrators as well."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from fhir_server.administration.acts import Act
from fhir_server.administration.audit_search import AuditPage, Criteria
from fhir_server.administration.chain_state import State
from fhir_server.clock import instant
from fhir_server.resource import Resource, dumps
from fhir_server.rest.admin import answers
from fhir_server.rest.admin.admitted import AdministratorOrAuditor, Auditor
from fhir_server.rest.admin.bodies import Emergencies, Search, SearchPage
from fhir_server.rest.caller import fhir_of
from fhir_server.rest.identity.token_first import TokenFirst

NDJSON = "application/fhir+ndjson"


def audit_router() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api", route_class=TokenFirst)
    for method, path, endpoint in (
        ("POST", "/audit/search", _search),
        ("POST", "/audit/export", _export),
        ("GET", "/audit/chain", _chain),
        ("POST", "/audit/chain/verify", _verify),
        ("POST", "/admin/emergencies", _emergencies),
    ):
        router.add_api_route(path, endpoint, methods=[method], response_model=None)
    return router


async def _search(sent: SearchPage, request: Request, actor: Auditor) -> Response:
    audit = fhir_of(request).administration.audit
    page = await audit.page(actor, _criteria(sent), count=sent.count, cursor=sent.cursor)
    return _page(page)


async def _export(sent: Search, request: Request, actor: Auditor) -> Response:
    audit, criteria = fhir_of(request).administration.audit, _criteria(sent)
    await fhir_of(request).administration.acts.note(actor, Act("audit/export", "disclosure"))
    found = audit.export(actor, criteria)
    # The first page before the answer begins, so that a wrong date is refused and not broken off.
    first = await anext(found, None)
    headers = {"Content-Disposition": 'attachment; filename="audit-events.ndjson"'}
    return StreamingResponse(_lines(first, found), 200, headers, NDJSON)


async def _lines(first: Resource | None, rest: AsyncIterator[Resource]) -> AsyncIterator[bytes]:
    if first is None:
        return
    yield dumps(first) + b"\n"
    async for one in rest:
        yield dumps(one) + b"\n"


async def _chain(request: Request, actor: Auditor) -> Response:
    return answers.json(_state(await fhir_of(request).administration.chain.state()))


async def _verify(request: Request, actor: Auditor) -> Response:
    administration = fhir_of(request).administration
    await administration.acts.note(actor, Act("audit/chain/verify", "operation"))
    administration.chain.start()
    return answers.json(_state(await administration.chain.state()), 202)


async def _emergencies(
    sent: Emergencies, request: Request, actor: AdministratorOrAuditor
) -> Response:
    emergencies = fhir_of(request).administration.emergencies
    return _page(await emergencies.page(actor, count=sent.count, cursor=sent.cursor))


def _page(page: AuditPage) -> Response:
    return answers.json({"events": [answers.event(one) for one in page.events], "next": page.next})


def _criteria(sent: Search) -> Criteria:
    return Criteria(
        who=sent.who.strip(),
        patient=sent.patient,
        action=sent.action,
        kind=sent.kind,
        outcome=sent.outcome,
        since=sent.since,
        until=sent.until,
    )


def _state(state: State) -> dict[str, Any]:
    head, check = state.head, state.check
    return {
        "blocks": state.blocks,
        "head": {"block": head.number, "hash": head.hash, "at": instant(head.at)} if head else None,
        "waiting": state.waiting,
        "running": state.running,
        "check": {
            "began": instant(check.began),
            "ended": instant(check.ended),
            "events": check.events,
            "faults": check.faults,
            "block": check.block,
            "hash": check.hash,
            "findings": [{"place": place, "text": text} for place, text in check.findings],
        }
        if check
        else None,
    }
