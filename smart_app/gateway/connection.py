"""What both sockets share: opening with a token, staying open while it is valid, closing in words.

Browsers cannot set headers on a WebSocket, so the token may come as a subprotocol:
`["aimed.v1", "bearer.<token>"]`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from fhir_server.audit import Access
from fhir_server.auth.access import permit
from fhir_server.auth.caller import Caller
from fhir_server.errors import NotAuthenticated, NotPermitted, ResourceNotFound
from fhir_server.interactions.body import ID
from fhir_server.server import FhirServer
from pipelines.consultation.consultations import Consultations
from smart_app.consultations.reach import Reach
from smart_app.gateway.close_codes import FAULT, code_of, reason_of

PROTOCOL = "aimed.v1"
_BEARER = "bearer."
_RECHECK_SECONDS = 2.0
"""How long a revoked token may keep a socket open, of the 5 s promised; a look-up costs 1 ms."""
_UNCHECKED_SECONDS = 30.0
"""How long a socket outlives the database that knows of revoked tokens."""
_log = structlog.get_logger("aimed.gateway")

Conversation = Callable[[WebSocket, Caller], Coroutine[Any, Any, None]]


async def converse(socket: WebSocket, interaction: str, conversation: Conversation) -> None:
    """Accept, check token, scope and encounter, audit, and run `conversation` until it ends.

    Every error becomes a close code with a reason; none leaves this function.
    """
    await socket.accept(subprotocol=PROTOCOL if PROTOCOL in _subprotocols(socket) else None)
    try:
        caller = await _admit(socket, interaction)
        await _while_valid(socket, caller, conversation, recording=interaction == "update")
    except WebSocketDisconnect:
        return
    except Exception as error:
        await _close(socket, error)


def consultations_of(socket: WebSocket) -> Consultations:
    """The consultations that the application's lifespan opened."""
    consultations: Consultations = socket.app.state.consultations
    return consultations


async def first(*running: Coroutine[Any, Any, None]) -> None:
    """Run things side by side until one ends or fails, cancel the others, and end as it did."""
    tasks = [asyncio.create_task(one) for one in running]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _subprotocols(socket: WebSocket) -> list[str]:
    offered: list[str] = socket.scope.get("subprotocols", [])
    return offered


def _token(socket: WebSocket) -> str:
    scheme, _, token = socket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    for offered in _subprotocols(socket):
        if offered.startswith(_BEARER):
            return offered.removeprefix(_BEARER)
    raise NotAuthenticated("Sign in and send the token.")


def _fhir(socket: WebSocket) -> FhirServer:
    fhir: FhirServer = socket.app.state.fhir
    return fhir


async def _admit(socket: WebSocket, interaction: str) -> Caller:
    id, address = socket.path_params["id"], socket.client.host if socket.client else None
    about = (f"Encounter/{id}",) if ID.fullmatch(id) else ()
    access, caller = Access(interaction, entities=about, address=address), None
    audit = _fhir(socket).server.audit
    try:
        caller = await _fhir(socket).authenticator.authenticate(_token(socket))
        permit(caller, "Encounter", interaction)
        record = await consultations_of(socket).find(id)
        await _require_reach(socket, caller, recording=interaction == "update")
    except (NotAuthenticated, NotPermitted, ResourceNotFound) as error:
        await audit.record(caller, replace(access, outcome=error.status))
        raise
    await audit.record(caller, replace(access, patient=record.patient))
    return caller


async def _require_reach(socket: WebSocket, caller: Caller, *, recording: bool) -> None:
    id, reach = socket.path_params["id"], Reach(_fhir(socket), caller)
    if recording:
        await reach.require_update(f"Encounter/{id}")
    else:
        await reach.require_read(await consultations_of(socket).find(id))


async def _while_valid(
    socket: WebSocket, caller: Caller, conversation: Conversation, *, recording: bool
) -> None:
    await first(conversation(socket, caller), _expiry(socket, caller, recording=recording))


async def _expiry(socket: WebSocket, caller: Caller, *, recording: bool) -> None:
    """Raise `NotAuthenticated` once the token has expired or was revoked.

    Raises `ResourceNotFound` once a directive of the patient keeps this from the caller.

    A recording is use of the session; watching is not: a screen that nobody sits at signs out.
    When the database does not answer for a while, a recording goes on.
    """
    time = asyncio.get_running_loop().time
    checked = time()
    while True:
        await asyncio.sleep(max(min(_RECHECK_SECONDS, _left(socket, caller)), 0.05))
        try:
            now = await _fhir(socket).authenticator.authenticate(_token(socket), touch=recording)
            await _require_reach(socket, now, recording=recording)
            checked = time()
        except (NotAuthenticated, NotPermitted, ResourceNotFound):
            raise
        except Exception:
            if _left(socket, caller) <= 0 or time() - checked > _UNCHECKED_SECONDS:
                raise


def _left(socket: WebSocket, caller: Caller) -> float:
    """Seconds until the token expires."""
    if caller.expires is None:
        return _RECHECK_SECONDS
    return (caller.expires - consultations_of(socket).clock()).total_seconds()


async def _close(socket: WebSocket, error: Exception) -> None:
    code = code_of(error)
    if code == FAULT:
        _log.error("socket failed", fault=type(error).__name__)
    if socket.application_state is WebSocketState.DISCONNECTED:
        return
    try:
        await socket.close(code, reason_of(error))
    except (RuntimeError, WebSocketDisconnect, OSError):
        return  # the other side was quicker
