"""Who made transcripts and notes, and who signed. https://hl7.org/fhir/R4/provenance.html"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir_server.clock import instant
from fhir_server.resource import Resource
from pipelines.engines.usage import Usage
from pipelines.resources.datatypes import PRODUCT, concept, reference
from pipelines.resources.models import build

_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


ENGINE_USE = f"{PRODUCT}/StructureDefinition/engine-use"
"""Extension of an agent: what an engine did, as `EngineUse` has it."""


@dataclass(frozen=True)
class EngineUse:
    """What one engine did for a document. `spans` are its parts of the consultation, in seconds."""

    engine: dict[str, str]
    usage: Usage
    spans: tuple[tuple[float, float], ...] = ()


def of_engines(
    id: str, *, target: str, uses: Sequence[EngineUse], sources: list[str], at: datetime
) -> Resource:
    """Machines assembled it; what each did stands with it."""
    return build(
        "Provenance",
        id=id,
        target=[reference(target)],
        recorded=instant(at),
        occurredDateTime=instant(at),
        activity=concept(
            "http://terminology.hl7.org/CodeSystem/v3-DataOperation", "CREATE", "create"
        ),
        agent=[
            {
                "extension": [_use(use)],
                "type": concept(_AGENT, "assembler", "Assembler"),
                "who": use.engine,
            }
            for use in uses
        ],
        entity=[{"role": "source", "what": reference(source)} for source in sources] or None,
    )


def _use(use: EngineUse) -> dict[str, Any]:
    usage = use.usage
    amounts = [
        {"url": "seconds", "valueDecimal": round(usage.seconds, 3)},
        {"url": "audioSeconds", "valueDecimal": round(usage.audio_seconds, 3)},
        {"url": "tokensIn", "valueInteger": usage.tokens_in},
        {"url": "tokensOut", "valueInteger": usage.tokens_out},
    ]
    parts = [one for one in amounts if one.get("valueDecimal") or one.get("valueInteger")]
    if usage.cost is not None:
        money = {"value": round(usage.cost.amount, 6), "currency": usage.cost.currency}
        parts.append({"url": "estimatedCost", "valueMoney": money})
    for start, end in use.spans:
        parts.append(
            {
                "url": "span",
                "valueRange": {"low": _seconds(start), "high": _seconds(end)},
            }
        )
    return {"url": ENGINE_USE, "extension": parts or [{"url": "seconds", "valueDecimal": 0}]}


def _seconds(value: float) -> dict[str, Any]:
    unit = {"unit": "s", "system": "http://unitsofmeasure.org", "code": "s"}
    return {"value": round(value, 3), **unit}


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


def of_transcript(
    id: str, *, target: str, engine: dict[str, str], source: str, at: datetime
) -> Resource:
    """A machine transcribed a recording again. `target` names the version that it made."""
    return build(
        "Provenance",
        id=id,
        target=[reference(target)],
        recorded=instant(at),
        occurredDateTime=instant(at),
        activity=concept(
            "http://terminology.hl7.org/CodeSystem/v3-DataOperation", "UPDATE", "revise"
        ),
        agent=[{"type": concept(_AGENT, "assembler", "Assembler"), "who": engine}],
        entity=[{"role": "source", "what": reference(source)}],
    )
