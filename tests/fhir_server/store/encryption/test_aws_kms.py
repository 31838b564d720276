"""Data keys wrapped by AWS KMS: the real client and wire protocol, against moto behind TLS."""

from __future__ import annotations

import ipaddress
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from fhir_server.clock import random_id, system_clock
from fhir_server.errors import EncryptionFault
from fhir_server.settings import EncryptionSettings
from fhir_server.store import MongoStore
from fhir_server.store.connection import connect
from fhir_server.store.encryption import EncryptedDatabase, open_database
from tests.encrypted import KEY, dump, local, shown

REGION = "eu-central-1"
NAME = "Quillfeather"
PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "p0", "name": [{"family": NAME}]}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of 127.0.0.1 that vouches for itself, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kms")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path_factory.mktemp("kms") / "both.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def kms(certificate: Path) -> Iterator[BaseWSGIServer]:
    application = DomainDispatcherApplication(create_backend_app)
    tls = (str(certificate), str(certificate))
    server = make_server("127.0.0.1", 0, application, threaded=True, ssl_context=tls)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield server
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture
def keys(
    kms: BaseWSGIServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str]:
    """The ARNs of two keys; credentials come from the environment, as boto3 finds them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client = boto3.client(
        "kms",
        region_name=REGION,
        endpoint_url=f"https://127.0.0.1:{kms.server_port}",
        verify=str(certificate),
    )
    first, second = (client.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    client.close()
    return first, second


@pytest.fixture
async def name(mongo_uri: str) -> AsyncIterator[str]:
    made = f"test_{uuid.uuid4().hex}"
    yield made
    async with connect(mongo_uri) as client:
        await client.drop_database(made)


def aws(kms: BaseWSGIServer, certificate: Path, key: str, **more: Any) -> EncryptionSettings:
    return EncryptionSettings.model_validate(
        {
            "provider": "aws",
            "aws_key": key,
            "aws_region": REGION,
            "aws_endpoint": f"127.0.0.1:{kms.server_port}",
            "aws_authorities": certificate,
            **more,
        }
    )


async def test_data_keys_are_wrapped_by_the_key_service(
    mongo_uri: str, name: str, kms: BaseWSGIServer, certificate: Path, keys: tuple[str, str]
) -> None:
    async with open_database(mongo_uri, name, aws(kms, certificate, keys[0])) as database:
        store = MongoStore(database, clock=system_clock, ids=random_id)
        await store.prepare()
        await store.transact(lambda unit: unit.put(PATIENT))
    assert shown(await dump(mongo_uri, name), NAME) == []
    async with open_database(mongo_uri, name, aws(kms, certificate, keys[1])) as database:
        assert isinstance(database, EncryptedDatabase)
        vault = database.cipher.vault
        vault.add()
        assert vault.wrap_again() == 2
        assert {one.master for one in vault.all()} == {keys[1]}
        store = MongoStore(database, clock=system_clock, ids=random_id)
        assert NAME.encode() in (await store.read("Patient", "p0")).raw


async def test_from_a_local_key_to_the_key_service(
    mongo_uri: str, name: str, kms: BaseWSGIServer, certificate: Path, keys: tuple[str, str]
) -> None:
    async with open_database(mongo_uri, name, local()):
        pass
    with pytest.raises(EncryptionFault, match="which the settings do not name"):
        async with open_database(mongo_uri, name, aws(kms, certificate, keys[0])):
            pass
    both = aws(kms, certificate, keys[0], previous_key=KEY)
    async with open_database(mongo_uri, name, both) as database:
        assert isinstance(database, EncryptedDatabase)
        database.cipher.vault.wrap_again()
    async with open_database(mongo_uri, name, aws(kms, certificate, keys[0])):
        pass


async def test_a_key_that_is_not_there_and_a_service_that_is_not(
    mongo_uri: str, name: str, kms: BaseWSGIServer, certificate: Path, keys: tuple[str, str]
) -> None:
    unknown = keys[0].rpartition("/")[0] + f"/{uuid.uuid4()}"
    with pytest.raises(EncryptionFault, match="AWS KMS does not"):
        async with open_database(mongo_uri, name, aws(kms, certificate, unknown)):
            pass
    untrusted = aws(kms, certificate, keys[0], aws_authorities=None)
    with pytest.raises(EncryptionFault, match="AWS KMS does not"):
        async with open_database(mongo_uri, name, untrusted):
            pass
    async with connect(mongo_uri) as client:
        assert await client[name]["data_keys"].count_documents({}) == 0
