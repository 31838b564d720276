"""A destination as the rules about access see it: a system that is shown something."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from fhir_server.auth.caller import Caller
from fhir_server.labels import ACT_CODE, CONFIDENTIALITY, Label, rank, sensitivity_codes
from integrations.hl7v2.outbound.settings import ANY, DestinationSettings

TooMuch = Literal["confidentiality", "sensitivity"]


def recipient_of(destination: DestinationSettings) -> Caller:
    """Who asks when a message is to leave: nobody with a role, and never in an emergency.

    A directive may name it by its recipient, or by its name as that of an application.
    """
    return Caller(
        reference=destination.recipient or f"Device/{destination.name}",
        display=destination.name,
        scope="system/*.rs",
        client=destination.name,
        purpose=destination.purpose,
        unidentified=not destination.recipient,
    )


def above(destination: DestinationSettings, labels: Iterable[Label]) -> TooMuch | None:
    """What a destination may not get of a resource with these labels; None for nothing."""
    listed = list(labels)
    levels = [code for system, code in listed if system == CONFIDENTIALITY]
    if rank(max(levels, key=rank, default="N")) > rank(destination.confidentiality):
        return "confidentiality"
    reasons = {code for system, code in listed if system == ACT_CODE} & sensitivity_codes()
    if reasons - set(destination.sensitivity) and ANY not in destination.sensitivity:
        return "sensitivity"
    return None
