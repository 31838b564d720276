"""Profiles: what a StructureDefinition demands of a resource or data type beyond R4 itself.

Source: FHIR R4, http://hl7.org/fhir/R4/profiling.html; the profiles at hand are those of R4 itself
and of US Core 6.1.0, https://hl7.org/fhir/us/core/STU6.1/.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from fhir_server.definitions.elements import resource_types
from fhir_server.definitions.profile_compiler import compiled
from fhir_server.resource import loads

_DEFINITION = "http://hl7.org/fhir/StructureDefinition/"
Strength = Literal["required", "extensible"]
SlicingRules = Literal["open", "closed", "openAtEnd"]


@dataclass(frozen=True)
class TypeRule:
    """One allowed type. `profiles` are of the value itself, `targets` of what it refers to.

    Of several profiles one has to be met; none means any.
    """

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Binding:
    """Value sets for a code. `maximum` is the one that an extensible binding may not leave."""

    strength: Strength | None
    value_set: str | None
    maximum: str | None = None


@dataclass(frozen=True)
class Discriminator:
    """How slices are told apart: value, exists, pattern, type or profile of what is at `path`."""

    type: str
    path: str


@dataclass(frozen=True)
class Slicing:
    """That a list is divided into slices. Without discriminators a slice is what fits it."""

    rules: SlicingRules
    ordered: bool
    discriminators: tuple[Discriminator, ...]


@dataclass(frozen=True)
class Constraint:
    """A rule in FHIRPath on the element that it stands at."""

    key: str
    severity: Literal["error", "warning"]
    human: str
    expression: str


@dataclass(frozen=True, eq=False)
class ProfileElement:
    """What a profile demands of one element or slice beyond R4.

    `id` is that of the snapshot, `Patient.extension:race` say; `max` None is no limit; without
    `types` those of R4 are allowed. `fixed` and `pattern` are JSON values, None for none.
    """

    id: str
    slice_name: str | None = None
    min: int = 0
    max: int | None = None
    types: tuple[TypeRule, ...] = ()
    fixed: Any = None
    pattern: Any = None
    binding: Binding | None = None
    slicing: Slicing | None = None
    must_support: bool = False
    constraints: tuple[Constraint, ...] = ()


@dataclass(frozen=True, eq=False)
class Profile:
    """One profile. `elements` stand in the order of the snapshot, those without a demand left out.

    `type` is the resource or data type, `base` the profile or type that it is derived from.
    """

    url: str
    name: str
    title: str
    version: str
    type: str
    base: str
    elements: tuple[ProfileElement, ...] = field(repr=False)

    @property
    def short(self) -> str:
        """The title without the word profile: US Core Patient."""
        return " ".join(word for word in self.title.split() if word != "Profile")


def compile_profile(structure_definition: dict[str, Any]) -> Profile:
    """The profile that a StructureDefinition of R4 with a snapshot defines.

    Raises `ValueError` when it has no snapshot.
    """
    return profile_of(structure_definition["url"], compiled(structure_definition))


def profiles() -> Mapping[str, Profile]:
    """The profiles at hand by canonical URL. `url|6.1.0` is found, another version is not.

    Found as well, though not listed, are the definitions of the resource types.
    """
    return _profiles()


def profile_of(url: str, data: dict[str, Any]) -> Profile:
    """The profile of the compact form that `profile_compiler.compiled` gives."""
    return Profile(
        url=url,
        name=data["name"],
        title=data["title"],
        version=data["version"],
        type=data["type"],
        base=data["base"],
        elements=tuple(_element(one) for one in data["elements"]),
    )


class _Profiles(Mapping[str, Profile]):
    """Compact profiles, each read when it is first asked for."""

    def __init__(self, data: dict[str, dict[str, Any]]) -> None:
        self._data = data
        self._read: dict[str, Profile] = {}

    def __getitem__(self, canonical: str) -> Profile:
        url, bar, version = canonical.partition("|")
        data = self._data[url] if url in self._data else _base(url)
        if bar and version != data["version"]:
            raise KeyError(canonical)
        if url not in self._read:
            self._read[url] = profile_of(url, data)
        return self._read[url]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)


def _base(url: str) -> dict[str, Any]:
    """The definition of a resource type as a profile that demands nothing. Raises `KeyError`."""
    type = url.removeprefix(_DEFINITION)
    if type == url or type not in resource_types():
        raise KeyError(url)
    about = {"name": type, "title": type, "type": type, "version": "4.0.1"}
    return {**about, "base": f"{_DEFINITION}DomainResource", "elements": []}


@cache
def _profiles() -> _Profiles:
    packed = files("fhir_server.definitions").joinpath("data", "profiles.json.gz").read_bytes()
    return _Profiles(loads(gzip.decompress(packed)))


def _element(data: dict[str, Any]) -> ProfileElement:
    slicing = data.get("slicing")
    binding = data.get("binding")
    name = data["id"].rpartition(".")[2].partition(":")[2]
    return ProfileElement(
        id=data["id"],
        slice_name=name or None,
        min=data.get("min", 0),
        max=data.get("max"),
        types=tuple(_type(one) for one in data.get("types", ())),
        fixed=data.get("fixed"),
        pattern=data.get("pattern"),
        binding=_binding(binding) if binding else None,
        slicing=_slicing(slicing) if slicing else None,
        must_support=data.get("mustSupport", False),
        constraints=tuple(Constraint(*one) for one in data.get("constraints", ())),
    )


def _type(data: dict[str, Any]) -> TypeRule:
    return TypeRule(data["code"], tuple(data.get("profiles", ())), tuple(data.get("targets", ())))


def _binding(data: dict[str, Any]) -> Binding:
    return Binding(data.get("strength"), data.get("valueSet"), data.get("maximum"))


def _slicing(data: dict[str, Any]) -> Slicing:
    by = tuple(Discriminator(type, path) for type, path in data.get("by", ()))
    return Slicing(data["rules"], data.get("ordered", False), by)
