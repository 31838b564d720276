"""What the demo proves about a finished consultation: its resources exist and are linked."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import soundfile

from aimed.demo.api import Api, Json

NOTE_SENTENCE = "note-sentence"


@dataclass(frozen=True)
class Check:
    """One thing that should hold."""

    says: str
    holds: bool


@dataclass(frozen=True)
class Evidence:
    """Everything that the server keeps about one consultation."""

    encounter: Json
    composition: Json | None
    documents: list[Json]
    issues: list[Json]
    provenance: list[Json]
    transcript: Json
    audio_seconds: float
    sentences: tuple[tuple[str, tuple[str, ...]], ...]


async def collect(api: Api, encounter: str, patient: str) -> Evidence:
    """Read it all back over FHIR."""
    compositions = await api.search("Composition", encounter=f"Encounter/{encounter}")
    composition = compositions[0] if compositions else None
    documents = await api.search("DocumentReference", encounter=f"Encounter/{encounter}")
    target = f"Composition/{composition['id']}" if composition else ""
    return Evidence(
        encounter=await api.get(f"/fhir/Encounter/{encounter}"),
        composition=composition,
        documents=documents,
        issues=await api.search("DetectedIssue", patient=patient),
        provenance=await api.search("Provenance", target=target) if target else [],
        transcript=await _transcript(api, documents),
        audio_seconds=await _audio_seconds(api, documents),
        sentences=sentences_of(composition),
    )


def sentences_of(composition: Json | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each sentence of the note with the ids of its evidence segments."""
    found = []
    for section in (composition or {}).get("section", []):
        for extension in section.get("extension", []):
            if extension["url"].endswith(NOTE_SENTENCE):
                parts = [(part["url"], part["valueString"]) for part in extension["extension"]]
                text = next(value for url, value in parts if url == "text")
                found.append((text, tuple(value for url, value in parts if url == "evidence")))
    return tuple(found)


def checks(evidence: Evidence, sent_seconds: float) -> list[Check]:
    """The checks that hold for every consultation, with or without speech, with or without note."""
    segments = {segment["id"] for segment in evidence.transcript.get("segments", [])}
    always = [
        Check("the Encounter is finished", evidence.encounter["status"] == "finished"),
        Check(
            "the stored audio is as long as what was sent",
            abs(evidence.audio_seconds - sent_seconds) < 0.2,
        ),
    ]
    if not segments:
        return [*always, Check("no speech: there is no note", evidence.composition is None)]
    final = any(one.get("docStatus") == "final" for one in evidence.documents)
    always.append(Check("the transcript is final", final))
    if evidence.composition is None:
        bare = not evidence.provenance and not evidence.sentences
        return [*always, Check("nothing that was said belongs in a note: there is none", bare)]
    return [*always, *_noted(evidence, segments)]


def _noted(evidence: Evidence, segments: set[str]) -> list[Check]:
    note = evidence.composition or {}
    reference = f"Composition/{note.get('id')}"
    return [
        Check("the note is signed (Composition final)", note.get("status") == "final"),
        Check(
            "every note sentence has evidence",
            bool(evidence.sentences) and all(ids for _, ids in evidence.sentences),
        ),
        Check(
            "every evidence id is a segment of the transcript",
            all(set(ids) <= segments for _, ids in evidence.sentences),
        ),
        Check(
            "the note's Provenance names its machine author and its signer",
            any(_names_both(one, reference) for one in evidence.provenance),
        ),
    ]


def planted(evidence: Evidence, rules: Sequence[str], forbidden: Sequence[str]) -> list[Check]:
    """The sample's planted alerts were raised, the denied symptoms were not."""
    raised = [
        json.dumps(issue.get("code", {})) + issue.get("detail", "") for issue in evidence.issues
    ]
    text = "\n".join(raised).lower()
    if rules and not evidence.sentences:
        return [Check("a note was written", False)]
    present = [Check(f"alert raised: {rule}", rule.lower() in text) for rule in rules]
    absent = [Check(f"no alert for denied {word}", word.lower() not in text) for word in forbidden]
    return present + absent


def _names_both(provenance: Json, reference: str) -> bool:
    targets = [target["reference"].split("/_history")[0] for target in provenance["target"]]
    who = [agent["who"].get("reference", "") for agent in provenance["agent"]]
    return (
        reference in targets
        and any(one.startswith("Device/") for one in who)
        and any(one.startswith("Practitioner/") for one in who)
    )


async def _transcript(api: Api, documents: Sequence[Json]) -> Json:
    url = _attachment(documents, "application/json")
    if url is None:
        return {}
    # The content is JSON itself, so only the FHIR form of the Binary can be asked for by format.
    binary = await api.get(f"/fhir/{url}", _format="json")
    parsed: Json = json.loads(base64.b64decode(binary["data"]))
    return parsed


async def _audio_seconds(api: Api, documents: Sequence[Json]) -> float:
    url = _attachment(documents, "audio/flac")
    if url is None:
        return 0.0
    content = await api.content(f"/fhir/{url}", "audio/flac")
    info: Any = soundfile.info(io.BytesIO(content))
    return float(info.frames / info.samplerate)


def _attachment(documents: Sequence[Json], content_type: str) -> str | None:
    for document in documents:
        for content in document["content"]:
            attachment = content["attachment"]
            if attachment.get("contentType") == content_type and "url" in attachment:
                url: str = attachment["url"]
                return url
    return None
