"""The list of emergency accesses, for administrators too, who read no other audit events."""

from __future__ import annotations

from fhir_server.administration.acts import Actor
from fhir_server.administration.audit_search import AuditPage
from fhir_server.audit import Access
from fhir_server.interactions.context import Context, Server, audited
from fhir_server.interactions.paging import decode_page, encode_page
from fhir_server.search.mongo_filter import to_stages
from fhir_server.search.query import parse
from fhir_server.store.searching import Found

EMERGENCY = "http://dicom.nema.org/resources/ontology/DCM|110127"
_TYPE = "AuditEvent"
_QUERY = f"{_TYPE}?subtype={EMERGENCY}"


class Emergencies:
    """Asks the store for these events alone, whatever the caller may read by FHIR."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def page(self, actor: Actor, *, count: int = 50, cursor: str = "") -> AuditPage:
        """One page, newest first; recorded. Raises `InvalidParameter` for a foreign cursor."""
        key = self._server.cursor_key
        at = decode_page(cursor, _QUERY, key)[0] if cursor else None
        query = parse(_TYPE, (("subtype", EMERGENCY),))
        stages = to_stages(query, now=self._server.store.now())

        async def work() -> Found:
            return await self._server.store.searching.page(stages, query.sort, count=count, at=at)

        context = Context(
            self._server,
            actor.caller,
            "",
            await self._server.directives.current(),
            request_id=actor.request_id,
            address=actor.address,
        )
        found = await audited(
            context,
            Access("search-type", query=_QUERY),
            work,
            lambda page: [one.stored.patient for one in page.matches],
        )
        events = [one.stored.resource() for one in found.matches]
        return AuditPage(events, encode_page(found.next, _QUERY, key) if found.next else "")
