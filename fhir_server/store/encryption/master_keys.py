"""The settings' master keys as MongoDB's KMS providers.

A local key is the provider `local:` and eight digits of its SHA-256, so that a data key tells by
which of them it is wrapped. Credentials for AWS are found as boto3 finds them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from fhir_server.errors import EncryptionFault
from fhir_server.settings import EncryptionSettings

LENGTH = 96
"""Bytes of a local master key: MongoDB asks for exactly as many."""

_VARIABLE = "AIMED_FHIR__ENCRYPTION__"


@dataclass(frozen=True)
class MasterKeys:
    """What pymongo is given. `provider` and `master_key` wrap; all of `providers` unwrap."""

    provider: str
    master_key: dict[str, Any] | None
    refusal: str
    providers: dict[str, dict[str, Any]] = field(repr=False)
    tls: dict[str, dict[str, Any]] = field(default_factory=dict)

    def knows(self, master: str) -> bool:
        """Whether a data key wrapped by `master` may be unwrapped here."""
        return master in self.providers or (master.startswith("arn:") and "aws" in self.providers)


def master_keys(settings: EncryptionSettings) -> MasterKeys:
    """Read them, from files too. Raises `EncryptionFault`."""
    previous = _read(settings.previous_key, settings.previous_key_file, "PREVIOUS_KEY")
    providers = _local(previous) if previous else {}
    if settings.provider == "local":
        key = _read(settings.key, settings.key_file, "KEY")
        if key is None:
            raise EncryptionFault(f"Set {_VARIABLE}KEY or {_VARIABLE}KEY_FILE.")
        ours = _local(key)
        return MasterKeys(
            provider=next(iter(ours)),
            master_key=None,
            providers=providers | ours,
            refusal="The data keys of this database cannot be unwrapped with this master key.",
        )
    master_key = {"key": settings.aws_key, "region": settings.aws_region}
    if settings.aws_endpoint:
        master_key["endpoint"] = settings.aws_endpoint
    authorities = str(settings.aws_authorities) if settings.aws_authorities else None
    return MasterKeys(
        provider="aws",
        master_key=master_key,
        providers={**providers, "aws": {}},
        tls={"aws": {"tlsCAFile": authorities}} if authorities else {},
        refusal="AWS KMS does not wrap or unwrap the data keys of this database: see whether it "
        f"can be reached, the credentials are there, and {_VARIABLE}AWS_KEY may be used by them.",
    )


def _local(key: bytes) -> dict[str, dict[str, Any]]:
    return {f"local:{hashlib.sha256(key).hexdigest()[:8]}": {"key": key}}


def _read(key: SecretStr | None, file: Path | None, name: str) -> bytes | None:
    text, source = key.get_secret_value() if key else None, name
    if file is not None:
        source = f"{name}_FILE"
        try:
            text = file.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            raise EncryptionFault(f"The file of {_VARIABLE}{source} cannot be read.") from None
    return None if text is None else _decoded(text, source)


def _decoded(text: str, source: str) -> bytes:
    try:
        key = base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        raise EncryptionFault(f"{_VARIABLE}{source} is not base64.") from None
    if len(key) != LENGTH:
        raise EncryptionFault(
            f"{_VARIABLE}{source} has {len(key)} bytes instead of {LENGTH}: `aimed keys generate` "
            "makes one that is right."
        )
    return key
