"""The audit trail: an AuditEvent for every access, sealed into a chain of hashes."""

from fhir_server.audit.access import Access
from fhir_server.audit.trail import AuditTrail

__all__ = ["Access", "AuditTrail"]
