"""Content as FHIR Binary. https://hl7.org/fhir/R4/binary.html"""

from __future__ import annotations

import base64

from fhir_server.resource import Resource


def binary(id: str, content_type: str, content: bytes, about: str) -> Resource:
    """A Binary; `about` is the literal reference that decides who may see it.

    Built without the model: validating megabytes of base64 with it takes longer than making it.
    """
    return {
        "resourceType": "Binary",
        "id": id,
        "contentType": content_type,
        "securityContext": {"reference": about},
        "data": base64.b64encode(content).decode("ascii"),
    }
