"""The elements of a profile as a tree: children by name, slices beside what they divide."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from fhir_server.definitions.profiles import Profile, ProfileElement


@dataclass(eq=False)
class Tree:
    """An element or slice. `slices` divide it and may be divided again."""

    element: ProfileElement
    children: dict[str, Tree] = field(default_factory=dict)
    slices: list[Tree] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The element's name without slice and `[x]`."""
        last = self.element.id.rpartition(".")[2]
        return last.partition(":")[0].removesuffix("[x]")


@cache
def tree(profile: Profile) -> Tree:
    """The root of the profile's elements."""
    root = Tree(ProfileElement(profile.type))
    placed: dict[str, Tree] = {}
    for element in profile.elements:
        if "." in element.id:
            _place(element.id, placed, root).element = element
        else:
            root.element = element
    return root


def _place(id: str, placed: dict[str, Tree], root: Tree) -> Tree:
    """The node of an id, made with those above it: elements without a demand are not listed."""
    if id in placed:
        return placed[id]
    above, dot, last = id.rpartition(".")
    if not dot:
        return root
    name, colon, slice = last.partition(":")
    made = placed[id] = Tree(ProfileElement(id, slice_name=slice or None))
    if not colon:
        _place(above, placed, root).children[made.name] = made
        return made
    outer, slash, _ = slice.rpartition("/")
    owner = f"{name}:{outer}" if slash else name
    _place(f"{above}.{owner}", placed, root).slices.append(made)
    return made
