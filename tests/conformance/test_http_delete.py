"""delete and conditional delete. https://hl7.org/fhir/R4/http.html#delete"""

from __future__ import annotations

import httpx2
import pytest

from tests.conformance.asking import ids, keep, refused, resource, searchset


async def test_delete(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [resource("Patient", "gone", gender="other")])
    answer = await fhir.delete("/fhir/Patient/gone")
    assert answer.status_code in (200, 204)
    assert (answer.status_code == 204) == (answer.content == b"")
    refused(await fhir.get("/fhir/Patient/gone"), 410)
    assert ids(await searchset(fhir, "Patient?gender=other")) == []


async def test_delete_twice(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [resource("Patient", "twice")])
    assert (await fhir.delete("/fhir/Patient/twice")).status_code in (200, 204)
    assert (await fhir.delete("/fhir/Patient/twice")).status_code in (200, 204)
    history = (await fhir.get("/fhir/Patient/twice/_history")).json()
    assert [entry["request"]["method"] for entry in history["entry"]] == ["DELETE", "PUT"]


async def test_what_never_was(fhir: httpx2.AsyncClient) -> None:
    """Of what does not exist at all delete answers as of what it deleted."""
    assert (await fhir.delete("/fhir/Patient/never")).status_code in (200, 204)
    refused(await fhir.get("/fhir/Patient/never"), 404)


async def test_no_such_type(fhir: httpx2.AsyncClient) -> None:
    refused(await fhir.delete("/fhir/Nonsense/1"), 404)


async def test_if_match(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [resource("Patient", "tagged"), resource("Patient", "tagged", active=True)])
    refused(await fhir.delete("/fhir/Patient/tagged", headers={"If-Match": 'W/"1"'}), 412, 409)
    answer = await fhir.delete("/fhir/Patient/tagged", headers={"If-Match": 'W/"2"'})
    assert answer.status_code in (200, 204)


@pytest.mark.parametrize("path", ["", "metadata", "Patient/x/_history/1"])
async def test_what_cannot_be_deleted(fhir: httpx2.AsyncClient, path: str) -> None:
    refused(await fhir.delete(f"/fhir/{path}"), 400, 404, 405)


async def test_a_delete_of_all_needs_criteria(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [resource("Basic", "b1", code={"text": "x"})])
    refused(await fhir.delete("/fhir/Basic"), 400, 404, 405, 412)
    assert ids(await searchset(fhir, "Basic")) == ["b1"]


async def test_conditional_delete_of_one(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [resource("Patient", "single", identifier=[{"value": "d1"}])])
    assert (await fhir.delete("/fhir/Patient?identifier=d1")).status_code in (200, 204)
    refused(await fhir.get("/fhir/Patient/single"), 410)


async def test_conditional_delete_of_none(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.delete("/fhir/Patient?identifier=nobody")
    assert answer.status_code in (200, 204, 404)


async def test_conditional_delete_of_many(fhir: httpx2.AsyncClient) -> None:
    """All of them or, as `single` of the CapabilityStatement has it, none with 412."""
    twins = [resource("Patient", f"twin{n}", identifier=[{"value": "d2"}]) for n in (1, 2)]
    await keep(fhir, twins)
    statement = (await fhir.get("/fhir/metadata")).json()
    kinds = {one["type"]: one for one in statement["rest"][0]["resource"]}
    answer = await fhir.delete("/fhir/Patient?identifier=d2")
    left = ids(await searchset(fhir, "Patient?identifier=d2"))
    if kinds["Patient"]["conditionalDelete"] == "single":
        refused(answer, 412)
        assert sorted(left) == ["twin1", "twin2"]
    else:
        assert answer.status_code in (200, 204)
        assert left == []


@pytest.mark.parametrize("query", ["nonsense=1", "birthdate=x", "identifier="])
async def test_a_bad_condition_deletes_nothing(fhir: httpx2.AsyncClient, query: str) -> None:
    await keep(fhir, [resource("Patient", "safe", active=True)])
    refused(await fhir.delete(f"/fhir/Patient?{query}"), 400, 412)
    assert (await fhir.get("/fhir/Patient/safe")).status_code == 200
