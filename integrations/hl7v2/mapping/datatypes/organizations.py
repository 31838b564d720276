"""XON and HD as Organization, HD and EI as Device."""

from __future__ import annotations

from integrations.hl7v2.mapping.context import Context, Identity, Json
from integrations.hl7v2.mapping.datatypes.identifiers import _type, named
from integrations.hl7v2.mapping.datatypes.registry import Use, converts
from integrations.hl7v2.mapping.draft import Policy
from integrations.hl7v2.mapping.values import Parts, component, subcomponent, whole


@converts("XON", "Organization", (1, 2, 3, 4, 5, 6, 7, 10))
def organization(parts: Parts, context: Context, use: Use) -> Json | None:
    """Name and identifier: XON-10, in older versions XON-3."""
    name, value = whole(parts, 1), component(parts, 10) or component(parts, 3)
    made: Json = {"resourceType": "Organization"}
    identities: tuple[Identity, ...] = ()
    if value:
        authority = [subcomponent(parts, 6, sub) for sub in (1, 2, 3)]
        system = context.authority(*authority)
        if not system and context.default_authority():
            system = context.default_authority() + ":organization"
        kind = component(parts, 7)
        identifier: Json = {"type": _type(kind, context)} if kind and " " not in kind else {}
        if system:
            identifier["system"] = system
            identities = ((system, value),)
        identifier["value"] = value
        made["identifier"] = [identifier]
    if name:
        made["name"] = name
    if len(made) == 1:
        return None
    # A name alone is told again by every message: it stands for the same organization.
    identities = identities or ((context.local("organization-name"), name),)
    return context.builder.draft(made, identities, Policy.REFERENCE_DATA)


@converts("HD", "Organization", (1, 2, 3))
def facility(parts: Parts, context: Context, use: Use) -> Json | None:
    """A facility: its namespace is its name."""
    namespace, universal = component(parts, 1), component(parts, 2)
    system = context.authority(namespace, universal, component(parts, 3))
    if not system:
        return None
    made: Json = {"resourceType": "Organization", "identifier": _identifier(system, universal)}
    made["name"] = namespace or universal
    identity = ("urn:ietf:rfc:3986", system)
    return context.builder.draft(made, (identity,), Policy.REFERENCE_DATA)


@converts("CWE", "Organization", (1, 2, 3))
def coded(parts: Parts, context: Context, use: Use) -> Json | None:
    """An organization named by a code, such as a maker of vaccines."""
    code, name = component(parts, 1), whole(parts, 2)
    if not code and not name:
        return None
    made: Json = {"resourceType": "Organization"}
    identities: tuple[Identity, ...] = ((context.local("organization-name"), name or code),)
    if code:
        system = context.codes.system(component(parts, 3))
        if not system and context.default_authority():
            system = context.default_authority() + ":organization"
        made["identifier"] = [{"system": system, "value": code} if system else {"value": code}]
        identities = ((system, code),) if system else identities
    made["name"] = name or code
    return context.builder.draft(made, identities, Policy.REFERENCE_DATA)


@converts("XON", "string", (1, 3, 10))
def name(parts: Parts, context: Context, use: Use) -> str | None:
    """The name, else the identifier."""
    return whole(parts, 1) or component(parts, 10) or component(parts, 3) or None


@converts("HD", "Device", (1, 2, 3))
def application(parts: Parts, context: Context, use: Use) -> Json | None:
    """An application as a device."""
    namespace, universal = component(parts, 1), component(parts, 2)
    system = context.authority(namespace, universal, component(parts, 3))
    if not system:
        return None
    made: Json = {
        "resourceType": "Device",
        "identifier": _identifier(system, universal),
        "deviceName": [{"name": namespace or universal, "type": "user-friendly-name"}],
    }
    return context.builder.draft(made, (("urn:ietf:rfc:3986", system),), Policy.REFERENCE_DATA)


@converts(("EI", "CWE"), "Device", (1, 2, 3, 4))
def equipment(parts: Parts, context: Context, use: Use) -> Json | None:
    """A piece of equipment by its identifier."""
    identifier = named(parts, context)
    if identifier is None:
        return None
    system = identifier.get("system")
    identities = ((system, identifier["value"]),) if system else ()
    made: Json = {"resourceType": "Device", "identifier": [identifier]}
    return context.builder.draft(made, identities, Policy.REFERENCE_DATA)


def _identifier(system: str, universal: str) -> list[Json]:
    return [{"system": "urn:ietf:rfc:3986", "value": system}]
