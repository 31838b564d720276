"""$reindex and $reindex-progress: index entries made again, while the server works.

Ours, not FHIR's. A SearchParameter stored here is searchable when a reindex has gone over the
resources that were there before it.
"""

from __future__ import annotations

from typing import Any

from fhir_server.auth.access import permit
from fhir_server.errors import ResourceNotFound
from fhir_server.interactions.context import Context, FhirResponse
from fhir_server.operations.request import OperationRequest
from fhir_server.resource import dumps
from fhir_server.store.reindexing import Progress


async def reindex(request: OperationRequest, context: Context) -> FhirResponse:
    """Begin a reindex, or go on with the one that is running, and answer 202 with its progress."""
    permit(context.caller, "SearchParameter", "update")
    return _answer(202, await context.server.store.reindexing.start())


async def reindex_progress(request: OperationRequest, context: Context) -> FhirResponse:
    """Answer how far the last reindex is. 404 when there never was one."""
    permit(context.caller, "SearchParameter", "read")
    found = await context.server.store.reindexing.progress()
    if found is None:
        raise ResourceNotFound("No reindex was ever begun here.")
    return _answer(200, found)


def _answer(status: int, progress: Progress) -> FhirResponse:
    parameters: list[dict[str, Any]] = [
        {"name": "state", "valueCode": progress.state},
        {"name": "total", "valueUnsignedInt": progress.total},
        {"name": "done", "valueUnsignedInt": progress.done},
        {"name": "failed", "valueUnsignedInt": progress.failed},
        *({"name": "searchParameter", "valueUri": url} for url in progress.urls),
        *({"name": "failure", "valueReference": {"reference": one}} for one in progress.failures),
    ]
    return FhirResponse(status, dumps({"resourceType": "Parameters", "parameter": parameters}))
