"""The code systems that validation and search know. https://hl7.org/fhir/R4/http.html#capabilities

Answered to `mode=terminology`. No terminology operation is offered, and none is stated.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

from fhir_server.interactions.capabilities import DATE
from fhir_server.resource import Resource, dumps
from terminology.value_sets import builtin_code_systems


@cache
def terminology_capabilities(base: str) -> bytes:
    """The TerminologyCapabilities of this very server."""
    statement: Resource = {
        "resourceType": "TerminologyCapabilities",
        "status": "active",
        "date": DATE,
        "kind": "instance",
        "software": {"name": "AI Med", "version": version("aimed")},
        "implementation": {"description": "AI Med FHIR server", "url": base},
        "codeSystem": [{"uri": uri} for uri in builtin_code_systems()],
    }
    return dumps(statement)
