"""The only home of pymongo in the FHIR server."""

from fhir_server.store.documents import StoredResource
from fhir_server.store.mongo import Content, MongoStore
from fhir_server.store.outbox import Outbox, OutboxRow
from fhir_server.store.unit_of_work import UnitOfWork
from fhir_server.store.versions import Page

__all__ = ["Content", "MongoStore", "Outbox", "OutboxRow", "Page", "StoredResource", "UnitOfWork"]
