"""Formats in and out: FHIR JSON and FHIR XML. FHIR R4 3.1.0.1.10 and 3.1.0.1.11 (`_format`)."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from fhir_server.errors import InvalidParameter, NotAcceptable, UnsupportedMedia
from fhir_server.formats.nesting import check_nesting
from fhir_server.formats.xml_reader import from_xml
from fhir_server.formats.xml_writer import to_xml
from fhir_server.resource import dumps, indent, loads

JSON = "application/fhir+json"
XML = "application/fhir+xml"
FORM = "application/x-www-form-urlencoded"
JSON_PATCH = "application/json-patch+json"
_JSON = (JSON, "application/json", "text/json", "json")
_XML = (XML, "application/xml", "text/xml", "xml")
_ANY = ("*/*", "application/*", "")
_TEXT = ("text/*",)
_VERSIONS = ("4.0", "4.0.1")


@dataclass(frozen=True)
class _Range:
    """One media range of Accept with its weight."""

    name: str
    weight: float
    version: str | None


def wanted_format(request: Request) -> str:
    """`JSON` or `XML`, whichever the client likes better. `_format` outweighs Accept.

    Raises `NotAcceptable` when it takes neither.
    """
    asked = request.query_params.get("_format")
    # A `+` in a query string that was not escaped arrives as a space.
    text = asked.replace(" ", "+") if asked else request.headers.get("accept", "*/*")
    ranges = [_range(part) for part in text.split(",")]
    usable = [one for one in ranges if one.version in (None, *_VERSIONS)]
    json = _weight(usable, _JSON)
    xml = _weight(usable, _XML)
    if max(json, xml) <= 0:
        raise NotAcceptable(f"This server answers {JSON} and {XML} of FHIR 4.0.")
    return JSON if json >= xml else XML


def names_format(request: Request) -> bool:
    """Whether the client names a FHIR format: `application/fhir+json`, say, and not `*/*`."""
    if "_format" in request.query_params:
        return True
    names = {_range(part).name for part in request.headers.get("accept", "").split(",")}
    return bool(names & {*_JSON, *_XML})


def sends_format(request: Request) -> bool:
    """Whether the body is said to be in a FHIR format."""
    return _range(request.headers.get("content-type", "")).name in (*_JSON, *_XML)


def _weight(ranges: list[_Range], names: tuple[str, ...]) -> float:
    """The weight of the most specific range that covers a format (RFC 9110 12.5.1)."""
    for covering in (names, _TEXT, _ANY):
        found = [one.weight for one in ranges if one.name in covering]
        if found:
            return max(found)
    return 0.0


def _range(text: str) -> _Range:
    name, *parameters = [part.strip() for part in text.split(";")]
    weight, version = 1.0, None
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.lower() == "q":
            weight = _number(value)
        elif key.lower() == "fhirversion":
            version = value.strip('"')
    return _Range(name.lower().replace(" ", "+"), weight, version)


def _number(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 1.0


def json_body(request: Request, body: bytes, depth: int, *, others: tuple[str, ...] = ()) -> bytes:
    """A resource's body as FHIR JSON.

    Raises `UnsupportedMedia` for what is no FHIR format, `Malformed` for JSON nested more than
    `depth` levels.
    """
    given = _range(request.headers.get("content-type", ""))
    if given.version not in (None, *_VERSIONS):
        raise UnsupportedMedia("This server reads FHIR 4.0 only.")
    if given.name in _XML:
        body = dumps(from_xml(body))
    elif given.name not in (*_JSON, *others):
        raise UnsupportedMedia(f"Send the body as {' or '.join((JSON, XML, *others))}.")
    check_nesting(body, depth)
    return body


def check_content_type(request: Request, *allowed: str) -> None:
    """Raise `UnsupportedMedia` unless the body is one of `allowed`."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in allowed:
        raise UnsupportedMedia(f"Send the body as {' or '.join(allowed)}.")


def rendered(request: Request, body: bytes, format: str) -> bytes:
    """The JSON in the format asked for, indented when `_pretty=true`, decimals as they were."""
    asked = request.query_params.get("_pretty", "false")
    if asked not in ("true", "false"):
        raise InvalidParameter("_pretty is true or false.")
    if not body:
        return body
    if format == XML:
        return to_xml(loads(body), pretty=asked == "true")
    return indent(body) if asked == "true" else body
