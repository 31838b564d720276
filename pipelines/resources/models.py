"""The one import of fhir.resources, and the one way from its models to JSON.

The library has R5, R4B and STU3. What is built here uses only elements that are the same in R4
(4.0.1) and R4B (4.3.0); tests validate the results as R4.
"""

from __future__ import annotations

from typing import Any

from fhir.resources.R4B.composition import Composition
from fhir.resources.R4B.consent import Consent
from fhir.resources.R4B.detectedissue import DetectedIssue
from fhir.resources.R4B.device import Device
from fhir.resources.R4B.documentreference import DocumentReference
from fhir.resources.R4B.encounter import Encounter
from fhir.resources.R4B.medicationstatement import MedicationStatement
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.provenance import Provenance
from pydantic import BaseModel

from fhir_server.resource import Resource

_MODELS: dict[str, type[BaseModel]] = {
    "Composition": Composition,
    "Consent": Consent,
    "DetectedIssue": DetectedIssue,
    "Device": Device,
    "DocumentReference": DocumentReference,
    "Encounter": Encounter,
    "MedicationStatement": MedicationStatement,
    "Observation": Observation,
    "Provenance": Provenance,
}


def build(resource_type: str, /, **elements: Any) -> Resource:
    """Build one resource from FHIR-named elements (`class_` for `class`); None is left out.

    Raises pydantic's ValidationError when the elements break the type: an error of ours, since
    nothing that people send arrives here unchecked.
    """
    given = {name.rstrip("_"): value for name, value in elements.items() if value is not None}
    model = _MODELS[resource_type].model_validate(given)
    built: Resource = model.model_dump(mode="json", exclude_none=True)
    return built
