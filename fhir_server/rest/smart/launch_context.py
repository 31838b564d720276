"""What an EHR has open when it launches an application.

http://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#fhircontext-exp
"""

from __future__ import annotations

from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from fhir_server.definitions.elements import resource_types

_TOP_LEVEL = ("Patient", "Encounter")
_MOST = 50

Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class _Member(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class ContextIdentifier(_Member):
    """A FHIR Identifier, as far as it names something."""

    system: Text | None = None
    value: Text


class ContextItem(_Member):
    """One object of `fhirContext`: a resource that is neither the patient nor the encounter."""

    reference: (
        Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}$")] | None
    ) = None
    canonical: Text | None = None
    identifier: ContextIdentifier | None = None
    type: Text | None = None
    role: Text | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.reference is None and self.canonical is None and self.identifier is None:
            raise ValueError("An item has a reference, a canonical or an identifier.")
        types = {self.type, (self.reference or "").partition("/")[0] or None} - {None}
        if not types <= set(resource_types()):
            raise ValueError("An item is of a FHIR resource type.")
        if types & set(_TOP_LEVEL) and self.role in (None, "launch"):
            raise ValueError("patient and encounter name these; here they need another role.")
        if self.role not in (None, "launch") and not urlsplit(self.role).scheme:
            raise ValueError("A role that SMART does not define is an absolute URI.")
        return self


class Opened(_Member):
    """An application to open, with what is open here. `patient` and `encounter` are ids."""

    client: str
    patient: str | None = None
    encounter: str | None = None
    intent: str | None = Field(default=None, max_length=200)
    fhir_context: list[ContextItem] = Field(default=[], alias="fhirContext", max_length=_MOST)

    def context(self) -> dict[str, Any]:
        """The members of the token answer, by their names there."""
        told = self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"client"})
        return {name: value for name, value in told.items() if value != []}
