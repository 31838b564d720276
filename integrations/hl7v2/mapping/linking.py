"""How the drafts of a message lead to others: names in their groups, references and roles."""

from __future__ import annotations

from typing import Any

from integrations.hl7v2.mapping.context import Json
from integrations.hl7v2.mapping.drafts import Building, Drafts
from integrations.hl7v2.mapping.paths import Target
from integrations.hl7v2.mapping.placing import place
from integrations.hl7v2.mapping.reading import Reading
from integrations.hl7v2.mapping.rules import Rule
from integrations.hl7v2.mapping.structures import Group

# One patient, visit or document at a time is what a message is about: segments of groups beside
# the one that made it belong to it too.
_WIDE = frozenset((
    "Patient", "Encounter", "Account", "Appointment", "DocumentReference", "MessageHeader",
    "ServiceRequest:referral", "Coverage",
))  # fmt: skip


class Linking:
    """The links of a message's drafts, some of which wait for its end."""

    def __init__(self, drafts: Drafts) -> None:
        self._drafts = drafts
        self._deferred: list[tuple[Reading, Rule, Building, set[str]]] = []
        self._named: list[tuple[Reading, Rule, Building]] = []
        self._made: set[str] = set()

    def made(self, reading: Reading, rule: Rule, building: Building) -> None:
        """A draft goes by the name of its rule in its group, and has its roles."""
        _register(reading.group, rule, building)
        self._made.add(rule.name)
        self.roles(reading, rule, building)

    def link(self, reading: Reading, rule: Rule, building: Building) -> None:
        """Link a new draft, now or, with what is not there yet, at the end of the message."""
        lacking = self.linked(reading, rule, building, last=False)
        if lacking:
            self._deferred.append((reading, rule, building, lacking))

    def end(self) -> None:
        """Link what waits for drafts that have come meanwhile."""
        for reading, rule, building, lacking in self._deferred:
            if lacking & self._made:
                self.linked(reading, rule, building, last=True)

    def roles(self, reading: Reading, rule: Rule, building: Building) -> None:
        """What the segment is beside the others of its message."""
        if rule.roles:
            self._named.append((reading, rule, building))
        for name, _, path in rule.roles:
            value = reading.text(path) if path is not None else ""
            if value:
                building.roles[name] = value

    def roles_at_the_end(self) -> None:
        """What a segment is beside one that came after it: MRG stands before the PV1 it is for."""
        for reading, rule, building in self._named:
            for name, other, path in rule.roles:
                found = reading.group.made.get(other) if path is None else None
                if found is not None and found is not building:
                    building.roles[name] = found.key

    def linked(self, reading: Reading, rule: Rule, building: Building, *, last: bool) -> set[str]:
        """References between drafts; what is not there yet is linked at the end of the message."""
        find = reading.find
        lacking: set[str] = set()
        for target, name in rule.links:
            other = find(name)
            if other is None:
                lacking.add(name)
            elif (
                other is not building
                and other.key in self._drafts.all
                and _absent(building.resource, target)
            ):
                _refer(building, target, other, self._drafts)
        for name, target in rule.refers_late if last else rule.refers:
            other = find(name)
            if other is not None and other is not building:
                _refer(other, target, building, self._drafts)
        lacking |= {name for name, _ in rule.refers_late}
        return lacking


def _refer(holder: Building, target: Target, to: Building, drafts: Drafts) -> None:
    """A reference from one draft to another."""
    step = target.steps[0]
    if len(target.steps) > 1:
        place(holder.resource, target, -1, 0, {}, to.reference, drafts)
    elif not step.many:
        holder.resource[step.key] = to.reference
    else:
        held = holder.resource.setdefault(step.key, [])
        # Only the last can be the same: a draft is linked when it is made, or at the end.
        if to.reference not in held[-1:]:
            held.append(to.reference)


def _register(group: Group, rule: Rule, building: Building) -> None:
    group.made[rule.name] = building
    around = group.parent
    while around is not None and rule.name in _WIDE:
        around.made[rule.name] = building
        around = around.parent


def _absent(resource: Json, target: Any) -> bool:
    if len(target.steps) == 1:
        step = target.steps[0]
        return step.many or step.key not in resource
    node: Any = resource
    for step in target.steps[:-1]:
        node = node.get(step.key) if isinstance(node, dict) else None
        if node is None:
            return True
    last = target.steps[-1]
    return last.many or not isinstance(node, dict) or last.key not in node
