"""OperationOutcome, and what a write answers. FHIR R4 3.1.0.1.5 (Prefer)."""

from __future__ import annotations

from fhir_server.errors import Issue
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse
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


def written(
    status: int, stored: StoredResource, request: FhirRequest, context: Context
) -> FhirResponse:
    """The answer to a create or update: the stored resource unless Prefer asks for less."""
    location = f"{context.base}/{stored.reference}/_history/{stored.version}"
    return FhirResponse(status, _body(stored, request.prefer), stored, location)


def _body(stored: StoredResource, prefer: str) -> bytes:
    if "return=minimal" in prefer:
        return b""
    if "return=OperationOutcome" in prefer:
        done = Issue("informational", f"Stored {stored.reference}.", severity="information")
        return dumps(operation_outcome((done,)))
    return stored.raw
