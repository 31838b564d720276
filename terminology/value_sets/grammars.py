"""Code systems that are a grammar rather than a list, judged by the form of a code.

Source: http://hl7.org/fhir/R4/terminologies-systems.html; RFC 5646 2.1 (BCP 47); RFC 6838 4.2 and
RFC 2045 5.1 (BCP 13); UCUM 2.2.
"""

from __future__ import annotations

import re
from decimal import Decimal

from terminology import ucum

LANGUAGES = "urn:ietf:bcp:47"
MIME_TYPES = "urn:ietf:bcp:13"

CASE_INSENSITIVE = frozenset((LANGUAGES, MIME_TYPES))
"""Systems whose codes mean the same in any case (RFC 5646 2.1.1, RFC 2045 5.1)."""

_LANGUAGE = re.compile(
    r"(?P<language>[a-z]{2,3}(?P<ext_lang>(?:-[a-z]{3}){1,3})?|[a-z]{4,8})"
    r"(?:-(?P<script>[a-z]{4}))?"
    r"(?:-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?P<variant>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))+)?"
    r"(?P<extension>(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)+)?"
    r"(?P<private_use>-x(?:-[a-z0-9]{1,8})+)?",
    re.IGNORECASE | re.ASCII,
)
_OTHER_LANGUAGE = re.compile(
    r"x(?:-[a-z0-9]{1,8})+|i-[a-z]{3,8}|en-gb-oed|sgn-(?:be-fr|be-nl|ch-de)",
    re.IGNORECASE | re.ASCII,
)
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 2045's word for it
_MIME_TYPE = re.compile(
    r"[0-9A-Za-z][0-9A-Za-z!#$&^_.+-]{0,126}/[0-9A-Za-z][0-9A-Za-z!#$&^_.+-]{0,126}"
    rf"(?:[ \t]*;[ \t]*{_TOKEN}=(?:{_TOKEN}|\"(?:[^\"\\\r\n]|\\.)*\"))*",
    re.ASCII,
)
# CapabilityStatement.format is bound to the MIME types and allows these three names besides.
_FORMATS = frozenset(("xml", "json", "ttl"))


def is_grammar(system: str) -> bool:
    """Whether codes of `system` are judged here."""
    return system in (LANGUAGES, MIME_TYPES, ucum.SYSTEM)


def well_formed(system: str, code: str) -> bool:
    """Whether `code` has the form that the grammar of `system` demands."""
    if system == ucum.SYSTEM:
        return ucum.valid(code)
    if system == MIME_TYPES:
        return code in _FORMATS or _MIME_TYPE.fullmatch(code) is not None
    return bool(_LANGUAGE.fullmatch(code) or _OTHER_LANGUAGE.fullmatch(code))


def property_of(system: str, code: str, name: str) -> tuple[str, ...] | None:
    """The values of a property that a filter asks for; None when the system has no such property.

    UCUM has `canonical`: any unit convertible to the named one (R4 ucum.html). BCP 47 has the parts
    of a language tag, `ext-lang`, `script`, `region`, `variant`, `extension` and `private-use`.
    """
    if system == ucum.SYSTEM and name == "canonical":
        return (canonical_unit(code),)
    if system == LANGUAGES and name.replace("-", "_") in _LANGUAGE.groupindex:
        match = _LANGUAGE.fullmatch(code)
        part = match[name.replace("-", "_")] if match else None
        return (part.strip("-"),) if part else ()
    return None


def canonical_unit(code: str) -> str:
    """The canonical unit of a UCUM code, the code itself when its scale is not linear."""
    found = ucum.canonical(Decimal(1), code)
    return found[1] if found else code
