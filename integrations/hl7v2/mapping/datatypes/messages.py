"""MSG and PT: what a message is."""

from __future__ import annotations

from integrations.hl7v2.mapping.context import Context, Json
from integrations.hl7v2.mapping.datatypes.registry import Use, converts
from integrations.hl7v2.mapping.values import Parts, component

_EVENTS = "http://terminology.hl7.org/CodeSystem/v2-0003"
_STRUCTURES = "http://terminology.hl7.org/CodeSystem/v2-0354"


@converts("MSG", "Coding", (1, 2, 3))
def event(parts: Parts, context: Context, use: Use) -> Json | None:
    """The trigger event, else the message's structure or type."""
    kind, trigger, structure = (component(parts, number) for number in (1, 2, 3))
    if trigger and " " not in trigger:
        return {"system": _EVENTS, "code": trigger, "display": f"{kind}^{trigger}"}
    code = structure or kind
    return {"system": _STRUCTURES, "code": code} if code and " " not in code else None


@converts("PT", "Coding", (1, 2))
def processing(parts: Parts, context: Context, use: Use) -> Json | None:
    """Table 0103 as a tag: production, training or debugging."""
    code = component(parts, 1)
    if not code or " " in code:
        return None
    return {"system": "http://terminology.hl7.org/CodeSystem/v2-0103", "code": code}
