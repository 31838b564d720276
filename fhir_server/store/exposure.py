"""How a MongoDB stands towards strangers, and what time it has. For `aimed check security`."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pymongo.errors import OperationFailure

from fhir_server.store.connection import connect

_ABOUT_WHO = {"authsource", "authmechanism", "authmechanismproperties"}


async def lets_anybody_in(uri: str) -> bool:
    """Whether the server at `uri` lists its databases for who gives no name and no password."""
    async with connect(_nameless(uri)) as client:
        try:
            await client.list_database_names()
        except OperationFailure:
            return False
    return True


async def server_time(uri: str) -> datetime:
    """The time that the server has."""
    async with connect(uri) as client:
        told = await client.admin.command("hello", codec_options=client.codec_options)
    found: datetime = told["localTime"]
    return found


def _nameless(uri: str) -> str:
    parts = urlsplit(uri)
    kept = [one for one in parse_qsl(parts.query) if one[0].lower() not in _ABOUT_WHO]
    place = parts.netloc.rpartition("@")[2]
    # Without a slash before the options the address is not one.
    path = parts.path or "/"
    return urlunsplit(parts._replace(netloc=place, path=path, query=urlencode(kept)))
