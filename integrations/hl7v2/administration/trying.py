"""A message converted and not stored: what would be made of it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from fhir_server.errors import InvalidResource
from fhir_server.interactions.body import checked
from integrations.hl7v2.administration.checking import structure_of
from integrations.hl7v2.administration.message_text import segments_of, separator_of
from integrations.hl7v2.conversion import Mapping, nothing_in
from integrations.hl7v2.mapping.actions import Action
from integrations.hl7v2.mapping.draft import DRAFT_SCHEME, Draft
from integrations.hl7v2.refusal import refusal
from integrations.hl7v2.report_document import report_document
from integrations.hl7v2.structure.checked import StructureChecker

Document = dict[str, Any]


async def tried(
    mapping: Mapping,
    raw: bytes,
    listener: str,
    at: datetime,
    *,
    checker: StructureChecker | None = None,
) -> Document:
    """The parsed message with the report, the drafts and the actions. Raises `NotHl7`.

    `refused` and `ignored` say why it would not be converted, and are empty when it would.
    `structure` is what `checker` finds, None without one.
    """
    message = mapping.parse(raw, listener)
    fallback = mapping.fallback(listener)
    structure = await structure_of(checker, raw, fallback) if checker else None
    problem = refusal(message, strict=False)
    conversion = await mapping.convert(message, listener, at)
    report = report_document(conversion.report)
    types = {one.reference: one.type for one in conversion.drafts}
    return {
        "type": "^".join(filter(None, (conversion.family, conversion.trigger))),
        "charset": message.charset.used,
        "refused": problem.text if problem else "",
        "ignored": nothing_in(conversion),
        "structure": structure,
        "separator": separator_of(message),
        "segments": segments_of(message, report),
        "notes": report["notes"],
        "counts": report["counts"],
        "drafts": [_draft(one, _problem(one, types)) for one in conversion.drafts],
        "actions": [_action(one) for one in conversion.actions],
    }


def _draft(one: Draft, problem: str) -> Document:
    return {
        "problem": problem,
        "key": one.key,
        "policy": str(one.policy),
        "identities": [list(pair) for pair in one.identities],
        "moment": one.moment,
        "cleared": list(one.cleared),
        "origin": list(one.origin),
        "resource": one.resource,
    }


def _problem(one: Draft, types: dict[str, str]) -> str:
    """Which rule of FHIR the resource would break, empty for none."""
    resource = {**_pointing(one.resource, types), "id": "draft"}
    try:
        checked(resource, one.type)
    except InvalidResource as error:
        return "; ".join(issue.diagnostics for issue in error.issues)
    return ""


def _pointing(value: Any, types: dict[str, str]) -> Any:
    """References to drafts as they are once the drafts have ids."""
    if isinstance(value, dict):
        return {name: _pointing(inner, types) for name, inner in value.items()}
    if isinstance(value, list):
        return [_pointing(inner, types) for inner in value]
    if isinstance(value, str) and value.startswith(DRAFT_SCHEME):
        return f"{types.get(value, 'Basic')}/draft"
    return value


def _action(one: Action) -> Document:
    return {"action": type(one).__name__, **asdict(one)}
