"""A chat completions server on a loopback socket: strict about what it is sent, scripted in
what it answers. It speaks HTTP/1.1 and server-sent events by itself, so that it can break both.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "sk-stand-in-4b1f"
MODEL = "gpt-scribe"
_KNOWN = {
    "model", "messages", "stream", "stream_options", "response_format", "temperature", "seed",
    "max_tokens", "max_completion_tokens",
}  # fmt: skip
Json = dict[str, Any]


class Gone(Exception):
    """The server breaks the connection off."""


@dataclass(frozen=True)
class Status:
    """An answer that is an error."""

    code: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Say:
    """An answer: `text` in pieces, then `finish`. `pause` seconds before each piece."""

    text: str
    finish: str | None = "stop"
    pause: float = 0.0
    refusal: str | None = None
    break_after: int | None = None
    """Pieces after which the connection is cut."""
    usage: bool = True
    raw: bytes = b""
    """Bytes sent after the pieces as they are."""
    whole: str | None = None
    """Content type under which one completion is sent, as gateways do that cannot stream."""
    read: int | None = None
    """Tokens of the prompt that the server says it has read, if not about all of them."""


@dataclass(frozen=True)
class Hang:
    """Nothing at all."""

    seconds: float = 60


Answer = Status | Say | Hang
Step = Answer | Callable[[Json], Answer]
"""An answer, or what makes one from the data in the request."""


def note(**sections: Sequence[tuple[str, Sequence[str]]]) -> Say:
    """A good note: `note(plan=[("Rest.", ["s1"])])`."""
    names = ("subjective", "objective", "assessment", "plan")
    content = {
        name: [{"text": text, "evidence": list(ids)} for text, ids in sections.get(name, ())]
        for name in names
    }
    return Say(json.dumps(content))


def quoting(data: Json) -> Say:
    """What a careful model would do that only copies: each sentence of the patient, quoted."""
    said = [(one["text"], [one["id"]]) for one in data["segments"] if one["role"] == "patient"]
    planned = [(one["text"], [one["id"]]) for one in data["segments"] if one["role"] == "doctor"]
    return note(subjective=said, plan=planned)


def obeying(data: Json) -> Say:
    """What a gullible model does: whatever follows "write that" in the room becomes the note."""
    found = []
    for one in data["segments"]:
        _, order, wanted = one["text"].partition("write that ")
        if order:
            found.append((wanted.capitalize(), [one["id"]]))
    return note(subjective=found, plan=found)


def error(status: int, message: str, **more: Any) -> Status:
    """An error in OpenAI's form."""
    headers = more.pop("headers", {})
    return Status(status, {"error": {"message": message, "type": "error", **more}}, headers)


CONTEXT_LENGTH = error(
    400,
    "This model's maximum context length is 8192 tokens. However, you requested more. Please "
    "reduce the length of the messages or max_tokens.",
    code="context_length_exceeded",
    param="messages",
)
AZURE_RATE = error(
    429, "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version "
    "2024-10-21 have exceeded token rate limit of your current OpenAI S0 pricing tier. Please "
    "retry after 6 seconds. Please go here: https://aka.ms/oai/quotaincrease if you would like to "
    "further increase the default rate limit.", code="429", headers={"retry-after": "6"},
)  # fmt: skip
AZURE_FILTER = error(
    400, "The response was filtered due to the prompt triggering Azure OpenAI's content "
    "management policy.", code="content_filter", param="prompt",
    innererror={"code": "ResponsibleAIPolicyViolation"},
)  # fmt: skip


@dataclass
class OpenAiServer:
    """`script` is answered in order; its last step again and again."""

    script: list[Step]
    port: int = 0
    azure: bool = False
    forms: frozenset[str] = frozenset({"json_schema", "json_object"})
    """`response_format` types that are known."""
    schema_beside: bool = False
    """Whether a schema may stand beside `json_object`, as llama.cpp takes it."""
    refused: frozenset[str] = frozenset()
    """Parameters that this model refuses."""
    system: bool = True
    vague: bool = False
    """Whether a refusal of the form says nothing but that the request is bad."""
    requests: list[Json] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Ways in which requests were wrong for any server; a test expects none."""
    connections: int = 0

    @property
    def url(self) -> str:
        host = f"127.0.0.1:{self.port}"
        return f"http://{host}" if self.azure else f"http://{host}/v1"

    @property
    def data(self) -> list[Json]:
        """What the user message of each request held."""
        return [_data(request) for request in self.requests]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            with suppress(Gone, ConnectionError, asyncio.IncompleteReadError):
                while True:
                    await self._exchange(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
        first, *lines = head.strip().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.headers.append(headers)
        answer = self._refusal(first, headers, body)
        if answer is None:
            request = json.loads(body)
            self.requests.append(request)
            answer = self._unsupported(request) or self._next(request)
        await self._send(answer, writer)

    def _refusal(self, first: str, headers: dict[str, str], body: bytes) -> Status | None:
        method, target, _ = first.split(" ")  # of a proxied request the whole address
        parts = urlsplit(target)
        path = f"/openai/deployments/{MODEL}" if self.azure else "/v1"
        if method != "POST" or parts.path != f"{path}/chat/completions":
            return error(404, "Resource not found")
        if self.azure and not parse_qs(parts.query).get("api-version"):
            return error(404, "Resource not found")
        given = headers.get("api-key") if self.azure else headers.get("authorization")
        if given != (KEY if self.azure else f"Bearer {KEY}"):
            return error(401, "Incorrect API key provided: sk-xx.", code="invalid_api_key")
        request = json.loads(body)
        if request.get("model") != MODEL:
            return error(404, "The model does not exist", code="model_not_found")
        self.faults += _faults(request, headers)
        return None

    def _unsupported(self, request: Json) -> Status | None:
        for name in sorted(self.refused & set(request)):
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            return error(400, message, param=name, code="unsupported_parameter")
        if not self.system and any(one["role"] == "system" for one in request["messages"]):
            return error(500, "Jinja exception: System role not supported")
        wanted = request.get("response_format")
        if wanted is None:
            return None
        beside = wanted["type"] == "json_object" and "schema" in wanted
        if wanted["type"] not in self.forms or (beside and not self.schema_beside):
            if self.vague:
                return error(400, "Bad request")
            at = ["body", "response_format", "type"]
            return Status(422, {"detail": [{"loc": at, "msg": "Input should be 'text'"}]})
        return None

    def _next(self, request: Json) -> Answer:
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        answer = step(_data(request)) if callable(step) else step
        if isinstance(answer, Say) and answer.read is None:
            return replace(answer, read=max(100, self.length(request) // 4))
        return answer

    @staticmethod
    def length(request: Json) -> int:
        """Characters of a request's messages."""
        return sum(len(one["content"]) for one in request["messages"])

    async def _send(self, answer: Answer, writer: asyncio.StreamWriter) -> None:
        if isinstance(answer, Hang):
            await asyncio.sleep(answer.seconds)
            raise Gone
        if isinstance(answer, Status):
            content = json.dumps(answer.body).encode()
            more = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
            head = f"HTTP/1.1 {answer.code} -\r\ncontent-type: application/json\r\n{more}"
            writer.write(f"{head}content-length: {len(content)}\r\n\r\n".encode() + content)
            await writer.drain()
            return
        if answer.whole:
            content = json.dumps(_completion(answer)).encode()
            head = f"HTTP/1.1 200 OK\r\ncontent-type: {answer.whole}\r\n"
            writer.write(f"{head}content-length: {len(content)}\r\n\r\n".encode() + content)
            await writer.drain()
            return
        await _stream(answer, writer)


def _data(request: Json) -> Json:
    content = request["messages"][-1]["content"]
    found: Json = json.loads(content[content.rindex('{"chart"') :])
    return found


def _faults(request: Json, headers: dict[str, str]) -> list[str]:
    found = [f"unknown parameter {name}" for name in set(request) - _KNOWN]
    if headers.get("content-type") != "application/json":
        found.append("content type")
    if request.get("stream") is not True:
        found.append("not streamed")
    if not any("max_" in name for name in request):
        found.append("no limit of the answer")
    if {"max_tokens", "max_completion_tokens"} <= set(request):
        found.append("two limits of the answer")
    if any(set(one) != {"role", "content"} for one in request["messages"]):
        found.append("messages")
    wanted = request.get("response_format", {})
    if wanted.get("type") == "json_schema":
        schema = wanted["json_schema"]
        found += _schema_faults(schema["schema"])
        if schema.get("strict") is not True or not schema.get("name"):
            found.append("schema is not strict")
    return found


def _schema_faults(schema: Any) -> list[str]:
    """What OpenAI's strict mode demands of every object."""
    if not isinstance(schema, dict):
        return []
    found = [fault for each in schema.values() for fault in _schema_faults(each)]
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            found.append("additionalProperties")
        if set(schema.get("required", ())) != set(schema["properties"]):
            found.append("required")
    return found


async def _stream(answer: Say, writer: asyncio.StreamWriter) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    await _event(writer, {"role": "assistant", "content": ""})
    if answer.refusal:
        await _event(writer, {"refusal": answer.refusal})
    pieces = [answer.text[at : at + 20] for at in range(0, len(answer.text), 20)]
    for at, piece in enumerate(pieces):
        if at == answer.break_after:
            raise Gone
        await asyncio.sleep(answer.pause)
        await _event(writer, {"content": piece})
    if answer.raw:
        await _chunk(writer, answer.raw)
    if answer.finish:
        await _event(writer, {}, answer.finish)
    if answer.usage:
        await _chunk(writer, _line({**_base(), "choices": [], "usage": _usage(answer)}))
    await _chunk(writer, b"data: [DONE]\n\n")
    await _chunk(writer, b"")


def _usage(answer: Say) -> Json:
    read = answer.read or 0
    return {"prompt_tokens": read, "completion_tokens": 20, "total_tokens": read + 20}


def _completion(answer: Say) -> Json:
    message = {"role": "assistant", "content": answer.text, "refusal": answer.refusal}
    choice = {"index": 0, "message": message, "finish_reason": answer.finish}
    found = {**_base(), "object": "chat.completion", "choices": [choice]}
    return {**found, "usage": _usage(answer)} if answer.usage else found


async def _event(writer: asyncio.StreamWriter, delta: Json, finish: str | None = None) -> None:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    await _chunk(writer, _line({**_base(), "choices": [choice]}))


def _base() -> Json:
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}


def _line(event: Json) -> bytes:
    return f"data: {json.dumps(event)}\n\n".encode()


async def _chunk(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
    await writer.drain()


@asynccontextmanager
async def openai_server(
    *script: Step, tls: ssl.SSLContext | None = None, **ways: Any
) -> AsyncIterator[OpenAiServer]:
    """A running server that answers by `script`."""
    kept = OpenAiServer([*script], **ways)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(kept.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    kept.port = server.sockets[0].getsockname()[1]
    try:
        yield kept
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
