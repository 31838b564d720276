"""MSA-2 for whatever came: the sender matches answers by it, so it is found in broken bytes too."""

from __future__ import annotations

from integrations.hl7v2.message.delimiters import NotHl7, header_start, of_message

_SEARCHED = 4096
_LONGEST = 199
"""MSH-10 is a ST of 199 characters since v2.7; what is longer is no id."""


def recover_control_id(raw: bytes) -> str:
    """MSH-10 of the first MSH in these bytes, empty when there is none."""
    head = raw[:_SEARCHED].replace(b"\x00", b"") if raw[1:2] == b"\x00" else raw[:_SEARCHED]
    at = head.find(b"MSH", header_start(head))
    if at < 0:
        return ""
    try:
        mark = of_message(head, at).field
    except NotHl7:
        return ""
    # A line end closes MSH, wherever the sender meant to.
    line = head[at:].partition(b"\r")[0].partition(b"\n")[0]
    fields = line.split(mark, 10)
    found = fields[9] if len(fields) > 9 else b""
    return found[:_LONGEST].decode("utf-8", "replace") if found.isascii() else _readable(found)


def _readable(found: bytes) -> str:
    try:
        return found[:_LONGEST].decode("utf-8")
    except UnicodeDecodeError:
        return found[:_LONGEST].decode("latin-1")
