"""The patients whose visits are under way, from Encounters and what they refer to.

It is a FHIR search of the caller's: who may not see a visit or its patient is not told of it, and
that they were shown is in the audit trail. Whether anything changed since is answered by when
Encounters, Patients and Locations were written last, which shows nothing and is not recorded.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Any

from fhir_server.auth.access import permit
from fhir_server.errors import NotPermitted
from fhir_server.interactions.context import Context, FhirRequest
from fhir_server.interactions.search import search
from fhir_server.resource import Resource, loads
from pipelines.store import ConsultationStore

_UNDER_WAY = "in-progress,arrived,triaged,onleave"
_SHOWN = ("Encounter", "Patient", "Location", "Practitioner")
_INCLUDED = {
    "Encounter:subject": "Patient",
    "Encounter:location": "Location",
    "Encounter:practitioner": "Practitioner",
}
_TOLD_SECONDS = 300
_MOST = 500
_LEVELS = 6


async def revision(context: Context) -> str:
    """What changes whenever the list may: an ETag's opaque text, of this caller's own."""
    store = context.server.store
    minutes = int(store.now().timestamp()) // _TOLD_SECONDS  # directives end by the clock too
    parts = [context.caller.token, str(context.caller.directives), str(minutes)]
    for type in _SHOWN:
        newest = await store.search({"type": type}, count=1)
        parts += [f"{one.reference}/{one.version}" for one in newest.entries]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


async def present(context: Context) -> list[dict[str, Any]]:
    """Who is here, by name; one entry for each visit, at most 500."""
    permit(context.caller, "Encounter", "search-type")
    permit(context.caller, "Patient", "search-type")
    included = [("_include", one) for one, type in _INCLUDED.items() if _may_include(context, type)]
    if _may_include(context, "Location"):
        included.append(("_include:iterate", "Location:partof"))
    parameters = (("status", _UNDER_WAY), ("_count", str(_MOST)), *included)
    answer = await search(FhirRequest("search-type", "Encounter", parameters=parameters), context)
    found = {_reference(one["resource"]): one["resource"] for one in _entries(answer.body)}
    visits = [one for one in found.values() if one["resourceType"] == "Encounter"]
    consultations = ConsultationStore(context.server.store.database)
    own = await consultations.among([one["id"] for one in visits])
    rows = [_row(one, found) for one in visits if one["id"] not in own]
    return sorted((one for one in rows if one), key=lambda one: (one["name"], one["encounter"]))


def _may_include(context: Context, type: str) -> bool:
    with suppress(NotPermitted):
        permit(context.caller, type, "read")
        return True
    return False


def _entries(body: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = loads(body).get("entry", [])
    return [one for one in found if one["resource"]["resourceType"] != "OperationOutcome"]


def _reference(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _row(visit: Resource, found: dict[str, Resource]) -> dict[str, Any] | None:
    patient = found.get(visit.get("subject", {}).get("reference", ""))
    if patient is None:
        return None
    place, since = _place(visit, found)
    return {
        "patient": _reference(patient),
        "name": name_of(patient),
        "born": patient.get("birthDate"),
        "encounter": _reference(visit),
        "status": visit["status"],
        "place": place,
        "since": visit.get("period", {}).get("start") or since,
        "doctor": _doctor(visit, found),
    }


def _place(visit: Resource, found: dict[str, Resource]) -> tuple[str | None, str | None]:
    """Where the patient is now, and since when they are in the first place that is known."""
    places = visit.get("location", [])
    starts = [one.get("period", {}).get("start", "") for one in places]
    since = min((one for one in starts if one), default=None)
    here = [one for one in places if one.get("status", "active") == "active"]
    if not here:
        return None, since
    reference = here[-1]["location"]
    return reference.get("display") or _path(reference, found) or None, since


def _path(reference: Resource, found: dict[str, Resource]) -> str:
    """Ward, room and bed, the widest first, without the site as long as there is more to say."""
    names: list[str] = []
    while (location := found.get(reference.get("reference", ""))) is not None:
        kinds = location.get("physicalType", {}).get("coding", ())
        site = any(one.get("code") == "si" for one in kinds)
        name = location.get("name") or location.get("description") or ""
        if name and not (site and names) and len(names) < _LEVELS:
            names.append(name)
        reference = location.get("partOf", {}) if len(names) < _LEVELS else {}
    return ", ".join(reversed(names))


_DOCTORS = ("ATND", "PPRF", "ADM", "CON", "REF")


def _doctor(visit: Resource, found: dict[str, Resource]) -> str | None:
    """The attending doctor, else who else answers for the visit."""
    ranked: list[tuple[int, str]] = []
    for one in visit.get("participant", ()):
        codes = {
            code["code"]
            for kind in one.get("type", ())
            for code in kind.get("coding", ())
            if "code" in code
        }
        who = one.get("individual", {})
        name = who.get("display") or name_of(found.get(who.get("reference", ""), {}))
        rank = next((n for n, code in enumerate(_DOCTORS) if code in codes), None)
        if rank is not None and name:
            ranked.append((rank, name))
    return min(ranked)[1] if ranked else None


def name_of(person: Resource) -> str:
    """The official name, else the first, as it is spoken."""
    names = person.get("name", [])
    if not names:
        return ""
    name = next((one for one in names if one.get("use") == "official"), names[0])
    spoken = " ".join([*name.get("prefix", ()), *name.get("given", ()), name.get("family", "")])
    return str(name.get("text") or spoken.strip())
