"""One search parameter with its value as a criterion. FHIR R4 3.1.1.4 and 3.1.1.4.15 (chains)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fhir_server.definitions.elements import resource_types
from fhir_server.definitions.search_parameters import SearchParameter
from fhir_server.errors import InvalidParameter, NotSupported, TooCostly
from fhir_server.search.criteria import Chain, Clause, Criterion, Listed, Reverse
from fhir_server.search.registry import Registry
from fhir_server.search.values import alternatives

MODIFIERS: Mapping[str, frozenset[str]] = {
    "token": frozenset({"missing", "not", "text", "above", "below", "in", "not-in", "of-type"}),
    "reference": frozenset({"missing", "identifier", "above", "below"}),
    "string": frozenset({"missing", "exact", "contains"}),
    "uri": frozenset({"missing", "above", "below", "contains"}),
    "date": frozenset({"missing"}),
    "number": frozenset({"missing"}),
    "quantity": frozenset({"missing"}),
    "composite": frozenset({"missing"}),
    "special": frozenset({"missing"}),
}
CHAIN_LIMIT = 6
"""Hops of a chain, `_has` counted: each is a search of its own."""

_OWN_MODIFIERS = {
    "_id": frozenset({"not"}),
    "_lastUpdated": frozenset[str](),
    "phonetic": {"missing"},
}
WORDS = ("_text", "_content")


class Offer:
    """The parameters that a search on some types may use. No types means all."""

    def __init__(self, registry: Registry, types: tuple[str, ...]) -> None:
        self.registry = registry
        self.types = types
        self._common: dict[str, SearchParameter] | None = None

    def parameters(self) -> Mapping[str, SearchParameter]:
        """By code; of several types those that all of them have."""
        if len(self.types) == 1:
            return self.registry.offered(self.types[0])
        if self._common is None:
            self._common = self._intersection()
        return self._common

    def parameter(self, code: str) -> SearchParameter | None:
        """The parameter of that code, None when it is not offered."""
        return self.parameters().get(code)

    def on(self, type: str) -> Offer:
        """The same registry's offer on another type."""
        return Offer(self.registry, (type,))

    def named(self) -> str:
        """The types, for people."""
        return ", ".join(self.types) if self.types else "The system"

    def _intersection(self) -> dict[str, SearchParameter]:
        first, *rest = self.types or sorted(resource_types())
        common = dict(self.registry.offered(first))
        for type in rest:
            other = self.registry.offered(type)
            common = {
                code: replace(one, targets=one.targets | other[code].targets)
                for code, one in common.items()
                if code in other and other[code].type == one.type
            }
        return common


def criterion(
    name: str, value: str, offer: Offer, *, lenient: bool = False, depth: int = 0
) -> Criterion | None:
    """The criterion of one pair; None for an unknown parameter when `lenient`."""
    if depth > CHAIN_LIMIT:
        raise TooCostly(f"A chain here has at most {CHAIN_LIMIT} hops.")
    if name.startswith("_has:"):
        return _reverse(name, value, offer, depth)
    if name == "_list":
        return Listed(alternatives(name, value))
    head, dot, rest = name.partition(".")
    if dot:
        return _chain(head, rest, value, offer, depth)
    return _clause(name, value, offer, lenient)


def _clause(name: str, value: str, offer: Offer, lenient: bool) -> Clause | None:
    code, _, modifier = name.partition(":")
    if code in WORDS:
        return Clause(_word_parameter(code, modifier), None, alternatives(name, value))
    parameter = offer.parameter(code)
    if parameter is None:
        if lenient:
            return None
        raise _unknown(code, offer)
    check_modifier(parameter, modifier)
    return Clause(parameter, modifier or None, alternatives(name, value))


def _word_parameter(code: str, modifier: str) -> SearchParameter:
    if modifier:
        raise NotSupported(f"{code} takes no modifier.")
    url = f"http://hl7.org/fhir/SearchParameter/Resource-{code[1:]}"
    return SearchParameter(code, "words", "", frozenset(), url)


def _unknown(code: str, offer: Offer) -> NotSupported:
    if any(code in offer.registry.pending(type) for type in offer.types):
        return NotSupported(f"{code[:64]} is still being indexed; search by it when it is done.")
    known = ", ".join([*offer.parameters(), "_list", "_has", "_filter", *WORDS])
    return NotSupported(f"{offer.named()} cannot be searched by {code[:64]}. It can by: {known}.")


def check_modifier(parameter: SearchParameter, modifier: str) -> None:
    """Raise `NotSupported` unless the parameter takes the modifier."""
    if not modifier:
        return
    known = _OWN_MODIFIERS.get(parameter.code, MODIFIERS[parameter.type])
    if modifier in known:
        return
    if parameter.type == "reference" and modifier in (parameter.targets or resource_types()):
        return
    raise NotSupported(
        f"{parameter.code} does not take the modifier :{modifier[:64]}. "
        + (f"It takes: {', '.join(sorted(known))}." if known else "It takes none.")
    )


def _chain(head: str, rest: str, value: str, offer: Offer, depth: int) -> Chain:
    code, _, type = head.partition(":")
    parameter = offer.parameter(code)
    if parameter is None:
        raise _unknown(code, offer)
    if parameter.type != "reference":
        raise InvalidParameter(f"{code[:64]} is no reference: a chain cannot go through it.")
    if type and type not in (parameter.targets or resource_types()):
        targets = ", ".join(sorted(parameter.targets or resource_types()))
        raise InvalidParameter(f"{code} refers to: {targets}.")
    inner: dict[str, Criterion] = {}
    refused: NotSupported | None = None
    for target in (type,) if type else sorted(parameter.targets or resource_types()):
        try:
            found = criterion(rest, value, offer.on(target), depth=depth + 1)
        except NotSupported as error:  # a target that has no such parameter: others may
            refused = error
            continue
        if found is not None:
            inner[target] = found
    if not inner:
        raise refused or NotSupported(f"{code[:64]} cannot be chained like this.")
    return Chain(parameter, inner)


def _reverse(name: str, value: str, offer: Offer, depth: int) -> Reverse:
    _, type, code, *rest = [*name.split(":", 3), "", ""]
    if type not in resource_types() or not rest[0]:
        raise InvalidParameter("_has takes the form _has:Type:reference:parameter.")
    parameter = offer.on(type).parameter(code)
    if parameter is None or parameter.type != "reference":
        known = [c for c, p in offer.on(type).parameters().items() if p.type == "reference"]
        raise InvalidParameter(f"_has knows of {type} these references: {', '.join(known)}.")
    inner = criterion(rest[0], value, offer.on(type), depth=depth + 1)
    if inner is None:  # never: nothing inside is left out
        raise InvalidParameter("_has takes the form _has:Type:reference:parameter.")
    return Reverse(type, parameter, inner)
