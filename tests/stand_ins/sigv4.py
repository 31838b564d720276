"""Signature Version 4 in a query, checked as the service does it: written from the specification.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, urlsplit


@dataclass(frozen=True)
class Key:
    """An access key that the service knows. `token` belongs to temporary ones."""

    id: str
    secret: str
    token: str | None = None


class Refused(Exception):
    """The request is not signed as it must be; the text says why."""


def check(target: str, host: str, key: Key, region: str, service: str, now: datetime) -> None:
    """Raise `Refused` unless `target` (path and query) is signed by `key` and fresh."""
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True))
    signature = query.pop("X-Amz-Signature", "")
    if query.get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256":
        raise Refused("algorithm")
    date = query.get("X-Amz-Date", "")
    made = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    lifetime = int(query.get("X-Amz-Expires", "0"))
    if not 1 <= lifetime <= 300:
        raise Refused("expires")
    if not made - timedelta(minutes=5) <= now <= made + timedelta(seconds=lifetime):
        raise Refused("expired")
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    if query.get("X-Amz-Credential") != f"{key.id}/{scope}":
        raise Refused("credential scope")
    if query.get("X-Amz-Security-Token") != key.token:
        raise Refused("token")
    if query.get("X-Amz-SignedHeaders") != "host":
        raise Refused("signed headers")
    pairs = sorted((_encoded(name), _encoded(value)) for name, value in query.items())
    canonical = "\n".join(
        [
            "GET",
            parts.path,
            "&".join(f"{name}={value}" for name, value in pairs),
            f"host:{host}",
            "",
            "host",
            hashlib.sha256(b"").hexdigest(),
        ]
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{digest}"
    secret = f"AWS4{key.secret}".encode()
    for part in (date[:8], region, service, "aws4_request"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    if not hmac.compare_digest(hmac.new(secret, text.encode(), "sha256").hexdigest(), signature):
        raise Refused("signature")


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")
