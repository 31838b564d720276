from __future__ import annotations

import gzip
import json
from importlib.resources import files

from terminology.value_sets.build import build
from tests.shared_data import shared


def shipped() -> bytes:
    return files("terminology.value_sets").joinpath("data", "value-sets.json.gz").read_bytes()


def test_the_data_file_is_small_and_names_source_and_licence() -> None:
    packed = shipped()
    assert len(packed) < 700_000
    content = json.loads(gzip.decompress(packed))
    assert content["source"]
    assert content["licence"]
    assert len(content["value_sets"]) >= 1316
    assert len(content["code_systems"]) >= 1062


def test_the_data_file_is_what_the_script_makes_of_the_packages() -> None:
    packages = [shared("fhir-r4/hl7.fhir.r4.core.tgz"), shared("us-core/us-core-6.1.0.tgz")]
    built = build(packages)
    assert built == build(packages)
    # Compressed bytes differ between zlib versions; the content does not.
    assert gzip.decompress(built) == gzip.decompress(shipped())
