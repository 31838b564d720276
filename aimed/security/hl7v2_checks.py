"""What the settings of HL7 v2 show: who may send to us, and what is sent in clear.

MLLP has neither signing in nor encryption of its own: IHE ITI TF-2 3.19 (Authenticate Node).
"""

from __future__ import annotations

from collections.abc import Iterator

from aimed.security.addresses import away, is_here, is_wide
from aimed.security.finding import Finding, Level, judged
from integrations.hl7v2.outbound.settings import DestinationSettings
from integrations.hl7v2.settings import Hl7v2Settings, ListenerSettings


def check_hl7v2(settings: Hl7v2Settings) -> Iterator[Finding]:
    """Look at every listener and every destination."""
    yield _senders(settings.listeners)
    yield _receiving(settings.listeners)
    yield _sending(settings.outbound.destinations)


def _senders(listeners: tuple[ListenerSettings, ...]) -> Finding:
    free = [one.name for one in listeners if _is_open(one) and not _is_guarded(one)]
    return judged(
        not free,
        "HL7 v2 senders",
        "those that are listed or show a certificate.",
        f"anybody may send to the listeners {', '.join(free)}: list the senders in `peers`, in "
        "networks of your own size, or demand certificates with `tls.client_ca`.",
    )


def _receiving(listeners: tuple[ListenerSettings, ...]) -> Finding:
    clear = [one for one in listeners if _is_open(one) and one.tls.certificate is None]
    # The senders that are listed may be behind a tunnel; that nobody is listed speaks against it.
    level: Level = "warning" if all(_is_guarded(one) for one in clear) else "fault"
    return judged(
        not clear,
        "HL7 v2 listeners",
        "by TLS, or on this machine.",
        f"without TLS: {', '.join(one.name for one in clear)}. Give each `tls.certificate` and "
        "`tls.key`, or see that nobody listens on the way.",
        level=level,
    )


def _sending(destinations: tuple[DestinationSettings, ...]) -> Finding:
    clear = [one for one in destinations if not one.tls.on and not is_here(one.host)]
    return judged(
        not clear,
        "HL7 v2 destinations",
        "by TLS, or on this machine.",
        f"without TLS: {', '.join(one.name for one in clear)}. Set `tls.on`, or send through a "
        "tunnel that ends on this machine.",
        level=away([one.host for one in clear]),
    )


def _is_open(listener: ListenerSettings) -> bool:
    """Whether others than this machine reach it; no host at all is every address there is."""
    return not listener.host or not is_here(listener.host)


def _is_guarded(listener: ListenerSettings) -> bool:
    if listener.tls.client_ca is not None:
        return True
    return bool(listener.peers) and not any(is_wide(one) for one in listener.peers)
