"""What an operator may set about the language model that drafts notes."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class LlmSettings(BaseModel):
    """A server of the OpenAI interface, the model on it, and what a note may cost."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    provider: Literal["openai", "azure"] = Field(
        default="openai",
        description="`openai` for OpenAI itself, vLLM, Ollama, llama.cpp and gateways; `azure` for "
        "Azure OpenAI.",
    )
    model: str | None = Field(
        default=None,
        description="Name of the model, of the deployment on Azure. Unless set, rules draft.",
    )
    base_url: str = Field(
        default="https://api.openai.com/v1",
        description="Address of the interface, such as `http://127.0.0.1:11434/v1`; on Azure the "
        "endpoint of the resource. `https` unless it is this machine.",
    )
    plain_http: bool = Field(
        default=False,
        description="Whether what was said may go to another machine unencrypted, in a network "
        "that is trusted.",
    )
    api_key: SecretStr = Field(
        default=SecretStr(""), description="Key of the interface; empty for a server without keys."
    )
    api_version: str = Field(
        default="2024-10-21", description="Version of the interface, for Azure alone."
    )
    organization: str | None = Field(
        default=None, description="OpenAI organisation that is charged, if not the key's own."
    )
    authorities: Path | None = Field(
        default=None, description="PEM file of certificate authorities to trust beside the usual."
    )
    proxy: str | None = Field(
        default=None,
        repr=False,
        description="Proxy to go through, such as `http://proxy:3128`. Proxies of the environment "
        "are not used.",
    )
    prompt: int = Field(default=1, ge=1, description="Version of the prompt.")
    language: str = Field(default="English", description="Language that the note is written in.")
    structure: Literal["auto", "json_schema", "json_object", "prompt"] = Field(
        default="auto",
        description="How the form of the answer is enforced. `auto` begins with a JSON schema and "
        "falls back as the server refuses.",
    )
    temperature: float | None = Field(
        default=0.0, ge=0, le=2, description="Randomness; not sent when the model refuses it."
    )
    seed: int | None = Field(
        default=1, description="Seed, for servers that honour one; not sent when refused."
    )
    output_tokens: int = Field(
        default=2048, ge=64, description="Longest answer, in tokens. Models that think need more."
    )
    part_tokens: int = Field(
        default=3000,
        ge=100,
        description="Transcript, in tokens, that is drafted at once; a longer visit is drafted in "
        "parts. Prompt, part and answer must fit the model's context together.",
    )
    draft_tokens: int = Field(
        default=60_000,
        ge=1000,
        description="Most tokens, sent and received, that one draft of a note may use.",
    )
    seconds: float = Field(default=60, gt=0, description="Longest wait for one answer to its end.")
    idle_seconds: float = Field(
        default=20, gt=0, description="Longest wait for the next piece of an answer."
    )
    draft_seconds: float = Field(
        default=180, gt=0, description="Longest time that one draft of a note may take."
    )
    live_seconds: float = Field(
        default=30, ge=0, description="Least time between two drafts while a consultation runs."
    )

    @model_validator(mode="after")
    def _encrypted(self) -> LlmSettings:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(
                "the address of the model is one such as https://llm.clinic.example/v1"
            )
        if parts.username or parts.password:
            raise ValueError("the key of the model has a setting of its own, not in its address")
        if parts.scheme == "http" and not self.plain_http and not _is_loopback(parts.hostname):
            raise ValueError("another machine is called by https, or with AIMED_LLM__PLAIN_HTTP")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
