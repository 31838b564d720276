"""What one row of a table can not say: values whose type another field tells, times that are sums.

Each call is named by a row (`"call": "observation_value"`) and gets the segment at hand.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol

from integrations.hl7v2.mapping.codes import V2_SYSTEM
from integrations.hl7v2.mapping.context import Context, Json
from integrations.hl7v2.mapping.datatypes.attachments import of_text
from integrations.hl7v2.mapping.datatypes.catalogue import Use, converter
from integrations.hl7v2.mapping.datatypes.identifiers import SSN
from integrations.hl7v2.mapping.datatypes.quantities import duration_unit, unit
from integrations.hl7v2.mapping.datatypes.texts import exact, number
from integrations.hl7v2.mapping.values import Parts, component, filled


class Work(Protocol):
    """One segment while it goes into one resource."""

    resource: Json
    context: Context
    lines: list[str]

    def text(self, path: str) -> str:
        """The text at `5.1` of the segment."""

    def values(self, field: int) -> list[Parts]:
        """The repetitions of a field."""

    def current(self, name: str) -> Json | None:
        """The resource that goes by `name` here, such as the report that an OBX belongs to."""


Call = Callable[[Work, int, Parts], bool]
CALLS: dict[str, Call] = {}
_NO_USE = Use()
_ATTACHMENT = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.value"
_SPAN = re.compile(
    r"\s*(-?\d+(?:\.\d+)?)\s*(?:-|to|\u2013|\.\.)\s*(-?\d+(?:\.\d+)?)\s*", re.IGNORECASE
)
_BOUND = re.compile(r"\s*(<=?|>=?)\s*(-?\d+(?:\.\d+)?)\s*")
_US_SSN = re.compile(r"\d{3}-?\d{2}-?\d{4}")
_TEXTS = ("ST", "TX", "FT", "VR")


def call(function: Call) -> Call:
    """Registers a call under its name."""
    CALLS[function.__name__] = function
    return function


@call
def observation_value(work: Work, repetition: int, parts: Parts) -> bool:
    """OBX-5 as OBX-2 says; a type that is not known or a value that is none of it goes as text."""
    if repetition:
        return True  # the first repetition takes all of them along
    kind = work.text("2").upper() or ("NM" if _numeric(parts) else "ST")
    repetitions = [held for held in work.values(5) if filled(held)]
    if kind in ("ED", "RP"):
        return _attached(work, kind, repetitions)
    if kind in _TEXTS:
        return _put(work.resource, "valueString", _lines(repetitions))
    if len(repetitions) > 1 and kind != "NA":
        return _components(work, kind, repetitions)
    name, value = _typed(work.context, kind, parts)
    if value is None:
        return _put(work.resource, "valueString", _lines(repetitions))
    work.resource[name] = value
    return True


@call
def observation_unit(work: Work, repetition: int, parts: Parts) -> bool:
    """OBX-6 into the quantities of OBX-5; beside a text it is a part of the text."""
    made = unit(parts, work.context, _NO_USE)
    if not made or repetition:
        return False
    holders = [work.resource, *work.resource.get("component", [])]
    done = False
    for holder in holders:
        for quantity in _quantities(holder):
            for name, held in made.items():
                quantity.setdefault(name, held)
            done = True
    if not done and "valueString" in work.resource:
        work.resource["valueString"] += f" {made['unit']}"
        done = True
    if not done:
        work.context.problem("a unit without a quantity")
    return done


@call
def reference_range(work: Work, repetition: int, parts: Parts) -> bool:
    """OBX-7 as it stands, and its bounds where they can be read."""
    text = "^".join("&".join(held) for held in parts).strip()
    if not text:
        return False
    made: Json = {}
    for side, value in _range_bounds(text):
        made[side] = {"value": value}
    units = unit(_first(work.values(6)), work.context, _NO_USE) if made else None
    if units:
        for bound in made.values():
            bound.update(units)
    made["text"] = text
    work.resource.setdefault("referenceRange", []).append(made)
    return True


@lru_cache(maxsize=4096)
def _range_bounds(text: str) -> tuple[tuple[str, Any], ...]:
    """The bounds in `3.5-5.1`, `<10` or `>=2`; a bound that R4 would include wrongly is none."""
    span, bound = _SPAN.fullmatch(text), _BOUND.fullmatch(text)
    if span and Decimal(span[1]) <= Decimal(span[2]):
        return ("low", exact(span[1])), ("high", exact(span[2]))
    if bound and bound[1] == ">=":
        return (("low", exact(bound[2])),)
    if bound and bound[1].startswith("<"):
        return (("high", exact(bound[2])),)
    return ()


@call
def document_content(work: Work, repetition: int, parts: Parts) -> bool:
    """OBX-5 of a document: ED and RP are contents, the lines of a text are one content together."""
    kind = work.text("2").upper() or "TX"
    if kind in ("ED", "RP"):
        found = converter(kind, "Attachment")
        made = found.convert(parts, work.context, _NO_USE) if found else None
        if not made:
            return False
        # ED-1 is the program that made the document.
        title = work.text("3.2") or made.get("title", "") or work.text("3.1")
        if title:
            made["title"] = title
        work.resource.setdefault("content", []).append({"attachment": made})
        return True
    text = _shown(work.context, kind, parts)
    if text is None:
        return False
    work.lines.append(text)
    return True


@call
def appointment_start(work: Work, repetition: int, parts: Parts) -> bool:
    """The first start that the message tells, with the end where a duration stands beside it."""
    found = work.context.moment(component(parts, 1))
    start = found.instant() if found else ""
    if not start:
        if found:
            work.context.problem("an appointment's start needs a time and its zone")
        return False
    if work.resource.setdefault("start", start) != start:
        work.context.problem("the appointment starts at another time")
    return bool(work.resource["start"] == start)


@call
def appointment_timing(work: Work, repetition: int, parts: Parts) -> bool:
    """SCH-11: TQ-4 and TQ-5 are start and end."""
    return _bounds(work, component(parts, 4), component(parts, 5))


@call
def appointment_from(work: Work, repetition: int, parts: Parts) -> bool:
    """TQ1-7: the start."""
    return _bounds(work, component(parts, 1), "")


@call
def appointment_until(work: Work, repetition: int, parts: Parts) -> bool:
    """TQ1-8: the end."""
    return _bounds(work, "", component(parts, 1))


def _bounds(work: Work, start: str, end: str) -> bool:
    done = False
    for name, text in (("start", start), ("end", end)):
        found = work.context.moment(text)
        if found and found.instant():
            if work.resource.setdefault(name, found.instant()) == found.instant():
                done = True
            else:
                work.context.problem("another time was told before")
        elif found:
            work.context.problem("the times of an appointment need a time of day and its zone")
    return done


def _duration_of(work: Work, value: str, unit_text: str) -> bool:
    amount = number(value, work.context)
    seconds = _SECONDS.get(duration_unit(unit_text) or "min")
    if amount is None or seconds is None or amount <= 0 or amount > 10**6:
        return False
    minutes = int(Decimal(amount) * seconds / 60)
    if minutes < 1:
        return False
    work.resource.setdefault("minutesDuration", minutes)
    return True


_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "wk": 604800}


def _length(field: int, unit_field: int) -> Call:
    def made(work: Work, repetition: int, parts: Parts) -> bool:
        return _duration_of(work, component(parts, 1), work.text(f"{unit_field}.1"))

    return made


for _name, _field, _unit in (
    ("sch_duration", 9, 10), ("ais_duration", 7, 8), ("aig_duration", 11, 12),
    ("ail_duration", 9, 10), ("aip_duration", 9, 10),
):  # fmt: skip
    CALLS[_name] = _length(_field, _unit)


@call
def coding_method(work: Work, repetition: int, parts: Parts) -> bool:
    """DG1-2 and PR1-2: of which system a code is that names none itself, as before version 2.3."""
    system = work.context.codes.system(work.text("2"))
    codings = work.resource.get("code", {}).get("coding", ())
    if not system or not codings:
        return False
    codings[0].setdefault("system", system)
    return True


@call
def diagnosis_rank(work: Work, repetition: int, parts: Parts) -> bool:
    """DG1-15 beside the diagnosis of its segment; 0 is none (table 0359)."""
    rank = number(component(parts, 1), work.context)
    entries = work.resource.get("diagnosis", ())
    if rank is None or rank < 1 or rank != int(rank) or not entries:
        return False
    entries[-1].setdefault("rank", int(rank))
    return bool(entries[-1]["rank"] == rank)


@call
def visit_finished(work: Work, repetition: int, parts: Parts) -> bool:
    """PV1-45: a visit has ended whose end can be read; a zero that fills the field is none."""
    if "end" not in work.resource.get("period", {}):
        return False
    work.resource["status"] = "finished"
    return True


_STATE_OF_ORDER = {
    "active": "active", "on-hold": "on-hold", "revoked": "cancelled", "completed": "completed",
    "entered-in-error": "entered-in-error",
}  # fmt: skip


@call
def as_ordered(work: Work, repetition: int, parts: Parts) -> bool:
    """RXO in ORM^O01: of the medication ORC says what it says of the order that it stands under."""
    order = work.current("ServiceRequest")
    if order is None:
        return False
    for name in ("identifier", "authoredOn", "requester"):
        if name in order:
            work.resource.setdefault(name, copy.deepcopy(order[name]))
    status = _STATE_OF_ORDER.get(order.get("status", ""))
    if status:
        work.resource.setdefault("status", status)
    return True


@call
def procedure_minutes(work: Work, repetition: int, parts: Parts) -> bool:
    """PR1-7, the minutes a procedure took: its period ends so much later."""
    start = work.resource.get("performedDateTime", "")
    minutes = number(component(parts, 1), work.context)
    if minutes is None or "T" not in start or not 0 <= minutes < 10**6:
        return False
    end = _at(start) + timedelta(minutes=float(minutes))
    del work.resource["performedDateTime"]
    work.resource["performedPeriod"] = {
        "start": start,
        "end": _written(end, start),
    }
    return True


def _written(moment: datetime, like: str) -> str:
    """`moment` with its zone as `like` has it: Z or +00:00."""
    text = moment.isoformat(timespec="seconds")
    return text.replace("+00:00", "Z") if like.endswith("Z") else text


def _at(instant: str) -> datetime:
    return datetime.fromisoformat(instant.replace("Z", "+00:00"))


def _attached(work: Work, kind: str, repetitions: list[Parts]) -> bool:
    """A document as result: the report shows it; without one it is the Observation's own."""
    found = converter(kind, "Attachment")
    report = work.current("DiagnosticReport")
    done = False
    for parts in repetitions:
        made = found.convert(parts, work.context, _NO_USE) if found else None
        if not made:
            continue
        title = work.text("3.2") or made.get("title", "") or work.text("3.1")
        if title:
            made["title"] = title  # ED-1 is the program that made the document
        if report is not None:
            report.setdefault("presentedForm", []).append(made)
        else:
            work.resource.setdefault("extension", []).append(
                {"url": _ATTACHMENT, "valueAttachment": made}
            )
        done = True
    return done


_TYPES = (
    ("NM", "valueQuantity", "Quantity"), ("CE", "valueCodeableConcept", "CodeableConcept"),
    ("CWE", "valueCodeableConcept", "CodeableConcept"),
    ("CNE", "valueCodeableConcept", "CodeableConcept"),
    ("CF", "valueCodeableConcept", "CodeableConcept"),
    ("IS", "valueCodeableConcept", "CodeableConcept"),
    ("ID", "valueCodeableConcept", "CodeableConcept"), ("DR", "valuePeriod", "Period"),
    ("DT", "valueDateTime", "dateTime"), ("DTM", "valueDateTime", "dateTime"),
    ("TS", "valueDateTime", "dateTime"), ("TM", "valueTime", "time"),
    ("NR", "valueRange", "Range"), ("CQ", "valueQuantity", "Quantity"),
    ("MO", "valueQuantity", "Quantity"), ("NA", "valueString", "string"),
)  # fmt: skip
_BY_KIND = {kind: (name, fhir) for kind, name, fhir in _TYPES}


def _typed(context: Context, kind: str, parts: Parts) -> tuple[str, Any]:
    if kind == "SN":
        return _structured(context, parts)
    name, fhir = _BY_KIND.get(kind, ("", ""))
    found = converter(kind, fhir) if name else None
    if found is None:
        return "", None
    if kind == "NA":
        return "valueString", " ".join(held[0] for held in parts if held[0]) or None
    return name, found.convert(parts, context, _NO_USE)


def _structured(context: Context, parts: Parts) -> tuple[str, Any]:
    """SN by the guide: a ratio for `:` and `/`, a range for `-`, else comparator and number."""
    comparator, separator = component(parts, 1), component(parts, 3)
    if comparator == "<>" or separator == "+":
        return "", None
    if separator in (":", "/"):
        name, fhir = "valueRatio", "Ratio"
    elif separator == "-":
        name, fhir = "valueRange", "Range"
    else:
        name, fhir = "valueQuantity", "Quantity"
    found = converter("SN", fhir)
    value = found.convert(parts, context, _NO_USE) if found else None
    if value is None or (separator and name == "valueQuantity"):
        return "", None
    return name, value


def _components(work: Work, kind: str, repetitions: list[Parts]) -> bool:
    """Several values: a component each, under the code of the whole."""
    made = []
    for parts in repetitions:
        name, value = _typed(work.context, kind, parts)
        if value is None:
            name, value = "valueString", _lines([parts])
        if value:
            made.append({"code": work.resource.get("code", {"text": "value"}), name: value})
    if made:
        work.resource["component"] = made
    return bool(made)


def _quantities(holder: Json) -> list[Json]:
    found = [holder["valueQuantity"]] if "valueQuantity" in holder else []
    for name in ("valueRange", "valueRatio"):
        found += [held for held in holder.get(name, {}).values() if isinstance(held, dict)]
    return found


def _lines(repetitions: list[Parts]) -> str:
    return "\n".join("^".join("&".join(held) for held in parts) for parts in repetitions).strip()


def _put(resource: Json, name: str, value: str) -> bool:
    if value:
        resource[name] = value
    return bool(value)


def _shown(context: Context, kind: str, parts: Parts) -> str | None:
    """A value of any type as a line of text; an empty text is an empty line."""
    if kind in ("CE", "CWE", "CNE", "CF"):
        found = converter("CWE", "string")
        return found.convert(parts, context, _NO_USE) if found else None
    return _lines([parts])


def _numeric(parts: Parts) -> bool:
    return bool(re.fullmatch(r"-?\d+(\.\d+)?", component(parts, 1))) and len(parts) == 1


def _first(values: list[Parts]) -> Parts:
    return values[0] if values else []


def text_content(lines: list[str]) -> Json:
    """The lines of a document's text as one content."""
    return {"attachment": of_text("\n".join(lines))}


@call
def flag(work: Work, repetition: int, parts: Parts) -> bool:
    """A field whose codes decide constants of its other rows: it is used, if not told as it is."""
    return True


@call
def social_security(work: Work, repetition: int, parts: Parts) -> bool:
    """PID-19: a number of the form of the United States is one of theirs, any other a country's."""
    value = component(parts, 1)
    if not value:
        return False
    made: Json = {"type": {"coding": [{"system": V2_SYSTEM + "0203", "code": "SS"}]}}
    if _US_SSN.fullmatch(value):
        made["system"] = SSN
    work.resource.setdefault("identifier", []).append({**made, "value": value})
    return True


@call
def appointment_comment(work: Work, repetition: int, parts: Parts) -> bool:
    """NTE-3: every comment a line of `comment`."""
    text = _lines([parts])
    if not text:
        return False
    before = work.resource.get("comment")
    work.resource["comment"] = f"{before}\n{text}" if before else text
    return True
