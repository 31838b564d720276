"""`aimed check security`: what it finds, and that a good installation has nothing to find."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from aimed.cli.check import make_check
from aimed.embedded.errors import StackError
from aimed.fhir import open_fhir
from aimed.security.database_checks import check_databases
from aimed.security.people_checks import check_people
from aimed.security.settings_checks import check_settings
from aimed.settings import Settings
from fhir_server.clock import Clock, system_clock
from fhir_server.store.connection import connect
from fhir_server.store.passkeys import Passkey, PasskeyStore
from tests.accounts import USERNAME, dr_adams

CHAIN_KEY = "q7Rk2mZt9XcW4vBn8LpJ3sHd6FgYaE5u"
MASTER_KEY = base64.b64encode(bytes(range(96))).decode()
STAFF = ["admin", "auditor", "biller", "clinician", "nurse"]
TLS = {"certificate": "server.pem", "key": "server.key"}
ON = {"on": True}
ANYWHERE = "0.0.0.0"  # noqa: S104  what is to be found
GOOD: dict[str, Any] = {
    "environment": "production",
    "public_url": "https://aimed.clinic.example",
    "mongo": {
        "uri": "mongodb://aimed:f8Zq2mN4@db1.clinic.example:27017,db2.clinic.example/?tls=true"
    },
    "redis": {"uri": "rediss://:k3Jw9rT1@redis.clinic.example:6379/0"},
    "http": {"trusted_proxies": ["10.0.3.7", "10.0.4.0/24"]},
    "fhir": {
        "audit": {"chain_key": CHAIN_KEY},
        "identity": {"second_factor_roles": STAFF},
        "encryption": {"provider": "local", "key": MASTER_KEY, "unencrypted": "refuse"},
    },
    "mail": {"host": "smtp.clinic.example"},
    "hl7v2": {
        "listeners": [
            {"name": "adt", "host": ANYWHERE, "peers": ["10.1.0.0/16"], "tls": {**TLS}},
            {"name": "lab", "host": "::", "tls": {**TLS, "client_ca": "hospital.pem"}},
            {"name": "near", "host": "127.0.0.1"},
        ],
        "outbound": {
            "destinations": [
                {"name": "archive", "host": "archive.clinic.example", "port": 1, "tls": ON},
                {"name": "tunnel", "host": "localhost", "port": 1},
            ]
        },
    },
}


def hl7v2(*listeners: dict[str, Any], to: dict[str, Any] | None = None) -> dict[str, Any]:
    """The settings of HL7 v2 with these listeners, and one destination."""
    there = [{"name": "archive", "port": 1, **to}] if to else []
    named = [{"name": f"l{number}", **one} for number, one in enumerate(listeners)]
    return {"hl7v2": {"listeners": named, "outbound": {"destinations": there}}}


def fhir(**changes: Any) -> dict[str, Any]:
    """The FHIR settings of `GOOD`, changed."""
    return {"fhir": GOOD["fhir"] | changes}


def found(**changes: Any) -> dict[str, str]:
    """What is said about each part that is not ok."""
    settings = Settings.model_validate(GOOD | changes)
    return {one.about: one.level for one in check_settings(settings) if one.level != "ok"}


def test_a_good_installation_has_nothing() -> None:
    assert found() == {}
    everything = list(check_settings(Settings.model_validate(GOOD)))
    assert len(everything) >= 14
    assert not any("f8Zq2mN4" in one.text or "k3Jw9rT1" in one.text for one in everything)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"environment": "development"}, {"environment": "fault"}),
        ({"http": {}}, {"TLS": "fault"}),
        ({"http": {"trusted_proxies": ["*"]}}, {"proxies": "fault"}),
        ({"http": {"trusted_proxies": ["0.0.0.0/0"]}}, {"proxies": "fault"}),
        ({"http": {"trusted_proxies": ["::/0"]}}, {"proxies": "fault"}),
        (
            {"http": {"trusted_proxies": ["10.0.3.7"], "origins": ["http://portal.example"]}},
            {"origins": "fault"},
        ),
        ({"mongo": {"uri": "mongodb://a:f8Zq2mN4@db.clinic.example/"}}, {"MongoDB": "fault"}),
        ({"mongo": {"uri": "mongodb://a:f8Zq2mN4@10.1.2.3/"}}, {"MongoDB": "fault"}),
        ({"mongo": {"uri": "mongodb://a:f8Zq2mN4@mongo/"}}, {"MongoDB": "warning"}),
        ({"mongo": {"uri": "mongodb://a:f8Zq2mN4@127.0.0.1/"}}, {}),
        (
            {"mongo": {"uri": "mongodb+srv://a:f8Zq2mN4@c.example/?tls=false"}},
            {"MongoDB": "fault"},
        ),
        ({"mongo": {"uri": "mongodb+srv://a:f8Zq2mN4@cluster.example/"}}, {}),
        (
            {"mongo": {"uri": "mongodb://a:f8Zq2mN4@d.example/?tls=true&tlsInsecure=true"}},
            {"MongoDB certificate": "fault"},
        ),
        ({"redis": {"uri": "redis://:k3Jw9rT1@redis.example:6379"}}, {"Redis": "fault"}),
        (
            {"redis": {"uri": "rediss://:k3Jw9rT1@r.example?ssl_cert_reqs=none"}},
            {"Redis certificate": "fault"},
        ),
        ({"outbound": {"internal_hosts": ["10.0.0.0/8"]}}, {"internal hosts": "fault"}),
        ({"outbound": {"internal_hosts": ["ehr.clinic.example", "10.20.0.0/16"]}}, {}),
        (
            {"environment": "development"} | fhir(audit={}),
            {"environment": "fault", "audit chain": "fault"},
        ),
        (
            fhir(audit={"chain_key": CHAIN_KEY, "retention_days": 365}),
            {"audit retention": "fault"},
        ),
        (fhir(encryption={}), {"encryption at rest": "warning"}),
        (
            fhir(encryption={"provider": "local", "key": MASTER_KEY}),
            {"encryption at rest": "warning"},
        ),
        (fhir(identity={}), {"roles with a second factor": "fault"}),
        (
            fhir(identity={"second_factor_roles": ["admin", "auditor"]}),
            {"roles with a second factor": "warning"},
        ),
        (
            {"environment": "development", "public_url": ""},
            {"environment": "fault", "host names": "fault", "links in mails": "fault"},
        ),
        (
            {
                "environment": "development",
                "mail": {"host": "smtp.clinic.example", "tls": "none", "site": "http://a.example"},
            },
            {"environment": "fault", "mail": "fault", "links in mails": "fault"},
        ),
        ({"mail": {}}, {}),
        (
            fhir(
                idle_seconds=3600,
                smart={"open_registration": True},
                rate_limits={"enabled": False},
            ),
            {"sessions": "warning", "registration": "warning", "rate limits": "fault"},
        ),
        (
            {"environment": "development", "outbound": {"plain_http": True}},
            {"environment": "fault", "calls to others": "fault"},
        ),
        (
            hl7v2({"host": ANYWHERE}),
            {"HL7 v2 senders": "fault", "HL7 v2 listeners": "fault"},
        ),
        (hl7v2({"host": ""}), {"HL7 v2 senders": "fault", "HL7 v2 listeners": "fault"}),
        (hl7v2({"host": "10.0.3.7", "tls": TLS}), {"HL7 v2 senders": "fault"}),
        (
            hl7v2({"host": "10.0.3.7", "tls": TLS, "peers": ["10.0.0.5", "0.0.0.0/0"]}),
            {"HL7 v2 senders": "fault"},
        ),
        (hl7v2({"host": "10.0.3.7", "peers": ["10.0.0.5"]}), {"HL7 v2 listeners": "warning"}),
        (
            hl7v2({"host": "10.0.3.7", "peers": ["10.0.0.5"]}, {"host": "mllp.clinic.example"}),
            {"HL7 v2 senders": "fault", "HL7 v2 listeners": "fault"},
        ),
        (hl7v2({"host": "::1"}, {"host": "localhost"}), {}),
        (hl7v2(to={"host": "lab.clinic.example"}), {"HL7 v2 destinations": "fault"}),
        (hl7v2(to={"host": "10.0.3.7"}), {"HL7 v2 destinations": "fault"}),
        (hl7v2(to={"host": "lab"}), {"HL7 v2 destinations": "warning"}),
        (hl7v2(to={"host": "::1"}), {}),
        (
            {"environment": "development", "mongo": {}, "redis": {}},
            {"environment": "fault", "MongoDB": "warning", "Redis": "warning"},
        ),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], wrong: dict[str, str]) -> None:
    assert found(**changes) == wrong


@pytest.fixture
def reachable(
    mongo_uri: str, redis_uri: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """Settings of the embedded databases, which let anybody on this machine in."""
    name = f"test_{uuid.uuid4().hex}"
    monkeypatch.setenv("AIMED_MONGO__URI", mongo_uri)
    monkeypatch.setenv("AIMED_REDIS__URI", redis_uri)
    monkeypatch.setenv("AIMED_MONGO__DATABASE", name)
    yield Settings()
    asyncio.run(_drop(mongo_uri, name))


async def _drop(uri: str, name: str) -> None:
    async with connect(uri) as client:
        await client.drop_database(name)


async def looked(settings: Settings, clock: Clock = system_clock) -> dict[str, str]:
    return {one.about: one.level async for one in check_databases(settings, clock)}


async def test_an_open_door_is_named(reachable: Settings) -> None:
    assert await looked(reachable) == {
        "MongoDB door": "fault",
        "Redis door": "fault",
        "MongoDB clock": "ok",
        "Redis clock": "ok",
    }


async def test_a_door_with_a_password_is_shut(
    reachable: Settings, shut_redis: Callable[[], str]
) -> None:
    shut = reachable.at(mongo=reachable.mongo_uri, redis=shut_redis())
    assert (await looked(shut))["Redis door"] == "ok"


async def test_a_late_answer_is_no_wrong_clock(reachable: Settings) -> None:
    """Ours is read before and after; here a minute passes between the two."""
    looks = count()
    told = await looked(
        reachable, lambda: system_clock() + timedelta(seconds=30 if next(looks) % 2 else -30)
    )
    assert (told["MongoDB clock"], told["Redis clock"]) == ("ok", "ok")


@pytest.mark.parametrize("seconds", [-600, 60])
async def test_a_clock_that_is_off_is_named(reachable: Settings, seconds: int) -> None:
    off = await looked(reachable, lambda: system_clock() + timedelta(seconds=seconds))
    assert (off["MongoDB clock"], off["Redis clock"]) == ("fault", "fault")


async def test_people_without_what_they_should_have_are_named(reachable: Settings) -> None:
    async with open_fhir(reachable) as server:
        await server.accounts.add(dr_adams())
        boss = replace(dr_adams(), username="boss", roles=("admin", "clinician"))
        await server.accounts.add(boss)
        await server.accounts.add(replace(dr_adams(), username="gone", disabled=True))
        await server.accounts.add(replace(dr_adams(), username="keyed"))
        key = Passkey("c1", "keyed", b"", 0, "phone", system_clock())
        await PasskeyStore(server.server.store.database).add(key)
        said = {one.about: one async for one in check_people(server)}
    assert said["administrators"].level == "fault"
    assert "boss" in said["administrators"].text
    assert (said["second factors"].level, said["roles"].level) == ("warning", "warning")
    assert said["second factors"].text == f"missing for {USERNAME}."
    assert "gone" not in "".join(one.text for one in said.values())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(make_check(), ["security", *arguments])


def test_the_command(reachable: Settings) -> None:
    result = run()
    assert isinstance(result.exception, StackError)
    assert "fault   MongoDB door: anybody comes in" in result.stdout
    assert "ok      administrators: have a second factor." in result.stdout


def test_warnings_count_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AIMED_ENVIRONMENT": "production",
        "AIMED_PUBLIC_URL": "https://aimed.clinic.example",
        "AIMED_MONGO__URI": GOOD["mongo"]["uri"],
        "AIMED_REDIS__URI": GOOD["redis"]["uri"],
        "AIMED_HTTP__TRUSTED_PROXIES": '["10.0.3.7"]',
        "AIMED_FHIR__AUDIT__CHAIN_KEY": CHAIN_KEY,
        "AIMED_FHIR__SMART__OPEN_REGISTRATION": "true",
        "AIMED_FHIR__IDENTITY__SECOND_FACTOR_ROLES": json.dumps(STAFF),
        "AIMED_FHIR__ENCRYPTION__PROVIDER": "local",
        "AIMED_FHIR__ENCRYPTION__KEY": MASTER_KEY,
        "AIMED_FHIR__ENCRYPTION__UNENCRYPTED": "refuse",
    }.items():
        monkeypatch.setenv(name, value)
    assert run("--settings-only").exit_code == 0
    strict = run("--settings-only", "--strict")
    assert isinstance(strict.exception, StackError)
    assert str(strict.exception).startswith("1 of ")
