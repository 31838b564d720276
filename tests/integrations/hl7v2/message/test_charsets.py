"""MSH-18 and what bytes are."""

from __future__ import annotations

import pytest

from integrations.hl7v2.message import Message, parse
from integrations.hl7v2.message.charsets import codec_of, table


def _message(name: bytes, declared: str) -> Message:
    msh = f"MSH|^~\\&|A|B|||2024||ADT^A01|1|P|2.5||||||{declared}".encode()
    return parse(msh + b"\rPID|1||4711||" + name + b"^X\rPV1|1|I\r")


def _name(message: Message) -> str:
    return message.segments[1].text("5.1")


@pytest.mark.parametrize(
    ("declared", "codec", "name"),
    [
        ("8859/1", "iso8859_1", "Müller"),
        ("8859/2", "iso8859_2", "Łukasz"),
        ("8859/5", "iso8859_5", "Иванов"),
        ("8859/7", "iso8859_7", "Γεώργιος"),
        ("8859/15", "iso8859_15", "Cœur"),
        ("UNICODE UTF-8", "utf_8", "Łukasz Müller"),
        ("UTF-8", "utf_8", "Müller"),
        ("UNICODE", "utf_8", "Müller"),
        ("ISO-8859-1", "iso8859_1", "Müller"),
        ("windows-1252", "cp1252", "€uro"),
        ("GB 18030-2000", "gb18030", "張倀亅"),
        ("BIG-5", "big5", "許功蓋"),
        ("KS X 1001", "euc_kr", "김철수"),
        ("~ISO IR87", "iso2022_jp_ext", "山田"),
        ("ISO IR6~ISO IR87~ISO IR159", "iso2022_jp_ext", "山田"),
        ("ASCII~UNICODE UTF-8", "utf_8", "Müller"),
        ("ASCII~8859/1", "iso8859_1", "Müller"),
    ],
)
def test_declared(declared: str, codec: str, name: str) -> None:
    message = _message(name.encode(codec), declared)
    assert _name(message) == name
    assert message.charset.used == codec
    assert message.charset.fallback is None
    assert message.charset.declared == tuple(declared.split("~"))
    assert [one.id for one in message.segments] == ["MSH", "PID", "PV1"]


def test_a_separator_byte_inside_a_character_separates_nothing() -> None:
    # The second byte of each is one of the separators: | ^ ~ backslash.
    name = b"\x81|\x81^\x81~\x81\\".decode("gb18030")
    message = _message(name.encode("gb18030"), "GB 18030-2000")
    assert _name(message) == name
    assert message.raw.count(b"\x81|") == 1


@pytest.mark.parametrize(
    ("name", "declared", "used", "reason"),
    [
        ("Müller".encode(), "", "utf_8", "no MSH-18"),
        ("Müller".encode("cp1252"), "", "cp1252", "no MSH-18"),
        ("Müller".encode("cp1252"), "UNICODE UTF-8", "cp1252", "do not fit"),
        ("Müller".encode(), "ASCII", "utf_8", "do not fit"),
        ("Müller".encode("cp1252"), "KLINGON", "cp1252", "not in table 0211"),
        (b"plain", "KLINGON", "ascii", "not in table 0211"),
        (b"plain", "UNICODE UTF-16", "ascii", "UTF-16"),
    ],
)
def test_fallback_is_reported(name: bytes, declared: str, used: str, reason: str) -> None:
    message = _message(name, declared)
    assert _name(message) in ("Müller", "plain")
    assert message.charset.used == used
    assert message.charset.fallback is not None
    assert reason in message.charset.fallback


@pytest.mark.parametrize("codec", ["utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_32_le"])
def test_wide_forms(codec: str) -> None:
    text = "MSH|^~\\&|A|B|||2024||ADT^A01|1|P|2.5||||||UNICODE UTF-16\rPID|1||||Łukasz^X\r"
    message = parse(text.encode(codec))
    assert _name(message) == "Łukasz"
    assert message.header.trigger == "A01"


def test_no_byte_is_unreadable() -> None:
    assert len(_name(_message(bytes(range(128, 256)), "8859/7"))) == 128


def test_every_codec_of_the_table_is_one_of_python_s() -> None:
    for name, codec in {**table()["names"], **table()["misspelt"]}.items():
        assert codec_of(name) == codec
        "MSH".encode(codec)
    for codec, before in table()["designations"].values():
        bytes.fromhex(before)
        "MSH".encode(codec)
