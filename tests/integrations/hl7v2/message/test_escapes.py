"""Escape sequences of chapter 2, 2.7."""

from __future__ import annotations

import pytest

from integrations.hl7v2.message import parse


def _text(value: bytes, charset: bytes = b"", encoding: bytes = b"^~\\&") -> str:
    msh = b"MSH|" + encoding + b"|A|B|||2024||ORU^R01|1|P|2.7||||||" + charset
    return parse(msh + b"\rNTE|1||" + value + b"\r").segments[1].text("3")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (rb"a\F\b\S\c\T\d\R\e\E\f", "a|b^c&d~e\\f"),
        (rb"one\.br\two", "one\ntwo"),
        (rb"one\.sp\two\.sp 2\three\.sp3\four", "one\ntwo\n\nthree\n\n\nfour"),
        (rb"a\.sk 3\b", "a   b"),
        (rb"\H\loud\N\ quiet", "loud quiet"),
        (rb"\.in+4\a\.ti-2\b\.fi\c\.nf\d\.ce\e", "abcd\ne"),
        (rb"\X0D0A\x", "\r\nx"),
        (rb"\X0d\\X0a\x", "\r\nx"),
        (rb"\X0D0\x", r"\X0D0\x"),
        (rb"\Z01\own", r"\Z01\own"),
        (rb"C:\Program Files\x", r"C:\Program Files\x"),
        (rb"open \ end", r"open \ end"),
        (rb"ends\ ".rstrip(), "ends\\"),
        (rb"\unknown\F\x", r"\unknown|x"),
        (rb"no \P\ here", r"no \P\ here"),
        (rb"\\", r"\\"),
    ],
)
def test_decoded(raw: bytes, text: str) -> None:
    assert _text(raw) == text


def test_truncation() -> None:
    assert _text(rb"cut\P\off#", encoding=b"^~\\&#") == "cut#off#"


@pytest.mark.parametrize(
    ("charset", "raw"),
    [(b"UNICODE UTF-8", rb"M\XC3BC\ller"), (b"8859/1", rb"M\XFC\ller"), (b"8859/15", b"M\xfcller")],
)
def test_hexadecimal_is_bytes_of_the_character_set(charset: bytes, raw: bytes) -> None:
    assert _text(raw, charset) == "Müller"


def test_utf_8_in_two_hexadecimal_pieces() -> None:
    assert _text(rb"M\XC3\\XBC\ller", b"UNICODE UTF-8") == "Müller"


def test_a_change_of_the_single_byte_set() -> None:
    assert _text(b"A\\C2D46\\\xe4\\C2842\\B", b"8859/1") == "AδB"


def test_a_change_to_kanji() -> None:
    kanji = "山田".encode("iso2022_jp")[3:-3]
    assert _text(b"x\\M2442\\" + kanji + b"\\C2842\\y") == "x山田y"


def test_an_unknown_set_is_left_as_written() -> None:
    assert _text(rb"x\C9999\y") == r"x\C9999\y"
