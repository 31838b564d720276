"""The caller of a request, as far as the rest of the server needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Caller:
    """Somebody with a valid token, or a part of this server acting by itself.

    `reference` is a literal reference (Practitioner, Device); `token` is the token's hash, empty
    for the server itself; `issued` and `expires` are when the token begins and ends. `patient` is
    the Patient in context, as a literal reference, which `patient/` scopes are about; `client` the
    application's id. Who is `enrolling` has to set up a second factor and may do nothing else.
    `directives` is the counter of directives when the token was looked up, None without a look.
    `unidentified` is a system that no resource is known to stand for: a directive may mean it.
    """

    reference: str
    display: str
    scope: str
    roles: tuple[str, ...] = ()
    token: str = ""
    expires: datetime | None = None
    issued: datetime | None = None
    subject: str = ""
    patient: str | None = None
    client: str = ""
    purpose: str = ""
    directives: int | None = None
    enrolling: bool = False
    unidentified: bool = False


SYSTEM = Caller(reference="Device/aimed", display="AI Med", scope="system/*.cruds")
"""The server acting by itself."""
