"""The definitions of a version of HL7 v2, as hl7apy has them, in a form that is quick to walk.

`varies` is a type that another field names (OBX-5), "" one that hl7apy does not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from hl7apy import load_library, load_reference
from hl7apy.exceptions import ChildNotFound

from integrations.hl7v2.structure.automaton import Automaton
from integrations.hl7v2.structure.grammar import Node, group
from integrations.hl7v2.structure.known import known
from integrations.hl7v2.structure.order import Structure

_UNBOUND = -1
_WITHDRAWN = frozenset(("WD", "wd"))


@dataclass(frozen=True, slots=True)
class Part:
    """A field or a component. `most` is None when it may repeat without end; `table` may be ""."""

    datatype: str
    required: bool
    most: int | None
    table: str

    @property
    def withdrawn(self) -> bool:
        """Whether the version has taken it out of use: what is in it nobody reads."""
        return self.datatype in _WITHDRAWN or self.most == 0


@dataclass(frozen=True, slots=True)
class Parts:
    """The fields of a segment or the components of a type, by number from 1.

    Numbers that the version has withdrawn may be left out. `last` is 0 where nothing is known.
    """

    rows: Mapping[int, Part]
    required: tuple[int, ...]
    last: int

    def __bool__(self) -> bool:
        return bool(self.rows)


_NOTHING = Parts({}, (), 0)


class Definitions:
    """One version, of those that hl7apy knows."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.known = known(version)
        self._bases = frozenset(load_library(version).get_base_datatypes())
        self.segment = cache(self._segment)
        self.components = cache(self._components)
        self.structure = cache(self._structure)
        self.table = cache(self._table)

    def knows(self, datatype: str) -> bool:
        """Whether the version has this data type."""
        return datatype in self._bases or bool(self.components(datatype))

    def _segment(self, id: str) -> Parts | None:
        """The fields of a segment, None when the version has no such segment."""
        found = self._reference(id, "Segment")
        if found is None or found[0] != "sequence":
            return None
        # hl7apy has some withdrawn segments (QRD in 2.7) without fields.
        return _parts(found[1]) if len(found) > 1 else _NOTHING

    def _components(self, datatype: str) -> Parts:
        """What a data type is made of; empty for one without components."""
        if datatype in self._bases:
            return _NOTHING
        found = self._reference(datatype, "Datatypes_Structs")
        return _NOTHING if found is None else _parts(found)

    def _structure(self, name: str) -> Structure | None:
        """The segments of a message structure (ADT_A01), None when hl7apy has none."""
        name = self.known.structure(name)
        found = self._reference(name, "Message")
        if found is None:
            return None
        root = self._node(name, found, 1, 1)
        return Structure(root, Automaton(root))

    def _table(self, name: str) -> frozenset[str]:
        """The values of a table (HL70001); none when hl7apy does not know it."""
        found = self._reference(name, "Table") if name else None
        return frozenset(found[1]) if found else frozenset()

    def _reference(self, name: str, kind: str) -> Any:
        try:
            return load_reference(name, kind, self.version)
        except ChildNotFound:
            return None

    def _node(self, name: str, reference: Sequence[Any], least: int, most: int | None) -> Node:
        children = tuple(
            self._child(name, child, inner, bounds, kind)
            for child, inner, bounds, kind in reference[1]
        )
        return group(name, least, most, children, choice=reference[0] == "choice")

    def _child(
        self, around: str, name: str, inner: Any, bounds: tuple[int, int], kind: str
    ) -> Node:
        least = 0 if self.known.optional(around, name) else bounds[0]
        most = None if bounds[1] == _UNBOUND else bounds[1]
        if kind == "SEG":
            return Node(name, least, most)
        reference = inner or self._reference(name, "Group")
        return self._node(name, reference, least, most)


@cache
def definitions(version: str) -> Definitions:
    """Read once in a process: it takes some tenths of a second."""
    return Definitions(version)


def _parts(listed: Sequence[Any]) -> Parts:
    rows = {
        # The place in the list is not the number where withdrawn ones are left out.
        int(name.rpartition("_")[2]): Part(
            ref[2] or "", least > 0, None if most == _UNBOUND else most, ref[4] or ""
        )
        for name, ref, (least, most), _ in listed
    }
    required = tuple(at for at, one in rows.items() if one.required and not one.withdrawn)
    return Parts(rows, required, max(rows, default=0))
