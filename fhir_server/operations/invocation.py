"""Running an operation by its name. https://hl7.org/fhir/R4/operations.html#executing"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fhir_server.errors import MethodNotAllowed, NotSupported, ResourceNotFound
from fhir_server.interactions.body import logical_id
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse, audited
from fhir_server.interactions.registry import Level
from fhir_server.interactions.time_limit import time_limit
from fhir_server.labels import labels_in
from fhir_server.operations.parameters import OperationParameters, read_parameters
from fhir_server.operations.registry import Operation
from fhir_server.operations.request import QUERY, OperationRequest

_RENDERING = frozenset({"_format", "_pretty", "_summary", "_elements"})
"""Parameters about the answer's form, which the edge has read already."""


class Operations:
    """The operations of a table."""

    def __init__(self, table: Iterable[Operation]) -> None:
        self.table = tuple(table)

    async def entry(self, request: FhirRequest, context: Context) -> FhirResponse:
        """Run the operation that the entry of a bundle names."""
        return await self.invoke(request.operation, request.method, request, context)

    async def invoke(
        self, name: str, method: str, request: FhirRequest, context: Context
    ) -> FhirResponse:
        """Run `$name` on the system, type or instance that `request` names.

        The body is a Parameters resource, for some a bare resource, or nothing. Raises
        `ResourceNotFound` for an unknown operation, `MethodNotAllowed` for GET on one that changes
        something, `NotSupported` for a parameter it does not take.
        """
        one = self._find(name, request)
        if method != "POST" and (method != "GET" or one.affects_state):
            allowed = "POST" if one.affects_state else "GET, POST"
            raise MethodNotAllowed(f"${name} takes {allowed}.", headers={"Allow": allowed})
        given = read_parameters(
            request.body, request.parameters, bare=one.bare, subject=request.type
        )
        asked = OperationRequest(
            name=name,
            type=request.type,
            id=None if request.id is None else logical_id(request.id),
            parameters=_known(one, given, context),
            version=request.version,
        )

        async def run() -> FhirResponse:
            async with time_limit(context):
                return await one.handler(asked, context)

        if one.records:
            return await run()
        access = replace(asked.access, interaction=QUERY) if one.queries else asked.access
        return await audited(
            context,
            access,
            run,
            lambda made: made.patients,
            lambda made: {"": labels_in(made.body)},
        )

    def _find(self, name: str, request: FhirRequest) -> Operation:
        level: Level = "instance" if request.id else "type" if request.type else "system"
        offered = [one for one in self.table if one.offered(level, request.type)]
        for one in offered:
            if one.name == name and (request.version is None or name == "meta"):
                return one
        known = ", ".join(f"${one.name}" for one in offered)
        raise ResourceNotFound(f"There is no such operation here; there are: {known}.")


def _known(
    operation: Operation, given: OperationParameters, context: Context
) -> OperationParameters:
    if operation.searches:  # the search itself refuses what it does not know
        return given.without(_RENDERING)
    unknown = given.names - operation.parameters - _RENDERING
    if unknown and not context.lenient:
        known = ", ".join(sorted(operation.parameters - {"_cursor"})) or "no parameters"
        raise NotSupported(
            f"${operation.name} does not know {', '.join(sorted(unknown))[:200]}; it takes {known}."
        )
    return given.without(unknown | _RENDERING)
