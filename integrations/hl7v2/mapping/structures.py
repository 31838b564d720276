"""Which group of a message each segment stands in. Groups are data (`data/structures.json`).

A structure is written as its segments in order, groups in brackets: `(ORDER! ORC! OBR! (OBSERVATION
OBX! NTE))`. `!` marks what begins a new occurrence of its group when it comes again. Everything may
be left out and may repeat: feeds leave out what the standard demands and send what it forbids.

A segment goes to the innermost open group that knows it at or after the present place, else to one
that begins anew with it, else to one that knows it anywhere. What no group knows (Z-segments,
segments of another message type) stays in the group that it stands in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from integrations.hl7v2.message.segment import Segment


@dataclass(frozen=True)
class Item:
    """A segment id or a group; `begins` marks what starts a new occurrence of the group around."""

    name: str
    begins: bool
    group: GroupDefinition | None = None


@dataclass(frozen=True)
class GroupDefinition:
    """A group: `within` are all segment ids in it, at any depth, `starts` those that open it."""

    name: str
    items: tuple[Item, ...]
    within: frozenset[str]
    starts: frozenset[str]


class StructureError(ValueError):
    """A structure that cannot be read."""


@dataclass(eq=False, slots=True)
class Group:
    """One occurrence of a group. `made` are the drafts that its segments made, by name."""

    definition: GroupDefinition
    parent: Group | None
    position: int = 0
    segments: dict[str, Segment] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)
    path: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """`path` are its own name and those around it, from the inside out."""
        self.path = (self.definition.name, *(self.parent.path if self.parent else ()))

    @property
    def name(self) -> str:
        """The name of its definition; "" for the whole message."""
        return self.definition.name


@dataclass(frozen=True, slots=True)
class Placed:
    """A segment and the group it stands in; `known` when the structure has a place for it."""

    segment: Segment
    group: Group
    known: bool


def read_structure(text: str) -> GroupDefinition:
    """The definition that `text` writes. Raises `StructureError`."""
    tokens = text.replace("(", " ( ").replace(")", " ) ").split()
    items, rest = _items(tokens)
    if rest:
        raise StructureError(f"a bracket too many before {' '.join(rest[:5])}")
    return _definition("", items)


def _items(tokens: Sequence[str]) -> tuple[list[Item], Sequence[str]]:
    items: list[Item] = []
    while tokens and tokens[0] != ")":
        if tokens[0] == "(":
            name, inner = tokens[1], tokens[2:]
            held, tokens = _items(inner)
            if not tokens:
                raise StructureError(f"group {name} has no end")
            definition = _definition(name.rstrip("!"), held)
            items.append(Item(definition.name, name.endswith("!"), definition))
        else:
            items.append(Item(tokens[0].rstrip("!"), tokens[0].endswith("!")))
        tokens = tokens[1:]
    return items, tokens


def _definition(name: str, items: Iterable[Item]) -> GroupDefinition:
    held = tuple(items)
    within = {one.name for one in held if one.group is None}
    for one in held:
        if one.group is not None:
            within |= one.group.within
    starts: set[str] = set()
    for at, one in enumerate(held):
        if one.begins or at == 0:
            starts |= one.group.starts if one.group is not None else {one.name}
    return GroupDefinition(name, held, frozenset(within), frozenset(starts))


@dataclass(frozen=True)
class Structures:
    """All structures: by message structure (`OUL_R24`) or type (`OUL`).

    `rules_of` are the types whose rules a type has beside its own.
    """

    by_name: Mapping[str, GroupDefinition]
    rules_of: Mapping[str, Sequence[str]]

    def of(self, family: str, trigger: str) -> GroupDefinition:
        """The structure of a message; that of ADT, the widest, where the type is not known."""
        named = self.by_name.get(f"{family}_{trigger}") or self.by_name.get(family)
        return named or self.by_name["ADT"]


def read_structures(content: Mapping[str, Any]) -> Structures:
    """The structures of `data/structures.json`."""
    read = {name: read_structure(text) for name, text in content["families"].items()}
    like = {name: read[other] for name, other in content["like"].items()}
    return Structures(read | like, content["rules_of"])


def grouped(segments: Iterable[Segment], structure: GroupDefinition) -> list[Placed]:
    """Every segment with its group, in the order of the message."""
    cursor = _Cursor(structure)
    return [cursor.place(segment) for segment in segments]


class _Cursor:
    def __init__(self, structure: GroupDefinition) -> None:
        self._group = Group(structure, None)

    def place(self, segment: Segment) -> Placed:
        name = segment.id
        found = self._forward(name) or self._anywhere(name)
        if found is not None:
            self._group = found
        self._group.segments[name] = segment
        return Placed(segment, self._group, found is not None)

    def _forward(self, name: str) -> Group | None:
        """From the innermost group outwards: at or after its place, or beginning it anew."""
        group: Group | None = self._group
        while group is not None:
            if name in group.definition.within:
                found = self._in(group, name)
                if found is not None:
                    return found
            group = group.parent
        return None

    def _in(self, group: Group, name: str) -> Group | None:
        for at, item in enumerate(group.definition.items):
            if item.name != name and (item.group is None or name not in item.group.starts):
                continue
            again = (
                item.begins
                and group.parent is not None
                and (at < group.position or (at == group.position and self._has(group, item)))
            )
            if again and (item.group is None or self._first(item.group, name)):
                group = _again(group)
            elif at < group.position:
                continue
            return _descend(group, at, item, name)
        return None

    @staticmethod
    def _has(group: Group, item: Item) -> bool:
        return item.name in group.segments or (item.group is not None and item.name in group.made)

    @staticmethod
    def _first(definition: GroupDefinition, name: str) -> bool:
        """Whether `name` begins the group."""
        return any(item.name == name and item.begins for item in definition.items)

    def _anywhere(self, name: str) -> Group | None:
        for opening in (False, True):
            group: Group | None = self._group
            while group is not None:
                for at, item in enumerate(group.definition.items):
                    if item.name == name or (
                        item.group is not None
                        and name in (item.group.within if opening else item.group.starts)
                    ):
                        return _descend(group, at, item, name)
                group = group.parent
        return None


def _again(group: Group) -> Group:
    """A new occurrence of `group`, beside it."""
    parent = group.parent
    assert parent is not None
    return Group(group.definition, parent)


def _descend(group: Group, at: int, item: Item, name: str) -> Group:
    """Opens the groups down to the one that holds `name`."""
    group.position = at
    while item.group is not None:
        group = Group(item.group, group)
        items = item.group.items
        at, item = next(
            (i, one)
            for known in ("starts", "within")
            for i, one in enumerate(items)
            if one.name == name or (one.group is not None and name in getattr(one.group, known))
        )
        group.position = at
    return group
