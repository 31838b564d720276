"""Visits and drafters for the tests of the language model."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from integrations.llm.drafter import LlmDrafter
from integrations.llm.settings import LlmSettings
from pipelines.ports import NoteDraft, Role, Segment
from tests.stand_ins.openai_server import KEY, MODEL, OpenAiServer

D, P = Role.DOCTOR, Role.PATIENT
VISIT = [
    (P, "I've had chest pain for three weeks."),
    (D, "Any fever?"),
    (P, "No."),
    (P, "I take lisinopril ten milligrams once a day."),
    (D, "Your blood pressure today is one eighty two over one hundred and twelve."),
    (D, "We'll get an ECG today and start amlodipine five milligrams."),
]


def spoken(turns: list[tuple[Role, str]]) -> list[Segment]:
    return [
        Segment(f"s{at}", 0, role, float(at), at + 1.0, text, 0.9)
        for at, (role, text) in enumerate(turns, start=1)
    ]


def settings(server: OpenAiServer, **changes: Any) -> LlmSettings:
    plain = {
        "provider": "azure" if server.azure else "openai",
        "model": MODEL,
        "base_url": server.url,
        "api_key": KEY,
        "seconds": 60,
        "idle_seconds": 60,
    }
    return LlmSettings.model_validate({**plain, **changes})


def drafter(
    server: OpenAiServer, *, monotonic: Callable[[], float] = time.monotonic, **changes: Any
) -> LlmDrafter:
    """A drafter, made outside the event loop as in production: it reads files."""
    wanted = settings(server, **changes)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: LlmDrafter(wanted, monotonic=monotonic)).result()


def texts(draft: NoteDraft) -> list[str]:
    return [one.text for found in draft.sections.values() for one in found]
