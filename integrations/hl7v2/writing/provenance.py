"""The one Provenance of a message: what it was about, the message itself, who sent it.

http://hl7.org/fhir/R4/provenance.html; the v2-to-FHIR guide makes one with activity and source.
"""

from __future__ import annotations

from collections.abc import Iterable

from fhir_server.clock import instant
from fhir_server.resource import Resource
from integrations.hl7v2.mapping.conversion import Conversion
from integrations.hl7v2.writing.identity import derived_id
from integrations.hl7v2.writing.source import MessageSource, sender_of

_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_EVENT = "http://terminology.hl7.org/CodeSystem/v2-0003"
ID_SYSTEM = "urn:aimed:hl7v2:control-id"


def provenance_of(
    conversion: Conversion, source: MessageSource, targets: Iterable[str], occurred: str | None
) -> Resource:
    """Who said it and in which message.

    `recorded` is when the message was received, so that a replay makes no second version. The
    message is named by its urn and by MSH-10.
    """
    sender = sender_of(conversion)
    made: Resource = {
        "resourceType": "Provenance",
        "id": derived_id("Provenance", source.sha256),
        "target": [{"reference": one} for one in dict.fromkeys(targets)],
        "recorded": instant(source.received),
        "activity": {"coding": [{"system": _EVENT, "code": conversion.trigger}]},
        "agent": [
            {
                "type": {"coding": [{"system": _AGENT, "code": "author", "display": "Author"}]},
                "who": {"identifier": {"value": sender}, "display": sender.strip("|") or "unnamed"},
            },
            {
                "type": {
                    "coding": [{"system": _AGENT, "code": "assembler", "display": "Assembler"}]
                },
                "who": {"display": "AI Med"},
            },
        ],
        "entity": [
            {
                "role": "source",
                "what": {
                    "identifier": {"system": "urn:ietf:rfc:3986", "value": source.urn},
                    "display": f"HL7 v2 {conversion.family}^{conversion.trigger}",
                },
            }
        ],
    }
    if not conversion.trigger:
        del made["activity"]
    if conversion.header.control_id:
        made["entity"].append(
            {
                "role": "source",
                "what": {
                    "identifier": {"system": ID_SYSTEM, "value": conversion.header.control_id}
                },
            }
        )
    if occurred:
        made["occurredDateTime"] = occurred
    return made


def own_provenance(conversion: Conversion) -> frozenset[str]:
    """Drafts of Provenance, which the one of the message stands for."""
    return frozenset(one.key for one in conversion.drafts if one.type == "Provenance")
