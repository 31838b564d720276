"""Results that belong to another result: what a grown organism is susceptible to.

OBR-26 names the parent result by its code and its sub-id (OBX-3 and OBX-4), OBR-29 the order that
it stands under. In FHIR the parent has them as members.
"""

from __future__ import annotations

from dataclasses import dataclass

from integrations.hl7v2.mapping.drafts import Building
from integrations.hl7v2.mapping.reading import Reading
from integrations.hl7v2.message.segment import Segment


@dataclass(slots=True)
class _Result:
    building: Building
    segment: Segment
    order: Segment


class Parents:
    """The results of a message with the order (OBR) that each stands under."""

    def __init__(self) -> None:
        self._results: list[_Result] = []

    def seen(self, reading: Reading, building: Building) -> None:
        """A result of its own. Little is done here: few messages have a parent in them."""
        order = reading.nearest("OBR")
        if order is not None:
            self._results.append(_Result(building, reading.segment, order))

    def join(self) -> None:
        """Each child becomes a member of the one result that its order names, if there is one."""
        orders = {one.order.index: one.order for one in self._results}
        named = {
            index: [one for one in self._results if _is_parent(one, order)]
            for index, order in orders.items()
            if order.raw_field(26)
        }
        for child in self._results:
            found = named.get(child.order.index, [])
            if len(found) == 1:
                members = found[0].building.resource.setdefault("hasMember", [])
                if child.building.reference not in members:
                    members.append(child.building.reference)


def _is_parent(result: _Result, order: Segment) -> bool:
    """Whether `order` names `result`, which stands under another order than itself."""
    code = order.text("26.1.1")
    if not code or result.order.index == order.index:
        return False
    if (result.segment.text("3.1"), result.segment.text("4")) != (code, order.text("26.2")):
        return False
    numbers = ((order.text(f"29.{n}.1"), result.order.text(f"{n + 1}.1")) for n in (1, 2))
    return all(not told or not own or told == own for told, own in numbers)
