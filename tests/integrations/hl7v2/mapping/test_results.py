"""Results: value types, units, ranges, statuses, attachments, and what belongs to what."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest

from integrations.hl7v2.mapping.actions import Cancel, Cancelled
from integrations.hl7v2.mapping.draft import DRAFT_SCHEME, Policy
from integrations.hl7v2.mapping.report import Outcome
from tests.integrations.hl7v2.conversions import converted, first, resources

_PID = "PID|1||M1^^^HOSP^MR||DOE^JOHN"
_OBR = "OBR|1|P1^EHR|F1^LAB|CMP^Panel^L|||20240101110000|||||||||||||||20240101120000||CH|F"


def _observation(*fields: str) -> dict[str, Any]:
    return first(converted(_PID, _OBR, "OBX|1|" + "|".join(fields), msh="ORU^R01"), "Observation")


@pytest.mark.parametrize(
    ("kind", "value", "name", "expected"),
    [
        ("NM", "5.40", "valueQuantity", {"value": Decimal("5.40")}),
        ("NM", "<5", "valueQuantity", {"value": 5, "comparator": "<"}),
        ("SN", ">^100", "valueQuantity", {"value": 100, "comparator": ">"}),
        ("SN", "^1^:^128", "valueRatio",
         {"numerator": {"value": 1}, "denominator": {"value": 128}}),
        ("SN", "^2^-^4", "valueRange", {"low": {"value": 2}, "high": {"value": 4}}),
        ("SN", "^2^+", "valueString", "^2^+"),
        ("CE", "A^Alpha^L", "valueCodeableConcept",
         {"coding": [{"code": "A", "display": "Alpha"}]}),
        ("ST", "positive", "valueString", "positive"),
        ("TX", "one~two", "valueString", "one\ntwo"),
        ("FT", "a\\.br\\b\\T\\c", "valueString", "a\nb&c"),
        ("DT", "20240131", "valueDateTime", "2024-01-31"),
        ("TS", "202401311205-0500", "valueDateTime", "2024-01-31T12:05:00-05:00"),
        ("TM", "1205", "valueTime", "12:05:00"),
        ("NR", "1^2", "valueRange", {"low": {"value": 1}, "high": {"value": 2}}),
        ("XX", "odd", "valueString", "odd"),
        ("NM", "see note", "valueString", "see note"),
    ],
)  # fmt: skip
def test_values(kind: str, value: str, name: str, expected: Any) -> None:
    assert _observation(kind, "X^X^L", "", value, "", "", "", "", "", "F")[name] == expected


def test_decimals_keep_their_digits() -> None:
    assert _observation("NM", "X^X^L", "", "5.40")["valueQuantity"]["value"].text == "5.40"


def test_units_reach_value_and_range() -> None:
    made = _observation("NM", "X^X^L", "", "5", "mg/dL^milligram^UCUM", "3.5-5.1", "H")
    unit = {"unit": "milligram", "system": "http://unitsofmeasure.org", "code": "mg/dL"}
    assert made["valueQuantity"] == {"value": 5, **unit}
    low = made["referenceRange"][0]["low"]
    assert (float(low["value"]), low["code"]) == (3.5, "mg/dL")
    assert made["interpretation"][0]["coding"][0]["code"] == "H"


def test_several_values_are_components() -> None:
    made = _observation("CE", "X^X^L", "", "A^a^L~B^b^L")
    assert [c["valueCodeableConcept"]["coding"][0]["code"] for c in made["component"]] == ["A", "B"]


@pytest.mark.parametrize(
    ("code", "status"),
    [("F", "final"), ("C", "corrected"), ("P", "preliminary"), ("X", "cancelled"),
     ("D", "entered-in-error"), ("W", "entered-in-error"), ("I", "registered")],
)  # fmt: skip
def test_statuses(code: str, status: str) -> None:
    conversion = converted(_PID, _OBR, f"OBX|1|ST|X^X^L||a||||||{code}", msh="ORU^R01")
    assert first(conversion, "Observation")["status"] == status
    cancelled = [one for one in conversion.actions if isinstance(one, Cancel)]
    assert bool(cancelled) == (status in ("cancelled", "entered-in-error"))
    assert all(one.what is Cancelled.RESULT for one in cancelled)


def test_preliminary_and_final_are_the_same_thing() -> None:
    def identities(status: str) -> Any:
        conversion = converted(_PID, _OBR, f"OBX|1|NM|X^X^L|1|5||||||{status}", msh="ORU^R01")
        return [(d.type, d.identities) for d in conversion.drafts if d.policy is Policy.RESULT]

    assert identities("P") == identities("F")
    assert all(held for _, held in identities("F"))


def test_observations_belong_to_their_report() -> None:
    conversion = converted(
        _PID, _OBR, "OBX|1|NM|A^A^L||1", "NTE|1||for A", "ZZZ|1", "OBX|2|NM|B^B^L||2",
        _OBR.replace("F1^LAB", "F2^LAB"), "OBX|1|NM|C^C^L||3", msh="ORU^R01",
    )  # fmt: skip
    reports = resources(conversion, "DiagnosticReport")
    assert [len(one["result"]) for one in reports] == [2, 1]
    noted = [o for o in resources(conversion, "Observation") if "note" in o]
    assert [o["code"]["coding"][0]["code"] for o in noted] == ["A"]
    z = next(s for s in conversion.report.segments if s.id == "ZZZ")
    assert z.outcome is Outcome.UNMAPPED
    assert "Z-segment" in z.reason


def test_a_document_in_a_result_is_shown_by_the_report() -> None:
    pdf = base64.b64encode(b"%PDF-1.4").decode()
    conversion = converted(
        _PID, _OBR, f"OBX|1|ED|PDF^Report^L||LAB^application^pdf^Base64^{pdf}||||||F", msh="ORU^R01"
    )
    form = first(conversion, "DiagnosticReport")["presentedForm"]
    assert form == [{"contentType": "application/pdf", "title": "Report", "data": pdf}]


@pytest.mark.parametrize(
    ("sent", "media"),
    [("^application/pdf^Base64^{}", "application/pdf"), ("PDF^Base64^{}", "application/pdf"),
     ("^^PDF^Base64^{}", "application/pdf"), ("Base64^{}", "application/octet-stream"),
     ("^text^html^HEX^255044462d312e34", "text/html")],
)  # fmt: skip
def test_a_document_is_found_where_its_encoding_stands(sent: str, media: str) -> None:
    pdf = base64.b64encode(b"%PDF-1.4").decode()
    obx = f"OBX|1|ED|PDF^Report^L||{sent.format(pdf)}||||||F"
    (form,) = first(converted(_PID, _OBR, obx, msh="ORU^R01"), "DiagnosticReport")["presentedForm"]
    assert (form["contentType"], form["data"]) == (media, pdf)


def test_data_that_is_no_base64_is_kept_and_reported() -> None:
    conversion = converted(
        _PID, _OBR, "OBX|1|ED|PDF^Report^L||LAB^application^pdf^Base64^no base64!||||||F",
        msh="ORU^R01",
    )  # fmt: skip
    data = first(conversion, "DiagnosticReport")["presentedForm"][0]["data"]
    assert base64.b64decode(data) == b"no base64!"
    reasons = [f.reason for s in conversion.report.segments for f in s.fields]
    assert any("base64" in reason for reason in reasons)


def test_the_lines_of_a_document_are_one_text() -> None:
    conversion = converted(
        "EVN|T02|20240102", _PID, "TXA|1|PN^Note|TX|20240102||||||||D1^HOSP|||||AU",
        "OBX|1|TX|1^Body||First line", "OBX|2|TX|1^Body||", "OBX|3|TX|1^Body||caf\\.br\\e",
        msh="MDM^T02",
    )  # fmt: skip
    document = first(conversion, "DocumentReference")
    data = document["content"][0]["attachment"]["data"]
    assert base64.b64decode(data).decode() == "First line\ncaf\ne"
    assert document["docStatus"] == "final"


_CULTURE = (
    "OBR|1|P1^EHR|F1^LAB|625-4^Culture^LN|||20240101||||||||||||||||||F",
    "OBX|1|CWE|11475-1^Organism^LN|1|27268008^Salmonella^SCT||||||F",
    "OBX|2|CWE|11475-1^Organism^LN|2|112283007^Escherichia coli^SCT||||||F",
)


def _susceptibility(parent: str, order: str = "P1&EHR^F1&LAB") -> tuple[str, str]:
    obr = f"OBR|2||F2^LAB|50545-3^Panel^LN|||20240101{'|' * 18}F|{parent}|||{order}"
    return obr, "OBX|1|SN|28-1^Ampicillin^LN||<=^2|ug/mL|||||F"


def test_a_susceptibility_is_a_member_of_the_organism_that_its_order_names() -> None:
    child = _susceptibility("11475-1&Organism&LN^2^Escherichia coli")
    conversion = converted(_PID, *_CULTURE, *child, msh="ORU^R01")
    first_one, second, tested = resources(conversion, "Observation")
    key = next(d.key for d in conversion.drafts if d.resource is tested)
    assert "hasMember" not in first_one
    assert [one["reference"].rpartition(":")[2] for one in second["hasMember"]] == [key]
    told = resources(conversion, "DiagnosticReport")[1]["extension"]
    assert [next(v for k, v in one.items() if k != "url") for one in told] == [
        {"coding": [{"system": "http://loinc.org", "code": "11475-1", "display": "Organism"}]},
        "2", "Escherichia coli",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("parent", "order"),
    [
        ("11475-1&Organism&LN^3", "P1&EHR^F1&LAB"),
        ("11475-1&Organism&LN^2", "P9&EHR^F9&LAB"),
        ("", "P1&EHR^F1&LAB"),
    ],
)
def test_a_parent_that_the_message_has_not_is_none(parent: str, order: str) -> None:
    conversion = converted(_PID, *_CULTURE, *_susceptibility(parent, order), msh="ORU^R01")
    assert not any("hasMember" in one for one in resources(conversion, "Observation"))


@pytest.mark.parametrize("between", [(), ("NTE|1||note",), ("TQ1|1",)])
def test_results_of_a_specimen_are_those_of_its_report(between: tuple[str, ...]) -> None:
    conversion = converted(
        _PID, "SPM|1|S1^LAB||BLD", "OBR|1|P1|F1|GLU^Glucose^L", "ORC|RE|P1|F1", *between,
        "OBX|1|NM|GLU^Glucose^L||5|mmol/L|||||F", "OBX|2|NM|K^Potassium^L||4|mmol/L|||||F",
        "SPM|2|S2^LAB||UR", "OBR|1|P2|F2|UA^Urine^L", "OBX|1|NM|PH^pH^L||7||||||F",
        msh="OUL^R22^OUL_R22",
    )  # fmt: skip
    reports = resources(conversion, "DiagnosticReport")
    keys = {d.key: d.resource for d in conversion.drafts}
    for report, number, count in zip(reports, ("S1", "S2"), (2, 1), strict=True):
        results = [keys[one["reference"].removeprefix(DRAFT_SCHEME)] for one in report["result"]]
        assert len(results) == count
        (specimen,) = report["specimen"]
        assert {one["specimen"]["reference"] for one in results} == {specimen["reference"]}
        held = keys[specimen["reference"].removeprefix(DRAFT_SCHEME)]
        assert held["identifier"][0]["value"] == number
