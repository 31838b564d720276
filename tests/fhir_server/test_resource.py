"""FHIR JSON is read strictly and written without changing a value."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.errors import Malformed
from fhir_server.resource import dumps, indent, loads

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | TEXT
    | st.decimals(allow_nan=False, allow_infinity=False, places=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert loads(dumps(value)) == value


@pytest.mark.parametrize("number", ["72.50", "1.0", "0.00", "1e-7", "-3.1400", "1E+3", "1" * 30])
def test_numbers_keep_their_text(number: str) -> None:
    body = f'{{"value":{number}}}'.encode()
    assert dumps(loads(body)) == body
    assert json.loads(indent(body)) == json.loads(body)


def test_decimals_are_decimals() -> None:
    assert loads(b"[72.50]")[0] == Decimal("72.5")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b"[NaN]",
        b"[-Infinity]",
        b"\xff\xfe",
        b"[1]]",
        b"[" * 100_000,
    ],
)
def test_what_is_not_strict_json_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        loads(body)


@given(st.binary(max_size=60))
def test_any_bytes_are_json_or_malformed(body: bytes) -> None:
    with suppress(Malformed):
        assert loads(dumps(loads(body))) == loads(body)
