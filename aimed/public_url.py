"""The one address of a site, from which settings that need an address or a host name default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_PORTS = {"https": 443, "http": 80}


def origin(url: str) -> str:
    """`url` as browsers write an origin. Raises `ValueError` unless it is scheme and host alone."""
    parts = urlsplit(url)
    plain = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in _PORTS or not parts.hostname or "@" in url or url.rstrip("/") != plain:
        raise ValueError("AIMED_PUBLIC_URL is https:// or http://, a host, and no path")
    return f"{parts.scheme}://{host(url)}"


def host(url: str) -> str:
    """What clients send as Host: the port only where it is not the usual one. RFC 9110 7.2."""
    parts = urlsplit(url)
    usual = parts.port in (None, _PORTS[parts.scheme])
    name = parts.netloc.rpartition(":")[0] if usual and parts.port else parts.netloc
    return name.lower()


def filled_in(given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they are given, with `public_url` wherever an address or host is left out."""
    made = dict(given)
    if made.get("public_url"):
        made["public_url"] = url = origin(str(made["public_url"]))
        _default(made, ("fhir", "identity", "public_url"), url)
        _default(made, ("fhir", "requests", "hosts"), [host(url)])
        _default(made, ("mail", "site"), url)
    return made


def _default(given: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    name, *rest = path
    if not rest:
        given[name] = given.get(name) or value
        return
    inner = given.get(name, {})
    if isinstance(inner, dict):  # what is built already has its own
        given[name] = dict(inner)
        _default(given[name], tuple(rest), value)
