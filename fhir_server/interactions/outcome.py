"""OperationOutcome, and what a write answers. FHIR R4 3.1.0.1.5 (Prefer)."""

from __future__ import annotations

from fhir_server.errors import Issue
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse
from fhir_server.interactions.read import body_of
from fhir_server.resource import Resource, dumps
from fhir_server.store import StoredResource


def operation_outcome(issues: tuple[Issue, ...]) -> Resource:
    """The OperationOutcome that lists `issues`."""
    return {"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in issues]}


def _issue(issue: Issue) -> Resource:
    rendered: Resource = {
        "severity": issue.severity,
        "code": issue.code,
        "diagnostics": issue.diagnostics,
    }
    if issue.expression:
        rendered["expression"] = list(issue.expression)
    return rendered


async def written(
    status: int, stored: StoredResource, request: FhirRequest, context: Context
) -> FhirResponse:
    """The answer to a create or update: the stored resource unless Prefer asks for less."""
    location = f"{context.base}/{stored.reference}/_history/{stored.version}"
    return FhirResponse(status, await _body(stored, request.prefer, context), stored, location)


async def _body(stored: StoredResource, prefer: str, context: Context) -> bytes:
    if "return=minimal" in prefer:
        return b""
    if "return=OperationOutcome" in prefer:
        done = Issue("informational", f"Stored {stored.reference}.", severity="information")
        return dumps(operation_outcome((done,)))
    return await body_of(stored, context)
