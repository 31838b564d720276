"""The keys that a value can be found by: one writer for each kind of search parameter.

A key here is what follows the parameter's code; `extraction` puts the code in front. FHIR R4
3.1.1.4.8 (string), 3.1.1.4.10 (token), 3.1.1.4.12 (reference), 3.1.1.4.13 (uri).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_server.definitions.search_parameters import case_sensitive_systems
from fhir_server.search.text import CHUNK, CHUNK_STEP, KEY_LIMIT, fold
from terminology.phonetics import sounds_of

FOLDED_TYPES = frozenset({"Identifier", "ContactPoint", "string", "markdown"})
"""Types whose tokens compare without regard to case (R4 3.1.1.4.10: unless the context says so)."""

_UCUM = "http://unitsofmeasure.org"
_NAME_PARTS = ("family", "text")
_NAME_LISTS = ("given", "prefix", "suffix")
_ADDRESS_PARTS = ("text", "city", "district", "state", "postalCode", "country")


def token_keys(type: str, value: Any) -> Iterator[str]:
    """Keys of a token: `=system|code`, `=|code` where there is no system, `==code`, `=system|`.

    A code that is compared without regard to case stands as `~code` instead. Beside them the
    texts for `:text`, as strings, and for `:of-type` `^system|code|value` of an Identifier.
    """
    if type == "CodeableConcept":
        for coding in value.get("coding", ()):
            yield from token_keys("Coding", coding)
        yield from _texts_of(value.get("text"))
    elif type == "Coding":
        yield from _pair(value.get("system"), value.get("code"))
        yield from _texts_of(value.get("display"))
    elif type == "Identifier":
        yield from _identifier(value)
    elif type == "ContactPoint":
        yield from _pair(None, value.get("value"), folded=True)
    elif isinstance(value, bool):
        yield from _pair(None, "true" if value else "false")
    elif isinstance(value, str):
        yield from _pair(None, value, folded=type in FOLDED_TYPES)


def is_folded(system: str | None) -> bool:
    """Whether codes of `system` compare without regard to case; not knowing, they do."""
    return system not in case_sensitive_systems() and system != _UCUM


def _pair(system: Any, code: Any, *, folded: bool = False) -> Iterator[str]:
    if code is not None:
        # A bare `code` element is bound to one of FHIR's own systems, which are case-sensitive.
        token = f"~{code.casefold()}" if folded or (system and is_folded(system)) else str(code)
        yield f"=={token}"
        yield f"={system}|{token}" if system else f"=|{token}"
    if system:
        yield f"={system}|"


def _identifier(value: dict[str, Any]) -> Iterator[str]:
    yield from _pair(value.get("system"), value.get("value"), folded=True)
    kind = value.get("type", {})
    yield from _texts_of(kind.get("text"))
    if "value" in value:
        for coding in kind.get("coding", ()):
            code = f"{coding.get('system', '')}|{coding.get('code', '')}"
            yield f"^{code}|{value['value'].casefold()}"


def _texts_of(text: Any) -> Iterator[str]:
    if isinstance(text, str):
        yield f"~{fold(text)[:KEY_LIMIT]}"


def reference_keys(type: str, value: Any) -> Iterator[str]:
    """Keys of a reference: its target without and with version; `@system|value` of an identifier.

    A resource standing in the place of a reference (the first of a Bundle) is its own target.
    """
    if not isinstance(value, dict):
        yield from uri_keys(type, value)
        return
    if "resourceType" in value:
        yield f"={value['resourceType']}/{value.get('id', '')}"
        return
    identifier = value.get("identifier")
    if isinstance(identifier, dict):
        yield from (f"@{made[1:]}" for made in _identifier(identifier) if made[0] == "=")
    reference = value.get("reference")
    if isinstance(reference, str) and reference.startswith("#"):
        # Nothing to be found by except a chain, and not missing.
        yield f"=#{value.get('type', '')}"
    elif isinstance(reference, str):
        current, versioned, _ = reference.partition("/_history/")
        yield f"={current.partition('|')[0]}"
        if versioned or "|" in current:
            yield f"={reference}"


def string_keys(type: str, value: Any) -> Iterator[str]:
    """Keys of a string: `~folded`, `!exact`, and of a long one `%pieces` for `:contains`."""
    for text in texts(type, value):
        folded = fold(text)
        yield f"~{folded}"
        yield f"!{text}"
        if len(folded) > CHUNK:
            for start in range(0, len(folded), CHUNK_STEP):
                yield f"%{folded[start : start + CHUNK]}"


def texts(type: str, value: Any) -> Iterator[str]:
    """The texts that a string parameter finds in a value. FHIR R4 3.1.1.4.8."""
    if isinstance(value, str):
        yield value
    elif type == "HumanName":
        yield from (value[part] for part in _NAME_PARTS if part in value)
        for part in _NAME_LISTS:
            yield from (one for one in value.get(part, ()) if one)
    elif type == "Address":
        yield from (value[part] for part in _ADDRESS_PARTS if part in value)
        yield from (line for line in value.get("line", ()) if line)


def sound_keys(type: str, value: Any) -> Iterator[str]:
    """Keys of a parameter that finds what sounds alike (`phonetic`)."""
    for text in texts(type, value):
        for word in fold(text).split():
            if word.isalpha():
                yield f"~{sounds_of(word)}"


def uri_keys(type: str, value: Any) -> Iterator[str]:
    """Keys of a uri, and of a canonical without its version and fragment too."""
    if not isinstance(value, str):
        return
    url = value.partition("|")[0].partition("#")[0]
    if type == "canonical" and url != value:
        yield f"={url}"
    yield f"={value}"
