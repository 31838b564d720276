"""The JSON bodies of administration. Their errors never quote what was sent.

Names and references are in bodies, not in addresses: a patient's account may be named by the
patient, and addresses end up in logs and histories.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

RoleName = Annotated[str, Field(min_length=1, max_length=40)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Username(_Body):
    """Whose account."""

    username: str = Field(min_length=1, max_length=200)


class Confirmed(_Body):
    """The administrator's own password, when the sign-in is some time ago."""

    password: str | None = Field(default=None, max_length=1000)


class Sensitive(Username, Confirmed):
    """Whose account, with the confirmation."""


class FindUsers(_Body):
    """Which accounts, those after the name `after`."""

    text: str = Field(default="", max_length=200)
    role: str = Field(default="", max_length=40)
    status: Literal["", "active", "disabled"] = ""
    after: str = Field(default="", max_length=200)
    count: int = Field(default=50, ge=1, le=200)


class CreateUser(Sensitive):
    """A new account. `reference` is an existing Practitioner or Patient."""

    display: str = Field(min_length=1, max_length=200)
    roles: list[RoleName] = Field(min_length=1, max_length=10)
    email: str = Field(default="", max_length=254)
    reference: str = Field(default="", max_length=80)


class SetRoles(Sensitive):
    """All roles that the account is to have."""

    roles: list[RoleName] = Field(min_length=1, max_length=10)


class EndSession(Username):
    """One session, or all."""

    session: str = Field(default="", max_length=64)


class Approve(Confirmed):
    """The most that the client may ever get, if less than it asked for."""

    scope: str | None = Field(default=None, max_length=4000)


class SetScope(Confirmed):
    """The most that the client may ever get."""

    scope: str = Field(min_length=1, max_length=4000)


class RotateSecret(Confirmed):
    """For how many hours the old secret stays valid."""

    overlap_hours: int = Field(default=168, ge=0, le=24 * 90)


class Invite(Confirmed):
    """Who answers for one registration, and the most that it may ask for."""

    owner: str = Field(min_length=1, max_length=200)
    scope: str = Field(min_length=1, max_length=4000)
    days: int = Field(default=7, ge=1, le=90)


class NewPassword(_Body):
    """A password by a link."""

    token: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=1000)


class Search(_Body):
    """What an auditor looks for, see `administration.audit_search.Criteria`."""

    who: str = Field(default="", max_length=200)
    patient: str = Field(default="", max_length=80, pattern=r"^((Patient/)?[A-Za-z0-9.\-]{1,64})?$")
    action: Literal["", "C", "R", "U", "D", "E"] = ""
    kind: str = Field(default="", max_length=100, pattern=r"^[A-Za-z0-9.\-]*$")
    outcome: Literal["", "0", "4", "8", "12"] = ""
    since: str = Field(default="", max_length=40)
    until: str = Field(default="", max_length=40)


class SearchPage(Search):
    """One page of it."""

    count: int = Field(default=50, ge=1, le=200)
    cursor: str = Field(default="", max_length=2000)


class Emergencies(_Body):
    """A page of the uses of emergency access."""

    count: int = Field(default=50, ge=1, le=200)
    cursor: str = Field(default="", max_length=2000)
