"""The least that IAM has to allow for the settings, from a template.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from integrations.aws.settings import AwsSettings

_VERSION = "2012-10-17"


def iam_policy(settings: AwsSettings, *, streaming: bool = True) -> dict[str, Any]:
    """A policy document; `streaming` where consultations are transcribed live.

    `sts:AssumeRole` belongs to whoever assumes the role; the rest belongs to the role.
    """
    batch, recordings = settings.batch, settings.recordings
    used = {
        "streaming": streaming,
        "batch": batch.bucket,
        "batch_key": batch.bucket and batch.kms_key,
        "recordings": recordings.bucket,
        "recordings_key": recordings.bucket and recordings.kms_key,
        "role": settings.role.arn,
    }
    names = {
        "{partition}": _partition(settings.region),
        "{batch_bucket}": batch.bucket or "",
        "{batch_prefix}": batch.prefix,
        "{batch_key}": batch.kms_key or "",
        "{recordings_bucket}": recordings.bucket or "",
        "{recordings_prefix}": recordings.prefix,
        "{recordings_key}": recordings.kms_key or "",
        "{role}": settings.role.arn or "",
    }
    statements = [
        _filled(one["statement"], names)
        for one in _template()
        if used[one["needed_for"]] and one.get("kind") in {None, settings.transcribe.kind}
    ]
    return {"Version": _VERSION, "Statement": statements}


def _template() -> list[dict[str, Any]]:
    file = resources.files("integrations.aws.permissions") / "iam_policy.json"
    found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["statements"]
    return found


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, names) for one in value]
    for name, text in names.items():
        value = value.replace(name, text)
    return value


def _partition(region: str | None) -> str:
    if region and region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region and region.startswith("us-gov-") else "aws"
