"""MLLP: the framing of HL7 v2 on TCP, and its server."""

from integrations.hl7v2.mllp.framing import Deframer, Discarded, Frame, Oversize, framed
from integrations.hl7v2.mllp.server import MllpServer
from integrations.hl7v2.mllp.tls import listener_context

__all__ = [
    "Deframer",
    "Discarded",
    "Frame",
    "MllpServer",
    "Oversize",
    "framed",
    "listener_context",
]
