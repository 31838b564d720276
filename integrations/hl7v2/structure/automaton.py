"""Whether a sequence of segments is one that a structure allows, in whatever reading.

Structures of the standard are ambiguous: an ORC after a specimen may begin a new order or a prior
result. So all readings are followed at once, as a set of places (Glushkov's construction).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from integrations.hl7v2.structure.grammar import ANY, Node

_WRITTEN_OUT = 10
"""A limit above this counts as none."""


@dataclass(frozen=True, slots=True)
class _Piece:
    nullable: bool
    first: frozenset[int]
    last: frozenset[int]


_NOTHING = _Piece(True, frozenset(), frozenset())


class Automaton:
    """All readings of one structure."""

    def __init__(self, structure: Node) -> None:
        self._names: list[str] = []
        self._after: dict[int, set[int]] = defaultdict(set)
        self._whole = self._occurrences(structure)

    def accepts(self, segments: Iterable[str]) -> bool:
        """Whether these segments in this order are a message of the structure."""
        places: frozenset[int] | set[int] = self._whole.first
        reached: set[int] = set()
        for name in segments:
            reached = {at for at in places if self._names[at] in (name, ANY)}
            if not reached:
                return False
            places = set().union(*(self._after[at] for at in reached))
        return bool(reached & self._whole.last)

    def _occurrences(self, node: Node) -> _Piece:
        """As often as the node may occur."""
        if node.most is None or node.most > _WRITTEN_OUT:
            piece = self._once(node)
            self._link(piece.last, piece.first)
            return _Piece(piece.nullable or node.least == 0, piece.first, piece.last)
        made = _NOTHING
        for number in range(node.most):
            one = self._once(node)
            optional = one.nullable or number >= node.least
            made = self._sequence(made, _Piece(optional, one.first, one.last))
        return made

    def _once(self, node: Node) -> _Piece:
        if not node.children:
            self._names.append(node.name)
            at = frozenset((len(self._names) - 1,))
            return _Piece(False, at, at)
        pieces = [self._occurrences(child) for child in node.children]
        if node.choice:
            return _Piece(
                any(one.nullable for one in pieces),
                frozenset().union(*(one.first for one in pieces)),
                frozenset().union(*(one.last for one in pieces)),
            )
        made = _NOTHING
        for one in pieces:
            made = self._sequence(made, one)
        return made

    def _sequence(self, before: _Piece, after: _Piece) -> _Piece:
        self._link(before.last, after.first)
        return _Piece(
            before.nullable and after.nullable,
            before.first | after.first if before.nullable else before.first,
            after.last | before.last if after.nullable else after.last,
        )

    def _link(self, before: frozenset[int], after: frozenset[int]) -> None:
        for at in before:
            self._after[at] |= after
