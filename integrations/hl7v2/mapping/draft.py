"""What a message says about one FHIR resource, before anything is known of what is stored."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

DRAFT_SCHEME = "draft:"
"""References between the drafts of one message: `{"reference": "draft:Patient"}`."""


class Policy(StrEnum):
    """By which rules a draft meets what is already stored."""

    DEMOGRAPHICS = "demographics"
    ENCOUNTER = "encounter"
    RESULT = "result"
    ORDER = "order"
    DOCUMENT = "document"
    APPOINTMENT = "appointment"
    REFERENCE_DATA = "reference-data"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Draft:
    """One resource as the message tells it.

    `key` is unique in the message ("Patient", "Observation[3]"). `resource` is R4 JSON without an
    id; a reference to another draft reads `draft:` and its key. `identities` are (system, value)
    pairs, best first, by which the thing is the same across messages; an empty tuple means that it
    belongs to this message alone. `moment` is the FHIR date, dateTime or instant that tells newer
    from older. `cleared` names the elements that the sender deletes by `""` (chapter 2, section
    2.5.3). `origin` names the segments it was made from, such as `OBX[7]`, where the number is
    `Segment.index`, the position in the message. `assumed` are the elements that R4 demands and the
    message does not tell; `passing` is a thing that the message names without being about it, such
    as the former number of a visit. Both only fill what nobody has told. `status_told` is that of
    an appointment whose times this message leaves out and R4 demands beside it.
    """

    key: str
    resource: dict[str, Any]
    identities: tuple[tuple[str, str], ...]
    policy: Policy
    moment: str | None = None
    cleared: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    passing: bool = False
    status_told: str = ""

    @property
    def type(self) -> str:
        """The resource type."""
        return str(self.resource["resourceType"])

    @property
    def reference(self) -> str:
        """How other drafts of the message point at this one."""
        return DRAFT_SCHEME + self.key
