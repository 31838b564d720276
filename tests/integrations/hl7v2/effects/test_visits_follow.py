"""ADT finds the consultation that runs, and the list of who is here follows it."""

from __future__ import annotations

from typing import Any

from integrations.hl7v2.mapping.draft import Draft, Policy
from tests.integrations.hl7v2.effects.test_result_alerts import until
from tests.integrations.hl7v2.writing.feed import Feed, conversion, patient, visit, ward
from tests.smart_app.conftest import Desk

ATTENDING = {
    "participant": [
        {
            "type": [
                {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                            "code": "ATND",
                        }
                    ]
                }
            ],
            "individual": {"reference": "draft:Practitioner"},
        }
    ]
}


def doctor() -> Draft:
    return Draft(
        "Practitioner",
        {"resourceType": "Practitioner", "name": [{"family": "House", "prefix": ["Dr"]}]},
        (("urn:staff", "7"),),
        Policy.REFERENCE_DATA,
    )


async def adt(hospital: Feed, event: str, moment: int, place: str = "", **members: Any) -> None:
    wards = [ward(place)] if place else []
    drafts = (patient("1", moment=moment), visit(moment=moment, ward=place, **members), *wards)
    extra = [doctor()] if members else []
    await hospital.send(conversion(f"ADT^{event}", *drafts, *extra))


async def test_the_consultation_is_part_of_the_visit(desk: Desk, hospital: Feed) -> None:
    await adt(hospital, "A01", 1, "Ward 3")
    encounter = await desk.begin()

    stored = (await desk.http.get(f"/fhir/Encounter/{encounter}")).json()
    visit_reference = stored["partOf"]["reference"]
    found = (await desk.http.get(f"/fhir/Encounter?part-of={visit_reference}")).json()
    assert [one["resource"]["id"] for one in found["entry"]] == [encounter]


async def test_a_visit_that_begins_during_it_is_joined_and_its_end_is_told(
    desk: Desk, hospital: Feed
) -> None:
    encounter = await desk.begin()
    async with desk.socket(f"/ws/encounters/{encounter}") as socket:
        await adt(hospital, "A01", 1, "Ward 3")
        assert (await until(socket, "visit.changed"))["data"]["status"] == "in-progress"
        await adt(hospital, "A03", 9)
        assert (await until(socket, "visit.changed"))["data"]["status"] == "finished"

    stored = (await desk.http.get(f"/fhir/Encounter/{encounter}")).json()
    assert stored["status"] == "in-progress"
    assert stored["partOf"]["reference"].startswith("Encounter/")


async def test_who_is_here(desk: Desk, hospital: Feed) -> None:
    nobody = await desk.http.get("/api/patients/present")
    assert nobody.json() == {"present": []}
    await adt(hospital, "A01", 1, "Ward 3", **ATTENDING)
    await desk.begin()

    here = await desk.http.get(
        "/api/patients/present", headers={"If-None-Match": nobody.headers["etag"]}
    )
    (row,) = here.json()["present"]
    assert row.pop("encounter").startswith("Encounter/")
    assert row == {
        "patient": "Patient/p1",
        "name": "Nora Byrne",
        "born": row["born"],
        "status": "in-progress",
        "place": "Ward 3",
        "since": "2026-01-01T08:01:00+01:00",
        "doctor": "Dr House",
    }
    again = {"If-None-Match": here.headers["etag"]}
    assert (await desk.http.get("/api/patients/present", headers=again)).status_code == 304

    await adt(hospital, "A02", 5, "Ward 4")
    moved = await desk.http.get("/api/patients/present", headers=again)
    assert moved.json()["present"][0]["place"] == "Ward 4"
    await adt(hospital, "A03", 9)
    gone = await desk.http.get("/api/patients/present", headers=again)
    assert gone.json() == {"present": []}


async def test_who_may_not_see_patients_is_not_told_who_is_here(desk: Desk) -> None:
    token = await desk.token_for("user/Encounter.rs")
    answer = await desk.http.get(
        "/api/patients/present", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 403
    anybody = await desk.http.get("/api/patients/present", headers={"Authorization": ""})
    assert anybody.status_code == 401
