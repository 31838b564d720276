"""The parts of a provision that are about the resource, as search criteria.

So one and the same condition narrows a search in the database and judges a single resource.
"""

from __future__ import annotations

from collections.abc import Iterable

from fhir_server.auth.directives.rule import Conditions
from fhir_server.definitions.elements import resource_types
from fhir_server.definitions.search_parameters import parameters_of
from fhir_server.errors import FhirError
from fhir_server.labels import CONFIDENTIALITY, Label, rank
from fhir_server.labels.lattice import LEVELS
from fhir_server.search.care_dates import care_range, parameters, within
from fhir_server.search.criteria import And, Clause, Criterion, Ids, Keys, Not, Or
from fhir_server.search.registry import Registry
from terminology.value_sets import descendants

Part = Criterion | bool
"""A condition that is decided for every resource of a type, or one to be asked of each."""

_TYPES = "http://hl7.org/fhir/resource-types"
_URIS = "urn:ietf:rfc:3986"
_AUTHORS = frozenset(
    {"asserter", "author", "performer", "recorder", "requester", "source", "sender", "agent"}
)


def resource_part(step: Conditions, type: str, base: str, *, denies: bool) -> Part:
    """What a provision asks of a resource of `type`. `base` is this server's own base URL.

    Where it cannot be told, it holds for a denying rule and not for a permitting one.
    """
    return all_of(
        (
            _classes(step.classes, type, denies) if step.classes else True,
            _codes(step.codes, type, denies) if step.codes else True,
            any_of(_label(one, type, denies) for one in step.labels) if step.labels else True,
            any_of(_data(one, type, base) for one in step.data) if step.data else True,
            _period(step.data_period, type, denies) if step.data_period else True,
        )
    )


def all_of(parts: Iterable[Part]) -> Part:
    """Whether all hold."""
    kept = list(dict.fromkeys(parts))
    if False in kept:
        return False
    asked = [one for one in kept if not isinstance(one, bool)]
    return And(tuple(asked)) if len(asked) > 1 else (asked[0] if asked else True)


def any_of(parts: Iterable[Part]) -> Part:
    """Whether any holds."""
    kept = list(dict.fromkeys(parts))
    if True in kept:
        return True
    asked = [one for one in kept if not isinstance(one, bool)]
    return Or(tuple(asked)) if len(asked) > 1 else (asked[0] if asked else False)


def none_of(part: Part) -> Part:
    """Whether it does not hold."""
    return not part if isinstance(part, bool) else Not(part)


def forms(codes: Iterable[str], references: Iterable[str], base: str) -> Keys | None:
    """Refers by one of the parameters to one of the resources, by a local or an absolute URL."""
    listed = list(references)
    keys = [f"{code}={one}" for code in codes for one in listed]
    if base:
        keys += [f"{code}={base}/{one}" for code in codes for one in listed]
    return Keys(tuple(keys)) if keys else None


def _classes(classes: Iterable[Label], type: str, denies: bool) -> Part:
    return any_of(_class(one, type, denies) for one in classes)


def _class(one: Label, type: str, denies: bool) -> Part:
    system, code = one
    if system == _TYPES and code in resource_types():
        return code == type
    if system == _URIS and code.startswith("http"):
        profile = code.partition("|")[0]
        plain = profile.removeprefix("http://hl7.org/fhir/StructureDefinition/")
        if plain in resource_types():
            return plain == type
        return Clause(parameters_of(type)["_profile"], None, (escaped(profile),))
    return denies


def _codes(codes: Iterable[Label], type: str, denies: bool) -> Part:
    tokens = [
        one
        for code, one in parameters_of(type).items()
        if one.type == "token" and code != "identifier" and not code.startswith("_")
    ]
    values = tuple(_token(one) for one in codes if one[1])
    if len(values) < len(list(codes)) and denies:
        return True
    if not tokens or not values:
        return False
    return any_of(Clause(one, None, values) for one in tokens)


def _label(label: Label, type: str, denies: bool) -> Part:
    """Of a confidentiality, that or less when permitted, that or more when denied."""
    system, code = label
    if system == CONFIDENTIALITY and code in LEVELS:
        higher = LEVELS[rank(code) + (not denies) :]
        above = _labelled(type, [(system, one) for one in higher])
        if not denies:
            return none_of(above)
        if rank(code) > rank("N"):
            return above
        # What has no confidentiality counts as normal.
        return any_of((above, none_of(_labelled(type, [(system, one) for one in LEVELS]))))
    if not code:
        return denies
    below = descendants(system, code) or {code}
    return _labelled(type, [(system, one) for one in sorted({code, *below})])


def _labelled(type: str, labels: list[Label]) -> Part:
    if not labels:
        return False
    values = tuple(_token(one) for one in labels)
    return Clause(parameters_of(type)["_security"], None, values)


def _token(label: Label) -> str:
    return f"{escaped(label[0])}|{escaped(label[1])}" if label[0] else escaped(label[1])


def escaped(text: str) -> str:
    r"""A value for a search clause: `\` `,` `|` `$` stand for themselves."""
    for sign in "\\,|$":
        text = text.replace(sign, f"\\{sign}")
    return text


def _data(data: tuple[str, str], type: str, base: str) -> Part:
    """FHIR R4 consent-data-meaning: the resource itself, what refers to it, whose author it is."""
    meaning, reference = data
    itself = reference.partition("/")[0] == type and Ids((reference,))
    if meaning == "instance":
        return itself
    codes = [code for code, one in parameters_of(type).items() if one.type == "reference"]
    if meaning == "authoredby":
        codes = [code for code in codes if code in _AUTHORS]
        return forms(codes, [reference], base) or False
    return any_of((itself, forms(codes, [reference], base) or False))


def _period(period: tuple[str | None, str | None], type: str, denies: bool) -> Part:
    try:
        inside = within(type, care_range(*period), Registry())
    except FhirError:
        return denies
    if inside is None:
        return denies
    if denies:  # without a date nobody can say that it is outside
        return inside
    dated = any_of(
        Clause(parameters_of(type)[code], "missing", ("false",)) for code in parameters()[type]
    )
    return all_of((inside, dated))
