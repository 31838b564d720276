"""PID-10 and PID-22 as the extensions of US Core, which tell race and ethnic group.

A category of the OMB is `ombCategory`, any other code of CDCREC `detailed`; what a site calls them
by codes of its own is a text. Which codes are categories stand in the code maps.
"""

from __future__ import annotations

import re

from integrations.hl7v2.mapping.context import Context, Json
from integrations.hl7v2.mapping.datatypes.catalogue import Use, converter
from integrations.hl7v2.mapping.special import Call, Work
from integrations.hl7v2.mapping.values import Parts, component

_BASE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_CDCREC = "urn:oid:2.16.840.1.113883.6.238"
_DETAILED = re.compile(r"\d{4}-\d")
_NAMED = re.compile(r"|CDCREC|HL70005|HL70189|2\.16\.840\.1\.113883\.6\.238", re.IGNORECASE)
_NO_USE = Use()


def _extension(field: int, name: str, map: str, most: int) -> Call:
    def made(work: Work, repetition: int, parts: Parts) -> bool:
        if repetition:
            return True  # the first repetition takes all of them along
        told = [held for held in work.values(field) if held]
        entries: list[Json] = []
        texts: list[str] = []
        for held in told:
            coding, category = _coding(held, work.context, map)
            room = sum(one["url"] == "ombCategory" for one in entries) < most
            if coding and (room or not category):
                url = "ombCategory" if category else "detailed"
                entries.append({"url": url, "valueCoding": coding})
            text = _text(held, work.context) or coding.get("display") or component(held, 1)
            texts.append(text.strip())
        text = ", ".join(dict.fromkeys(filter(None, texts)))
        if not text:
            return False
        entries.sort(key=lambda one: one["url"] != "ombCategory")
        entries.append({"url": "text", "valueString": text})
        work.resource.setdefault("extension", []).append(
            {"url": _BASE + name, "extension": entries}
        )
        return True

    return made


def _coding(parts: Parts, context: Context, name: str) -> tuple[Json, bool]:
    """The coding of a repetition and whether it is a category; empty for a code of the site."""
    map = context.codes.map(name)
    for at in (1, 4):
        code, system = component(parts, at), component(parts, at + 2)
        target = map.codes.get(code.upper()) if map else None
        if target and (_NAMED.fullmatch(system) or system.upper() == "NULLFL"):
            return {"system": target.system, "code": target.code, "display": target.display}, True
        if _DETAILED.fullmatch(code) and _NAMED.fullmatch(system):
            made = {"system": _CDCREC, "code": code}
            return made | ({"display": told} if (told := component(parts, at + 1)) else {}), False
    return {}, False


def _text(parts: Parts, context: Context) -> str:
    found = converter("CWE", "string")
    text = found.convert(parts, context, _NO_USE) if found else None
    return text if text and text != component(parts, 1) else ""


US_CORE: dict[str, Call] = {
    "us_core_race": _extension(10, "race", "RaceCategory", 5),
    "us_core_ethnicity": _extension(22, "ethnicity", "EthnicCategory", 1),
}
