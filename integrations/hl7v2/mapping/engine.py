"""A message as drafts, actions and a report. Pure: no clock, no I/O, nothing kept between calls."""

from __future__ import annotations

import copy
from datetime import datetime
from functools import lru_cache
from typing import Any

from integrations.hl7v2.mapping.content import name_by_content
from integrations.hl7v2.mapping.context import Context, Identity, Json
from integrations.hl7v2.mapping.conversion import Conversion
from integrations.hl7v2.mapping.draft import Draft
from integrations.hl7v2.mapping.drafts import Building, Drafts
from integrations.hl7v2.mapping.effects import effects
from integrations.hl7v2.mapping.filling import emptied, fill
from integrations.hl7v2.mapping.finish import finish
from integrations.hl7v2.mapping.identities import identities, moment_of
from integrations.hl7v2.mapping.lines import Lines
from integrations.hl7v2.mapping.linking import Linking
from integrations.hl7v2.mapping.members import element_of
from integrations.hl7v2.mapping.moments import zone_of
from integrations.hl7v2.mapping.orders import TAKEN_APART, tell_apart
from integrations.hl7v2.mapping.parents import Parents
from integrations.hl7v2.mapping.placing import Slots, place
from integrations.hl7v2.mapping.reading import Reading
from integrations.hl7v2.mapping.report import ConversionReport, Outcome, SegmentOutcome
from integrations.hl7v2.mapping.rows import Operation, SegmentMap
from integrations.hl7v2.mapping.rules import Rule
from integrations.hl7v2.mapping.site import SiteMapping
from integrations.hl7v2.mapping.structures import grouped
from integrations.hl7v2.mapping.tables import Tables
from integrations.hl7v2.mapping.values import Parts, filled, nested, subcomponent
from integrations.hl7v2.message.parser import Message


def convert(message: Message, tables: Tables, site: SiteMapping, *, at: datetime) -> Conversion:
    """What `message` says, as drafts, and what it asks for, as actions.

    `tables` are those compiled with `site`. `at`, the time of receipt, stands for the time of the
    message where MSH-7 tells none. Nothing in a message raises: what cannot be used is in the
    report.
    """
    return _Converting(message, tables, site, at).converted()


class _Converting:
    def __init__(self, message: Message, tables: Tables, site: SiteMapping, at: datetime) -> None:
        header = message.header
        self._message = message
        self._tables = tables
        self._header = header
        self._at = at
        self._drafts = Drafts()
        self._context = Context(
            site, site.zone, tables.codes, self._drafts,
            facility=header.sending_facility.text or header.sending_application.text,
            message_zone=zone_of(header.sent), version=header.version,
        )  # fmt: skip
        self._reports: list[SegmentOutcome] = []
        self._linking = Linking(self._drafts)
        self._notes: list[str] = []
        self._lines = Lines()
        self._parents = Parents()

    def converted(self) -> Conversion:
        header = self._header
        structure = self._tables.structures.of(header.type, header.trigger)
        texts: dict[tuple[int, str], str] = {}
        for placed in grouped(self._message.segments, structure):
            self._segment(Reading(placed, header, texts))
        self._linking.end()
        self._parents.join()
        self._linking.roles_at_the_end()
        actions = effects(header, self._tables, self._drafts)
        received = self._at.isoformat(timespec="milliseconds")
        notes = finish(self._drafts, self._tables.defaults, received)
        notes = (*self._notes, *notes)
        name_by_content(self._drafts, self._context)
        if not header.type:
            notes = ("MSH-9 names no message type", *notes)
        return Conversion(
            header, header.type, header.trigger, self._frozen(received), actions,
            ConversionReport(tuple(self._reports), notes),
        )  # fmt: skip

    def _frozen(self, received: str) -> tuple[Draft, ...]:
        sent = self._context.moment(self._header.sent)
        otherwise = sent.datetime() if sent else received
        return tuple(
            Draft(
                one.key, one.resource, tuple(one.identities), one.policy,
                one.moment or otherwise, _cleared(one), tuple(one.origin), _assumed(one),
                passing="of" in one.roles, status_told=one.status_told,
            )
            for one in self._drafts.all.values()
        )  # fmt: skip

    def _segment(self, reading: Reading) -> None:
        segment_id, header = reading.segment.id, self._header
        rules = self._tables.rules_for(header.type, reading.group.path, segment_id)
        self._drafts.place = reading.place
        ignored: dict[int, str] = {}
        if rules is None:
            why = self._tables.ignored.get(segment_id)
            reason = f"ignored: {why}" if why else _unknown(segment_id)
            self._reports.append(reading.outcome(False, reason, ignored))
            return
        applied = False
        for rule in rules:
            if rule.map is not None:
                ignored |= rule.map.ignored
            if (rule.otherwise and applied) or (rule.when is not None and not rule.when(reading)):
                continue
            if rule.leave:
                reason = f"ignored: {rule.leave}"
                self._reports.append(reading.outcome(False, reason, ignored))
                return
            applied = self._apply(reading, rule) or applied
        if not rules:
            reason = "ignored: a prior result that the message repeats"
        else:
            reason = "" if applied else "its message has nothing that it could belong to"
        self._reports.append(reading.outcome(applied, reason, ignored))

    def _apply(self, reading: Reading, rule: Rule) -> bool:
        if rule.make and rule.type == "Observation":
            goes_on = self._lines.continued(reading)
            if goes_on is not None:
                reading.group.made[rule.name] = goes_on
                return True
        if rule.make and rule.map is not None and _only_deletes(reading, rule.map):
            return False
        if rule.fills and (found := reading.find(rule.fills)) is not None:
            return self._filled(reading, rule, found)
        building = self._subject(reading, rule)
        if building is None:
            return False
        told = emptied(building.resource) if rule.over else {}
        slots: Slots = _shared(reading, rule, building) if rule.together else {}
        if rule.map is not None:
            work = _Work(reading, building, self._context)
            self._map(reading, rule.map, building, slots, work)
        for target, value in rule.constants:
            place(building.resource, target, -1, 0, slots, value, self._drafts, constant=True)
        if told:
            self._gave_way(building, fill(building.resource, told))
        if rule.make:
            if rule.need and any(path not in building.resource for path in rule.need):
                del self._drafts.all[building.key]
                return False
            self._linking.made(reading, rule, building)
            building.moment = moment_of(rule, reading, self._context) or building.moment
            before: list[Identity] = []
            if rule.over:
                before, building.identities = building.identities, []
            self._drafts.identify(
                building, identities(rule, reading, building, self._context, reading.find)
            )
            if before:
                self._drafts.identify(building, before)
            if rule.policy in TAKEN_APART:
                tell_apart(building, self._drafts, self._context)
            if reading.id == "OBX":
                self._lines.began(reading, building)
                self._parents.seen(reading, building)
            if rule.links or rule.refers or rule.refers_late:
                self._linking.link(reading, rule, building)
        elif rule.links or rule.refers:
            self._linking.linked(reading, rule, building, last=False)
        return True

    def _subject(self, reading: Reading, rule: Rule) -> Building | None:
        """The draft that a rule fills: a new one, or the one that goes by its name here."""
        if not rule.make:
            found = reading.find(rule.name)
            if found is not None:
                found.origin[reading.place] = None
            return found
        found = reading.find(rule.name) if rule.unless else None
        if rule.over:
            found = reading.find(rule.over)
            if found is not None and reading.id in found.joined:
                found = None
        if found is None:
            building = self._drafts.make(rule.type, rule.policy)
            building.head = (reading, rule)
        elif rule.map is not None and reading.id in found.joined and rule.policy in TAKEN_APART:
            building = self._another(found, rule, reading.id)
        else:
            building = found
            building.policy = rule.policy
        building.joined.add(reading.id)
        building.origin[reading.place] = None
        return building

    def _filled(self, reading: Reading, rule: Rule, found: Building) -> bool:
        """What the segment says of a draft that another one leads."""
        leading = emptied(found.resource)
        if rule.map is not None:
            self._map(reading, rule.map, found, {}, _Work(reading, found, self._context))
        told = emptied(found.resource)
        found.resource.update(leading)
        self._gave_way(found, fill(found.resource, told))
        found.origin[reading.place] = None
        return True

    def _gave_way(self, building: Building, elements: list[str]) -> None:
        for one in elements:
            self._notes.append(f"{building.key}: two segments tell {one}; the leading one holds")

    def _another(self, found: Building, rule: Rule, segment_id: str) -> Building:
        """A second OBR under one ORC: an order of its own, of which ORC says the same."""
        head, begun = found.head
        made = self._drafts.make(rule.type, rule.policy)
        made.head = found.head
        if begun.map is not None and head.id != segment_id:
            made.origin[head.place] = None
            work = _Work(head, made, self._context)
            self._map(head, begun.map, made, {}, work)
            self._linking.roles(head, begun, made)
        return made

    def _map(
        self, reading: Reading, map: SegmentMap, building: Building, slots: Slots, work: _Work
    ) -> None:
        """Fields first: a constant of the segment gives way to what the sender says."""
        for number in reading.numbers():
            operations = map.fields.get(number)
            if operations is not None:
                self._operate(number, operations, reading, building, slots, work)
        reading.here = []
        for operation in map.always:
            self._run(operation, reading, building, slots, work, 0, [])

    def _operate(
        self, number: int, operations: tuple[Operation, ...], reading: Reading,
        building: Building, slots: Slots, work: _Work,
    ) -> None:  # fmt: skip
        """Does what the rows of one field say, and notes what became of it."""
        context = self._context
        if reading.null(number):
            self._cleared(reading, number, operations, building)
            return
        context.problems = []
        values = reading.values(number)
        if len(operations) == 1 and len(values) == 1 and operations[0].plain:
            operation, parts = operations[0], values[0]
            reading.here = parts
            done = bool(parts) and self._run(operation, reading, building, slots, work, 0, parts)
            outcome = Outcome.MAPPED if done else Outcome.ERROR
            self._note(reading, number, outcome, building, operation.components, values)
            return
        outcome, used, several = Outcome.IGNORED, _NONE, False
        for operation in operations:
            held = self._field(operation, reading, building, slots, work, values)
            if held is not None:
                used |= operation.components
                several = several or not (operation.first_only or operation.constant is not None)
                if held:
                    outcome = Outcome.MAPPED
                elif outcome is Outcome.IGNORED and operation.constant is None:
                    outcome = Outcome.ERROR
        dropped = len(values) > 1 and not several and sum(map(bool, values)) > 1
        if dropped and outcome is Outcome.MAPPED and not reading.taken(number):
            context.problem(_ONE)
        self._note(reading, number, outcome, building, used, values)

    def _note(
        self, reading: Reading, number: int, outcome: Outcome, building: Building,
        used: frozenset[int], values: list[Parts],
    ) -> None:  # fmt: skip
        problems = self._context.problems
        if outcome is Outcome.MAPPED:
            if used and (len(values) > 1 or len(values[0]) > _width(used)):
                extra = _unused(values, used)
                if extra:
                    problems.append(extra)
        elif outcome is Outcome.IGNORED:
            problems.append("the condition of its row does not hold")
        elif not problems:
            if not any(values):
                outcome = Outcome.IGNORED
                problems.append("it holds separators alone")
            else:
                problems.append("nothing could be made of it")
        reading.became(number, outcome, building.key, problems)

    def _cleared(
        self, reading: Reading, number: int, operations: tuple[Operation, ...], building: Building
    ) -> None:
        """`""`: the elements that the field fills are to be deleted."""
        reasons = []
        for operation in operations:
            if operation.target is None or operation.constant is not None:
                continue
            steps = operation.target.steps
            building.cleared[element_of(building.resource["resourceType"], steps[0].key)] = None
            reasons = [] if len(steps) == 1 or steps[0].resource else [_PARTLY]
        reading.became(number, Outcome.MAPPED, building.key, reasons)

    def _field(
        self, operation: Operation, reading: Reading, building: Building, slots: Slots,
        work: _Work, values: list[Parts],
    ) -> bool | None:  # fmt: skip
        """Whether something was placed; None when the condition did not hold."""
        held = None
        if operation.joined:
            values = [_joined(values)]
        for repetition, parts in enumerate(values):
            if operation.component:
                parts = nested(parts, operation.component)
            reading.here = parts
            if operation.when is not None and not operation.when(reading):
                continue
            if not parts or (operation.component and not filled(parts)):
                held = held or False
                continue
            slot = 0 if operation.first_only else repetition
            done = self._run(operation, reading, building, slots, work, slot, parts)
            held = done or bool(held)
            if operation.first_only:
                break
        return held

    def _run(
        self, operation: Operation, reading: Reading, building: Building, slots: Slots,
        work: _Work, repetition: int, parts: Parts,
    ) -> bool:  # fmt: skip
        if operation.call is not None:
            return operation.call(work, repetition, parts)
        target = operation.target
        assert target is not None
        value: Any
        constant = operation.constant is not None
        if constant:
            if not reading.here and operation.when is not None and not operation.when(reading):
                return False
            value = copy.deepcopy(operation.constant)
        else:
            assert operation.convert is not None
            value = operation.convert(parts, self._context, operation.use)
            if value is None:
                return False
        if operation.direct and operation.direct not in building.resource:
            building.resource[operation.direct] = value
            return True
        if place(
            building.resource, target, operation.spread, repetition, slots, value, self._drafts,
            constant,
        ):  # fmt: skip
            return not constant
        building.untidy = True
        if not constant:
            self._context.problem(_ONE)
        return False


def _shared(reading: Reading, rule: Rule, building: Building) -> Slots:
    """The entries of the segments before that this one belongs together with."""
    group, kind = (reading.text(path) for path in rule.together)
    slots, kinds = building.together.get(group, ({}, set()))
    if kind in kinds:
        slots, kinds = {}, set()
    building.together[group] = slots, kinds | {kind}
    return slots


def _only_deletes(reading: Reading, map: SegmentMap) -> bool:
    """A list that is sent empty (`AL1|1||""`) names nothing: it makes no resource."""
    told = []
    for number in reading.numbers():
        if number in map.fields:
            if not reading.null(number):
                return False
            told.append(number)
    for number in told:
        reading.became(number, Outcome.IGNORED, "", ["it deletes, and nothing says what"])
    return bool(told)


_NONE: frozenset[int] = frozenset()
_ONE = "there is room for one value"
_PARTLY = "deletes a part of an element: the whole element is cleared"


class _Work:
    """What a call sees."""

    __slots__ = ("_reading", "context", "lines", "resource")

    def __init__(self, reading: Reading, building: Building, context: Context) -> None:
        self._reading = reading
        self.resource = building.resource
        self.lines = building.lines
        self.context = context

    def text(self, path: str) -> str:
        field, _, rest = path.partition(".")
        values = self._reading.values(int(field))
        if not values or not values[0]:
            return ""
        number, _, sub = rest.partition(".")
        return subcomponent(values[0], int(number or 1), int(sub or 1))

    def values(self, field: int) -> list[Parts]:
        return self._reading.values(field)

    def current(self, name: str) -> Json | None:
        found = self._reading.find(name)
        return found.resource if found else None


def _cleared(building: Building) -> tuple[str, ...]:
    """What the message deletes; an element that it also fills is replaced by what it says."""
    if not building.cleared:
        return ()
    type = building.resource["resourceType"]
    said = {element_of(type, name) for name in building.resource}
    return tuple(one for one in building.cleared if one not in said)


def _assumed(building: Building) -> tuple[str, ...]:
    """What was filled in, but for what the message deletes: there it is what is left."""
    if not building.assumed:
        return ()
    type = building.resource["resourceType"]
    named = (element_of(type, name) for name in building.assumed)
    return tuple(one for one in named if one not in building.cleared)


def _unknown(segment_id: str) -> str:
    if segment_id.startswith("Z"):
        return "a Z-segment without a row; the site's mapping can give it some"
    return "no rule for this segment in this message"


@lru_cache(maxsize=256)
def _width(used: frozenset[int]) -> int:
    """How many components, from the first on, are all read."""
    width = 1
    while width + 1 in used:
        width += 1
    return width


def _unused(values: list[Parts], used: frozenset[int]) -> str | None:
    """Names the components that no converter reads."""
    extra = sorted(
        {
            number
            for parts in values
            if len(parts) > 1
            for number, held in enumerate(parts, 1)
            if number not in used and any(held)
        }
    )
    if not extra or used == frozenset((1,)):
        return None
    return f"components without a place: {', '.join(map(str, extra))}"


def _joined(values: list[Parts]) -> Parts:
    """All repetitions as lines of one text."""
    return [["\n".join("^".join("&".join(held) for held in parts) for parts in values)]]
