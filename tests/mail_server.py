"""A real SMTP server on loopback that keeps what it takes, with TLS where a test wants it."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Smtp
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aimed.embedded.ports import free_port


@dataclass
class MailServer:
    """`answer` other than 250 refuses every recipient with it."""

    port: int
    answer: str = "250 OK"
    data_answer: str = "250 OK"
    mails: list[EmailMessage] = field(default_factory=list)
    sealed: list[bool] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)

    async def handle_RCPT(
        self, server: Smtp, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, server: Smtp, session: Session, envelope: Envelope) -> str:
        if self.data_answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            found = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(found, EmailMessage)
            self.mails.append(found)
            self.envelopes.append(envelope)
            self.sealed.append(session.ssl is not None)
            self.arrived.set()
        return self.data_answer

    def text(self, at: int = -1) -> str:
        return str(self.mails[at].get_content()).replace("\r\n", "\n")


@contextmanager
def mail_server(
    *,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    implicit: bool = False,
    login: tuple[str, str] | None = None,
) -> Iterator[MailServer]:
    """A server on that port, or on a free one. `login` are the name and password that it wants."""
    kept = MailServer(port or free_port())

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == login, handled=False)  # whoever handles it answers

    more: dict[str, Any] = {}
    if tls is not None and not implicit:
        more |= {"tls_context": tls, "require_starttls": True}
    if login is not None:
        more |= {"authenticator": check, "auth_required": True}
    loop = asyncio.new_event_loop()
    controller = Controller(
        kept,
        hostname="127.0.0.1",
        port=kept.port,
        loop=loop,
        ready_timeout=60,
        ssl_context=tls if implicit else None,
        **more,
    )
    controller.start()
    try:
        yield kept
    finally:
        controller.stop()


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context for 127.0.0.1, and the file to trust it by."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "mail.pem", folder / "mail.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    return context, pem
