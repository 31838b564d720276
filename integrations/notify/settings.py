"""What an operator may set about mail."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from fhir_server.auth.identity.mail import email_address
from fhir_server.errors import InvalidParameter


class MailSettings(BaseModel):
    """The mail server that takes our mail."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str | None = Field(
        default=None,
        description="Mail server. Without one, mails are files in `mail/` of the data folder in "
        "development, and production resets no passwords by mail.",
    )
    port: int = Field(
        default=587, ge=1, le=65535, description="Its port: 587 for STARTTLS, 465 for TLS."
    )
    tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="`starttls` begins in the clear and insists on TLS, `tls` has it from the "
        "first byte, `none` is refused in production and with a password.",
    )
    username: str = Field(default="", description="Name to sign in with; empty for none.")
    password: SecretStr = Field(default=SecretStr(""), description="Password to sign in with.")
    sender: str = Field(
        default="aimed@localhost", description="Address that mails come from, without a name."
    )
    site: str | None = Field(
        default=None,
        description="The dashboard's address as people type it, such as "
        "`https://aimed.clinic.example`, for links in mails; unless set, "
        "`AIMED_PUBLIC_URL`. Needed with a mail server; `aimed up` knows its own.",
    )
    authorities: Path | None = Field(
        default=None, description="PEM file of certificate authorities to trust beside the usual."
    )
    seconds: float = Field(default=20, gt=0, description="Longest wait for each answer of it.")

    @field_validator("sender")
    @classmethod
    def _address(cls, sender: str) -> str:
        try:
            return email_address(sender)
        except InvalidParameter as error:
            raise ValueError(str(error)) from None

    @field_validator("site")
    @classmethod
    def _origin(cls, site: str | None) -> str | None:
        if site is None:
            return None
        parts = urlsplit(site)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ValueError("the site is an address such as https://aimed.clinic.example")
        return site.rstrip("/")

    @model_validator(mode="after")
    def _password_needs_tls(self) -> MailSettings:
        if self.tls == "none" and self.password.get_secret_value():
            raise ValueError("a password for the mail server is sent over TLS only")
        return self
