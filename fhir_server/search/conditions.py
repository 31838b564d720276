"""One clause as a MongoDB filter. Plain data, no driver; by kind of parameter."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from fhir_server.definitions.elements import resource_types
from fhir_server.definitions.search_parameters import SearchParameter
from fhir_server.errors import InvalidParameter
from fhir_server.search.comparisons import amount_filter, date_filter, place_filter
from fhir_server.search.composite_condition import composite_filter
from fhir_server.search.criteria import Clause
from fhir_server.search.keys import FOLDED_TYPES, is_folded
from fhir_server.search.path import end_types, implied_systems
from fhir_server.search.text import BEYOND, CHUNK_STEP, KEY_LIMIT, fold, key
from fhir_server.search.values import split, unescape
from fhir_server.search.word_expression import WordExpression
from terminology.phonetics import sounds_of

Filter = dict[str, Any]

# Sorts after every continuation of a prefix: U+10FFFF is no character of any text.
_PRESENT = "?"
_CODED = frozenset({"Coding", "CodeableConcept"})


@dataclass(frozen=True)
class Scope:
    """What a filter depends on besides the query: the types, the server's base URL, the time."""

    types: tuple[str, ...]
    base: str
    now: datetime


def condition(clause: Clause, scope: Scope) -> Filter:
    """The filter of a clause. Raises `InvalidParameter` for values that cannot be right."""
    code = clause.parameter.code
    if clause.modifier == "missing":
        return _missing(code, clause.values)
    if code == "_id":
        return _ids(clause, scope)
    if clause.parameter.type in _RANGED:
        make = _RANGED[clause.parameter.type]
        return either([make(code, value, scope.now) for value in clause.values])
    if clause.parameter.type == "composite":
        return either([composite_filter(clause, value, scope, keys_of) for value in clause.values])
    if clause.parameter.type == "words":
        return either([_words(code, unescape(value)) for value in clause.values])
    if clause.parameter.type == "special":
        return either([place_filter(unescape(value)) for value in clause.values])
    if _is_text(clause):
        return either([_text(clause, unescape(value)) for value in clause.values])
    return among(
        [made for value in clause.values for made in keys_of(clause, value, scope)],
        negated=clause.modifier == "not",
    )


def among(keys: list[str], *, negated: bool = False) -> Filter:
    """Has one of the keys, or none of them."""
    short = list(dict.fromkeys(key(one) for one in keys))
    if negated:
        return {"k": {"$nin": short}}
    return {"k": short[0] if len(short) == 1 else {"$in": short}}


def either(filters: list[Filter]) -> Filter:
    """Any of the filters."""
    return filters[0] if len(filters) == 1 else {"$or": filters}


def keys_of(clause: Clause, value: str, scope: Scope) -> list[str]:
    """The index keys that a value of a key-like parameter asks for, with the code in front."""
    code = clause.parameter.code
    found = _FORMS[clause.parameter.type](clause, value, scope)
    return [f"?{code}" if made == _PRESENT else code + made for made in found]


def _missing(code: str, values: tuple[str, ...]) -> Filter:
    if values not in (("true",), ("false",)):
        raise InvalidParameter(f"{code}:missing takes true or false.")
    if code in ("_id", "_lastUpdated"):  # every resource has them
        return {"deleted": values == ("true",)}
    return {"k": {"$ne": f"?{code}"} if values == ("true",) else f"?{code}"}


def _ids(clause: Clause, scope: Scope) -> Filter:
    wanted = [unescape(value) for value in clause.values]
    types = scope.types
    if not types:
        name, found = "id", wanted
    else:
        name, found = "_id", [f"{type}/{id}" for type in types for id in wanted]
    return {name: {"$nin" if clause.modifier == "not" else "$in": found}}


def _is_text(clause: Clause) -> bool:
    kind, modifier = clause.parameter.type, clause.modifier
    if clause.parameter.code == "phonetic":
        return False
    return (
        (kind == "string" and modifier != "exact")
        or (kind == "token" and modifier == "text")
        or (kind == "uri" and modifier in ("below", "contains", "starts", "ends"))
    )


def _text(clause: Clause, value: str) -> Filter:
    code = clause.parameter.code
    if clause.parameter.type == "uri":
        return _uri_text(code, value, clause.modifier or "")
    folded = fold(value)
    if not folded:
        raise InvalidParameter(f"{code} takes text with at least one letter, digit or sign.")
    if clause.modifier in ("contains", "ends"):
        if len(folded) > CHUNK_STEP:
            raise InvalidParameter(f"{code}:contains takes at most {CHUNK_STEP} characters.")
        last = "$" if clause.modifier == "ends" else ""
        # A text of several words contains a word's beginning after a space, too.
        return _matching(f"^{re.escape(code)}[~%].*{re.escape(folded)}{last}")
    start = f"{code}~{folded}"
    if clause.modifier == "is":
        return {"k": key(start)}
    if len(start) > KEY_LIMIT:
        raise InvalidParameter(f"{code} takes at most {KEY_LIMIT - len(code) - 1} characters.")
    return beginning(start)


def beginning(start: str) -> Filter:
    """Has a key that begins so."""
    return {"k": {"$elemMatch": {"$gte": start, "$lt": start + BEYOND}}}


def _matching(pattern: str) -> Filter:
    return {"k": {"$elemMatch": {"$regex": pattern}}}


def _uri_text(code: str, value: str, modifier: str) -> Filter:
    if modifier in ("contains", "ends"):
        last = "$" if modifier == "ends" else ""
        return _matching(f"^{re.escape(code)}=.*{re.escape(value)}{last}")
    if modifier == "starts":
        return beginning(f"{code}={value}")
    if "|" in value:  # version 1 has 1.1 below it, and not 10
        return either([{"k": key(f"{code}={value}")}, beginning(f"{code}={value}.")])
    # R4 3.1.1.4.13: below `http://acme.org/fhir` are that address and those under it.
    under = value if value.endswith(("/", ":")) else f"{value}/"
    return either([{"k": key(f"{code}={value}")}, beginning(f"{code}={under}")])


def _words(code: str, value: str) -> Filter:
    return WordExpression(code, value, "t:" if code == "_text" else "").filter()


@cache
def _cases(parameter: SearchParameter, types: tuple[str, ...]) -> frozenset[bool | None]:
    """How the codes of a parameter compare: folded, exact, or (None) as their system says."""
    ends = {
        end
        for type in (types or sorted(resource_types()))
        for end in end_types(parameter.expression, type)
    }
    if not ends:
        return frozenset({None, True, False})
    return frozenset(None if end in _CODED else end in FOLDED_TYPES for end in ends)


def _token(clause: Clause, value: str, scope: Scope) -> list[str]:
    parts = [unescape(part) for part in split(value, "|")]
    if clause.modifier == "of-type":
        return _of_type(clause, parts)
    cases = _cases(clause.parameter, scope.types)
    if len(parts) == 1:
        code = parts[0]
        forms = {f"==~{code.casefold()}"} if cases & {None, True} else set()
        return sorted(forms | ({f"=={code}"} if cases & {None, False} else set()))
    system, code = parts[0], "|".join(parts[1:])
    implied = system in _implied(clause.parameter, scope.types)
    if not code:
        if not system:
            raise InvalidParameter("A token needs a code, a system, or both.")
        return [f"={system}|", *([_PRESENT] if implied else [])]
    folded = True in cases or (None in cases and bool(system) and is_folded(system))
    exact = False in cases or (None in cases and not (system and is_folded(system)))
    forms = {f"={system}|~{code.casefold()}"} if folded else set()
    if implied:
        forms.add(f"=|{code}")
    return sorted(forms | ({f"={system}|{code}"} if exact else set()))


@cache
def _implied(parameter: SearchParameter, types: tuple[str, ...]) -> frozenset[str]:
    return frozenset(
        system
        for type in (types or sorted(resource_types()))
        for system in implied_systems(parameter.expression, type)
    )


def _of_type(clause: Clause, parts: list[str]) -> list[str]:
    if len(parts) != 3 or not all(parts[1:]):
        raise InvalidParameter(f"{clause.parameter.code}:of-type takes system|code|value.")
    return [f"^{parts[0]}|{parts[1]}|{parts[2].casefold()}"]


def _reference(clause: Clause, value: str, scope: Scope) -> list[str]:
    if clause.modifier == "identifier":
        # An Identifier's value compares without regard to case, whatever holds it.
        parts = [unescape(part) for part in split(value, "|")]
        system, number = parts[0], "|".join(parts[1:])
        if len(parts) == 1:
            return [f"@=~{system.casefold()}"]
        return [f"@{system}|~{number.casefold()}" if number else f"@{system}|"]
    return [f"={one}" for one in references(clause, unescape(value), scope)]


def references(clause: Clause, value: str, scope: Scope) -> list[str]:
    """The forms in which a stored reference may name what `value` means."""
    local = value.removeprefix(f"{scope.base}/") if scope.base else value
    if clause.modifier is not None:
        local = _typed(clause.parameter.code, clause.modifier, local)
    elif "/" not in local and ":" not in local:
        # Only an id: any of the types that the parameter may point at.
        targets = sorted(clause.parameter.targets) or sorted(resource_types())
        places = ("", f"{scope.base}/") if scope.base else ("",)
        return [f"{place}{target}/{local}" for place in places for target in targets]
    if scope.base and local.partition("/")[0] in resource_types():
        return [local, f"{scope.base}/{local}"]
    return [local]


def _typed(code: str, type: str, local: str) -> str:
    if "/" not in local:
        return f"{type}/{local}"
    if f"/{type}/" not in f"/{local}":
        raise InvalidParameter(f"{code}:{type} takes the id or reference of a {type}.")
    return local


def _string(clause: Clause, value: str, scope: Scope) -> list[str]:
    if clause.parameter.code == "phonetic":
        return [f"~{sounds_of(fold(unescape(value)))}"]
    if clause.modifier is None:  # in a composite a string is compared whole
        return [f"~{fold(unescape(value))}"]
    return [f"!{unescape(value)}"]


def _uri(clause: Clause, value: str, scope: Scope) -> list[str]:
    url = unescape(value)
    if clause.modifier != "above":
        return [f"={url}"]
    scheme, separator, path = url.partition("://")
    if not separator:  # urn:oid:1.2.3 is below urn:oid:1.2
        parts = re.split(r"[.:]", url)
        cuts = [len(url)] + [sum(len(p) + 1 for p in parts[:n]) - 1 for n in range(1, len(parts))]
        return [f"={url[:cut]}" for cut in cuts]
    steps = path.rstrip("/").split("/")
    above = ["/".join(steps[:count]) for count in range(len(steps), 0, -1)]
    return [f"={scheme}://{one}{slash}" for one in above for slash in ("", "/")]


_FORMS: dict[str, Callable[[Clause, str, Scope], list[str]]] = {
    "token": _token,
    "reference": _reference,
    "string": _string,
    "uri": _uri,
}
_RANGED: dict[str, Callable[[str, str, datetime], Filter]] = {
    "date": date_filter,
    "number": amount_filter,
    "quantity": amount_filter,
}
