"""$versions: the FHIR versions spoken here.

https://hl7.org/fhir/R4/capabilitystatement-operation-versions.html
"""

from __future__ import annotations

from fhir_server.interactions.context import Context, FhirResponse
from fhir_server.operations.request import OperationRequest
from fhir_server.resource import dumps

VERSION = "4.0"


async def versions(request: OperationRequest, context: Context) -> FhirResponse:
    """Answer the one version that there is, which is the default."""
    listed = [{"name": name, "valueCode": VERSION} for name in ("version", "default")]
    return FhirResponse(200, dumps({"resourceType": "Parameters", "parameter": listed}))
