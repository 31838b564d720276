"""ED, RP and long texts as Attachment."""

from __future__ import annotations

import base64
import binascii

from integrations.hl7v2.mapping.context import Context, Json
from integrations.hl7v2.mapping.datatypes.registry import Use, converts
from integrations.hl7v2.mapping.values import Parts, component, whole

_MEDIA = {"PDF": "application/pdf", "RTF": "application/rtf", "HTML": "text/html",
          "XML": "text/xml", "TXT": "text/plain", "TEXT": "text/plain", "PLAIN": "text/plain",
          "JPEG": "image/jpeg", "JPG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif",
          "TIFF": "image/tiff", "TIF": "image/tiff", "DICOM": "application/dicom",
          "MPEG": "video/mpeg", "WAV": "audio/wav", "CDA": "text/xml", "SGML": "text/sgml",
          "DOC": "application/msword", "X-HL7-CDA-LEVEL-ONE": "text/xml",
          "OCTET-STREAM": "application/octet-stream"}  # fmt: skip
_TYPES = ("application", "audio", "image", "message", "model", "multipart", "text", "video")


@converts("ED", "Attachment", (1, 2, 3, 4, 5))
def encapsulated(parts: Parts, context: Context, use: Use) -> Json | None:
    """The bytes as base64, whatever their encoding was in the message."""
    parts = _aligned(parts)
    raw = "^".join("&".join(held) for held in parts[4:])
    made: Json = {}
    media = _media(component(parts, 2), component(parts, 3))
    media = media or _MEDIA.get(component(parts, 1).upper(), "")
    made["contentType"] = media or "application/octet-stream"
    if component(parts, 1):
        made["title"] = component(parts, 1)
    data = _data(raw, component(parts, 4), context)
    if data:
        made["data"] = data
    return made if data else None


def _aligned(parts: Parts) -> Parts:
    """With the data in ED-5: senders leave out a component before the encoding."""
    names = [component(parts, number).upper() for number in range(1, min(len(parts), 4) + 1)]
    at = next((at for at, name in enumerate(names) if name in ("BASE64", "HEX")), 3)
    if at == 3:
        return parts
    missing: Parts = [[""] for _ in range(3 - at)]
    return [*parts[:at], *missing, *parts[at:]]


@converts("RP", "Attachment", (1, 2, 3, 4))
def pointer(parts: Parts, context: Context, use: Use) -> Json | None:
    """Where the document lies: RP-1, in RP-2's application unless it is an address itself."""
    path = whole(parts, 1)
    if not path:
        return None
    made: Json = {}
    media = _media(component(parts, 3), component(parts, 4))
    if media:
        made["contentType"] = media
    application = whole(parts, 2)
    url = path if "://" in path or not application else f"{application}/{path}"
    if any(letter.isspace() for letter in url):
        made["title"] = url
        context.problem("a pointer with blanks is no URL; it is told as the title")
    else:
        made["url"] = url
    return made


@converts("ST", "Attachment", (1,))
def text(parts: Parts, context: Context, use: Use) -> Json | None:
    """A text as a document of its own."""
    value = "^".join("&".join(held) for held in parts)
    return of_text(value) if value.strip() else None


@converts("CWE", "Attachment", (1, 2, 9))
def coded(parts: Parts, context: Context, use: Use) -> Json | None:
    """A coded value in a document."""
    value = whole(parts, 9) or whole(parts, 2) or whole(parts, 1)
    return of_text(value) if value else None


def of_text(value: str) -> Json:
    """`value` as text/plain in UTF-8."""
    return {
        "contentType": "text/plain; charset=utf-8",
        "data": base64.b64encode(value.encode("utf-8", "replace")).decode("ascii"),
    }


def _data(raw: str, encoding: str, context: Context) -> str:
    kind = encoding.strip().upper()
    packed = "".join(raw.split())
    if kind == "HEX":
        try:
            return base64.b64encode(bytes.fromhex(packed)).decode("ascii")
        except ValueError:
            context.problem("no hexadecimal data; kept as it was sent")
    elif kind in ("BASE64", "B64", "") and packed:
        try:
            base64.b64decode(packed, validate=True)
        except (binascii.Error, ValueError):
            if kind:
                context.problem("no base64 data; kept as it was sent")
        else:
            return packed
    return base64.b64encode(raw.encode("utf-8", "replace")).decode("ascii") if raw else ""


def _media(kind: str, subtype: str) -> str:
    """A media type of ED-2 and ED-3 (tables 0191 and 0291)."""
    kind, subtype = kind.strip(), subtype.strip()
    for one in (subtype, kind):
        if "/" in one and " " not in one:
            return one.lower()
    if subtype.upper() in _MEDIA:
        return _MEDIA[subtype.upper()]
    if kind.lower() in _TYPES and subtype and " " not in subtype:
        return f"{kind.lower()}/{subtype.lower()}"
    return _MEDIA.get(kind.upper(), "text/plain" if kind.upper() in ("TX", "FT", "TEXT") else "")
