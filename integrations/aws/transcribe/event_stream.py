"""Messages of the event stream encoding: ours are made here, theirs are read by botocore.

https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream
A message is: total length, length of headers, CRC-32 of these eight bytes, headers, payload, CRC-32
of all before. Numbers are unsigned, 32 bits, big endian.
"""

from __future__ import annotations

import json
import struct
from binascii import crc32
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.eventstream import EventStreamBuffer, ParserError

from integrations.aws.faults import ENGINE
from pipelines.engines.errors import EngineUnavailable

_STRING = 7
_OVERHEAD = 16
_AUDIO = {
    ":content-type": "application/octet-stream",
    ":event-type": "AudioEvent",
    ":message-type": "event",
}


def encode(headers: dict[str, str], payload: bytes) -> bytes:
    """One message whose headers are strings."""
    head = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack("!II", _OVERHEAD + len(head) + len(payload), len(head))
    message = prelude + struct.pack("!I", crc32(prelude)) + head + payload
    return message + struct.pack("!I", crc32(message))


def audio_event(pcm: bytes) -> bytes:
    """Audio for the service; without any it says that the audio ends."""
    return encode(_AUDIO, pcm)


@dataclass(frozen=True)
class Message:
    """One message of the service. `name` is the type of event or exception, `body` its JSON."""

    kind: str
    name: str
    body: dict[str, Any]


class MessageReader:
    """Bytes in, messages out, however they are cut."""

    def __init__(self) -> None:
        self._buffer = EventStreamBuffer()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that `data` completes. Raises `EngineUnavailable` for what is none."""
        try:
            self._buffer.add_data(data)
            for found in self._buffer:
                yield _message(found.headers, found.payload)
        except (ParserError, ValueError, KeyError, struct.error):
            raise EngineUnavailable(
                ENGINE,
                "The service sent something that is no event.",
                "If it stays so, see what stands between this server and AWS.",
            ) from None


def _message(headers: dict[str, Any], payload: bytes) -> Message:
    kind = str(headers[":message-type"])
    named = {"event": ":event-type", "exception": ":exception-type"}.get(kind, ":error-code")
    body = json.loads(payload) if payload else {}
    if not isinstance(body, dict):
        raise ValueError("not an object")
    return Message(kind, str(headers[named]), body)


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return struct.pack("!B", len(key)) + key + struct.pack("!BH", _STRING, len(text)) + text
