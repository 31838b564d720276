"""The compiled R4 definitions hold what the specification says."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from fhir_server.definitions import build
from fhir_server.definitions.elements import elements_of, primitive_types, resource_types
from fhir_server.definitions.search_parameters import parameters_of, patient_compartment
from tests.shared_data import shared


def test_all_resource_types_are_there() -> None:
    assert len(resource_types()) == 146  # R4 2.1: 148 with the abstract Resource, DomainResource
    assert {"Patient", "Observation", "Composition", "Parameters"} <= resource_types()
    assert not {"Resource", "DomainResource", "Quantity"} & resource_types()
    assert {"code", "xhtml", "instant"} <= primitive_types()


@pytest.mark.parametrize(
    ("type", "name", "types", "required", "many"),
    [
        ("Patient", "birthDate", ("date",), False, False),
        ("Patient", "name", ("HumanName",), False, True),
        ("Patient", "id", ("id",), False, False),
        ("Patient", "contact", ("@Patient.contact",), False, True),
        ("Patient.contact", "name", ("HumanName",), False, False),
        ("Observation", "status", ("code",), True, False),
        ("Observation.component", "referenceRange", ("@Observation.referenceRange",), False, True),
        ("Questionnaire.item", "item", ("@Questionnaire.item",), False, True),
        ("Extension", "url", ("uri",), True, False),
        ("Bundle.entry", "resource", ("Resource",), False, False),
        ("Patient", "deceased", ("boolean", "dateTime"), False, False),
    ],
)
def test_an_element(
    type: str, name: str, types: tuple[str, ...], required: bool, many: bool
) -> None:
    element = elements_of(type)[name]
    assert (element.types, element.required, element.many) == (types, required, many)


def test_required_bindings_with_their_systems() -> None:
    gender = elements_of("Patient")["gender"]
    assert gender.codes == {"male", "female", "other", "unknown"}
    clinical = elements_of("Condition")["clinicalStatus"]
    system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    assert (system, "active") in (clinical.codings or ())
    # An outside system (ISO 4217) and a preferred binding list nothing.
    assert elements_of("Money")["currency"].codes is None
    assert elements_of("Encounter")["type"].codings is None


def test_reference_targets() -> None:
    assert elements_of("AllergyIntolerance")["patient"].targets == {"Patient"}
    assert elements_of("Provenance")["target"].targets == frozenset()


def test_search_parameters_are_those_of_the_type_and_of_every_resource() -> None:
    found = parameters_of("Observation")
    assert {"code", "patient", "date", "_id", "_tag", "_source"} <= set(found)
    assert "birthdate" not in found
    assert found["patient"].targets >= {"Patient"}


def test_composites_name_their_components() -> None:
    components = parameters_of("Observation")["code-value-quantity"].components
    assert [expression for _, expression in components] == ["code", "value.as(Quantity)"]
    assert all(url.startswith("http://hl7.org/fhir/SearchParameter/") for url, _ in components)


def test_the_patient_compartment() -> None:
    assert patient_compartment("Observation") == ("performer", "subject")
    assert patient_compartment("Organization") == ()


def test_the_data_is_what_the_script_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed = Path(build.__file__).parent / "data"
    shutil.copytree(committed, tmp_path / "data")
    monkeypatch.setattr(build, "_DATA", tmp_path / "data")
    build.main(shared("fhir-r4/hl7.fhir.r4.core.tgz"))
    for made in (tmp_path / "data").glob("*.gz"):
        # Compressed bytes may differ between zlib versions; the content may not.
        assert gzip.decompress(made.read_bytes()) == gzip.decompress(
            (committed / made.name).read_bytes()
        )
