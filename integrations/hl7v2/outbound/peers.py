"""A destination's settings as the client wants them."""

from __future__ import annotations

import ssl
from functools import partial

from integrations.hl7v2.mllp.client import Peer
from integrations.hl7v2.outbound.settings import DestinationSettings, DestinationTls

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: forward secrecy and authenticated encryption only. NIST SP 800-52r2 3.3.1."""


def peer_of(destination: DestinationSettings) -> Peer:
    """Where and how to reach a destination."""
    return Peer(
        host=destination.host,
        port=destination.port,
        tls=partial(client_context, destination.tls) if destination.tls.on else None,
        server_name=destination.tls.server_name,
        kept=destination.connection == "kept",
        connect_seconds=destination.connect_seconds,
        ack_seconds=destination.ack_seconds,
    )


def client_context(tls: DestinationTls) -> ssl.SSLContext:
    """What to connect with. Raises `OSError` for a file that cannot be used."""
    context = ssl.create_default_context(cafile=tls.authorities)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    if tls.certificate is not None:
        password = tls.key_password.get_secret_value()
        # Without one OpenSSL would ask at the terminal.
        context.load_cert_chain(tls.certificate, tls.key, lambda: password)
    return context
