"""CWE, CE, CNE, CF, IS and ID as CodeableConcept, Coding and code."""

from __future__ import annotations

import re

from integrations.hl7v2.mapping.codes import V2_SYSTEM, CodeMap
from integrations.hl7v2.mapping.context import Context, Json
from integrations.hl7v2.mapping.datatypes.registry import Use, converts
from integrations.hl7v2.mapping.values import Parts, component, filled, whole

_CODE = re.compile(r"[^\s]+( [^\s]+)*")
_TRIPLETS = ((1, 2, 3, 7), (4, 5, 6, 8), (10, 11, 12, 13))
_ALL = (*range(1, 10), *range(10, 14))


@converts("CWE", "CodeableConcept", _ALL)
def concept(parts: Parts, context: Context, use: Use) -> Json | None:
    """The codings as sent, before them what the code map makes of the first; then the text."""
    codings = [
        coding
        for numbers in _TRIPLETS
        if len(parts) >= numbers[0] and (coding := _sent(parts, numbers, context, use))
    ]
    suffix = parts[0][1] if parts and len(parts[0]) > 1 else ""
    if suffix and _CODE.fullmatch(suffix):
        codings.append({"code": suffix})  # OBX-3 `1234&IMP`: a part of the report, its impression
    mapped = _mapped(component(parts, 1), context, use) if use.codes else None
    if mapped and not any(_same(mapped, coding) for coding in codings):
        codings.insert(0, mapped)
    if use.allowed is not None and not any(one.get("code") in use.allowed for one in codings):
        context.problem("no code that the target knows")
        return None
    made: Json = {}
    if codings:
        made["coding"] = codings
    text = whole(parts, 9) if len(parts) > 8 else ""
    if not text and len(parts) > 4 and not component(parts, 4):
        # A text beside the code that has no code of its own.
        text = whole(parts, 5)
    alone = len(codings) == (2 if suffix else 1)
    if not text and not (alone and codings[0].get("display")):
        text = whole(parts, 2) or (whole(parts, 5) if not codings else "")
    if text:
        made["text"] = text
    return made or None


@converts("ST", "CodeableConcept", (1,))
def text_only(parts: Parts, context: Context, use: Use) -> Json | None:
    """A text without a code."""
    if len(parts) > 1 and any(component(parts, number) for number in (2, 3)):
        return concept(parts, context, use)  # a code where older versions had a text
    mapped = _mapped(component(parts, 1), context, use)
    text = "^".join("&".join(held) for held in parts).strip()
    if mapped:
        return {"coding": [mapped], "text": text}
    return {"text": text} if text else None


@converts("EI", "CodeableConcept", (1, 2, 3, 4))
def entity(parts: Parts, context: Context, use: Use) -> Json | None:
    """An entity identifier told as a code."""
    code = component(parts, 1)
    made: Json = {"code": code} if _CODE.fullmatch(code) else {}
    system = context.authority(*(component(parts, number) for number in (2, 3, 4)))
    if system and made:
        made["system"] = system
    return {"coding": [made], "text": code} if made else ({"text": code} if code else None)


@converts(("CWE", "ST"), "Coding", _ALL)
def coding(parts: Parts, context: Context, use: Use) -> Json | None:
    """What the code map makes of it, else the first coding as sent."""
    mapped = _mapped(component(parts, 1), context, use)
    if mapped and (use.allowed is None or mapped["code"] in use.allowed):
        return mapped
    sent = _sent(parts, _TRIPLETS[0], context, use)
    if use.allowed is not None and (sent or {}).get("code") not in use.allowed:
        context.problem("no code that the target knows")
        return None
    if sent is None and filled(parts):
        text = whole(parts, 2) or whole(parts, 9) or whole(parts, 5)
        return {"display": text} if text else None
    return sent


@converts(("CWE", "ST"), "code", (1, 2, 3, 4, 5, 6, 7, 8, 9))
def code(parts: Parts, context: Context, use: Use) -> str | None:
    """What the code map makes of it; a code that the target knows goes as it is."""
    value = component(parts, 1)
    mapped = _mapped(value, context, use)
    if mapped and (use.allowed is None or mapped["code"] in use.allowed):
        return str(mapped["code"])
    for candidate in (value, value.lower(), component(parts, 2).lower()):
        if candidate and (
            candidate in use.allowed if use.allowed is not None else _CODE.fullmatch(candidate)
        ):
            return candidate
    if filled(parts):
        context.problem("no code that the target knows")
    return None


@converts("CWE", ("string", "markdown"), _ALL)
def string(parts: Parts, context: Context, use: Use) -> str | None:
    """The text of a code, else the code."""
    return whole(parts, 9) or whole(parts, 2) or whole(parts, 5) or component(parts, 1) or None


@converts("CWE", "Annotation", _ALL)
def annotation(parts: Parts, context: Context, use: Use) -> Json | None:
    """A remark that was sent as a code."""
    text = string(parts, context, use)
    return {"text": text} if text else None


@converts("ST", "Annotation", (1,))
def remark(parts: Parts, context: Context, use: Use) -> Json | None:
    """A remark."""
    text = "^".join("&".join(held) for held in parts).strip()
    return {"text": text} if text else None


def _mapped(value: str, context: Context, use: Use) -> Json | None:
    map = context.codes.map(use.codes) if use.codes and value else None
    target = map.codes.get(value) or map.codes.get(value.upper()) if map else None
    if target is None:
        return None
    made: Json = {"code": target.code}
    if target.system and " " not in target.system:
        made["system"] = target.system
    if target.display:
        made["display"] = target.display
    return made


def _sent(
    parts: Parts, numbers: tuple[int, int, int, int], context: Context, use: Use
) -> Json | None:
    """One triplet of code, text and coding system as a Coding."""
    code = parts[numbers[0] - 1][0]
    if not code:
        return None
    size = len(parts)
    display = whole(parts, numbers[1]) if size >= numbers[1] else ""
    named = parts[numbers[2] - 1][0] if size >= numbers[2] else ""
    if not _CODE.fullmatch(code):
        context.problem("a code with blanks around or within")
        return {"display": display or code}
    made: Json = {}
    system = context.codes.system(named) if named else ""
    map = context.codes.map(use.codes) if use.codes and numbers[0] == 1 else None
    if not named and map:
        system = _table(map, code)
    if system:
        made["system"] = system
    if size >= numbers[3] and parts[numbers[3] - 1][0]:
        made["version"] = parts[numbers[3] - 1][0]
    made["code"] = code
    if display:
        made["display"] = display
    elif map and map.texts.get(code) and system == V2_SYSTEM + map.table:
        made["display"] = map.texts[code]
    return made


def _table(map: CodeMap, code: str) -> str:
    """The system of the HL7 table when the code is one of its own."""
    return V2_SYSTEM + map.table if map.table and code in map.texts else ""


def _same(mapped: Json, sent: Json) -> bool:
    return mapped["code"] == sent.get("code") and mapped.get("system") == sent.get("system")
