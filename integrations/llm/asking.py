"""One question and its answer, streamed so that a server that hangs is noticed early."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai
from openai import AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from integrations.llm import faults
from integrations.llm.settings import LlmSettings
from pipelines.engines.errors import EngineError

_CHARACTERS_A_TOKEN = 16
"""An answer of more characters for each allowed token comes from a server without a limit."""


@dataclass
class Reply:
    """What came back. `tokens` are those sent and received, None when the server does not say."""

    text: str = ""
    finish: str | None = None
    refusal: bool = False
    sent: int | None = None
    received: int | None = None
    _pieces: list[str] = field(default_factory=list)

    def take(self, chunk: ChatCompletionChunk) -> None:
        """Add one piece."""
        if chunk.usage is not None:
            self.sent, self.received = chunk.usage.prompt_tokens, chunk.usage.completion_tokens
        for choice in chunk.choices or ():
            self.finish = choice.finish_reason or self.finish
            if choice.delta is not None:
                self.refusal = self.refusal or bool(choice.delta.refusal)
                self._pieces.append(choice.delta.content or "")

    @classmethod
    def of(cls, completion: ChatCompletion) -> Reply:
        """The reply of a server that answers at once."""
        reply = cls()
        if completion.usage is not None:
            reply.sent = completion.usage.prompt_tokens
            reply.received = completion.usage.completion_tokens
        for choice in completion.choices or ():
            reply.finish = choice.finish_reason
            reply.refusal = bool(choice.message.refusal)
            reply.text = choice.message.content or ""
        return reply

    def length(self) -> int:
        """Characters so far."""
        return sum(map(len, self._pieces))

    def ended(self) -> Reply:
        """The reply with its text put together."""
        self.text = "".join(self._pieces)
        return self


async def ask(client: AsyncOpenAI, request: Mapping[str, Any], settings: LlmSettings) -> Reply:
    """Send `request` and return the whole answer.

    Raises `openai.APIStatusError` for a status that refuses, and the four engine errors for
    everything else. Time: `settings.seconds` in all, `idle_seconds` between two pieces.
    """
    try:
        async with asyncio.timeout(settings.seconds):
            stream = await client.chat.completions.create(**request, stream=True)
            async with stream:
                return await _whole(stream) or await _collect(stream, settings)
    except (openai.APIStatusError, EngineError):
        raise
    except (openai.OpenAIError, httpx2.HTTPError, TimeoutError, ValueError, OSError) as error:
        # ValueError: a piece that is no JSON. The cause would carry the piece into a traceback.
        raise faults.translate(error) from None


async def _whole(stream: AsyncStream[ChatCompletionChunk]) -> Reply | None:
    """The one completion of a gateway that does not stream; None when pieces follow.

    The type is not taken at its word: some servers send pieces under that of JSON.
    """
    response = stream.response
    if "json" not in response.headers.get("content-type", "").lower():
        return None
    if not (await _read(response)).lstrip().startswith(b"{"):
        return None
    found = json.loads(response.content)
    if found.get("error"):
        raise openai.APIError(str(found["error"]), response.request, body=found["error"])
    return Reply.of(ChatCompletion.model_validate(found))


async def _read(response: httpx2.Response) -> bytes:
    try:
        return await response.aread()
    except httpx2.TimeoutException:
        raise
    except httpx2.HTTPError:
        raise faults.broken_off() from None


async def _collect(stream: AsyncStream[ChatCompletionChunk], settings: LlmSettings) -> Reply:
    reply, pieces = Reply(), aiter(stream)
    wait = settings.seconds
    while True:
        try:
            async with asyncio.timeout(wait):
                chunk = await anext(pieces, None)
        except openai.APITimeoutError:
            raise
        except openai.APIConnectionError:
            # It was connected: what the client calls a connection error is an early end.
            raise faults.broken_off() from None
        if chunk is None:
            return reply.ended()
        reply.take(chunk)
        if reply.length() > settings.output_tokens * _CHARACTERS_A_TOKEN:
            reply.finish = "length"
            return reply.ended()
        wait = settings.idle_seconds
