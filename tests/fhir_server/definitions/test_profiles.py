"""Compiled profiles: what is there, by which names, and that the data is that of the package."""

from __future__ import annotations

import json
import tarfile

import pytest

from fhir_server.definitions.profiles import compile_profile, profile_of, profiles
from tests.shared_data import shared

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
PATIENT = f"{US_CORE}us-core-patient"


def test_profiles_are_found_with_their_version_or_without() -> None:
    assert profiles()[PATIENT] is profiles()[f"{PATIENT}|6.1.0"]
    assert f"{PATIENT}|3.1.1" not in profiles()
    assert "urn:x" not in profiles()
    assert len(profiles()) == len(list(profiles())) == 498


def test_a_profile_has_its_names_and_demands() -> None:
    profile = profiles()[PATIENT]
    assert (profile.type, profile.version, profile.short) == ("Patient", "6.1.0", "US Core Patient")
    elements = {one.id: one for one in profile.elements}
    assert elements["Patient.identifier"].min == 1
    assert elements["Patient.identifier"].must_support
    assert elements["Patient.extension:race"].types[0].profiles == (f"{US_CORE}us-core-race",)
    assert elements["Patient.name"].constraints[0].key == "us-core-6"
    # R4 demands the code of the value set itself, so the profile need not.
    assert elements["Patient.gender"].binding is None


def test_a_structure_definition_without_snapshot_is_refused() -> None:
    with pytest.raises(ValueError, match="snapshot"):
        compile_profile({"url": "urn:x", "name": "X", "type": "Patient"})


def test_the_data_is_that_of_the_package() -> None:
    with tarfile.open(shared("us-core/us-core-6.1.0.tgz")) as archive:
        for member in archive:
            name = member.name.rpartition("/")[2]
            if member.name.count("/") == 1 and name.startswith("StructureDefinition-"):
                stream = archive.extractfile(member)
                assert stream is not None
                definition = json.load(stream)
                fresh, kept = compile_profile(definition), profiles()[definition["url"]]
                assert _plain(fresh.elements) == _plain(kept.elements), name


def _plain(elements: tuple[object, ...]) -> list[dict[str, object]]:
    return [vars(one) for one in elements]


def test_the_compact_form_is_read_with_its_defaults() -> None:
    data = {"name": "N", "title": "A Profile", "version": "", "type": "Patient", "base": ""}
    profile = profile_of("urn:x", {**data, "elements": [{"id": "Patient.name:a", "max": 0}]})
    (element,) = profile.elements
    assert (element.slice_name, element.min, element.max, element.types) == ("a", 0, 0, ())
    assert profile.short == "A"
