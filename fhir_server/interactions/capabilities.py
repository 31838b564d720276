"""FHIR capabilities, computed from the registry that routes requests.

https://hl7.org/fhir/R4/http.html#capabilities
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from typing import Any

from fhir_server.auth.smart.discovery import Addresses
from fhir_server.definitions.elements import resource_types
from fhir_server.definitions.profiles import profiles
from fhir_server.definitions.search_parameters import compartments
from fhir_server.interactions.registry import Interaction
from fhir_server.resource import Resource, dumps
from fhir_server.search.parameters import Offer
from fhir_server.search.registry import Registry
from fhir_server.settings import FhirSettings

_COMPARTMENT = "http://hl7.org/fhir/CompartmentDefinition/"
_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
DATE = "2026-11-23"
"""When what is offered last changed."""


OperationsOn = Callable[[str | None], list[Resource]]
"""The operations on a type, or on the system: `{"name", "definition"}`."""


NORMATIVE = frozenset(
    [
        "Binary",
        "Bundle",
        "CapabilityStatement",
        "CodeSystem",
        "Observation",
        "OperationDefinition",
        "OperationOutcome",
        "Parameters",
        "Patient",
        "StructureDefinition",
        "ValueSet",
    ]
)
"""Types of standards status normative in R4: http://hl7.org/fhir/R4/resourcelist.html"""


def capability_statement(
    table: tuple[Interaction, ...],
    base: str,
    settings: FhirSettings,
    operations_on: OperationsOn,
    *,
    normative: bool = False,
) -> bytes:
    """The CapabilityStatement of this very server, or its part on normative types."""
    return _statement(table, base, settings, operations_on, normative)


@cache
def _statement(
    table: tuple[Interaction, ...],
    base: str,
    settings: FhirSettings,
    operations_on: OperationsOn,
    normative: bool,
) -> bytes:
    system = dict.fromkeys(one.code for one in table if one.level == "system")
    statement: Resource = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": DATE,
        "kind": "instance",
        "software": {"name": "AI Med", "version": version("aimed")},
        "implementation": {"description": "AI Med FHIR server", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
        "patchFormat": ["application/json-patch+json", "application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "documentation": (
                    "Unknown search parameters are refused; Prefer: handling=lenient leaves them "
                    f"out and says so. A page has at most {settings.page_limit} entries, a bundle "
                    f"{settings.bundle_entries}."
                ),
                "security": _security(Addresses(base.removesuffix("/fhir"))),
                "resource": [
                    _resource(type, table, settings, operations_on(type))
                    for type in sorted(NORMATIVE if normative else resource_types())
                ],
                "interaction": [{"code": code} for code in system],
                "searchParam": [
                    {"name": code, "type": parameter.type, "definition": parameter.url}
                    for code, parameter in Offer(Registry(), ()).parameters().items()
                ],
                "operation": operations_on(None),
                "compartment": [f"{_COMPARTMENT}{name.lower()}" for name in compartments()],
            }
        ],
    }
    return dumps(statement)


def _resource(
    type: str,
    table: tuple[Interaction, ...],
    settings: FhirSettings,
    operations: list[Resource],
) -> dict[str, Any]:
    codes = dict.fromkeys(one.code for one in table if one.level != "system")
    if type == "AuditEvent":
        for code in ("create", "update", "patch", "delete"):
            codes.pop(code)
    offered = Registry().offered(type)
    references = [code for code, one in offered.items() if one.type == "reference"]
    return {
        "type": type,
        **({"supportedProfile": _profiles(type)} if _profiles(type) else {}),
        "interaction": [{"code": code} for code in codes],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": type != "AuditEvent",
        "conditionalCreate": type != "AuditEvent",
        "conditionalRead": "full-support",
        "conditionalUpdate": type != "AuditEvent",
        "conditionalDelete": "not-supported"
        if type == "AuditEvent"
        else settings.conditional_delete,
        "referencePolicy": ["literal", "logical"],
        "searchInclude": ["*", *(f"{type}:{code}" for code in references)],
        "searchRevInclude": ["*", *_referring(type)],
        "searchParam": [
            {"name": code, "type": parameter.type, "definition": parameter.url}
            for code, parameter in offered.items()
        ],
        **({"operation": operations} if operations else {}),
    }


@cache
def _profiles(type: str) -> list[str]:
    known = profiles()
    return [url for url in known if known[url].type == type]


@cache
def _referring(type: str) -> tuple[str, ...]:
    """`Observation:subject`: what may refer to a type."""
    registry = Registry()
    return tuple(
        f"{source}:{code}"
        for source in sorted(resource_types())
        for code, one in registry.offered(source).items()
        if one.type == "reference" and type in one.targets
    )


def _security(addresses: Addresses) -> Resource:
    """SMART, also in the form from before smart-configuration, which older apps alone read."""
    named = {
        "authorize": "authorization_endpoint",
        "token": "token_endpoint",
        "introspect": "introspection_endpoint",
        "revoke": "revocation_endpoint",
        "register": "registration_endpoint",
        "manage": "management_endpoint",
    }
    endpoints = addresses.endpoints()
    return {
        "extension": [
            {
                "url": _OAUTH_URIS,
                "extension": [
                    {"url": name, "valueUri": endpoints[key]} for name, key in named.items()
                ],
            }
        ],
        "cors": True,
        "service": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                        "code": "SMART-on-FHIR",
                    }
                ],
                "text": "SMART App Launch 2.2",
            }
        ],
        "description": "Authorization: Bearer, by SMART App Launch 2.2 or from POST /auth/login.",
    }
