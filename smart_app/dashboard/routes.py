"""GET / and the other pages, and /static/...: files, with a policy that forbids everything else.

Content Security Policy level 3: no inline script or style, nothing from elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_PAGES = {
    "/": "index.html",
    "/authorize": "authorize.html",
    "/apps": "apps.html",
    "/admin": "admin.html",
    "/audit": "audit.html",
    "/hl7v2": "hl7v2.html",
    "/set-password": "set-password.html",
    "/account": "account.html",
    "/reset": "reset.html",
    "/sign-in/provider": "provider.html",
}
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "object-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Asked for again each time and answered 304: a new version shows at once.
    "Cache-Control": "no-cache",
}


def dashboard_router() -> APIRouter:
    """The page and its files; the page needs no token, what it shows does."""
    router = APIRouter()
    for path, name in _PAGES.items():
        router.add_api_route(path, _page(name), methods=["GET"], response_model=None, name=name)
    router.add_api_route("/static/{name}", _static, methods=["GET"], response_model=None)
    return router


def _page(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        return _file(request, name)

    return page


async def _static(request: Request, name: str) -> Response:
    return _file(request, name)


def _file(request: Request, name: str) -> Response:
    content = _contents().get(name)
    if content is None:
        raise HTTPException(404)
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {**_HEADERS, "ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=_TYPES[name.rpartition(".")[2]])


@cache
def _contents() -> dict[str, bytes]:
    """Every file by name: a name that is not in the folder cannot be asked for."""
    folder = files("smart_app.dashboard").joinpath("static")
    return {
        entry.name: entry.read_bytes()
        for entry in folder.iterdir()
        if entry.name.rpartition(".")[2] in _TYPES
    }
