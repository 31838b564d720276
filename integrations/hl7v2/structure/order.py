"""Which segments stand where the structure of the message does not have them.

A sequence that some reading of the structure allows has no findings. For one that none allows, each
segment goes where least is missing before it, to the innermost group first; what has no such place
is said to stand in a wrong one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from integrations.hl7v2.acknowledgement import Location, Problem
from integrations.hl7v2.message import Segment
from integrations.hl7v2.structure.automaton import Automaton
from integrations.hl7v2.structure.grammar import Node

SEQUENCE = "100"
_MISSING = 2
"""So many may be missing before a segment for it to count as led into its group."""


@dataclass(frozen=True)
class Structure:
    """A message structure, for checking and for telling what is wrong."""

    root: Node
    automaton: Automaton


class _Open:
    """An occurrence of a group: `at` is the child it stands at, `count` how often that occurred."""

    __slots__ = ("at", "count", "node")

    def __init__(self, node: Node) -> None:
        self.node = node
        self.at = 0
        self.count = 0

    def places(self, segment: str) -> Iterator[int]:
        """The children that this segment can go to."""
        for at, child in self._ahead():
            again = at == self.at and self.count > 0
            # What cannot begin a group does not begin a further occurrence of it.
            if child.begins_with(segment) or (not again and child.holds(segment)):
                yield at

    def most(self, segment: str) -> int | None:
        """How often the present child may occur, when this segment would be one too many."""
        child = self.node.children[self.at]
        full = child.most is not None and self.count >= child.most
        return child.most if full and child.begins_with(segment) else None

    def before(self) -> tuple[Node, ...]:
        """The children that it has left behind."""
        return self.node.children[: self.at]

    def missing(self, until: int | None = None) -> list[Node]:
        """The children before `until`, or the end, that are required and did not occur."""
        children = self.node.children
        if self.node.choice:
            return []
        return [
            children[at]
            for at in range(self.at, len(children) if until is None else until)
            if not children[at].optional and not (at == self.at and self.count)
        ]

    def _ahead(self) -> Iterator[tuple[int, Node]]:
        children = self.node.children
        end = self.at + 1 if self.node.choice and self.count else len(children)
        for at in range(self.at, end):
            most = children[at].most
            if at > self.at or most is None or self.count < most:
                yield at, children[at]


class _Walk:
    def __init__(self, root: Node) -> None:
        self._root = root
        self._open = [_Open(root)]
        self._seen: Counter[str] = Counter()
        self.findings: list[Problem] = []

    def take(self, segment: str) -> None:
        self._seen[segment] += 1
        cost, depth, at = min(self._possible(segment), default=(_MISSING + 1, 0, 0))
        if cost and self._too_often(segment):
            return
        if cost <= _MISSING and not (cost and self._passed(segment)):
            self._go(len(self._open) - 1 - depth, at, segment)
            return
        words = "stands where it may not" if self._root.holds(segment) else "has no place"
        self._find(segment, f"{segment} {words} in {self._root.name}.")

    def end(self) -> None:
        while self._open:
            self._close()

    def _possible(self, segment: str) -> Iterator[tuple[int, int, int]]:
        """How many are missing, how many groups end (0, 1...), and which child takes it."""
        ended = 0
        for depth, opened in enumerate(reversed(self._open)):
            for at in opened.places(segment):
                child = opened.node.children[at]
                cost = ended + len(opened.missing(at)) + _led(child, segment)
                yield cost + _unlikely(child, segment), depth, at
            ended += len(opened.missing())

    def _passed(self, segment: str) -> bool:
        """Whether an open group has it as a child, before the place that it stands at."""
        return any(child.name == segment for one in self._open for child in one.before())

    def _too_often(self, segment: str) -> bool:
        for depth in range(len(self._open) - 1, -1, -1):
            most = self._open[depth].most(segment)
            if most is not None:
                times = "once" if most == 1 else f"{most} times"
                self._find(segment, f"{segment} may stand here {times} at most.")
                self._go(depth, self._open[depth].at, segment)
                return True
        return False

    def _go(self, depth: int, at: int, segment: str) -> None:
        while len(self._open) > depth + 1:
            self._close()
        self._enter(self._open[depth], at)
        node = self._open[depth].node.children[at]
        while node.children:
            inner = _Open(node)
            self._open.append(inner)
            self._enter(inner, _child(node, segment))
            node = node.children[inner.at]

    def _enter(self, opened: _Open, at: int) -> None:
        for node in opened.missing(at):
            self._lack(node)
        opened.count = opened.count + 1 if at == opened.at else 1
        opened.at = at

    def _close(self) -> None:
        for node in self._open.pop().missing():
            self._lack(node)

    def _lack(self, node: Node) -> None:
        group = f", group {node.name}," if node.children else ""
        text = f"{node.lacking} is required in {self._root.name}{group} and is missing."
        segment = node.lacking.partition(" ")[0]
        # The place that it would have.
        self.findings.append(Problem(SEQUENCE, text, Location(segment, self._seen[segment] + 1)))

    def _find(self, segment: str, text: str) -> None:
        self.findings.append(Problem(SEQUENCE, text, Location(segment, self._seen[segment])))


def _unlikely(node: Node, segment: str) -> int:
    # In words of the standard a prior result may begin with an order; senders mean the next order.
    return int(node.name.endswith("PRIOR_RESULT") and segment in ("ORC", "OBR"))


def _child(node: Node, segment: str) -> int:
    """The child of a group that is to take a segment which the group holds."""
    ways = [
        (_led(child, segment) + len(_Open(node).missing(at)), at)
        for at, child in enumerate(node.children)
        if child.holds(segment)
    ]
    return min(ways)[1]


def _led(node: Node, segment: str) -> int:
    """How many required segments and groups are missing when `node` begins with this one."""
    missing = 0
    while node.children and not node.begins_with(segment):
        at = _child(node, segment)
        missing += len(_Open(node).missing(at))
        node = node.children[at]
    return missing


def sequence_findings(segments: Iterable[Segment], structure: Structure) -> list[Problem]:
    """Code 100 for each segment that is missing, one too many, or in the wrong place."""
    ids = [one.id for one in segments]
    if structure.automaton.accepts(ids):
        return []
    walk = _Walk(structure.root)
    for one in ids:
        walk.take(one)
    walk.end()
    text = f"The segments are not in the order of {structure.root.name}."
    return walk.findings or [Problem(SEQUENCE, text, Location(ids[0]))]
