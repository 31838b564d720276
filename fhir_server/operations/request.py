"""What an operation is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from fhir_server.audit import Access
from fhir_server.interactions.context import Context, FhirResponse
from fhir_server.operations.parameters import OperationParameters

CODE = "operation"
"""The code of every operation in value set restful-interaction."""

QUERY = "operation-query"
"""The audit's pattern of an operation that answers whole resources as a search does."""


@dataclass(frozen=True)
class OperationRequest:
    """One operation as asked for, its parameters read. `name` is without the dollar sign."""

    name: str
    type: str | None
    id: str | None
    parameters: OperationParameters
    version: str | None = None

    @property
    def instance(self) -> str | None:
        """`Type/id`, or `Type/id/_history/2`, when the operation is on an instance."""
        if self.id is None:
            return None
        version = f"/_history/{self.version}" if self.version else ""
        return f"{self.type}/{self.id}{version}"

    @property
    def path(self) -> str:
        """The address below the base."""
        place = self.instance or self.type
        return f"{place}/${self.name}" if place else f"${self.name}"

    @property
    def query(self) -> str:
        """The address with the parameters that can stand in one, for links and the audit."""
        pairs = self.parameters.pairs()
        return f"{self.path}?{urlencode(pairs)}" if pairs else self.path

    @property
    def access(self) -> Access:
        """The audit's view: what it was called on, and with which parameters."""
        return Access(
            CODE,
            entities=(self.instance,) if self.instance else (),
            patient=f"Patient/{self.id}" if self.type == "Patient" and self.id else None,
            query=self.query,
        )


OperationHandler = Callable[[OperationRequest, Context], Awaitable[FhirResponse]]
