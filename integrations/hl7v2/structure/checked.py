"""What a check of a message's structure found. Knows nothing of how it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from integrations.hl7v2.acknowledgement import Location, Problem

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Checked:
    """`structure` is the one that it was held to, "" when the order could not be checked.

    `version` is that of the definitions, "" when there are none.
    """

    findings: tuple[Problem, ...]
    version: str = ""
    structure: str = ""

    def document(self) -> Document:
        """As JSON: stored with the message, and told to people."""
        return {
            "version": self.version,
            "structure": self.structure,
            "findings": [_finding(one) for one in self.findings],
        }


class CheckFailed(Exception):
    """A check that came to no end. The text is for people, and has no patient data."""


class StructureChecker(Protocol):
    """Checks messages, away from the event loop."""

    async def check(self, raw: bytes, fallback: str) -> Checked:
        """Findings about a message, read in `fallback` where it says nothing of its characters.

        Raises `CheckFailed`.
        """
        ...


def checked_of(document: Document) -> Checked:
    """The opposite of `document`."""
    findings = tuple(_problem(one) for one in document["findings"])
    return Checked(findings, document["version"], document["structure"])


def _finding(one: Problem) -> Document:
    place = one.location or Location("")
    return {
        "code": one.code,
        "text": one.text,
        "segment": place.segment,
        "sequence": place.sequence,
        "field": place.field,
        "repetition": place.repetition,
        "component": place.component,
        "subcomponent": place.subcomponent,
    }


def _problem(one: Document) -> Problem:
    place = Location(
        one["segment"],
        one["sequence"],
        one["field"],
        one["repetition"],
        one["component"],
        one["subcomponent"],
    )
    return Problem(one["code"], one["text"], place if place.segment else None)
