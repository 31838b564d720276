"""Objects of one S3 bucket, encrypted by a KMS key; boto3 works in threads.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable
from typing import IO, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from integrations.aws.credentials import AwsAccess
from integrations.aws.faults import engine_error

Result = TypeVar("Result")

_IN_MEMORY = 8 * 1024 * 1024
"""Bytes that are put together in memory; more goes to a temporary file."""

_PIECE = 1024 * 1024
_HIDDEN = {"403", "404", "NoSuchKey"}


class Objects:
    """Reads and writes below one prefix. Everything raises `EngineError`."""

    def __init__(self, access: AwsAccess, bucket: str, *, prefix: str, kms_key: str | None) -> None:
        self._access = access
        self._bucket = bucket
        self._prefix = prefix
        self._kms_key = kms_key
        self._client: Any = None

    def key(self, name: str) -> str:
        """The object's name in the bucket."""
        return self._prefix + name

    def uri(self, name: str) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self._bucket}/{self.key(name)}"

    async def put(self, name: str, content: AsyncIterator[bytes], content_type: str) -> str:
        """Store `content` and return its SHA-256 in hexadecimal digits, which S3 checked too."""
        digest = hashlib.sha256()
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
            async for piece in content:
                digest.update(piece)
                await asyncio.to_thread(file.write, piece)
            file.seek(0)
            checksum = base64.b64encode(digest.digest()).decode("ascii")
            await self._call(lambda client: self._put(client, name, file, content_type, checksum))
        return digest.hexdigest()

    async def read(self, name: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `stop`, in pieces."""
        while start < stop:
            end = min(start + _PIECE, stop)
            piece = await self._call(lambda client: self._get(client, name, start, end))  # noqa: B023
            if not piece:
                return
            start += len(piece)
            yield piece

    async def whole(self, name: str) -> bytes:
        """All of a small object."""
        return await self._call(
            lambda client: bytes(
                client.get_object(Bucket=self._bucket, Key=self.key(name))["Body"].read()
            )
        )

    async def size(self, name: str) -> int | None:
        """The object's bytes, None if there is no such object, or none that may be looked at.

        S3 answers 403 and not 404 for what is not there to whoever must not list the bucket, and a
        permission to list one prefix does not count: the request names none.
        """

        def look(client: Any) -> int | None:
            try:
                return int(
                    client.head_object(Bucket=self._bucket, Key=self.key(name))["ContentLength"]
                )
            except ClientError as fault:
                if fault.response["Error"]["Code"] in _HIDDEN:
                    return None
                raise

        return await self._call(look)

    async def delete(self, name: str) -> None:
        """Remove an object; harmless when there is none."""
        await self._call(
            lambda client: client.delete_object(Bucket=self._bucket, Key=self.key(name))
        )

    async def check(self, name: str) -> None:
        """Write, read and remove an object without content: all that is ever done here."""
        await self.put(name, _nothing(), "application/octet-stream")
        try:
            await self.whole(name)
        finally:
            await self.delete(name)

    def _put(
        self, client: Any, name: str, file: IO[bytes], content_type: str, checksum: str
    ) -> None:
        # "aws:kms" without a key would be the account's aws/s3, whatever the bucket's default is.
        named = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self._kms_key}
        more = named if self._kms_key else {}
        client.put_object(
            Bucket=self._bucket,
            Key=self.key(name),
            Body=file,
            ContentType=content_type,
            ChecksumSHA256=checksum,
            **more,
        )

    def _get(self, client: Any, name: str, start: int, stop: int) -> bytes:
        answer = client.get_object(
            Bucket=self._bucket, Key=self.key(name), Range=f"bytes={start}-{stop - 1}"
        )
        return bytes(answer["Body"].read())

    async def _call(self, work: Callable[[Any], Result]) -> Result:
        def run() -> Result:
            if self._client is None:
                self._client = self._access.client("s3")
            try:
                return work(self._client)
            except (BotoCoreError, ClientError) as fault:
                raise engine_error(fault) from None

        return await asyncio.to_thread(run)


async def _nothing() -> AsyncIterator[bytes]:
    yield b""
