"""Makes drafts whole: what R4 demands and senders leave out, what it forbids side by side."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from integrations.hl7v2.mapping.context import Json
from integrations.hl7v2.mapping.dosages import finish_dosages
from integrations.hl7v2.mapping.drafts import Drafts
from integrations.hl7v2.mapping.special import text_content
from integrations.hl7v2.mapping.timings import finish_period, finish_timing


def finish(drafts: Drafts, defaults: Defaults, received: str) -> tuple[str, ...]:
    """Finishes every draft of a message in place; `received` is an instant.

    Returns what had to be left out although its field could be read, for the report.
    """
    notes = []
    for building in drafts.all.values():
        resource = building.resource
        type = resource["resourceType"]
        if any(building.lines):
            resource.setdefault("content", []).append(text_content(building.lines))
        if building.untidy:
            _prune(resource)
        if "identifier" in resource:
            _identifiers(resource)
        rule = _RULES.get(type)
        if "note" in resource:
            _notes(resource)
        status = resource.get("status", "")
        if rule:
            notes += [f"{building.key}: {one}" for one in rule(resource) or ()]
        if type == "Appointment" and status and status != resource["status"]:
            building.status_told = status
        for names, value in defaults.get(type, ()):
            for name in names:
                if name in resource or "_" + name in resource:
                    break
            else:
                building.assumed.append(names[0])
                resource[names[0]] = received if value == RECEIVED else copy.deepcopy(value)
    return tuple(notes)


_ANIMAL = "http://hl7.org/fhir/StructureDefinition/patient-animal"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
RECEIVED = "@received"
"""A default that stands for the time of receipt."""


WITHOUT_TIMES = frozenset(("proposed", "cancelled", "waitlist"))
"""What an appointment may be without its start and end (app-3)."""

Defaults = Mapping[str, tuple[tuple[tuple[str, ...], Any], ...]]


def compiled_defaults(content: Mapping[str, Any]) -> Defaults:
    """`{"Observation": {"status|...": value}}` with the names apart."""
    return {
        type: tuple((tuple(names.split("|")), value) for names, value in held.items())
        for type, held in content.items()
        if type != "note"
    }


def _prune(value: Any) -> bool:
    """Takes out what is empty; says whether anything is left."""
    if type(value) is list:
        value[:] = [
            held
            for held in value
            if (_prune(held) if isinstance(held, dict | list) else held is not None and held != "")
        ]
        return bool(value)
    dead = []
    for name, held in value.items():
        kind = type(held)
        if kind is str:
            if not held:
                dead.append(name)
        elif kind is dict or kind is list:
            if not held or not _prune(held):
                dead.append(name)
        elif held is None:
            dead.append(name)
    for name in dead:
        del value[name]
    # An extension without a value is none.
    return bool(value) and not (len(value) == 1 and "url" in value)


def _notes(resource: Json) -> None:
    """A comment without a text, of which its author or time alone was told, is none."""
    resource["note"] = [one for one in resource["note"] if one.get("text")]
    if not resource["note"]:
        del resource["note"]


def _identifiers(resource: Json) -> None:
    """Each once: ORC and OBR repeat numbers. One without a value is what rows of constants left."""
    held = resource["identifier"]
    if not isinstance(held, list):
        return
    kept = [one for at, one in enumerate(held) if "value" in one and one not in held[:at]]
    if kept:
        resource["identifier"] = kept
    else:
        del resource["identifier"]


def _patient(resource: Json) -> None:
    if "extension" in resource:
        resource["extension"] = [e for e in resource["extension"] if not _no_animal(e)]
        if not resource["extension"]:
            del resource["extension"]
    contacts = [
        one for one in resource.get("contact", ())
        if any(name in one for name in ("name", "telecom", "address", "organization"))
    ]  # fmt: skip
    for one in contacts:
        finish_period(one, "period")
    if contacts:
        resource["contact"] = contacts
    else:
        resource.pop("contact", None)
    resource["communication"] = [c for c in resource.get("communication", ()) if "language" in c]
    if not resource["communication"]:
        del resource["communication"]
    if "deceasedDateTime" in resource:
        resource.pop("deceasedBoolean", None)
    if "multipleBirthInteger" in resource:
        resource.pop("multipleBirthBoolean", None)


def _no_animal(extension: Json) -> bool:
    """PID-36, a breed, without the species that the extension demands."""
    parts = [one["url"] for one in extension.get("extension", ()) if "url" in one]
    return extension.get("url") == _ANIMAL and "species" not in parts


def _encounter(resource: Json) -> None:
    resource["location"] = [one for one in resource.get("location", ()) if "location" in one]
    if not resource["location"]:
        del resource["location"]
    resource["diagnosis"] = [one for one in resource.get("diagnosis", ()) if "condition" in one]
    if not resource["diagnosis"]:
        del resource["diagnosis"]
    finish_period(resource, "period")
    _lengths(resource)


def _lengths(resource: Json) -> None:
    for entry in resource.get("participant", ()):
        finish_period(entry, "period")


def _allergy(resource: Json) -> None:
    codes = {c.get("code") for c in resource.get("verificationStatus", {}).get("coding", ())}
    if "entered-in-error" in codes:
        resource.pop("clinicalStatus", None)
    reactions = [one for one in resource.get("reaction", ()) if one]
    for one in reactions:
        one.setdefault("manifestation", [{"text": "not stated"}])
    if reactions:
        resource["reaction"] = reactions


def _observation(resource: Json) -> None:
    if "dataAbsentReason" in resource and (
        "component" in resource or any(name.startswith("value") for name in resource)
    ):
        del resource["dataAbsentReason"]  # obs-6
    if "effectivePeriod" in resource:
        resource.pop("effectiveDateTime", None)


def _report(resource: Json) -> None:
    if "effectivePeriod" in resource:
        resource.pop("effectiveDateTime", None)
        finish_period(resource, "effectivePeriod")


def _appointment(resource: Json) -> None:
    """app-2 and app-3: both times or none; a status that needs them falls back to `proposed`."""
    start, minutes = resource.get("start"), resource.get("minutesDuration")
    if start and "end" not in resource and minutes:
        resource["end"] = _later(start, minutes)
    if ("start" in resource) != ("end" in resource):
        if start:
            resource["requestedPeriod"] = [{"start": resource.pop("start")}]
        else:
            resource["requestedPeriod"] = [{"end": resource.pop("end")}]
    elif start and resource["end"] < start and resource["end"][19:] == start[19:]:
        ends = {"end": resource.pop("end")}
        resource["requestedPeriod"] = [{"start": resource.pop("start")}, ends]
    if "start" not in resource and resource.get("status") not in WITHOUT_TIMES:
        resource["status"] = "proposed"
    if resource.get("status") != "cancelled":
        resource.pop("cancelationReason", None)  # app-4, which R4 writes for a status it lacks too
    kept = []
    for one in resource.get("participant", ()):
        finish_period(one, "period")
        if "actor" in one or "type" in one:
            one.setdefault("status", "needs-action")
            kept.append(one)
    resource["participant"] = kept or [
        {"actor": {"display": "not stated"}, "status": "needs-action"}
    ]


def _later(start: str, minutes: int) -> str:
    from datetime import datetime, timedelta

    moment = datetime.fromisoformat(start.replace("Z", "+00:00")) + timedelta(minutes=minutes)
    text = moment.isoformat(timespec="seconds")
    return text.replace("+00:00", "Z") if start.endswith("Z") else text


def _document(resource: Json) -> None:
    contents = resource.get("content", [])
    kinds = [one for one in contents if "attachment" in one]
    declared = next((one for one in kinds if set(one["attachment"]) == {"contentType"}), None)
    if declared is not None and len(kinds) > 1:
        kinds.remove(declared)
    resource["content"] = kinds
    if not kinds:
        del resource["content"]
    _context(resource)


def _context(resource: Json) -> None:
    finish_period(resource.get("context", {}), "period")


def _immunization(resource: Json) -> None:
    quantity = resource.get("doseQuantity", {})
    if quantity and "value" not in quantity:
        del resource["doseQuantity"]
    for statement in resource.get("education", ()):
        told = statement.get("documentType", "")
        if told.startswith(("http://", "https://", "urn:")):
            statement["reference"] = statement.pop("documentType")
        elif not told:
            statement["documentType"] = "not stated"  # imm-1
    for protocol in resource.get("protocolApplied", ()):
        if "doseNumberPositiveInt" not in protocol:
            protocol.setdefault("doseNumberString", "not stated")
    _actors(resource)


def _medication(resource: Json) -> list[str]:
    if "medicationReference" in resource:
        resource.pop("medicationCodeableConcept", None)
    notes = finish_dosages(resource.get("dosageInstruction", []))
    dispense = resource.get("dispenseRequest", {})
    if isinstance(dispense.get("quantity"), dict) and "value" not in dispense["quantity"]:
        del dispense["quantity"]
    if "dispenseRequest" in resource and not dispense:
        del resource["dispenseRequest"]
    return notes


def _dispense(resource: Json) -> list[str]:
    _actors(resource)
    return _medication(resource)


def _request(resource: Json) -> None:
    finish_timing(resource.get("occurrenceTiming", {}))
    if "occurrenceTiming" in resource:
        if len(resource["occurrenceTiming"]) == 0:
            del resource["occurrenceTiming"]
        else:
            _event(resource["occurrenceTiming"], resource.pop("occurrenceDateTime", None))
            resource.pop("occurrencePeriod", None)
    if not resource.get("code"):
        resource.pop("orderDetail", None)  # prr-1


def _event(timing: Json, moment: str | None) -> None:
    """A request has one occurrence: the time it is asked for is an event of its timing."""
    if moment:
        timing.setdefault("event", []).append(moment)


def _provenance(resource: Json) -> None:
    resource["agent"] = [one for one in resource.get("agent", ()) if "who" in one]
    if not resource["agent"]:
        del resource["agent"]


def _header(resource: Json) -> None:
    resource.setdefault("source", {}).setdefault("endpoint", "urn:aimed:hl7v2:unknown")
    for one in resource.get("destination", ()):
        one.setdefault("endpoint", "urn:aimed:hl7v2:unknown")


def _procedure(resource: Json) -> None:
    _actors(resource)
    finish_period(resource, "performedPeriod")


def _actors(resource: Json) -> None:
    resource["performer"] = [one for one in resource.get("performer", ()) if "actor" in one]
    if not resource["performer"]:
        del resource["performer"]


def _condition(resource: Json) -> None:
    """con-4 and con-5: what has ended is resolved, and an error has no status and no end."""
    codes = {c.get("code") for c in resource.get("clinicalStatus", {}).get("coding", ())}
    verified = resource.get("verificationStatus", {}).get("coding", ())
    error = any(c.get("code") == "entered-in-error" for c in verified)
    ended = any(name.startswith("abatement") for name in resource)
    if error:
        for name in [one for one in resource if one.startswith(("clinicalStatus", "abatement"))]:
            del resource[name]
    elif ended and not codes & {"inactive", "resolved", "remission"}:
        resource["clinicalStatus"] = {"coding": [{"system": _CLINICAL, "code": "resolved"}]}


def _specimen(resource: Json) -> None:
    collection = resource.get("collection", {})
    if "collectedPeriod" in collection:
        collection.pop("collectedDateTime", None)
        finish_period(collection, "collectedPeriod")


def _team(resource: Json) -> None:
    for one in resource.get("participant", ()):
        finish_period(one, "period")
        member = one.get("member", {}).get("reference", "")
        if "onBehalfOf" in one and not member.startswith("draft:Practitioner"):
            del one["onBehalfOf"]  # ctm-1


def _coverage(resource: Json) -> None:
    finish_period(resource, "period")
    if "class" in resource:
        resource["class"] = [o for o in resource["class"] if "value" in o and "type" in o]
        if not resource["class"]:
            del resource["class"]


RuleOf = Callable[[Json], Sequence[str] | None]
_RULES: Mapping[str, RuleOf] = {
    "MessageHeader": _header,
    "Condition": _condition,
    "Procedure": _procedure,
    "ChargeItem": _actors,
    "MedicationDispense": _dispense,
    "MedicationAdministration": _actors,
    "Patient": _patient,
    "Encounter": _encounter,
    "AllergyIntolerance": _allergy,
    "Observation": _observation,
    "DiagnosticReport": _report,
    "Appointment": _appointment,
    "DocumentReference": _document,
    "Immunization": _immunization,
    "MedicationRequest": _medication,
    "ServiceRequest": _request,
    "Provenance": _provenance,
    "Specimen": _specimen,
    "CareTeam": _team,
    "Coverage": _coverage,
    "ClaimResponse": lambda resource: finish_period(resource, "preAuthPeriod"),
    "RelatedPerson": _coverage,
    "Account": lambda resource: finish_period(resource, "servicePeriod"),
    "PractitionerRole": _coverage,
}
