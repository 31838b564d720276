"""Messages as conversions, and a server to write them to."""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fhir_server.resource import loads
from fhir_server.server import FhirServer
from integrations.hl7v2.mapping.actions import Action
from integrations.hl7v2.mapping.conversion import Conversion
from integrations.hl7v2.mapping.draft import Draft, Policy
from integrations.hl7v2.mapping.report import ConversionReport
from integrations.hl7v2.message.header import HD, Header
from integrations.hl7v2.writing import Applied, MessageSource
from integrations.hl7v2.writing.importing import Importing

_REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[0-9a-f]{32}")
COLLECTIONS = ("hl7v2_names", "hl7v2_ledgers", "hl7v2_moves")
MRN = "urn:oid:1.2.36.146.595.217.0.1"
VISIT = "urn:oid:1.2.3.19"
FILLER = "urn:oid:1.2.3.20"


def header(kind: str, trigger: str, sender: str = "HIS", control: str = "1") -> Header:
    return Header(
        control_id=control,
        type=kind,
        trigger=trigger,
        structure=f"{kind}_{trigger}",
        version="2.5.1",
        sent="20260101120000",
        processing_id="P",
        sending_application=HD(sender),
        sending_facility=HD("CITY"),
        receiving_application=HD("AIMED"),
        receiving_facility=HD("CITY"),
        accept_ack="",
        application_ack="",
        country="",
        profiles=(),
    )


def conversion(
    event: str,
    *drafts: Draft,
    actions: tuple[Action, ...] = (),
    sender: str = "HIS",
    control: str = "1",
) -> Conversion:
    kind, trigger = event.split("^")
    return Conversion(
        header=header(kind, trigger, sender, control),
        family=kind,
        trigger=trigger,
        drafts=drafts,
        actions=actions,
        report=ConversionReport(()),
    )


def at(minute: int) -> str:
    return f"2026-01-01T{8 + minute // 60:02}:{minute % 60:02}:00+01:00"


def patient(
    *values: str,
    moment: int = 0,
    key: str = "Patient",
    cleared: tuple[str, ...] = (),
    **members: Any,
) -> Draft:
    return Draft(
        key,
        {
            "resourceType": "Patient",
            "identifier": [{"system": MRN, "value": one} for one in values],
            **members,
        },
        tuple((MRN, one) for one in values),
        Policy.DEMOGRAPHICS,
        at(moment),
        cleared,
        ("PID[2]",),
    )


def visit(
    number: str = "V1", *, moment: int = 0, ward: str = "", key: str = "Encounter", **members: Any
) -> Draft:
    resource: dict[str, Any] = {
        "resourceType": "Encounter",
        "identifier": [{"system": VISIT, "value": number}],
        "status": "unknown",
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": "IMP",
        },
        "subject": {"reference": "draft:Patient"},
        **members,
    }
    if ward:
        resource["location"] = [{"location": {"reference": f"draft:{ward}"}, "status": "active"}]
    return Draft(key, resource, ((VISIT, number),), Policy.ENCOUNTER, at(moment), (), ("PV1[3]",))


def ward(name: str) -> Draft:
    return Draft(
        name,
        {
            "resourceType": "Location",
            "name": name,
            "identifier": [{"system": "urn:w", "value": name}],
        },
        (("urn:w", name),),
        Policy.REFERENCE_DATA,
        None,
        (),
        ("PV1[3]",),
    )


def result(
    value: str, status: str = "final", *, moment: int = 0, code: str = "2823-3", **members: Any
) -> Draft:
    return Draft(
        f"Observation[{code}]",
        {
            "resourceType": "Observation",
            "status": status,
            "identifier": [{"system": FILLER, "value": f"F1/{code}"}],
            "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": "Potassium"},
            "subject": {"reference": "draft:Patient"},
            "valueQuantity": {
                "value": loads(value),
                "unit": "mmol/L",
                "system": "http://unitsofmeasure.org",
                "code": "mmol/L",
            },
            **members,
        },
        ((FILLER, f"F1/{code}"),),
        Policy.RESULT,
        at(moment),
        (),
        ("OBX[5]",),
    )


def source(text: str) -> MessageSource:
    return MessageSource(
        id=hashlib.sha256(text.encode()).hexdigest()[:24],
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        received=datetime(2026, 1, 2, tzinfo=UTC),
    )


@dataclass
class Feed:
    """A hospital's messages on their way into one server."""

    fhir: FhirServer
    importing: Importing
    sent: int = field(default=0)

    async def send(self, converted: Conversion, text: str = "") -> Applied:
        self.sent += 1
        return await self.importing.write(converted, source(text or f"message {self.sent}"))

    async def together(self, *converted: Conversion) -> list[Applied]:
        return list(
            await asyncio.gather(*(self.send(one, f"m{n}") for n, one in enumerate(converted)))
        )

    async def wipe(self) -> None:
        """Forget everything but the collections."""
        database = self.fhir.server.store.database
        for name in ("resources", "history", "outbox", "locks", *COLLECTIONS):
            await database[name].delete_many({})

    async def all(self, type: str) -> list[dict[str, Any]]:
        store = self.fhir.server.store
        page = await store.search({"type": type, "deleted": False}, count=1000)
        return [one.resource() for one in page.entries]

    async def only(self, type: str) -> dict[str, Any]:
        (found,) = await self.all(type)
        return found

    async def state(self) -> dict[str, dict[str, Any]]:
        """Every resource but for the record of accesses, without versions and times of writing.

        An id follows from the identity that came first, so each resource is called by the least of
        its names here, in references too.
        """
        database = self.fhir.server.store.database
        called: dict[str, str] = {}
        for one in await database["hl7v2_names"].find({}).sort("_id", 1).to_list():
            called.setdefault(one["ref"], f"{one['ref'].partition('/')[0]}/{one['_id'][:32]}")
        found = {}
        for one in await database["resources"].find({"deleted": False}).to_list():
            if one["type"] != "AuditEvent":
                text = _REFERENCE.sub(
                    lambda match: called.get(match[0], match[0]), bytes(one["raw"]).decode()
                )
                found[called.get(one["_id"], one["_id"])] = _plain(loads(text))
        return found


def _plain(resource: dict[str, Any]) -> dict[str, Any]:
    meta = {
        name: value
        for name, value in resource.get("meta", {}).items()
        if name not in ("versionId", "lastUpdated", "source")
    }
    return {**resource, "meta": meta, "id": ""}
