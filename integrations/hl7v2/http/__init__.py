"""HL7 v2 over HTTP, and its administration."""

from integrations.hl7v2.http.destinations import destinations_router
from integrations.hl7v2.http.messages import messages_router
from integrations.hl7v2.http.routes import hl7v2_router

__all__ = ["destinations_router", "hl7v2_router", "messages_router"]
