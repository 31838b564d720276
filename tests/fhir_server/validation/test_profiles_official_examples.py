"""The 183 examples of US Core 6.1.0 against the profiles that they claim, and breaking them.

They are in the package hl7.fhir.us.core 6.1.0 (CC0-1.0).
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest

from fhir_server.resource import Resource, loads
from fhir_server.validation.profiles import check_profiles, claimed
from fhir_server.validation.validator import validate
from tests.shared_data import shared

FULL_URL = "a full URL that names another id than the resource has"
REFUSED = {
    "Bundle-66c8856b-ba11-4876-8aa8-467aad8c11a2": FULL_URL,
    "Bundle-docref-example-2": FULL_URL,
}


def members(folder: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(shared("us-core/us-core-6.1.0.tgz")) as archive:
        for member in archive:
            above, _, name = member.name.rpartition("/")
            if above == folder and name.endswith(".json"):
                stream = archive.extractfile(member)
                assert stream is not None
                yield name.removesuffix(".json"), stream.read()


def examples() -> Iterator[tuple[str, Resource]]:
    return ((name, loads(body)) for name, body in members("package/example"))


def demands() -> dict[str, list[dict[str, Any]]]:
    """The top-level elements of every profile's snapshot, by its URL."""
    found = {}
    for name, body in members("package"):
        if name.startswith("StructureDefinition-"):
            definition = json.loads(body)
            found[definition["url"]] = [
                one
                for one in definition["snapshot"]["element"]
                if one["path"].count(".") == 1 and ":" not in one["id"]
            ]
    return found


def test_each_meets_what_it_claims() -> None:
    seen, claims, refused = 0, 0, set()
    for name, resource in examples():
        seen += 1
        claims += len(claimed(resource))
        if validate(resource):
            refused.add(name)
    assert (seen, claims) == (183, 174)
    assert refused == set(REFUSED)
    for name, resource in examples():
        if name in REFUSED:  # which is no fault of their profiles
            assert check_profiles(resource) == ()


@pytest.mark.slow
def test_each_without_an_element_that_its_profile_demands_breaks_it() -> None:
    tried = 0
    listed = demands()
    for name, resource in examples():
        for url in claimed(resource):
            for element in listed[url]:
                kind, _, member = element["path"].partition(".")
                plain = member.removesuffix("[x]")
                choice = member != plain
                there = [
                    key for key in resource if key == plain or (choice and key.startswith(plain))
                ]
                if element["min"] == 0 or not there or f"_{there[0]}" in resource:
                    continue
                less = {key: value for key, value in resource.items() if key not in there}
                codes = {(one.code, one.expression) for one in validate(less)}
                assert ("required", (f"{kind}.{plain}",)) in codes, (name, element["id"])
                tried += 1
    assert tried > 500
