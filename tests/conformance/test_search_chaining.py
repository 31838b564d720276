"""Chains and reverse chains. https://hl7.org/fhir/R4/search.html#chaining and #has"""

from __future__ import annotations

import httpx2
import pytest
import pytest_asyncio

from tests.conformance.asking import (
    LOINC,
    UCUM,
    address,
    coded,
    found,
    keep,
    observation,
    refused,
    resource,
    to,
    ucum,
)

AMBULATORY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
DATA = [
    resource("Organization", "top", name="Health Trust"),
    resource("Organization", "ward", name="Ward Seven", partOf=to("Organization/top")),
    resource(
        "Practitioner",
        "joe",
        name=[{"family": "Joe"}],
        address=[{"state": "CA"}],
        identifier=[{"system": "urn:npi", "value": "1"}],
    ),
    resource("Practitioner", "jane", name=[{"family": "Jane"}], address=[{"state": "MN"}]),
    resource(
        "Patient",
        "peter",
        name=[{"family": "Smith", "given": ["Peter"]}],
        gender="male",
        birthDate="1970-01-01",
        managingOrganization=to("Organization/ward"),
        generalPractitioner=[to("Practitioner/joe"), to("Practitioner/jane")],
    ),
    resource(
        "Patient",
        "paula",
        name=[{"family": "Jones"}],
        gender="female",
        birthDate="1990-01-01",
        managingOrganization=to("Organization/top"),
        generalPractitioner=[to("Practitioner/joe")],
    ),
    resource("Patient", "loner", name=[{"family": "Lone"}]),
    resource("Group", "crowd", type="person", actual=True, name="Smith family"),
    resource(
        "Encounter",
        "visit",
        status="finished",
        subject=to("Patient/peter"),
        serviceProvider=to("Organization/ward"),
        **{"class": AMBULATORY},
    ),
    observation(
        "high",
        code=coded(LOINC, "1234-5"),
        subject=to("Patient/peter"),
        encounter=to("Encounter/visit"),
        performer=[to("Practitioner/jane")],
        valueQuantity=ucum(9, "mmol/L"),
        effectiveDateTime="2024-01-01",
    ),
    observation("low", subject=to("Patient/paula"), valueQuantity=ucum(1, "mmol/L")),
    observation("of-group", subject=to("Group/crowd")),
    resource("Organization", "far", name="Farther"),
    observation(
        "inner",
        contained=[
            {
                "resourceType": "Patient",
                "id": "p",
                "name": [{"family": "Within"}],
                "birthDate": "1999-09-09",
                "managingOrganization": to("Organization/far"),
            }
        ],
        subject=to("#p"),
    ),
    resource(
        "DiagnosticReport",
        "report",
        status="final",
        code={"text": "lab"},
        subject=to("Patient/peter"),
        result=[to("Observation/high")],
    ),
    resource(
        "DiagnosticReport",
        "second",
        status="preliminary",
        code={"text": "lab"},
        subject=to("Patient/paula"),
        result=[to("Observation/low")],
    ),
    resource(
        "Provenance",
        "prov",
        target=[to("Observation/high")],
        recorded="2024-01-02T00:00:00Z",
        agent=[{"who": to("Practitioner/jane")}],
    ),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def kept(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, DATA)


CHAINS = [
    ("DiagnosticReport?subject:Patient.name=peter", "report"),
    ("DiagnosticReport?subject.family=smith", "report"),
    ("DiagnosticReport?patient.name=peter", "report"),
    ("DiagnosticReport?patient.gender=female", "second"),
    ("DiagnosticReport?patient.gender=female,male", "report second"),
    ("DiagnosticReport?patient.gender:not=female", "report"),
    ("DiagnosticReport?patient.family:exact=Smith", "report"),
    ("DiagnosticReport?patient.family:contains=mit", "report"),
    ("DiagnosticReport?patient.birthdate=lt1980", "report"),
    ("DiagnosticReport?patient.birthdate=ge1970&patient.birthdate=le1970-12-31", "report"),
    ("DiagnosticReport?patient._id=peter", "report"),
    ("DiagnosticReport?patient.name=nobody", ""),
    ("DiagnosticReport?patient.name=peter&status=final", "report"),
    ("DiagnosticReport?patient.name=peter&status=preliminary", ""),
    ("DiagnosticReport?patient.organization.name=ward", "report"),
    ("DiagnosticReport?patient.organization.partof.name=health", "report"),
    ("DiagnosticReport?subject:Patient.organization:Organization.name=health", "second"),
    ("DiagnosticReport?result.code=1234-5", "report"),
    ("DiagnosticReport?result.value-quantity=gt5", "report"),
    (f"DiagnosticReport?result.value-quantity=9|{UCUM}|mmol/L", "report"),
    (f"DiagnosticReport?result.code-value-quantity={LOINC}|1234-5$gt5", "report"),
    ("DiagnosticReport?result.patient.gender=male", "report"),
    ("DiagnosticReport?result.encounter.service-provider.name=ward", "report"),
    ("DiagnosticReport?result.date=2024", "report"),
    ("Observation?subject:Group.identifier:missing=true", "of-group"),
    ("Observation?encounter.status=finished", "high"),
    ("Observation?performer:Practitioner.name=jane", "high"),
    ("Observation?patient.general-practitioner:Practitioner.identifier=urn:npi|1", "high low"),
    # evaluated apart: Joe is from CA, Jane from MN
    (
        "Patient?general-practitioner:Practitioner.family=joe"
        "&general-practitioner:Practitioner.address-state=MN",
        "peter",
    ),
    ("Patient?organization:missing=true", "loner"),
    ("Patient?organization.name:missing=true", ""),
    # 3.1.1.5.5: a chained condition is evaluated inside contained resources
    ("Observation?subject:Patient.family=within", "inner"),
    ("Observation?patient.family=within,jones", "inner low"),
    ("Observation?patient.birthdate=1999-09", "inner"),
    ("Observation?patient.organization.name=farther", "inner"),
    ("Observation?patient.family=within&patient.gender=male", ""),
    ("Observation?subject:Group.identifier=within", ""),
    ("Patient?family=within", ""),
    ("Patient?organization.name=farther", ""),
]
REVERSE = [
    ("Patient?_has:Observation:patient:code=1234-5", "peter"),
    (f"Patient?_has:Observation:patient:code={LOINC}|1234-5", "peter"),
    ("Patient?_has:Observation:subject:code=1234-5", "peter"),
    ("Patient?_has:Observation:patient:code=1234-5,8867-4", "paula peter"),
    ("Patient?_has:Observation:patient:code=1234-5&_has:Observation:patient:code=8867-4", ""),
    ("Patient?_has:Observation:patient:value-quantity=gt5", "peter"),
    ("Patient?_has:Observation:patient:date=2024", "peter"),
    ("Patient?_has:Observation:patient:code=none", ""),
    ("Patient?_has:DiagnosticReport:patient:status=final&gender=male", "peter"),
    ("Patient?_has:DiagnosticReport:patient:status=final&gender=female", ""),
    ("Patient?_has:Encounter:patient:service-provider.name=ward", "peter"),
    ("Patient?_has:Observation:patient:_has:DiagnosticReport:result:status=final", "peter"),
    ("Patient?_has:Observation:patient:_has:Provenance:target:agent=Practitioner/jane", "peter"),
    ("Patient?_has:Observation:patient:_id=low", "paula"),
    ("Patient?_has:Observation:patient:encounter.status=finished", "peter"),
    ("Organization?_has:Patient:organization:gender=male", "ward"),
    ("Organization?_has:Patient:organization:_has:Observation:patient:code=8867-4", "top"),
    ("Organization?_has:Organization:partof:name=ward", "top"),
    ("Practitioner?_has:Patient:general-practitioner:gender=female", "joe"),
    ("Observation?patient._has:DiagnosticReport:patient:status=final", "high"),
    ("Observation?_has:Provenance:target:agent=jane", "high"),
    ("Observation?_has:DiagnosticReport:result:patient.family=jones", "low"),
]


@pytest.mark.parametrize(("query", "wanted"), [*CHAINS, *REVERSE])
async def test_finds(fhir: httpx2.AsyncClient, query: str, wanted: str) -> None:
    assert await found(fhir, query) == wanted


@pytest.mark.parametrize(
    "query",
    [
        "DiagnosticReport?patient.nonsense=1",
        "DiagnosticReport?nonsense.name=1",
        "DiagnosticReport?status.name=1",
        "DiagnosticReport?subject:Nonsense.name=1",
        "DiagnosticReport?subject:Organization.name=1",
        "DiagnosticReport?patient.=1",
        "DiagnosticReport?.name=1",
        "DiagnosticReport?patient.birthdate=yesterday",
        "Patient?_has:Observation:patient:nonsense=1",
        "Patient?_has:Observation:nonsense:code=1",
        "Patient?_has:Nonsense:patient:code=1",
        "Patient?_has:Observation:patient=1",
        "Patient?_has:Observation=1",
        "Patient?_has=1",
        "Patient?_has:Observation:code:status=final",
    ],
)
async def test_refused(fhir: httpx2.AsyncClient, query: str) -> None:
    refused(await fhir.get(address(query)), 400)
