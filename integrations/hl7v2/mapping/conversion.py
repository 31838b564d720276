"""A message as FHIR: drafts, actions and the report."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.hl7v2.mapping.actions import Action
from integrations.hl7v2.mapping.draft import Draft
from integrations.hl7v2.mapping.report import ConversionReport
from integrations.hl7v2.message.header import Header


@dataclass(frozen=True, slots=True)
class Conversion:
    """What one message says, told as drafts, and what it asks for, told as actions.

    `family` and `trigger` are MSH-9.1 and MSH-9.2 ("ADT", "A01").
    """

    header: Header
    family: str
    trigger: str
    drafts: tuple[Draft, ...]
    actions: tuple[Action, ...]
    report: ConversionReport

    def draft(self, key: str) -> Draft:
        """The draft with `key`. Raises `KeyError` when there is none."""
        for draft in self.drafts:
            if draft.key == key:
                return draft
        raise KeyError(key)
