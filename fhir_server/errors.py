"""The error tree and its one table.

Every expected failure of AI Med is one of these, whatever protocol it happens in. An error knows no
transport: the edge renders it as an OperationOutcome (`fhir_server.rest.errors`), as RFC 6749 JSON
(`fhir_server.auth.routes`) or as a WebSocket event (`smart_app.gateway`).

* FhirError
  * Malformed                not JSON, duplicate keys, wrong shape
  * InvalidParameter         a search parameter, header or id with a wrong value
  * NotAuthenticated         no token, an expired or a revoked one
  * NotPermitted             the token's scopes do not cover this
  * ResourceNotFound         never existed
  * NotSupported             a method, modifier or parameter this server does not offer
  * MethodNotAllowed         the path exists, the method does not
  * NotAcceptable            no representation the client accepts
  * UnsupportedMedia         a body in a format this server does not read
  * VersionConflict          the state of the thing does not allow this now
  * ResourceGone             deleted
  * PreconditionFailed       If-Match names another version
  * TooCostly                would need more work than one request may cause
  * TooLarge                 the body is over its limit
  * UriTooLong               the address is over its limit
  * HeadersTooLarge          the headers are too many or too long
  * InvalidResource          well-formed, but breaks a rule of its type
  * RateLimited              too many requests
  * Unavailable              a server we depend on does not answer
  * EncryptionFault          what is stored and the encryption keys do not go together

Source: FHIR R4 3.1.0.4.1 (status codes) and http://hl7.org/fhir/R4/valueset-issue-type.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

Severity = Literal["fatal", "error", "warning", "information"]


@dataclass(frozen=True)
class Issue:
    """One `OperationOutcome.issue`. `diagnostics` is for people and never holds patient data."""

    code: str
    diagnostics: str
    severity: Severity = "error"
    expression: tuple[str, ...] = ()


class FhirError(Exception):
    """An expected failure. `status` is the HTTP status, `code` the FHIR IssueType.

    `ack` is the HL7 v2 acknowledgement code (table 0008) of the same failure and `condition` its
    error code (table 0357), `retryable` says whether the same request may succeed later.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "exception"
    ack: ClassVar[Literal["AE", "AR"]] = "AE"
    condition: ClassVar[str] = "207"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        diagnostics: str,
        *,
        expression: tuple[str, ...] = (),
        issues: tuple[Issue, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        """`issues`, when given, replaces the single issue made of `diagnostics`.

        `audited` is set by whoever has recorded the refusal.
        """
        super().__init__(diagnostics)
        self.issues = issues or (Issue(self.code, diagnostics, expression=expression),)
        self.headers = headers or {}
        self.audited = False


class Malformed(FhirError):
    """Not JSON, duplicate keys, or not the shape of the thing expected."""

    status, code, ack = 400, "structure", "AR"
    condition = "100"


class InvalidParameter(FhirError):
    """A parameter, header or id whose value cannot be right."""

    status, code, ack = 400, "value", "AR"
    condition = "102"


class NotAuthenticated(FhirError):
    """No usable credentials. RFC 6750 section 3 asks for the WWW-Authenticate header."""

    status, code, ack = 401, "login", "AR"

    def __init__(self, diagnostics: str, *, error: str | None = None) -> None:
        """`error` is the RFC 6750 error code, left out when no token was sent at all."""
        challenge = 'Bearer realm="aimed"' + (f', error="{error}"' if error else "")
        super().__init__(diagnostics, headers={"WWW-Authenticate": challenge})


class NotPermitted(FhirError):
    """The caller is known and may not do this."""

    status, code, ack = 403, "forbidden", "AR"


class ResourceNotFound(FhirError):
    """There is no such resource and never was."""

    status, code = 404, "not-found"
    condition = "204"


class NotSupported(FhirError):
    """The request asks for something this server does not offer, and says so."""

    status, code, ack = 400, "not-supported", "AR"
    condition = "200"


class MethodNotAllowed(FhirError):
    """The address exists; this method on it does not."""

    status, code, ack = 405, "not-supported", "AR"


class NotAcceptable(FhirError):
    """None of the formats in Accept is offered."""

    status, code, ack = 406, "not-supported", "AR"


class UnsupportedMedia(FhirError):
    """The body's Content-Type is not read here."""

    status, code, ack = 415, "not-supported", "AR"


class VersionConflict(FhirError):
    """The present state of the resource does not allow the change."""

    status, code, retryable = 409, "conflict", True
    condition = "206"


class ResourceGone(FhirError):
    """The resource was deleted; its history remains readable."""

    status, code = 410, "deleted"
    condition = "204"


class PreconditionFailed(FhirError):
    """If-Match or a condition did not hold."""

    status, code = 412, "conflict"


class TooCostly(FhirError):
    """Answering would take more work than one request may cause."""

    status, code = 409, "too-costly"


class TooLarge(FhirError):
    """The body, frame or bundle is over the documented limit."""

    status, code, ack = 413, "too-long", "AR"
    condition = "104"


class UriTooLong(FhirError):
    """The path and query are over the documented limit."""

    status, code, ack = 414, "too-long", "AR"


class HeadersTooLarge(FhirError):
    """The request has too many headers, or they are too long."""

    status, code, ack = 431, "too-long", "AR"


class InvalidResource(FhirError):
    """Well-formed JSON that breaks a rule of its resource type."""

    status, code = 422, "invariant"
    condition = "102"


class RateLimited(FhirError):
    """Too many requests; Retry-After says when to come back."""

    status, code, retryable = 429, "throttled", True


class Unavailable(FhirError):
    """MongoDB, Redis or another server does not answer."""

    status, code, retryable = 503, "transient", True


class EncryptionFault(FhirError):
    """What is stored cannot be decrypted here, or is not what was encrypted for its place."""


ERRORS: tuple[type[FhirError], ...] = (
    Malformed, InvalidParameter, NotAuthenticated, NotPermitted, ResourceNotFound, NotSupported,
    MethodNotAllowed, NotAcceptable, UnsupportedMedia, VersionConflict, ResourceGone,
    PreconditionFailed, TooCostly, TooLarge, UriTooLong, HeadersTooLarge,
    InvalidResource, RateLimited, Unavailable, EncryptionFault,
)  # fmt: skip
"""Every class of the tree, in the order of its drawing; the documentation is made from it."""
