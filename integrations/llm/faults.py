"""Faults of the interface as engine errors. None of them repeats what a server wrote.

A server's message may quote the request, and the request is what was said.
"""

from __future__ import annotations

import re
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
import openai

from pipelines.engines.errors import (
    EngineError,
    EngineLimit,
    EngineRejected,
    EngineThrottled,
    EngineUnavailable,
)

ENGINE = "openai"
_TOO_LONG = re.compile(
    r"context.?(?:length|window|size)|maximum context|n_ctx|too many tokens|prompt is too long"
    r"|exceeds? the (?:available|maximum|model)"
)
_FILTERED = re.compile(r"content.?(?:filter|management|policy)|responsibleai")
_QUOTA = re.compile(r"insufficient_quota|exceeded your current quota")
"""Used up, and not merely too much at once: Azure names "quotaincrease" whenever it throttles."""
_LONGEST_WAIT = 3600.0


class TooLong(EngineLimit):
    """The request or the answer does not fit the model: less at once may."""


def too_long() -> TooLong:
    """Even one piece of the transcript does not fit."""
    return TooLong(
        ENGINE,
        "The transcript does not fit the model.",
        "Lower AIMED_LLM__PART_TOKENS, raise AIMED_LLM__OUTPUT_TOKENS, or take a model with a "
        "larger context.",
    )


def cut() -> TooLong:
    """The server read a part of the request only, and said nothing of it but the count."""
    return TooLong(
        ENGINE,
        "The model's server cuts what it is sent: its context is too short.",
        "Start it with a larger context (OLLAMA_CONTEXT_LENGTH), or lower AIMED_LLM__PART_TOKENS.",
    )


def filtered() -> EngineLimit:
    """A content filter of the provider withheld the answer; another visit may pass it."""
    return EngineLimit(
        ENGINE,
        "A content filter of the provider withholds the answer.",
        "Ask the provider for a deployment whose filter lets medical talk pass.",
    )


def refused() -> EngineLimit:
    """The model itself declines; it may well write the note of another visit."""
    return EngineLimit(
        ENGINE, "The model declines to write this note.", "Take another model, or let rules draft."
    )


def late() -> EngineUnavailable:
    """No answer, or not the end of it, in time."""
    return EngineUnavailable(
        ENGINE,
        "The answer takes too long.",
        "Look at the load of the model's server, or raise AIMED_LLM__SECONDS.",
    )


def broken_off() -> EngineUnavailable:
    """The connection ended in the middle of the answer."""
    return EngineUnavailable(
        ENGINE, "The answer broke off.", "Look at the log of the model's server."
    )


def formless() -> EngineUnavailable:
    """The answer is no note."""
    return EngineUnavailable(
        ENGINE,
        "The model's answer has not the form of a note.",
        "If it stays so, take a larger model or one that knows structured output.",
    )


def translate(error: Exception) -> EngineError:
    """The engine error that a fault of the client or its transport means."""
    if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException | TimeoutError):
        return late()
    if isinstance(error, openai.APIConnectionError):
        return _unreachable(error)
    if isinstance(error, openai.APIStatusError):
        return _answered(error)
    if isinstance(error, openai.APIError):
        return _in_stream(error)
    return broken_off()


def _unreachable(error: openai.APIConnectionError) -> EngineError:
    causes: list[BaseException | None] = [error.__cause__]
    while (last := causes[-1]) is not None and len(causes) < 8:
        causes.append(last.__cause__ or last.__context__)
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return EngineUnavailable(
            ENGINE,
            "The certificate of the model's server is not trusted.",
            "Name its authority in AIMED_LLM__AUTHORITIES.",
        )
    return EngineUnavailable(
        ENGINE,
        "The model's server cannot be reached.",
        "Check AIMED_LLM__BASE_URL, AIMED_LLM__PROXY and the network.",
    )


def _answered(error: openai.APIStatusError) -> EngineError:
    status, said = error.status_code, words_of(error)
    wait = retry_after(error.response.headers)
    if status == 429:
        return _throttled(said, wait)
    if _TOO_LONG.search(said) or status == 413:
        return too_long()
    if status in (400, 403, 422) and _FILTERED.search(said):
        return filtered()
    if status == 503 and wait is not None:
        return _throttled(said, wait)
    if status in (408, 409, 425) or status >= 500:
        return EngineUnavailable(
            ENGINE, f"The model's server fails ({status}).", "Look at its log or status page."
        )
    return _rejected(status)


def _throttled(said: str, wait: float | None) -> EngineError:
    if wait is None and _QUOTA.search(said):
        return EngineRejected(
            ENGINE, "The quota is used up.", "Raise the quota or pay the bill of the provider."
        )
    action = "Wait, or ask the provider for a higher rate."
    return EngineThrottled(ENGINE, "Too many requests.", action, wait)


def _rejected(status: int) -> EngineRejected:
    if status in (401, 403):
        action = "Check AIMED_LLM__API_KEY and what the key may do."
        return EngineRejected(ENGINE, f"The key is refused ({status}).", action)
    if status == 404:
        action = "Check AIMED_LLM__MODEL and AIMED_LLM__BASE_URL."
        return EngineRejected(ENGINE, "Model or address are not known there (404).", action)
    return EngineRejected(
        ENGINE,
        f"The request is refused ({status}).",
        "Check the settings AIMED_LLM__... against what the server supports.",
    )


def _in_stream(error: openai.APIError) -> EngineError:
    said = words_of(error)
    if _TOO_LONG.search(said):
        return too_long()
    if _FILTERED.search(said):
        return filtered()
    if "rate" in said and "limit" in said:
        return EngineThrottled(ENGINE, "Too many requests.", "Wait a little.")
    return broken_off()


def words_of(error: openai.APIError) -> str:
    """What the server wrote, in lower case: to be searched, never shown."""
    return " ".join(str(each) for each in (error, error.code, error.param, error.body)).lower()


def retry_after(headers: httpx2.Headers) -> float | None:
    """Seconds to wait as `retry-after-ms` or `Retry-After` say (RFC 9110 section 10.2.3)."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return min(milliseconds / 1000, _LONGEST_WAIT)
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is None and text:
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        sent = _date(headers) or datetime.now(UTC)
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - sent).total_seconds()
    return None if seconds is None else min(max(seconds, 0.0), _LONGEST_WAIT)


def _date(headers: httpx2.Headers) -> datetime | None:
    try:
        at = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    return at.replace(tzinfo=at.tzinfo or UTC)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if value >= 0 else None
