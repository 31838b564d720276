"""What people do with HL7 v2: see feeds and messages, try a mapping, replay, steer destinations.

Each look at a message is an AuditEvent, as it shows a patient's data.
"""

from integrations.hl7v2.administration.administration import Hl7v2Administration

__all__ = ["Hl7v2Administration"]
