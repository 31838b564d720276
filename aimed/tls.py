"""TLS of `aimed serve` itself, for who runs it without a proxy in front."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: forward secrecy and authenticated encryption only. NIST SP 800-52r2 3.3.1; those of
TLS 1.3 all have both."""

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class TlsSettings(BaseModel):
    """The server's certificate, and whether clients need one."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    certificate: Path | None = Field(
        default=None,
        description="PEM file with the certificate and those that lead to its root. With it, "
        "`aimed serve` answers HTTPS only.",
    )
    key: Path | None = Field(default=None, description="PEM file with the certificate's key.")
    key_password: SecretStr = Field(
        default=SecretStr(""), description="Password of the key, if it has one."
    )
    minimum: Literal["1.2", "1.3"] = Field(
        default="1.2", description="Oldest version of TLS that is spoken."
    )
    client_ca: Path | None = Field(
        default=None,
        description="PEM file with the authorities whose certificates clients must show (mutual "
        "TLS). Not set, clients need none.",
    )

    @model_validator(mode="after")
    def _is_whole(self) -> TlsSettings:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("TLS needs both AIMED_HTTP__TLS__CERTIFICATE and AIMED_HTTP__TLS__KEY")
        if self.client_ca is not None and self.certificate is None:
            raise ValueError("AIMED_HTTP__TLS__CLIENT_CA needs AIMED_HTTP__TLS__CERTIFICATE")
        return self


def server_context(settings: TlsSettings) -> ssl.SSLContext | None:
    """What to serve with; None without a certificate. Raises `OSError` for a file it cannot use."""
    if settings.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[settings.minimum]
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    password = settings.key_password.get_secret_value()
    # Without one OpenSSL would ask at the terminal.
    context.load_cert_chain(settings.certificate, settings.key, lambda: password)
    if settings.client_ca is not None:
        context.load_verify_locations(settings.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
