"""The value sets and code systems of FHIR R4 and US Core that this package carries.

`data/value-sets.json.gz` is read on first use. Source and licence: `data/README.md`.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from importlib.resources import files
from typing import Any

from terminology.value_sets.code_system import CodeSystemIndex, Resource
from terminology.value_sets.compose import CompiledValueSet, Compiler


def builtin_value_set(url: str) -> Resource | None:
    """The ValueSet at `url` (`|version` is ignored), reduced to its definition; None if not here.

    Versions are ignored because R4 itself binds to versions its package does not have: it asks for
    v3-NullFlavor|4.0.1 and defines 2018-08-12. Callers must not change the result.
    """
    return _by_url("value_sets").get(url.partition("|")[0])


def builtin_code_system(url: str) -> Resource | None:
    """The CodeSystem at `url`, reduced to concepts and properties. Callers must not change it."""
    return _by_url("code_systems").get(url.partition("|")[0])


@cache
def builtin_code_systems() -> tuple[str, ...]:
    """The URIs of all built-in code systems, in order."""
    return tuple(sorted(_by_url("code_systems")))


def builtin_index(url: str) -> CodeSystemIndex | None:
    """The built-in code system at `url`, ready for look-ups."""
    resource = _by_url("code_systems").get(url)
    return None if resource is None else CodeSystemIndex(resource)


def compiled(url: str) -> CompiledValueSet | None:
    """The built-in value set at `url`, compiled once; None when it is not here."""
    found = _compiler().by_url(url) if builtin_value_set(url) is not None else None
    return found if isinstance(found, CompiledValueSet) else None


@cache
def _compiler() -> Compiler:
    return Compiler(builtin_value_set, _known_index)


def _known_index(url: str) -> CodeSystemIndex | None:
    # A look-up before the cached one keeps addresses that clients make up out of the cache.
    return builtin_index(url) if url in _by_url("code_systems") else None


@cache
def _by_url(kind: str) -> dict[str, Resource]:
    return {resource["url"]: resource for resource in _content()[kind]}


@cache
def _content() -> dict[str, Any]:
    packed = files("terminology.value_sets").joinpath("data", "value-sets.json.gz").read_bytes()
    content: dict[str, Any] = json.loads(gzip.decompress(packed))
    return content
