"""Where a row puts its value: an element path of R4, checked against the definitions.

    name[2].period.start                the second list entry that rows of this map fill
    participant[1].individual(Practitioner)            a reference to a resource of its own
    requester(PractitionerRole.organization(Organization.address))
    extension[1].valueString            with a row that gives extension[1].url

`[n]` keeps apart what different fields put into one list; it is no index.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from fhir_server.definitions.elements import (
    Element,
    elements_of,
    primitive_types,
    resource_types,
)


class PathError(ValueError):
    """A target that R4 does not have; the text says at which element."""


@dataclass(frozen=True, slots=True)
class Step:
    """One element on the way: `slot` names the list entry, `url` the extension that it is.

    `resource` is the type that a reference leads to, "" where the path stays in the resource.
    """

    key: str
    many: bool
    slot: str
    url: str = ""
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A path; `type` is the FHIR type at its end, or the resource type that it refers to."""

    steps: tuple[Step, ...]
    type: str
    allowed: frozenset[str] | None
    targets: frozenset[str]

    @property
    def top(self) -> str:
        """The element of the resource that is touched."""
        return self.steps[0].key


_TOKEN = re.compile(r"([A-Za-z_]+)|\[(\w+)\]|([.()])")
EXTENSION = re.compile(r"((?:[\w.\[\]()]*\.)?(?:modifierE|e)xtension(?:\[\w+\])?)\.(?:url|uri)\)*$")


def resolve(root: str, text: str, urls: Mapping[str, str]) -> Target:
    """`text` as a target in resource or type `root`.

    `urls` are the extensions' urls by their path as written. Raises `PathError`.
    """
    tokens = _tokens(text)
    return _Resolver(root, text, tokens, urls).whole()


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at, text = [], 0, text.strip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if not token:
            raise PathError(f"{text!r} is no element path")
        kind = "name" if token[1] else "index" if token[2] else token[3]
        found.append((kind, token[1] or token[2] or token[3]))
        at = token.end()
    return found


class _Resolver:
    def __init__(
        self, root: str, text: str, tokens: list[tuple[str, str]], urls: Mapping[str, str]
    ) -> None:
        self._type = root
        self._text = text
        self._tokens = tokens
        self._urls = urls
        self._at = 0
        self._steps: list[Step] = []
        self._written = ""
        self._element: Element | None = None

    def whole(self) -> Target:
        while self._at < len(self._tokens):
            kind, value = self._tokens[self._at]
            if kind == "name":
                self._name(value)
            elif kind == "(":
                self._hop()
            else:
                self._at += 1
                self._written += value
        if self._element is None:
            raise PathError(f"{self._text!r} names no element")
        targets = self._element.targets
        last = self._steps[-1]
        if last.resource:
            return Target(tuple(self._steps), last.resource, None, targets)
        bound = self._type in ("code", "Coding", "CodeableConcept")
        allowed = self._element.codes if bound else None
        return Target(tuple(self._steps), self._type, allowed, targets)

    def _name(self, name: str) -> None:
        self._at += 1
        self._written += name
        index = ""
        if self._at < len(self._tokens) and self._tokens[self._at][0] == "index":
            index = f"[{self._tokens[self._at][1]}]"
            self._at += 1
            self._written += index
        if self._type in primitive_types() and name in ("extension", "id"):
            self._into_primitive()
        element, type = _member(self._type, name, self._text)
        url = ""
        if element.name in ("extension", "modifierExtension"):
            url = self._urls.get(self._written, "")
            if not url:
                raise PathError(f"{self._text!r}: the extension has no url")
        slot = self._written + (f"#{url}" if url else "")
        self._steps.append(Step(name, element.many, slot, url))
        self._element, self._type = element, type

    def _into_primitive(self) -> None:
        last = self._steps.pop()
        if last.many:
            raise PathError(f"{self._text!r}: an extension of one of several primitives")
        self._steps.append(Step("_" + last.key, False, last.slot))
        self._type = "Element"

    def _hop(self) -> None:
        """`(Type` or `(Type.path`: the rest lies in the resource that is referred to."""
        self._at += 1
        if self._at >= len(self._tokens) or self._type != "Reference":
            raise PathError(f"{self._text!r}: {self._type} refers to nothing")
        type = self._tokens[self._at][1]
        if type not in resource_types():
            raise PathError(f"{self._text!r}: {type} is no R4 resource type")
        assert self._element is not None
        if self._element.targets and not self._element.targets & {type, "Resource"}:
            raise PathError(f"{self._text!r}: {self._element.name} does not refer to {type}")
        self._at += 1
        self._written += "(" + type
        last = self._steps.pop()
        self._steps.append(Step(last.key, last.many, last.slot, last.url, type))
        if self._at < len(self._tokens) and self._tokens[self._at][0] == "index":
            self._at += 1
        self._type = type
        if self._at < len(self._tokens) and self._tokens[self._at][0] == ")":
            self._type = "Reference"


def _member(type: str, name: str, text: str) -> tuple[Element, str]:
    found = _members(type).get(name)
    if found is None:
        raise PathError(f"{text!r}: {type.removeprefix('@')} has no {name}")
    return found


@cache
def _members(type: str) -> Mapping[str, tuple[Element, str]]:
    """JSON names of a type: its elements, and each type of a choice."""
    made: dict[str, tuple[Element, str]] = {}
    for name, element in elements_of(type.removeprefix("@")).items():
        for one in element.types:
            bare = one.removeprefix("@")
            if element.choice:
                made[name + bare[0].upper() + bare[1:]] = (element, bare)
            else:
                made[name] = (element, one if one.startswith("@") else bare)
    return made
