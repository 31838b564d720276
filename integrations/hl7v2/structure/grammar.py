"""Message structures as trees, and which segment may begin or stand in which branch."""

from __future__ import annotations

from dataclasses import dataclass, field

ANY = "ANYHL7SEGMENT"
"""Stands for any segment in some structures of the standard."""


@dataclass(frozen=True, slots=True)
class Node:
    """A segment, or a group of some. `most` is None without a limit.

    Of a `choice` one child occurs. `starts` are the segments that an occurrence may begin with,
    `within` all that it may hold.
    """

    name: str
    least: int
    most: int | None
    children: tuple[Node, ...] = ()
    choice: bool = False
    _starts: frozenset[str] = field(default_factory=frozenset)
    _within: frozenset[str] = field(default_factory=frozenset)

    def begins_with(self, segment: str) -> bool:
        """Whether this segment may be the first of an occurrence."""
        if not self.children:
            return self.name in (segment, ANY)
        return segment in self._starts or ANY in self._starts

    def holds(self, segment: str) -> bool:
        """Whether this segment has a place in here."""
        return self.begins_with(segment) or segment in self._within

    @property
    def optional(self) -> bool:
        """Whether a message may do without."""
        return self.least == 0 or (bool(self.children) and all(one.optional for one in self._all()))

    @property
    def lacking(self) -> str:
        """What to name when it is missing: the segment that a required group cannot do without."""
        if not self.children:
            return self.name
        if self.choice:
            return " or ".join(one.lacking for one in self.children)
        return next((one.lacking for one in self.children if not one.optional), self.name)

    def _all(self) -> tuple[Node, ...]:
        return self.children


def group(
    name: str, least: int, most: int | None, children: tuple[Node, ...], *, choice: bool
) -> Node:
    """A group of these children, in their order."""
    starts: set[str] = set()
    for one in children:
        starts |= one._starts or {one.name}
        if not choice and not one.optional:
            break
    within: set[str] = set()
    for one in children:
        within |= one._within or {one.name}
    return Node(name, least, most, children, choice, frozenset(starts), frozenset(within))
