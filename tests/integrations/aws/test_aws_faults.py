"""What a fault of AWS means for the policy, and what an operator reads of it."""

from __future__ import annotations

from typing import Any, cast

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    MetadataRetrievalError,
    NoCredentialsError,
    ProxyConnectionError,
)

from integrations.aws.credentials import AwsAccess
from integrations.aws.faults import engine_error
from integrations.aws.storage.objects import Objects
from pipelines.engines.errors import EngineRejected, EngineUnavailable


@pytest.mark.parametrize(
    "fault",
    [
        CredentialRetrievalError(provider="container-role", error_msg="timed out"),
        MetadataRetrievalError(error_msg="503"),
        ProxyConnectionError(proxy_url="http://proxy"),
    ],
)
def test_credentials_that_cannot_be_fetched_now_may_be_later(fault: BotoCoreError) -> None:
    error = engine_error(fault)
    assert isinstance(error, EngineUnavailable)
    assert error.retryable


def test_no_credentials_at_all_say_what_to_set() -> None:
    error = engine_error(NoCredentialsError())
    assert isinstance(error, EngineRejected)
    assert "AIMED_AWS__PROFILE" in error.action
    assert "AWS_ACCESS_KEY_ID" in error.action


def _denied(operation: str, message: str = "Access Denied") -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, operation)


@pytest.mark.parametrize(
    ("fault", "permission"),
    [
        (_denied("PutObject"), "s3:PutObject"),
        (_denied("HeadObject"), "s3:GetObject"),
        (
            _denied(
                "PutObject",
                "User: arn:aws:sts::1:assumed-role/x/y is not authorized to perform: "
                "kms:GenerateDataKey on this resource",
            ),
            "kms:GenerateDataKey",
        ),
    ],
)
def test_the_permission_that_is_missing_is_named(fault: ClientError, permission: str) -> None:
    error = engine_error(fault)
    assert isinstance(error, EngineRejected)
    assert f"The permission {permission} is missing." in error.problem
    assert "arn:" not in str(error)


class _Bucket:
    """A client of S3 that may write and not read."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def put_object(self, **request: Any) -> None:
        self.names.add(request["Key"])

    def get_object(self, **_: Any) -> None:
        raise _denied("GetObject")

    def delete_object(self, **request: Any) -> None:
        self.names.discard(request["Key"])


class _Access:
    def __init__(self, bucket: _Bucket) -> None:
        self._bucket = bucket

    def client(self, _: str) -> _Bucket:
        return self._bucket


async def test_a_check_that_fails_leaves_nothing_behind() -> None:
    bucket = _Bucket()
    access = cast(AwsAccess, _Access(bucket))
    objects = Objects(access, "b", prefix="p/", kms_key=None)
    with pytest.raises(EngineRejected, match="s3:GetObject"):
        await objects.check("aimed-check")
    assert bucket.names == set()
