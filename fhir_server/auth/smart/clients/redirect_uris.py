"""Which redirect URIs may be registered, and whether a request uses one of them.

RFC 9700 (OAuth security) 2.1 and 4.1: https, compared as exact text. http is for programs on the
user's own machine (RFC 8252 7.3) only.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from fhir_server.auth.smart.clients.client import Client
from fhir_server.auth.smart.errors import InvalidRedirectUri

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_LONGEST = 2000
# The characters of RFC 3986 without "*", which would look like a wildcard and is none.
_ALLOWED = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=%]+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]+")


def check_redirect_uri(uri: object) -> str:
    """The URI, if it may be registered. Raises `InvalidRedirectUri`."""
    if (problem := problem_of(uri)) is not None:
        raise InvalidRedirectUri(f"A redirect URI {problem}.")
    return str(uri)


def problem_of(uri: object) -> str | None:
    """What is wrong with a URI that browsers are to be sent to; None if nothing is."""
    if not isinstance(uri, str) or not 0 < len(uri) <= _LONGEST:
        return f"is a text of at most {_LONGEST} characters"
    if "#" in uri:
        return "has no fragment"
    if not _ALLOWED.fullmatch(uri):
        return "has only the characters of RFC 3986, and no wildcard"
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "is a URI"
    if not uri.startswith(("https://", "http://")):
        return "begins with https://"
    if not host or port == 0 or not _HOST.fullmatch(host) or host not in uri.split("/")[2]:
        return "names a host, in lower case"
    if "@" in parts.netloc:
        return "holds no user name or password"
    if parts.scheme == "http" and host not in LOOPBACK:
        return "uses http on the own machine only"
    if any(segment in (".", "..") for segment in unquote(parts.path).split("/")):
        return "has no . or .. in its path"
    return None


def is_registered(client: Client, uri: str) -> bool:
    """Whether the client registered exactly this redirect URI."""
    return uri in client.redirect_uris
