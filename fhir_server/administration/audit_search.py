"""Searching the audit trail as auditors ask: who, whose data, what, when, with what result.

The search is that of FHIR on AuditEvent, by the caller's own right, and is itself recorded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fhir_server.administration.acts import Actor
from fhir_server.interactions.context import Context, FhirRequest, Server
from fhir_server.interactions.paging import CURSOR
from fhir_server.interactions.search import search
from fhir_server.resource import Resource, loads

_EXPORT_PAGE = "500"
_PATIENT_PLAIN = "Patient/"


@dataclass(frozen=True)
class Criteria:
    """What is looked for; empty for anything.

    `who` is part of a person's name or a literal reference, `patient` an id or a reference,
    `action` one of C R U D E, `kind` a code of the event's subtype, `outcome` one of 0 4 8 12,
    `since` and `until` dates or instants.
    """

    who: str = ""
    patient: str = ""
    action: str = ""
    kind: str = ""
    outcome: str = ""
    since: str = ""
    until: str = ""


@dataclass(frozen=True)
class AuditPage:
    """Events, newest first, and the cursor of the next page, empty when there is none."""

    events: list[Resource]
    next: str


class AuditSearch:
    """Searches as FHIR does. All raise `NotPermitted`, and `InvalidParameter`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def page(
        self, actor: Actor, criteria: Criteria, *, count: int = 50, cursor: str = ""
    ) -> AuditPage:
        """One page."""
        return await self._page(actor, _parameters(criteria), str(count), cursor)

    async def export(self, actor: Actor, criteria: Criteria) -> AsyncIterator[Resource]:
        """Every event there is, page by page."""
        cursor = ""
        while True:
            page = await self._page(actor, _parameters(criteria), _EXPORT_PAGE, cursor)
            for event in page.events:
                yield event
            cursor = page.next
            if not cursor:
                return

    async def _page(
        self, actor: Actor, asked: list[tuple[str, str]], count: str, cursor: str
    ) -> AuditPage:
        more = [("_count", count), *([(CURSOR, cursor)] if cursor else [])]
        request = FhirRequest("search-type", "AuditEvent", parameters=(*asked, *more))
        context = Context(
            self._server,
            actor.caller,
            "",
            directives=await self._server.directives.current(),
            request_id=actor.request_id,
            address=actor.address,
        )
        bundle: dict[str, Any] = loads((await search(request, context)).body)
        events = [entry["resource"] for entry in bundle.get("entry", [])]
        return AuditPage(events, _next(bundle))


def _parameters(criteria: Criteria) -> list[tuple[str, str]]:
    who = "agent" if "/" in criteria.who else "agent-name:contains"
    patient = criteria.patient.removeprefix(_PATIENT_PLAIN)
    asked = [
        (who, criteria.who),
        ("patient", f"{_PATIENT_PLAIN}{patient}" if patient else ""),
        ("action", criteria.action),
        ("subtype", criteria.kind),
        ("outcome", criteria.outcome),
        ("date", f"ge{criteria.since}" if criteria.since else ""),
        ("date", f"le{criteria.until}" if criteria.until else ""),
    ]
    return [(name, value) for name, value in asked if value]


def _next(bundle: dict[str, Any]) -> str:
    links = {one["relation"]: one["url"] for one in bundle.get("link", [])}
    found = parse_qs(urlsplit(str(links.get("next", ""))).query)
    return found.get(CURSOR, [""])[0]
