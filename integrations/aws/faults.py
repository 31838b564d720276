"""Faults of botocore as engine errors. Neither keys nor what was sent are in the texts."""

from __future__ import annotations

import re

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    MetadataRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from pipelines.engines.errors import (
    EngineError,
    EngineLimit,
    EngineRejected,
    EngineThrottled,
    EngineUnavailable,
)

ENGINE = "aws"
NO_REGION = "Set AIMED_AWS__REGION."
NO_CREDENTIALS = (
    "Give this process a role, a profile by AIMED_AWS__PROFILE, or keys by AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY."
)

_THROTTLES = {
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_OVER_QUOTA = {"ServiceQuotaExceededException", "EntityTooLarge"}
_PERMISSION = {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "Forbidden", "403"}
_ABSENT = {"NoSuchBucket", "404"}
_CONFLICT = {"ConflictException"}
_NAMED = re.compile(r"not authorized to perform: ((?:s3|kms|transcribe|sts):[A-Za-z]{1,60})\b")
"""The one thing of the service's own words that is passed on."""
_NEEDED = {"HeadObject": "s3:GetObject"}
"""Permissions that are not called as what they permit."""


def engine_error(fault: BotoCoreError | ClientError) -> EngineError:
    """The engine error that says what follows from a fault of botocore."""
    if isinstance(fault, ClientError):
        return _of_answer(fault)
    if isinstance(fault, NoRegionError):
        return EngineRejected(ENGINE, "No region is known.", NO_REGION)
    if isinstance(fault, ProfileNotFound):
        return EngineRejected(
            ENGINE, "There is no such profile.", "See AIMED_AWS__PROFILE and the AWS config file."
        )
    if isinstance(fault, NoCredentialsError | PartialCredentialsError):
        return EngineRejected(
            ENGINE,
            "No credentials were found.",
            NO_CREDENTIALS,
        )
    if isinstance(fault, CredentialRetrievalError | MetadataRetrievalError):
        # The endpoint of a container or a machine is away for seconds, and visits go on.
        return EngineUnavailable(
            ENGINE,
            f"The credentials could not be fetched ({type(fault).__name__}).",
            "If it stays so, see to the role of the container or machine, or to the profile.",
        )
    if isinstance(fault, HTTPClientError | ConnectionError):
        return EngineUnavailable(
            ENGINE,
            f"The service cannot be reached ({type(fault).__name__}).",
            "See to the network, the region and AIMED_AWS__ENDPOINT.",
        )
    return EngineRejected(
        ENGINE,
        f"The request could not be made ({type(fault).__name__}).",
        "See to the AWS settings and configuration files.",
    )


def _of_answer(fault: ClientError) -> EngineError:
    code = str(fault.response.get("Error", {}).get("Code", ""))
    status = int(fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    what = f"{fault.operation_name} was answered with {code or status}."
    if code in _THROTTLES or status == 429:
        return EngineThrottled(ENGINE, what, "Wait, or ask AWS for a higher quota.")
    if code in _OVER_QUOTA:
        return EngineLimit(ENGINE, what, "Ask AWS for a higher quota.")
    if code in _CONFLICT or status >= 500:
        return EngineUnavailable(ENGINE, what, "Try again later; see the AWS Health Dashboard.")
    if code in _PERMISSION:
        return _refused(fault, what)
    if code in _ABSENT:
        return EngineRejected(ENGINE, what, "See to the name of the bucket and to the region.")
    return EngineRejected(ENGINE, what, "See to the credentials, the region and the AWS settings.")


def _refused(fault: ClientError, what: str) -> EngineRejected:
    named = _NAMED.search(str(fault.response.get("Error", {}).get("Message", "")))
    operation = str(fault.operation_name)
    if named:
        missing = named.group(1)
    elif operation.endswith("Object"):
        missing = _NEEDED.get(operation, f"s3:{operation}")
    else:
        missing = ""
    lacks = f" The permission {missing} is missing." if missing else ""
    return EngineRejected(
        ENGINE,
        what + lacks,
        "Give the role the policy that `aimed check engines --iam-policy` prints.",
    )
