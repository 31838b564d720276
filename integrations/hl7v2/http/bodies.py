"""The JSON bodies of the admin API. Their errors never quote what was sent.

What names a patient is in a body, never in an address: addresses end up in logs and histories.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from integrations.hl7v2.outbound.administration import MessageQuery as OutboundQuery
from integrations.hl7v2.store import MessageQuery, State
from integrations.hl7v2.store.outbound_queue import State as OutboundState

Text = Annotated[str, Field(max_length=200)]
Id = Annotated[str, Field(min_length=1, max_length=200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Criteria(_Body):
    """What messages; what is empty matches all."""

    control: Text = ""
    type: Text = ""
    trigger: Text = ""
    patient: Text = ""
    visit: Text = ""
    app: Text = ""
    facility: Text = ""
    listener: Text = ""
    states: tuple[State, ...] = ()
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    error: Text = ""

    def query(self) -> MessageQuery:
        """As the store takes it."""
        names = Criteria.model_fields
        return MessageQuery(**{name: getattr(self, name) for name in names})


class FindMessages(Criteria):
    """A page of them."""

    count: int = Field(default=50, ge=1, le=200)
    after: str = Field(default="", max_length=100)


class Replay(_Body):
    """Messages by their ids, or all that match."""

    ids: list[Id] = Field(default_factory=list, max_length=1000)
    query: Criteria | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Replay:
        if bool(self.ids) == (self.query is not None):
            raise ValueError("give either ids or a query")
        return self


class Try(_Body):
    """A message as text, the listener whose settings count, and whether to check structure."""

    text: str = Field(min_length=1)
    listener: Text = ""
    structure: bool = False


class FindSent(_Body):
    """A page of messages on their way out."""

    destination: Text = ""
    state: OutboundState | None = None
    trigger: Text = ""
    patient: Text = ""
    control: Text = ""
    after: str = Field(default="", max_length=200)
    count: int = Field(default=50, ge=1, le=200)

    def query(self) -> OutboundQuery:
        """As the queue takes it."""
        return OutboundQuery(
            self.destination or None,
            self.state,
            self.trigger or None,
            self.patient or None,
            self.control or None,
            self.after or None,
            self.count,
        )


class SentId(_Body):
    """One message on its way out."""

    id: Id


class SentIds(_Body):
    """Some of them."""

    ids: list[Id] = Field(min_length=1, max_length=500)
