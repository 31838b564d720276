"""The guide's own sample of MDM^T02, resource by resource: what ours lacks is meant, and said why.

The guide's Bundle is another converter's, as its text says, and no authority: where it and the
tables of the guide disagree, the tables count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from fhir_server.formats.xml_reader import from_xml
from fhir_server.labels.lattice import CONFIDENTIALITY
from integrations.hl7v2.mapping.conversion import Conversion
from tests.integrations.hl7v2.conversions import DATA, converted, first, sample

Leaf = tuple[str, str]
BUNDLE = DATA / "v2_to_fhir" / "MDM_T02.bundle.xml"

INTENDED = {
    "Account.identifier.type.coding.display": "HAR is no code of table 0203 and has no display",
    "DiagnosticReport": "OBX of a document are its content by the guide, and no report",
    "DocumentReference.authenticator.reference=PractitionerRole": "the table has Practitioner",
    "DocumentReference.author.reference": "the table has Practitioner of TXA-9, no sender",
    "DocumentReference.content.attachment.contentType": "media types are lower case",
    "DocumentReference.content.attachment.creation": "no field tells when an attachment was made",
    "DocumentReference.content.attachment.data": "lines of text are one content",
    "DocumentReference.content.attachment.title": "a text of many OBX has no title of one of them",
    "DocumentReference.context.period.start": "times take the site's zone, not UTC",
    "DocumentReference.context.related.reference=Practitioner": "related is the order by the guide",
    "DocumentReference.docStatus": "AU is authenticated: final",
    "DocumentReference.identifier.type": "the table gives TXA-16 no type",
    "DocumentReference.masterIdentifier.system": "the universal id that EI-2 holds, as in PID-3",
    "DocumentReference.meta.lastUpdated": "the server's own",
    "Encounter.class": "the code map of the guide gives v3-ActCode",
    "Encounter.period.start": "times take the site's zone, not UTC",
    "Location.description": "PL-9 alone: the rest is told by partOf",
    "MessageHeader": "what the header says of itself is kept with the message; never stored",
    "Observation": "OBX of a document are its content by the guide",
    "Organization.identifier": "authorities are systems of identifiers, not organizations",
    "Patient.identifier.assigner.reference": "the name of an authority makes no Organization",
    "Patient.telecom.system": "P and H are no codes of the tables",
    "Practitioner.identifier.system": "of an NPI that of its register, else the authority's",
    "Practitioner.identifier.value=1780850958": "TXA-5 has no row in the guide",
    "Practitioner.name.family=JOHNSON": "see TXA-5",
    "Practitioner.name.given=VALERIE": "see TXA-5",
    "PractitionerRole.code": "no field tells it; the element is the requester",
    "Provenance": "the writing side makes one for the message",
    "ServiceRequest.code.coding.display=Laboratory Report": "a text without a code is code.text",
    "ServiceRequest.identifier.system": "8.7.6.5.4 is no OID: those begin with 0 to 2",
    "ServiceRequest.identifier.type.coding": "the group number is the requisition",
    "ServiceRequest.identifier.value=GORD874299": "the group number is the requisition",
    "ServiceRequest.priority": "the message tells none",
    "ServiceRequest.reasonReference": "a document that an order leads to is not its reason",
    "ServiceRequest.specimen": "the guide maps no Specimen in MDM",
    "Specimen": "the guide maps no Specimen in MDM",
}  # fmt: skip


@pytest.fixture(scope="module")
def ours() -> Conversion:
    return sample("v2_to_fhir/MDM_T02.hl7")


def test_what_the_guides_bundle_tells_and_ours_does_not_is_meant(ours: Conversion) -> None:
    bundle = from_xml(BUNDLE.read_bytes())
    told = _leaves(one["resource"] for one in bundle["entry"])
    held = _leaves(one.resource for one in ours.drafts)
    lacking = {f"{type}.{path}={value}" for type in told for path, value in told[type] - held[type]}
    unexplained = {one for one in lacking if not any(_names(key, one) for key in INTENDED)}
    assert unexplained == set()
    idle = {key for key in INTENDED if not any(_names(key, one) for one in lacking)}
    assert idle == set()


def test_one_document_beside_its_order_and_the_people_once(ours: Conversion) -> None:
    document, order = first(ours, "DocumentReference"), first(ours, "ServiceRequest")
    assert document["context"]["related"] == [{"reference": "draft:ServiceRequest"}]
    assert document["type"]["coding"][0]["system"].endswith("CodeSystem/v2-0270")
    titles = [one["attachment"].get("title") for one in document["content"]]
    assert titles == ["PHQ-9 Depression Screen PDF", None]
    assert [one["value"] for one in order["identifier"]] == ["ORD777999", "432344432"]
    assert order["code"]["text"] == "Laboratory Report"
    people = [
        one.resource["name"][0]["family"] for one in ours.drafts if one.type == "Practitioner"
    ]
    assert people == ["MITCHELL", "Radon"]
    npi = first(ours, "Practitioner")["identifier"][0]["system"]
    assert npi == "http://hl7.org/fhir/sid/us-npi"


@pytest.mark.parametrize(("told", "label"), [("R", "R"), ("V", "V"), ("U", None)])
def test_a_confidential_document_is_labelled(told: str, label: str | None) -> None:
    found = converted(
        "PID|1||1^^^HOSP", "PV1|1|I", f"TXA|1|DS|TX|||||||||1^X|||||AU|{told}", msh="MDM^T02"
    )
    document = first(found, "DocumentReference")
    security = document.get("meta", {}).get("security", [])
    expected = [] if label is None else [(CONFIDENTIALITY, label)]
    assert [(one["system"], one["code"]) for one in security] == expected
    assert document["securityLabel"][0]["coding"][0]["code"] == told


def test_every_order_of_a_document_is_related_to_it() -> None:
    order = "ORC|RE|P{0}^A|F{0}^B", "OBR|1|P{0}^A|F{0}^B|X^Y^L"
    orders = [one.format(number) for number in (1, 2) for one in order]
    found = converted("PID|1||1^^^HOSP", *orders, "TXA|1|DS|TX|||||||||1^X", msh="MDM^T02")
    related = first(found, "DocumentReference")["context"]["related"]
    assert related == [
        {"reference": "draft:ServiceRequest"}, {"reference": "draft:ServiceRequest[2]"}
    ]  # fmt: skip


def _leaves(resources: Any) -> defaultdict[str, set[Leaf]]:
    """Values by resource type and path, without positions in lists; references by their type."""
    found: defaultdict[str, set[Leaf]] = defaultdict(set)
    for one in resources:
        found[one["resourceType"]] |= set(_of(one, ""))
    return found


def _of(value: Any, path: str) -> Iterator[Leaf]:
    if isinstance(value, dict):
        for name, inner in value.items():
            own = not path and name in ("id", "text", "resourceType")
            if not own:
                yield from _of(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from _of(inner, path)
    elif path.endswith("reference"):
        yield path, str(value).removeprefix("draft:").partition("/")[0].partition("[")[0]
    else:
        yield path, str(value)


def _names(key: str, leaf: str) -> bool:
    return leaf == key or leaf.startswith((f"{key}.", f"{key}="))
