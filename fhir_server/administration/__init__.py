"""Looking after accounts, applications and the audit trail. Every act is recorded with itself."""

from fhir_server.administration.acts import Actor
from fhir_server.administration.administration import Administration

__all__ = ["Actor", "Administration"]
