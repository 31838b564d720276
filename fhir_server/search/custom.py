"""SearchParameter resources as search parameters of this server. FHIR R4 SearchParameter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from fhir_server.definitions.elements import resource_types
from fhir_server.definitions.search_parameters import SearchParameter, parameters_of
from fhir_server.resource import Resource
from fhir_server.search.evaluated import compile_evaluated
from fhir_server.search.path import compile_path

KINDS = frozenset({"token", "reference", "string", "uri", "date", "number", "quantity"})


def parameters_in(resource: Resource) -> tuple[tuple[str, SearchParameter], ...]:
    """What an active SearchParameter adds: type and parameter, for each base it can serve.

    Nothing for those that R4 defines itself, for drafts and retired ones, and where `unusable`
    gives a reason.
    """
    if resource.get("status") != "active" or unusable(resource) is not None:
        return ()
    found = []
    for type in _bases(resource):
        if resource["code"] not in parameters_of(type):
            made = _parameter(resource)
            if _is_indexable(made.expression, type):
                found.append((type, made))
    return tuple(found)


def unusable(resource: Resource) -> str | None:
    """Why nothing can be searched by this SearchParameter, None when something can."""
    if resource["url"] in _built_in_urls():
        return "FHIR R4 defines this parameter already"
    if resource.get("type") not in KINDS:
        return f"a parameter of your own is one of: {', '.join(sorted(KINDS))}"
    expression = resource.get("expression")
    if not expression:
        return "it has no expression"
    if not any(_is_indexable(expression, type) for type in _bases(resource)):
        return "its expression is no FHIRPath on any of its base types"
    return None


def _is_indexable(expression: str, type: str) -> bool:
    return (compile_path(expression, type) or compile_evaluated(expression, type)) is not None


def _parameter(resource: Resource) -> SearchParameter:
    made = SearchParameter(
        code=resource["code"],
        type=resource["type"],
        expression=resource["expression"],
        targets=frozenset(resource.get("target", ())),
        url=resource["url"],
    )
    return made


def _bases(resource: Resource) -> Iterator[str]:
    for base in resource.get("base", ()):
        if base in ("Resource", "DomainResource"):
            yield from sorted(resource_types())
        elif base in resource_types():
            yield base


@cache
def _built_in_urls() -> frozenset[str]:
    return frozenset(one.url for type in resource_types() for one in parameters_of(type).values())


def by_type(
    found: Iterable[tuple[str, SearchParameter]],
) -> dict[str, tuple[SearchParameter, ...]]:
    """The parameters of each type; of two with one code the first."""
    grouped: dict[str, dict[str, SearchParameter]] = {}
    for type, parameter in found:
        grouped.setdefault(type, {}).setdefault(parameter.code, parameter)
    return {type: tuple(own.values()) for type, own in grouped.items()}
