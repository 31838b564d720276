"""The relying party that a request is for."""

from __future__ import annotations

from starlette.requests import Request

from fhir_server.auth.identity.relying_party import RelyingParty, relying_party
from fhir_server.rest.caller import fhir_of


def party_of(request: Request) -> RelyingParty:
    """By the public address, or as the browser reached us. Raises `NotSupported`."""
    settings = fhir_of(request).server.settings.identity
    return relying_party(settings.public_url, str(request.base_url))
