"""Compiles `data/value-sets.json.gz` from the R4 and US Core packages. Same input, same bytes.

    python -m terminology.value_sets.build hl7.fhir.r4.core.tgz us-core-6.1.0.tgz

Definitions keep what decides membership: codes, nesting, properties, composition. Displays stay in
HL7's own code systems; those of LOINC, SNOMED CT and others belong to their owners. Lists that the
packages refer to and leave out come from `data/supplement.json`.
"""

from __future__ import annotations

import gzip
import json
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Resource = dict[str, Any]

_DATA = Path(__file__).parent / "data"
_HL7 = ("http://hl7.org/fhir/", "http://terminology.hl7.org/")
_COUNTRIES = "http://hl7.org/fhir/ValueSet/iso3166-1-2"
_CODE_SYSTEM_KEYS = (
    "resourceType", "url", "version", "caseSensitive", "hierarchyMeaning", "content",
)  # fmt: skip
_VALUE_SET_KEYS = ("resourceType", "url", "version")
_RULE_KEYS = ("system", "version", "filter", "valueSet")
# 1,505 dates of deprecation decide nothing.
_DROPPED_PROPERTIES = frozenset(("deprecationDate",))


def build(packages: Iterable[Path]) -> bytes:
    """The content of the data file; of resources with the same URL the first one counts."""
    supplement = json.loads((_DATA / "supplement.json").read_text("utf-8"))
    found = [resource for package in packages for resource in _resources(package)]
    systems = [_code_system(each) for each in found if each["resourceType"] == "CodeSystem"]
    sets = [_value_set(each) for each in found if each["resourceType"] == "ValueSet"]
    content = {
        "source": "HL7 FHIR R4 4.0.1 core and US Core 6.1.0 packages; data/supplement.json",
        "licence": "CC0 1.0; see data/README.md",
        "code_systems": _sorted([*systems, _countries(sets), *supplement["code_systems"]]),
        "value_sets": _sorted([*sets, *supplement["value_sets"]]),
    }
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def _resources(package: Path) -> Iterator[Resource]:
    with tarfile.open(package, "r:gz") as archive:
        for member in archive:
            name = Path(member.name).name
            content = archive.extractfile(member)
            if content is not None and name.startswith(("CodeSystem-", "ValueSet-")):
                yield json.load(content)


def _sorted(resources: Iterable[Resource]) -> list[Resource]:
    by_url: dict[str, Resource] = {}
    for resource in resources:
        by_url.setdefault(resource["url"], resource)
    return [by_url[url] for url in sorted(by_url)]


def _code_system(resource: Resource) -> Resource:
    kept = {key: resource[key] for key in _CODE_SYSTEM_KEYS if key in resource}
    displays = resource["url"].startswith(_HL7)
    kept["concept"] = [_concept(each, displays) for each in resource.get("concept", ())]
    return kept


def _concept(concept: Resource, displays: bool) -> Resource:
    kept: Resource = {"code": concept["code"]}
    if displays and "display" in concept:
        kept["display"] = concept["display"]
    properties = [p for p in concept.get("property", ()) if p["code"] not in _DROPPED_PROPERTIES]
    if properties:
        kept["property"] = properties
    if "concept" in concept:
        kept["concept"] = [_concept(each, displays) for each in concept["concept"]]
    return kept


def _value_set(resource: Resource) -> Resource:
    kept: Resource = {key: resource[key] for key in _VALUE_SET_KEYS if key in resource}
    compose = resource["compose"]
    kept["compose"] = {
        kind: [_rule(rule) for rule in compose[kind]]
        for kind in ("include", "exclude")
        if kind in compose
    }
    if "inactive" in compose:
        kept["compose"]["inactive"] = compose["inactive"]
    return kept


def _rule(rule: Resource) -> Resource:
    kept = {key: rule[key] for key in _RULE_KEYS if key in rule}
    if "concept" in rule:
        kept["concept"] = [{"code": concept["code"]} for concept in rule["concept"]]
    return kept


def _countries(value_sets: Iterable[Resource]) -> Resource:
    """ISO 3166 as far as R4 lists it: the two-letter codes, without the other two sorts."""
    listed = next(each for each in value_sets if each["url"] == _COUNTRIES)
    rule = listed["compose"]["include"][0]
    return {
        "resourceType": "CodeSystem",
        "url": rule["system"],
        "content": "fragment",
        "concept": rule["concept"],
    }


if __name__ == "__main__":
    (_DATA / "value-sets.json.gz").write_bytes(build(Path(name) for name in sys.argv[1:]))
