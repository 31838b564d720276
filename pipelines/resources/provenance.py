"""Who made the signed note. https://hl7.org/fhir/R4/provenance.html"""

from __future__ import annotations

from datetime import datetime

from fhir_server.clock import instant
from fhir_server.resource import Resource
from pipelines.resources.datatypes import concept, reference
from pipelines.resources.models import build

_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def of_signature(
    id: str,
    *,
    targets: list[str],
    drafter: dict[str, str],
    signer: dict[str, str],
    sources: list[str],
    at: datetime,
) -> Resource:
    """A machine assembled it, a person verified and answers for it."""
    return build(
        "Provenance",
        id=id,
        target=[reference(target) for target in targets],
        recorded=instant(at),
        occurredDateTime=instant(at),
        activity=concept(
            "http://terminology.hl7.org/CodeSystem/v3-DocumentCompletion",
            "LA",
            "legally authenticated",
        ),
        agent=[
            {"type": concept(_AGENT, "assembler", "Assembler"), "who": drafter},
            {"type": concept(_AGENT, "verifier", "Verifier"), "who": signer},
            {"type": concept(_AGENT, "legal", "Legal Authenticator"), "who": signer},
        ],
        entity=[{"role": "source", "what": reference(source)} for source in sources] or None,
    )
