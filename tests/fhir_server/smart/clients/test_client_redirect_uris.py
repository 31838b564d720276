"""Redirect URIs: what may be registered, and that requests match it exactly. RFC 9700 2.1."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fhir_server.auth.smart.clients.redirect_uris import (
    LOOPBACK,
    check_redirect_uri,
    is_registered,
)
from fhir_server.auth.smart.errors import InvalidRedirectUri
from tests.fhir_server.smart.clients.asserting import client


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/cb",
        "https://app.example",
        "https://app.example:8443/a/b?c=d&e=%20",
        "http://localhost:3000/cb",
        "http://127.0.0.1/cb",
        "http://[::1]:9/cb",
        "https://xn--bcher-kva.example/cb",
    ],
)
def test_good(uri: str) -> None:
    assert check_redirect_uri(uri) == uri


@pytest.mark.parametrize(
    "uri",
    [
        "",
        None,
        5,
        ["https://app.example/cb"],
        "/cb",
        "//app.example/cb",
        "https:app.example/cb",
        "https:///cb",
        "https://",
        "https://:443/cb",
        "https://app.example/cb#part",
        "https://app.example/cb#",
        "https://app.example/*",
        "https://*.app.example/cb",
        "http://app.example/cb",
        "http://localhost.evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://localhost@evil.example/cb",
        "https://user:pass@app.example/cb",
        "https://app.example\\@evil.example/cb",
        "https://app.example:99999/cb",
        "https://app.example:x/cb",
        "https://app.example/a/../cb",
        "https://app.example/a/%2e%2E/cb",
        "https://app.example/c b",
        "https://app.example/\r\nLocation: x",
        " https://app.example/cb",
        "https://app.example/cb\n",
        "https://APP.example/cb",
        "HTTPS://app.example/cb",
        "https://bücher.example/cb",
        "javascript:alert(1)",
        "JavaScript://app.example/%0aalert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://app.example/cb",
        "com.example.app:/cb",
        "https://[::1/cb",
        "https://app.example/" + "a" * 2000,
    ],
)
def test_bad(uri: object) -> None:
    with pytest.raises(InvalidRedirectUri):
        check_redirect_uri(uri)


_uris = st.builds(
    "{}://{}{}/{}".format,
    st.sampled_from(["https", "http", "javascript", "HTTPS"]),
    st.sampled_from(["app.example", "localhost", "127.0.0.1", "a@b", "*", "x.localhost", "[::1]"]),
    st.sampled_from(["", ":443", ":0", ":65536"]),
    st.text(alphabet="ab/.*?#%2e\\@ :\n", max_size=12),
)


@given(_uris | st.text())
def test_what_is_taken_is_safe_to_redirect_to(uri: str) -> None:
    try:
        check_redirect_uri(uri)
    except InvalidRedirectUri:
        return
    parts = urlsplit(uri)
    assert parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    assert not parts.fragment
    assert "@" not in parts.netloc
    assert uri.isascii()
    assert uri.isprintable()
    assert not set(uri) & set(" \\*#")


@given(_uris, st.data())
def test_a_request_matches_exactly_or_not(uri: str, data: st.DataObject) -> None:
    app = client(redirect_uris=(uri,))
    assert is_registered(app, uri)
    at = data.draw(st.integers(0, len(uri)))
    added = data.draw(st.sampled_from(["a", "/", ".", "%2e", "?", "#", "A", "\n", "@e.example"]))
    assert not is_registered(app, uri[:at] + added + uri[at:])
    assert not is_registered(app, uri[:-1])
    swapped = uri.swapcase()
    assume(swapped != uri)
    assert not is_registered(app, swapped)
