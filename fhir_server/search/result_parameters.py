"""Parameters that shape an answer rather than choose its entries. FHIR R4 3.1.1.5."""

from __future__ import annotations

from collections.abc import Mapping

from fhir_server.definitions.elements import resource_types
from fhir_server.errors import InvalidParameter, NotSupported
from fhir_server.search.criteria import Inclusion, SortKey
from fhir_server.search.parameters import Offer

ONCE = frozenset(
    {"_count", "_sort", "_summary", "_total", "_elements", "_format", "_pretty", "_cursor",
     "_explain", "_contained", "_containedType"}
)  # fmt: skip
"""Parameters that stand once at most."""

RESULT_PARAMETERS = ONCE | {"_include", "_revinclude"}
_UNSORTABLE = frozenset({"composite", "special"})
_SORT_LIMIT = 5


def sort_keys(text: str | None, offer: Offer) -> tuple[SortKey, ...]:
    """`_sort=-date,name`. Raises `InvalidParameter` and `NotSupported`."""
    if text is None:
        return ()
    keys = [SortKey(part.removeprefix("-"), part.startswith("-")) for part in text.split(",")]
    if len(keys) > _SORT_LIMIT:
        raise NotSupported(f"_sort takes at most {_SORT_LIMIT} parameters.")
    for one in keys:
        parameter = offer.parameter(one.code)
        if not one.code:
            raise InvalidParameter("_sort names no parameter, or none between two commas.")
        if parameter is None or parameter.type in _UNSORTABLE or one.code == "phonetic":
            raise NotSupported(
                f"_sort does not go by {one.code[:64]}. It goes by: {', '.join(_sortable(offer))}."
            )
    return tuple(dict.fromkeys(keys))


def _sortable(offer: Offer) -> list[str]:
    return [
        code
        for code, one in offer.parameters().items()
        if one.type not in _UNSORTABLE and code != "phonetic"
    ]


def refuse_contained(results: Mapping[str, str]) -> None:
    """Raise `NotSupported` for a search of contained resources; `_contained=false` is no search."""
    if results.get("_contained", "false") != "false" or "_containedType" in results:
        raise NotSupported("Contained resources are not searched for: _contained is false only.")


def inclusion(name: str, value: str, offer: Offer) -> Inclusion:
    """`_include=Observation:subject:Patient`. Raises `InvalidParameter` and `NotSupported`."""
    kind, _, modifier = name.partition(":")
    if modifier not in ("", "iterate", "recurse"):
        raise NotSupported(f"{kind} takes the modifier :iterate only.")
    reverse, iterate = kind == "_revinclude", modifier != ""
    if value == "*":
        return Inclusion("*", "*", None, reverse, iterate)
    source, _, rest = value.partition(":")
    code, _, target = rest.partition(":")
    if source not in resource_types() or not code:
        raise InvalidParameter(f"{kind} takes Type:parameter, Type:parameter:Type, Type:* or *.")
    if target and target not in resource_types():
        raise InvalidParameter(f"{kind} names a target that is no resource type.")
    if code != "*":
        _check_reference(kind, source, code, offer)
    return Inclusion(source, code, target or None, reverse, iterate)


def _check_reference(kind: str, source: str, code: str, offer: Offer) -> None:
    parameters = offer.registry.offered(source)
    if code not in parameters or parameters[code].type not in ("reference", "uri"):
        known = ", ".join(c for c, one in parameters.items() if one.type == "reference")
        raise InvalidParameter(f"{kind} knows of {source} these references: {known}.")


def total_mode(text: str | None) -> str:
    """`_total`: none, estimate or accurate."""
    if text not in (None, "none", "accurate", "estimate"):
        raise InvalidParameter("_total takes none, estimate or accurate.")
    return text or "none"


def switch(name: str, text: str | None) -> bool:
    """A parameter that is true or false."""
    if text not in (None, "true", "false"):
        raise InvalidParameter(f"{name} takes true or false.")
    return text == "true"
