"""SearchParameter and CompartmentDefinition of FHIR R4, compiled; those that US Core adds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from fhir_server.definitions.elements import load


@dataclass(frozen=True)
class SearchParameter:
    """One search parameter as it applies to one resource type. `type` is a SearchParamType.

    `components` are those of a composite: the component parameter's URL and the expression that
    finds it below each node of `expression`.
    """

    code: str
    type: str
    expression: str
    targets: frozenset[str]
    url: str
    components: tuple[tuple[str, str], ...] = ()


@cache
def parameters_of(resource_type: str) -> Mapping[str, SearchParameter]:
    """The defined parameters of a type by code, those of every resource included.

    US Core's stand beside those of R4; where both define a code they mean the same.
    """
    compiled = _data()["parameters"]
    merged = {
        **_us_core().get(resource_type, {}),
        **compiled["Resource"],
        **compiled.get("DomainResource", {}),
        **compiled.get(resource_type, {}),
    }
    return {code: _parameter(code, entry) for code, entry in merged.items()}


@cache
def patient_compartment(resource_type: str) -> tuple[str, ...]:
    """The reference parameters that put a resource of that type into a patient's compartment."""
    return compartment("Patient").get(resource_type, ())


@cache
def compartments() -> tuple[str, ...]:
    """The resource types that have a compartment."""
    return tuple(_data()["compartments"])


@cache
def compartment(name: str) -> Mapping[str, tuple[str, ...]]:
    """By resource type, the parameters any of which puts it into a compartment of that name.

    `{def}` stands for the resource whose compartment it is.
    """
    return {type: tuple(codes) for type, codes in _data()["compartments"][name].items()}


@cache
def case_sensitive_systems() -> frozenset[str]:
    """The code systems of the R4 package whose codes differ by case (CodeSystem.caseSensitive)."""
    return frozenset(_data()["sensitive"])


def _parameter(code: str, entry: dict[str, Any]) -> SearchParameter:
    return SearchParameter(
        code=code,
        type=entry["type"],
        expression=entry["expression"],
        targets=frozenset(entry.get("target", ())),
        url=entry["url"],
        components=tuple((one[0], one[1]) for one in entry.get("component", ())),
    )


@cache
def _us_core() -> dict[str, dict[str, Any]]:
    text = files("fhir_server.definitions").joinpath("data", "us_core_search.json").read_text()
    found: dict[str, dict[str, Any]] = json.loads(text)["parameters"]
    return found


@cache
def _data() -> dict[str, Any]:
    return load("search.json.gz")
