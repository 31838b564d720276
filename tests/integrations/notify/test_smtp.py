"""Mail over a real socket: TLS, passwords, refusals, outages, and headers that stay whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fhir_server.auth.identity.mail import Mail, MailRefused, email_address
from fhir_server.clock import random_id, system_clock
from fhir_server.errors import InvalidParameter, Unavailable
from integrations.notify import FolderMailer, MailSettings, SmtpMailer
from integrations.notify.message import message_of
from tests.mail_server import certificate, mail_server
from tests.reserved_port import reserved_port

MAIL = Mail("adams@clinic.example", "Grüße", "First line\n.\nFrom here ünicode\n")


def mailer(port: int, **more: object) -> SmtpMailer:
    settings = MailSettings.model_validate(
        {"host": "127.0.0.1", "port": port, "sender": "aimed@clinic.example", **more}
    )
    return SmtpMailer(settings, clock=system_clock, ids=random_id)


@pytest.mark.usefixtures("no_blocking")
async def test_a_mail_arrives_as_it_was_written() -> None:
    with mail_server() as server:
        await mailer(server.port, tls="none").send(MAIL)
    [mail] = server.mails
    assert (mail["To"], mail["From"]) == ("adams@clinic.example", "aimed@clinic.example")
    assert (mail["Subject"], mail["Auto-Submitted"]) == ("Grüße", "auto-generated")
    assert mail["Message-ID"].endswith("@clinic.example>")
    assert server.text() == MAIL.text
    assert server.envelopes[0].rcpt_tos == ["adams@clinic.example"]


async def test_starttls_with_a_password(tmp_path: Path) -> None:
    context, pem = certificate(tmp_path)
    login = {"username": "aimed", "password": "a secret of its own"}
    with mail_server(tls=context, login=("aimed", "a secret of its own")) as server:
        await mailer(server.port, tls="starttls", authorities=pem, **login).send(MAIL)
    assert server.sealed == [True]


async def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    context, pem = certificate(tmp_path)
    with mail_server(tls=context, implicit=True) as server:
        await mailer(server.port, tls="tls", authorities=pem).send(MAIL)
    assert len(server.mails) == 1


async def test_starttls_is_insisted_on() -> None:
    with mail_server() as server, pytest.raises(Unavailable):
        await mailer(server.port, tls="starttls").send(MAIL)
    assert server.mails == []


async def test_a_foreign_certificate_is_not_believed(tmp_path: Path) -> None:
    context, _ = certificate(tmp_path)
    with mail_server(tls=context) as server, pytest.raises(Unavailable):
        await mailer(server.port, tls="starttls").send(MAIL)
    assert server.mails == []


async def test_a_wrong_password_waits_for_the_operator(tmp_path: Path) -> None:
    context, pem = certificate(tmp_path)
    with mail_server(tls=context, login=("aimed", "right")) as server:
        login = {"username": "aimed", "password": "wrong horse"}
        wrong = mailer(server.port, authorities=pem, **login)
        with pytest.raises(Unavailable) as told:
            await wrong.send(MAIL)
    assert "horse" not in str(told.value)


@pytest.mark.parametrize(
    ("answer", "kind"), [("550 no such mailbox", MailRefused), ("451 later", Unavailable)]
)
async def test_what_is_refused_for_good_is_told_from_what_waits(
    answer: str, kind: type[Exception]
) -> None:
    with mail_server() as server:
        server.answer = answer
        with pytest.raises(kind) as told:
            await mailer(server.port, tls="none").send(MAIL)
        server.answer, server.data_answer = "250 OK", answer
        with pytest.raises(kind):
            await mailer(server.port, tls="none").send(MAIL)
    assert "adams" not in str(told.value)


async def test_a_server_that_is_down_is_a_later_try() -> None:
    with reserved_port() as port, pytest.raises(Unavailable):
        await mailer(port, tls="none").send(MAIL)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_adds_a_header(to: str, subject: str) -> None:
    try:
        made = message_of(
            Mail(to, subject, "text"), "aimed@clinic.example", clock=system_clock, ids=random_id
        )
    except MailRefused:
        return
    head = made.as_bytes().partition(b"\r\n\r\n")[0]
    unfolded = head.replace(b"\r\n ", b" ").split(b"\r\n")
    assert [one.partition(b":")[0].lower() for one in unfolded] == [
        b"from",
        b"to",
        b"subject",
        b"date",
        b"message-id",
        b"auto-submitted",
        b"content-type",
        b"content-transfer-encoding",
        b"mime-version",
    ]


@pytest.mark.parametrize("sign", ["\r\n", "\n", "\r", "\0", "\x0b", "\x85", "\u2028"])
def test_line_ends_never_pass(sign: str) -> None:
    for text in (f"a{sign}Bcc: b@c.example@d.example", f"a@b.example{sign}Bcc: x", f"a@b{sign}c.d"):
        with pytest.raises(InvalidParameter):
            email_address(text)
    if ord(sign[0]) < 32:
        mail = Mail("a@b.example", f"Hello{sign}Bcc: c@d.example", "text")
        with pytest.raises(MailRefused):
            message_of(mail, "aimed@b.example", clock=system_clock, ids=random_id)


@pytest.mark.parametrize(
    "text", ["", "a", "a@", "@b", "a b@c.d", "a@b,c@d", "<a@b.c>", '"a"@b.c', "a@b.c;d", "ä@b.c"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InvalidParameter):
        email_address(text)


def test_addresses_are_kept_in_lower_case() -> None:
    assert email_address(" Adams+ward@Clinic.Example ") == "adams+ward@clinic.example"


async def test_in_development_mails_are_files_of_their_owner(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    await FolderMailer(folder, "aimed@localhost", clock=system_clock, ids=random_id).send(MAIL)
    [file] = folder.iterdir()
    assert file.suffix == ".eml"
    assert file.stat().st_mode & 0o077 == 0
    assert b"To: adams@clinic.example\r\n" in file.read_bytes()


def test_a_password_is_not_sent_in_the_clear() -> None:
    with pytest.raises(ValidationError, match="over TLS only"):
        MailSettings.model_validate({"host": "m", "tls": "none", "password": "x" * 12})


@pytest.mark.parametrize("site", ["clinic.example", "ftp://clinic.example", "https://"])
def test_a_site_is_a_web_address(site: str) -> None:
    with pytest.raises(ValidationError, match="address such as"):
        MailSettings(site=site)
