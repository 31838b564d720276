"""The addresses of the sockets."""

from __future__ import annotations

from fastapi import APIRouter

from smart_app.gateway.audio import audio_socket
from smart_app.gateway.events import events_socket


def gateway_router() -> APIRouter:
    """The routes under /ws. They use `app.state.fhir` and `app.state.consultations`."""
    router = APIRouter()
    router.add_api_websocket_route("/ws/encounters/{id}", events_socket)
    router.add_api_websocket_route("/ws/encounters/{id}/audio", audio_socket)
    return router
