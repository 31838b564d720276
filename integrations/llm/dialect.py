"""What a server understands of the interface, learned from its refusals and remembered.

Servers that call themselves OpenAI-compatible differ in how the form of an answer is demanded,
in what the limit of its length is called, and in what they refuse to be told. A refusal that
names such a thing is no failure: the request is made once more without it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any
from urllib.parse import urlsplit

import openai

from integrations.llm.faults import words_of
from integrations.llm.prompts import Prompt
from integrations.llm.settings import LlmSettings

_FORM = re.compile(
    r"response_format|response format|json_schema|json_object|structured|schema|gramma"
)
_LIMIT = re.compile(r"max_tokens|max_completion_tokens")
_TEMPERATURE = re.compile(r"temperature")
_SEED = re.compile(r"\bseed\b")
_USAGE = re.compile(r"stream_options|include_usage")
_SYSTEM = re.compile(r"system (?:role|message)|roles must alternate|role.{0,20}system")
_REFUSALS = (400, 404, 405, 415, 422, 500, 501)


class Form(IntEnum):
    """How the form of the answer is demanded, from the strictest to a mere request."""

    JSON_SCHEMA = 0
    JSON_OBJECT_WITH_SCHEMA = 1
    """llama.cpp and others take the schema beside `json_object`."""
    JSON_OBJECT = 2
    PROMPT = 3


_FIRST = {
    "auto": Form.JSON_SCHEMA,
    "json_schema": Form.JSON_SCHEMA,
    "json_object": Form.JSON_OBJECT,
    "prompt": Form.PROMPT,
}


@dataclass(frozen=True)
class Dialect:
    """One way to ask. `proven` once a server has answered to it."""

    form: Form
    fixed: bool
    """Whether the operator named the form, so that no other is tried."""
    limit: str
    renamed: bool = False
    temperature: bool = True
    seed: bool = True
    usage: bool = True
    system: bool = True
    proven: bool = False

    @classmethod
    def of(cls, settings: LlmSettings) -> Dialect:
        """What to begin with. Local servers often know `max_tokens` alone and ignore the other."""
        own = urlsplit(settings.base_url).hostname == "api.openai.com"
        return cls(
            form=_FIRST[settings.structure],
            fixed=settings.structure != "auto",
            limit="max_completion_tokens" if own else "max_tokens",
            temperature=settings.temperature is not None,
            seed=settings.seed is not None,
        )

    def request(self, settings: LlmSettings, prompt: Prompt, data: str) -> dict[str, Any]:
        """The body of a chat completion, without `stream`."""
        body: dict[str, Any] = {
            "model": settings.model,
            "messages": self._messages(prompt, data),
            self.limit: settings.output_tokens,
        }
        if self.temperature:
            body["temperature"] = settings.temperature
        if self.seed:
            body["seed"] = settings.seed
        if self.usage:
            body["stream_options"] = {"include_usage": True}
        if demanded := self._response_format(prompt):
            body["response_format"] = demanded
        return body

    def after(self, error: openai.APIStatusError) -> Dialect | None:
        """Another way to ask that may please this server; None when the refusal is final."""
        if error.status_code not in _REFUSALS:
            return None
        said = words_of(error)
        for pattern, change in self._changes():
            if pattern.search(said):
                return replace(self, **change)
        if _FORM.search(said) or (not self.proven and error.status_code in (400, 422)):
            return self._looser()
        return None

    def _changes(self) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
        limits = ["max_tokens", "max_completion_tokens"]
        limits.remove(self.limit)
        other: dict[str, Any] = {"limit": limits[0], "renamed": True}
        changes: list[tuple[bool, re.Pattern[str], dict[str, Any]]] = [
            (not self.renamed, _LIMIT, other),
            (self.temperature, _TEMPERATURE, {"temperature": False}),
            (self.seed, _SEED, {"seed": False}),
            (self.usage, _USAGE, {"usage": False}),
            (self.system, _SYSTEM, {"system": False}),
        ]
        return [(pattern, change) for open, pattern, change in changes if open]

    def _looser(self) -> Dialect | None:
        if self.fixed or self.form is Form.PROMPT:
            return None
        return replace(self, form=Form(self.form + 1))

    def _messages(self, prompt: Prompt, data: str) -> list[dict[str, str]]:
        if not self.system:
            return [{"role": "user", "content": f"{prompt.system}\n\nThe data:\n\n{data}"}]
        return [{"role": "system", "content": prompt.system}, {"role": "user", "content": data}]

    def _response_format(self, prompt: Prompt) -> dict[str, Any] | None:
        if self.form is Form.JSON_SCHEMA:
            named = {"name": "consultation_note", "strict": True, "schema": prompt.schema}
            return {"type": "json_schema", "json_schema": named}
        if self.form is Form.JSON_OBJECT_WITH_SCHEMA:
            return {"type": "json_object", "schema": prompt.schema}
        return {"type": "json_object"} if self.form is Form.JSON_OBJECT else None
