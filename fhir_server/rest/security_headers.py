"""Headers that keep a browser from doing what an API's answer never asks for.

OWASP ASVS 5.0 V3.4. What a route has set itself stays: pages bring their own policy.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "sandbox",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_TRANSPORT = "max-age=31536000; includeSubDomains"


class SecurityHeaders:
    """The middleware. Over TLS it adds HSTS (RFC 6797), which browsers heed there alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add what the answer does not have."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                made = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    made.setdefault(name, value)
                if "access-control-allow-origin" in made:
                    made["Cross-Origin-Resource-Policy"] = "cross-origin"
                if scope["scheme"] == "https":
                    made.setdefault("Strict-Transport-Security", _TRANSPORT)
            await send(message)

        await self._app(scope, receive, answer)
