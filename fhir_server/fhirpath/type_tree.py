"""The FHIR type tree, for `is`, `as` and `ofType`. http://hl7.org/fhir/R4/datatypes.html

An expression may write a primitive with a capital: `answer is Boolean` in invariant que-7 means
the FHIR boolean, although System.Boolean is written like that.
"""

from __future__ import annotations

from functools import cache

from fhir_server.definitions.elements import elements_of, primitive_types, resource_types

_BASES = {
    "code": "string",
    "id": "string",
    "markdown": "string",
    "url": "uri",
    "canonical": "uri",
    "uuid": "uri",
    "oid": "uri",
    "positiveInt": "integer",
    "unsignedInt": "integer",
    "Age": "Quantity",
    "Count": "Quantity",
    "Distance": "Quantity",
    "Duration": "Quantity",
    "quantity": "Quantity",
    "Timing": "BackboneElement",
    "Dosage": "BackboneElement",
    "ElementDefinition": "BackboneElement",
    "BackboneElement": "Element",
    "DomainResource": "Resource",
}
_NO_DOMAIN = frozenset({"Bundle", "Binary", "Parameters", "DomainResource"})
_SYSTEM = {
    "Boolean": "boolean",
    "String": "string",
    "Integer": "integer",
    "Decimal": "decimal",
    "Date": "date",
    "DateTime": "dateTime",
    "Time": "time",
    "Quantity": "Quantity",
}


@cache
def ancestry(type: str) -> tuple[str, ...]:
    """The type and all types above it, nearest first."""
    found = [type]
    while (above := _base(found[-1])) is not None:
        found.append(above)
    return tuple(found)


def _base(type: str) -> str | None:
    if type in _BASES:
        return _BASES[type]
    if type in ("Element", "Resource"):
        return None
    if type in resource_types():
        return "Resource" if type in _NO_DOMAIN else "DomainResource"
    if "." in type:
        return "BackboneElement" if "modifierExtension" in elements_of(type) else "Element"
    return "Element"


@cache
def known(name: str) -> bool:
    """Whether `name`, qualified or not, is a type that an expression may name."""
    namespace, _, plain = name.rpartition(".")
    if namespace == "System":
        return plain in _SYSTEM
    return (
        namespace in ("", "FHIR")
        and plain[0:1].isalpha()
        and (
            plain in resource_types()
            or plain in primitive_types()
            or plain in _SYSTEM
            or plain in _BASES
            or plain in ("Element", "Resource", "SimpleQuantity", "MoneyQuantity")
            or bool(elements_of(plain))
        )
    )


@cache
def conforms(type: str, name: str) -> bool:
    """Whether a node of `type` is of the type that an expression calls `name`."""
    namespace, _, plain = name.rpartition(".")
    if plain in ("SimpleQuantity", "MoneyQuantity"):
        plain = "Quantity"
    if namespace != "FHIR":
        plain = _SYSTEM.get(plain, plain)
    if plain == "dateTime" and type == "instant":
        return True
    return plain in ancestry(type)
