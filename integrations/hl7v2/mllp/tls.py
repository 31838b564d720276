"""TLS of a listener. MLLP has none of its own; it is the TCP stream that is encrypted.

Source: IHE ITI TF-2 3.19 (Authenticate Node), NIST SP 800-52r2.
"""

from __future__ import annotations

import ssl

from integrations.hl7v2.settings import ListenerTls

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: forward secrecy and authenticated encryption only. NIST SP 800-52r2 3.3.1."""

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def listener_context(settings: ListenerTls) -> ssl.SSLContext | None:
    """What to serve with; None without a certificate. Raises `OSError` for a file it cannot use."""
    if settings.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[settings.minimum]
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    password = settings.key_password.get_secret_value()
    # Without one OpenSSL would ask at the terminal.
    context.load_cert_chain(settings.certificate, settings.key, lambda: password)
    if settings.client_ca is not None:
        context.load_verify_locations(settings.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
