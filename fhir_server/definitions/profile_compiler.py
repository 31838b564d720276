"""Compiles the snapshot of a StructureDefinition to what it demands beyond R4 itself.

What the structure check and the invariants of R4 hold every resource to is left out, so that an
element without an entry is one that needs no look. Source: FHIR R4,
http://hl7.org/fhir/R4/profiling.html and http://hl7.org/fhir/R4/elementdefinition.html.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from fhir_server.definitions.elements import Element, elements_of, resource_types
from fhir_server.definitions.invariants import invariants
from terminology import value_sets

Json = dict[str, Any]
CORE = "http://hl7.org/fhir/StructureDefinition/"
_SYSTEM_TYPE = "http://hl7.org/fhirpath/"
_MAXIMUM = CORE + "elementdefinition-maxValueSet"
_BY_ALL = "ele-1"  # that an element has content: the structure check is it


def compiled(structure_definition: Json) -> Json:
    """The compact form of a profile, which `profiles.profile_of` reads.

    Raises `ValueError` for a StructureDefinition without a snapshot.
    """
    listed = structure_definition.get("snapshot", {}).get("element")
    if not listed:
        raise ValueError("A profile is compiled from its snapshot, and there is none.")
    sliced = {part for element in listed for part in _sliced(element["id"])}
    types: dict[str, str] = {}
    elements = []
    for element in listed:
        base = _base(element, types, structure_definition["type"])
        if base is None and "." in element["id"]:
            continue  # under a name that R4 does not have: what it means cannot be told
        entry = _element(element, base, sliced, structure_definition["url"])
        if len(entry) > 1 or "sliceName" in element:
            elements.append(entry)
    return {
        "name": structure_definition["name"],
        "title": structure_definition.get("title", structure_definition["name"]),
        "version": structure_definition.get("version", ""),
        "type": structure_definition["type"],
        "base": structure_definition.get("baseDefinition", ""),
        "elements": elements,
    }


def _sliced(id: str) -> Iterable[str]:
    """The id of the element that a slice with this id is of; `a:b/c` is of `a:b`."""
    head, colon, name = id.rpartition(":")
    if colon and "." not in name:
        outer, slash, _ = name.rpartition("/")
        yield f"{head}:{outer}" if slash else head


def _base(element: Json, types: dict[str, str], root: str) -> Element | None:
    """R4's own definition of an element, and in `types` what type its children are of."""
    id: str = element["id"]
    if "." not in id:
        types[id] = root
        return None
    base = _in_r4(id, types)
    own = [one["code"] for one in element.get("type", ())]
    types[id] = own[0] if own and not _is_backbone(base) else _first_type(base)
    return base


def _in_r4(id: str, types: dict[str, str]) -> Element | None:
    parent, _, last = id.rpartition(".")
    if parent not in types:  # without a demand of its own a snapshot may leave it out
        types[parent] = _first_type(_in_r4(parent, types)) if parent else "Element"
    # A primitive has the children of every element: id and extensions.
    members = elements_of(types[parent]) or elements_of("Element")
    return members.get(last.partition(":")[0].removesuffix("[x]"))


def _first_type(base: Element | None) -> str:
    return "Element" if base is None else base.types[0].removeprefix("@")


def _is_backbone(base: Element | None) -> bool:
    return base is not None and base.types[0][0] == "@"


def _element(element: Json, base: Element | None, sliced: set[str], profile: str) -> Json:
    slice = "sliceName" in element
    entry: Json = {"id": element["id"]}
    root = "." not in element["id"]
    if not root:
        entry |= _cardinality(element, base, slice)
        types = _types(element, base)
        if types:
            entry["types"] = types
        for key, value in element.items():
            for kind in ("fixed", "pattern"):
                if key.startswith(kind):
                    entry[kind] = value
    binding = _binding(element, base)
    if binding:
        entry["binding"] = binding
    slicing = element.get("slicing")
    if slicing and (element["id"] in sliced or slicing["rules"] == "closed"):
        entry["slicing"] = _slicing(slicing)
    if element.get("mustSupport"):
        entry["mustSupport"] = True
    constraints = _constraints(element, profile)
    if constraints:
        entry["constraints"] = constraints
    return entry


def _cardinality(element: Json, base: Element | None, slice: bool) -> Json:
    found: Json = {}
    least, most = element.get("min", 0), element.get("max", "*")
    if least > (1 if base is not None and base.required and not slice else 0):
        found["min"] = least
    if most != ("*" if base is None or base.many else "1"):
        found["max"] = int(most)
    return found


def _types(element: Json, base: Element | None) -> list[Json]:
    """The types that are allowed, when R4 allows others or does not name their profiles."""
    found = []
    for one in element.get("type", ()):
        if one["code"].startswith(_SYSTEM_TYPE):
            return []
        entry: Json = {"code": one["code"]}
        if "profile" in one:
            entry["profiles"] = one["profile"]
        if "targetProfile" in one and not _same_targets(one["targetProfile"], base):
            entry["targets"] = one["targetProfile"]
        found.append(entry)
    known = set() if base is None else set(base.types)
    as_in_r4 = {one["code"] for one in found} >= known or any(one[0] == "@" for one in known)
    return [] if as_in_r4 and all(len(one) == 1 for one in found) else found


def _same_targets(profiles: list[str], base: Element | None) -> bool:
    named = {profile.removeprefix(CORE) for profile in profiles}
    if named == {"Resource"}:
        return base is None or not base.targets
    return named <= resource_types() and base is not None and named >= base.targets != frozenset()


def _binding(element: Json, base: Element | None) -> Json:
    binding = element.get("binding", {})
    found: Json = {}
    url, strength = binding.get("valueSet"), binding.get("strength")
    if url and strength in ("required", "extensible"):
        checked = strength == "required" and base is not None and base.codings is not None
        if not checked or value_sets.codes(url) != (base and base.codings):
            found = {"strength": strength, "valueSet": url}
    for extension in binding.get("extension", ()):
        if extension["url"] == _MAXIMUM:
            found["maximum"] = extension.get("valueCanonical") or extension.get("valueUri")
    return found


def _slicing(slicing: Json) -> Json:
    found: Json = {"rules": slicing["rules"]}
    if slicing.get("ordered"):
        found["ordered"] = True
    if "discriminator" in slicing:
        found["by"] = [[one["type"], one["path"]] for one in slicing["discriminator"]]
    return found


def _constraints(element: Json, profile: str) -> list[list[str]]:
    return [
        [rule["key"], rule["severity"], rule["human"], rule["expression"]]
        for rule in element.get("constraint", ())
        if "expression" in rule and (rule.get("source") == profile or rule["key"] not in _r4_keys())
    ]


@cache
def _r4_keys() -> frozenset[str]:
    return frozenset({_BY_ALL}.union(*({one.key for one in at} for at in invariants().values())))
