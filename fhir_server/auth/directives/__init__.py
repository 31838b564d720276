"""Consent directives: what a patient lets whom see. Decision 0011."""

from fhir_server.auth.directives.directives import Directives, Refusal
from fhir_server.auth.directives.register import DirectiveRegister

__all__ = ["DirectiveRegister", "Directives", "Refusal"]
