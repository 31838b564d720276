"""Transcript and audio. https://hl7.org/fhir/R4/documentreference.html"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime

from fhir_server.clock import instant
from fhir_server.resource import Resource
from pipelines.resources.datatypes import PRODUCT, concept, reference
from pipelines.resources.models import build

_TYPES = f"{PRODUCT}/CodeSystem/document-type"


@dataclass(frozen=True)
class Attached:
    """A Binary that a document points at, with the size and SHA-1 that R4 Attachment wants."""

    binary: str
    content_type: str
    title: str
    size: int
    sha1: str

    @classmethod
    def of(cls, binary: str, content_type: str, title: str, content: bytes) -> Attached:
        """Describe `content`, stored as the Binary of id `binary`."""
        digest = hashlib.sha1(content, usedforsecurity=False).digest()
        sha1 = base64.b64encode(digest).decode("ascii")
        return cls(binary, content_type, title, len(content), sha1)


def transcript_started(
    id: str, *, encounter: str, patient: dict[str, str], author: list[dict[str, str]], at: datetime
) -> Resource:
    """The transcript while people talk: preliminary, its content still to come."""
    return build(
        "DocumentReference",
        id=id,
        status="current",
        docStatus="preliminary",
        type=concept(_TYPES, "transcript", "Transcript of a consultation"),
        subject=patient,
        date=instant(at),
        author=author,
        content=[{"attachment": {"contentType": "application/json", "title": "Transcript"}}],
        context={
            "encounter": [reference(f"Encounter/{encounter}")],
            "period": {"start": instant(at)},
        },
    )


def transcript_final(
    preliminary: Resource, attached: list[Attached], author: list[dict[str, str]], at: datetime
) -> Resource:
    """The same transcript with its content and with who made it after all."""
    context = preliminary["context"]
    period = {**(context.get("period") or {}), "end": instant(at)}
    return {
        **preliminary,
        "docStatus": "final",
        "author": author,
        "content": [_content(one, at) for one in attached],
        "context": {**context, "period": period},
    }


def transcript_revised(
    current: Resource, attached: list[Attached], author: list[dict[str, str]], at: datetime
) -> Resource:
    """The transcript with a later one first. Earlier ones stay: a signed note points into them."""
    content = [_content(one, at) for one in attached]
    return {**current, "author": author, "content": [*content, *current["content"]]}


def audio(
    id: str,
    *,
    encounter: str,
    patient: dict[str, str],
    author: list[dict[str, str]],
    attached: Attached,
    at: datetime,
) -> Resource:
    """The recording itself."""
    return build(
        "DocumentReference",
        id=id,
        status="current",
        docStatus="final",
        type=concept(_TYPES, "audio", "Audio recording of a consultation"),
        subject=patient,
        date=instant(at),
        author=author,
        content=[_content(attached, at)],
        context={"encounter": [reference(f"Encounter/{encounter}")]},
    )


def _content(attached: Attached, at: datetime) -> dict[str, object]:
    return {
        "attachment": {
            "contentType": attached.content_type,
            "url": f"Binary/{attached.binary}",
            "size": attached.size,
            "hash": attached.sha1,
            "title": attached.title,
            "creation": instant(at),
        }
    }
