"""The one table of what is offered: it routes requests and fills the CapabilityStatement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fhir_server.clock import Ids
from fhir_server.interactions.bundle_entries import OPERATION
from fhir_server.interactions.context import Handler
from fhir_server.interactions.create import create
from fhir_server.interactions.delete import delete
from fhir_server.interactions.history import history
from fhir_server.interactions.patch import patch
from fhir_server.interactions.read import read
from fhir_server.interactions.search import search, search_compartment, search_system
from fhir_server.interactions.transaction import Transaction
from fhir_server.interactions.update import update
from fhir_server.interactions.vread import vread

Level = Literal["instance", "type", "system"]


@dataclass(frozen=True)
class Interaction:
    """One offered interaction. `code` is of value set restful-interaction."""

    code: str
    level: Level
    method: str
    path: str
    handler: Handler


def interactions(ids: Ids, operation: Handler) -> tuple[Interaction, ...]:
    """Every interaction offered, more specific paths first.

    `operation` runs the operation that the entry of a bundle names.
    """
    single = (
        Interaction("history-instance", "instance", "GET", "/{type}/{id}/_history", history),
        Interaction("vread", "instance", "GET", "/{type}/{id}/_history/{version}", vread),
        Interaction("history-type", "type", "GET", "/{type}/_history", history),
        Interaction("update", "instance", "PUT", "/{type}/{id}", update),
        Interaction("patch", "instance", "PATCH", "/{type}/{id}", patch),
        Interaction("delete", "instance", "DELETE", "/{type}/{id}", delete),
        Interaction("search-system", "system", "POST", "/_search", search_system),
        Interaction("search-system", "system", "GET", "/_search", search_system),
        Interaction("history-system", "system", "GET", "/_history", history),
        # Without an id the resource is the one that meets the criteria in the query.
        Interaction("update", "type", "PUT", "/{type}", update),
        Interaction("patch", "type", "PATCH", "/{type}", patch),
        Interaction("delete", "type", "DELETE", "/{type}", delete),
        Interaction("search-type", "type", "GET", "/{type}", search),
        Interaction("search-type", "type", "POST", "/{type}/_search", search),
        Interaction("search-type", "type", "GET", "/{type}/_search", search),
        Interaction("search-system", "system", "GET", "/", search_system),
        Interaction("read", "instance", "GET", "/{type}/{id}", read),
        Interaction("search-type", "instance", "GET", "/{type}/{id}/{version}", search_compartment),
        Interaction("create", "type", "POST", "/{type}", create),
    )
    # Of two with one code the first: a bundle's search is on a type, not in a compartment.
    handlers = {one.code: one.handler for one in reversed(single)}
    transaction = Transaction({**handlers, OPERATION: operation}, ids)
    return (
        *single,
        Interaction("transaction", "system", "POST", "/", transaction),
        Interaction("batch", "system", "POST", "/", transaction),
    )
