"""JSON to XML and back, value for value."""

from __future__ import annotations

import tarfile
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.errors import Malformed, NotAcceptable
from fhir_server.formats.xhtml import xml_of
from fhir_server.formats.xml_reader import from_xml
from fhir_server.formats.xml_writer import to_xml
from fhir_server.resource import dumps, loads
from tests.shared_data import shared

RESOURCES = [
    b'{"resourceType":"Patient","id":"p","active":false,"_active":{"id":"a"}}',
    b'{"resourceType":"Patient","name":[{"given":["A",null,"B"],"_given":[null,'
    b'{"extension":[{"url":"urn:x","valueString":"y"}]},null]}]}',
    b'{"resourceType":"Patient","_birthDate":{"extension":[{"url":"urn:x","valueCode":"u"}]}}',
    b'{"resourceType":"Observation","status":"final","code":{"text":"a\\nb\\tc"},'
    b'"valueQuantity":{"value":72.50}}',
    b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":'
    b'{"resourceType":"Binary","contentType":"text/plain","data":"YQ=="}}]}',
    b'{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o"}]}',
    b'{"resourceType":"RiskAssessment","prediction":[{"probabilityDecimal":1.0E-2}]}',
]


@pytest.mark.parametrize("body", RESOURCES)
def test_it_comes_back_as_it_was(body: bytes) -> None:
    assert dumps(from_xml(to_xml(loads(body)))) == body


@pytest.mark.parametrize("body", RESOURCES)
def test_indented_it_says_the_same(body: bytes) -> None:
    pretty = to_xml(loads(body), pretty=True)
    assert b"\n  <" in pretty
    assert dumps(from_xml(pretty)) == body


def test_indenting_leaves_a_narrative_alone() -> None:
    div = '<div xmlns=\\"http://www.w3.org/1999/xhtml\\"><p>a <b>b</b></p></div>'
    body = f'{{"resourceType":"Patient","text":{{"status":"generated","div":"{div}"}}}}'.encode()
    assert b"<p>a <b>b</b></p>" in to_xml(loads(body), pretty=True)


def test_nulls_that_fill_up_are_no_elements() -> None:
    body = b'{"resourceType":"Patient","name":[{"given":["A"],"_given":[{"id":"x"},null]}]}'
    assert to_xml(loads(body)).count(b"<given") == 1


def test_the_narrative_keeps_its_markup_and_gains_characters_for_entities() -> None:
    div = "<div>a&nbsp;<b class='x'>&lt;b&gt;</b><br/></div>"
    assert xml_of(div) == (
        '<div xmlns="http://www.w3.org/1999/xhtml">a\xa0<b class="x">&lt;b&gt;</b><br/></div>'
    )


def test_what_xml_cannot_hold_is_not_acceptable() -> None:
    for patient in (
        {"resourceType": "Patient", "language": "\x01"},
        {"resourceType": "Patient", "text": {"status": "empty", "div": "<div>"}},
    ):
        with pytest.raises(NotAcceptable):
            to_xml(patient)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1))
def test_any_text_comes_back(text: str) -> None:
    patient = {"resourceType": "Patient", "name": [{"text": text.replace("\ufffe", "")}]}
    with suppress(NotAcceptable):
        assert from_xml(to_xml(patient)) == patient


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_anything_else_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        from_xml(body)


@given(st.sampled_from(RESOURCES), st.integers(0, 400), st.sampled_from([b"<", b"&", b'"', b"x"]))
def test_a_broken_document_is_malformed_or_another(body: bytes, at: int, sign: bytes) -> None:
    document = to_xml(loads(body))
    with suppress(Malformed):
        from_xml(document[:at] + sign + document[at:])


def same(value: Any) -> Any:
    """Narratives as XML, everything else with its decimals as they are written."""
    if isinstance(value, dict):
        return {k: xml_of(v) if k == "div" else same(v) for k, v in value.items()}
    return (
        [same(one) for one in value] if isinstance(value, list) else getattr(value, "text", value)
    )


@pytest.mark.slow
def test_the_us_core_examples_come_back() -> None:
    package = shared("us-core/us-core-6.1.0.tgz")
    if package is None:
        pytest.skip("needs the US Core package")
    with tarfile.open(package) as archive:
        found = [one for one in archive if "/example/" in one.name and one.name.endswith(".json")]
        for member in found:
            stream = archive.extractfile(member)
            assert stream is not None
            resource = loads(stream.read())
            if "resourceType" in resource:
                assert same(from_xml(to_xml(resource))) == same(resource), member.name
    assert len(found) > 100
