"""The engines that transcribe and draft. https://hl7.org/fhir/R4/device.html"""

from __future__ import annotations

from fhir_server.resource import Resource
from pipelines.resources.datatypes import PRODUCT
from pipelines.resources.identity import derived_id
from pipelines.resources.models import build


def device_id(engine: str) -> str:
    """The Device of an engine's name and version: one for all consultations."""
    return derived_id("engines", engine)


def engine(name: str, purpose: str) -> Resource:
    """A Device for `whisper tiny.en` or `rules 1`: the last word is the version."""
    product, _, version = name.rpartition(" ")
    return build(
        "Device",
        id=device_id(name),
        identifier=[{"system": f"{PRODUCT}/engine", "value": name}],
        status="active",
        deviceName=[{"name": product or name, "type": "model-name"}],
        version=[{"value": version}],
        note=[{"text": purpose}],
    )


def link(name: str) -> dict[str, str]:
    """A Reference to an engine's Device."""
    return {"reference": f"Device/{device_id(name)}", "display": name}
