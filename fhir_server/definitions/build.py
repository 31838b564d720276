"""Compiles the R4 definitions package into the two data files beside this module.

Usage: python -m fhir_server.definitions.build hl7.fhir.r4.core.tgz
"""

from __future__ import annotations

import gzip
import json
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
_STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
_CODED = {"code", "Coding", "CodeableConcept"}
_DATA = Path(__file__).parent / "data"


def main(package: Path) -> None:
    """Read `package` and write the data files."""
    resources = list(_resources(package))
    of = {
        kind: [one for one in resources if one["resourceType"] == kind]
        for kind in ("StructureDefinition", "SearchParameter", "ValueSet", "CodeSystem")
    }
    compartments = [one for one in resources if one["resourceType"] == "CompartmentDefinition"]
    codes = _Codes(of["ValueSet"], of["CodeSystem"])
    _write("elements.json.gz", _elements(of["StructureDefinition"], codes))
    _write("invariants.json.gz", _invariants(of["StructureDefinition"]))
    _write("search.json.gz", _search(of["SearchParameter"], compartments, of["CodeSystem"]))


def _resources(package: Path) -> Iterator[Json]:
    with tarfile.open(package) as archive:
        for member in archive:
            name = member.name.removeprefix("package/")
            if name.endswith(".json") and "/" not in name:
                stream = archive.extractfile(member)
                content = json.load(stream) if stream else {}
                if isinstance(content, dict) and "resourceType" in content:
                    yield content


def _write(name: str, content: Json) -> None:
    # Keys keep their order: that of elements is what XML and a summary go by.
    text = json.dumps(content, separators=(",", ":"))
    # mtime 0: the same input gives the same file.
    (_DATA / name).write_bytes(gzip.compress(text.encode(), 9, mtime=0))


class _Codes:
    """Lists the codes of value sets that can be listed from this package alone."""

    def __init__(self, value_sets: Iterable[Json], code_systems: Iterable[Json]) -> None:
        self._value_sets = {one["url"]: one for one in value_sets}
        self._systems = {
            one["url"]: one for one in code_systems if one.get("content") == "complete"
        }

    def of(self, url: str) -> dict[str, list[str]] | None:
        """The codes of a value set by system, None when a filter or outside system is involved."""
        value_set = self._value_sets.get(url.partition("|")[0])
        compose = (value_set or {}).get("compose", {})
        if not compose.get("include") or "exclude" in compose:
            return None
        found: dict[str, set[str]] = {}
        for include in compose["include"]:
            codes = self._included(include)
            if codes is None:
                return None
            found.setdefault(include["system"], set()).update(codes)
        return {system: sorted(codes) for system, codes in found.items()}

    def _included(self, include: Json) -> set[str] | None:
        if "filter" in include or "valueSet" in include:
            return None
        if "concept" in include:
            return {concept["code"] for concept in include["concept"]}
        system = self._systems.get(include.get("system", ""))
        return None if system is None else set(_concepts(system.get("concept", [])))


def _concepts(concepts: Iterable[Json]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _concepts(concept.get("concept", []))


def _elements(structures: Iterable[Json], codes: _Codes) -> Json:
    resources: list[str] = []
    primitives: list[str] = []
    types: dict[str, Json] = {}
    bound: dict[str, Json] = {}
    for structure in structures:
        kind, name = structure["kind"], structure["name"]
        base_type = structure.get("derivation") != "constraint"
        if not base_type or kind == "logical":
            continue
        if kind == "primitive-type":
            primitives.append(structure["type"])
        elif kind in ("resource", "complex-type"):
            if kind == "resource" and not structure["abstract"]:
                resources.append(name)
            for path, members in _members(structure, codes, bound).items():
                types[path] = members
    return {
        "resources": sorted(resources),
        "primitives": sorted(primitives),
        "types": dict(sorted(types.items())),
        "codes": dict(sorted(bound.items())),
    }


def _members(structure: Json, codes: _Codes, bound: dict[str, Json]) -> dict[str, Json]:
    members: dict[str, Json] = {}
    elements = structure["snapshot"]["element"]
    parents = {element["path"].rpartition(".")[0] for element in elements}
    for element in elements[1:]:
        parent, _, name = element["path"].rpartition(".")
        members.setdefault(parent, {})[name.removesuffix("[x]")] = _element(
            element, parents, codes, bound, structure["kind"] == "resource"
        )
    return members or {structure["type"]: {}}


def _element(
    element: Json,
    parents: set[str],
    codes: _Codes,
    bound: dict[str, Json],
    in_resource: bool,
) -> Json:
    path = element["path"]
    compiled: Json = {"t": _types(element, parents, in_resource)}
    if element["min"]:
        compiled["min"] = element["min"]
    if element["max"] != "1":
        compiled["max"] = element["max"]
    if path.endswith("[x]"):
        compiled["choice"] = True
    if element.get("isSummary"):
        compiled["sum"] = True
    if "xmlAttr" in element.get("representation", ()):
        compiled["attr"] = True
    targets = {
        profile.removeprefix(_STRUCTURE)
        for type in element.get("type", [])
        if type["code"] == "Reference"
        for profile in type.get("targetProfile", [])
    } - {"Resource"}
    if targets:
        compiled["ref"] = sorted(targets)
    binding = element.get("binding", {})
    if binding.get("strength") == "required" and _CODED & set(compiled["t"]):
        listed = codes.of(binding.get("valueSet", ""))
        if listed is not None:
            url = binding["valueSet"].partition("|")[0]
            bound[url] = listed
            compiled["vs"] = url
    return compiled


def _invariants(structures: Iterable[Json]) -> Json:
    """For each path the rules that hold there: key, severity, text for people, FHIRPath.

    What an element's type or a resource's base demands stands at that type only.
    """
    of = {one["type"]: one for one in structures if one.get("derivation") != "constraint"}
    own = {
        type: {rule["key"] for rule in one["snapshot"]["element"][0].get("constraint", ())}
        for type, one in of.items()
    }
    at: dict[str, list[list[str]]] = {}
    for structure in of.values():
        if structure["kind"] == "logical":
            continue
        base = structure.get("baseDefinition", "").removeprefix(_STRUCTURE)
        for element in structure["snapshot"]["element"]:
            path = element["path"]
            inherited = {"ele-1"} | own.get(base, set())
            if "." in path:
                inherited = {"ele-1"}.union(*(own[_owner(t)] for t in element.get("type", ())))
            at[path] = [
                [rule["key"], rule["severity"], rule["human"], rule["expression"]]
                for rule in element.get("constraint", ())
                if rule["key"] not in inherited and "expression" in rule
            ]
    return {path: rules for path, rules in sorted(at.items()) if rules}


def _owner(type: Json) -> str:
    code: str = type["code"]
    return "string" if code.startswith("http://hl7.org/fhirpath/") else code


def _types(element: Json, parents: set[str], in_resource: bool) -> list[str]:
    path = element["path"]
    if "contentReference" in element:
        return ["@" + element["contentReference"].removeprefix("#")]
    if path in parents:
        return ["@" + path]
    return [_type(type["code"], path, in_resource) for type in element["type"]]


def _type(code: str, path: str, in_resource: bool) -> str:
    if not code.startswith("http://hl7.org/fhirpath/"):
        return code
    if path == "Extension.url":
        return "uri"
    return "id" if in_resource and path.count(".") == 1 else "string"


def _search(
    parameters: Iterable[Json], compartments: Iterable[Json], code_systems: Iterable[Json]
) -> Json:
    compiled: dict[str, Json] = {}
    for parameter in parameters:
        if "expression" not in parameter:
            continue
        for base in parameter["base"]:
            entry = {"type": parameter["type"], "expression": parameter["expression"]}
            if "target" in parameter:
                entry["target"] = sorted(parameter["target"])
            if "component" in parameter:
                entry["component"] = [
                    [one["definition"], one["expression"]] for one in parameter["component"]
                ]
            entry["url"] = parameter["url"]
            compiled.setdefault(base, {})[parameter["code"]] = entry
    return {
        "parameters": {base: dict(sorted(own.items())) for base, own in sorted(compiled.items())},
        "compartments": {
            one["code"]: {
                member["code"]: sorted(member["param"])
                for member in one["resource"]
                if member.get("param")
            }
            for one in sorted(compartments, key=lambda one: str(one["code"]))
            if "example" not in one["url"]
        },
        "sensitive": sorted(one["url"] for one in code_systems if one.get("caseSensitive")),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
