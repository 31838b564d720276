"""What can be told from the settings alone. docs/security.md, checklist for operators."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from aimed.security.addresses import away, is_here, is_wide
from aimed.security.finding import Finding, judged
from aimed.security.hl7v2_checks import check_hl7v2
from aimed.settings import Settings

_SHORTEST_KEY = 32
_LONGEST_IDLE = 15 * 60
_LONGEST_SESSION = 24 * 3600
_SIX_YEARS = 2190
_STAFF = ("admin", "auditor", "biller", "clinician", "nurse")


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Every check of the settings, whatever it finds."""
    yield judged(
        settings.environment == "production",
        "environment",
        "production.",
        "is development: set AIMED_ENVIRONMENT=production.",
    )
    yield from _listening(settings)
    yield from _transport("MongoDB", settings.mongo.uri)
    yield from _transport("Redis", settings.redis.uri)
    yield from _outbound(settings)
    yield from _mail(settings)
    yield from _at_rest(settings)
    yield from _audit(settings)
    yield from _people(settings)
    yield from check_hl7v2(settings.hl7v2)


def _listening(settings: Settings) -> Iterator[Finding]:
    http = settings.http
    yield judged(
        bool(http.trusted_proxies or http.tls.certificate),
        "TLS",
        "by our own certificate."
        if http.tls.certificate
        else "a proxy is named; see that its certificate is good and plain HTTP is refused.",
        "neither a certificate nor a proxy is named: set AIMED_HTTP__TLS__CERTIFICATE, or put a "
        "proxy with TLS before the API and list it in AIMED_HTTP__TRUSTED_PROXIES.",
    )
    yield judged(
        bool(settings.fhir.requests.hosts),
        "host names",
        "those that are listed.",
        "any is taken, and tokens of other servers with it: set AIMED_PUBLIC_URL, or list yours in "
        "AIMED_FHIR__REQUESTS__HOSTS.",
    )
    wide = [one for one in http.trusted_proxies if is_wide(one)]
    yield judged(
        not wide,
        "proxies",
        "addresses or small networks.",
        f"{', '.join(wide)} is nearly everybody: name the proxies alone, or callers forge where "
        "they come from.",
    )
    plain = [one for one in http.origins if not one.startswith("https://")]
    yield judged(
        not plain,
        "origins",
        "none without TLS.",
        f"{', '.join(plain)} in AIMED_HTTP__ORIGINS: list https origins only.",
    )
    yield judged(
        settings.fhir.rate_limits.enabled,
        "rate limits",
        "on.",
        "off: set AIMED_FHIR__RATE_LIMITS__ENABLED=true.",
    )


def _transport(name: str, uri: str | None) -> Iterator[Finding]:
    if not uri:
        yield Finding("warning", name, "is the embedded one, which is for one machine and trials.")
        return
    hosts = [one for one in _hosts(uri) if not is_here(one)]
    encrypted = _is_encrypted(uri)
    yield judged(
        encrypted or not hosts,
        name,
        "by TLS." if encrypted else "on this machine.",
        f"is spoken to without TLS: use {'tls=true' if name == 'MongoDB' else 'rediss://'} in "
        "its address.",
        level=away(hosts),
    )
    yield judged(
        "insecure" not in uri.lower() and "ssl_cert_reqs=none" not in uri.lower(),
        f"{name} certificate",
        "checked when there is one.",
        "is not checked: take the option that says so out of its address.",
    )


def _hosts(uri: str) -> list[str]:
    places = urlsplit(uri).netloc.rpartition("@")[2].split(",")
    return [urlsplit(f"//{one}").hostname or "" for one in places]


def _is_encrypted(uri: str) -> bool:
    parts = urlsplit(uri)
    asked = {name.lower(): values[-1] for name, values in parse_qs(parts.query).items()}
    said = asked.get("tls", asked.get("ssl"))
    return (said == "true") if said else parts.scheme in ("rediss", "mongodb+srv")


def _outbound(settings: Settings) -> Iterator[Finding]:
    outbound = settings.outbound
    yield judged(
        not outbound.plain_http,
        "calls to others",
        "by https.",
        "may go without TLS: take AIMED_OUTBOUND__PLAIN_HTTP away.",
    )
    wide = [one for one in outbound.internal_hosts if is_wide(one)]
    yield judged(
        not wide,
        "internal hosts",
        "names or small networks.",
        f"{', '.join(wide)} in AIMED_OUTBOUND__INTERNAL_HOSTS opens nearly everything inside: "
        "list host names.",
    )


def _mail(settings: Settings) -> Iterator[Finding]:
    mail = settings.mail
    if mail.host is None:
        yield Finding("ok", "mail", "none is sent.")
        return
    yield judged(
        mail.tls != "none", "mail", "by TLS.", "is sent without TLS: set AIMED_MAIL__TLS=starttls."
    )
    yield judged(
        (mail.site or "").startswith("https://"),
        "links in mails",
        "lead to https.",
        "lead nowhere or to plain http: set AIMED_PUBLIC_URL or AIMED_MAIL__SITE to an https "
        "address.",
    )


def _at_rest(settings: Settings) -> Iterator[Finding]:
    encryption = settings.fhir.encryption
    if encryption.provider == "off":
        yield Finding(
            "warning",
            "encryption at rest",
            "off: set AIMED_FHIR__ENCRYPTION__PROVIDER, or see that volumes and backups are "
            "encrypted.",
        )
        return
    yield judged(
        encryption.unencrypted == "refuse",
        "encryption at rest",
        "on, and nothing else is taken.",
        "on, but content in clear is read too: once `aimed keys reencrypt` has run set "
        "AIMED_FHIR__ENCRYPTION__UNENCRYPTED=refuse.",
        level="warning",
    )


def _audit(settings: Settings) -> Iterator[Finding]:
    audit = settings.fhir.audit
    yield judged(
        len(audit.chain_key.get_secret_value()) >= _SHORTEST_KEY,
        "audit chain",
        "has a key.",
        "has no key: who holds the database could make it anew. Set AIMED_FHIR__AUDIT__CHAIN_KEY "
        f"to {_SHORTEST_KEY} random characters or more.",
    )
    yield judged(
        audit.retention_days >= _SIX_YEARS,
        "audit retention",
        "six years or more.",
        "is shorter than the six years of 45 CFR 164.316(b)(2)(i): raise "
        "AIMED_FHIR__AUDIT__RETENTION_DAYS.",
    )


def _people(settings: Settings) -> Iterator[Finding]:
    fhir = settings.fhir
    free = [one for one in _STAFF if one not in fhir.identity.second_factor_roles]
    yield judged(
        not free,
        "roles with a second factor",
        "all of the staff.",
        f"not {', '.join(free)}: list them in AIMED_FHIR__IDENTITY__SECOND_FACTOR_ROLES.",
        level="fault" if "admin" in free else "warning",
    )
    yield judged(
        fhir.idle_seconds <= _LONGEST_IDLE and fhir.token_seconds <= _LONGEST_SESSION,
        "sessions",
        "end within 15 minutes of disuse, and within a day.",
        "last long: AIMED_FHIR__IDLE_SECONDS at most 900, AIMED_FHIR__TOKEN_SECONDS at most 86400.",
        level="warning",
    )
    yield judged(
        not fhir.smart.open_registration,
        "registration",
        "of applications takes an invitation.",
        "of applications is open to everybody: take AIMED_FHIR__SMART__OPEN_REGISTRATION away.",
        level="warning",
    )
