"""Writes docs/reference/errors.md from the error tree: python -m fhir_server.errors_reference."""

from __future__ import annotations

from pathlib import Path

from fhir_server.errors import ERRORS

PAGE = Path("docs/reference/errors.md")
_HEAD = """# Errors

Every expected failure has one class, whatever protocol it happens in. REST answers an
OperationOutcome with the issue code, `/auth` answers RFC 6749 JSON, sockets close with a code of
their own (see the architecture), HL7 v2 answers an ACK with ERR segments. This page is made from
the code by `python -m fhir_server.errors_reference`.

| error | HTTP | issue code | HL7 v2 (tables 0008, 0357) | try again | meaning |
|---|---|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = [
        f"| {one.__name__} | {one.status} | {one.code} | {one.ack} {one.condition} | "
        f"{'yes' if one.retryable else 'no'} | {(one.__doc__ or '').splitlines()[0]} |"
        for one in ERRORS
    ]
    return _HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
