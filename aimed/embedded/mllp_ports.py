"""The listeners of HL7 v2 as a stack starts them: on ports that are known beforehand."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aimed.embedded.ports import free_port, require_free
from integrations.hl7v2.settings import ListenerSettings


def with_ports(listeners: Sequence[ListenerSettings]) -> tuple[ListenerSettings, ...]:
    """The same with a free port where none is set. Raises `StackError` when one is in use."""
    return tuple(_with_port(one) for one in listeners)


def _with_port(listener: ListenerSettings) -> ListenerSettings:
    if listener.port:
        require_free(listener.host, listener.port)
        return listener
    return listener.model_copy(update={"port": free_port(listener.host)})


def as_json(listeners: Sequence[ListenerSettings]) -> str:
    """As the setting is written, for the environment of the process that listens."""
    made = []
    for one in listeners:
        plain = one.model_dump(mode="json")
        # A dump shows stars instead.
        plain["tls"]["key_password"] = one.tls.key_password.get_secret_value()
        made.append(plain)
    return json.dumps(made)
